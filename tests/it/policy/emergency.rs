//! Keys that are stolen or lost: a revocation lands everywhere, stops what rests
//! on the key, and the policy can be changed again afterwards.

use serde_json::Value;

use crate::hook::Guarded;
use crate::support::{Lab, Said};

fn head(lab: &Lab) -> String {
    lab.git(&["rev-parse", "HEAD"])
}

pub fn fingerprint(lab: &Lab, who: &str) -> String {
    let line = std::fs::read_to_string(lab.public_key(who)).expect("a key");
    let key: ssh_key::PublicKey = line.parse().expect("a key");
    key.fingerprint(ssh_key::HashAlg::Sha256).to_string()
}

/// `churn/1` approved by `risk-1`, on the server too; the commit before.
fn approved() -> (Guarded, String) {
    let guarded = Guarded::new();
    let since = head(&guarded.lab);
    let _ = guarded.lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = guarded.accepts("risk-1", &["main"]);
    (guarded, since)
}

fn revoke(lab: &Lab, who: &str, more: &[&str]) -> Said {
    let key = fingerprint(lab, who);
    let words = ["actor", "revoke-key", &key, "-m", "laptop lost", "--yes"];
    lab.says("admin-1", &[&words[..], more].concat())
}

/// Two administrators, and both are needed.
fn two_administrators(lab: &Lab) {
    let key = lab.public_key("admin-2");
    let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
    let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
    lab.change_policy("actors:\n", "policyChange: {required: 2}\nactors:\n");
}

#[track_caller]
fn landed(said: &Said) {
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_revocation_lands_on_a_guarded_server_and_stops_what_rests_on_the_key() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    landed(&revoke(lab, "risk-1", &["--since", &since]));
    let said = guarded.accepts("admin-1", &["main"]);
    assert!(
        said.err
            .contains("a finding from now on (MR317), which stops `churn`"),
        "{said:?}"
    );
    // The version resolves no more, and nothing goes on in its group.
    assert_eq!(lab.says("admin-1", &["resolve", "churn/1"]).code, 1);
    let said = lab.findings("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    assert!(said.contains("MR317"), "{said}");
    let forced = ["annotate", "churn/1", "--label", "a=b", "--trust-base"];
    let _ = lab.ok("trainer", &forced);
    let said = guarded.refuses("trainer", &["main"]);
    assert!(said.contains("MR317"), "{said}");
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    // Another group does.
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    let _ = guarded.accepts("admin-1", &["main"]);
    // An audit stays red until somebody has looked.
    let said = lab.findings("admin-1", &["audit"]);
    assert!(said.contains("MR317"), "{said}");
    let key = fingerprint(lab, "risk-1");
    let reaffirm = [
        "actor",
        "revoke-key",
        &key,
        "--reaffirm",
        "churn/1",
        "-m",
        "right",
    ];
    let _ = lab.ok("admin-1", &reaffirm);
    let _ = guarded.accepts("admin-1", &["main"]);
    let said = lab.ok("admin-1", &["audit"]);
    assert!(
        said.contains("churn/1 is reaffirmed in the revocation of this key, in policy 9 by `admin-1`"),
        "{said}"
    );
    assert_eq!(lab.says("admin-1", &["resolve", "churn/1"]).code, 0);
}

#[test]
fn what_the_same_push_builds_on_a_distrusted_act_is_refused() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    landed(&revoke(lab, "risk-1", &["--since", &since]));
    let forced = ["annotate", "churn/1", "--label", "a=b", "--trust-base"];
    let _ = lab.ok("trainer", &forced);
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(said.contains("MR317"), "{said}");
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let _ = guarded.accepts("admin-1", &["main"]);
}

/// A history that holds a revocation comes to another guarded server whole.
#[test]
fn a_whole_history_with_a_revocation_in_it_is_accepted_by_another_server() {
    let guarded = Guarded::empty();
    let lab = &guarded.lab;
    lab.register("churn", '1');
    let since = head(lab);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    landed(&revoke(lab, "risk-1", &["--since", &since]));
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    let said = guarded.accepts("admin-1", &["main"]);
    assert!(said.err.contains("(MR317)"), "{said:?}");
}

