//! What only a history shows, on real commits: acknowledged faults, keys that
//! were stolen before anybody knew, and mainlines that were rewritten.

use crate::support::Lab;

fn head(lab: &Lab) -> String {
    lab.git(&["rev-parse", "HEAD"])
}

fn fingerprint(lab: &Lab, who: &str) -> String {
    let said = lab.ok(who, &["whoami", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    value["key"].as_str().expect("a key").to_owned()
}

/// `churn/1` approved by `risk-1` with a key that is found stolen afterwards;
/// gives the last believed commit.
fn stolen() -> (Lab, String) {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let since = head(&lab);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    (lab, since)
}

fn revoke(lab: &Lab, since: &str) {
    let key = fingerprint(lab, "risk-1");
    let _ = lab.ok(
        "admin-1",
        &["actor", "revoke-key", &key, "--since", since, "-m", "laptop lost"],
    );
}

#[test]
fn mr317_fires_for_what_the_key_proved_later() {
    let (lab, since) = stolen();
    revoke(&lab, &since);
    let said = lab.findings(
        "admin-1",
        &["validate", &format!("{}..HEAD", lab.root()), "-o", "concise"],
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("MR317 revoked-key-used") && said.contains("approve churn/1 as risk-1"),
        "{said}"
    );
    assert!(
        said.starts_with("registry.yaml:"),
        "placed at the revocation: {said}"
    );
    // Nobody goes on in that group; others do.
    let refused = lab.says("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
}

#[test]
fn mr317_passes_for_what_it_proved_before() {
    let (lab, _) = stolen();
    revoke(&lab, &head(&lab));
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
}

#[test]
fn mr419_fires_for_a_commit_that_is_no_first_parent_and_for_a_later_one() {
    let (lab, since) = stolen();
    let key = fingerprint(&lab, "risk-1");
    let _ = lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok("admin-1", &["group", "create", "elsewhere"]);
    let side = head(&lab);
    let _ = lab.git(&["switch", "-q", "main"]);
    for wrong in [side.as_str(), "0123456789012345678901234567890123456789"] {
        let said = lab.findings(
            "admin-1",
            &["actor", "revoke-key", &key, "--since", wrong, "-m", "lost"],
        );
        assert!(said.contains("MR419 bad-since"), "{said}");
    }
    revoke(&lab, &lab.root());
    let later = lab.policy_with(&lab.root(), &since);
    lab.write("registry.yaml", &later);
    let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
    assert!(
        said.contains("MR419") && said.contains("is not earlier than it was"),
        "{said}"
    );
}

#[test]
fn mr419_passes_when_it_moves_to_an_earlier_one() {
    let (lab, since) = stolen();
    revoke(&lab, &since);
    lab.write("registry.yaml", &lab.policy_with(&since, &lab.root()));
    let _ = lab.ok("admin-1", &["validate"]);
    lab.commit("admin-1", "earlier");
    let said = lab.findings(
        "admin-1",
        &["validate", &format!("{}..HEAD", lab.root()), "-o", "concise"],
    );
    assert!(said.lines().all(|line| line.contains("MR317")), "{said}");
}

#[test]
fn mr502_fires_when_a_verified_commit_is_gone() {
    let lab = Lab::with_registry();
    let before = head(&lab);
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.git(&["reset", "-q", "--hard", &before]);
    let said = lab.says(
        "trainer",
        &[
            "register",
            "churn",
            "--image",
            "a@sha256:1111111111111111111111111111111111111111111111111111111111111111",
        ],
    );
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("MR502 rewritten-mainline") && said.out.contains("--replay"),
        "{said:?}"
    );
    // It stays so until somebody says that it was meant.
    let again = lab.says("admin-1", &["group", "update", "churn", "--description", "x"]);
    assert_eq!(again.code, 1, "{again:?}");
    let _ = lab.ok(
        "admin-1",
        &["group", "update", "churn", "--description", "x", "--replay"],
    );
    let _ = lab.ok("admin-1", &["group", "update", "churn", "--description", "y"]);
}

#[test]
fn mr502_passes_when_history_grows() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let _ = lab.git(&["commit", "-q", "-S", "--allow-empty", "-m", "something else"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
}

/// A faulty step stays in every report; acknowledged, it decides no more.
#[test]
fn an_acknowledged_fault_is_shown_and_does_not_decide() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/group.yaml";
    lab.write(path, &lab.read(path).replace("who may leave us", "who may leave"));
    let _ = lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "hotfix"]);
    let fault = head(&lab);
    let refused = lab.says("risk-1", &["approve", "churn/1", "-m", "good"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.out.contains("MR301"), "{refused:?}");
    lab.change_policy(
        "actors:\n",
        &format!(
            "acknowledged:\n  - {{commit: \"{fault}\", codes: [MR301], reason: unsigned hotfix}}\nactors:\n"
        ),
    );
    let range = format!("{}..HEAD", lab.root());
    let said = lab.ok("admin-1", &["validate", &range]);
    assert!(said.contains("acknowledged[MR301 unsigned-change]"), "{said}");
    assert!(said.contains("by `admin-1`: unsigned hotfix"), "{said}");
    assert!(said.contains("; 1 acknowledged"), "{said}");
    let json: serde_json::Value =
        serde_json::from_str(&lab.ok("admin-1", &["validate", &range, "-o", "json"])).expect("JSON");
    assert!(
        json["findings"][0]["acknowledged"]
            .as_str()
            .expect("words")
            .contains("unsigned hotfix")
    );
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    // The clone resumes from its point and still knows.
    let _ = lab.ok("risk-1", &["archive", "churn/1", "-m", "old"]);
    // An entry taken back decides again.
    lab.write(
        "registry.yaml",
        &lab.policy_with("codes: [MR301]", "codes: [MR302]"),
    );
    lab.commit("admin-1", "not any more");
    let _ = lab.findings("admin-1", &["validate", &range]);
    let refused = lab.says("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    assert_eq!(refused.code, 1, "{refused:?}");
}
