//! The costs of a push: folders that nobody judges, limits that are findings, and the
//! worst pushes of findings and of doubled names, as the system measures them.

use std::process::Command;

use crate::hook::{Guarded, say_to};
use crate::support::needs::{TIME, needs};
use crate::support::{Lab, said};

/// Git in the repository with this on standard input; the id that it prints.
pub fn made(lab: &Lab, arguments: &[&str], input: &[u8]) -> String {
    let mut command = lab.command("git");
    lab.as_actor(&mut command, "admin-1");
    let said = say_to(command.args(arguments).current_dir(&lab.top), input);
    assert_eq!(said.code, 0, "git {arguments:?}: {}", said.err);
    said.out.trim_end().to_owned()
}

pub fn tree(lab: &Lab, entries: &[(String, String)]) -> String {
    let line = |(name, id): &(String, String)| {
        let kind = match name.ends_with('/') {
            true => "040000 tree",
            false => "100644 blob",
        };
        format!("{kind} {id}\t{}\n", name.trim_end_matches('/'))
    };
    let lines: String = entries.iter().map(line).collect();
    made(lab, &["mktree"], lines.as_bytes())
}

/// Writes a folder with this many names, each for the same subfolder, to this depth.
fn bomb(lab: &Lab, names: usize, levels: usize) -> String {
    bomb_of(lab, names, levels, "")
}

/// Such a folder, whose files have names of this end.
fn bomb_of(lab: &Lab, names: usize, levels: usize, end: &str) -> String {
    let blob = made(lab, &["hash-object", "-w", "--stdin"], b"x\n");
    let files: Vec<_> = (0..names)
        .map(|n| (format!("f{n:03}{end}"), blob.clone()))
        .collect();
    let mut at = tree(lab, &files);
    for _ in 1..levels {
        let folders: Vec<_> = (0..names).map(|n| (format!("d{n:03}/"), at.clone())).collect();
        at = tree(lab, &folders);
    }
    at
}

/// A folder this many folders deep, with a file at its end.
fn deep(lab: &Lab, levels: usize) -> String {
    let mut at = bomb(lab, 1, 1);
    for _ in 0..levels {
        at = tree(lab, &[("d/".to_owned(), at)]);
    }
    at
}

/// The tree of `commit` with this tree at a path of one or two names.
pub fn with(lab: &Lab, commit: &str, path: &str, id: &str) -> String {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let listed = lab.git(&["ls-tree", commit]);
    let kept = |listed: &str, name: &str| -> String {
        let other = |line: &&str| !line.ends_with(&format!("\t{name}"));
        listed
            .lines()
            .filter(other)
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let inner = match rest {
        "" => id.to_owned(),
        name => {
            let below = kept(&lab.git(&["ls-tree", &format!("{commit}:{first}")]), name);
            made(
                lab,
                &["mktree"],
                format!("{below}040000 tree {id}\t{name}\n").as_bytes(),
            )
        }
    };
    let top = format!("{}040000 tree {inner}\t{first}\n", kept(&listed, first));
    made(lab, &["mktree"], top.as_bytes())
}

/// A commit of this tree, signed by the administrator.
fn committed(lab: &Lab, parent: &str, tree: &str) -> String {
    lab.git(&["commit-tree", "-S", "-p", parent, "-m", "a step", tree])
}

/// Lands a folder on `main` and takes it back; the first of the two commits.
fn landed_and_reverted(lab: &Lab, path: &str, id: &str) -> String {
    let before = lab.git(&["rev-parse", "main"]);
    let tree = with(lab, "main", path, id);
    let landed = committed(lab, &before, &tree);
    let back = committed(lab, &landed, &format!("{before}^{{tree}}"));
    lab.git(&["update-ref", "refs/heads/main", &back]);
    landed
}

#[test]
fn folders_that_nobody_judges_stop_nothing() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.change_policy("actors:\n", "protect: [\"ci/*\"]\nactors:\n");
    let before = lab.git(&["rev-parse", "main"]);
    let deep = deep(lab, 66);
    let _ = landed_and_reverted(lab, "third_party", &deep);
    // 16,777,216 paths.
    let _ = landed_and_reverted(lab, "vendor", &bomb(lab, 16, 6));
    let _ = guarded.accepts("admin-1", &["main"]);
    let range = format!("{before}..main");
    for arguments in [&["audit"][..], &["events"], &["validate", &range], &["list"]] {
        let _ = lab.ok("admin-1", arguments);
    }
    assert_eq!(lab.says("admin-1", &["resolve", "churn@latest"]).code, 3);
    // An ordinary vendored library, on a branch and on the server.
    let with_library = with(lab, "main", "third_party", &deep);
    let tip = committed(lab, "main", &with_library);
    lab.git(&["branch", "library", &tip]);
    let _ = lab.ok("admin-1", &["validate", "--onto", "main", "library"]);
    let _ = guarded.accepts("admin-1", &["library:main"]);
    // The library does not hide the registry from a search by file name.
    lab.git(&["reset", "-q", "--hard", "library"]);
    let _ = lab.ok("admin-1", &["audit", "--root", &lab.root()]);
}

