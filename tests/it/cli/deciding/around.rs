//! All that changes around the object of a decision, behind the clone's back: each
//! decision against each kind of change. Nothing changes without a word.

use super::unseen::hub;
use crate::support::Lab;
use crate::support::hub::{Hub, Seat};

/// The outcome of a decision on an object that changed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    /// It is signed, after the change was printed.
    Told,
    /// It is not signed until its digest is named, or the clone shows the change.
    Stopped,
}
use Answer::{Stopped, Told};

/// Each decision command, and a line of it that is fine in [`story`].
pub(super) const DECISIONS: [(&str, &[&str]); 8] = [
    ("approve", &["approve", "churn/1"]),
    ("reject", &["reject", "churn/1"]),
    ("withdraw", &["withdraw", "churn/2"]),
    ("promote", &["promote", "churn/3", "production"]),
    ("rollback", &["rollback", "churn", "staging"]),
    ("archive", &["archive", "churn/4"]),
    ("delete", &["delete", "churn/5"]),
    ("settle", &["settle", "churn/6"]),
];

/// The version that each decision is about, by its place in [`DECISIONS`].
pub(super) const ABOUT: [u64; 8] = [1, 1, 2, 3, 3, 4, 5, 6];

/// A registry in which each of the decisions is fine.
pub(super) fn story() -> Hub {
    let hub = hub();
    let lab = &hub.lab;
    lab.register("churn", '7');
    let yes = |who: &str, line: &[&str]| {
        let _ = lab.ok(who, &[line, &["-m", "as agreed"]].concat());
    };
    for version in ["churn/3", "churn/4", "churn/7"] {
        yes("risk-2", &["approve", version]);
    }
    for version in ["churn/3", "churn/7"] {
        yes("risk-2", &["promote", version, "staging"]);
    }
    yes("risk-2", &["reject", "churn/5"]);
    lab.change_policy("required: 1", "required: 2");
    yes("risk-1", &["approve", "churn/2"]);
    yes("risk-2", &["approve", "churn/6"]);
    lab.change_policy("required: 2", "required: 1");
    lab.git(&["push", "-q"]);
    hub
}

/// The decision in a clone that did not see the change.
#[track_caller]
fn decided(seat: &Seat<'_>, line: &[&str], answer: Answer, words: &str) {
    let line = |more: &[&'static str]| [line, &["-m", "why", "--push", "--yes"], more].concat();
    let said = match answer {
        Told => {
            let said = seat.says("risk-1", &line(&["--dry-run"]));
            assert_eq!(said.code, 0, "{said:?}");
            assert!(
                said.err.contains("changed since this clone showed it:"),
                "{said:?}"
            );
            said
        }
        Stopped => {
            let said = seat.fails("risk-1", 1, &line(&[]));
            assert!(said.err.contains("not as this clone showed it"), "{said:?}");
            assert!(said.err.contains("--expect"), "{said:?}");
            said
        }
    };
    assert!(said.err.contains(words), "`{words}` is not in {said:?}");
    assert_eq!(
        said.err.contains("not as this clone showed it"),
        answer == Stopped,
        "{said:?}"
    );
}

/// A kind of change, made to one version; the answer of each decision in the order of
/// [`DECISIONS`]; and the words of `diff`.
struct Kind {
    name: &'static str,
    change: fn(&Lab, u64),
    answers: [Answer; 8],
    words: fn(u64) -> String,
}

const ALL_TOLD: [Answer; 8] = [Told; 8];

fn as_trainer(lab: &Lab, line: &[&str]) {
    let _ = lab.ok("trainer", line);
}

/// The kinds of change that a trainer makes.
fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            name: "label",
            change: |lab, n| as_trainer(lab, &["annotate", &format!("churn/{n}"), "--label", "pii=found"]),
            answers: ALL_TOLD,
            words: |n| format!("annotate churn/{n} (/labels)"),
        },
        Kind {
            name: "annotation",
            change: |lab, n| {
                as_trainer(
                    lab,
                    &["annotate", &format!("churn/{n}"), "--annotation", "ticket=7"],
                );
            },
            answers: ALL_TOLD,
            words: |n| format!("annotate churn/{n} (/annotations)"),
        },
        Kind {
            name: "description",
            change: |lab, n| {
                as_trainer(
                    lab,
                    &["annotate", &format!("churn/{n}"), "--description", "do not use"],
                );
            },
            answers: ALL_TOLD,
            words: |n| format!("annotate churn/{n} (/description)"),
        },
        Kind {
            name: "observation",
            change: |lab, n| {
                let version = format!("churn/{n}");
                as_trainer(
                    lab,
                    &[
                        "evidence",
                        "add",
                        &version,
                        "drift",
                        "--observation",
                        "--metric",
                        "psi=0.4",
                    ],
                );
            },
            answers: ALL_TOLD,
            words: |n| format!("add observation drift to churn/{n}"),
        },
    ]
}

