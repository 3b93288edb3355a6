//! Reviews given on a Git host's page: relayed by a machine, and believed only
//! as far as the policy lets them. Threats 57 (an account taken over) and 58 (the
//! machine's key stolen) are carried out.

use crate::support::Lab;

/// A registry with a machine that relays: risk-1 and risk-2 list accounts, and
/// `delegated` reported reviews count of `required`.
fn lab(delegated: u32, required: u32) -> Lab {
    let lab = Lab::with_registry();
    let (admin, relay) = (lab.public_key("admin-2"), lab.public_key("relay"));
    let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &admin]);
    let add = [
        "actor", "add", "relay", "--kind", "machine", "--owner", "admin-2", "--key", &relay,
    ];
    let _ = lab.ok("admin-1", &add);
    let _ = lab.ok(
        "admin-1",
        &[
            "grant",
            "add",
            "relay",
            "--allow",
            "approve,reject",
            "--groups",
            "*",
        ],
    );
    let _ = lab.ok("admin-1", &["actor", "add-account", "risk-1", "github=101"]);
    let _ = lab.ok("admin-1", &["actor", "add-account", "risk-2", "github=102"]);
    let delegated = match delegated {
        0 => String::new(),
        number => format!("    delegated: {number}\n"),
    };
    let rule = format!("approvals:\n  - groups: [\"*\"]\n    required: {required}\n{delegated}");
    lab.change_policy("approvals:\n  - groups: [\"*\"]\n    required: 1\n", &rule);
    lab
}

/// What GitHub answers: (account, id, state) at a commit.
fn reviews(lab: &Lab, list: &[(u64, u64, &str, &str)]) -> String {
    let list: Vec<serde_json::Value> = list
        .iter()
        .map(|(account, id, state, commit)| {
            serde_json::json!({
                "id": id, "user": {"id": account, "login": format!("login-{account}")}, "state": state,
                "commit_id": commit, "submitted_at": "2026-01-01T00:00:00Z",
            })
        })
        .collect();
    let path = lab.home().join("reviews.json");
    std::fs::write(&path, serde_json::to_vec(&list).expect("JSON")).expect("a file");
    path.to_string_lossy().into_owned()
}

/// A branch that registers churn/1, as the reviewer saw it; the mainline's tip
/// before it landed; and the branch landed by a merge.
fn landed(lab: &Lab) -> (String, String) {
    let before = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.git(&["switch", "-q", "-c", "feature"]);
    lab.register("churn", '1');
    let seen = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.git(&["switch", "-q", "main"]);
    let merge = [
        "merge",
        "-q",
        "--no-ff",
        "-S",
        "-m",
        "Merge pull request 7",
        "feature",
    ];
    assert!(lab.git_as("admin-1", &merge).status.success());
    (before, seen)
}

fn status(lab: &Lab) -> String {
    let text = lab.read("groups/churn/versions/1/version.yaml");
    let line = text.lines().find_map(|line| line.strip_prefix("status: "));
    line.expect("a status").to_owned()
}

