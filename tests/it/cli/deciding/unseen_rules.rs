//! A decision rests on more than its object: the policy that decides in the group,
//! and the reviews of others. Neither changes behind a clone's back without a
//! message.

use super::unseen::{hub, subject};
use crate::support::Lab;
use crate::support::hub::Hub;

/// The decision of risk-1 in a clone that shows the policy before, and in one
/// that shows the policy after.
#[track_caller]
fn told(hub: &Hub, change: &dyn Fn(&Lab), decision: &[&str], words: &str) {
    hub.lab.git(&["push", "-q"]);
    let seat = hub.seat("shows-the-old");
    change(&hub.lab);
    hub.lab.git(&["push", "-q"]);
    let knows = hub.seat("shows-the-new");
    let with = |more: &[&'static str]| -> Vec<&str> {
        let own = ["-m", "why", "--push"];
        decision
            .iter()
            .copied()
            .chain(own)
            .chain(more.iter().copied())
            .collect()
    };
    for more in [&["--yes"][..], &[]] {
        let said = seat.fails("risk-1", 1, &with(more));
        assert!(said.err.contains("the policy for churn"), "{said:?}");
        assert!(said.err.contains(words), "{words}\n{said:?}");
        let line = format!("--expect {}`", &subject(hub, "churn/1")[7..31]);
        assert!(said.err.contains(&line), "{line}\n{said:?}");
    }
    let said = seat.at_terminal("risk-1", "n", &with(&[]));
    assert!(
        said.code == 1 && said.out.contains(words) && said.out.contains("[y/N]"),
        "{said:?}"
    );
    // A decision that names the digest is signed, after the change was printed.
    let digest: &'static str = subject(hub, "churn/1")[7..31].to_owned().leak();
    let said = seat.says("risk-1", &with(&["--yes", "--dry-run", "--expect", digest]));
    assert!(said.code == 0 && said.err.contains(words), "{said:?}");
    let said = knows.says("risk-1", &with(&["--yes"]));
    assert!(
        said.code == 0 && !said.err.contains("not as this clone"),
        "{said:?}"
    );
    hub.check();
}

#[test]
fn a_gate_that_asks_for_less() {
    let hub = hub();
    hub.lab.change_policy(
        "required: 1",
        "required: 1\n    gates:\n      - {name: good, require: metrics.auc >= 0.8}",
    );
    told(
        &hub,
        &|lab| lab.change_policy("metrics.auc >= 0.8", "metrics.auc >= 0.1"),
        &["approve", "churn/1"],
        "metrics.auc >= 0.1",
    );
}

#[test]
fn fewer_approvals() {
    let hub = hub();
    hub.lab.change_policy("required: 1", "required: 2");
    told(
        &hub,
        &|lab| lab.change_policy("required: 2", "required: 1"),
        &["approve", "churn/1"],
        "asks for less, or allows more:",
    );
}

#[test]
fn a_stage_that_requires_nothing_any_more() {
    let hub = hub();
    told(
        &hub,
        &|lab| lab.change_policy("\n    requires: Approved", ""),
        &["promote", "churn/1", "production"],
        "production",
    );
}

#[test]
fn another_owner_of_a_machine() {
    let hub = hub();
    told(
        &hub,
        &|lab| lab.change_policy("owners: [admin-1]", "owners: [risk-2]"),
        &["approve", "churn/1"],
        "risk-2",
    );
}

#[test]
fn somebody_else_may_approve() {
    let hub = hub();
    told(
        &hub,
        &|lab| {
            let grant = [
                "grant", "add", "trainer", "--allow", "approve", "--groups", "churn",
            ];
            let _ = lab.ok("admin-1", &grant);
        },
        &["approve", "churn/1"],
        "trainer",
    );
}

#[test]
fn a_policy_that_decides_elsewhere_is_not_in_the_way() {
    let hub = hub();
    let seat = hub.seat("a");
    let key = hub.lab.public_key("bot");
    let bot = [
        "actor", "add", "bot", "--kind", "machine", "--owner", "risk-2", "--key", &key,
    ];
    let _ = hub.lab.ok("admin-1", &bot);
    hub.lab.change_policy(
        "approvals:\n",
        "approvals:\n  - groups: [fraud-*]\n    required: 2\n",
    );
    hub.lab.git(&["push", "-q"]);
    let _ = seat.ok("risk-1", &["approve", "churn/1", "-m", "fine", "--push", "--yes"]);
}

#[test]
fn a_reviewer_who_is_retired() {
    let hub = hub();
    told(
        &hub,
        &|lab| {
            let _ = lab.ok("admin-1", &["actor", "retire", "risk-2", "-m", "left"]);
        },
        &["approve", "churn/1"],
        "risk-2",
    );
}