#[test]
fn a_push_that_accepts_what_it_uncovers_itself_says_so() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    landed(&revoke(lab, "risk-1", &["--since", &since]));
    let accepts = format!(
        "acknowledged:\n  - {{commit: \"{}\", codes: [MR317], reason: looked at}}\nactors:\n",
        head(lab)
    );
    lab.change_policy("actors:\n", &accepts);
    let said = guarded.accepts("admin-1", &["main"]);
    assert!(
        said.err
            .contains("acknowledged (MR317) in policy 9 by `admin-1`: looked at: key SHA256:"),
        "{said:?}"
    );
}

/// Judges the branch `rev` as it would land, then lands it in each way on a copy of
/// the server.
#[track_caller]
fn lands_in_every_way(guarded: &Guarded) {
    let lab = &guarded.lab;
    let judged = lab.says("admin-1", &["validate", "--onto", "main", "rev"]);
    assert_eq!(judged.code, 0, "{judged:?}");
    let before = head(lab);
    let unsigned = |words: &[&str]| {
        let said = lab.git_as("stranger", words);
        assert!(said.status.success(), "{said:?}");
    };
    for way in ["merge", "squash", "rebase"] {
        lab.git(&["reset", "-q", "--hard", &before]);
        match way {
            "merge" => unsigned(&["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "landed", "rev"]),
            "squash" => {
                unsigned(&["merge", "-q", "--squash", "rev"]);
                unsigned(&["commit", "-q", "--no-gpg-sign", "-m", "landed"]);
            }
            _ => unsigned(&["cherry-pick", "--no-gpg-sign", "main..rev"]),
        }
        let _ = guarded.accepts("stranger", &["main"]);
        guarded.git(&["update-ref", "refs/heads/main", &before]);
        let said = guarded.says(&["hook", "install", "--server", "--replay"]);
        assert_eq!(said.code, 0, "{said:?}");
    }
    lab.git(&["reset", "-q", "--hard", &before]);
}

#[test]
fn a_revocation_lands_as_a_pull_request_in_every_way() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    landed(&revoke(lab, "risk-1", &["--since", &since, "--branch", "rev"]));
    let said = lab.ok("admin-1", &["validate", "--onto", "main", "rev"]);
    assert!(
        said.contains("note: a finding from now on (MR317), which stops `churn`"),
        "{said}"
    );
    assert!(said.contains("landed by squash  clean"), "{said}");
    lands_in_every_way(&guarded);
}

/// The actor concerned needs nobody, however it lands: no administrator, and no
/// commit of its own.
#[test]
fn an_actor_ends_the_own_key_by_a_pull_request() {
    let (guarded, _) = approved();
    let lab = &guarded.lab;
    let key = fingerprint(lab, "risk-2");
    let words = ["actor", "revoke-key", &key, "-m", "mine", "--branch", "rev"];
    let _ = lab.ok("risk-2", &words);
    lands_in_every_way(&guarded);
    // Revoking another's key is a proposal, which their own review does not
    // authorise.
    let other = fingerprint(lab, "risk-1");
    let words = [
        "actor",
        "revoke-key",
        &other,
        "-m",
        "not mine",
        "--branch",
        "other",
    ];
    let _ = lab.ok("risk-2", &words);
    let said = lab.findings("admin-1", &["validate", "--onto", "main", "other"]);
    assert!(said.contains("MR403"), "{said}");
}

#[test]
fn a_revocation_lands_where_it_leaves_too_few_approvers() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let _ = lab.ok("admin-1", &["grant", "remove", "admin-1", "--allow", "approve"]);
    // There are two approvers, and both are needed: a note says so at once.
    lab.change_policy("required: 1", "required: 2");
    let said = lab.ok("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert!(
        said.contains("groups like `churn` need 2 approvals from now on, and no more could be given"),
        "{said}"
    );
    let said = revoke(lab, "risk-1", &[]);
    landed(&said);
    assert!(
        said.err
            .contains("2 approvals are needed in groups like `churn`, and 1 could be given (MR409)"),
        "{said:?}"
    );
    let _ = guarded.accepts("admin-1", &["main"]);
    // The shortage is repaired one step at a time, and no step is refused for what is
    // still missing.
    let key = lab.public_key("risk-3");
    let _ = lab.ok("admin-1", &["actor", "add", "risk-3", "--key", &key]);
    let _ = lab.ok("admin-1", &["team", "add", "risk", "risk-3"]);
    // A step that makes the shortage worse is refused.
    let said = lab.findings("admin-1", &["team", "remove", "risk", "risk-2"]);
    assert!(said.contains("MR409"), "{said}");
    let _ = guarded.accepts("admin-1", &["main"]);
}

