//! The host's answers have an order, and an older one never counts after a newer one: also
//! where the newer one took back what was never written down.

use serde_json::{Value, json};

use super::{lab, landed, reviews, status};
use crate::support::hub::Hub;
use crate::support::{Lab, Said, said};

fn relay(lab: &Lab, host: &str, file: &str, before: &str, more: &[&str]) -> Said {
    let line = ["relay", host, file, "--base", before, "-m", "on the page"];
    let said = lab.says("relay", &[&line[..], more].concat());
    assert_eq!(said.code, 0, "{said:?}");
    said
}

/// The decision that is written down, if there is one.
fn decision(lab: &Lab, who: &str) -> Option<String> {
    let path = lab
        .top
        .join(format!("groups/churn/versions/1/reviews/{who}.yaml"));
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("decision: "));
    line.map(str::to_owned)
}

/// Writes an answer into a file.
fn file(lab: &Lab, answer: &Value) -> String {
    let path = lab.home().join("answer.json");
    std::fs::write(&path, answer.to_string()).expect("a file");
    path.to_string_lossy().into_owned()
}

#[test]
fn an_approval_that_was_dismissed_before_it_was_read_does_not_count() {
    for newest in [(101, 77, "DISMISSED"), (101, 80, "CHANGES_REQUESTED")] {
        let lab = lab(1, 1);
        let (before, seen) = landed(&lab);
        let answer = |(account, id, state): (u64, u64, &str)| reviews(&lab, &[(account, id, state, &seen)]);
        let said = relay(&lab, "github", &answer(newest), &before, &[]);
        assert!(
            said.out
                .contains("Relay the withdrawal of churn/1 by risk-1 on github"),
            "{said:?}"
        );
        assert_eq!(decision(&lab, "risk-1").as_deref(), Some("Withdrawn"));
        // The same answer again writes nothing.
        let tip = lab.git(&["rev-parse", "HEAD"]);
        let said = relay(&lab, "github", &answer(newest), &before, &[]);
        assert!(said.out.contains("nothing to relay"), "{said:?}");
        // The older one does not count.
        let said = relay(&lab, "github", &answer((101, 77, "APPROVED")), &before, &[]);
        assert!(said.err.contains("the host said it before review"), "{said:?}");
        assert_eq!(
            (lab.git(&["rev-parse", "HEAD"]), status(&lab)),
            (tip, "Pending".to_owned())
        );
        lab.check();
        // One that the person gives after that does.
        let _ = relay(&lab, "github", &answer((101, 81, "APPROVED")), &before, &[]);
        assert_eq!(status(&lab), "Approved", "{newest:?}");
        lab.check();
        let _ = lab.ok("admin-1", &["validate", &format!("{before}..HEAD")]);
    }
}

/// Between two answers that both take back, there may have been an approval.
#[test]
fn each_answer_that_takes_back_moves_the_order_forward() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    for (id, state, written) in [
        (77, "DISMISSED", "Withdrawn"),
        (80, "CHANGES_REQUESTED", "Withdrawn"),
        (79, "APPROVED", "Withdrawn"),
        (81, "APPROVED", "Approved"),
        (80, "CHANGES_REQUESTED", "Approved"),
    ] {
        let answer = reviews(&lab, &[(101, id, state, &seen)]);
        let _ = relay(&lab, "github", &answer, &before, &[]);
        assert_eq!(decision(&lab, "risk-1").as_deref(), Some(written), "{id} {state}");
    }
    // Pages in any order are one list, in the order of the host's numbers.
    let lab = super::lab(1, 1);
    let (before, seen) = landed(&lab);
    let answer = reviews(
        &lab,
        &[
            (101, 80, "CHANGES_REQUESTED", &seen),
            (101, 77, "APPROVED", &seen),
        ],
    );
    let _ = relay(&lab, "github", &answer, &before, &[]);
    assert_eq!(status(&lab), "Pending");
}

#[test]
fn nothing_is_written_where_no_approval_could_count() {
    for (delegated, account) in [(0, 101), (1, 103)] {
        let lab = lab(delegated, 1);
        // The trainer may not approve.
        let _ = lab.ok("admin-1", &["actor", "add-account", "trainer", "github=103"]);
        let (before, seen) = landed(&lab);
        let answer = reviews(&lab, &[(account, 77, "DISMISSED", &seen)]);
        let said = relay(&lab, "github", &answer, &before, &[]);
        assert!(said.out.contains("nothing to relay"), "{said:?}");
    }
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let _ = lab.ok("risk-2", &["approve", "churn/1", "-m", "good"]);
    let answer = reviews(&lab, &[(101, 77, "DISMISSED", &seen)]);
    let said = relay(&lab, "github", &answer, &before, &[]);
    assert!(said.out.contains("nothing to relay"), "{said:?}");
}

