//! The policy's own rules: who may change it, proposals, and the emergency.

use std::sync::OnceLock;

use crate::support::Lab;

/// Two administrators, and both are needed.
fn lab() -> Lab {
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

#[test]
fn a_proposal_is_reviewed_and_lands_whoever_carries_it() {
    let lab = lab();
    let key = lab.public_key("risk-3");
    let add = ["actor", "add", "risk-3", "--key", &key];
    let said = lab.findings("admin-1", &add);
    assert!(
        said.contains("MR403") && said.contains("1 of 2 administrators"),
        "{said}"
    );
    assert!(said.contains("--branch NAME"), "{said}");
    let said = lab.says("admin-1", &[&add[..], &["--branch", "proposal"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("this is a proposal: 1 of 2 administrators"),
        "{said:?}"
    );
    let shown = lab.findings("stranger", &["policy", "show", "proposal"]);
    assert!(
        shown.contains("This changes the policy (10 -> 11)")
            && shown.contains("  new: actor risk-3 person\n"),
        "{shown}"
    );
    assert!(
        shown.contains("\n1 of 2 administrators stand behind it: admin-1\n"),
        "{shown}"
    );
    assert!(
        shown.contains("ask admin-2: modelry policy approve proposal --branch proposal -m REASON --expect "),
        "{shown}"
    );
    // From the mainline, by name; the review goes to the proposal's branch.
    let _ = lab.ok(
        "admin-2",
        &[
            "policy",
            "approve",
            "proposal",
            "-m",
            "as agreed",
            "--branch",
            "proposal",
        ],
    );
    let shown = lab.ok("stranger", &["policy", "show", "proposal"]);
    assert!(
        shown.contains("2 of 2 administrators stand behind it: admin-1, admin-2\nit lands by merge and squash; not by rebase, where each commit is a step of its own: modelry validate --onto main "),
        "{shown}"
    );
    // A Git host squashes it: one commit, signed by nobody.
    let _ = lab.git(&["merge", "-q", "--squash", "proposal"]);
    let _ = lab.git_as("stranger", &["commit", "-q", "--no-gpg-sign", "-m", "squashed"]);
    let _ = lab.ok("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert!(lab.ok("admin-1", &["actor", "list"]).contains("risk-3"));
}

#[test]
fn a_review_of_another_policy_counts_for_nothing() {
    let lab = lab();
    let _ = lab.ok(
        "admin-1",
        &["team", "add", "risk", "admin-1", "--branch", "proposal"],
    );
    let _ = lab.ok("admin-2", &["policy", "approve", "proposal", "-m", "as agreed"]);
    let said = lab.findings("risk-1", &["policy", "approve", "proposal", "-m", "me too"]);
    assert!(said.contains("MR307"), "{said}");
    // The review came to the mainline first; then something else lands.
    let said = lab.findings("admin-1", &["team", "remove", "risk", "risk-1"]);
    assert!(
        said.contains("the review of `admin-2` does not count: it was given for another policy"),
        "{said}"
    );
    let _ = lab.ok("admin-1", &["team", "add", "risk", "admin-1"]);
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    let said = lab.error("admin-2", &["policy", "approve", "-m", "again"]);
    assert!(
        said.contains("which is in force: there is nothing to approve"),
        "{said}"
    );
    lab.check();
}

#[test]
fn one_administrator_may_revoke_and_retire_alone_and_nothing_more() {
    let lab = lab();
    let key: serde_json::Value =
        serde_json::from_str(&lab.ok("risk-1", &["whoami", "-o", "json"])).expect("JSON");
    let key = key["key"].as_str().expect("a key");
    // Accepting at once what the key approved is not an emergency.
    lab.register("churn", '1');
    let reaffirm = ["actor", "revoke-key", key, "--reaffirm", "churn/1", "-m", "lost"];
    assert!(lab.findings("admin-1", &reaffirm).contains("MR403"));
    let _ = lab.ok("admin-1", &["actor", "revoke-key", key, "-m", "laptop lost"]);
    let _ = lab.ok("admin-2", &["actor", "retire", "trainer", "-m", "gone"]);
    // The actor itself may, too.
    let own: serde_json::Value =
        serde_json::from_str(&lab.ok("risk-2", &["whoami", "-o", "json"])).expect("JSON");
    let _ = lab.ok(
        "risk-2",
        &[
            "actor",
            "revoke-key",
            own["key"].as_str().expect("a key"),
            "-m",
            "mine",
        ],
    );
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    // Revoking a key and changing something else is not an emergency.
    let admin: serde_json::Value =
        serde_json::from_str(&lab.ok("admin-2", &["whoami", "-o", "json"])).expect("JSON");
    let text = lab.policy_with("  trainer:\n", "  trainer:\n    name: x\n");
    lab.write("registry.yaml", &text);
    let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR403"), "{said}");
    let _ = lab.git(&["checkout", "-q", "--", "registry.yaml"]);
    // The other administrator too, though nobody can change the policy then.
    let said = lab.says(
        "admin-1",
        &[
            "actor",
            "revoke-key",
            admin["key"].as_str().expect("a key"),
            "-m",
            "x",
        ],
    );
    assert!(said.code == 0 && said.err.contains("MR408"), "{said:?}");
}

#[test]
fn edits_keep_comments_and_order() {
    let lab = Lab::with_registry();
    lab.change_policy("actors:\n", "# Everybody who signs.\nactors:\n");
    lab.change_policy("grants:\n", "# Who may what.\ngrants:   # in order\n");
    let before = lab.read("registry.yaml");
    let key = lab.public_key("risk-3");
    let _ = lab.ok("admin-1", &["actor", "add", "risk-3", "--key", &key]);
    let _ = lab.ok("admin-1", &["team", "add", "risk", "risk-3"]);
    let _ = lab.ok(
        "admin-1",
        &[
            "grant", "add", "risk-3", "--allow", "annotate", "--groups", "churn",
        ],
    );
    let _ = lab.ok("admin-1", &["grant", "remove", "risk-3", "--allow", "annotate"]);
    let _ = lab.ok("admin-1", &["team", "remove", "risk", "risk-3"]);
    let after = lab.read("registry.yaml");
    let kept = |text: &str| {
        text.lines()
            .filter(|line| !line.starts_with("serial:"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut expected = kept(&before);
    let added: Vec<String> = kept(&after)
        .into_iter()
        .filter(|line| !expected.contains(line))
        .collect();
    assert_eq!(added.len(), 2, "the actor and its key alone are new: {added:?}");
    let rest: Vec<String> = kept(&after)
        .into_iter()
        .filter(|line| !added.contains(line))
        .collect();
    // `kind: person` and `keys:` stand once more.
    let mut rest_sorted = rest.clone();
    rest_sorted.retain(|line| !["    kind: person", "    keys:"].contains(&line.as_str()));
    expected.retain(|line| !["    kind: person", "    keys:"].contains(&line.as_str()));
    assert_eq!(rest_sorted, expected);
    let shown = lab.ok("stranger", &["policy", "show"]);
    assert!(
        shown.contains("administrators   admin-1") && shown.contains("1 of them"),
        "{shown}"
    );
    lab.check();
}

/// A proposal of one administrator, with a review in the other's name that only
/// the commit could prove.
fn forged_proposal() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = lab();
        let add = [
            "grant",
            "add",
            "risk-1",
            "--allow",
            "create-group",
            "--groups",
            "*",
            "--branch",
            "proposal",
        ];
        let _ = lab.ok("admin-1", &add);
        let approve = [
            "policy",
            "approve",
            "proposal",
            "-m",
            "as agreed",
            "--branch",
            "proposal",
            "--no-record-signature",
        ];
        let _ = lab.ok("admin-2", &approve);
        lab
    })
}

fn judged(lab: &Lab) -> Vec<String> {
    let range = format!("{}..HEAD", lab.root());
    let said = lab.findings("admin-1", &["validate", "-o", "concise", &range]);
    said.lines()
        .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
        .collect()
}

#[test]
fn a_review_that_its_reviewer_never_gave_never_counts() {
    let lab = forged_proposal();
    // First the review alone, in a step that is faulty; then the policy.
    lab.git(&["checkout", "-q", "proposal", "--", "policy"]);
    lab.commit("admin-1", "a review by admin-2, says admin-1");
    assert_eq!(judged(&lab), ["MR306"]);
    lab.git(&["checkout", "-q", "proposal", "--", "registry.yaml"]);
    lab.commit("admin-1", "and the policy");
    assert_eq!(judged(&lab), ["MR306", "MR403"]);
}

#[test]
fn a_policy_with_a_forged_review_beside_it_does_not_come_into_force() {
    let lab = forged_proposal();
    lab.git(&["checkout", "-q", "proposal", "--", "policy", "registry.yaml"]);
    lab.commit("admin-1", "both at once");
    lab.write(
        "groups/other/group.yaml",
        "apiVersion: modelry/v1\nkind: ModelGroup\nname: other\n",
    );
    lab.commit("risk-1", "what only the new policy grants");
    assert_eq!(judged(&lab), ["MR306", "MR403", "MR307"]);
}

/// The gate's two values are seen, with the warning of the page; the administrator
/// who signed the commit counts, there and on the page.
#[test]
fn a_proposal_is_shown_as_the_page_shows_it() {
    let lab = Lab::with_registry();
    lab.git(&["config", "modelry.mainline", "main"]);
    let long = "metrics.auc >= 0.5 && metrics.recall >= 0.5 && metrics.precision >= 0.5 && metrics.f1";
    lab.change_policy(
        "    required: 1\n",
        &format!("    required: 1\n    gates:\n      - {{name: good, require: {long} >= 0.80}}\n"),
    );
    lab.git(&["switch", "-q", "-c", "proposal"]);
    let text = lab.policy_with(">= 0.80", ">= 0.10");
    lab.write("registry.yaml", &text);
    lab.commit("admin-1", "easier");
    lab.git(&["switch", "-q", "main"]);
    let shown = lab.ok("stranger", &["policy", "show", "proposal"]);
    let line = format!("asks for less, or allows more: *: gate good: {long} >= 0.80 -> {long} >= 0.10\n");
    assert!(shown.contains(&line), "{shown}");
    assert!(
        shown.contains("1 of 1 administrators stand behind it: admin-1\nit lands by merge; by squash and rebase it lacks admin-1's own review: modelry policy approve proposal --branch proposal -m REASON --expect "),
        "{shown}"
    );
    let told = lab.ok("stranger", &["diff", "main..proposal"]);
    assert!(told.contains(&line) && !told.contains("[{"), "{told}");
    for text in [&shown, &told] {
        assert!(
            text.contains("Agreed so far: admin-1 (admin-1 by the signature of the commit, which"),
            "{text}"
        );
    }
    let json: serde_json::Value =
        serde_json::from_str(&lab.ok("stranger", &["policy", "show", "proposal", "-o", "json"]))
            .expect("JSON");
    assert_eq!(json["policy"]["lines"][0]["weakens"], true);
    assert_eq!(json["counted"], serde_json::json!(["admin-1"]));
    for field in json["fields"].as_array().expect("fields") {
        assert_ne!(field["before"], field["after"], "{field}");
    }
}

/// A fault that no approval can remove is named instead of the command that would be
/// refused.
#[test]
fn a_proposal_that_can_not_land_says_so() {
    let lab = lab();
    let text = lab.read("registry.yaml");
    let serial = text
        .lines()
        .find(|line| line.starts_with("serial: "))
        .expect("a serial");
    let proposals: [(&str, String); 4] = [
        (
            "MR401",
            text.replace("required: 2", "required: 1")
                .replace(serial, "serial: 3"),
        ),
        (
            "MR413",
            lab.policy_with("to: [\"team:risk\"]", "to: [\"team:nobody\"]"),
        ),
        ("MR004", lab.policy_with("required: 2", "required: [2")),
        ("MR402", lab.policy_with("required: 2", "required: 1")),
    ];
    for (code, proposed) in proposals {
        lab.git(&["switch", "-q", "-C", "proposal", "main"]);
        lab.write("registry.yaml", &proposed);
        if code == "MR004" {
            lab.git(&["switch", "-q", "-C", "proposal", "main"]);
            lab.write("registry.yaml", &proposed);
            lab.commit("admin-1", "a proposal");
            lab.git(&["switch", "-q", "main"]);
            let error = lab.error("admin-1", &["policy", "approve", "proposal", "-m", "yes"]);
            assert!(error.contains("modelry validate --onto main proposal"), "{error}");
            lab.git(&["switch", "-q", "proposal"]);
            lab.git(&["reset", "-q", "--hard", "main"]);
            lab.write("registry.yaml", &proposed);
        }
        if code == "MR402" {
            let group = lab.read("groups/churn/group.yaml");
            lab.write(
                "groups/churn/group.yaml",
                &format!("{group}labels: {{team: risk}}\n"),
            );
        }
        lab.commit("admin-1", "a proposal");
        lab.git(&["switch", "-q", "main"]);
        let said = lab.says("stranger", &["policy", "show", "proposal"]);
        assert_eq!(said.code, 1, "{code}: {said:?}");
        assert!(said.out.contains(code), "{code}: {said:?}");
        assert!(!said.out.contains("ask admin-"), "{code}: {said:?}");
        let said = lab.says("stranger", &["policy", "show", "proposal", "-o", "json"]);
        assert_eq!(said.code, 1, "{code}: {said:?}");
        let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!(json["enough"], false, "{code}");
        assert!(
            !json["findings"].as_array().expect("findings").is_empty(),
            "{code}"
        );
    }
}

/// Only those who can still answer are asked: nobody whose key is revoked.
#[test]
fn only_those_who_can_still_agree_are_asked() {
    let lab = lab();
    let new = lab.public_key("new");
    let propose = ["actor", "add-key", "admin-2", "--key", &new, "--branch", "nx"];
    let key = crate::policy::emergency::fingerprint(&lab, "admin-2");
    let _ = lab.ok("admin-1", &["actor", "revoke-key", &key, "-m", "lost"]);
    let _ = lab.ok("admin-1", &propose);
    let shown = lab.findings("stranger", &["policy", "show", "nx"]);
    let blocked = "nobody can give what is missing: 2 administrators are needed, only `admin-1` can sign with a key in force, and no stand-in of `policyChange.recovery` has one";
    assert!(shown.contains(&format!("blocked: {blocked}")), "{shown}");
    let page = lab.ok("stranger", &["diff", "main..nx"]);
    assert!(
        !page.contains("to be asked") && page.contains(&format!("Blocked: {blocked}")),
        "{page}"
    );
    let said = lab.findings("stranger", &["validate", "--onto", "main", "nx"]);
    assert!(
        said.contains("nobody can give what is missing") && !said.contains("ask `admin-2`"),
        "{said}"
    );
}

/// With two policies on one branch, a rebase judges each, and is named once; the
/// signature of a commit counts only in a merge.
#[test]
fn a_way_of_landing_is_named_once_and_lacks_a_review_of_its_own() {
    let lab = Lab::with_registry();
    lab.git(&["switch", "-q", "-c", "nx"]);
    for words in ["one", "two"] {
        let text = lab.policy_with(
            "name:",
            &format!(
                "# {words}
name:"
            ),
        );
        lab.write("registry.yaml", &text);
        lab.commit("admin-1", words);
    }
    lab.git(&["switch", "-q", "main"]);
    let said = lab.findings("stranger", &["validate", "--onto", "main", "nx"]);
    assert!(
        said.contains("squash, rebase") && !said.contains("rebase, rebase"),
        "{said}"
    );
    assert!(said.contains("ask `admin-1` to review policy"), "{said}");
}

/// A policy without slack is noted when it asks for more than the one before, which
/// had none either.
#[test]
fn a_policy_without_slack_that_asks_for_more_is_noted() {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["init", "--name", "models", "--actor", "admin-1"]);
    lab.git(&["switch", "-q", "-c", "work"]);
    let key = lab.public_key("admin-2");
    let _ = lab.ok(
        "admin-1",
        &["actor", "add", "admin-2", "--key", &key, "--branch", "work"],
    );
    for action in ["administer", "approve"] {
        let grant = ["grant", "add", "admin-2", "--allow", action, "--branch", "work"];
        let groups: &[&str] = if action == "approve" {
            &["--groups", "*"]
        } else {
            &[]
        };
        let _ = lab.ok("admin-1", &[&grant[..], groups].concat());
    }
    let text = lab.read("registry.yaml").replace("required: 1", "required: 2");
    let text = match text.contains("policyChange:") {
        true => text,
        false => text.replacen(
            "actors:
",
            "policyChange: {required: 2}
actors:
",
            1,
        ),
    };
    lab.write("registry.yaml", &text);
    lab.commit("admin-1", "two of everything");
    lab.git(&["switch", "-q", "main"]);
    lab.git(&["merge", "-q", "--squash", "work"]);
    lab.commit("admin-1", "two of everything");
    let said = lab.says("admin-1", &["validate", "HEAD~1..HEAD"]);
    let told = format!("{}{}", said.out, said.err);
    assert!(
        told.contains("all of `admin-1` and `admin-2` are needed to change this policy"),
        "{told}"
    );
    assert!(
        told.contains("need 2 approvals from now on, and no more could be given"),
        "{told}"
    );
}
