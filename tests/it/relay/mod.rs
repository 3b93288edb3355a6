//! Reviews given on a Git host's page: relayed by a machine, and believed only
//! as far as the policy lets them.

mod action;
mod command;
mod judged;
mod order;
mod unapproved;

use crate::support::Lab;

/// A registry with a machine that relays: risk-1 and risk-2 list accounts, and
/// `delegated` reported reviews count of `required`.
pub fn lab(delegated: u32, required: u32) -> Lab {
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

/// Returns GitHub's answer: (account, id, state) at a commit.
pub fn reviews(lab: &Lab, list: &[(u64, u64, &str, &str)]) -> String {
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
pub fn landed(lab: &Lab) -> (String, String) {
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

pub fn status(lab: &Lab) -> String {
    let text = lab.read("groups/churn/versions/1/version.yaml");
    let line = text.lines().find_map(|line| line.strip_prefix("status: "));
    line.expect("a status").to_owned()
}

pub fn subject(lab: &Lab) -> String {
    let shown = lab.ok("risk-1", &["show", "churn/1", "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    shown["subject"].as_str().expect("a subject").to_owned()
}

/// Returns a review as a holder of the machine's key would write it by hand.
pub fn forged(person: &str, decision: &str, revision: u64, subject: &str) -> String {
    format!(
        "apiVersion: modelry/v1\nkind: Review\ngroup: churn\nversion: 1\nby: relay\nonBehalfOf: {person}\nhost:\n  name: github\n  review: \"1\"\n  commit: {}\nrevision: {revision}\ndecision: {decision}\nsubject: {subject}\n",
        "a".repeat(40)
    )
}

pub fn approve_by_hand(lab: &Lab) {
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(
        path,
        &lab.read(path).replace("status: Pending", "status: Approved"),
    );
}

pub fn codes(lab: &Lab, range: &str) -> Vec<String> {
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

/// Records the host's answer, as the machine.
#[track_caller]
pub fn relayed(lab: &Lab, list: &str, before: &str) {
    let _ = lab.ok(
        "relay",
        &["relay", "github", list, "--base", before, "-m", "approved"],
    );
}
