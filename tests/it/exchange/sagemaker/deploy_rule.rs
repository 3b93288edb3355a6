//! The docs' section on EventBridge: a rule that deploys, and the loop that puts
//! events there.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{described, file, lab, let_import};
use crate::report::events::BRIDGE;
use crate::support::docs::block;
use crate::support::{Lab, said};

/// As EventBridge matches: each member of the rule has one of its values.
fn matches(rule: &Value, event: &Value) -> bool {
    match (rule, event) {
        (Value::Object(rule), event) => rule.iter().all(|(name, rule)| matches(rule, &event[name])),
        (Value::Array(any), Value::Array(all)) => all.iter().any(|one| any.contains(one)),
        (Value::Array(any), one) => any.contains(one),
        _ => false,
    }
}

/// Returns the events that a rule sees, in order.
fn seen(lab: &Lab) -> Vec<Value> {
    let calls = lab.ok("stranger", &[&["events", "--trust-root"][..], &BRIDGE].concat());
    let calls = calls
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let entries = calls.flat_map(|call| call["Entries"].as_array().expect("entries").clone());
    entries
        .map(|entry| {
            let detail = entry["Detail"].as_str().expect("text");
            serde_json::json!({
                "source": entry["Source"],
                "detail-type": entry["DetailType"],
                "detail": serde_json::from_str::<Value>(detail).expect("JSON"),
            })
        })
        .collect()
}

#[test]
fn a_rule_that_deploys_fires_once() {
    let lab = lab();
    let_import(&lab, "admin-1");
    let rule: Value = serde_json::from_str(&block("deploy-rule")).expect("JSON");
    let mut approved = described("Fraud", 1, "Approved");
    approved["CustomerMetadataProperties"] = serde_json::json!({"tier": "gold"});
    let given = file(
        &lab,
        "a.json",
        &[
            approved,
            described("Fraud", 2, "PendingManualApproval"),
            described("Fraud", 3, "Rejected"),
        ],
    );
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given]);
    let of = |lab: &Lab| -> Vec<Value> {
        let mut all = seen(lab);
        all.retain(|event| event["detail"]["ModelPackageGroupName"] == "Fraud");
        all
    };
    let fired = |all: &[Value]| -> Vec<u64> {
        let fired = all.iter().filter(|event| matches(&rule, event));
        fired
            .map(|event| event["detail"]["ModelPackageVersion"].as_u64().expect("a number"))
            .collect()
    };
    let all = of(&lab);
    let say_approved = all
        .iter()
        .filter(|event| event["detail"]["ModelApprovalStatus"] == "Approved");
    assert!(say_approved.count() > 1, "the labels say so too");
    assert_eq!(fired(&all), [1]);
    for event in &all {
        let (detail, number) = (&event["detail"], &event["detail"]["ModelPackageVersion"]);
        assert_eq!(
            detail["ModelPackageArn"],
            format!("arn:aws:sagemaker:eu-central-1:123456789012:model-package/fraud/{number}")
        );
    }
    let _ = lab.ok("admin-1", &["annotate", "Fraud/1", "--label", "tier=silver"]);
    let _ = lab.ok("risk-1", &["approve", "Fraud/2", "-m", "good"]);
    assert_eq!(fired(&of(&lab)), [1, 2]);
}

#[test]
fn what_eventbridge_refuses_ends_the_loop() {
    let lab = lab();
    let bin = lab.home().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    let program = |name: &str, text: &str| {
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    };
    let modelry = env!("CARGO_BIN_EXE_modelry");
    program("modelry", &format!("exec {modelry} \"$@\""));
    let run = |failed: &str, before: &str| {
        // As with AWS itself, a refused entry does not make the call fail.
        program(
            "aws",
            &format!(
                "echo put >> puts; case \"$*\" in *'--query FailedEntryCount --output text') echo {failed};; *) exit 9;; esac"
            ),
        );
        let _ = std::fs::remove_file(lab.top.join("puts"));
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("PATH"));
        let mut command = lab.command("bash");
        lab.as_actor(&mut command, "stranger");
        command
            .args(["-c", &block("put-events")])
            .current_dir(&lab.top)
            .env("PATH", path)
            .env("BEFORE", before);
        let said = said(&mut command);
        let puts = std::fs::read_to_string(lab.top.join("puts")).unwrap_or_default();
        (said.code, puts.lines().count())
    };
    let root = lab.root();
    let _ = lab.git(&["config", "modelry.root", &root]);
    for n in 0..12 {
        let _ = lab.ok("admin-1", &["group", "create", &format!("g{n}")]);
    }
    assert_eq!(run("0", &root), (0, 2));
    assert_eq!(run("1", &root), (1, 1), "the rest is not put");
    lab.write(
        "groups/x/group.yaml",
        "apiVersion: modelry/v1\nkind: ModelGroup\nname: x\n",
    );
    lab.git(&["add", "groups"]);
    lab.git(&["commit", "-q", "-m", "unsigned"]);
    assert_eq!(run("0", &root), (1, 0), "nothing is told of it");
}
