//! Stages: serving, rollback, and the state on a day.

use std::sync::OnceLock;

use crate::support::Lab;

/// Three approved versions of `churn`, and `risk-1` who may promote.
fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        let grant = [
            "grant",
            "add",
            "team:risk",
            "--allow",
            "promote",
            "--groups",
            "*",
            "--stages",
            "staging,production",
        ];
        let _ = lab.ok("admin-1", &grant);
        for mark in ['1', '2', '3'] {
            lab.register("churn", mark);
        }
        for id in ["churn/1", "churn/2", "churn/3"] {
            let _ = lab.ok("risk-1", &["approve", id, "-m", "good"]);
        }
        lab
    })
}

fn promote(lab: &Lab, arguments: &[&str]) -> String {
    let all = [&["promote"], arguments, &["-m", "because"]].concat();
    lab.ok("risk-1", &all)
}

fn serving(lab: &Lab) -> String {
    let said = lab.says("risk-1", &["show", "churn@production", "-o", "json"]);
    match said.code {
        0 => {
            let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
            value["version"].as_str().expect("a version").to_owned()
        }
        _ => "nothing".into(),
    }
}

#[test]
fn promote_several_in_one_commit() {
    let lab = lab();
    let _ = lab.ok("admin-1", &["group", "create", "fraud"]);
    lab.register("fraud", '9');
    let _ = lab.ok("risk-1", &["approve", "fraud/1", "-m", "good"]);
    let before: u32 = lab
        .git(&["rev-list", "--count", "HEAD"])
        .parse()
        .expect("a number");
    let out = promote(&lab, &["churn/1", "fraud/1", "staging", "production"]);
    let after: u32 = lab
        .git(&["rev-list", "--count", "HEAD"])
        .parse()
        .expect("a number");
    assert_eq!(after, before + 1);
    insta::assert_snapshot!(lab.scrub(&out), @r"
    [main [ID]] Promote churn/1, fraud/1 to staging, production
      stage churn@production nothing -> 1
      stage churn@staging nothing -> 1
      stage fraud@production nothing -> 1
      stage fraud@staging nothing -> 1
    ");
    insta::assert_snapshot!(
        lab.read("groups/churn/stages/production.yaml")
            .split("signature")
            .next()
            .expect("text"), @r"
    # yaml-language-server: $schema=../../../.modelry/schemas/stage-assignment.schema.json
    apiVersion: modelry/v1
    kind: StageAssignment
    group: churn
    stage: production
    version: 1
    by: risk-1
    revision: 1
    reason: because
    ");
    assert_eq!(serving(&lab), "churn/1");
    assert!(lab.ok("risk-1", &["list", "churn"]).contains("production"));
    assert!(
        lab.ok("risk-1", &["log", "churn@production"])
            .contains("stage churn@production nothing -> 1")
    );
    lab.check();
    let listed = lab.ok("risk-1", &["list", "churn", "-o", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let stage = serde_json::json!({"stage": "production", "version": 1});
    let versions = listed["versions"].as_array().expect("versions").iter();
    let mut stages = versions.flat_map(|version| version["stages"].as_array().expect("stages"));
    assert!(stages.any(|one| *one == stage), "{listed}");
    let said = lab.error(
        "risk-1",
        &["promote", "churn/1", "churn/2", "production", "-m", "x"],
    );
    assert!(said.contains("two versions of `churn`"), "{said}");
    let said = lab.ok("risk-1", &["promote", "churn/1", "production", "-m", "x"]);
    assert_eq!(said, "nothing was written: churn/1 serves `production` already\n");
    let said = lab.error("risk-1", &["promote", "churn/1", "prodution", "-m", "x"]);
    assert!(said.contains("did you mean `production`?"), "{said}");
}

#[test]
fn promotion_is_refused_without_approval_or_grant() {
    let lab = lab();
    lab.register("churn", '4');
    let said = lab.findings("risk-1", &["promote", "churn/4", "production", "-m", "x"]);
    assert!(said.contains("MR210") && said.contains("it is Pending"), "{said}");
    // Staging asks for nothing.
    let _ = promote(&lab, &["churn/4", "staging"]);
    let _ = lab.ok("admin-1", &["grant", "remove", "team:risk", "--allow", "promote"]);
    let grant = [
        "grant",
        "add",
        "team:risk",
        "--allow",
        "promote",
        "--groups",
        "*",
        "--stages",
        "staging",
    ];
    let _ = lab.ok("admin-1", &grant);
    let said = lab.findings("risk-1", &["promote", "churn/1", "production", "-m", "x"]);
    assert!(
        said.contains("MR307") && said.contains("on stage `production`"),
        "{said}"
    );
    let said = lab.findings("trainer", &["promote", "churn/1", "staging", "-m", "x"]);
    assert!(said.contains("MR307"), "{said}");
}

#[test]
fn archive_previous_retires_what_served_and_nothing_else() {
    let lab = lab();
    let _ = promote(&lab, &["churn/1", "staging", "production"]);
    let said = lab.error(
        "risk-1",
        &[
            "promote",
            "churn/2",
            "production",
            "--archive-previous",
            "-m",
            "x",
        ],
    );
    assert!(said.contains("it still serves `staging`"), "{said}");
    let _ = promote(&lab, &["churn/2", "staging", "production", "--archive-previous"]);
    assert!(
        lab.ok("risk-1", &["show", "churn/1"])
            .starts_with("churn/1  Archived")
    );
    assert!(
        lab.read("groups/churn/versions/1/archival.yaml")
            .contains("reason: because")
    );
    // A version that serves can't be archived alone; one commit may do both.
    let said = lab.findings("risk-1", &["archive", "churn/2", "-m", "x"]);
    assert!(said.contains("MR211"), "{said}");
    lab.check();
}

#[test]
fn rollback_goes_back_and_never_to_what_it_left() {
    let lab = lab();
    for id in ["churn/1", "churn/2", "churn/3"] {
        let _ = promote(&lab, &[id, "production"]);
    }
    let said = lab.says("risk-1", &["rollback", "churn", "production", "-m", "alerts"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        said.err,
        "note: churn/2 was chosen: it served before (`previous`)\n"
    );
    // Once more goes further back, not forward to what was just left.
    let said = lab.says(
        "risk-1",
        &["rollback", "churn", "production", "-m", "alerts again"],
    );
    assert_eq!(
        said.err,
        "note: churn/1 was chosen: it served before, by the history of the stage\n"
    );
    assert_eq!(serving(&lab), "churn/1");
    let said = lab.error("risk-1", &["rollback", "churn", "production", "-m", "x"]);
    assert!(
        said.contains("there is nothing that `production` of `churn` could go back to"),
        "{said}"
    );
    assert!(said.contains("--to N"), "{said}");
    // A version that was just left is a choice, and not a guess.
    let back = "`modelry rollback churn production --to 2 -m REASON` puts it back";
    assert!(said.contains(back), "{said}");
    let _ = lab.ok(
        "risk-1",
        &["rollback", "churn", "production", "--to", "3", "-m", "fixed"],
    );
    let _ = lab.ok(
        "risk-1",
        &["rollback", "churn", "production", "--empty", "-m", "off"],
    );
    assert_eq!(serving(&lab), "nothing");
    // An emptied stage comes back to what served last.
    let _ = lab.ok("risk-1", &["rollback", "churn", "production", "-m", "on"]);
    assert_eq!(serving(&lab), "churn/3");
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    lab.check();
}

#[test]
fn rollback_skips_what_is_no_longer_approved_and_retires_what_it_leaves() {
    let lab = lab();
    for id in ["churn/1", "churn/2", "churn/3"] {
        let _ = promote(&lab, &[id, "production"]);
    }
    let _ = lab.ok("risk-1", &["archive", "churn/2", "-m", "old"]);
    let said = lab.says(
        "risk-1",
        &["rollback", "churn", "production", "--archive", "-m", "alerts"],
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        said.err,
        "note: churn/1 was chosen: it served before, and churn/2 is Archived\nnote: churn/3 is archived: it served before\n"
    );
    assert!(
        lab.ok("risk-1", &["show", "churn/3"])
            .starts_with("churn/3  Archived")
    );
    lab.check();
}

#[test]
fn rollback_rejects_what_it_leaves_where_the_policy_allows() {
    let lab = lab();
    for id in ["churn/1", "churn/2"] {
        let _ = promote(&lab, &[id, "production"]);
    }
    let said = lab.error(
        "risk-1",
        &["rollback", "churn", "production", "--reject", "-m", "leaks"],
    );
    assert!(said.contains("no way from Approved to Rejected"), "{said}");
    lab.change_policy(
        "approvals:\n",
        "lifecycle:\n  transitions: {Approved: [Rejected]}\napprovals:\n",
    );
    let _ = lab.ok(
        "risk-1",
        &["rollback", "churn", "production", "--reject", "-m", "leaks"],
    );
    assert!(
        lab.ok("risk-1", &["show", "churn/2"])
            .starts_with("churn/2  Rejected")
    );
    assert_eq!(serving(&lab), "churn/1");
    lab.check();
}

/// A stage can't lose its history by being written again: the champion of a gate
/// rests on it.
#[test]
fn a_stage_does_not_forget_what_served() {
    let lab = lab();
    let _ = promote(&lab, &["churn/1", "production"]);
    let _ = lab.ok(
        "risk-1",
        &["rollback", "churn", "production", "--empty", "-m", "off"],
    );
    let path = "groups/churn/stages/production.yaml";
    let text = lab.read(path);
    let unsigned = text.split("signature:").next().expect("text");
    let forgotten = unsigned
        .replace("previous: 1\n", "")
        .replace("revision: 2", "revision: 3");
    assert_ne!(unsigned, forgotten);
    lab.write(path, &forgotten);
    let said = lab.findings("risk-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR212"), "{said}");
}

#[test]
fn what_served_on_a_day() {
    let lab = lab();
    let _ = promote(&lab, &["churn/1", "production"]);
    let first = lab.git(&["rev-parse", "HEAD"]);
    let moment = lab.git(&["log", "-1", "--format=%cI"]);
    let _ = promote(&lab, &["churn/2", "production"]);
    for at in [first.as_str(), moment.as_str()] {
        let out = lab.ok("risk-1", &["show", "churn@production", "--at", at]);
        assert!(out.starts_with("churn/1"), "{at}: {out}");
    }
    let said = lab.error("risk-1", &["show", "churn@production", "--at", "2001-03-03"]);
    assert!(said.contains("has no commit as old as 2001-03-03"), "{said}");
}

/// Signed bytes fit one place and one time: not an older revision, not another
/// stage, not another group.
#[test]
fn old_assignments_do_not_come_back() {
    let lab = lab();
    let _ = lab.ok("admin-1", &["group", "create", "fraud"]);
    let path = "groups/churn/stages/production.yaml";
    let _ = promote(&lab, &["churn/1", "production"]);
    let old = lab.read(path);
    let _ = promote(&lab, &["churn/2", "production"]);
    let elsewhere = old.replace("stage: production", "stage: staging");
    let other = old.replace("group: churn", "group: fraud");
    for (place, text, codes) in [
        (path, &old, &["MR205"][..]),
        ("groups/churn/stages/staging.yaml", &old, &["MR104"]),
        ("groups/churn/stages/staging.yaml", &elsewhere, &["MR305"]),
        ("groups/fraud/stages/production.yaml", &other, &["MR305", "MR111"]),
    ] {
        lab.write(place, text);
        let said = lab.findings("stranger", &["validate", "-o", "concise"]);
        for code in codes {
            assert!(said.contains(code), "{place}: {said}");
        }
        let _ = lab.git(&["checkout", "-q", "--", "."]);
        let _ = lab.git(&["clean", "-q", "-f", "-d"]);
    }
    std::fs::remove_file(lab.top.join(path)).expect("the record");
    assert!(
        lab.findings("risk-1", &["validate", "-o", "concise"])
            .contains("MR202")
    );
}
