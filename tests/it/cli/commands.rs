//! The main job, through the front door: each command, what it says, and what
//! it leaves behind.

use crate::support::{Lab, said};

#[test]
fn the_main_job_from_register_to_delete() {
    let lab = Lab::with_registry();
    let artifact = lab.home().join("model.bin");
    std::fs::write(&artifact, "throwaway model").expect("a file");
    let artifact = artifact.to_string_lossy().into_owned();
    let out = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            &artifact,
            "--metric",
            "auc=0.91",
            "--label",
            "team=risk",
        ],
    );
    assert!(
        out.contains("Register churn/1") && out.contains("version churn/1 registered"),
        "{out}"
    );
    let version = lab.read("groups/churn/versions/1/version.yaml");
    assert!(
        version.starts_with("# yaml-language-server: $schema="),
        "{version}"
    );
    assert!(
        version.contains("size: 15") && version.contains("digest: sha256:"),
        "{version}"
    );
    let again = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            &artifact,
            "--metric",
            "auc=0.91",
        ],
    );
    assert!(again.contains("churn/1 is the same model already"), "{again}");
    let _ = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            &artifact,
            "--metric",
            "auc=0.91",
            "--allow-duplicate",
        ],
    );
    let _ = lab.ok(
        "trainer",
        &["evidence", "add", "churn/1", "holdout", "--metric", "auc=0.9"],
    );
    let _ = lab.ok(
        "trainer",
        &[
            "evidence",
            "add",
            "churn/1",
            "holdout",
            "--metric",
            "recall=0.7",
            "--notes",
            "second look",
        ],
    );
    let evidence = lab.read("groups/churn/versions/1/evidence/holdout.yaml");
    assert!(
        evidence.contains("revision: 2") && evidence.contains("auc: 0.9") && evidence.contains("recall: 0.7"),
        "{evidence}"
    );
    let _ = lab.ok(
        "trainer",
        &["card", "set", "churn/1", "--set", "limitations=none known"],
    );
    let _ = lab.ok(
        "trainer",
        &[
            "annotate",
            "churn/1",
            "--label",
            "env=test",
            "--annotation",
            "ticket=RISK-1",
            "--description",
            "a try",
        ],
    );
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "env-"]);
    assert!(!lab.read("groups/churn/versions/1/version.yaml").contains("env"));
    let _ = lab.ok("risk-1", &["reject", "churn/1", "-m", "not yet"]);
    assert!(
        lab.read("groups/churn/versions/1/version.yaml")
            .contains("status: Rejected")
    );
    let _ = lab.ok("risk-1", &["approve", "churn/2", "-m", "good"]);
    assert!(
        lab.read("groups/churn/versions/2/version.yaml")
            .contains("status: Approved")
    );
    let _ = lab.ok("risk-2", &["archive", "churn/2", "-m", "over"]);
    let _ = lab.ok("risk-2", &["delete", "churn/2", "-m", "contract ended"]);
    assert!(
        lab.read("groups/churn/versions/2/version.yaml")
            .contains("kind: Tombstone")
    );
    // The number is never used again.
    lab.register("churn", '9');
    assert!(
        lab.read("groups/churn/versions/3/version.yaml")
            .contains("version: 3")
    );
    let range = format!("{}..HEAD", lab.root());
    let _ = lab.ok("admin-1", &["validate", &range]);
    let _ = lab.ok("admin-1", &["validate"]);
    lab.check();
}

