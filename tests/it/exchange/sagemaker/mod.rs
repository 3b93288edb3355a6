//! SageMaker, both ways: a real server (moto), boto3 and the real AWS CLI.

mod clashes;
mod deploy_rule;
mod documents;
mod hidden;
mod imports;
mod limits;
mod world;

use serde_json::{Value, json};

use crate::support::Lab;

/// Creates a registry whose administrator may import versions.
fn lab() -> Lab {
    Lab::with_registry()
}

/// Lets `who` import into all groups with the status that versions had.
#[track_caller]
fn let_import(lab: &Lab, who: &str) {
    lab.change_policy(
        "\nactors:",
        &format!("\nimports:\n  - to: [{who}]\n    groups: [\"*\"]\nactors:"),
    );
}

/// A pinned image.
fn image(mark: char) -> String {
    format!(
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/fraud@sha256:{}",
        mark.to_string().repeat(64)
    )
}

/// Returns the output of `describe-model-package` for a version that is pinned to its
/// bytes: an image alone.
fn described(group: &str, number: u64, status: &str) -> Value {
    json!({
        "ModelPackageGroupName": group,
        "ModelPackageVersion": number,
        "ModelPackageArn": format!("arn:aws:sagemaker:eu-central-1:123456789012:model-package/{group}/{number}"),
        "CreationTime": "2026-03-01T10:00:00.123000+00:00",
        "InferenceSpecification": {
            "Containers": [{"Image": image('a')}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": false,
        "ModelApprovalStatus": status,
        "LastModifiedTime": 1772359200.5,
        "LastModifiedBy": {"IamIdentity": {"Arn": "arn:aws:sts::123456789012:assumed-role/risk/alice"}},
    })
}

/// Writes documents into a file beside the repository, one after the other.
fn file(lab: &Lab, name: &str, documents: &[Value]) -> String {
    let text: String = documents.iter().map(|one| format!("{one}\n")).collect();
    let path = lab.home().join(name);
    std::fs::write(&path, text).expect("a file");
    path.to_string_lossy().into_owned()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
