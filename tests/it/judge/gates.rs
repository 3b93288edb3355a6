//! Gates on real repositories: people and machines approve when they hold, and
//! are refused when they do not.

use std::sync::OnceLock;

use crate::support::Lab;

const GATE: &str = "approvals:\n  - groups: [\"*\"]\n    gates:\n      - name: good-enough\n        champion: production\n        require: metrics.auc >= 0.85 && (champion == null || metrics.auc >= champion.metrics.auc)\n        message: must reach 0.85 and not fall behind the version in production\n";

fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.change_policy("approvals:\n", GATE);
        lab
    })
}

fn register(lab: &Lab, mark: char, auc: &str) {
    let digest = format!("sha256:{}", mark.to_string().repeat(64));
    let metric = format!("auc={auc}");
    let arguments = [
        "register",
        "churn",
        "--artifact",
        "s3://m/1",
        "--digest",
        &digest,
        "--metric",
        &metric,
    ];
    let _ = lab.ok("trainer", &arguments);
}

#[test]
fn an_approval_below_the_gate_is_refused_and_says_what_it_saw() {
    let lab = lab();
    register(&lab, '1', "0.8");
    let before = lab.git(&["rev-parse", "HEAD"]);
    let said = lab.says("risk-1", &["approve", "churn/1", "-m", "good"]);
    assert_eq!(said.code, 1, "{said:?}");
    insta::assert_snapshot!(lab.scrub(&said.out), @r"
    finding[MR316 gate-not-met]: churn/1 does not meet gate `good-enough`: must reach 0.85 and not fall behind the version in production
      --> groups/churn/versions/1/version.yaml:6:9
       |
     6 | status: Pending
       |         ^^^^^^^
       |
      ::: registry.yaml (before, at [ID]):16:18
       |
    16 |         require: metrics.auc >= 0.85 && (champion == null || metrics.auc >= champion.metrics.auc)
       |                  -------------------------------------------------------------------------------- the policy asks for this
       |
       = why: metrics.auc is 0.8, champion is null
       = choose: register a version that meets it, or reject this one: `modelry reject churn/1 -m REASON`
       = more: modelry explain MR316

    1 finding: looked at 1 change, 3 documents
    ");
    assert_eq!(before, lab.git(&["rev-parse", "HEAD"]));
    insta::assert_snapshot!(
        lab.ok("risk-1", &["show", "churn/1"])
            .lines()
            .skip_while(|line| !line.starts_with("GATE"))
            .collect::<Vec<_>>()
            .join("\n"), @r"
    GATE         RESULT   SAW                                   WHY NOT
    good-enough  not met  metrics.auc is 0.8, champion is null  must reach 0.85 and not fall behind the version in production

    missing: 0 of 1 approval so far; gate good-enough
    turn: the author's: register a version that meets the gates
    ");
    // By hand it is refused too.
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(path, &lab.read(path).replace("Pending", "Approved"));
    let said = lab.findings("risk-1", &["validate", "-o", "concise"]);
    assert!(said.contains("MR316 gate-not-met"), "{said}");
}

#[test]
fn dry_run_and_diff_print_every_gate() {
    let lab = lab();
    register(&lab, '1', "0.9");
    let dry = lab.ok("risk-1", &["approve", "churn/1", "-m", "good", "--dry-run"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let diff = lab.ok("risk-1", &["diff", "HEAD~1..HEAD"]);
    // The digest differs from registry to registry.
    let (start, rest) = dry.split_once("  content sha256:").expect("the digest");
    let dry = format!("{start}{}", rest.split_once('\n').expect("a line").1);
    insta::assert_snapshot!(format!("{dry}---\n{diff}"), @r"
    Approve churn/1 (dry run: nothing was written)
      review churn/1 risk-1 Approved
      status churn/1 Pending -> Approved
    gates of churn/1
    GATE         RESULT  SAW
    good-enough  met     metrics.auc is 0.9, champion is null
    ---
    churn
      approve churn/1 as risk-1
      move churn/1 from Pending to Approved

    What this change means
    1 version changed.

    churn/1: Approved
    Its status moves from Pending to Approved.

    METRIC  churn/1
    auc     0.9

    GATE         RESULT  SAW
    good-enough  met     metrics.auc is 0.9, champion is null

    Reviews:
      risk-1: Approved (new), counts; because good
    An approval needs 1 approval; four eyes; gates: good-enough; so far 1 approval.
    ");
    let json = lab.ok("risk-1", &["diff", "HEAD~1..HEAD", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["gates"]["churn/1"][0]["met"], true);
    assert_eq!(value["gates"]["churn/1"][0]["saw"][0]["value"], 0.9);
    lab.check();
}

/// A machine with an owner of its own approves what meets the gates, alone.
#[test]
fn a_machine_approves_when_the_gates_hold() {
    let lab = lab();
    let key = lab.public_key("gatekeeper");
    let _ = lab.ok(
        "admin-1",
        &[
            "actor",
            "add",
            "gatekeeper",
            "--kind",
            "machine",
            "--owner",
            "risk-1",
            "--key",
            &key,
        ],
    );
    let _ = lab.ok(
        "admin-1",
        &[
            "grant",
            "add",
            "gatekeeper",
            "--allow",
            "approve,reject",
            "--groups",
            "*",
        ],
    );
    register(&lab, '1', "0.9");
    // Machines do not count yet: the review is refused.
    let said = lab.says("gatekeeper", &["approve", "churn/1", "-m", "all gates hold"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("machines do not count in rule 1"), "{said:?}");
    let text = lab.read("registry.yaml");
    assert_eq!(text.matches("gates:").count(), 1);
    lab.change_policy("    gates:\n", "    machines: true\n    gates:\n");
    // All rules that match apply: the other one must let machines count too.
    lab.change_policy(
        "    required: 1\n",
        "    required: 1\n    machines: true\n    gates: [{name: any, require: 'true'}]\n",
    );
    let _ = lab.ok("gatekeeper", &["approve", "churn/1", "-m", "all gates hold"]);
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.starts_with("churn/1  Approved"), "{shown}");
    register(&lab, '2', "0.84");
    let said = lab.says("gatekeeper", &["approve", "churn/2", "-m", "all gates hold"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR316"), "{said:?}");
    // The trainer shares no owner with the gatekeeper; a machine of the same
    // owner as the author would count for nothing.
    lab.check();
}

/// Expressions made to exhaust the judge are findings of the policy, and where
/// they are in force they are not met.
#[test]
fn hostile_gates_are_findings() {
    let lab = Lab::with_registry();
    let before = lab.read("registry.yaml");
    let long = "a".repeat(1900);
    let metrics = (0..2000).map(|n| format!("    m{n}: {n}\n")).collect::<String>();
    for require in [
        "!".repeat(1999) + "t",
        "(".repeat(900) + "1" + &")".repeat(900),
        format!("\\\"{long}\\\" == metrics.x"),
        "metrics.exists(a, metrics.exists(b, metrics.exists(c, a == b)))".into(),
        "card.text.matches('(a+)+$')".into(),
        "[".repeat(1000),
    ] {
        let gates =
            format!("approvals:\n  - groups: [\"*\"]\n    gates: [{{name: g, require: \"{require}\"}}]\n");
        lab.write("registry.yaml", &lab.policy_with("approvals:\n", &gates));
        let said = lab.findings("admin-1", &["validate", "-o", "concise"]);
        assert!(said.contains("MR418 bad-gate"), "{require}: {said}");
        lab.write("registry.yaml", &before);
    }
    // A loop over everything, twice: within the bounds of the text, and stopped.
    let gates = "approvals:\n  - groups: [\"*\"]\n    gates: [{name: g, require: \"metrics.all(a, metrics.all(b, metrics[a] + metrics[b] >= 0))\"}]\n";
    lab.change_policy("approvals:\n", gates);
    register(&lab, '1', "0.9");
    let path = "groups/churn/versions/2/version.yaml";
    let text = lab
        .read("groups/churn/versions/1/version.yaml")
        .replace("version: 1", "version: 2")
        .replace("    auc: 0.9\n", &metrics);
    let unsigned = text.split("signature:").next().expect("text").to_owned();
    lab.write(path, &unsigned);
    lab.commit("trainer", "many metrics");
    let said = lab.says("risk-1", &["approve", "churn/2", "-m", "good"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("it takes more than 250000 steps"), "{said:?}");
}

/// `champion` is what serves before the step, its `previous` when the stage is
/// empty, and null only when it never served.
#[test]
fn the_champion_is_what_serves() {
    let lab = lab();
    register(&lab, '1', "0.9");
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok("admin-1", &["promote", "churn/1", "production", "-m", "first"]);
    register(&lab, '2', "0.88");
    let said = lab.says("risk-1", &["approve", "churn/2", "-m", "good"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("the champion of `production` is churn/1"),
        "{said:?}"
    );
    assert!(said.out.contains("champion.metrics.auc is 0.9"), "{said:?}");
    let _ = lab.ok(
        "admin-1",
        &["rollback", "churn", "production", "--empty", "-m", "out"],
    );
    let said = lab.says("risk-1", &["approve", "churn/2", "-m", "good"]);
    assert!(
        said.out.contains("the champion of `production` is churn/1"),
        "{said:?}"
    );
}

/// The lines that the docs give for CI, as they stand there, in a clone of a
/// bare repository.
#[test]
fn the_lines_for_ci_work() {
    let lab = lab();
    let key = lab.public_key("gatekeeper");
    let _ = lab.ok(
        "admin-1",
        &[
            "actor",
            "add",
            "gatekeeper",
            "--kind",
            "machine",
            "--owner",
            "risk-1",
            "--key",
            &key,
        ],
    );
    let _ = lab.ok(
        "admin-1",
        &[
            "grant",
            "add",
            "gatekeeper",
            "--allow",
            "approve",
            "--groups",
            "*",
        ],
    );
    lab.change_policy("    gates:\n", "    machines: true\n    gates:\n");
    lab.change_policy(
        "    required: 1\n",
        "    required: 1\n    machines: true\n    gates: [{name: any, require: 'true'}]\n",
    );
    register(&lab, '1', "0.9");
    register(&lab, '2', "0.8");
    let (origin, clone) = (lab.home().join("origin.git"), lab.home().join("ci/clone"));
    let _ = lab.git(&[
        "clone",
        "-q",
        "--bare",
        &lab.top.to_string_lossy(),
        &origin.to_string_lossy(),
    ]);
    // As a runner checks out: a detached HEAD, and nothing that names the mainline.
    let inside = clone.to_string_lossy().into_owned();
    let _ = lab.git(&["init", "-q", "-b", "unborn", &inside]);
    let _ = lab.git(&[
        "-C",
        &inside,
        "remote",
        "add",
        "origin",
        &origin.to_string_lossy(),
    ]);
    let _ = lab.git(&["-C", &inside, "fetch", "-q", "--no-tags", "origin"]);
    let _ = lab.git(&["-C", &inside, "checkout", "-q", "--detach", "origin/main"]);
    let _ = lab.git(&[
        "-C",
        &inside,
        "update-ref",
        "--no-deref",
        "-d",
        "refs/remotes/origin/HEAD",
    ]);
    let lines = crate::support::docs::block("automated");
    let run = |version: &str| {
        let mut shell = lab.command("bash");
        let binary = std::path::Path::new(env!("CARGO_BIN_EXE_modelry"))
            .parent()
            .expect("a folder");
        let path = std::env::join_paths(
            std::iter::once(binary.to_owned())
                .chain(std::env::split_paths(&std::env::var_os("PATH").expect("PATH"))),
        );
        let secret = std::fs::read_to_string(lab.key("gatekeeper")).expect("a key");
        shell
            .args(["-e", "-c", &lines])
            .current_dir(&clone)
            .env("PATH", path.expect("a path"))
            .env("GATEKEEPER_KEY", secret.trim_end())
            .env("MODELRY_ROOT", lab.root())
            .env("VERSION", version);
        crate::support::said(&mut shell)
    };
    let said = run("churn/2");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR316"), "{said:?}");
    let said = run("churn/1");
    assert_eq!(said.code, 0, "{said:?}");
    let _ = lab.git(&["pull", "-q", "--ff-only", &origin.to_string_lossy(), "main"]);
    assert!(
        lab.ok("stranger", &["show", "churn/1"])
            .starts_with("churn/1  Approved")
    );
    lab.check();
}