#[test]
fn quorum_teams_card_and_four_eyes() {
    let lab = Lab::with_registry();
    let _ = lab.ok("admin-1", &["group", "create", "fraud-detector"]);
    let rule = "  # Fraud decides on payments.\n  - groups: [fraud-*]\n    required: 2\n    from: {risk: 1}\n    card: [intendedUses]\nactors:\n";
    lab.write("registry.yaml", &lab.policy_with("actors:\n", rule));
    let _ = lab.ok("admin-1", &["validate"]);
    lab.commit("admin-1", "two for fraud");
    lab.register("fraud-detector", '1');
    // The card would void a review that was given before it.
    let said = lab.says("risk-1", &["approve", "fraud-detector/1", "-m", "good"]);
    assert!(
        said.code == 1 && said.err.contains("it lacks the card's section intendedUses"),
        "{said:?}"
    );
    let shown = lab.ok("risk-1", &["show", "fraud-detector/1"]);
    assert!(
        shown.contains("missing: 0 of 2 approvals so far;")
            && shown.contains("the card's section intendedUses"),
        "{shown}"
    );
    let card = |uses: &str| {
        let uses = format!("intendedUses={uses}");
        lab.ok("trainer", &["card", "set", "fraud-detector/1", "--set", &uses])
    };
    let _ = card("payments");
    let _ = lab.ok("risk-1", &["approve", "fraud-detector/1", "-m", "good"]);
    // The administrator owns the pipeline that registered it: four eyes.
    let said = lab.says("admin-1", &["approve", "fraud-detector/1", "-m", "me too"]);
    assert!(said.code == 1 && said.err.contains("four eyes"), "{said:?}");
    assert!(
        lab.read("groups/fraud-detector/versions/1/version.yaml")
            .contains("status: Pending")
    );
    // A card changes what is approved: the review is void.
    let _ = card("online payments");
    let shown = lab.ok("risk-1", &["show", "fraud-detector/1"]);
    assert!(shown.contains("it was given for other content"), "{shown}");
    let _ = lab.ok("risk-1", &["approve", "fraud-detector/1", "-m", "with its card"]);
    let _ = lab.ok("risk-2", &["approve", "fraud-detector/1", "-m", "seconded"]);
    assert!(
        lab.read("groups/fraud-detector/versions/1/version.yaml")
            .contains("status: Approved")
    );
    // People's comments survived every edit of the policy.
    let _ = lab.ok(
        "admin-1",
        &["actor", "add", "late", "--key", &lab.public_key("late")],
    );
    assert!(lab.read("registry.yaml").contains("# Fraud decides on payments."));
    lab.check();
}

#[test]
fn two_approvals_from_two_branches_are_settled() {
    let lab = Lab::with_registry();
    lab.change_policy("required: 1", "required: 2");
    lab.register("churn", '1');
    let base = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "one"]);
    let _ = lab.ok(
        "risk-2",
        &["approve", "churn/1", "-m", "two", "--branch", "topic"],
    );
    // The branch was made from the mainline's tip, so it has both.
    assert_ne!(base, lab.git(&["rev-parse", "topic"]));
    lab.git(&["reset", "-q", "--hard", &base]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "one", "--replay"]);
    // A squash on a Git host: the record travels with its own signature, in an
    // unsigned commit of a stranger.
    lab.git(&[
        "checkout",
        "-q",
        "topic",
        "--",
        "groups/churn/versions/1/reviews/risk-2.yaml",
    ]);
    assert!(
        lab.git_as("stranger", &["commit", "-q", "--no-gpg-sign", "-m", "squashed"])
            .status
            .success()
    );
    let _ = lab.ok("admin-1", &["validate", "HEAD~1..HEAD"]);
    let out = lab.ok("trainer", &["settle", "churn/1"]);
    assert!(out.contains("status churn/1 Pending -> Approved"), "{out}");
    let _ = lab.ok("admin-1", &["validate", &format!("{base}..HEAD")]);
}

#[test]
fn one_signature_is_enough_and_none_is_not() {
    let lab = Lab::with_registry();
    for mark in ['1', '2'] {
        lab.register("churn", mark);
    }
    let _ = lab.ok(
        "risk-1",
        &["approve", "churn/1", "-m", "x", "--no-record-signature"],
    );
    assert!(
        !lab.read("groups/churn/versions/1/reviews/risk-1.yaml")
            .contains("signature")
    );
    let _ = lab.ok(
        "risk-1",
        &["approve", "churn/2", "-m", "x", "--no-commit-signature"],
    );
    assert!(!lab.git(&["cat-file", "commit", "HEAD"]).contains("gpgsig"));
    let _ = lab.ok("admin-1", &["validate", "HEAD~2..HEAD"]);
    let both = lab.says(
        "risk-1",
        &[
            "approve",
            "churn/2",
            "-m",
            "x",
            "--no-commit-signature",
            "--no-record-signature",
        ],
    );
    assert_eq!(both.code, 2);
}

#[test]
fn withdrawn_and_given_again() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.change_policy("required: 1", "required: 2");
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let first = lab.read("groups/churn/versions/1/reviews/risk-1.yaml");
    let _ = lab.ok("risk-1", &["withdraw", "churn/1", "-m", "saw the holdout"]);
    // Old signed bytes do not come back.
    lab.write("groups/churn/versions/1/reviews/risk-1.yaml", &first);
    let said = lab.findings("risk-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR205"), "{said}");
    lab.git(&["checkout", "-q", "--", "."]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "after all"]);
    assert!(
        lab.read("groups/churn/versions/1/reviews/risk-1.yaml")
            .contains("revision: 3")
    );
    lab.check();
}

