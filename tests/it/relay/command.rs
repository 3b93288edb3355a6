//! `relay` itself: what it writes, what it leaves, and what it says.

use super::*;

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
        again.code == 0 && again.out.contains("nothing to relay"),
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
    // Nothing by risk-2 was written before, and an older approval does not count any more.
    let file = lab.read("groups/churn/versions/1/reviews/risk-2.yaml");
    assert!(file.contains("decision: Withdrawn"), "{file}");
    // Only where it is asked for does a wish for changes reject.
    let said = relay(&[(102, 80, "CHANGES_REQUESTED", &seen)], &["--reject"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(status(&lab), "Rejected");
    lab.check();
    let _ = lab.ok("admin-1", &["validate", &format!("{before}..HEAD")]);
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
        said.code == 0 && said.err.contains("--base REV") && said.out.contains("nothing to relay"),
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
                && said.out.contains("nothing to relay"),
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
    let told = lab.ok("admin-1", &["actor", "add-account", "risk-1", "GITHUB=101"]);
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

#[test]
fn what_somebody_says_who_has_left_is_not_relayed() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let _ = lab.ok("admin-1", &["actor", "retire", "risk-1", "-m", "left"]);
    let list = reviews(&lab, &[(101, 77, "CHANGES_REQUESTED", &seen)]);
    let said = lab.says(
        "relay",
        &[
            "relay", "github", &list, "--base", &before, "--reject", "-m", "no",
        ],
    );
    assert!(said.err.contains("`risk-1`, who is retired"), "{said:?}");
    assert_eq!(status(&lab), "Pending");
    lab.check();
}

/// Returns the answer of `GET /projects/:id/merge_requests/:iid/approvals`, with each
/// member that it has; the free edition leaves most of them out.
fn approvals(accounts: &[u64], free: bool) -> serde_json::Value {
    let approved_by: Vec<_> = accounts
        .iter()
        .map(|account| {
            serde_json::json!({
                "user": {
                    "id": account, "username": format!("user-{account}"), "public_email": "", "name": "A User",
                    "state": "active", "locked": false, "avatar_url": null,
                    "web_url": format!("https://gitlab.example.com/user-{account}"),
                },
                "approved_at": "2026-11-02T08:15:30.113Z",
            })
        })
        .collect();
    let mut answer = serde_json::json!({
        "user_has_approved": false, "user_can_approve": true, "approved": true, "approved_by": approved_by,
    });
    if !free {
        let more = serde_json::json!({
            "id": 508789770, "iid": 7, "project_id": 1, "title": "churn/1", "description": "", "state": "merged",
            "created_at": "2026-11-02T07:00:00.000Z", "updated_at": "2026-11-02T08:20:00.000Z",
            "merge_status": "can_be_merged", "approvals_required": 1, "approvals_left": 0,
            "require_password_to_approve": false, "suggested_approvers": [], "approvers": [], "approver_groups": [],
            "approval_rules_left": [], "has_approval_rules": true, "merge_request_approvers_available": true,
            "multiple_approval_rules_available": true, "invalid_approvers_rules": [],
        });
        let members = more.as_object().expect("members").clone();
        answer.as_object_mut().expect("members").extend(members);
    }
    answer
}

/// GitLab's approvals name no commit: the machine that relays them does.
#[test]
fn the_answer_of_gitlabs_approvals_is_relayed_for_a_named_commit() {
    for (free, review) in [(false, "review: \"!7\""), (true, "review: approval")] {
        let lab = lab(1, 1);
        let _ = lab.ok("admin-1", &["actor", "add-account", "risk-1", "gitlab=201"]);
        let (before, seen) = landed(&lab);
        let file = lab.home().join("approvals.json");
        let write = |accounts| {
            std::fs::write(&file, approvals(accounts, free).to_string()).expect("a file");
        };
        let list = file.to_string_lossy().into_owned();
        let relay = ["relay", "gitlab", &list, "--base", &before, "-m", "approved"];
        let reviewed = [&relay[..], &["--reviewed", &seen]].concat();
        write(&[]);
        let said = lab.says("relay", &relay);
        assert!(
            said.code == 0 && said.out.contains("nothing to relay"),
            "{said:?}"
        );
        write(&[999, 201]);
        let said = lab.error("relay", &relay);
        assert!(
            said.contains("does not say which commit was reviewed") && said.contains("--reviewed COMMIT"),
            "{said}"
        );
        let said = lab.error("relay", &[&relay[..], &["--reviewed", "nowhere"]].concat());
        assert!(said.contains("nowhere"), "{said}");
        let said = lab.says("relay", &reviewed);
        assert!(
            said.code == 0
                && said
                    .err
                    .contains("by account 999 on gitlab, which no actor lists"),
            "{said:?}"
        );
        assert_eq!(status(&lab), "Approved");
        let record = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
        assert!(record.contains(review) && record.contains(&seen), "{record}");
        lab.check();
        let _ = lab.ok("admin-1", &["validate", &format!("{before}..HEAD")]);
        // The accounts are another host's.
        let said = lab.error(
            "relay",
            &["relay", "github", &list, "--reviewed", &seen, "-m", "x"],
        );
        assert!(said.contains("is in GitLab's form"), "{said}");
    }
}

/// A pull request's title may be in the reason. A login in it is left out, and the
/// reviews are relayed all the same.
#[test]
fn a_login_in_the_reason_is_left_out_and_holds_up_no_review() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    let reason = "take it from https://user:hunter2@git.example.com/x.git";
    let said = lab.says(
        "relay",
        &["relay", "github", &list, "--base", &before, "-m", reason],
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("a login or a token: it is left out") && !format!("{said:?}").contains("hunter2"),
        "{said:?}"
    );
    let file = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
    assert!(
        file.contains("git.example.com/x.git") && !file.contains("hunter2"),
        "{file}"
    );
    assert!(!lab.git(&["log", "-1", "--format=%B"]).contains("hunter2"));
    assert_eq!(status(&lab), "Approved");
}

