//! Reported reviews, as the judge sees them. Threats 57 (an account taken over) and
//! 58 (the machine's key stolen) are carried out.

use super::*;

#[test]
fn by_default_no_reported_review_counts() {
    let lab = lab(0, 1);
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let said = lab.says(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
    assert!(
        said.code == 0 && said.err.contains("counts no reported reviews"),
        "{said:?}"
    );
    // A review written by hand is not a finding by itself, and does not count.
    lab.write(
        "groups/churn/versions/1/reviews/risk-1.yaml",
        &forged("risk-1", "Approved", 1, &subject(&lab)),
    );
    lab.commit("relay", "report");
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), [""; 0]);
    approve_by_hand(&lab);
    lab.commit("risk-2", "approve");
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR308"]);
}

#[test]
fn an_account_that_was_taken_over_gives_one_vote_at_most() {
    let lab = lab(1, 2);
    let (before, seen) = landed(&lab);
    // The holder of both accounts clicks for both, and each twice.
    let list = reviews(
        &lab,
        &[
            (101, 77, "APPROVED", &seen),
            (101, 78, "APPROVED", &seen),
            (102, 79, "APPROVED", &seen),
        ],
    );
    let relay = ["relay", "github", &list, "--base", &before, "-m", "approved"];
    let said = lab.says("relay", &relay);
    assert!(
        said.code == 0 && said.err.contains("churn/1 is still Pending: 1 of 2 approvals"),
        "{said:?}"
    );
    assert_eq!(status(&lab), "Pending");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(
        shown.contains("the policy counts no more than 1 of those"),
        "{shown}"
    );
    assert!(shown.contains("1 of 2 approvals"), "{shown}");
    approve_by_hand(&lab);
    let said = lab.findings("risk-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR308"), "{said}");
    let _ = lab.git(&["checkout", "-q", "."]);
    // One who signs makes it two: the own review takes the reported one's place.
    let _ = lab.ok("risk-2", &["approve", "churn/1", "-m", "looked myself"]);
    assert_eq!(status(&lab), "Approved");
    let file = lab.read("groups/churn/versions/1/reviews/risk-2.yaml");
    assert!(!file.contains("onBehalfOf") && !file.contains("host:"), "{file}");
    lab.check();
}

#[test]
fn mr318_fires_for_a_person_without_that_account() {
    let lab = lab(2, 2);
    landed(&lab);
    let of_subject = subject(&lab);
    for person in ["admin-1", "trainer", "relay"] {
        let path = format!("groups/churn/versions/1/reviews/{person}.yaml");
        lab.write(&path, &forged(person, "Approved", 1, &of_subject));
        lab.commit("relay", "report");
        assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR318"], "{person}");
    }
    // On another host the account does not count.
    let elsewhere = forged("risk-1", "Approved", 1, &of_subject).replace("name: github", "name: gitlab");
    lab.write("groups/churn/versions/1/reviews/risk-1.yaml", &elsewhere);
    lab.commit("relay", "report");
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR318"]);
    // Nothing of it counts.
    approve_by_hand(&lab);
    lab.commit("risk-2", "approve");
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR308"]);
}

