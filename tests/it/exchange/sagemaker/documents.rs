//! Documents: those that are read, those that are refused, and members without a
//! field of ours that are kept.

use crate::support::Lab;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{described, file, lab, parsed};

#[test]
fn several_documents_in_any_form() {
    let lab = lab();
    let one = described("fraud", 1, "Rejected");
    let two = described("fraud", 2, "PendingManualApproval");
    // A pretty one, a line, a list; from a file and from standard input.
    let text = format!(
        "{}\n{}\n[{}]\n",
        serde_json::to_string_pretty(&json!({"ModelPackageGroupName": "fraud",
            "ModelPackageGroupArn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/fraud",
            "ModelPackageGroupDescription": "payments", "ModelPackageGroupStatus": "Completed"}))
        .expect("JSON"),
        json!({"Tags": [{"Key": "tier", "Value": "1"}]}),
        one
    );
    let beside = file(&lab, "two.json", &[two]);
    let mut child = lab
        .modelry("admin-1", &["import", "sagemaker", "-", &beside, "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(text.as_bytes()).expect("bytes");
    drop(pipe);
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success());
    let said = parsed(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(
        said["plan"]["groups"][0]["versions"].as_array().map(Vec::len),
        Some(2)
    );
    let group = lab.read("groups/fraud/group.yaml");
    assert!(
        group.contains("description: payments") && group.contains("tier: \"1\""),
        "{group}"
    );
}

#[test]
fn what_can_not_be_read_is_told() {
    let lab = lab();
    let says = |documents: &[Value]| {
        lab.error(
            "admin-1",
            &["import", "sagemaker", &file(&lab, "x.json", documents)],
        )
    };
    let error = says(&[json!({"Buckets": []})]);
    assert!(
        error.contains("a mapping with Buckets") && error.contains("describe-model-package"),
        "{error}"
    );
    let error = says(&[json!({"ModelPackageSummaryList": [], "NextToken": "abc"})]);
    assert!(error.contains("one page of a list"), "{error}");
    let error = says(&[json!({"ModelPackageGroupSummaryList": [{"ModelPackageGroupName": "fraud"}]})]);
    assert!(
        error.contains("aws sagemaker describe-model-package-group --model-package-group-name fraud")
            && error.contains("aws sagemaker list-model-packages --model-package-group-name fraud"),
        "{error}"
    );
    let mut alone = described("fraud", 1, "Approved");
    alone
        .as_object_mut()
        .expect("a mapping")
        .remove("ModelPackageGroupName");
    let error = says(&[alone]);
    assert!(error.contains("belongs to no group"), "{error}");
    let error = says(&[described("fraud", 1, "Blessed")]);
    assert!(error.contains("the status `Blessed`"), "{error}");
    let error = says(&[
        json!({"Tags": []}),
        described("fraud", 1, "Approved"),
        described("churn", 1, "Approved"),
    ]);
    assert!(error.contains("tags don't say whose they are"), "{error}");
    let path = lab.home().join("broken.json").to_string_lossy().into_owned();
    std::fs::write(&path, "{\"ModelPackageArn\": ").expect("a file");
    let error = lab.error("admin-1", &["import", "sagemaker", &path]);
    assert!(error.contains("is not JSON"), "{error}");
    std::fs::write(&path, "").expect("a file");
    let error = lab.error("admin-1", &["import", "sagemaker", &path]);
    assert!(error.contains("is empty"), "{error}");
}

/// `>` of Windows PowerShell writes UTF-16 with a byte order mark; others write one
/// before UTF-8.
#[test]
fn what_windows_shells_write_is_read() {
    let text = described("fraud", 1, "PendingManualApproval").to_string();
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    for (name, bytes) in [
        ("utf-8 with a mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("utf-16 le", [b"\xff\xfe", &little[..]].concat()),
        ("utf-16 be", [b"\xfe\xff", &big[..]].concat()),
        ("utf-16 le without a mark", little.clone()),
    ] {
        let lab = Lab::with_registry();
        let path = lab.home().join("described.json");
        std::fs::write(&path, bytes).expect("a file");
        let said = lab.says("admin-1", &["import", "sagemaker", &path.to_string_lossy()]);
        assert_eq!(said.code, 0, "{name}: {}{}", said.out, said.err);
        assert!(said.out.contains("fraud/1"), "{name}: {}", said.out);
    }
}

/// Returns a version with members that have no field of ours, and that the server of
/// the other tests forgets.
fn strange() -> Value {
    let mut package = described("fraud", 1, "Approved");
    let extra = json!({
        "ModelLifeCycle": {"Stage": "Development", "StageStatus": "PendingApproval", "StageDescription": "1"},
        "ModelPackageRegistrationType": "Registered",
        "ManagedStorageType": "Restricted",
        "SkipModelValidation": "None",
        "SourceUri": "arn:aws:sagemaker:eu-central-1:123456789012:model/fraud",
        "SecurityConfig": {"KmsKeyId": "arn:aws:kms:eu-central-1:123456789012:key/1"},
        "ApprovalDescription": "good enough",
        "NovelMember": {"Depth": [1, 2]},
        "CustomerMetadataProperties": {"a b": "1", "c": "true"},
        "ModelCard": {"ModelCardContent": json!({"model_overview": {"model_creator": "risk",
            "model_artifact": ["s3://m/x"]}, "evaluation_details": [{"name": "holdout", "evaluation_observation": "steady", "datasets": ["s3://d/h"],
                "metric_groups": [{"name": "night", "metric_data": [{"name": "auc", "type": "number", "value": 0.91,
                                   "notes": "by hand"}]}]}],
            "novel_section": {"a": 1}}).to_string(), "ModelCardStatus": "Draft"},
    });
    for (key, value) in extra.as_object().expect("a mapping") {
        package[key] = value.clone();
    }
    let container = &mut package["InferenceSpecification"]["Containers"][0];
    container["NovelFlag"] = json!("true");
    package
}

#[test]
fn what_has_no_member_of_ours_is_kept_and_goes_back() {
    let lab = lab();
    let given = file(&lab, "a.json", &[strange()]);
    let plan = lab.ok("admin-1", &["import", "sagemaker", &given, "--dry-run"]);
    for kept in [
        "NovelMember",
        "InferenceSpecification/Containers/0/NovelFlag",
        "ModelLifeCycle",
    ] {
        let line = plan
            .lines()
            .find(|line| line.contains("kept as annotations `sagemaker/…`:"));
        assert!(line.is_some_and(|line| line.contains(kept)), "{kept}: {plan}");
    }
    let _ = lab.ok("admin-1", &["import", "sagemaker", &given]);
    let shown = parsed(&lab.ok("admin-1", &["show", "fraud/1", "-o", "json"]));
    let kept = &shown["record"]["annotations"];
    assert_eq!(kept["sagemaker/NovelMember"], "{\"Depth\":[1,2]}");
    assert_eq!(kept["sagemaker/ApprovalDescription"], "good enough");
    assert_eq!(
        kept["sagemaker/InferenceSpecification/Containers/0/NovelFlag"], "\"true\"",
        "text that would be read as another value is quoted"
    );
    assert_eq!(shown["card"]["overview"]["creator"], "risk");
    assert_eq!(
        shown["card"]["evaluations"],
        json!([{"name": "holdout", "observations": "steady", "dataset": "s3://d/h",
                "metrics": [{"name": "auc", "value": 0.91, "slice": "night", "notes": "by hand"}]}])
    );
    let out = lab.says("admin-1", &["export", "sagemaker", "fraud/1", "--trust-root"]);
    assert_eq!(out.code, 0, "{out:?}");
    let out = parsed(&out.out);
    let (before, after) = (strange(), &out["createModelPackage"]);
    for key in [
        "ModelLifeCycle",
        "ModelPackageRegistrationType",
        "ManagedStorageType",
        "SkipModelValidation",
        "SourceUri",
        "SecurityConfig",
        "CustomerMetadataProperties",
    ] {
        assert_eq!(before[key], after[key], "{key}");
    }
    let container = |value: &Value| {
        let mut one = value["InferenceSpecification"]["Containers"][0].clone();
        one.as_object_mut().expect("a mapping").remove("ImageDigest");
        one
    };
    assert_eq!(container(&before), container(after));
    let card = parsed(after["ModelCard"]["ModelCardContent"].as_str().expect("content"));
    assert_eq!(card["novel_section"], json!({"a": 1}));
    assert_eq!(
        card["evaluation_details"],
        json!([{"name": "holdout", "evaluation_observation": "steady", "datasets": ["s3://d/h"],
                "metadata": {"dataset": "s3://d/h"},
                "metric_groups": [{"name": "night", "metric_data": [{"name": "auc", "type": "number",
                                   "value": 0.91, "notes": "by hand"}]}]}])
    );
    assert_eq!(card["model_overview"]["model_artifact"], json!(["s3://m/x"]));
    assert_eq!(after["ModelCard"]["ModelCardStatus"], "Draft");
    assert_eq!(
        out["updateModelPackage"],
        json!({"ModelApprovalStatus": "PendingManualApproval", "ApprovalDescription": "good enough"})
    );
    // Each member that is not exported is reported by its name.
    let notes: Vec<&str> = out["notes"]
        .as_array()
        .expect("notes")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut names: Vec<&str> = notes
        .iter()
        .filter_map(|note| note.strip_prefix("annotations.sagemaker/")?.split(' ').next())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "CreationTime",
            "LastModifiedBy",
            "LastModifiedTime",
            "ModelPackageArn",
            "ModelPackageStatus",
            "NovelMember",
        ]
    );
}

#[test]
fn of_ours_these_have_no_place_in_sagemaker() {
    let lab = lab();
    lab.register("churn", 'a');
    let said = lab.ok("admin-1", &["export", "sagemaker", "churn/1", "--trust-root"]);
    let said = parsed(&said);
    assert_eq!(
        said["notes"],
        json!([
            "spec.inference.containers.0.artifact.digest has no place",
            "spec.metrics.auc has no place",
            "the number 1 has no place: SageMaker gives the group's next one",
            "CreateModel asks for the role that runs it: give `--role ARN`",
        ])
    );
    assert_eq!(
        said["createModelPackage"]["ModelApprovalStatus"],
        "PendingManualApproval"
    );
}
