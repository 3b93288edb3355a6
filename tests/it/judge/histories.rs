//! Properties of whole histories, on real commits: acknowledged faults, keys that
//! were stolen before anybody knew, and mainlines that were rewritten.

use crate::support::Lab;
use crate::support::docs::block;

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
pub fn mr317_fires_for_what_the_key_proved_later() {
    let (lab, since) = stolen();
    revoke(&lab, &since);
    // The revocation itself has notes, and what comes after it in that group has the finding.
    let range = format!("{}..HEAD", lab.root());
    let said = lab.ok("admin-1", &["validate", &range]);
    assert!(said.contains("note: a finding from now on (MR317)"), "{said}");
    // No change in that group is accepted; other groups continue.
    let refused = lab.says("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    let forced = ["annotate", "churn/1", "--label", "a=b", "--trust-base"];
    let _ = lab.ok("trainer", &forced);
    let said = lab.findings("admin-1", &["validate", &range, "-o", "concise"]);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("MR317 revoked-key-used") && said.contains("approve churn/1 as risk-1"),
        "{said}"
    );
    assert!(
        said.starts_with("registry.yaml:"),
        "placed at the revocation: {said}"
    );
}

#[test]
pub fn mr317_passes_for_what_it_proved_before() {
    let (lab, _) = stolen();
    revoke(&lab, &head(&lab));
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
}

