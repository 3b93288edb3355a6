//! Policies that are edited by hand: on a branch, where an administrator's review makes
//! them land in each way, and on the mainline, where a refused text is put back.

use serde_json::Value;

use crate::policy::emergency::fingerprint;
use crate::support::Lab;

/// Edits the policy on the branch `side`, as somebody, and stays on it.
#[track_caller]
fn by_hand(lab: &Lab, who: &str, from: &str, to: &str) {
    lab.git(&["switch", "-q", "-c", "side"]);
    lab.write("registry.yaml", &lab.policy_with(from, to));
    lab.commit(who, "by hand");
}

/// Judges the landing of `side` in one way, lands it as a host does, and audits.
#[track_caller]
fn lands(lab: &Lab, way: &str) {
    let lab = lab.copy();
    let _ = lab.ok(
        "admin-1",
        &["validate", "--onto", "main", "side", "--landing", way],
    );
    lab.git(&["switch", "-q", "main"]);
    match way {
        "merge" => {
            lab.git(&["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "landed", "side"]);
        }
        "squash" => {
            lab.git(&["merge", "-q", "--squash", "side"]);
            lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "landed"]);
        }
        _ => {
            lab.git(&["cherry-pick", "--no-gpg-sign", "main..side"]);
        }
    }
    let _ = lab.ok("admin-1", &["audit"]);
}

#[test]
fn a_review_of_a_policy_that_is_in_force_on_its_branch_alone_counts() {
    let lab = Lab::with_registry();
    let key = fingerprint(&lab, "risk-2");
    let revoked = format!("revoked:\n  - key: {key}\nactors:\n");
    let edits = [
        ("admin-1", "actors:\n", revoked.as_str()),
        ("admin-1", "required: 1", "required: 2"),
        ("trainer", "required: 1", "required: 2"),
    ];
    for (who, from, to) in edits {
        for named in [&[][..], &["side", "--branch", "side"]] {
            let lab = lab.copy();
            by_hand(&lab, who, from, to);
            if !named.is_empty() {
                lab.git(&["switch", "-q", "main"]);
            }
            let words = [&["policy", "approve", "-m", "as agreed", "--yes"][..], named].concat();
            let said = lab.says("admin-1", &words);
            assert!(
                said.code == 0 && said.out.contains("Approve policy"),
                "{who}: {said:?}"
            );
            let again = lab.says("admin-1", &words);
            assert!(
                again.out.contains("has approved this policy already"),
                "{again:?}"
            );
            lands(&lab, "merge");
            lands(&lab, "squash");
            // Each commit of a rebase is a step: the line makes one of them.
            let told = lab.findings("admin-1", &["validate", "--onto", "main", "side"]);
            assert!(
                told.contains("MR403") && told.contains("= landed by: rebase\n"),
                "{told}"
            );
            let line = told
                .split_once("make one commit of the branch")
                .expect("a remedy")
                .1;
            let line = line.split('`').nth(1).expect("a line");
            lab.git(&["switch", "-q", "side"]);
            let mut shell = lab.command("sh");
            lab.as_actor(&mut shell, who);
            let output = shell.args(["-c", line]).current_dir(&lab.top).output();
            assert!(output.expect("sh").status.success(), "{line}");
            let _ = lab.ok("admin-1", &["validate", "--onto", "main", "side"]);
            for way in ["merge", "squash", "rebase"] {
                lands(&lab, way);
            }
        }
    }
}

#[test]
fn the_policy_in_force_needs_no_review() {
    let lab = Lab::with_registry();
    for words in [
        &["policy", "approve", "-m", "x"][..],
        &["policy", "approve", "main", "-m", "x"],
    ] {
        let told = lab.error("admin-1", words);
        assert!(
            told.contains("which is in force: there is nothing to approve"),
            "{told}"
        );
    }
}

/// Texts that are refused: without a raised serial, and by somebody without the right.
const REFUSED: [(&str, &str); 2] = [("admin-1", "MR401"), ("trainer", "MR403")];