/// An actor who may not reject takes an approval back at least.
#[test]
fn a_request_for_changes_that_may_not_reject_takes_the_approval_back() {
    let lab = lab(2, 2);
    let (before, seen) = landed(&lab);
    let answer = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let _ = relay(&lab, "github", &answer, &before, &[]);
    let _ = lab.git(&["switch", "-q", "-c", "other", &before]);
    lab.register("churn", '2');
    let elsewhere = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.git(&["switch", "-q", "main"]);
    // It was about another content, so it rejects nothing here.
    let answer = reviews(&lab, &[(101, 80, "CHANGES_REQUESTED", &elsewhere)]);
    let said = relay(&lab, "github", &answer, &before, &["churn/1", "--reject"]);
    assert!(
        said.err.contains("relayed as a withdrawal, not as a rejection"),
        "{said:?}"
    );
    assert_eq!(decision(&lab, "risk-1").as_deref(), Some("Withdrawn"));
}

/// GitLab's events and lists, by their times.
#[test]
fn gitlabs_answers_have_an_order_too() {
    let lab = lab(1, 1);
    for (who, account) in [("risk-1", "gitlab=201"), ("risk-2", "gitlab=202")] {
        let _ = lab.ok("admin-1", &["actor", "add-account", who, account]);
    }
    let (before, seen) = landed(&lab);
    let event = |action: &str, at: &str| {
        let event = json!({
            "object_kind": "merge_request", "user": {"id": 201},
            "object_attributes": {"iid": 7, "action": action, "last_commit": {"id": seen}, "updated_at": at},
        });
        relay(&lab, "gitlab", &file(&lab, &event), &before, &[])
    };
    let _ = event("unapproved", "2026-03-03 10:00:00 UTC");
    assert_eq!(decision(&lab, "risk-1").as_deref(), Some("Withdrawn"));
    // Before it, in the same second, and between it and a later one.
    let _ = event("approved", "2026-03-03 09:00:00 UTC");
    let _ = event("approved", "2026-03-03 10:00:00 UTC");
    let _ = event("unapproved", "2026-03-03 12:00:00 UTC");
    let _ = event("approved", "2026-03-03 11:00:00 UTC");
    assert_eq!(
        (decision(&lab, "risk-1").as_deref(), &*status(&lab)),
        (Some("Withdrawn"), "Pending")
    );
    let _ = event("approved", "2026-03-03 13:00:00 UTC");
    assert_eq!(status(&lab), "Approved");
    lab.check();
}

/// A list that is older than an answer of the same merge request that is written down.
#[test]
fn an_older_list_of_gitlab_adds_no_approval() {
    let lab = lab(2, 2);
    for (who, account) in [("risk-1", "gitlab=201"), ("risk-2", "gitlab=202")] {
        let _ = lab.ok("admin-1", &["actor", "add-account", who, account]);
    }
    let (before, seen) = landed(&lab);
    let list = |approvals: &[(u64, &str)], updated: &str| {
        let all: Vec<Value> = approvals
            .iter()
            .map(|(account, at)| json!({"user": {"id": account}, "approved_at": at}))
            .collect();
        let list = json!({"iid": 7, "approved_by": all, "updated_at": updated});
        relay(
            &lab,
            "gitlab",
            &file(&lab, &list),
            &before,
            &["--reviewed", &seen],
        )
    };
    let _ = list(&[(202, "2026-03-03T10:00:00Z")], "2026-03-03T10:00:00Z");
    assert_eq!(decision(&lab, "risk-2").as_deref(), Some("Approved"));
    let said = list(&[(201, "2026-03-03T09:00:00Z")], "2026-03-03T09:30:00Z");
    assert!(said.err.contains("the host sent a later answer"), "{said:?}");
    assert_eq!(decision(&lab, "risk-1"), None);
    // A list that lacks it takes it back, and so does the next one, at its time.
    let _ = list(&[], "2026-03-03T11:00:00Z");
    let _ = list(&[], "2026-03-03T13:00:00Z");
    let _ = list(&[(202, "2026-03-03T12:00:00Z")], "2026-03-03T12:00:00Z");
    assert_eq!(decision(&lab, "risk-2").as_deref(), Some("Withdrawn"));
    lab.check();
}

#[test]
fn two_relays_at_once_land_each_review_once() {
    let lab = lab(2, 2);
    let (before, seen) = landed(&lab);
    let list = [(101, 77, "APPROVED", &*seen), (102, 78, "DISMISSED", &*seen)];
    let file = reviews(&lab, &list);
    let hub = Hub::of(lab);
    let seats: Vec<_> = ["one", "two", "three"].map(|name| hub.seat(name)).into();
    let line = [
        "relay",
        "github",
        &file,
        "--base",
        &before,
        "-m",
        "on the page",
        "--push",
    ];
    let ended: Vec<Said> = std::thread::scope(|scope| {
        let runs: Vec<_> = seats
            .iter()
            .map(|seat| {
                let mut command = seat.command("relay", &line);
                scope.spawn(move || said(&mut command))
            })
            .collect();
        runs.into_iter().map(|run| run.join().expect("it ends")).collect()
    });
    for said in &ended {
        assert_eq!(said.code, 0, "{said:?}");
    }
    let subjects = hub.git(&["log", "--format=%s", &format!("{before}..main")]);
    assert_eq!(subjects.matches("Relay ").count(), 1, "{subjects}");
    hub.check();
}