#[test]
fn an_older_answer_of_the_host_replaces_no_newer_one() {
    // Two must agree, so that one approval decides nothing yet.
    let lab = lab(2, 2);
    let (before, seen) = landed(&lab);
    let relay = |list: &[(u64, u64, &str, &str)]| {
        let list = reviews(&lab, list);
        lab.says("relay", &["relay", "github", &list, "--base", &before, "-m", "x"])
    };
    let decision = || {
        let text = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
        let line = text.lines().find(|line| line.starts_with("decision:"));
        line.expect("a decision").to_owned()
    };
    let first = [(101, 77, "APPROVED", &*seen)];
    assert_eq!(relay(&first).code, 0);
    assert_eq!(decision(), "decision: Approved");
    // GitHub keeps number and time of a review that is dismissed.
    assert_eq!(relay(&[(101, 77, "DISMISSED", &seen)]).code, 0);
    assert_eq!(decision(), "decision: Withdrawn");
    let again = relay(&first);
    assert!(
        again.code == 0 && again.err.contains("the host said it before review 77"),
        "{again:?}"
    );
    assert_eq!(decision(), "decision: Withdrawn");
    // A new review counts, and what came before it takes nothing of it back.
    assert_eq!(relay(&[(101, 78, "APPROVED", &seen)]).code, 0);
    assert_eq!(decision(), "decision: Approved");
    let late = relay(&[(101, 77, "DISMISSED", &seen)]);
    assert!(late.err.contains("the host said it before review 78"), "{late:?}");
    assert_eq!(decision(), "decision: Approved");
    lab.check();
}

#[test]
fn two_relays_at_once_land_each_review_once() {
    let lab = lab(1, 1);
    let (before, seen) = landed(&lab);
    let list = reviews(&lab, &[(101, 77, "APPROVED", &seen)]);
    lab.git(&["clone", "-q", "--bare", ".", "../hub.git"]);
    let root = lab.root();
    let mut running = Vec::new();
    for name in ["one", "two"] {
        let top = lab.home().join(name);
        lab.git(&["clone", "-q", "../hub.git", &top.to_string_lossy()]);
        for (key, value) in [("gpg.format", "ssh"), ("modelry.root", root.as_str())] {
            lab.git(&["-C", &top.to_string_lossy(), "config", key, value]);
        }
        let line = ["relay", "github", &list, "--base", &before, "-m", "x", "--push"];
        let mut command = lab.modelry("relay", &line);
        command
            .current_dir(&top)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        running.push(command.spawn().expect("it starts"));
    }
    for one in running {
        let ended = one.wait_with_output().expect("it ends");
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    let log = lab.git(&["-C", "../hub.git", "log", "--format=%s", "main"]);
    let landed = log.lines().filter(|line| line.starts_with("Relay the approval"));
    assert_eq!(landed.count(), 1, "{log}");
}