fn refused(who: &str, code: &str) -> Lab {
    let lab = Lab::with_registry();
    let text = match code {
        "MR401" => lab.read("registry.yaml").replace("required: 1", "required: 3"),
        _ => lab.policy_with("required: 1", "required: 3"),
    };
    lab.write("registry.yaml", &text);
    lab.commit(who, "refused");
    lab
}

/// The open findings of an audit, as code and commit.
fn open(lab: &Lab) -> Vec<(String, String)> {
    let said = lab.says("admin-1", &["audit", "-o", "json"]);
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    let findings = report["findings"].as_array().expect("a list").iter();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    findings
        .map(|finding| (text(finding, "code"), text(finding, "commit")))
        .collect()
}

#[test]
fn a_plain_revert_of_a_refused_policy_is_clean() {
    for (who, code) in REFUSED {
        let lab = refused(who, code);
        let before = open(&lab);
        assert!(before.len() == 1 && before[0].0 == code, "{before:?}");
        let revert = |who: &str| {
            let output = lab.git_as(who, &["revert", "-S", "--no-edit", "HEAD"]);
            assert!(output.status.success(), "{output:?}");
        };
        // Its own bytes come back by any commit, since nothing comes into force.
        revert("risk-1");
        assert_eq!(open(&lab), before, "{who}");
        lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
        // A text that only means the same is an administrator's.
        let text = format!("{} # mine\n", lab.git(&["show", "HEAD~1:registry.yaml"]));
        lab.write("registry.yaml", &text);
        lab.commit("risk-1", "in another form");
        assert!(open(&lab).len() > 1, "{who}");
        lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
        revert("admin-1");
        let _ = lab.ok("admin-1", &["validate", "HEAD~1..HEAD"]);
        assert_eq!(open(&lab), before, "{who}");
        // The policy in force goes on.
        let _ = lab.ok(
            "admin-1",
            &[
                "grant",
                "add",
                "risk-1",
                "--allow",
                "add-evidence",
                "--groups",
                "*",
            ],
        );
        assert_eq!(open(&lab), before, "{who}");
        // An older policy does not come back so.
        lab.git(&["revert", "--no-commit", "HEAD"]);
        lab.commit("admin-1", "an older policy");
        assert!(open(&lab).len() > 1, "{who}");
    }
}

#[test]
fn a_policy_command_starts_from_the_policy_in_force() {
    let commands: [&[&str]; 3] = [
        &[
            "grant",
            "add",
            "risk-1",
            "--allow",
            "add-evidence",
            "--groups",
            "*",
        ],
        &["team", "add", "night", "risk-1"],
        &["grant", "remove", "trainer", "--allow", "annotate"],
    ];
    for (who, code) in REFUSED {
        for words in commands {
            let lab = refused(who, code);
            let said = lab.says("admin-1", words);
            assert!(
                said.code == 0 && said.err.contains("`registry.yaml` is not the policy in force"),
                "{who} {words:?}: {said:?}"
            );
            let text = lab.read("registry.yaml");
            assert!(!text.contains("required: 3"), "{text}");
            let open = open(&lab);
            assert!(open.len() == 1 && open[0].0 == code, "{open:?}");
        }
        // A branch from there holds the refused text, and is no proposal of it.
        let lab = refused(who, code);
        let _ = lab.ok("admin-1", &[commands[1], &["--branch", "mend"]].concat());
        let text = lab.git(&["show", "mend:registry.yaml"]);
        assert!(!text.contains("required: 3") && text.contains("night"), "{text}");
    }
}

/// A second edit of a proposal builds on the first, and counts its own entries.
#[test]
fn a_proposal_is_edited_further() {
    let lab = Lab::with_registry();
    let on = |words: &[&str]| {
        let words = [words, &["--branch", "side"]].concat();
        let _ = lab.ok("trainer", &words);
    };
    on(&["team", "add", "night", "risk-1", "risk-2"]);
    on(&["team", "add", "night", "trainer"]);
    on(&["team", "remove", "night", "risk-1"]);
    let text = lab.git(&["show", "side:registry.yaml"]);
    let policy: Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(policy["teams"]["night"], serde_json::json!(["risk-2", "trainer"]));
    let said = lab.ok(
        "admin-1",
        &[
            "policy", "approve", "side", "--branch", "side", "-m", "ok", "--yes",
        ],
    );
    assert!(said.contains("Approve policy"), "{said}");
}