#[test]
fn a_revocation_lands_where_it_leaves_too_few_administrators() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    two_administrators(lab);
    let said = revoke(lab, "admin-2", &["--branch", "rev"]);
    landed(&said);
    assert!(
        said.err
            .contains("needs 2 administrators to change it, and has 1 (MR408)"),
        "{said:?}"
    );
    let _ = guarded.accepts("admin-1", &["main"]);
    lands_in_every_way(&guarded);
    landed(&revoke(lab, "admin-2", &[]));
    let _ = guarded.accepts("admin-1", &["main"]);
    // One is still enough to revoke, and for nothing else.
    landed(&revoke(lab, "risk-2", &[]));
    let said = lab.findings("admin-1", &["team", "add", "risk", "admin-1"]);
    assert!(said.contains("MR403"), "{said}");
    let _ = guarded.accepts("admin-1", &["main"]);
}

#[test]
fn the_last_believed_commit_moves_back_by_one_administrator() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    two_administrators(lab);
    let since = head(lab);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    landed(&revoke(lab, "risk-1", &[]));
    let _ = guarded.accepts("admin-1", &["main"]);
    assert_eq!(lab.says("admin-1", &["resolve", "churn/1"]).code, 0);
    landed(&revoke(lab, "risk-1", &["--since", &since]));
    let _ = guarded.accepts("admin-1", &["main"]);
    assert_eq!(lab.says("admin-1", &["resolve", "churn/1"]).code, 1);
    // Not forward, and not with a version accepted in the same breath.
    let text = lab.policy_with(&since, &head(lab));
    lab.write("registry.yaml", &text);
    let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR419"), "{said}");
    lab.git(&["checkout", "-q", "--", "registry.yaml"]);
    let root = lab.root();
    let said = revoke(lab, "risk-1", &["--since", &root, "--reaffirm", "churn/1"]);
    assert!(said.code == 1 && said.out.contains("MR403"), "{said:?}");
}

/// A commit that revokes a key and does something else is judged as any change of the
/// policy.
#[test]
fn a_revocation_and_one_thing_more_is_no_emergency() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    let key = fingerprint(lab, "risk-1");
    let entry = format!(
        "protect: [\"*.md\"]\nrevoked:\n  - {{key: \"{key}\", reason: lost, since: \"{since}\"}}\nactors:\n"
    );
    lab.change_policy("actors:\n", &entry);
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(said.contains("MR317"), "{said}");
    // In one step with a file that the policy protects, too.
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    lab.change_policy("actors:\n", "protect: [\"*.md\"]\nactors:\n");
    let entry = format!("revoked:\n  - {{key: \"{key}\", reason: lost, since: \"{since}\"}}\nactors:\n");
    lab.write("owners.md", "mine\n");
    lab.change_policy("actors:\n", &entry);
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(said.contains("MR317"), "{said}");
}

#[test]
fn a_retirement_lands_where_a_machine_loses_its_owner_and_stops_the_machine() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let key = lab.public_key("admin-2");
    let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
    let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
    let said = lab.says("admin-2", &["actor", "retire", "admin-1", "-m", "gone"]);
    landed(&said);
    assert!(
        said.err.contains("machine `trainer` has no living owner (MR410)"),
        "{said:?}"
    );
    let _ = guarded.accepts("admin-2", &["main"]);
    let said = lab.findings("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    assert!(said.contains("MR307"), "{said}");
    lab.write(
        "registry.yaml",
        &lab.policy_with("owners: [admin-1]", "owners: [admin-2]"),
    );
    lab.commit("admin-2", "another owner");
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    let _ = guarded.accepts("admin-2", &["main"]);
}

