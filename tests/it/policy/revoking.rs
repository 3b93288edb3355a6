//! A change that only revokes needs one administrator, and must not fill the policy
//! up: its content, its layout and the number of its entries are bounded.

use std::sync::OnceLock;

use crate::support::Lab;

/// Two administrators, and both are needed for any other change.
fn two_administrators() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        let key = lab.public_key("admin-2");
        let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
        let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
        lab.change_policy("actors:\n", "policyChange: {required: 2}\nactors:\n");
        lab
    })
}

/// Commits the policy with this in front of its actors, as one administrator; gives
/// the codes of the findings.
#[track_caller]
fn codes(lab: &Lab, block: &str) -> Vec<String> {
    codes_of(lab, &lab.policy_with("actors:\n", &format!("{block}actors:\n")))
}

#[track_caller]
fn codes_of(lab: &Lab, policy: &str) -> Vec<String> {
    lab.write("registry.yaml", policy);
    lab.commit("admin-1", "revoke");
    let said = lab.says("admin-1", &["validate", "HEAD~1..HEAD", "-o", "json"]);
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let findings = report["findings"].as_array().expect("findings").iter();
    findings
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect()
}

/// Writes revocations of keys that no actor has.
fn revocations(count: usize, reason: &str) -> String {
    let entry = |n: usize| format!("  - key: SHA256:{n:0>42}A\n    reason: {reason}\n");
    format!("revoked:\n{}", (0..count).map(entry).collect::<String>())
}

const NONE: [&str; 0] = [];

#[test]
fn revocations_beyond_the_keys_are_counted() {
    let lab = two_administrators();
    assert_eq!(codes(&lab, &revocations(64, "lost")), NONE);
    assert_eq!(codes(&lab, &revocations(65, "lost")), ["MR403"]);
}

#[test]
fn the_content_of_a_revocation_is_bounded() {
    let lab = two_administrators();
    // 2048 bytes for the change, and 2048 for its one entry.
    assert_eq!(codes(&lab, &revocations(1, &"x".repeat(3900))), NONE);
    assert_eq!(codes(&lab, &revocations(1, &"x".repeat(4096))), ["MR403"]);
}

#[test]
fn the_layout_of_a_revocation_is_bounded() {
    let lab = two_administrators();
    let one = revocations(1, "lost");
    assert_eq!(codes(&lab, &format!("{one}# {}\n", "x".repeat(100))), NONE);
    let padded = [
        format!("{one}# {}\n", "x".repeat(400)),
        format!("{one}{}", "\n".repeat(400)),
        format!("{one}{}", "# x\n".repeat(100)),
        one.replace("reason: ", &format!("reason: {}", " ".repeat(400))),
    ];
    for block in &padded {
        assert_eq!(codes(&lab, block), ["MR403"], "{block}");
    }
    // Lines that are there may go.
    let policy = lab.read("registry.yaml");
    lab.write("registry.yaml", &format!("{policy}# {}\n", "x".repeat(400)));
    lab.commit("admin-1", "a comment");
    let policy = lab.policy_with("actors:\n", &format!("{one}actors:\n"));
    let policy: Vec<&str> = policy.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(codes_of(&lab, &(policy.join("\n") + "\n")), NONE);
}

/// A last believed commit moves back as often as there are commits, so that each such
/// move adds nothing.
#[test]
fn a_last_believed_commit_that_moves_back_adds_no_layout() {
    let lab = two_administrators();
    let (root, head) = (lab.root(), lab.git(&["rev-parse", "HEAD"]));
    let revoked = format!("{}    since: \"{head}\"\n", revocations(1, "lost"));
    let policy = lab.policy_with("actors:\n", &format!("{revoked}actors:\n"));
    lab.write("registry.yaml", &policy);
    lab.commit("admin-1", "revoke");
    let earlier = lab.policy_with(&head, &root);
    assert_eq!(codes_of(&lab, &earlier), NONE);
    assert_eq!(
        codes_of(&lab, &format!("{earlier}# {}\n", "x".repeat(60))),
        ["MR403"]
    );
}
