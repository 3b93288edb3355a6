//! `-C DIR` holds for every path of the command line, as git's does.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::{Lab, said};

/// Every argument that names a file or folder, by the command that has it. One that
/// is new belongs here, and into the test below or beside its reason.
const PATHS: &[(&str, &str)] = &[
    ("actor add", "keys"),
    ("actor add-key", "key"),
    ("audit", "checkpoint"),
    ("card render", "to"),
    ("card set", "file"),
    ("demo", "folder"),
    ("evidence add", "dataset"),
    ("evidence add", "report"),
    ("export mlbom", "checkpoint"),
    ("export mlbom", "to"),
    ("export mlflow", "checkpoint"),
    ("export mlflow", "to"),
    ("export sagemaker", "checkpoint"),
    ("export sagemaker", "to"),
    // It takes names, and looks at none.
    ("hook pre-commit", "_files"),
    ("import mlflow", "place"),
    ("import sagemaker", "files"),
    ("init", "recovery_key"),
    ("man", "folder"),
    ("notify", "cursor"),
    // Looked for in PATH, or from the folder that it is run in.
    ("notify", "exec"),
    ("notify", "secret_file"),
    ("pull", "checkpoint"),
    ("pull", "folder"),
    ("register", "artifacts"),
    ("register", "card"),
    ("register", "file"),
    ("relay", "file"),
    ("resolve", "checkpoint"),
    ("validate", "report"),
    ("validate", "summary"),
    ("validate", "what"),
    ("wait", "checkpoint"),
];

fn walk(command: &clap::Command, path: &str, out: &mut BTreeSet<(String, String)>) {
    for argument in command.get_arguments() {
        let shown = argument.get_value_names().unwrap_or_default();
        let names = ["FILE", "DIR", "PATH", "PROGRAM"];
        let is_path = shown
            .iter()
            .any(|shown| names.iter().any(|name| shown.contains(name)));
        let is_typed = format!("{:?}", argument.get_value_parser()).contains("PathBuf");
        if (is_path || is_typed) && !argument.is_global_set() {
            out.insert((path.to_owned(), argument.get_id().to_string()));
        }
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        walk(sub, format!("{path} {}", sub.get_name()).trim(), out);
    }
}

#[test]
fn every_path_of_the_command_line_is_known() {
    let mut found = BTreeSet::new();
    walk(&modelry::testing::cli::definition(), "", &mut found);
    let known: BTreeSet<(String, String)> = PATHS
        .iter()
        .map(|(command, name)| ((*command).to_owned(), (*name).to_owned()))
        .collect();
    assert_eq!(found, known);
}

/// Runs a command from the folder above, with `-C models`.
#[track_caller]
fn from_above(lab: &Lab, who: &str, arguments: &[&str]) -> String {
    let mut command = lab.modelry(who, &[&["-C", "models"], arguments].concat());
    let said = said(command.current_dir(lab.home()));
    assert_eq!(said.code, 0, "{arguments:?}: {}{}", said.out, said.err);
    said.out
}

#[test]
fn paths_are_seen_from_the_folder_that_was_named() {
    let lab = Lab::with_registry();
    let top = lab.home().join("models");
    let put = |name: &str, text: &str| std::fs::write(top.join(".git").join(name), text).expect("a file");
    let key = std::fs::read_to_string(lab.public_key("risk-3")).expect("a key");
    put("risk-3.pub", &key);
    put("model.bin", "weights");
    put(
        "spec.yaml",
        "task: CLASSIFICATION\nartifacts: [{uri: .git/model.bin}]\n",
    );
    put("card.yaml", "caveats: none\n");
    put("data.csv", "a,b\n");
    let run = |who: &str, arguments: &[&str]| from_above(&lab, who, arguments);
    let _ = run("admin-1", &["actor", "add", "risk-3", "--key", ".git/risk-3.pub"]);
    let key = std::fs::read_to_string(lab.public_key("spare")).expect("a key");
    put("spare.pub", &key);
    let _ = run(
        "admin-1",
        &["actor", "add-key", "risk-3", "--key", ".git/spare.pub"],
    );
    let _ = run("admin-1", &["actor", "revoke-key", ".git/spare.pub", "--yes"]);
    let _ = run(
        "trainer",
        &[
            "register",
            "churn",
            "-f",
            ".git/spec.yaml",
            "--card",
            ".git/card.yaml",
            "--artifact",
            ".git/model.bin",
        ],
    );
    let record = lab.read("groups/churn/versions/1/version.yaml");
    assert_eq!(
        record.matches("digest: ").count() + record.matches("digest: \"").count(),
        2,
        "{record}"
    );
    let _ = run(
        "trainer",
        &[
            "card",
            "set",
            "churn/1",
            "-f",
            ".git/card.yaml",
            "--set",
            "tags=a",
        ],
    );
    let _ = run(
        "trainer",
        &[
            "evidence",
            "add",
            "churn/1",
            "e",
            "--dataset",
            ".git/data.csv",
            "--report",
            ".git/data.csv",
        ],
    );
    let _ = run("trainer", &["card", "render", "churn/1", "--to", ".git/card.md"]);
    let _ = run("trainer", &["validate", "--report", "json=.git/report.json"]);
    let _ = run("trainer", &["validate", "."]);
    let _ = run("trainer", &["validate", "../models"]);
    let _ = run("trainer", &["man", ".git/man"]);
    let _ = run(
        "admin-1",
        &[
            "audit",
            "--trust-root",
            "--checkpoint",
            "../checkpoint",
            "--new-checkpoint",
        ],
    );
    let _ = run("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = run("admin-1", &["pull", "churn/1", ".git/pulled", "--trust-root"]);
    let _ = run(
        "admin-1",
        &[
            "export",
            "mlbom",
            "churn/1",
            "--to",
            ".git/bom.json",
            "--trust-root",
        ],
    );
    for name in [
        "card.md",
        "report.json",
        "man/modelry.1",
        "pulled/model.bin",
        "bom.json",
    ] {
        assert!(top.join(".git").join(name).exists(), "{name} is not there");
    }
    assert!(lab.home().join("checkpoint").exists());
    let package = r#"{"ModelPackageGroupName": "fraud", "ModelPackageGroupArn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/fraud"}"#;
    put("group.json", package);
    let _ = run("admin-1", &["import", "sagemaker", ".git/group.json"]);
    lab.check();
}

/// A recovery key beside a first policy, from the folder that was named.
#[test]
fn a_recovery_key_is_seen_from_the_folder_that_was_named() {
    let lab = Lab::empty();
    let key = std::fs::read_to_string(lab.public_key("spare")).expect("a key");
    std::fs::write(Path::new(&lab.top).join(".git/spare.pub"), key).expect("a file");
    let _ = from_above(
        &lab,
        "admin-1",
        &["init", "--actor", "admin-1", "--recovery-key", ".git/spare.pub"],
    );
    assert_eq!(lab.read("registry.yaml").matches("ssh-ed25519").count(), 2);
}