/// A finding that the branch accepts is accepted before it lands, as it is
/// afterwards.
#[test]
fn a_pull_request_counts_what_it_accepts_itself() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    let more = ["--since", &since, "--reaffirm", "churn/1", "--branch", "rev"];
    landed(&revoke(lab, "risk-1", &more));
    let said = lab.ok("admin-1", &["validate", "--onto", "main", "rev"]);
    assert!(
        said.contains("churn/1 is reaffirmed in the revocation of this key, in policy 8 by `admin-1`"),
        "{said}"
    );
    lands_in_every_way(&guarded);
    // A fault of the mainline, in the policy and so in everybody's way.
    lab.write(
        "registry.yaml",
        &lab.policy_with("actors:\n", "# by a stranger\nprotect: []\nactors:\n"),
    );
    lab.commit("stranger", "by nobody");
    let fault = head(lab);
    let said = lab.findings("admin-1", &["audit", "-o", "json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let codes: Vec<&str> = said["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    lab.git(&["switch", "-q", "-c", "accept"]);
    let accepts = format!(
        "acknowledged:\n  - {{commit: \"{fault}\", codes: [{}], reason: looked at}}\nactors:\n",
        codes.join(", ")
    );
    lab.change_policy("actors:\n", &accepts);
    let _ = lab.ok(
        "admin-1",
        &["validate", "--onto", "main", "accept", "--landing", "merge"],
    );
}

/// A proposal's own commits are not what is wrong elsewhere.
#[test]
fn approving_a_proposal_counts_none_of_its_own_commits_as_faults_elsewhere() {
    let lab = Lab::with_registry();
    two_administrators(&lab);
    for who in ["risk-3", "risk-4"] {
        let key = lab.public_key(who);
        let add = ["actor", "add", who, "--key", &key, "--branch", "proposal"];
        let _ = lab.ok("admin-1", &add);
    }
    let approve = [
        "policy", "approve", "proposal", "-m", "fine", "--branch", "proposal",
    ];
    let said = lab.says("admin-2", &approve);
    landed(&said);
    assert!(
        !said.err.contains("elsewhere") && !said.err.contains("finding"),
        "{said:?}"
    );
}

/// The keys of everybody are gone but the one in the safe.
#[test]
fn a_recovery_key_brings_the_policy_back_when_all_administrators_keys_are_lost() {
    for required in [1, 2] {
        let lab = Lab::empty();
        let safe = lab.public_key("safe");
        let init = [
            "init",
            "--name",
            "models",
            "--actor",
            "admin-1",
            "--recovery-key",
            &safe,
        ];
        let said = lab.ok("admin-1", &init);
        assert!(!said.contains("when it is lost"), "{said}");
        if required == 2 {
            let key = lab.public_key("admin-2");
            let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
            let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
            lab.change_policy("required: 1\n  recovery", "required: 2\n  recovery");
        }
        // While there are enough of them, it revokes, and decides nothing.
        let key = lab.public_key("new");
        let add = ["actor", "add-key", "admin-1", "--key", &key];
        let said = lab.findings("safe", &add);
        assert!(
            said.contains("stands in only where too few administrators are left"),
            "{said}"
        );
        let administrators = ["admin-1", "admin-2"];
        for who in &administrators[..required] {
            let key = fingerprint(&lab, who);
            let _ = lab.ok("safe", &["actor", "revoke-key", &key, "-m", "lost"]);
        }
        let _ = lab.ok("safe", &add);
        let whoami = lab.ok("new", &["whoami"]);
        assert!(whoami.contains("admin-1"), "{whoami}");
        let range = format!("{}..HEAD", lab.root());
        let _ = lab.ok("admin-1", &["validate", &range]);
        if required == 1 {
            let _ = lab.ok("new", &["group", "create", "churn"]);
        } else {
            // One of two is back, and `recovery` stands in for the other.
            let key = lab.public_key("newer");
            let add = ["actor", "add-key", "admin-2", "--key", &key, "--branch", "back"];
            let _ = lab.ok("new", &add);
            let said = lab.findings("new", &["validate", "--onto", "main", "back"]);
            assert!(said.contains("1 of 2 administrators"), "{said}");
            assert!(said.contains("ask `recovery` to run"), "{said}");
            let page = lab.ok("new", &["diff", "main..back"]);
            assert!(page.contains("Still to be asked: recovery"), "{page}");
            let approve = ["policy", "approve", "back", "-m", "back", "--branch", "back"];
            let _ = lab.ok("safe", &approve);
            let onto = ["validate", "--onto", "main", "back", "--landing", "squash"];
            let _ = lab.ok("new", &onto);
        }
        lab.check();
    }
}

#[test]
fn a_recovery_key_stands_in_when_an_administrator_leaves() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    two_administrators(lab);
    let key = lab.public_key("safe");
    let block = crate::support::docs::block("recovery");
    lab.write(
        "registry.yaml",
        &lab.policy_with("policyChange: {required: 2}\n", &block),
    );
    let key_line = std::fs::read_to_string(&key).expect("a key");
    let key_line = key_line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let text = lab.read("registry.yaml").replacen(
        "actors:\n",
        &format!("actors:\n  recovery: {{kind: person, keys: [\"{key_line}\"]}}\n"),
        1,
    );
    lab.write("registry.yaml", &text);
    let approve = ["policy", "approve", "-m", "a key in a safe"];
    lab.git(&["switch", "-q", "-c", "safe"]);
    lab.commit("admin-1", "a key in a safe");
    let _ = lab.ok("admin-2", &approve);
    lab.git(&["switch", "-q", "main"]);
    lab.git(&["merge", "-q", "--squash", "safe"]);
    lab.commit("admin-1", "a key in a safe");
    let _ = guarded.accepts("admin-1", &["main"]);
    // No administrator alone ends it: a thief of one key could lock everybody out.
    let said = revoke(lab, "safe", &[]);
    assert!(said.code == 1 && said.out.contains("MR403"), "{said:?}");
    // Not beside a key of nobody either.
    let (stranger, safe) = (fingerprint(lab, "stranger"), fingerprint(lab, "safe"));
    let entry = format!("revoked:\n  - {{key: \"{stranger}\"}}\n  - {{key: \"{safe}\"}}\nactors:\n");
    lab.write("registry.yaml", &lab.policy_with("actors:\n", &entry));
    let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR403"), "{said}");
    lab.git(&["checkout", "-q", "--", "registry.yaml"]);
    let said = lab.findings("admin-1", &["actor", "retire", "recovery", "-m", "mine now"]);
    assert!(said.contains("MR403"), "{said}");
    let said = lab.says("admin-1", &["actor", "retire", "admin-2", "-m", "left"]);
    landed(&said);
    assert!(
        said.err.contains("`recovery` must stand behind a change"),
        "{said:?}"
    );
    // The other administrator and the safe key add a successor.
    let key = lab.public_key("admin-3");
    let add = ["actor", "add", "admin-3", "--key", &key, "--branch", "next"];
    let _ = lab.ok("admin-1", &add);
    let approve = [
        "policy",
        "approve",
        "next",
        "-m",
        "the successor",
        "--branch",
        "next",
    ];
    let _ = lab.ok("safe", &approve);
    lab.git(&["merge", "-q", "--squash", "next"]);
    lab.commit("admin-1", "a successor");
    let grant = [
        "grant",
        "add",
        "admin-3",
        "--allow",
        "administer",
        "--branch",
        "grant",
    ];
    let _ = lab.ok("admin-1", &grant);
    let approve = [
        "policy",
        "approve",
        "grant",
        "-m",
        "the successor",
        "--branch",
        "grant",
    ];
    let _ = lab.ok("safe", &approve);
    lab.git(&["merge", "-q", "--squash", "grant"]);
    lab.commit("admin-1", "a successor");
    let _ = guarded.accepts("admin-1", &["main"]);
    // From now on it decides nothing again.
    let add = ["team", "add", "risk", "admin-3", "--branch", "third"];
    let _ = lab.ok("admin-1", &add);
    let approve = ["policy", "approve", "third", "-m", "me too", "--branch", "third"];
    let _ = lab.ok("safe", &approve);
    let said = lab.findings("admin-1", &["validate", "--onto", "main", "third"]);
    assert!(said.contains("MR403"), "{said}");
}

