//! GitLab says that an approval was taken back by a list that lacks it.

use serde_json::{Value, json};

use super::{lab, landed, status};
use crate::support::{Lab, Said};

/// GitLab's approvals of merge request 7: accounts and when they approved, and when
/// the request changed last.
fn list(lab: &Lab, approvals: &[(u64, &str)], updated: Option<&str>) -> String {
    let approved_by: Vec<Value> = approvals
        .iter()
        .map(|(account, at)| json!({"user": {"id": account}, "approved_at": at}))
        .collect();
    let mut list = json!({"iid": 7, "project_id": 1, "approved_by": approved_by});
    if let Some(updated) = updated {
        list["updated_at"] = json!(updated);
    }
    let path = lab.home().join("approvals.json");
    std::fs::write(&path, list.to_string()).expect("a file");
    path.to_string_lossy().into_owned()
}

/// Two approvals are asked for, so that one moves nothing.
fn two_accounts() -> Lab {
    let lab = lab(2, 2);
    for (who, account) in [("risk-1", "gitlab=201"), ("risk-2", "gitlab=202")] {
        let _ = lab.ok("admin-1", &["actor", "add-account", who, account]);
    }
    lab
}

fn decision(lab: &Lab, who: &str) -> String {
    let review = lab.read(&format!("groups/churn/versions/1/reviews/{who}.yaml"));
    let line = review.lines().find_map(|line| line.strip_prefix("decision: "));
    line.expect("a decision").to_owned()
}

#[test]
fn an_approval_that_the_list_lacks_is_withdrawn() {
    let lab = two_accounts();
    let (before, seen) = landed(&lab);
    let relay = |file: &str| -> Said {
        let line = [
            "relay",
            "gitlab",
            file,
            "--base",
            &before,
            "--reviewed",
            &seen,
            "-m",
            "merge request 7",
        ];
        lab.says("relay", &line)
    };
    let file = list(
        &lab,
        &[(201, "2026-11-02T08:15:00Z")],
        Some("2026-11-02T08:15:00Z"),
    );
    let said = relay(&file);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        (decision(&lab, "risk-1"), status(&lab)),
        ("Approved".into(), "Pending".into())
    );
    // An older answer takes nothing back.
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let said = relay(&list(&lab, &[], Some("2026-11-02T08:00:00Z")));
    assert!(
        said.code == 0 && said.err.contains("the host said it before review !7"),
        "{said:?}"
    );
    // One that does not say when it was made takes nothing back either, and says so.
    let said = relay(&list(&lab, &[], None));
    assert!(
        said.code == 0 && said.err.contains("whether it was taken back is not known"),
        "{said:?}"
    );
    // Another request's says nothing of it.
    let other = list(&lab, &[], Some("2026-11-02T09:00:00Z"));
    let text = std::fs::read_to_string(&other).expect("a file");
    std::fs::write(&other, text.replace("\"iid\":7", "\"iid\":8")).expect("a file");
    let said = relay(&other);
    assert!(
        said.code == 0 && said.out.contains("nothing to relay"),
        "{said:?}"
    );
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), tip);
    // A newer one does, and adds the other approval in the same commit.
    let newer = list(
        &lab,
        &[(202, "2026-11-02T09:00:00Z")],
        Some("2026-11-02T09:00:00Z"),
    );
    let said = relay(&newer);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(decision(&lab, "risk-1"), "Withdrawn");
    assert_eq!(
        (decision(&lab, "risk-2"), status(&lab)),
        ("Approved".into(), "Pending".into())
    );
    let review = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
    assert!(
        review.contains("at: 2026-11-02T09:00:00Z") || review.contains("at: \"2026-11-02T09:00:00Z\""),
        "{review}"
    );
    lab.check();
    let _ = lab.ok("admin-1", &["validate", &format!("{before}..HEAD")]);
    // The first list again undoes nothing.
    let first = list(
        &lab,
        &[(201, "2026-11-02T08:15:00Z")],
        Some("2026-11-02T08:15:00Z"),
    );
    let _ = relay(&first);
    assert_eq!(decision(&lab, "risk-1"), "Withdrawn");
    assert_eq!(
        decision(&lab, "risk-2"),
        "Approved",
        "the list is older than that approval"
    );
    // The same answer again has nothing to do.
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let said = relay(&list(
        &lab,
        &[(202, "2026-11-02T09:00:00Z")],
        Some("2026-11-02T09:00:00Z"),
    ));
    assert_eq!((said.code, lab.git(&["rev-parse", "HEAD"])), (0, tip), "{said:?}");
    // A new approval after it counts.
    let again = [(201, "2026-11-02T10:00:00Z"), (202, "2026-11-02T09:00:00Z")];
    let said = relay(&list(&lab, &again, Some("2026-11-02T10:00:00Z")));
    assert_eq!((said.code, status(&lab)), (0, "Approved".to_owned()), "{said:?}");
    lab.check();
}

/// An own review, or one that another host reported, is not the list's to take back.
#[test]
fn other_reviews_stay() {
    let lab = two_accounts();
    let (before, seen) = landed(&lab);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine"]);
    let github = super::reviews(&lab, &[(102, 77, "APPROVED", &seen)]);
    let dry = [
        "relay",
        "github",
        &github,
        "--base",
        &before,
        "-m",
        "x",
        "--dry-run",
    ];
    let _ = lab.ok("relay", &dry);
    let file = list(&lab, &[], Some("2026-11-02T09:00:00Z"));
    let line = [
        "relay",
        "gitlab",
        &file,
        "--base",
        &before,
        "--reviewed",
        &seen,
        "-m",
        "x",
    ];
    let said = lab.says("relay", &line);
    assert!(
        said.code == 0 && said.out.contains("nothing to relay"),
        "{said:?}"
    );
    assert_eq!(decision(&lab, "risk-1"), "Approved");
}
