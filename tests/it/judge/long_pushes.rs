//! The cost of a push or branch of many steps: folders that are compared again and again,
//! paths of great length, and the budget of a whole push.

use crate::hook::Guarded;
use crate::judge::budgets::{made, measured, tree, with};
use crate::support::Lab;
use crate::support::needs::{TIME, needs};

/// The memory (in KiB) that a verdict may take.
const MEMORY: usize = 256 << 10;

/// Two folders of `count`² subfolders that differ in each pair of subfolders, from only
/// `count` trees each: `count`³ names.
fn pairs(lab: &Lab, count: usize) -> [String; 2] {
    ["old", "new"].map(|text| {
        let folders: Vec<String> = (0..count)
            .map(|n| {
                let blob = made(
                    lab,
                    &["hash-object", "-w", "--stdin"],
                    format!("{text} {n}\n").as_bytes(),
                );
                let files: Vec<_> = (0..count).map(|n| (format!("f{n:03}"), blob.clone())).collect();
                tree(lab, &files)
            })
            .collect();
        let line = |at: usize| {
            let one = |n: usize| match text {
                "old" => folders[at].clone(),
                _ => folders[n].clone(),
            };
            let named: Vec<_> = (0..count).map(|n| (format!("e{n:03}/"), one(n))).collect();
            tree(lab, &named)
        };
        let lines: Vec<_> = (0..count).map(|n| (format!("d{n:03}/"), line(n))).collect();
        tree(lab, &lines)
    })
}

/// A branch of unsigned commits that put these folders at a path in turn.
fn in_turn(lab: &Lab, path: &str, folders: &[String], count: usize) {
    let mut at = lab.git(&["rev-parse", "main"]);
    let trees: Vec<String> = folders.iter().map(|id| with(lab, "main", path, id)).collect();
    for tree in trees.iter().cycle().take(count) {
        at = lab.git(&["commit-tree", "-p", &at, "-m", "a step", tree]);
    }
    lab.git(&["branch", "-f", "worst", &at]);
}

#[test]
fn folders_that_many_steps_compare_are_compared_once_for_a_push() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.change_policy("actors:\n", "protect: [\"**/Dockerfile\"]\nactors:\n");
    let _ = guarded.accepts("admin-1", &["main"]);
    // 64,000 names in each step, also for the search for repositories.
    in_turn(lab, "vendor", &pairs(lab, 40), 30);
    guarded.git(&["config", "modelry.hook.maxNames", "500000"]);
    let _ = guarded.accepts("admin-1", &["worst:main"]);
    let before = lab.git(&["rev-parse", "main"]);
    let _ = lab.ok("admin-1", &["validate", &format!("{before}..worst")]);
    let _ = lab.ok("admin-1", &["validate", "--onto", "main", "worst"]);
}

#[test]
fn a_push_beyond_its_names_is_refused_and_what_landed_is_read() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.change_policy("actors:\n", "protect: [\"**/Dockerfile\"]\nactors:\n");
    let _ = guarded.accepts("admin-1", &["main"]);
    in_turn(lab, "vendor", &pairs(lab, 20), 2);
    guarded.git(&["config", "modelry.hook.maxNames", "8000"]);
    let said = guarded.refuses("admin-1", &["worst:main"]);
    assert!(said.contains("a comparison of more than 8000 names"), "{said}");
    assert!(said.contains("`modelry.hook.maxNames`"), "{said}");
    guarded.git(&["config", "--unset", "modelry.hook.maxNames"]);
    let _ = guarded.accepts("admin-1", &["worst:main"]);
    // The history before the tip is no cost of the next push.
    guarded.git(&["config", "modelry.hook.maxNames", "8000"]);
    lab.git(&["reset", "-q", "--hard", "worst"]);
    lab.register("churn", '2');
    let _ = guarded.accepts("trainer", &["main"]);
    let audit = guarded.says(&["audit"]);
    assert_eq!(audit.code, 0, "{}{}", audit.out, audit.err);
}

/// 97,336 files, each 16 folders of long names deep: the paths would be 375 MB.
#[test]
fn protected_files_of_long_paths_are_a_finding_within_memory() {
    needs![TIME];
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.change_policy("actors:\n", "protect: [\"ci/**\"]\nactors:\n");
    let _ = guarded.accepts("admin-1", &["main"]);
    let folders = ["1\n", "2\n"].map(|text| {
        let blob = made(lab, &["hash-object", "-w", "--stdin"], text.as_bytes());
        let files: Vec<_> = (0..46).map(|n| (format!("f{n:02}"), blob.clone())).collect();
        let mut at = tree(lab, &files);
        for _ in 0..2 {
            let inside: Vec<_> = (0..46).map(|n| (format!("d{n:02}/"), at.clone())).collect();
            at = tree(lab, &inside);
        }
        for _ in 0..16 {
            at = tree(lab, &[(format!("{}/", "n".repeat(240)), at)]);
        }
        at
    });
    in_turn(lab, "ci", &folders, 2);
    let mut push = lab.command("git");
    lab.as_actor(&mut push, "admin-1");
    push.args(["push", "-q"]).arg(&guarded.bare).arg("worst:main");
    push.current_dir(&lab.top);
    for mut command in [
        push,
        lab.modelry("admin-1", &["validate", "main..worst"]),
        lab.modelry("admin-1", &["validate", "--onto", "main", "worst"]),
    ] {
        let (code, _, peak) = measured(&mut command, lab);
        assert_eq!(code, 1, "{command:?}");
        assert!(peak < MEMORY, "{command:?}: {peak} KiB");
    }
    let found = lab.findings("admin-1", &["validate", "main..worst", "-o", "concise"]);
    assert!(
        found.contains("MR113") && found.contains("more than 33554432 bytes"),
        "{found}"
    );
}

#[test]
fn a_vendored_file_named_head_makes_no_repository_without_what_git_reads_beside_it() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.write("vendor/docs/HEAD", "an old release\n");
    lab.write("vendor/docs/notes.txt", "hello\n");
    lab.commit("admin-1", "a library");
    let _ = lab.ok("admin-1", &["audit"]);
    let _ = guarded.accepts("admin-1", &["main"]);
    // Only later does it look like one.
    lab.write("vendor/docs/objects/x", "hello\n");
    lab.commit("admin-1", "more of the library");
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(
        said.contains("MR101") && said.contains("vendor/docs/HEAD"),
        "{said}"
    );
}
