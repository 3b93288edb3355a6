//! Values that AWS itself would refuse are reported with their field and limit.

use serde_json::json;

use super::{file, lab, parsed};

#[test]
fn each_limit_names_its_field() {
    let lab = lab();
    let spec = json!({
        "inference": {
            "containers": [{
                "image": format!("registry.example.com/{}", "x".repeat(300)),
                "artifact": {"uri": "gs://models/fraud.bin"},
                "framework": "XGBOOST",
                "frameworkVersion": "21.3",
                "environment": {"WITH-HYPHEN": "1"},
            }],
            "responseTypes": ["csv"],
            "realtimeInstanceTypes": ["m5.large"],
        },
        "reports": {"quality": {"statistics": {"uri": "s3://reports/statistics.json"}}},
        "source": {"repository": "r".repeat(1024)},
        "security": {"kmsKeyId": "key with blanks"},
    });
    let path = file(&lab, "spec.json", &[spec]);
    let mut arguments = vec![
        "register".to_owned(),
        "churn".into(),
        "-f".into(),
        path,
        "--without-digest".into(),
        "--description".into(),
        "two\nlines".into(),
        "--label".into(),
        "bad=a;b".into(),
    ];
    for n in 0..50 {
        arguments.extend(["--annotation".to_owned(), format!("k{n}=v")]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let _ = lab.ok("trainer", &arguments);
    let said = lab.says(
        "admin-1",
        &[
            "export",
            "sagemaker",
            "churn/1",
            "--trust-root",
            "--role",
            "nobody",
        ],
    );
    assert_eq!(said.code, 0, "{said:?}");
    let mut told: Vec<String> = parsed(&said.out)["refused"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{} {}: {}", one["operation"], one["field"], one["limit"]).replace('"', ""))
        .collect();
    told.sort();
    are_told(&told);
    assert!(
        said.err
            .contains("AWS refuses: ModelPackageDescription of CreateModelPackage: one line"),
        "{}",
        said.err
    );
    let out = lab.home().join("out");
    let strict = [
        "export",
        "sagemaker",
        "churn/1",
        "--trust-root",
        "--strict",
        "--to",
        &out.to_string_lossy(),
    ];
    let said = lab.says("admin-1", &strict);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(!out.exists(), "nothing is written");
}

#[track_caller]
fn are_told(told: &[String]) {
    let expected = [
        "CreateModel ExecutionRoleArn: the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME",
        "CreateModel PrimaryContainer.Environment.WITH-HYPHEN: a name of letters, digits and `_`",
        "CreateModel PrimaryContainer.Image: at most 255 characters, and it has 321",
        "CreateModel PrimaryContainer.ModelDataUrl: begins with s3:// or https://",
        "CreateModelPackage CustomerMetadataProperties.bad: letters, digits, blanks and `_ . : / = + - @` alone",
        "CreateModelPackage CustomerMetadataProperties: at most 50 entries, and there are 51",
        "CreateModelPackage InferenceSpecification.Containers.0.Environment.WITH-HYPHEN: a name of letters, digits and `_`",
        "CreateModelPackage InferenceSpecification.Containers.0.FrameworkVersion: one digit, a dot, and more: 3 to 10 characters",
        "CreateModelPackage InferenceSpecification.Containers.0.Image: at most 255 characters, and it has 321",
        "CreateModelPackage InferenceSpecification.Containers.0.ModelDataUrl: begins with s3:// or https://",
        "CreateModelPackage InferenceSpecification.SupportedRealtimeInferenceInstanceTypes.0: one of SageMaker's machines: `ml.…`",
        "CreateModelPackage InferenceSpecification.SupportedResponseMIMETypes.0: a media type: kind/name",
        "CreateModelPackage ModelMetrics.ModelQuality.Statistics: ContentType is required",
        "CreateModelPackage ModelPackageDescription: one line: no newline, and no other control character",
        "CreateModelPackage SecurityConfig.KmsKeyId: letters, digits and `: / _ -` alone",
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_annotation_that_aws_refuses_is_left_out_and_told() {
    let lab = lab();
    let path = file(
        &lab,
        "spec.json",
        &[json!({"artifacts": [{"uri": "s3://models/a"}]})],
    );
    let _ = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "-f",
            &path,
            "--without-digest",
            "--annotation",
            "mlflow/aliases=champion, challenger",
            "--annotation",
            "plain=yes",
        ],
    );
    let arguments = ["export", "sagemaker", "churn/1", "--trust-root", "--strict"];
    let out = parsed(&lab.ok("admin-1", &arguments));
    assert_eq!(
        out["createModelPackage"]["CustomerMetadataProperties"],
        json!({"plain": "yes"})
    );
    assert_eq!(out["createModel"], json!(null));
    let notes = out["notes"].to_string();
    for told in [
        "annotations.mlflow/aliases is left out, AWS would refuse it: letters, digits,",
        "the package names no model",
    ] {
        assert!(notes.contains(told), "{notes}");
    }
    // A container that runs has an image.
    let spec = json!({"inference": {"containers": [{"artifact": {"uri": "s3://models/a"}}]}});
    let path = file(&lab, "bare.json", &[spec]);
    let _ = lab.ok("trainer", &["register", "churn", "-f", &path, "--without-digest"]);
    let out = parsed(&lab.ok("admin-1", &["export", "sagemaker", "churn/2", "--trust-root"]));
    assert_eq!(
        out["refused"],
        json!([{"operation": "CreateModel", "field": "PrimaryContainer", "limit": "Image is required"}])
    );
}