#[test]
fn who_has_no_part_in_the_decision_is_not_in_the_way() {
    let hub = hub();
    let key = hub.lab.public_key("bot");
    let bot = [
        "actor", "add", "bot", "--kind", "machine", "--owner", "admin-1", "--key", &key,
    ];
    let _ = hub.lab.ok("admin-1", &bot);
    hub.lab.git(&["push", "-q"]);
    let seat = hub.seat("a");
    hub.lab.change_policy(
        "bot:\n    kind: machine\n    owners: [admin-1]",
        "bot:\n    kind: machine\n    owners: [risk-2]",
    );
    let grant = ["grant", "add", "bot", "--allow", "register", "--groups", "churn"];
    let _ = hub.lab.ok("admin-1", &grant);
    hub.lab.git(&["push", "-q"]);
    let _ = seat.ok("risk-1", &["approve", "churn/1", "-m", "fine", "--push", "--yes"]);
}

/// A review that moves no status, as a commit by hand holds it.
fn review_by_hand(lab: &Lab, who: &str, verb: &str) {
    let _ = lab.ok(
        who,
        &[verb, "churn/1", "-m", "as I see it", "--branch", "scratch"],
    );
    let review = "groups/churn/versions/1/reviews";
    lab.git(&["checkout", "-q", "scratch", "--", review]);
    lab.commit(who, "a review");
}

#[test]
fn settling_rests_on_reviews_that_were_shown() {
    let hub = hub();
    let seat = hub.seat("a");
    review_by_hand(&hub.lab, "risk-2", "approve");
    hub.lab.git(&["push", "-q"]);
    let said = seat.fails("risk-1", 1, &["settle", "churn/1", "--push", "--yes"]);
    assert!(said.err.contains("the reviews of churn/1"), "{said:?}");
    assert!(said.err.contains("approve churn/1"), "{said:?}");
    let seat = hub.seat("b");
    let _ = seat.ok("risk-1", &["settle", "churn/1", "--push", "--yes"]);
    hub.check();
}

#[test]
fn an_approval_says_whose_it_rests_on() {
    let hub = hub();
    hub.lab.change_policy("required: 1", "required: 2");
    hub.lab.git(&["push", "-q"]);
    let seat = hub.seat("a");
    for version in ["churn/1", "churn/2"] {
        let _ = hub.lab.ok("risk-2", &["approve", version, "-m", "fine"]);
    }
    hub.lab.git(&["push", "-q"]);
    let knows = hub.seat("b");
    let words = "approved together with the review of `risk-2`, which this clone had not shown";
    let said = seat.says("risk-1", &["approve", "churn/1", "-m", "fine", "--push", "--yes"]);
    assert!(said.code == 0 && said.err.contains(words), "{said:?}");
    let said = knows.says("risk-1", &["approve", "churn/2", "-m", "fine", "--push", "--yes"]);
    assert!(said.code == 0 && !said.err.contains(words), "{said:?}");
}

#[test]
fn no_approval_beside_a_rejection() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    review_by_hand(&lab, "risk-2", "reject");
    let before = lab.git(&["rev-parse", "HEAD"]);
    let said = lab.says("risk-1", &["approve", "churn/1", "-m", "fine", "--yes"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err
            .contains("churn/1 is rejected by `risk-2`, and no approval helps"),
        "{said:?}"
    );
    assert!(
        said.err.contains("`modelry withdraw churn/1 -m REASON`"),
        "{said:?}"
    );
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), before);
    assert_eq!(lab.git(&["status", "--porcelain"]), "");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(
        shown.contains("anybody's: `modelry settle churn/1` makes it Rejected"),
        "{shown}"
    );
    // The remedies work: the rejection is taken back, or comes into force.
    let copy = lab.copy();
    let _ = copy.ok("risk-2", &["withdraw", "churn/1", "-m", "a mistake"]);
    let _ = copy.ok("risk-1", &["approve", "churn/1", "-m", "fine", "--yes"]);
    let settled = lab.ok("risk-1", &["settle", "churn/1", "--yes"]);
    assert!(settled.contains("Pending -> Rejected"), "{settled}");
}

#[test]
fn what_was_added_is_told_in_full() {
    let hub = hub();
    let seat = hub.seat("a");
    let _ = hub.lab.ok(
        "trainer",
        &["evidence", "add", "churn/1", "late", "--metric", "auc=0.3"],
    );
    hub.lab.write("card.yaml", "limitations: none is known\n");
    let _ = hub
        .lab
        .ok("trainer", &["card", "set", "churn/1", "-f", "card.yaml"]);
    hub.lab.git(&["push", "-q"]);
    let approve = ["approve", "churn/1", "-m", "fine", "--push", "--yes"];
    let said = seat.fails("risk-1", 1, &approve);
    assert!(
        said.err.contains("Evidence added: late by trainer: auc 0.3"),
        "{said:?}"
    );
    assert!(said.err.contains("Card added; it fills limitations"), "{said:?}");
    // The remedy of a wrong digest shows the right one.
    let wrong = [&approve[..], &["--expect", "0123456789ab"]].concat();
    let said = seat.fails("risk-1", 1, &wrong);
    assert!(said.err.contains("`modelry show churn/1 --fetch`"), "{said:?}");
    let shown = seat.ok("risk-1", &["show", "churn/1", "--fetch"]);
    assert!(shown.contains(&subject(&hub, "churn/1")[7..31]), "{shown}");
}
