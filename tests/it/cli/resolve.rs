//! The answers of `resolve`: their forms, and the case without one.

use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::wait::line_with;
use crate::support::{Lab, said};

/// `churn/1` approved and in production, `churn/2` approved, `churn/3` pending;
/// the root pinned.
fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        let grant = [
            "grant",
            "add",
            "team:risk",
            "--allow",
            "promote",
            "--groups",
            "*",
            "--stages",
            "staging,production",
        ];
        let _ = lab.ok("admin-1", &grant);
        for mark in ['1', '2', '3'] {
            lab.register("churn", mark);
        }
        for id in ["churn/1", "churn/2"] {
            let _ = lab.ok("risk-1", &["approve", id, "-m", "good"]);
        }
        let _ = lab.ok("risk-1", &["promote", "churn/1", "production", "-m", "first"]);
        let _ = lab.git(&["config", "modelry.root", &lab.root()]);
        lab
    })
}

#[test]
fn every_form_of_the_answer() {
    let lab = lab();
    let human = lab.ok("stranger", &["resolve", "churn@production"]);
    insta::assert_snapshot!(lab.scrub(&human), @r"
    churn/1  Approved
      artifact  s3://models/churn/1
                sha256:[ID]
      commit    [ID]
      proven    up to here, verified before; root [ID] pinned by the clone's configuration
    ");
    assert_eq!(
        lab.ok("stranger", &["resolve", "churn@production", "-o", "uri"]),
        "s3://models/churn/1\n"
    );
    assert_eq!(
        lab.ok("stranger", &["resolve", "churn@latest", "-o", "uri"]),
        "s3://models/churn/2\n"
    );
    assert_eq!(
        lab.ok("stranger", &["resolve", "churn/2", "-o", "uri"]),
        "s3://models/churn/2\n"
    );
    let env = lab.ok("stranger", &["resolve", "churn@production", "-o", "env"]);
    insta::assert_snapshot!(lab.scrub(&env), @r"
    MODELRY_VERSION='churn/1'
    MODELRY_GROUP='churn'
    MODELRY_NUMBER='1'
    MODELRY_STATUS='Approved'
    MODELRY_ARTIFACT='s3://models/churn/1'
    MODELRY_DIGEST='sha256:[ID]'
    MODELRY_IMAGE=''
    MODELRY_COMMIT='[ID]'
    MODELRY_ROOT='[ID]'
    ");
    // A real shell reads it back.
    let script = format!("{env}\nprintf %s \"$MODELRY_VERSION $MODELRY_ARTIFACT\"");
    let shell = Command::new("sh").args(["-c", &script]).output().expect("sh");
    assert_eq!(
        String::from_utf8_lossy(&shell.stdout),
        "churn/1 s3://models/churn/1"
    );
    let github = lab.ok("stranger", &["resolve", "churn@production", "-o", "github"]);
    assert!(
        github.starts_with(
            "version=churn/1\ngroup=churn\nnumber=1\nstatus=Approved\nartifact=s3://models/churn/1\n"
        ),
        "{github}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&lab.ok("stranger", &["resolve", "churn@production", "-o", "json"]))
            .expect("JSON");
    assert_eq!(json["version"], "churn/1");
    assert_eq!(json["commit"], lab.git(&["rev-parse", "HEAD"]));
    assert_eq!(json["proven"]["rootPinned"], true);
    assert_eq!(json["proven"]["root"], lab.root());
    let refused = lab.error("stranger", &["resolve", "churn@production", "-o", "concise"]);
    assert!(
        refused.contains("its forms are human, json, uri, env, github, kserve"),
        "{refused}"
    );
}

#[test]
fn hostile_values_stay_values_in_a_shell() {
    let lab = lab();
    let uri = "s3://m/'; touch pwned; echo '$(touch pwned)`touch pwned`";
    let digest = format!("sha256:{}", "4".repeat(64));
    let _ = lab.ok(
        "trainer",
        &["register", "churn", "--artifact", uri, "--digest", &digest],
    );
    let _ = lab.ok("risk-1", &["approve", "churn/4", "-m", "good"]);
    let env = lab.ok("stranger", &["resolve", "churn/4", "-o", "env"]);
    let script = format!("{env}\nprintf %s \"$MODELRY_ARTIFACT\"");
    let shell = Command::new("sh")
        .args(["-c", &script])
        .current_dir(lab.home())
        .output()
        .expect("sh");
    assert_eq!(String::from_utf8_lossy(&shell.stdout), uri);
    assert!(!lab.home().join("pwned").exists());
}

#[test]
fn nothing_qualifies_is_exit_three_with_the_reason() {
    let lab = lab();
    for (name, why) in [
        ("churn@staging", "nothing serves `staging` in `churn`"),
        ("churn/3", "churn/3 is Pending"),
    ] {
        let said = lab.says("stranger", &["resolve", name, "-o", "uri"]);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    let said = lab.error("stranger", &["resolve", "chrun@production"]);
    assert!(said.contains("did you mean `churn`?"), "{said}");
    let said = lab.error("stranger", &["resolve", "churn/9"]);
    assert!(said.contains("there is no version churn/9"), "{said}");
    let said = lab.error("stranger", &["resolve", "churn"]);
    assert!(said.contains("name a version"), "{said}");
}

#[test]
fn a_deploy_script_stops_without_an_answer() {
    let lab = lab();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_modelry"));
    let deploy = |arguments: &str| {
        let path = format!(
            "{}:{}",
            binary.parent().expect("a folder").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let script = format!(
            "MODELRY_ARTIFACT=yesterday MODELRY_NUMBER=7\nset -e\neval \"$(modelry {arguments})\"\necho \"deploy $MODELRY_ARTIFACT $MODELRY_GROUP $MODELRY_NUMBER\""
        );
        let mut shell = lab.command("sh");
        shell
            .env("PATH", path)
            .args(["-c", &script])
            .current_dir(&lab.top);
        crate::support::said(&mut shell)
    };
    let said = deploy("resolve churn@production -o env");
    assert_eq!(said.out, "deploy s3://models/churn/1 churn 1\n", "{said:?}");
    for (arguments, code) in [
        // Nothing qualifies, an unknown group, a command line that is wrong.
        ("resolve churn@staging -o env", 3),
        ("resolve chrun@production -o env", 2),
        ("resolve churn@production --output=env --nope", 2),
        ("resolve -o env", 2),
        ("resolve churn@production -o enf", 2),
    ] {
        let said = deploy(arguments);
        assert_ne!(said.code, 0, "{arguments}: {said:?}");
        assert_eq!(said.out, "", "{arguments}: {said:?}");
        let words: Vec<&str> = arguments.split(' ').collect();
        let said = lab.says("stranger", &words);
        assert_eq!(said.code, code, "{said:?}");
        assert!(
            said.out.starts_with("unset MODELRY_VERSION\n") && said.out.ends_with("\nfalse\n"),
            "{arguments}: {said:?}"
        );
    }
    // Faulty history: the group is not answered.
    let path = "groups/churn/group.yaml";
    lab.write(path, &(lab.read(path) + "description: forged\n"));
    let _ = lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "forged"]);
    let said = deploy("resolve churn@production -o env");
    assert!(said.code != 0 && said.out.is_empty(), "{said:?}");
}

#[test]
fn the_root_must_be_pinned_or_taken_on_trust() {
    let lab = lab();
    let _ = lab.git(&["config", "--unset", "modelry.root"]);
    let said = lab.error("stranger", &["resolve", "churn@production"]);
    assert!(
        said.contains("the root is not pinned") && said.contains("modelry trust"),
        "{said}"
    );
    let out = lab.ok("stranger", &["resolve", "churn@production", "--trust-root"]);
    assert!(out.contains("taken on trust"), "{out}");
}

#[test]
fn a_faulty_group_is_not_answered_and_others_are() {
    let lab = lab();
    let _ = lab.ok("admin-1", &["group", "create", "fraud"]);
    let path = "groups/fraud/group.yaml";
    lab.write(path, &(lab.read(path) + "description: forged\n"));
    let _ = lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "forged"]);
    let said = lab.says("stranger", &["resolve", "churn@production", "-o", "uri"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, "s3://models/churn/1\n"),
        "{said:?}"
    );
    assert!(
        said.err.contains("1 finding elsewhere in the history"),
        "{said:?}"
    );
    let said = lab.says("stranger", &["resolve", "fraud@latest", "-o", "uri"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert!(said.err.contains("MR301"), "{said:?}");
    // Approved by hand, unsigned: not deployed.
    let path = "groups/churn/versions/3/version.yaml";
    lab.write(path, &lab.read(path).replace("Pending", "Approved"));
    let _ = lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "approved, honestly"]);
    let said = lab.says("stranger", &["resolve", "churn@latest"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR308"), "{said:?}");
}

#[test]
fn what_rests_on_a_stolen_key_resolves_nowhere_until_reaffirmed() {
    let lab = lab();
    let _ = lab.ok("risk-2", &["archive", "churn/2", "-m", "old"]);
    let since = lab.git(&["rev-list", "--reverse", "HEAD", "--", "groups/churn/versions/1"]);
    let since = since.lines().next().expect("the registration");
    let key: serde_json::Value =
        serde_json::from_str(&lab.ok("risk-1", &["whoami", "-o", "json"])).expect("JSON");
    let key = key["key"].as_str().expect("a key").to_owned();
    let _ = lab.ok(
        "admin-1",
        &["actor", "revoke-key", &key, "--since", since, "-m", "laptop lost"],
    );
    let revocation = lab.git(&["rev-parse", "HEAD"]);
    let said = lab.says("stranger", &["resolve", "churn@production"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR317"), "{said:?}");
    lab.change_policy(
        "actors:\n",
        &format!(
            "acknowledged:\n  - {{commit: \"{revocation}\", codes: [MR317], reason: looked at}}\nactors:\n"
        ),
    );
    let said = lab.says("stranger", &["resolve", "churn@production"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        said.err.contains("the approval of churn/1 rests on key"),
        "{said:?}"
    );
    let _ = lab.ok(
        "admin-1",
        &[
            "actor",
            "revoke-key",
            &key,
            "--reaffirm",
            "churn/1",
            "-m",
            "it was right",
        ],
    );
    assert_eq!(
        lab.ok("stranger", &["resolve", "churn@production", "-o", "uri"]),
        "s3://models/churn/1\n"
    );
    // From the root it comes out the same.
    assert_eq!(
        lab.ok(
            "stranger",
            &["resolve", "churn@production", "-o", "uri", "--replay"]
        ),
        "s3://models/churn/1\n"
    );
}

#[test]
fn what_was_in_production_then() {
    let lab = lab();
    let then = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok("risk-1", &["promote", "churn/2", "production", "-m", "second"]);
    assert_eq!(
        lab.ok("stranger", &["resolve", "churn@production", "-o", "uri"]),
        "s3://models/churn/2\n"
    );
    let out = lab.ok(
        "stranger",
        &["resolve", "churn@production", "-o", "uri", "--at", &then],
    );
    assert_eq!(out, "s3://models/churn/1\n");
    let _ = lab.git(&["switch", "-q", "-c", "side", &then]);
    let _ = lab.ok("risk-1", &["promote", "churn/2", "staging", "-m", "aside"]);
    let _ = lab.git(&["switch", "-q", "main"]);
    let said = lab.says(
        "stranger",
        &["resolve", "churn@staging", "--at", "side", "--mainline", "main"],
    );
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("is not on `main`"), "{said:?}");
}

#[test]
fn kserve_gets_an_inference_service() {
    let lab = lab();
    let digest = format!("sha256:{}", "5".repeat(64));
    let arguments = [
        "register",
        "churn",
        "--artifact",
        "s3://m/5",
        "--digest",
        &digest,
        "--framework",
        "XGBoost",
        "--framework-version",
        "2.1.0",
    ];
    let _ = lab.ok("trainer", &arguments);
    let _ = lab.ok("risk-1", &["approve", "churn/4", "-m", "good"]);
    let yaml = lab.ok("stranger", &["resolve", "churn/4", "-o", "kserve"]);
    insta::assert_snapshot!(lab.scrub(&yaml), @r"
    apiVersion: serving.kserve.io/v1beta1
    kind: InferenceService
    metadata:
      name: churn
      annotations:
        modelry/version: churn/4
        modelry/commit: [ID]
        modelry/digest: sha256:[ID]
    spec:
      predictor:
        model:
          modelFormat:
            name: xgboost
            version: '2'
          storageUri: s3://m/5
    ");
    let said = lab.error("stranger", &["resolve", "churn/1", "-o", "kserve"]);
    assert!(said.contains("neither an image nor a framework"), "{said}");
}

#[test]
fn wait_sees_the_approval_here_and_on_a_remote() {
    let lab = lab();
    let wait = |folder: &Path, more: &[&str]| {
        let words = ["wait", "churn/4", "--timeout", "60s", "--interval", "100ms"];
        let mut command = lab.modelry("stranger", &[&words, more].concat());
        command
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("it runs")
    };
    let clone = lab.home().join("clone");
    let _ = lab.git(&[
        "clone",
        "-q",
        &lab.top.to_string_lossy(),
        &clone.to_string_lossy(),
    ]);
    let remote = ["--for", "Approved,Rejected", "--remote", "origin", "--trust-root"];
    let all = [wait(&lab.top, &["--for", "Approved"]), wait(&clone, &remote)];
    // Both have looked once before there is anything to see.
    let all = all.map(|mut child| {
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let _ = line_with("there is no version churn/4 yet", &mut stderr);
        (child, stderr)
    });
    lab.register("churn", '4');
    let _ = lab.ok("risk-1", &["approve", "churn/4", "-m", "good"]);
    for (child, mut stderr) in all {
        let mut said = String::new();
        stderr.read_to_string(&mut said).expect("UTF-8");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "churn/4 is Approved\n");
    }
    let said = lab.says("stranger", &["wait", "churn/4", "--for", "Pending"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("nothing leads from there"), "{said:?}");
    let said = lab.says(
        "stranger",
        &[
            "wait",
            "churn/8",
            "--for",
            "Approved",
            "--timeout",
            "200ms",
            "--interval",
            "50ms",
        ],
    );
    assert_eq!(said.code, 3, "{said:?}");
    let wrong = said_of(
        &lab,
        &["wait", "churn/3", "--for", "Approved", "--timeout", "soon"],
    );
    assert!(wrong.contains("`soon` is no time"), "{wrong}");
}

fn said_of(lab: &Lab, arguments: &[&str]) -> String {
    said(&mut lab.modelry("stranger", arguments)).err
}
