//! Operations of git that are not finished: a writing command is refused, as
//! `git commit` would go wrong there, and a conflict's markers are a finding.

use std::sync::OnceLock;

use crate::support::Lab;
use crate::support::hub::Hub;

const GROUP: &str = "groups/churn/group.yaml";

/// Two branches that say different things of one line; `main` is checked out.
fn divided() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.git(&["switch", "-q", "-c", "side"]);
        let _ = lab.ok(
            "admin-1",
            &["group", "update", "churn", "--description", "theirs"],
        );
        lab.git(&["switch", "-q", "main"]);
        let _ = lab.ok("admin-1", &["group", "update", "churn", "--description", "ours"]);
        lab
    })
}

/// Git, in a command that ends in a conflict.
#[track_caller]
fn stops(lab: &Lab, arguments: &[&str]) {
    let output = lab.git_as("admin-1", arguments);
    assert!(!output.status.success(), "git {arguments:?} is in conflict");
}

#[test]
fn a_conflict_is_one_finding() {
    let lab = divided();
    stops(&lab, &["merge", "side"]);
    let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
    assert_eq!(
        said,
        format!(
            "{GROUP}:5:1: MR017 merge-marker: unresolved merge conflict: ours says `description: ours`, theirs says `description: theirs`\n"
        )
    );
    // Somebody commits it all the same.
    lab.git(&["add", "-A"]);
    lab.git(&["commit", "-q", "-S", "-m", "oh"]);
    let range = lab.findings("admin-1", &["validate", "-o", "concise", "HEAD~1..HEAD"]);
    assert!(range.contains("MR017") && !range.contains("MR004"), "{range}");
}

#[test]
fn a_writing_command_waits_for_the_end() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("merge", &["merge", "side"], "git merge"),
        ("cherry-pick", &["cherry-pick", "side"], "git cherry-pick"),
        ("rebase", &["rebase", "side"], "git rebase"),
        ("revert", &["revert", "HEAD~1"], "git revert"),
    ];
    for (what, start, command) in cases {
        let lab = divided();
        if what == "revert" {
            let _ = lab.ok("admin-1", &["group", "update", "churn", "--description", "more"]);
        }
        stops(&lab, start);
        let told = lab.error("admin-1", &["group", "update", "churn", "--label", "a=b"]);
        assert!(told.contains(&format!("a {what} is not finished here")), "{told}");
        assert!(told.contains(&format!("`{command} --abort`")), "{told}");
        // The branch that is rebased is moved by nobody else.
        let told = lab.error("admin-1", &["group", "create", "b", "--branch", "main"]);
        assert!(told.contains("is not finished here"), "{told}");
        // Another branch has nothing to do with it.
        let _ = lab.ok("admin-1", &["group", "create", "b", "--branch", "other"]);
        lab.git(&[what, "--abort"]);
        let _ = lab.ok("admin-1", &["group", "update", "churn", "--label", "a=b"]);
        assert_eq!(lab.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn nothing_is_pushed_from_halfway() {
    let cases: [(&str, &[&str]); 3] = [
        ("merge", &["merge", "side"]),
        ("cherry-pick", &["cherry-pick", "side"]),
        ("rebase", &["rebase", "side"]),
    ];
    for (what, start) in cases {
        let hub = Hub::of(divided());
        let _ = hub
            .lab
            .ok("admin-1", &["group", "update", "churn", "--description", "more"]);
        stops(&hub.lab, start);
        let tip = hub.tip();
        for to in [
            &["--push"][..],
            &["--push", "--branch", "main"],
            &["--pr"],
            &["--push", "--dry-run"],
        ] {
            let told = hub
                .lab
                .error("admin-1", &[&["group", "create", "b"], to].concat());
            assert!(
                told.contains(&format!("a {what} is not finished here")),
                "{to:?}: {told}"
            );
            assert!(told.contains(&format!("`git {what} --abort`")), "{told}");
        }
        assert_eq!(hub.tip(), tip, "{what}");
        // Another branch has nothing to do with it.
        let _ = hub.lab.ok(
            "admin-1",
            &["group", "create", "b", "--push", "--branch", "other"],
        );
        hub.lab.git(&[what, "--abort"]);
        let _ = hub.lab.ok("admin-1", &["group", "create", "b", "--push"]);
    }
}

#[test]
fn files_in_conflict_are_settled_first() {
    let lab = divided();
    lab.write(GROUP, &lab.read(GROUP).replace("ours", "mine"));
    lab.git(&["stash", "-q"]);
    let _ = lab.ok("admin-1", &["group", "update", "churn", "--description", "other"]);
    stops(&lab, &["stash", "pop"]);
    // Nothing but the index knows of it.
    let told = lab.error("admin-1", &["group", "create", "b"]);
    assert!(
        told.contains(&format!("files are in conflict: {GROUP}")),
        "{told}"
    );
    let hub = Hub::of(lab);
    let lab = &hub.lab;
    let told = lab.error("admin-1", &["group", "create", "b", "--push"]);
    assert!(told.contains("files are in conflict"), "{told}");
    lab.git(&["checkout", "HEAD", "--", GROUP]);
    let _ = lab.ok("admin-1", &["group", "create", "b"]);
}

#[test]
fn a_series_of_patches_is_finished_first() {
    let lab = divided();
    let patch = lab.git(&["format-patch", "-q", "-1", "--stdout", "side"]);
    lab.write(".git/one.patch", &(patch + "\n"));
    stops(&lab, &["am", "-q", ".git/one.patch"]);
    let told = lab.error("admin-1", &["group", "create", "b"]);
    assert!(told.contains("`git am --abort`"), "{told}");
    lab.git(&["am", "--abort"]);
    let _ = lab.ok("admin-1", &["group", "create", "b"]);
}

#[test]
fn the_index_is_not_taken_from_another_process() {
    let lab = Lab::with_registry();
    lab.write(".git/index.lock", "");
    let told = lab.error("admin-1", &["group", "create", "b"]);
    assert!(told.contains("the index is locked by another process"), "{told}");
    std::fs::remove_file(lab.top.join(".git/index.lock")).expect("the lock");
    let _ = lab.ok("admin-1", &["group", "create", "b"]);
}
