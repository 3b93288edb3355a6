//! Files that can't be read: the answers without them say so.

use crate::support::Lab;

/// `churn/1` on no stage, with these files broken.
fn broken(files: &[&str]) -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    for file in files {
        lab.write(file, "broken: [\n");
    }
    lab.git(&["add", "-A"]);
    lab.git(&["commit", "-q", "-m", "break"]);
    lab
}

#[test]
fn a_broken_group_is_named_and_not_gone() {
    let lab = broken(&["groups/churn/group.yaml"]);
    for line in [
        &["list"][..],
        &["group", "show", "churn"],
        &["show", "churn"],
        &["list", "-o", "json"],
    ] {
        let said = lab.says("admin-1", line);
        assert_eq!(said.code, 0, "{said:?}");
        let note = "1 file can't be read, and is not part of this answer: `groups/churn/group.yaml`; `modelry validate`";
        assert!(said.err.contains(note), "{line:?}: {said:?}");
        assert!(!said.err.contains("no group yet"), "{said:?}");
        assert!(!said.out.contains("deleted"), "{said:?}");
    }
}

#[test]
fn a_broken_version_is_no_answer() {
    let lab = broken(&["groups/churn/versions/1/version.yaml"]);
    let told = lab.error("admin-1", &["show", "churn/1"]);
    assert!(told.contains("version.yaml` can't be read"), "{told}");
    for line in [&["list"][..], &["list", "churn"], &["show", "churn"]] {
        let said = lab.says("admin-1", line);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.err.contains("1 file can't be read"), "{line:?}: {said:?}");
        assert!(!said.out.contains("No version yet"), "{said:?}");
    }
}

#[test]
fn a_broken_stage_does_not_serve_nothing() {
    let lab = broken(&["groups/churn/stages/production.yaml"]);
    let told = lab.error("admin-1", &["show", "churn@production"]);
    assert!(
        told.contains("stage `production` in `churn` can't be read"),
        "{told}"
    );
    let said = lab.says("admin-1", &["show", "churn"]);
    assert!(said.out.contains("production: can't be read"), "{said:?}");
    assert!(!said.out.contains("production: nothing"), "{said:?}");
}

#[test]
fn a_broken_review_and_a_broken_policy_are_named() {
    let review = "groups/churn/versions/1/reviews/risk-1.yaml";
    let said = broken(&[review]).says("admin-1", &["show", "churn/1"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains(review), "{said:?}");
    let said = broken(&["registry.yaml"]).says("admin-1", &["list"]);
    assert!(said.err.contains("`registry.yaml`"), "{said:?}");
}

#[test]
fn only_some_of_many_broken_files_are_named() {
    let files: Vec<String> = (1..=8).map(|n| format!("groups/g{n}/group.yaml")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let said = broken(&files).says("admin-1", &["list"]);
    assert!(said.err.contains("8 files can't be read"), "{said:?}");
    assert!(
        said.err.contains("`groups/g5/group.yaml`, and 3 more"),
        "{said:?}"
    );
}