#[test]
fn mr318_fires_for_a_machine_without_the_right_and_for_a_person() {
    let lab = lab(2, 2);
    landed(&lab);
    let of_subject = subject(&lab);
    let path = "groups/churn/versions/1/reviews/risk-1.yaml";
    for (who, expected) in [
        // No grant at all: MR307 says so of the act, MR318 of the report.
        ("trainer", &["MR307", "MR318"][..]),
        ("risk-2", &["MR318"][..]),
    ] {
        let text = forged("risk-1", "Approved", 1, &of_subject).replace("by: relay", &format!("by: {who}"));
        lab.write(path, &text);
        lab.commit(who, "report");
        assert_eq!(codes(&lab, "HEAD~1..HEAD"), expected, "{who}");
        let _ = lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
    // Without the place, or without the person.
    for cut in [
        "onBehalfOf: risk-1\n",
        "host:\n  name: github\n  review: \"1\"\n  commit: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
    ] {
        let text = forged("risk-1", "Approved", 1, &of_subject).replace(cut, "");
        let (path, text) = match cut.starts_with("on") {
            true => ("groups/churn/versions/1/reviews/relay.yaml", text),
            false => (path, text),
        };
        lab.write(path, &text);
        lab.commit("relay", "report");
        assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR318"], "{text}");
        let _ = lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn mr318_fires_when_a_report_replaces_what_a_person_signed() {
    let lab = lab(2, 1);
    landed(&lab);
    let of_subject = subject(&lab);
    let path = "groups/churn/versions/1/reviews/risk-1.yaml";
    // A rejection that is in force, and not applied to the status yet.
    let rejection = forged("risk-1", "Rejected", 1, &of_subject)
        .replace("by: relay\nonBehalfOf: risk-1\n", "by: risk-1\n");
    let rejection = rejection.split("host:\n").next().expect("a head").to_owned()
        + rejection
            .split_once("revision")
            .map(|(_, rest)| format!("revision{rest}"))
            .expect("a tail")
            .as_str();
    lab.write(path, &rejection);
    lab.commit("risk-1", "reject");
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), [""; 0]);
    for decision in ["Withdrawn", "Approved"] {
        lab.write(path, &forged("risk-1", decision, 2, &of_subject));
        lab.commit("relay", "report");
        assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR318"], "{decision}");
        let _ = lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn mr318_fires_for_a_review_of_a_policy() {
    let lab = lab(2, 1);
    let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
    let _ = lab.ok("admin-1", &["actor", "add-account", "admin-2", "github=103"]);
    lab.change_policy("grants:\n", "policyChange: {required: 2}\ngrants:\n");
    // One administrator of two reports the other's approval.
    let text = lab.policy_with("risk-models", "risk-models-2");
    lab.write("registry.yaml", &text);
    let serial = text
        .lines()
        .find_map(|line| line.strip_prefix("serial: "))
        .expect("a serial")
        .to_owned();
    let _ = lab.git(&["switch", "-q", "-c", "proposal"]);
    lab.commit("admin-1", "another name");
    let _ = lab.ok(
        "admin-2",
        &["policy", "approve", "proposal", "--branch", "aside", "-m", "fine"],
    );
    let theirs = lab.git(&["show", &format!("aside:policy/{serial}/admin-2.yaml")]);
    let of_policy = theirs
        .lines()
        .find_map(|line| line.strip_prefix("subject: "))
        .expect("a subject");
    let review = format!(
        "apiVersion: modelry/v1\nkind: Review\nserial: {serial}\nby: admin-1\nonBehalfOf: admin-2\nhost:\n  name: github\n  review: \"1\"\n  commit: {}\nrevision: 1\ndecision: Approved\nsubject: {of_policy}\n",
        "a".repeat(40)
    );
    let _ = lab.git(&["switch", "-q", "main"]);
    let _ = lab.git(&["merge", "-q", "--ff-only", "proposal"]);
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR403"]);
    let _ = lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    lab.write(&format!("policy/{serial}/admin-2.yaml"), &review);
    lab.write("registry.yaml", &text);
    lab.commit("admin-1", "another name");
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR318", "MR403"]);
}

#[test]
fn mr318_passes_for_what_relay_writes() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(102, 5, "APPROVED", &seen)]);
    relayed(&lab, &list, &before);
    assert_eq!(codes(&lab, &format!("{before}..HEAD")), [""; 0]);
}