#[test]
fn a_change_beside_what_is_signed_is_told_by_every_decision() {
    let hub = story();
    for kind in kinds() {
        let seat = hub.seat(kind.name);
        for number in 1..=6 {
            (kind.change)(&hub.lab, number);
        }
        hub.lab.git(&["push", "-q"]);
        for (place, (_, line)) in DECISIONS.iter().enumerate() {
            decided(&seat, line, kind.answers[place], &(kind.words)(ABOUT[place]));
        }
    }
    // A state that this clone shows is not printed.
    let seat = hub.seat("fresh");
    for (_, line) in DECISIONS {
        let line = [line, &["-m", "why", "--push", "--yes", "--dry-run"]].concat();
        let said = seat.says("risk-1", &line);
        assert!(said.code == 0 && !said.err.contains("changed since"), "{said:?}");
    }
    // A change of the group's own record is printed as well.
    let _ = hub.lab.ok(
        "admin-1",
        &["group", "update", "churn", "--description", "for cards only"],
    );
    hub.lab.git(&["push", "-q"]);
    for (_, line) in DECISIONS {
        decided(&seat, line, Told, "update group churn");
    }
    hub.check();
}

#[test]
fn a_change_of_what_is_signed_stops_every_decision() {
    let hub = story();
    let seat = hub.seat("a");
    for number in [1, 2] {
        let version = format!("churn/{number}");
        hub.lab.write("card.yaml", "limitations: not for cards\n");
        as_trainer(&hub.lab, &["card", "set", &version, "-f", "card.yaml"]);
    }
    hub.lab.git(&["push", "-q"]);
    // A decided version's content is closed, and approvals of other content settle
    // nothing; that a status moves is looked at in `unseen`.
    for name in ["approve", "reject", "withdraw"] {
        let mut all = DECISIONS.iter();
        let (_, line) = all.find(|(other, _)| *other == name).expect("a decision");
        decided(&seat, line, Stopped, "add the card of churn/");
    }
    hub.check();
}