#[test]
fn a_limit_inside_the_registry_is_a_finding_that_can_be_accepted() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let id = deep(lab, 66);
    let landed = landed_and_reverted(lab, "groups/deep", &id);
    assert!(guarded.refuses("admin-1", &["main"]).contains("MR113"));
    let found = lab.findings("admin-1", &["audit"]);
    assert!(found.contains("MR113"), "{found}");
    assert!(
        !lab.findings("admin-1", &["validate", &format!("{landed}~1..{landed}")])
            .is_empty()
    );
    lab.git(&["reset", "-q", "--hard"]);
    lab.change_policy(
        "actors:\n",
        &format!("acknowledged:\n  - {{commit: \"{landed}\", codes: [MR113], reason: looked at}}\nactors:\n"),
    );
    let _ = lab.ok("admin-1", &["audit"]);
    lab.register("churn", '2');
    let _ = lab.ok("admin-1", &["audit"]);
}

#[test]
fn a_protected_folder_that_is_too_deep_is_a_finding() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.change_policy("actors:\n", "protect: [\"**/Jenkinsfile\"]\nactors:\n");
    let _ = guarded.accepts("admin-1", &["main"]);
    let _ = landed_and_reverted(lab, "third_party", &deep(lab, 66));
    assert!(guarded.refuses("admin-1", &["main"]).contains("MR113"));
}

#[test]
#[ignore = "needs a minute"]
fn a_protected_folder_of_countless_paths_is_a_finding_that_can_be_accepted() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let globs = r#"protect: [".github/**/*.yml", "*/x", "[!c]i/**/run"]"#;
    lab.change_policy("actors:\n", &format!("{globs}\nactors:\n"));
    let _ = guarded.accepts("admin-1", &["main"]);
    // 100,000,000 paths in less than 1 kB; the last glob may match at any of them.
    for (path, end, limit) in [
        (".github", ".yml", "more than 100000 files differ"),
        ("ai", "", "more than 250000 names differ"),
    ] {
        let landed = landed_and_reverted(lab, path, &bomb_of(lab, 10, 8, end));
        let began = std::time::Instant::now();
        assert!(guarded.refuses("admin-1", &["main"]).contains("MR113"));
        let found = lab.findings("admin-1", &["audit"]);
        assert!(found.contains(limit), "{found}");
        lab.git(&["branch", "-f", "worst", &landed]);
        let onto = format!("{landed}~1");
        let found = lab.findings("admin-1", &["validate", "--onto", &onto, "worst"]);
        assert!(found.contains(limit), "{found}");
        // The bound is for an unoptimised build on a busy machine.
        assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
        lab.git(&["reset", "-q", "--hard"]);
        // Taking it back changes as many names.
        let accepted = [landed, lab.git(&["rev-parse", "main"])]
            .map(|commit| format!("  - {{commit: \"{commit}\", codes: [MR113], reason: looked at}}\n"))
            .concat();
        let known = match lab.read("registry.yaml").contains("acknowledged:\n") {
            true => "acknowledged:\n",
            false => "actors:\n",
        };
        let after = known.replace("acknowledged:\n", "");
        lab.change_policy(known, &format!("acknowledged:\n{accepted}{after}"));
        let _ = lab.ok("admin-1", &["audit"]);
        let _ = guarded.accepts("admin-1", &["main"]);
    }
}

