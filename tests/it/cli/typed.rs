//! Answers that a person pastes or types as they are printed: they are whole, and they
//! help in the place where they are printed.

use crate::policy::emergency::fingerprint;
use crate::support::Lab;

/// Commits a move of these versions to Approved that nobody agreed to.
fn approve_by_hand(lab: &Lab, numbers: &[u32]) {
    for number in numbers {
        let path = format!("groups/churn/versions/{number}/version.yaml");
        let text = lab.read(&path).replace("status: Pending", "status: Approved");
        lab.write(&path, &text);
    }
    lab.commit("trainer", "by hand");
}

#[test]
fn one_paste_accepts_every_code_of_every_step() {
    let lab = Lab::with_registry();
    for mark in ['1', '2', '3'] {
        lab.register("churn", mark);
    }
    lab.change_policy("    required: 1\n", "    required: 1\n    from:\n      risk: 1\n");
    approve_by_hand(&lab, &[1]);
    approve_by_hand(&lab, &[2, 3]);
    let said = lab.findings("admin-1", &["audit"]);
    let entries: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("    - {commit: "))
        .collect();
    assert_eq!(entries.len(), 2, "{said}");
    for entry in &entries {
        assert!(entry.contains("codes: [MR308, MR309]"), "{said}");
    }
    let pasted = entries.join("\n").replace('…', "looked at");
    lab.change_policy("actors:\n", &format!("acknowledged:\n{pasted}\nactors:\n"));
    let _ = lab.ok("admin-1", &["audit"]);
}

#[test]
fn settle_names_the_version_that_lacks_something() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let said = lab.ok("risk-1", &["settle", "churn/1"]);
    assert!(
        said.contains("; `modelry show churn/1` tells what is missing"),
        "{said}"
    );
    // Without a name, these are the Pending versions with a review.
    assert!(!lab.ok("risk-1", &["settle"]).contains("`modelry show`"));
}

#[test]
fn a_revoked_key_is_told_how_to_use_another_one() {
    let lab = Lab::with_registry();
    let key = fingerprint(&lab, "risk-1");
    let _ = lab.ok("admin-1", &["actor", "revoke-key", &key, "-m", "lost", "--yes"]);
    let said = lab.error("risk-1", &["group", "create", "other"]);
    assert!(said.contains("`git config user.signingkey FILE`"), "{said}");
    let said = lab.ok("risk-1", &["whoami"]);
    assert!(said.contains("git config user.signingkey FILE"), "{said}");
}

#[test]
fn no_grant_is_offered_where_it_would_not_help() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let said = lab.findings("trainer", &["approve", "churn/1", "-m", "mine", "--yes"]);
    assert!(
        said.contains("`trainer` is a machine, and machines do not count in `churn`"),
        "{said}"
    );
    assert!(said.contains("let `risk-1` do it instead"), "{said}");
    assert!(!said.contains("grant add"), "{said}");
    // A person for whom a grant helps gets it.
    let key = lab.public_key("stranger");
    let _ = lab.ok("admin-1", &["actor", "add", "stranger", "--key", &key]);
    let said = lab.findings("stranger", &["approve", "churn/1", "-m", "good", "--yes"]);
    assert!(
        said.contains("modelry grant add stranger --allow approve"),
        "{said}"
    );
    // By four eyes it helps no author.
    let grant = ["grant", "add", "stranger", "--allow", "register", "--groups", "*"];
    let _ = lab.ok("admin-1", &grant);
    let digest = format!("sha256:{}", "2".repeat(64));
    let register = [
        "register",
        "churn",
        "--artifact",
        "s3://models/churn/2",
        "--digest",
        &digest,
    ];
    let _ = lab.ok("stranger", &register);
    let said = lab.findings("stranger", &["approve", "churn/2", "-m", "mine", "--yes"]);
    assert!(
        said.contains("four eyes: `stranger` is an author of what is approved"),
        "{said}"
    );
    assert!(!said.contains("grant add"), "{said}");
}

#[test]
fn a_later_since_names_the_one_in_force() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let since = lab.git(&["rev-parse", "HEAD~2"]);
    let later = lab.git(&["rev-parse", "HEAD~1"]);
    let key = fingerprint(&lab, "risk-1");
    let revoke = |since: &str| -> Vec<String> {
        [
            "actor",
            "revoke-key",
            &key,
            "--since",
            since,
            "-m",
            "lost",
            "--yes",
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let words = revoke(&since);
    let _ = lab.ok("admin-1", &words.iter().map(String::as_str).collect::<Vec<_>>());
    let words = revoke(&later);
    let said = lab.findings("admin-1", &words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("`since` only moves back"), "{said}");
    assert!(said.contains(&format!("leave it at {}", &since[..10])), "{said}");
    let line = format!("git log --first-parent {since}~1");
    assert!(said.contains(&line), "{said}");
    let arguments: Vec<&str> = line.split(' ').skip(1).collect();
    let _ = lab.git(&arguments);
}

#[test]
fn a_proposal_with_another_fault_is_not_sent_to_a_branch() {
    let lab = Lab::with_registry();
    let key = lab.public_key("risk-2");
    let add = ["actor", "add", "zoe", "--key", &key];
    let said = lab.findings("risk-1", &[&add[..], &["--branch", "next"]].concat());
    assert!(said.contains("MR406"), "{said}");
    assert!(!said.contains("--branch NAME"), "{said}");
    let said = lab.findings("risk-1", &add);
    assert!(said.contains("--branch NAME"), "{said}");
}

#[test]
fn every_command_names_the_folder_that_has_the_registry() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    for command in [
        &["audit"][..],
        &["resolve", "churn/1"],
        &["trust"],
        &["events"],
        &["schema", "update"],
        &["list"],
        &["show", "churn/1"],
        &["validate"],
    ] {
        let said = lab.error("admin-1", &[&["--path", "nope"][..], command].concat());
        assert!(
            said.contains("it has one elsewhere: `--path .`"),
            "{command:?}: {said}"
        );
    }
}

#[test]
fn the_policy_that_is_shown_is_the_one_in_force() {
    let lab = Lab::with_registry();
    let before = lab.ok("risk-1", &["policy", "show"]);
    let text = lab.policy_with("  required: 1\n", "  required: 7\n");
    lab.write("registry.yaml", &text);
    lab.commit("risk-1", "mine");
    let said = lab.says("risk-1", &["policy", "show"]);
    assert_eq!((said.code, said.out), (0, before), "{}", said.err);
    assert!(
        said.err.contains("the text of `registry.yaml` in commit ")
            && said.err.contains("was refused")
            && said.err.contains("`modelry audit` tells why"),
        "{}",
        said.err
    );
    let said = lab.says("risk-1", &["grant", "list"]);
    assert!(said.err.contains("was refused"), "{said:?}");
}

#[test]
fn one_approval_is_one() {
    let lab = Lab::with_registry();
    let text = lab.policy_with(
        "    required: 1\n",
        "    required: 1\n    from:\n      nobody: 1\n",
    );
    lab.write(
        "registry.yaml",
        &text.replace("teams:\n", "teams:\n  nobody: []\n"),
    );
    let said = lab.findings("admin-1", &["validate"]);
    assert!(said.contains("1 approval of team `nobody` is needed"), "{said}");
}