#[test]
fn who_owns_the_machine_does_not_gain_a_vote_by_it() {
    let lab = lab(1, 2);
    // The machine's owner approves too: that is one person's work.
    let _ = lab.ok(
        "admin-1",
        &["grant", "add", "admin-2", "--allow", "approve", "--groups", "*"],
    );
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    relayed(&lab, &list, &before);
    let _ = lab.ok("admin-2", &["approve", "churn/1", "-m", "mine"]);
    assert_eq!(status(&lab), "Pending");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.contains("1 of 2 approvals"), "{shown}");
    let _ = lab.ok("risk-2", &["approve", "churn/1", "-m", "mine"]);
    assert_eq!(status(&lab), "Approved");
}

#[test]
fn a_machine_of_the_authors_owner_reports_nothing_that_counts() {
    let lab = lab(1, 1);
    lab.change_policy("owners: [admin-2]", "owners: [admin-1]");
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    relayed(&lab, &list, &before);
    assert_eq!(status(&lab), "Pending");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.contains("four eyes: `relay`, which reports it"), "{shown}");
}

#[test]
fn a_stolen_machine_key_is_revoked_and_what_it_approved_resolves_nowhere() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let believed = lab.git(&["rev-parse", "HEAD"]);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    relayed(&lab, &list, &before);
    let root = lab.root();
    let resolve = ["resolve", "churn@latest", "--root", &root];
    let _ = lab.ok("risk-1", &resolve);
    let key = lab.public_key("relay");
    let said = lab.says(
        "admin-1",
        &[
            "actor",
            "revoke-key",
            &key,
            "--since",
            &believed,
            "-m",
            "runner broken into",
            "--yes",
        ],
    );
    assert!(said.code <= 1, "{said:?}");
    let said = lab.says("risk-1", &resolve);
    assert!(said.code == 1 && said.out.contains("MR317"), "{said:?}");
    let audit = lab.says("risk-1", &["audit", "--root", &root, "-o", "concise"]);
    assert!(
        audit.code == 1 && audit.out.contains("MR317") && audit.out.contains("churn/1"),
        "{audit:?}"
    );
    // Somebody looked, and it is right.
    let reaffirm = [
        "actor",
        "revoke-key",
        &key,
        "--reaffirm",
        "churn/1",
        "-m",
        "asked risk-1",
        "--yes",
    ];
    let _ = lab.ok("admin-1", &reaffirm);
    let _ = lab.ok("risk-1", &resolve);
}

/// Where a report lies at another's place, accepting that it does gives no vote.
#[test]
fn an_accepted_report_at_anothers_place_is_no_vote() {
    let lab = lab(1, 1);
    landed(&lab);
    // risk-1 lists the account, and the file is admin-1's, who lists none.
    let path = "groups/churn/versions/1/reviews/admin-1.yaml";
    lab.write(path, &forged("risk-1", "Approved", 1, &subject(&lab)));
    approve_by_hand(&lab);
    lab.commit("relay", "report");
    assert_eq!(codes(&lab, "HEAD~1..HEAD"), ["MR104", "MR308"]);
}

#[test]
fn an_account_that_changed_hands_takes_its_reviews_along() {
    let lab = lab(1, 2);
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    relayed(&lab, &list, &before);
    let _ = lab.ok(
        "admin-1",
        &["actor", "add-account", "risk-1", "github=999", "-m", "taken over"],
    );
    let _ = lab.ok("risk-2", &["approve", "churn/1", "-m", "mine"]);
    assert_eq!(status(&lab), "Pending");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.contains("is not `risk-1`'s"), "{shown}");
}

/// The owners of a machine are followed through the machines that own it.
#[test]
fn owners_are_followed_through_machines() {
    let lab = lab(1, 1);
    let gate = lab.public_key("gate");
    let _ = lab.ok(
        "admin-1",
        &[
            "actor", "add", "gate", "--kind", "machine", "--owner", "admin-1", "--key", &gate,
        ],
    );
    // admin-1 owns the author of the version, and the machine that owns the reporter.
    lab.change_policy("owners: [admin-2]", "owners: [gate, admin-2]");
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    relayed(&lab, &list, &before);
    assert_eq!(status(&lab), "Pending");
}
