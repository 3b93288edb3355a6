//! `validate --onto` of a branch that is in conflict in more places than anybody can read:
//! a few folders that hold one another many times, changed on both sides. Time, memory and
//! output follow the push.

use std::time::{Duration, Instant};

use crate::judge::budgets::{made, measured, tree, with};
use crate::support::Lab;
use crate::support::needs::{TIME, needs};

/// The memory (in KiB) and output that a verdict may take.
const MEMORY: usize = 256 << 10;
const OUTPUT: usize = 256 << 10;

/// A folder of 16^5 folders of 120 files, each with this text: 125,829,120 paths.
fn bomb(lab: &Lab, names: &str, text: &str) -> String {
    let blob = made(lab, &["hash-object", "-w", "--stdin"], text.as_bytes());
    let files: Vec<_> = (0..120)
        .map(|n| (format!("{names}{n:03}"), blob.clone()))
        .collect();
    let mut at = tree(lab, &files);
    for _ in 1..6 {
        let folders: Vec<_> = (0..16).map(|n| (format!("d{n:02}/"), at.clone())).collect();
        at = tree(lab, &folders);
    }
    at
}

fn committed(lab: &Lab, parent: &str, tree: &str) -> String {
    lab.git(&["commit-tree", "-S", "-p", parent, "-m", "a step", tree])
}

/// A mainline and a branch `side` that put the second and third of these folders where the
/// commit before both has the first. The mainline also adds a record, if it is to.
fn diverged(path: &str, adds: bool, folders: impl Fn(&Lab) -> [String; 3]) -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.git(&["config", "modelry.mainline", "main"]);
    let [base, ours, theirs] = folders(&lab);
    let before = lab.git(&["rev-parse", "main"]);
    if adds {
        lab.register("churn", '2');
    }
    let start = committed(&lab, &before, &with(&lab, &before, path, &base));
    let side = committed(&lab, &start, &with(&lab, &start, path, &theirs));
    let main = committed(&lab, &start, &with(&lab, "main", path, &ours));
    // Nothing is checked out: that would be millions of files.
    lab.git(&["update-ref", "refs/heads/main", &main]);
    lab.git(&["branch", "side", &side]);
    lab
}

/// Three folders with a conflict at each path.
fn conflicts(lab: &Lab) -> [String; 3] {
    ["1\n", "2\n", "3\n"].map(|text| bomb(lab, "f", text))
}

/// Returns the output, of which the system says how much memory it took.
#[track_caller]
fn judged(lab: &Lab, code: i32) -> String {
    let line = ["validate", "--onto", "main", "side"];
    let started = Instant::now();
    let (ended, bytes, peak) = measured(&mut lab.modelry("admin-1", &line), lab);
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(ended, code);
    assert!(peak < MEMORY, "{peak} KiB");
    assert!(bytes < OUTPUT, "{bytes} bytes");
    let said = lab.says("admin-1", &line);
    said.out + &said.err
}

#[test]
fn conflicts_outside_of_the_registry_are_twenty_notes_and_a_number() {
    needs![TIME];
    let lab = diverged("vendor", false, |lab| {
        [("f", "1\n"), ("g", "1\n"), ("f", "3\n")].map(|(names, text)| bomb(lab, names, text))
    });
    let said = judged(&lab, 0);
    let notes = said
        .matches("is no file of the registry, and is in conflict too")
        .count();
    assert_eq!(notes, 20, "{said}");
    assert!(
        said.contains("125829100 more conflicts are outside of the registry"),
        "{said}"
    );
}

/// Each of the files could be followed into the record.
#[test]
fn files_that_could_follow_a_rename_are_findings_and_a_number() {
    needs![TIME];
    let lab = diverged("vendor", true, |lab| {
        [("f", "1\n"), ("g", "1\n"), ("f", "3\n")].map(|(names, text)| bomb(lab, names, text))
    });
    let said = judged(&lab, 1);
    let found = said
        .matches("is removed on one side and changed on the other")
        .count();
    assert_eq!(found, 100, "{said}");
    assert!(said.contains("125829020 more files are removed so"), "{said}");
}

#[test]
fn conflicts_in_a_group_are_findings_and_a_number() {
    needs![TIME];
    let lab = diverged("groups/strays", false, conflicts);
    let said = judged(&lab, 1);
    let found = said.matches("is in conflict: `main` and the branch").count();
    assert_eq!(found, 100, "{said}");
    assert!(said.contains("125829020 more files are in conflict"), "{said}");
}

/// A folder that is not followed to its end may hide a file that was renamed into the
/// registry.
#[test]
fn a_conflict_too_deep_to_be_followed_is_a_finding_where_a_record_is_added() {
    let deep = |lab: &Lab, text: &str| {
        let blob = made(lab, &["hash-object", "-w", "--stdin"], text.as_bytes());
        let mut at = tree(lab, &[("f".to_owned(), blob)]);
        for _ in 0..70 {
            at = tree(lab, &[("d/".to_owned(), at)]);
        }
        at
    };
    let folders = |lab: &Lab| ["1\n", "2\n", "3\n"].map(|text| deep(lab, text));
    let lab = diverged("vendor", false, folders);
    let line = ["validate", "--onto", "main", "side"];
    let said = lab.ok("admin-1", &line);
    assert!(
        said.contains("is no file of the registry, and is in conflict too"),
        "{said}"
    );
    let lab = diverged("vendor", true, folders);
    let said = lab.findings("admin-1", &line);
    assert!(said.contains("MR508") && said.contains("vendor/d/d"), "{said}");
}

/// A text of two lines, each repeated many times in no order.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed;
    let lines = (0..205_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state >> 31 == 0 { *b"a\n" } else { *b"b\n" }
    });
    lines.flatten().collect()
}

#[test]
fn a_text_that_nobody_judges_is_not_merged_and_one_that_repeats_itself_is_a_conflict() {
    needs![TIME];
    let folders = |lab: &Lab| {
        [1, 2, 3].map(|seed| {
            let blob = made(lab, &["hash-object", "-w", "--stdin"], &noise(seed));
            tree(lab, &[("f".to_owned(), blob)])
        })
    };
    let said = judged(&diverged("vendor", false, folders), 0);
    assert!(!said.contains("in conflict"), "{said}");
    let said = judged(&diverged("groups/noise", false, folders), 1);
    assert!(said.contains("MR508"), "{said}");
}