#[test]
fn people_come_and_go() {
    let lab = Lab::with_registry();
    let _ = lab.ok(
        "admin-1",
        &[
            "actor",
            "add-key",
            "risk-1",
            "--key",
            &lab.public_key("risk-1-new"),
        ],
    );
    let _ = lab.ok("admin-1", &["grant", "remove", "team:risk", "--allow", "delete"]);
    let _ = lab.ok("admin-1", &["team", "remove", "risk", "risk-2"]);
    let _ = lab.ok(
        "admin-1",
        &[
            "actor",
            "revoke-key",
            &lab.public_key("risk-1"),
            "-m",
            "laptop lost",
        ],
    );
    lab.register("churn", '1');
    let refused = lab.error("risk-1", &["approve", "churn/1", "-m", "x"]);
    assert!(refused.contains("is revoked"), "{refused}");
    let _ = lab.ok("risk-1-new", &["approve", "churn/1", "-m", "x"]);
    let _ = lab.ok("admin-1", &["actor", "retire", "risk-1", "-m", "left"]);
    lab.register("churn", '2');
    let refused = lab.error("risk-1-new", &["approve", "churn/2", "-m", "x"]);
    assert!(refused.contains("`risk-1` is retired"), "{refused}");
    let list = lab.ok("admin-1", &["actor", "list"]);
    assert!(list.contains("retired") && list.contains("machine"), "{list}");
    let _ = lab.ok("admin-1", &["grant", "list"]);
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    // Git agrees on what those keys signed while they were in force.
    lab.check();
    // A stranger learns what to send to an administrator.
    let who = lab.ok("stranger", &["whoami"]);
    assert!(
        who.contains("Send this line to an administrator") && who.contains("ssh-ed25519 "),
        "{who}"
    );
}

#[test]
fn lists_conditions_and_time_travel() {
    let lab = Lab::with_registry();
    let digest = |mark: &str| format!("sha256:{}", mark.repeat(64));
    for (mark, auc, team) in [
        ("1", "0.8", "risk"),
        ("2", "0.92", "risk"),
        ("3", "0.95", "other"),
    ] {
        let uri = format!("s3://m/{mark}");
        let (metric, label) = (format!("auc={auc}"), format!("team={team}"));
        let _ = lab.ok(
            "trainer",
            &[
                "register",
                "churn",
                "--artifact",
                &uri,
                "--digest",
                &digest(mark),
                "--metric",
                &metric,
                "--label",
                &label,
            ],
        );
    }
    let _ = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            "s3://m/4",
            "--digest",
            &digest("4"),
        ],
    );
    let hits = |condition: &str| {
        let out = lab.ok("risk-1", &["list", "-o", "json", "--where", condition]);
        let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let versions = value["versions"].as_array().expect("a list").clone();
        versions
            .iter()
            .map(|version| version["version"].as_u64().expect("a number"))
            .collect::<Vec<_>>()
    };
    assert_eq!(hits("metrics.auc > 0.9 && labels.team == \"risk\""), [2]);
    assert_eq!(
        hits("metrics.auc > 0.5"),
        [3, 2, 1],
        "what lacks the field does not match"
    );
    assert_eq!(
        hits("!(metrics.auc > 0.9)"),
        [1],
        "also where the condition is turned round"
    );
    assert_eq!(hits("version + 1 > 4"), [4]);
    assert_eq!(hits("has(metrics.auc) && version in [1, 3]"), [3, 1]);
    assert_eq!(hits("status == 'Approved'"), [0u64; 0]);
    let table = lab.ok(
        "risk-1",
        &["list", "churn", "--sort", "metrics.auc", "--limit", "2"],
    );
    insta::assert_snapshot!(table, @r"
    VERSION  STATUS   BY       METRICS   LABELS
    churn/3  Pending  trainer  auc 0.95  team=other
    churn/2  Pending  trainer  auc 0.92  team=risk
    ");
    let _ = lab.ok("risk-1", &["approve", "churn/2", "-m", "best"]);
    assert!(
        lab.ok("risk-1", &["show", "churn@latest"])
            .contains("churn/2  Approved")
    );
    assert!(
        lab.ok("risk-1", &["show", "churn/2", "--at", "HEAD~1"])
            .contains("churn/2  Pending")
    );
    let log = lab.ok("risk-1", &["log", "churn/2"]);
    assert!(
        log.contains("status churn/2 Pending -> Approved") && log.contains("best"),
        "{log}"
    );
    let diff = lab.ok("risk-1", &["diff", "HEAD~1..HEAD"]);
    assert!(diff.contains("approve churn/2 as risk-1"), "{diff}");
    assert!(!table.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn a_dry_run_writes_nothing_and_a_message_reads_well() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let out = lab.ok(
        "risk-1",
        &["approve", "churn/1", "-m", "meets the criteria", "--dry-run"],
    );
    assert!(
        out.contains("dry run") && out.contains("status churn/1 Pending -> Approved"),
        "{out}"
    );
    assert_eq!(tip, lab.git(&["rev-parse", "HEAD"]));
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "meets the criteria"]);
    insta::assert_snapshot!(lab.git(&["log", "-1", "--format=%B"]), @r"
    Approve churn/1

    meets the criteria

    Modelry-Change: review churn/1 risk-1 Approved
    Modelry-Change: status churn/1 Pending -> Approved
    ");
}