/// A rule for every group does not require approvers where no grant lets anybody
/// approve.
#[test]
fn a_rule_for_every_group_needs_no_approvers_where_nothing_is_granted() {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["init", "--name", "models", "--actor", "admin-1"]);
    let _ = lab.ok("admin-1", &["grant", "remove", "admin-1", "--allow", "approve"]);
    for who in ["risk-1", "risk-2"] {
        let key = lab.public_key(who);
        let _ = lab.ok("admin-1", &["actor", "add", who, "--key", &key]);
    }
    for who in ["risk-1", "risk-2"] {
        let grant = ["grant", "add", who, "--allow", "approve", "--groups", "fraud-*"];
        let _ = lab.ok("admin-1", &grant);
    }
    lab.change_policy("required: 1", "required: 2");
    let said = lab.ok("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert!(said.contains("no grant of `approve` names one"), "{said}");
    // In a group that is there, somebody must be able to.
    lab.write("registry.yaml", &lab.policy_with("required: 2", "required: 1"));
    lab.commit("admin-1", "one again");
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    lab.write("registry.yaml", &lab.policy_with("required: 1", "required: 2"));
    let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
    assert!(
        said.contains("MR409") && said.contains("groups like `churn`"),
        "{said}"
    );
}

/// Git believes a stolen key as long as Modelry does, and no longer.
#[test]
fn allowed_signers_end_a_revoked_key_at_the_last_believed_commit() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    let approval = head(lab);
    landed(&revoke(lab, "risk-1", &["--since", &since]));
    let signers = lab.ok("admin-1", &["allowed-signers"]);
    std::fs::write(lab.home().join("signers"), signers).expect("a file");
    let verdict = |commit: &str| lab.git_as("admin-1", &["verify-commit", commit]).status.success();
    assert!(verdict(&since), "what was believed still is");
    assert!(!verdict(&approval), "what the thief signed is not");
}