#[test]
pub fn mr419_fires_for_a_commit_that_is_no_first_parent_and_for_a_later_one() {
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
pub fn mr419_passes_when_it_moves_to_an_earlier_one() {
    let (lab, since) = stolen();
    revoke(&lab, &since);
    lab.write("registry.yaml", &lab.policy_with(&since, &lab.root()));
    let _ = lab.ok("admin-1", &["validate"]);
    lab.commit("admin-1", "earlier");
    let range = format!("{}..HEAD", lab.root());
    let said = lab.ok("admin-1", &["validate", &range]);
    assert!(said.contains("(MR317)"), "{said}");
}

#[test]
pub fn mr502_fires_when_a_verified_commit_is_gone() {
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
pub fn mr502_passes_when_history_grows() {
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

/// Puts a block, with replacements, into the policy.
fn add(lab: &Lab, block: &str, replacements: &[(&str, &str)]) {
    let mut block = block.to_owned();
    for (from, to) in replacements {
        assert!(block.contains(from), "{block}");
        block = block.replace(from, to);
    }
    lab.change_policy("actors:\n", &format!("{block}actors:\n"));
}

/// As [`stolen`], and the key put the version into production too.
fn served() -> (Lab, String) {
    let lab = Lab::with_registry();
    let grant = ["grant", "add", "team:risk", "--allow", "promote", "--groups", "*"];
    let _ = lab.ok("admin-1", &[&grant[..], &["--stages", "production"]].concat());
    lab.register("churn", '1');
    let since = head(&lab);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok("risk-1", &["promote", "churn/1", "production", "-m", "serves"]);
    (lab, since)
}

/// The exit code of `resolve`, the same from the root.
fn resolves(lab: &Lab, version: &str) -> i32 {
    let said = lab.says("stranger", &["resolve", version, "-o", "uri"]);
    let replayed = lab.says("stranger", &["resolve", version, "-o", "uri", "--replay"]);
    assert_eq!(said.code, replayed.code, "{said:?} {replayed:?}");
    said.code
}

#[test]
fn who_reaffirms_a_version_accepts_what_the_key_proved_about_it() {
    let (lab, since) = served();
    let key = fingerprint(&lab, "risk-1");
    assert_eq!(resolves(&lab, "churn/1"), 0);
    revoke(&lab, &since);
    let revocation = head(&lab);
    assert_eq!(resolves(&lab, "churn/1"), 1, "its group is stopped");
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
    // The move of the stage is about no version: it still stops the group.
    let range = format!("{}..HEAD", lab.root());
    let said = lab.ok("admin-1", &["validate", &range, "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let found = said["findings"].as_array().expect("a list");
    assert_eq!(found.len(), 1, "{said:#}");
    assert!(found[0]["acknowledged"].is_string(), "{said:#}");
    let message = found[0]["message"].as_str().expect("words");
    assert!(message.contains("approve churn/1"), "{message}");
    let noted = said["notes"].to_string();
    assert!(
        noted.contains("(MR317)") && !noted.contains("approve churn/1"),
        "{noted}"
    );
    assert_eq!(resolves(&lab, "churn/1"), 1);
    add(
        &lab,
        &block("acknowledged"),
        &[("9c2a…", &revocation), ("MR301", "MR317")],
    );
    assert_eq!(resolves(&lab, "churn/1"), 0);
    let _ = lab.ok("admin-1", &["audit"]);
}

#[test]
fn what_a_key_proved_about_another_version_still_stops_the_group() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.register("churn", '2');
    let since = head(&lab);
    let key = fingerprint(&lab, "risk-1");
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok("risk-1", &["reject", "churn/2", "-m", "bad"]);
    // As the docs write it, by hand.
    add(
        &lab,
        &block("reaffirmed"),
        &[
            ("SHA256:…", &key),
            ("5e1f…", &since),
            ("fraud-detector/3", "churn/1"),
        ],
    );
    assert_eq!(resolves(&lab, "churn/1"), 1);
    let range = format!("{}..HEAD", lab.root());
    let said = lab.findings("admin-1", &["validate", &range]);
    assert!(said.contains("; 1 acknowledged"), "{said}");
    assert!(
        said.contains("churn/1 is reaffirmed in the revocation of this key"),
        "{said}"
    );
    let both = [
        "actor",
        "revoke-key",
        &key,
        "--reaffirm",
        "churn/2",
        "-m",
        "right",
    ];
    let _ = lab.ok("admin-1", &both);
    assert_eq!(lab.git(&["log", "-1", "--format=%s"]), "Reaffirm churn/2");
    assert_eq!(resolves(&lab, "churn/1"), 0);
    let _ = lab.ok("admin-1", &["validate", &range]);
}

/// Accepted, what a key approved still resolves nowhere.
#[test]
fn an_acknowledged_revocation_lets_the_group_go_on_without_the_version() {
    let (lab, since) = stolen();
    revoke(&lab, &since);
    add(
        &lab,
        &block("acknowledged"),
        &[("9c2a…", &head(&lab)), ("MR301", "MR317")],
    );
    assert_eq!(resolves(&lab, "churn/1"), 3);
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "a=b"]);
}

#[test]
fn who_revokes_a_key_is_told_what_follows() {
    let (lab, since) = served();
    let approval = lab.git(&["rev-parse", "--short=10", "HEAD~1"]);
    let key = fingerprint(&lab, "risk-1");
    let told = |more: &[&str]| {
        let plain = ["actor", "revoke-key", &key, "--since", &since, "-m", "lost"];
        let said = lab.says("admin-1", &[&plain[..], more].concat());
        assert_eq!(said.code, 0, "{said:?}");
        said.err
    };
    let act = format!("a finding from now on (MR317): approve churn/1 as risk-1, in commit {approval}");
    let nowhere = "resolves nowhere until it is reaffirmed (`--reaffirm GROUP/N`) or gone: churn/1\n";
    let said = told(&["--dry-run"]);
    assert!(
        said.contains(&format!("{act}\n")) && said.contains(nowhere),
        "{said}"
    );
    let reaffirmed = ["--reaffirm", "churn/1"];
    let said = told(&[&reaffirmed[..], &["--dry-run"]].concat());
    assert!(
        said.contains(&format!("{act}, accepted since the version is reaffirmed\n")),
        "{said}"
    );
    assert!(!said.contains("resolves nowhere"), "{said}");
    assert_eq!(told(&reaffirmed), said);
    let title = format!("Revoke key {key}, reaffirm churn/1");
    assert_eq!(lab.git(&["log", "-1", "--format=%s"]), title);
    // The consequences were printed; the next change of the policy does not repeat
    // them.
    let said = lab.says("admin-1", &["team", "add", "risk", "risk-2"]);
    assert!(!said.err.contains("MR317"), "{said:?}");
}

#[test]
fn of_many_acts_ten_are_told_and_the_others_counted() {
    let (lab, _) = stolen();
    let since = head(&lab);
    for value in 0..12 {
        let label = format!("n={value}");
        let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", &label]);
    }
    let key = fingerprint(&lab, "trainer");
    let said = lab.says(
        "admin-1",
        &["actor", "revoke-key", &key, "--since", &since, "-m", "lost"],
    );
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.err.matches("(MR317)").count(), 10, "{said:?}");
    assert!(said.err.contains("and 2 more findings\n"), "{said:?}");
    assert!(!said.err.contains("resolves nowhere"), "{said:?}");
}

/// The number of open findings of an audit.
fn open(lab: &Lab) -> usize {
    let said = lab.says("admin-1", &["audit", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .filter(|finding| finding["acknowledged"].is_null())
        .count()
}

#[track_caller]
fn revert(lab: &Lab, who: &str) {
    let output = lab.git_as(who, &["revert", "-S", "--no-edit", "HEAD"]);
    assert!(output.status.success(), "{output:?}");
}

/// A step that was refused can be taken back by a plain revert, and that in turn can't.
#[test]
fn a_revert_of_a_refused_step_is_clean_and_one_of_that_is_not() {
    let edits = [
        ("MR308", "status: Pending", "status: Approved"),
        ("MR201", "auc: 0.9", "auc: 0.99"),
    ];
    for (code, from, to) in edits {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        let path = "groups/churn/versions/1/version.yaml";
        let text = lab.read(path);
        assert!(text.contains(from), "{text}");
        lab.write(path, &text.replace(from, to));
        lab.commit("trainer", "by hand");
        let said = lab.findings("admin-1", &["validate", "HEAD~1..HEAD"]);
        assert!(said.contains(code), "{said}");
        let before = open(&lab);
        revert(&lab, "risk-1");
        let said = lab.says("admin-1", &["validate", "HEAD~1..HEAD"]);
        assert_eq!((said.code, open(&lab)), (0, before), "{code}: {said:?}");
        let clean = lab.copy();
        revert(&lab, "risk-1");
        assert!(open(&lab) > before, "{code}");
        // What was refused twice, with a restoration between, needs an administrator.
        revert(&lab, "risk-1");
        assert!(open(&lab) > before + 1, "{code}");
        // A step in the group since then is not lost by a revert.
        let lab = clean;
        lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
        let labels = ["annotate", "churn/1", "--label", "a=b", "--trust-base"];
        let _ = lab.ok("trainer", &labels);
        let before = open(&lab);
        let output = lab.git_as("risk-1", &["revert", "-S", "--no-edit", "HEAD~1"]);
        assert!(output.status.success(), "{output:?}");
        assert!(open(&lab) > before, "{code}");
    }
}

/// `show` counts a review as `audit` does: given before its key was last trusted, or
/// reaffirmed.
#[test]
fn show_counts_a_review_before_the_revocation_as_audit_does() {
    let (lab, since) = stolen();
    let after = head(&lab);
    let early = lab.copy();
    revoke(&early, &after);
    let said = early.says("admin-1", &["show", "churn/1"]);
    assert!(
        said.err.contains("was revoked later") && said.out.contains("Approved  yes"),
        "{said:?}"
    );
    revoke(&lab, &since);
    let said = lab.says("admin-1", &["show", "churn/1"]);
    assert!(
        said.err.contains("nothing resolves it") && !said.out.contains("Approved  yes"),
        "{said:?}"
    );
}