#[test]
fn a_review_that_contradicts_the_decision_stops_it() {
    let hub = hub();
    let lab = &hub.lab;
    lab.change_policy("required: 1", "required: 2");
    lab.git(&["push", "-q"]);
    let seat = hub.seat("before");
    for version in ["churn/1", "churn/2"] {
        let _ = lab.ok("risk-2", &["approve", version, "-m", "measured it twice"]);
    }
    lab.git(&["push", "-q"]);
    // A rejection over an unseen approval stops; an additional approval is only
    // printed.
    let words = "approve churn/1 as risk-2";
    decided(&seat, &["reject", "churn/1"], Stopped, words);
    decided(&seat, &["approve", "churn/1"], Told, words);
    let said = seat.at_terminal("risk-1", "n", &["reject", "churn/1", "-m", "no", "--push"]);
    assert!(
        said.code == 1 && said.out.contains(words) && said.out.contains("[y/N]"),
        "{said:?}"
    );
    // An approval that was withdrawn does not count beside one's own.
    let seat = hub.seat("after");
    let _ = lab.ok("risk-2", &["withdraw", "churn/1", "-m", "the data leaked"]);
    lab.git(&["push", "-q"]);
    let words = "withdraw churn/1 as risk-2";
    decided(&seat, &["approve", "churn/1"], Stopped, words);
    decided(&seat, &["reject", "churn/1"], Told, words);
    let digest: &'static str = super::unseen::subject(&hub, "churn/1")[7..31].to_owned().leak();
    let line = ["approve", "churn/1", "-m", "all the same", "--push", "--yes"];
    let _ = seat.ok("risk-1", &[&line[..], &["--expect", digest]].concat());
    hub.check();
}

#[test]
fn a_version_that_serves_by_now_is_not_taken_out_of_service_unseen() {
    let hub = hub();
    let lab = &hub.lab;
    let _ = lab.ok("risk-2", &["approve", "churn/1", "-m", "fine"]);
    lab.git(&["push", "-q"]);
    let seat = hub.seat("a");
    let _ = lab.ok("risk-2", &["promote", "churn/1", "staging", "-m", "a trial"]);
    lab.git(&["push", "-q"]);
    let line = ["archive", "churn/1"];
    decided(&seat, &line, Stopped, "move churn@staging from nothing to 1");
    let said = seat.fails(
        "risk-1",
        1,
        &[&line[..], &["-m", "x", "--push", "--yes"]].concat(),
    );
    assert!(said.err.contains("the stages that churn/1 serves"), "{said:?}");
    // A note says that it no longer serves.
    let seat = hub.seat("b");
    let _ = lab.ok(
        "risk-2",
        &["rollback", "churn", "staging", "--empty", "-m", "over"],
    );
    lab.git(&["push", "-q"]);
    decided(&seat, &line, Told, "move churn@staging from 1 to nothing");
}

#[test]
fn an_author_whose_key_was_revoked_stops_the_decision() {
    let hub = hub();
    let seat = hub.seat("a");
    let print = crate::cli::again::fingerprint(&hub.lab, "trainer");
    let _ = hub
        .lab
        .ok("admin-1", &["actor", "revoke-key", &print, "-m", "stolen"]);
    hub.lab.git(&["push", "-q"]);
    decided(&seat, &["approve", "churn/1"], Stopped, "the policy for churn");
}

#[test]
fn reviews_of_a_policy_that_were_not_seen_are_told() {
    let hub = hub();
    let lab = &hub.lab;
    for who in ["risk-1", "risk-2"] {
        let _ = lab.ok("admin-1", &["grant", "add", who, "--allow", "administer"]);
    }
    lab.change_policy("approvals:", "policyChange:\n  required: 3\napprovals:");
    lab.git(&["push", "-q"]);
    let _ = lab.ok(
        "admin-1",
        &["team", "add", "audit", "risk-1", "--branch", "proposal"],
    );
    lab.git(&["push", "-q", "origin", "proposal"]);
    let seat = hub.seat("a");
    let approve = [
        "policy",
        "approve",
        "proposal",
        "--branch",
        "proposal",
        "-m",
        "as agreed",
    ];
    let _ = lab.ok("risk-2", &approve);
    lab.git(&["push", "-q", "origin", "proposal"]);
    let approve = [
        "policy",
        "approve",
        "origin/proposal",
        "--branch",
        "proposal",
        "-m",
        "as agreed",
        "--push",
        "--yes",
        "--dry-run",
    ];
    let said = seat.says("risk-1", &approve);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("changed since this clone showed it:"),
        "{said:?}"
    );
    assert!(
        said.err.contains("approve policy") && said.err.contains("as risk-2"),
        "{said:?}"
    );
}