#[test]
fn bare_repositories_worktrees_and_branches() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let bare = lab.home().join("bare.git");
    assert!(
        lab.command("git")
            .args(["clone", "-q", "--bare"])
            .arg(&lab.top)
            .arg(&bare)
            .status()
            .expect("git")
            .success()
    );
    let config = lab
        .command("git")
        .arg("-C")
        .arg(&bare)
        .args(["config", "gpg.format", "ssh"])
        .status();
    assert!(config.expect("git").success());
    let bare = bare.to_string_lossy().into_owned();
    let _ = lab.ok(
        "risk-1",
        &["-C", &bare, "approve", "churn/1", "-m", "in a bare one"],
    );
    assert!(
        lab.ok("risk-1", &["-C", &bare, "show", "churn/1"])
            .contains("Approved")
    );
    // A branch of its own, without touching the checkout.
    let before = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok(
        "risk-1",
        &["approve", "churn/1", "-m", "elsewhere", "--branch", "topic"],
    );
    assert_eq!(before, lab.git(&["rev-parse", "HEAD"]));
    assert_eq!(lab.git(&["status", "--porcelain"]), "");
    // A branch that another worktree follows is left to it.
    let tree = lab.home().join("tree");
    lab.git(&["worktree", "add", "-q", &tree.to_string_lossy(), "topic"]);
    let refused = lab.error(
        "risk-1",
        &["annotate", "churn/1", "--label", "a=b", "--branch", "topic"],
    );
    assert!(refused.contains("is checked out at"), "{refused}");
    let _ = lab.ok(
        "trainer",
        &[
            "-C",
            &tree.to_string_lossy(),
            "annotate",
            "churn/1",
            "--label",
            "a=b",
        ],
    );
    lab.check();
}

#[test]
fn a_registry_in_a_folder_of_a_monorepo() {
    let lab = Lab::empty();
    lab.write("src/main.py", "print()\n");
    lab.git(&["add", "-A"]);
    assert!(
        lab.git_as("admin-1", &["commit", "-q", "-S", "-m", "code"])
            .status
            .success()
    );
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "ml/models", "--actor", "admin-1", "--solo"],
    );
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    let _ = lab.ok(
        "admin-1",
        &[
            "register",
            "churn",
            "--artifact",
            "s3://m/1",
            "--digest",
            &format!("sha256:{}", "a".repeat(64)),
        ],
    );
    assert!(
        lab.read("ml/models/groups/churn/versions/1/version.yaml")
            .contains("version: 1")
    );
    let _ = lab.ok("admin-1", &["validate", "HEAD~2..HEAD"]);
    let _ = lab.ok("admin-1", &["-C", "src", "list"]);
    // As in git, each folder is seen from the one before it.
    let _ = lab.ok("admin-1", &["-C", "ml", "-C", "../src", "list"]);
    let _ = lab.ok("admin-1", &["list", "-C", "ml", "-C", "models"]);
    lab.check();
}

#[test]
fn a_soft_hyphen_is_no_part_of_an_address() {
    let lab = Lab::with_registry();
    let digest = format!("sha256:{}", "a".repeat(64));
    let hidden = [
        "register",
        "churn",
        "--artifact",
        "s3://m/a\u{ad}b",
        "--digest",
        &digest,
    ];
    let said = lab.says("trainer", &hidden);
    assert_ne!(said.code, 0, "{said:?}");
    assert!(format!("{}{}", said.out, said.err).contains("U+00AD"), "{said:?}");
}