#[test]
fn an_actor_whose_only_key_is_revoked_is_no_administrator_to_ask() {
    let lab = Lab::with_registry();
    let key = lab.public_key("admin-2");
    let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
    let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
    assert!(
        lab.ok("admin-1", &["policy", "show"])
            .contains("admin-1, admin-2")
    );
    let key = fingerprint(&lab, "admin-2");
    let _ = lab.ok("admin-1", &["actor", "revoke-key", &key, "-m", "lost", "--yes"]);
    let shown = lab.ok("admin-1", &["policy", "show"]);
    let line = shown
        .lines()
        .find(|line| line.contains("administrators"))
        .expect("a line");
    assert!(line.contains("admin-1") && !line.contains("admin-2"), "{shown}");
    let shown: Value =
        serde_json::from_str(&lab.ok("admin-1", &["policy", "show", "-o", "json"])).expect("JSON");
    assert_eq!(shown["administrators"], serde_json::json!(["admin-1"]));
}

/// Types the line of the remedy for MR403, as somebody.
#[track_caller]
fn type_remedy(lab: &Lab, who: &str, told: &str, words: &str) {
    let rest = told.split_once(words).unwrap_or_else(|| panic!("{told}")).1;
    let line = rest.split('`').next().expect("a line");
    let mut shell = lab.command("sh");
    lab.as_actor(&mut shell, who);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_modelry"));
    let bin = program.parent().expect("a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{bin}:{path}"));
    let output = shell.args(["-c", line]).current_dir(&lab.top).output();
    let output = output.expect("sh");
    assert!(output.status.success(), "{line}: {output:?}");
}

#[test]
fn one_line_lands_a_policy_of_two_by_a_rebase() {
    let lab = Lab::with_registry();
    let key = lab.public_key("admin-2");
    let _ = lab.ok("admin-1", &["actor", "add", "admin-2", "--key", &key]);
    let _ = lab.ok("admin-1", &["grant", "add", "admin-2", "--allow", "administer"]);
    lab.change_policy("actors:\n", "policyChange: {required: 2}\nactors:\n");
    by_hand(&lab, "admin-1", "name: risk-models", "name: risk");
    let _ = lab.ok("admin-2", &["policy", "approve", "-m", "as agreed", "--yes"]);
    let rebase = ["validate", "--onto", "main", "side", "--landing", "rebase"];
    let told = lab.findings("admin-1", &rebase);
    type_remedy(&lab, "admin-1", &told, " too: `");
    lands(&lab, "rebase");
    lands(&lab, "squash");
}

#[test]
fn an_unsigned_policy_below_the_last_commit_is_signed_by_its_remedy() {
    let lab = Lab::with_registry();
    lab.write("registry.yaml", &lab.policy_with("required: 1", "required: 2"));
    lab.git(&["add", "-A"]);
    lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "unsigned"]);
    lab.write("notes.txt", "later\n");
    lab.git(&["add", "-A"]);
    lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "later"]);
    let range = ["validate", "HEAD~2..HEAD"];
    let told = lab.findings("admin-1", &range);
    type_remedy(&lab, "admin-1", &told, "let an administrator sign it: `");
    let _ = lab.ok("admin-1", &range);
}

#[test]
fn the_line_that_proposes_uncommitted_changes_names_a_free_branch() {
    let lab = Lab::with_registry();
    lab.git(&["branch", "proposal"]);
    lab.write("registry.yaml", &lab.policy_with("required: 1", "required: 2"));
    let told = lab.error("admin-1", &["policy", "approve", "-m", "ok"]);
    let line = told.split_once("propose them: `").expect("a line").1;
    let line = line.split('`').next().expect("a line");
    assert!(line.starts_with("git switch -c proposal-2 && "), "{told}");
    type_remedy(&lab, "admin-1", &told, "propose them: `");
}
