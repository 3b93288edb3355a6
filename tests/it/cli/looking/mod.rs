//! Failing to look is never an empty or a clean answer: a repository that git
//! refuses, a registry that is not there, a name that nothing has.

mod flags;
mod names;
mod refused;
mod registry;
mod unreadable;

use crate::support::Lab;

/// Commands that need a registry, each with arguments that reach for it.
const COMMANDS: &[&str] = &[
    "whoami",
    "trust",
    "group create g2",
    "group update churn --description x",
    "group show churn",
    "group list",
    "group delete churn -m x --yes",
    "register churn --artifact s3://m/2",
    "evidence add churn/1 e --metric a=1",
    "evidence show churn/1",
    "card set churn/1 --set limitations=x",
    "card show churn/1",
    "card render churn/1",
    "approve churn/1 -m x --yes",
    "reject churn/1 -m x --yes",
    "withdraw churn/1 -m x --yes",
    "archive churn/1 -m x --yes",
    "delete churn/1 -m x --yes",
    "settle",
    "relay github ../reviews.json churn/1",
    "promote churn/1 production -m x --yes",
    "rollback churn production -m x --yes",
    "annotate churn/1 --label a=b",
    "import sagemaker ../package.json",
    "import mlflow ../export",
    "export sagemaker churn/1 --trust-root",
    "export mlbom churn/1 --trust-root",
    "export mlflow churn/1 --trust-root",
    "actor add bob --key ../keys/admin-1.pub",
    "actor list",
    "team add t admin-1",
    "team remove risk",
    "grant add admin-1 --allow approve --groups *",
    "grant list",
    "policy show",
    "policy approve main -m x --yes",
    "list",
    "show churn/1",
    "resolve churn@production --trust-root",
    "wait churn/1 --for Approved --timeout 1s --trust-root",
    "pull churn/1 ../out --trust-root",
    "log",
    "diff HEAD~1..HEAD",
    "events --trust-root",
    "validate",
    "validate HEAD~1..HEAD",
    "validate --onto main HEAD",
    "audit --trust-root",
    "notify --cursor ../cursor --exec cat --from-start --trust-root",
    "allowed-signers",
    "hook install --server",
    "schema update",
];

/// Commands that need none: they make one, print what the program knows, or set
/// hooks up that wait for one.
const WITHOUT: &[&str] = &[
    "init",
    "demo",
    "explain",
    "schema",
    "completions",
    "man",
    "hook pre-commit",
    "hook pre-receive",
];

/// Files that commands read before they look at the registry.
fn files(lab: &Lab) {
    lab.write("../reviews.json", "[]");
    lab.write(
        "../package.json",
        r#"{"ModelPackageGroupName": "churn", "ModelPackageGroupArn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/churn"}"#,
    );
    lab.write(
        "../export/model.json",
        r#"{"mlflow": {"registered_model": {"name": "churn", "versions": []}}}"#,
    );
}

/// The words of a command line.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