#[test]
fn the_tutorial_is_true() {
    let tour = crate::support::docs::block("tour");
    let lab = Lab::empty();
    std::fs::remove_dir_all(&lab.top).expect("the empty repository");
    std::fs::create_dir_all(&lab.top).expect("an empty folder");
    let mut script = String::from("set -eu\nexport GIT_CONFIG_GLOBAL=\"$HOME/.gitconfig\"\n");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_modelry"))
        .parent()
        .expect("a folder")
        .to_owned();
    for line in tour.lines().filter_map(|line| line.strip_prefix("$ ")) {
        script.push_str(line);
        script.push('\n');
    }
    assert!(
        script.matches("modelry ").count() >= 8,
        "the tour shows the main job"
    );
    let mut command = lab.command("bash");
    let path = format!(
        "{}:{}",
        binary.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    command
        .env("PATH", path)
        .arg("-c")
        .arg(&script)
        .current_dir(&lab.top);
    let told = said(&mut command);
    assert_eq!(told.code, 0, "{script}\n{}\n{}", told.out, told.err);
    assert!(told.out.contains("Approved"), "{}", told.out);
    // The reader's own configuration is as it was.
    assert!(!lab.home().join(".gitconfig").exists());
    assert!(!tour.contains("--global"), "{tour}");
}

#[test]
fn the_demo_says_first_which_program_is_missing() {
    let lab = Lab::empty();
    let demo = lab.home().join("demo");
    let programs = lab.home().join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    let said_with = |programs: &std::path::Path| {
        let mut command = lab.modelry("admin-1", &["demo", &demo.to_string_lossy()]);
        said(command.env("PATH", programs))
    };
    let told = said_with(&programs);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err.lines().next().is_some_and(|line| line.contains(
            "the demo needs `git` and OpenSSH's `ssh-keygen`, and can't run `git` or `ssh-keygen`"
        )),
        "{}",
        told.err
    );
    let git = crate::support::needs::Program("git", "git").path().expect("git");
    std::os::unix::fs::symlink(git, programs.join("git")).expect("a link");
    let told = said_with(&programs);
    assert!(
        told.code == 2 && told.err.contains("can't run `ssh-keygen`"),
        "{told:?}"
    );
    assert!(told.out.is_empty() && !demo.exists(), "{told:?}");
}

#[test]
fn the_demo_runs_and_leaves_a_registry_in_order() {
    let lab = Lab::empty();
    let demo = lab.home().join("demo");
    let mut command = lab.modelry("admin-1", &["demo", &demo.to_string_lossy()]);
    // The demo plays all the parts itself, whatever key and author are set around it.
    command
        .env("GIT_AUTHOR_NAME", "somebody")
        .env("GIT_COMMITTER_EMAIL", "somebody@example.com")
        .env("GIT_DIR", lab.home().join("nowhere"));
    let told = said(&mut command);
    assert_eq!(told.code, 0, "{}{}", told.out, told.err);
    for part in [
        "MR203 illegal-transition",
        "Promote fraud-detector/1 to production",
        "MR316 gate-not-met",
        "proven    up to here, verified before",
        "Reject fraud-detector/2",
        "clean: looked at",
    ] {
        assert!(told.out.contains(part), "the demo shows `{part}`\n{}", told.out);
    }
    let again = said(&mut lab.modelry("admin-1", &["demo", &demo.to_string_lossy()]));
    assert!(
        again.code == 2 && again.err.contains("is there already"),
        "{again:?}"
    );
    let fsck = lab
        .command("git")
        .arg("-C")
        .arg(&demo)
        .args(["fsck", "--strict"])
        .output()
        .expect("git");
    assert!(fsck.status.success());
}

#[test]
fn explain_reads_like_a_page() {
    let lab = Lab::empty();
    insta::assert_snapshot!(lab.ok("admin-1", &["explain", "illegal-transition"]), @r"
    MR203 illegal-transition

    a version's status moves where no edge leads.

    What it checks
    The status moves along `Pending -> Approved | Rejected -> Archived`, and the edges that the policy adds.

    Why it matters
    A rejected version must not come back without a new review.

    Example
    `Rejected` to `Approved`.

    How to fix
    Restore the status; register again to try again. Once the step has landed, a signed `git revert` of it is clean: it returns the group to the bytes before.

    Page: docs/reference/rules.md#mr203
    ");
    assert!(lab.ok("admin-1", &["explain"]).lines().count() > 70);
    let pages = lab.home().join("man");
    assert!(
        lab.says("admin-1", &["man", &pages.to_string_lossy()])
            .err
            .contains("pages")
    );
    assert!(pages.join("modelry-approve.1").exists());
    // A folder is seen from where `-C` leads.
    let _ = lab.says("admin-1", &["-C", &pages.to_string_lossy(), "man", "below"]);
    assert!(pages.join("below/modelry-approve.1").exists());
    for shell in ["bash", "zsh", "fish"] {
        assert!(lab.ok("admin-1", &["completions", shell]).contains("modelry"));
    }
}