fn subject(lab: &Lab) -> String {
    let shown = lab.ok("risk-1", &["show", "churn/1", "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    shown["subject"].as_str().expect("a subject").to_owned()
}

/// A review as whoever holds the machine's key would write it by hand.
fn forged(person: &str, decision: &str, revision: u64, subject: &str) -> String {
    format!(
        "apiVersion: modelry/v1\nkind: Review\ngroup: churn\nversion: 1\nby: relay\nonBehalfOf: {person}\nhost:\n  name: github\n  review: \"1\"\n  commit: {}\nrevision: {revision}\ndecision: {decision}\nsubject: {subject}\n",
        "a".repeat(40)
    )
}

fn approve_by_hand(lab: &Lab) {
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(
        path,
        &lab.read(path).replace("status: Pending", "status: Approved"),
    );
}

fn codes(lab: &Lab, range: &str) -> Vec<String> {
    let said = lab.says("admin-1", &["validate", range, "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let mut codes: Vec<String> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

#[test]
fn a_review_on_the_hosts_page_is_written_down_and_counts() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let list = reviews(
        &lab,
        &[(101, 77, "APPROVED", &seen), (999, 78, "APPROVED", &seen)],
    );
    let relay = [
        "relay",
        "github",
        &list,
        "--base",
        &before,
        "-m",
        "approved in pull request 7",
    ];
    let dry = lab.ok("relay", &[&relay[..], &["--dry-run"]].concat());
    assert!(dry.contains("status churn/1 Pending -> Approved"), "{dry}");
    let said = lab.says("relay", &relay);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("account 999 on github, which no actor lists"),
        "{said:?}"
    );
    assert_eq!(status(&lab), "Approved");
    let file = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
    for line in [
        "by: relay\n",
        "onBehalfOf: risk-1\n",
        "  name: github\n",
        "  review: \"77\"\n",
        &format!("  commit: {seen}\n"),
        "decision: Approved\n",
        "reason: approved in pull request 7\n",
    ] {
        assert!(file.contains(line), "no `{line}` in\n{file}");
    }
    let subject = lab.git(&["log", "-1", "--format=%s"]);
    assert_eq!(subject, "Relay the approval of churn/1 by risk-1 on github");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.contains("risk-1 (reported by relay)"), "{shown}");
    let _ = lab.ok("admin-1", &["validate", &format!("{before}..HEAD")]);
    let root = lab.root();
    let audit = lab.ok("admin-1", &["audit", "--root", &root]);
    assert!(audit.contains("risk-1 (reported by relay)"), "{audit}");
    lab.check();
    // A second run has nothing to do.
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let again = lab.says("relay", &relay);
    assert!(
        again.code == 0 && again.err.contains("nothing to relay"),
        "{again:?}"
    );
    assert_eq!(tip, lab.git(&["rev-parse", "HEAD"]));
}

#[test]
fn a_squash_that_lands_what_was_seen_counts_and_what_was_changed_since_does_not() {
    let lab = lab(1, 1);
    let before = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.git(&["switch", "-q", "-c", "feature"]);
    lab.register("churn", '1');
    let first = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok(
        "trainer",
        &["evidence", "add", "churn/1", "holdout", "--metric", "auc=0.4"],
    );
    let second = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.git(&["switch", "-q", "main"]);
    let _ = lab.git(&["merge", "-q", "--squash", "feature"]);
    lab.commit("admin-1", "Pull request 7");
    let seen_first = reviews(&lab, &[(101, 77, "APPROVED", &first)]);
    let relay = |file: &str| {
        lab.says(
            "relay",
            &[
                "relay",
                "github",
                file,
                "--base",
                &before,
                "-m",
                "approved in pull request 7",
            ],
        )
    };
    let said = relay(&seen_first);
    assert!(
        said.code == 0 && said.err.contains("is not what is there now"),
        "{said:?}"
    );
    assert_eq!(status(&lab), "Pending");
    let seen_second = reviews(&lab, &[(101, 78, "APPROVED", &second)]);
    let said = relay(&seen_second);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(status(&lab), "Approved");
}

#[test]
fn on_the_branch_itself_the_review_lands_with_what_was_reviewed() {
    let lab = lab(1, 1);
    let _ = lab.git(&["switch", "-q", "-c", "feature"]);
    lab.register("churn", '1');
    let seen = lab.git(&["rev-parse", "HEAD"]);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let _ = lab.ok(
        "relay",
        &["relay", "github", &list, "--branch", "feature", "-m", "approved"],
    );
    let _ = lab.ok("risk-1", &["validate", "--onto", "main", "HEAD"]);
}

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
    // Written by hand it is no finding by itself, and carries nothing.
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
    // Whoever holds the accounts clicks for both, and each twice.
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
    // On another host the account is no account.
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
    // A rejection that stands, and is not carried into the status yet.
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
    let _ = lab.ok(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
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
    let _ = lab.ok(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
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
    let _ = lab.ok(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
    assert_eq!(status(&lab), "Pending");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.contains("four eyes: `relay`, which reports it"), "{shown}");
}

#[test]
fn dismissed_and_changed_minds_take_an_approval_back() {
    let lab = lab(2, 2);
    let (before, seen) = landed(&lab);
    let relay = |list: &[(u64, u64, &str, &str)], more: &[&str]| {
        let file = reviews(&lab, list);
        let base = ["relay", "github", &file, "--base", &before, "-m", "on the page"];
        lab.says("relay", &[&base[..], more].concat())
    };
    let said = relay(&[(101, 77, "APPROVED", &seen)], &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let said = relay(
        &[
            (101, 77, "DISMISSED", &seen),
            (102, 80, "CHANGES_REQUESTED", &seen),
        ],
        &[],
    );
    assert_eq!(said.code, 0, "{said:?}");
    let file = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
    assert!(
        file.contains("decision: Withdrawn") && file.contains("revision: 2"),
        "{file}"
    );
    assert!(
        !lab.home()
            .join("repo/groups/churn/versions/1/reviews/risk-2.yaml")
            .exists()
    );
    // Only where it is asked for does a wish for changes reject.
    let said = relay(&[(102, 80, "CHANGES_REQUESTED", &seen)], &["--reject"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(status(&lab), "Rejected");
    lab.check();
    let _ = lab.ok("admin-1", &["validate", &format!("{before}..HEAD")]);
}

#[test]
fn a_stolen_machine_key_is_revoked_and_what_it_approved_resolves_nowhere() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let believed = lab.git(&["rev-parse", "HEAD"]);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let _ = lab.ok(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
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

#[test]
fn what_can_not_be_relayed_is_said() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let said = lab.error(
        "risk-2",
        &["relay", "github", &list, "--base", &before, "-m", "x"],
    );
    assert!(said.contains("`risk-2` is no machine"), "{said}");
    let said = lab.says("relay", &["relay", "github", &list, "-m", "x"]);
    assert!(
        said.code == 0 && said.err.contains("--base REV") && said.err.contains("nothing to relay"),
        "{said:?}"
    );
    let gone = reviews(&lab, &[(101, 77, "APPROVED", &"2".repeat(40))]);
    for versions in [&[][..], &["churn/1"]] {
        let relay = [
            &["relay", "github", &gone],
            versions,
            &["--base", &before, "-m", "x"],
        ]
        .concat();
        let said = lab.says("relay", &relay);
        assert!(
            said.code == 0
                && said.err.contains("which was reviewed, is not here")
                && said.err.contains("nothing to relay"),
            "{said:?}"
        );
    }
    let file = lab.home().join("reviews.json");
    std::fs::write(&file, "{\"message\": \"Bad credentials\"}").expect("a file");
    let said = lab.error("relay", &["relay", "github", &list, "--base", &before, "-m", "x"]);
    assert!(
        said.contains("reviews.json: this is no list of reviews"),
        "{said}"
    );
    for name in ["github=@risk-one", "github=risk-one", "github=cafe1"] {
        let said = lab.error("admin-1", &["actor", "add-account", "risk-1", name]);
        assert!(said.contains("is a name"), "{said}");
    }
    // The numbers of one host's accounts are other people's on another.
    let gitlab = serde_json::json!({
        "object_kind": "merge_request", "user": {"id": 101},
        "object_attributes": {"iid": 4, "action": "approved", "last_commit": {"id": seen}},
    });
    std::fs::write(&file, gitlab.to_string()).expect("a file");
    let said = lab.error("relay", &["relay", "github", &list, "--base", &before, "-m", "x"]);
    assert!(
        said.contains("is in GitLab's form, and `github` is another host"),
        "{said}"
    );
    let said = lab.error("relay", &["relay", "gitlab", &list, "--base", &before, "-m", "x"]);
    assert!(said.contains("no actor lists an account on `gitlab`"), "{said}");
    assert!(said.contains("did you mean `github`?"), "{said}");
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
    let _ = lab.ok(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
    let _ = lab.ok(
        "admin-1",
        &["actor", "add-account", "risk-1", "github=999", "-m", "taken over"],
    );
    let _ = lab.ok("risk-2", &["approve", "churn/1", "-m", "mine"]);
    assert_eq!(status(&lab), "Pending");
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.contains("is not `risk-1`'s"), "{shown}");
}

/// Whom a machine stands for is followed through the machines that own it.
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
    let _ = lab.ok(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
    assert_eq!(status(&lab), "Pending");
}

/// A branch that was forced, a base that has it already, and no common history.
#[test]
fn one_review_that_says_nothing_keeps_no_other_from_counting() {
    for why in ["is not here", "is in", "in no single place"] {
        let lab = lab(1, 1);
        let (before, seen) = landed(&lab);
        let commit = &match why {
            "is not here" => "d".repeat(40),
            "is in" => before.clone(),
            _ => {
                let _ = lab.git(&["switch", "-q", "--orphan", "elsewhere"]);
                lab.write("README", "words\n");
                lab.commit("trainer", "of another history");
                let unrelated = lab.git(&["rev-parse", "HEAD"]);
                let _ = lab.git(&["switch", "-q", "main"]);
                unrelated
            }
        };
        let list = reviews(&lab, &[(102, 1, "APPROVED", commit), (101, 2, "APPROVED", &seen)]);
        let said = lab.says(
            "relay",
            &["relay", "github", &list, "--base", &before, "-m", "approved"],
        );
        assert_eq!(said.code, 0, "{said:?}");
        assert!(
            said.err.contains("review 1 of `risk-2` is not relayed") && said.err.contains(why),
            "{said:?}"
        );
        assert_eq!(status(&lab), "Approved", "{why}");
    }
}

#[test]
fn a_host_is_the_same_in_whatever_case_it_is_written() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let said = lab.findings("admin-1", &["actor", "add-account", "risk-2", "GitHub=101"]);
    assert!(said.contains("MR420"), "{said}");
    let told = lab.error("admin-1", &["actor", "add-account", "risk-1", "GITHUB=101"]);
    assert!(told.contains("already"), "{told}");
    let _ = lab.ok("admin-1", &["actor", "add-account", "risk-2", "GitHub=202"]);
    let policy = lab.read("registry.yaml");
    assert!(
        policy.contains("github: \"202\"") && !policy.contains("GitHub"),
        "{policy}"
    );
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let _ = lab.ok(
        "relay",
        &["relay", "GitHub", &list, "--base", &before, "-m", "approved"],
    );
    assert_eq!(status(&lab), "Approved");
    lab.check();
}

#[test]
fn an_account_is_taken_away() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let _ = lab.ok("admin-1", &["actor", "add-account", "risk-1", "codeberg=5"]);
    let told = lab.error("admin-1", &["actor", "remove-account", "risk-1", "githb"]);
    assert!(told.contains("did you mean `github`?"), "{told}");
    let _ = lab.ok(
        "admin-1",
        &["actor", "remove-account", "risk-1", "GitHub", "-m", "left"],
    );
    let policy = lab.read("registry.yaml");
    assert!(
        policy.contains("codeberg: \"5\"") && !policy.contains("\"101\""),
        "{policy}"
    );
    let _ = lab.ok("admin-1", &["actor", "remove-account", "risk-1", "codeberg"]);
    assert_eq!(lab.read("registry.yaml").matches("accounts:").count(), 1);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let said = lab.says(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", "approved"],
    );
    assert!(said.err.contains("which no actor lists"), "{said:?}");
    assert_eq!(status(&lab), "Pending");
    lab.check();
}