#[test]
fn a_folder_that_repeats_itself_below_a_glob_is_compared_once() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.change_policy("actors:\n", "protect: [\".github/**/*.yml\"]\nactors:\n");
    let _ = guarded.accepts("admin-1", &["main"]);
    // No path of these ends in `.yml`.
    let began = std::time::Instant::now();
    let _ = landed_and_reverted(lab, ".github", &bomb(lab, 10, 40));
    let _ = guarded.accepts("admin-1", &["main"]);
    let _ = lab.ok("admin-1", &["audit"]);
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn a_malformed_commit_on_the_mainline_is_a_finding_that_can_be_accepted() {
    for spoilt in [
        |text: &str| format!("{}\n{text}", text.lines().next().expect("a tree")),
        |text: &str| {
            text.replacen("\nauthor ", "\nx\n y\nauthor ", 1)
                .replacen("\nx\n", "\n\u{20}x\n", 1)
        },
        |text: &str| {
            let tree = text.lines().next().expect("a tree");
            text.replacen("\ncommitter ", &format!("\n{tree}\ncommitter "), 1)
        },
    ] {
        let lab = Lab::with_registry();
        lab.git(&["config", "modelry.root", &lab.root()]);
        let plain = lab.git(&["commit-tree", "-p", "main", "-m", "x", "main^{tree}"]);
        let text = lab.git(&["cat-file", "commit", &plain]) + "\n";
        let arguments = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"];
        let bad = made(&lab, &arguments, spoilt(&text).as_bytes());
        let next = committed(&lab, &bad, "main^{tree}");
        lab.git(&["update-ref", "refs/heads/main", &next]);
        let found = lab.findings("admin-1", &["audit"]);
        assert!(found.contains("MR315"), "{found}");
        lab.change_policy(
            "actors:\n",
            &format!(
                "acknowledged:\n  - {{commit: \"{bad}\", codes: [MR315], reason: looked at}}\nactors:\n"
            ),
        );
        for arguments in [&["audit"][..], &["list"], &["events"]] {
            let _ = lab.ok("admin-1", arguments);
        }
    }
}

#[test]
fn a_file_of_that_name_is_no_second_registry() {
    let lab = Lab::with_registry();
    lab.write("docs/registry.yaml", "hello: world\n");
    lab.commit("admin-1", "a file of another tool");
    lab.git(&["config", "--unset-all", "modelry.root"]);
    let _ = lab.ok("admin-1", &["list"]);
    let text = lab.read("registry.yaml");
    lab.write("docs/registry.yaml", &text);
    lab.commit("admin-1", "a second registry");
    let said = lab.says("admin-1", &["list"]);
    assert_eq!(said.code, 2, "{said:?}");
}

/// Runs a command; its code, the bytes that it prints and its peak of memory in KiB, with
/// all that it started, by the account of the system.
pub fn measured(command: &mut Command, lab: &Lab) -> (i32, usize, usize) {
    let file = lab.home().join("peak");
    let mut timed = lab.command("/usr/bin/time");
    timed
        .args(["-f", "%M", "-o"])
        .arg(&file)
        .arg(command.get_program());
    timed.args(command.get_args());
    for (name, value) in command.get_envs() {
        timed.env(name, value.unwrap_or_default());
    }
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    let said = said(&mut timed);
    let peak = std::fs::read_to_string(&file).expect("an account");
    let peak = peak.lines().last().and_then(|line| line.parse().ok());
    (
        said.code,
        said.out.len() + said.err.len(),
        peak.expect("a number"),
    )
}

/// The memory (in KiB) that the worst push of findings or of doubled names may take.
const MEMORY: usize = 256 << 10;
const OUTPUT: usize = 4 << 20;