/// A version that a stolen key approved is archived, which the finding does not stop, and
/// then the finding is accepted, as it says.
#[test]
fn what_a_stolen_key_approved_is_archived_before_the_finding_is_accepted() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    landed(&revoke(lab, "risk-1", &["--since", &since]));
    let _ = guarded.accepts("admin-1", &["main"]);
    let revoked = head(lab);
    let said = lab.findings("admin-1", &["audit"]);
    let archive = said.find("`modelry archive churn/1 -m REASON`");
    let accept = said.find(&format!("{{commit: \"{revoked}\", codes: [MR317]}}"));
    assert!(archive.is_some() && archive < accept, "{said}");
    let _ = lab.ok("admin-1", &["archive", "churn/1", "-m", "wrong"]);
    let _ = guarded.accepts("admin-1", &["main"]);
    accept_and_audit(&guarded, &revoked);
}

fn accept_and_audit(guarded: &Guarded, revoked: &str) {
    let lab = &guarded.lab;
    let accepts = format!("acknowledged:\n  - {{commit: \"{revoked}\", codes: [MR317]}}\nactors:\n");
    lab.change_policy("actors:\n", &accepts);
    let _ = guarded.accepts("admin-1", &["main"]);
    let _ = lab.ok("admin-1", &["audit"]);
}

