//! Deletion is permanent: tombstones, numbers and names; and observations after an
//! approval.

use std::sync::OnceLock;

use crate::support::Lab;

fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        let _ = lab.ok(
            "admin-1",
            &[
                "grant",
                "add",
                "admin-1",
                "--allow",
                "delete,delete-group",
                "--groups",
                "*",
            ],
        );
        for mark in ['1', '2'] {
            lab.register("churn", mark);
        }
        lab
    })
}

#[test]
fn a_deleted_number_is_never_used_again() {
    let lab = lab();
    let _ = lab.ok("risk-1", &["reject", "churn/2", "-m", "bad"]);
    let _ = lab.ok("risk-1", &["delete", "churn/2", "-m", "contract ended"]);
    let stone = lab.read("groups/churn/versions/2/version.yaml");
    assert!(
        stone.contains("kind: Tombstone") && stone.contains("subject: sha256:"),
        "{stone}"
    );
    assert!(!lab.top.join("groups/churn/versions/2/reviews").exists());
    lab.register("churn", '3');
    assert!(lab.ok("stranger", &["list", "churn"]).contains("churn/3"));
    // Not by hand either.
    let path = "groups/churn/versions/2/version.yaml";
    let again = lab
        .read("groups/churn/versions/1/version.yaml")
        .replace("version: 1", "version: 2");
    lab.write(path, again.split("signature:").next().expect("text"));
    let said = lab.findings("trainer", &["validate", "-o", "concise"]);
    assert!(said.contains("MR207"), "{said}");
    let _ = lab.git(&["checkout", "-q", "--", "."]);
    std::fs::remove_file(lab.top.join(path)).expect("the tombstone");
    let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR207") || said.contains("MR202"), "{said}");
    let _ = lab.git(&["checkout", "-q", "--", "."]);
    let again = lab.ok("risk-1", &["delete", "churn/2", "-m", "x"]);
    assert_eq!(again, "nothing was written: churn/2 is deleted already\n");
    for command in [["approve", "churn/2"], ["annotate", "churn/2"]] {
        let said = lab.error("risk-1", &[&command[..], &["-m", "x"]].concat());
        assert!(said.contains("deleted") || said.contains("nothing"), "{said}");
    }
    let said = lab.says("stranger", &["resolve", "churn/2", "--trust-root"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("churn/2 is deleted"), "{said:?}");
    lab.check();
}

#[test]
fn a_group_goes_when_its_versions_are_gone_and_its_name_with_it() {
    let lab = lab();
    let said = lab.findings("admin-1", &["group", "delete", "churn", "-m", "x"]);
    assert!(said.contains("MR208"), "{said}");
    for id in ["churn/1", "churn/2"] {
        let _ = lab.ok("risk-1", &["reject", id, "-m", "bad"]);
        let _ = lab.ok("risk-1", &["delete", id, "-m", "gone"]);
    }
    let _ = lab.ok("admin-1", &["group", "delete", "churn", "-m", "gone"]);
    for name in ["churn", "Churn"] {
        let said = lab.says("admin-1", &["group", "create", name]);
        assert_ne!(said.code, 0, "{said:?}");
    }
    let said = lab.error("trainer", &["register", "churn", "--image", "a"]);
    assert!(said.contains("churn"), "{said}");
    lab.check();
}

#[test]
fn approved_or_pending_versions_are_not_deleted() {
    let lab = lab();
    let said = lab.findings("risk-1", &["delete", "churn/1", "-m", "x"]);
    assert!(said.contains("MR208"), "{said}");
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let said = lab.findings("risk-1", &["delete", "churn/1", "-m", "x"]);
    assert!(said.contains("MR208"), "{said}");
}

#[test]
fn observations_come_after_the_approval_and_touch_nothing() {
    let lab = lab();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    // Evidence is closed; observations are not.
    let said = lab.findings(
        "trainer",
        &["evidence", "add", "churn/1", "late", "--metric", "auc=0.7"],
    );
    assert!(said.contains("MR204"), "{said}");
    let add = [
        "evidence",
        "add",
        "churn/1",
        "live",
        "--observation",
        "--metric",
        "auc=0.71",
    ];
    let _ = lab.ok("trainer", &add);
    let shown = lab.ok("stranger", &["show", "churn/1"]);
    assert!(
        shown.starts_with("churn/1  Approved") && shown.contains("live: auc 0.71"),
        "{shown}"
    );
    let _ = lab.ok(
        "trainer",
        &[
            "evidence",
            "add",
            "churn/1",
            "live",
            "--observation",
            "--metric",
            "auc=0.69",
        ],
    );
    assert!(
        lab.read("groups/churn/versions/1/observations/live.yaml")
            .contains("revision: 2")
    );
    // Another's observation is not overwritten.
    let said = lab.says(
        "risk-1",
        &[
            "evidence",
            "add",
            "churn/1",
            "live",
            "--observation",
            "--metric",
            "auc=0.9",
        ],
    );
    assert_ne!(said.code, 0, "{said:?}");
    lab.check();
}