#[test]
fn the_worst_pushes_stay_within_memory_and_output() {
    needs![TIME];
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let entry = |mode: &str, name: &str| {
        let id = [0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b];
        let rest = [0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2, 0xe4, 0x8c, 0x53, 0x91];
        [mode.as_bytes(), b" ", name.as_bytes(), b"\0", &id, &rest].concat()
    };
    let _ = made(lab, &["hash-object", "-w", "--stdin"], b"");
    let literally = |bytes: Vec<u8>| {
        made(
            lab,
            &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
            &bytes,
        )
    };
    let equal = literally((0..2_000).flat_map(|_| entry("100644", "n")).collect());
    let pairs = literally(
        (0..4_000)
            .flat_map(|n| entry("100644", &format!("n{:05}", n / 2)))
            .collect(),
    );
    // 537,824 files that are not records.
    let strays = bomb(lab, 14, 5);
    for (what, path, id) in [
        ("strays", "groups/strays", &strays),
        ("strays of many groups", "groups", &strays),
        ("one name", "groups/doubled", &equal),
        ("doubled names", "groups/doubled", &pairs),
    ] {
        let tip = committed(lab, "main", &with(lab, "main", path, id));
        lab.git(&["branch", "-f", "worst", &tip]);
        let mut push = lab.command("git");
        lab.as_actor(&mut push, "admin-1");
        push.args(["push", "-q"]).arg(&guarded.bare).arg("worst:main");
        push.current_dir(&lab.top);
        let mut runs = vec![("push", push)];
        for form in ["human", "json", "sarif"] {
            runs.push((
                form,
                lab.modelry("admin-1", &["validate", "main..worst", "-o", form]),
            ));
        }
        runs.push((
            "onto",
            lab.modelry("admin-1", &["validate", "--onto", "main", "worst"]),
        ));
        for (way, mut command) in runs {
            let (code, bytes, peak) = measured(&mut command, lab);
            assert_eq!(code, 1, "{what}, {way}");
            assert!(peak < MEMORY, "{what}, {way}: {peak} KiB");
            assert!(bytes < OUTPUT, "{what}, {way}: {bytes} bytes");
        }
    }
}

#[test]
fn a_large_file_under_many_names_is_not_read() {
    needs![TIME];
    let lab = Lab::with_registry();
    let large = made(&lab, &["hash-object", "-w", "--stdin"], &vec![b' '; 200 << 20]);
    lab.register("churn", '1');
    for n in 1..60 {
        let entry = format!("100644,{large},groups/churn/versions/1/evidence/e{n}.yaml");
        lab.git(&["update-index", "--add", "--cacheinfo", &entry]);
    }
    let changed = committed(&lab, "main", &lab.git(&["write-tree"]));
    lab.git(&["read-tree", "HEAD"]);
    lab.git(&["branch", "worst", &changed]);
    for line in [
        &["validate", "main..worst"][..],
        &["validate", "--onto", "main", "worst"],
    ] {
        let (code, bytes, peak) = measured(&mut lab.modelry("admin-1", line), &lab);
        assert_eq!(code, 1, "{line:?}");
        assert!(peak < 128 << 10, "{line:?}: {peak} KiB");
        assert!(bytes < OUTPUT, "{line:?}: {bytes} bytes");
    }
    let found = lab.findings("admin-1", &["validate", "main..worst", "-o", "concise"]);
    assert!(
        found.contains("e1.yaml:1:1: MR013") && found.contains("209715200 bytes"),
        "{found}"
    );
}

#[test]
fn what_is_not_listed_is_counted() {
    let lab = Lab::with_registry();
    let tip = committed(
        &lab,
        "main",
        &with(&lab, "main", "groups/strays", &bomb(&lab, 14, 5)),
    );
    lab.git(&["branch", "bomb", &tip]);
    let found = lab.findings("admin-1", &["validate", "main..bomb", "-o", "concise"]);
    assert!(
        found.contains("537725 more files below `groups/strays` are no records"),
        "{found}"
    );
}

#[test]
fn a_folder_without_records_is_searched_for_repositories_within_bounds() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let before = lab.git(&["rev-parse", "main"]);
    // Deeper than folders are compared, and at countless paths.
    let head = made(lab, &["hash-object", "-w", "--stdin"], b"ref: refs/heads/main\n");
    let mut at = tree(
        lab,
        &[("HEAD".to_owned(), head.clone()), ("config".to_owned(), head)],
    );
    for _ in 0..100 {
        at = tree(lab, &[("a/".to_owned(), at.clone()), ("b/".to_owned(), at)]);
    }
    let tip = committed(lab, &before, &with(lab, &before, "vendor", &at));
    lab.git(&["branch", "-f", "worst", &tip]);
    let began = std::time::Instant::now();
    assert!(guarded.refuses("admin-1", &["worst:main"]).contains("MR101"));
    let onto = lab.findings(
        "admin-1",
        &["validate", "--onto", "main", "worst", "-o", "concise"],
    );
    assert!(onto.contains("/HEAD:1:1: MR101 "), "{onto}");
    let range = format!("{before}..{tip}");
    let found = lab.findings("admin-1", &["validate", &range, "-o", "concise"]);
    assert_eq!(found.matches("MR101").count(), 1, "{found}");
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