/// What a stolen key registered serves: the stage goes back, the version is archived, and
/// the group is never answered with it.
#[test]
fn what_a_stolen_key_registered_is_taken_out_of_use() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let serve = |version: &str| {
        let _ = lab.ok("risk-1", &["approve", version, "-m", "good"]);
        let _ = lab.ok("admin-1", &["promote", version, "production", "-m", "go"]);
        let _ = guarded.accepts("admin-1", &["main"]);
    };
    serve("churn/1");
    let since = head(lab);
    lab.register("churn", '7');
    serve("churn/2");
    landed(&revoke(lab, "trainer", &["--since", &since]));
    let _ = guarded.accepts("admin-1", &["main"]);
    let revoked = head(lab);
    let said = lab.findings("admin-1", &["resolve", "churn@production"]);
    let says = "if it is wrong, `modelry rollback churn production --empty -m REASON`, if `production` still serves it, and then `modelry archive churn/2 -m REASON`";
    assert!(said.contains(says), "{said}");
    // What puts it to use is stopped: here, and by the server.
    let promote = ["promote", "churn/2", "staging", "-m", "more"];
    let said = lab.findings("admin-1", &promote);
    assert!(said.contains("MR317"), "{said}");
    let _ = lab.ok("admin-1", &[&promote[..], &["--trust-base"]].concat());
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(said.contains("MR317"), "{said}");
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let _ = lab.ok(
        "admin-1",
        &["rollback", "churn", "production", "-m", "stolen key"],
    );
    let back = ["rollback", "churn", "production", "--to", "2", "-m", "back"];
    let said = lab.findings("admin-1", &back);
    assert!(said.contains("MR317"), "{said}");
    let _ = lab.ok("admin-1", &["archive", "churn/2", "-m", "stolen key"]);
    let _ = guarded.accepts("admin-1", &["main"]);
    accept_and_audit(&guarded, &revoked);
    let said = lab.ok("admin-1", &["resolve", "churn@production"]);
    assert!(said.contains("churn/1"), "{said}");
}

/// In one command, where it leaves too few approvers.
#[test]
fn a_revocation_that_reaffirms_a_version_lands_without_slack() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    let _ = lab.ok("admin-1", &["grant", "remove", "admin-1", "--allow", "approve"]);
    lab.change_policy("required: 1", "required: 2");
    let _ = guarded.accepts("admin-1", &["main"]);
    let said = revoke(lab, "risk-1", &["--since", &since, "--reaffirm", "churn/1"]);
    landed(&said);
    assert!(said.err.contains("and 1 could be given (MR409)"), "{said:?}");
    let _ = guarded.accepts("admin-1", &["main"]);
    let said = lab.says("admin-1", &["show", "churn/1"]);
    assert!(
        said.err.contains(
            "a key behind the approval of churn/1 is revoked, and the policy reaffirms the version"
        ),
        "{said:?}"
    );
    assert_eq!(lab.says("admin-1", &["resolve", "churn/1"]).code, 0);
}

/// Reaffirming is for as many as a change of the policy needs; the remedy is to revoke.
#[test]
fn a_revocation_that_reaffirms_names_the_one_that_lands_alone() {
    let (guarded, since) = approved();
    let lab = &guarded.lab;
    two_administrators(lab);
    let said = revoke(lab, "risk-1", &["--since", &since, "--reaffirm", "churn/1"]);
    let remedy = "leave `reaffirmed` out, since one administrator alone may revoke";
    assert!(said.code == 1 && said.out.contains(remedy), "{said:?}");
    landed(&revoke(lab, "risk-1", &["--since", &since]));
}

#[test]
fn what_lacks_after_a_revocation_is_told_once_for_each_group() {
    let lab = Lab::with_registry();
    let _ = lab.ok("admin-1", &["grant", "remove", "admin-1", "--allow", "approve"]);
    let _ = lab.ok("admin-1", &["group", "create", "fraud-detector"]);
    lab.change_policy(
        "approvals:\n",
        "approvals:\n  - groups: [\"fraud-*\"]\n    required: 2\n    from: {risk: 1}\n",
    );
    let said = revoke(&lab, "risk-1", &[]);
    landed(&said);
    let of_fraud = said.err.lines().filter(|line| line.contains("fraud-detector"));
    let of_fraud: Vec<&str> = of_fraud.collect();
    assert!(
        of_fraud.len() == 1
            && of_fraud[0].contains("2 approvals are needed")
            && of_fraud[0].contains("and 1 could be given"),
        "{said:?}"
    );
}
