//! There and back: created by boto3, described by the AWS CLI, imported, exported,
//! and created again by the AWS CLI from the export.

use std::process::Output;

use serde_json::{Value, json};

use super::{image, lab, let_import, parsed};
use crate::support::moto::{Moto, PACKAGES};
use crate::support::needs::needs;

/// SageMaker on this machine.
struct Cloud(Moto);

impl Cloud {
    fn open() -> Cloud {
        Cloud(Moto::open())
    }

    /// Runs boto3 with JSON calls that create objects.
    fn make(&self, calls: &Value) -> Value {
        const SCRIPT: &str = "
import boto3, json, sys
given = json.load(sys.stdin)
client = boto3.client('sagemaker', endpoint_url=given['endpoint'], region_name='eu-central-1',
    aws_access_key_id='throwaway', aws_secret_access_key='throwaway-secret')
out = []
for name, arguments in given['calls']:
    answer = getattr(client, name)(**arguments)
    out.append(answer)
print(json.dumps(out, default=str))
";
        PACKAGES.run(SCRIPT, &json!({"endpoint": self.0.endpoint, "calls": calls}))
    }

    /// The AWS CLI.
    fn aws(&self, arguments: &[&str]) -> Output {
        let mut command = PACKAGES.python3();
        self.0.environment(&mut command);
        command
            .args(["-m", "awscli", "sagemaker"])
            .args(arguments)
            .output()
            .expect("the AWS CLI")
    }

    #[track_caller]
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.aws(arguments);
        assert!(
            output.status.success(),
            "aws {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

fn report(name: &str) -> Value {
    json!({"S3Uri": format!("s3://reports/{name}.json"), "ContentType": "application/json",
           "ContentDigest": format!("sha256:{}", "d".repeat(64))})
}

/// A version with everything that the server keeps.
pub(super) fn everything() -> Value {
    let container = json!({
        "Image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/fraud:1.7",
        "ImageDigest": format!("sha256:{}", "b".repeat(64)),
        "ContainerHostname": "scorer",
        "ModelDataUrl": "s3://models/fraud/1/model.tar.gz",
        "ModelDataETag": "abc123",
        "Environment": {"THRESHOLD": "0.7", "MODE": "on"},
        "ModelInput": {"DataInputConfig": "{\"input\": [1, 30]}"},
        "Framework": "XGBOOST",
        "FrameworkVersion": "1.7-1",
        "NearestModelName": "xgboost",
    });
    let source = json!({
        "Image": image('c'),
        "ModelDataSource": {"S3DataSource": {
            "S3Uri": "s3://models/fraud/1/unpacked/", "S3DataType": "S3Prefix", "CompressionType": "None",
            "ModelAccessConfig": {"AcceptEula": true},
        }},
        "AdditionalModelDataSources": [{"ChannelName": "adapter", "S3DataSource": {
            "S3Uri": "s3://models/adapter.tar.gz", "S3DataType": "S3Object", "CompressionType": "Gzip"}}],
        "IsCheckpoint": true,
        "BaseModel": {"HubContentName": "base", "HubContentVersion": "1.0.0", "RecipeName": "lora"},
    });
    let served = json!({
        "SupportedContentTypes": ["text/csv", "application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
        "SupportedTransformInstanceTypes": ["ml.m5.xlarge"],
        "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large", "ml.c5.large"],
    });
    let mut inference = served.clone();
    inference["Containers"] = json!([container, source]);
    let mut additional = served;
    additional["Name"] = json!("batch");
    additional["Description"] = json!("by night");
    additional["Containers"] = json!([{"Image": image('e'), "ModelDataUrl": "s3://models/batch.tar.gz"}]);
    json!({
        "ModelPackageGroupName": "fraud",
        "ModelPackageDescription": "retrained on the third quarter",
        "InferenceSpecification": inference,
        "AdditionalInferenceSpecifications": [additional],
        "SourceAlgorithmSpecification": {"SourceAlgorithms": [
            {"AlgorithmName": "algo", "ModelDataUrl": "s3://models/algo.tar.gz"}]},
        "ValidationSpecification": {
            "ValidationRole": "arn:aws:iam::123456789012:role/validation",
            "ValidationProfiles": [{"ProfileName": "smoke", "TransformJobDefinition": {
                "MaxConcurrentTransforms": 2,
                "BatchStrategy": "SingleRecord",
                "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in"}},
                                   "ContentType": "text/csv", "SplitType": "Line"},
                "TransformOutput": {"S3OutputPath": "s3://data/out", "AssembleWith": "Line"},
                "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
            }}]},
        "ModelMetrics": {
            "ModelQuality": {"Statistics": report("statistics"), "Constraints": report("constraints")},
            "ModelDataQuality": {"Statistics": report("data"), "Constraints": report("data-constraints")},
            "Bias": {"Report": report("bias"), "PreTrainingReport": report("pre"), "PostTrainingReport": report("post")},
            "Explainability": {"Report": report("shap")},
        },
        "DriftCheckBaselines": {
            "Bias": {"ConfigFile": {"S3Uri": "s3://config/bias.json"},
                     "PreTrainingConstraints": report("pre-c"), "PostTrainingConstraints": report("post-c")},
            "Explainability": {"Constraints": report("shap-c"), "ConfigFile": {"S3Uri": "s3://config/shap.json"}},
            "ModelQuality": {"Statistics": report("s"), "Constraints": report("c")},
            "ModelDataQuality": {"Statistics": report("ds"), "Constraints": report("dc")},
        },
        "MetadataProperties": {"CommitId": "9f2c0d", "Repository": "https://git.example.com/fraud",
                               "GeneratedBy": "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/fraud",
                               "ProjectId": "risk"},
        "CustomerMetadataProperties": {"team": "risk", "with blank": "kept all the same"},
        "Domain": "MACHINE_LEARNING",
        "Task": "CLASSIFICATION",
        "SamplePayloadUrl": "s3://models/payload.tar.gz",
        "ModelApprovalStatus": "Approved",
    })
}

pub(super) fn card() -> Value {
    json!({
        "model_overview": {"model_id": "fraud/1", "model_name": "fraud", "model_description": "card payments",
                           "problem_type": "classification", "model_owner": "risk"},
        "intended_uses": {"purpose_of_model": "find fraud", "intended_uses": "card payments, online",
                          "risk_rating": "High", "explanations_for_risk_rating": "money"},
        "business_details": {"business_problem": "losses"},
        "training_details": {"objective_function": {"function": {"function": "Maximize", "facet": "AUC"}, "notes": "auc"},
            "training_job_details": {"user_provided_hyper_parameters": [{"name": "depth", "value": "6"}],
                                     "hyper_parameters": [{"name": "eta", "value": "0.3"}]}},
        "evaluation_details": [{"name": "holdout", "metric_groups": [{"name": "binary", "metric_data": [
            {"name": "auc", "type": "number", "value": 0.91}, {"name": "roc", "type": "linear_graph",
             "value": [[0, 1], [0, 1]], "x_axis_name": "fpr", "y_axis_name": "tpr"}]}]}],
        "additional_information": {"ethical_considerations": "none known", "caveats_and_recommendations": "not for cash",
                                   "custom_details": {"desk": "7"}},
    })
}

/// Members that belong to the service, or are exported otherwise.
const SERVED: [&str; 9] = [
    "ModelPackageArn",
    "ModelPackageGroupArn",
    "ModelPackageVersion",
    "CreationTime",
    "CreatedBy",
    "LastModifiedTime",
    "LastModifiedBy",
    "ModelPackageStatusDetails",
    "ApprovalDescription",
];

fn without_served(text: &str) -> Value {
    let mut value = parsed(text);
    let members = value.as_object_mut().expect("a mapping");
    members.retain(|key, _| !SERVED.contains(&key.as_str()));
    value
}

/// Asserts that `whole` contains all of `part`.
#[track_caller]
pub(super) fn stands_in(part: &Value, whole: &Value, at: &str) {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            // An empty list says no more than none.
            for (key, value) in part.iter().filter(|(_, value)| **value != json!([])) {
                let there = whole
                    .get(key)
                    .unwrap_or_else(|| panic!("{at}.{key} is lost: {value}"));
                stands_in(value, there, &format!("{at}.{key}"));
            }
        }
        (Value::Array(part), Value::Array(whole)) => {
            for (place, value) in part.iter().enumerate() {
                let there = whole
                    .get(place)
                    .unwrap_or_else(|| panic!("{at}.{place} is lost: {value}"));
                stands_in(value, there, &format!("{at}.{place}"));
            }
        }
        (part, whole) => assert_eq!(part, whole, "{at}"),
    }
}

#[test]
#[ignore = "needs Python packages: moto, boto3, awscli"]
fn everything_that_has_a_place_goes_there_and_back() {
    needs![PACKAGES];
    let lab = lab();
    let_import(&lab, "admin-1");
    let first = Cloud::open();
    let group = json!({"ModelPackageGroupName": "fraud", "ModelPackageGroupDescription": "card payments",
                       "Tags": [{"Key": "tier", "Value": "1"}, {"Key": "cost centre", "Value": "42"}]});
    let pinned = json!({"ModelPackageGroupName": "fraud", "ModelApprovalStatus": "PendingManualApproval",
                        "InferenceSpecification": {"Containers": [{"Image": image('f')}],
                                                   "SupportedContentTypes": [], "SupportedResponseMIMETypes": []}});
    let content = card().to_string();
    let made = first.make(&json!([
        ["create_model_package_group", group],
        ["create_model_package", everything()],
        ["create_model_package", pinned],
        ["create_model_card", {"ModelCardName": "fraud-1", "Content": content, "ModelCardStatus": "PendingReview"}],
    ]));
    let arn = |at: usize| made[at]["ModelPackageArn"].as_str().expect("an ARN").to_owned();
    let (one, two) = (arn(1), arn(2));
    let _ = first.make(&json!([["update_model_package", {
        "ModelPackageArn": two, "ModelApprovalStatus": "Approved", "ApprovalDescription": "good enough"}]]));
    // A listing alone has too little, and the error has the commands.
    let listed = first.says(&["list-model-packages", "--model-package-group-name", "fraud"]);
    let path = |name: &str| lab.home().join(name).to_string_lossy().into_owned();
    std::fs::write(path("list.json"), &listed).expect("a file");
    let said = lab.says("admin-1", &["import", "sagemaker", &path("list.json")]);
    let error = said.err;
    assert_eq!(said.code, 2, "{error}");
    for arn in [&one, &two] {
        let command =
            format!("aws sagemaker describe-model-package --model-package-name {arn} >> described.json");
        assert!(error.contains(&command), "{error}");
    }
    let group_arn = made[0]["ModelPackageGroupArn"].as_str().expect("an ARN");
    let described = [
        first.says(&[
            "describe-model-package-group",
            "--model-package-group-name",
            "fraud",
        ]),
        first.says(&["list-tags", "--resource-arn", group_arn]),
        first.says(&["describe-model-package", "--model-package-name", &one]),
        first.says(&["describe-model-card", "--model-card-name", "fraud-1"]),
        first.says(&["describe-model-package", "--model-package-name", &two]),
    ];
    std::fs::write(path("described.json"), described.concat()).expect("a file");
    let said = lab.ok(
        "admin-1",
        &[
            "import",
            "sagemaker",
            &path("list.json"),
            &path("described.json"),
            "-o",
            "json",
        ],
    );
    let plan = &parsed(&said)["plan"]["groups"][0];
    assert_eq!(plan["created"], true);
    let arrives: Vec<_> = plan["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|it| &it["status"])
        .collect();
    assert_eq!(
        arrives,
        ["Pending", "Approved"],
        "the first has artifacts without digests: {plan}"
    );
    lab.check();
    let shown = parsed(&lab.ok("admin-1", &["show", "fraud/1", "-o", "json"]));
    let spec = &shown["record"]["spec"];
    assert_eq!(
        spec["inference"]["containers"][0]["image"],
        format!(
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/fraud:1.7@sha256:{}",
            "b".repeat(64)
        )
    );
    assert_eq!(spec["inference"]["containers"][1]["artifact"]["type"], "folder");
    assert_eq!(shown["card"]["intendedUses"], "card payments, online");
    assert_eq!(shown["record"]["labels"], json!({"team": "risk"}));
    let groups = parsed(&lab.ok("admin-1", &["group", "show", "fraud", "-o", "json"])).to_string();
    assert!(
        groups.contains("cost centre") && groups.contains("\"tier\":\"1\""),
        "{groups}"
    );
    let validated = lab.says("admin-1", &["audit", "--trust-root"]);
    assert_eq!(validated.code, 0, "{validated:?}");
    // The same files again: nothing to do.
    let again = lab.ok(
        "admin-1",
        &["import", "sagemaker", &path("described.json"), "-o", "json"],
    );
    assert_eq!(parsed(&again)["changes"], json!([]));

    // And back, into another account.
    let second = Cloud::open();
    for (number, arn) in [(1, &one), (2, &two)] {
        let folder = path(&format!("out-{number}"));
        let version = format!("fraud/{number}");
        let arguments = [
            "export",
            "sagemaker",
            &version,
            "--trust-root",
            "--to",
            &folder,
            "--role",
            "arn:aws:iam::123456789012:role/serving",
        ];
        let said = lab.says("admin-1", &arguments);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(!said.err.contains("AWS refuses"), "{said:?}");
        let input = |name: &str| format!("file://{folder}/{name}.json");
        if number == 1 {
            let _ = second.says(&[
                "create-model-package-group",
                "--cli-input-json",
                &input("create-model-package-group"),
            ]);
        }
        let made = parsed(&second.says(&[
            "create-model-package",
            "--cli-input-json",
            &input("create-model-package"),
        ]));
        let _ = second.says(&["create-model", "--cli-input-json", &input("create-model")]);
        let made = made["ModelPackageArn"].as_str().expect("an ARN");
        let mut before =
            without_served(&first.says(&["describe-model-package", "--model-package-name", arn]));
        let after = without_served(&second.says(&["describe-model-package", "--model-package-name", made]));
        if number == 1 {
            // It is not approved here: that is what goes back.
            assert_eq!(before["ModelApprovalStatus"], "Approved");
            before["ModelApprovalStatus"] = json!("PendingManualApproval");
        }
        stands_in(&before, &after, "");
    }
    let run = parsed(&second.says(&["describe-model", "--model-name", "fraud-1"]));
    assert_eq!(
        run["Containers"][0]["Image"],
        format!(
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/fraud@sha256:{}",
            "b".repeat(64)
        )
    );
    let run = parsed(&second.says(&["describe-model", "--model-name", "fraud-2"]));
    assert_eq!(run["PrimaryContainer"]["Image"], image('f'));
    let tags = second.says(&[
        "describe-model-package-group",
        "--model-package-group-name",
        "fraud",
    ]);
    let group_arn = parsed(&tags)["ModelPackageGroupArn"]
        .as_str()
        .expect("an ARN")
        .to_owned();
    let tags = parsed(&second.says(&["list-tags", "--resource-arn", &group_arn]));
    let mut tags: Vec<String> = tags["Tags"]
        .as_array()
        .expect("tags")
        .iter()
        .map(Value::to_string)
        .collect();
    tags.sort();
    assert_eq!(tags.len(), 2, "{tags:?}");
    // The card, member by member.
    let out = parsed(&std::fs::read_to_string(path("out-1/create-model-package.json")).expect("a file"));
    let back = parsed(out["ModelCard"]["ModelCardContent"].as_str().expect("content"));
    stands_in(&card(), &back, "card");
    assert_eq!(out["ModelCard"]["ModelCardStatus"], "PendingReview");
}

#[test]
#[ignore = "needs Python packages: moto, boto3, awscli"]
fn what_boto3_prints_is_read_as_well() {
    needs![PACKAGES];
    let lab = lab();
    let cloud = Cloud::open();
    let made = cloud.make(&json!([
        ["create_model_package_group", {"ModelPackageGroupName": "churn"}],
        ["create_model_package", {"ModelPackageGroupName": "churn", "InferenceSpecification": {
            "Containers": [{"Image": image('a')}], "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"]}}],
    ]));
    let arn = made[1]["ModelPackageArn"].as_str().expect("an ARN");
    // The answers, with their ResponseMetadata and their datetimes as text.
    let mut described = cloud.make(&json!([
        ["describe_model_package_group", {"ModelPackageGroupName": "churn"}],
        ["describe_model_package", {"ModelPackageName": arn}],
    ]));
    described[1]["ApprovalDescription"] = json!("good enough");
    assert!(described[1]["ResponseMetadata"].is_object());
    let path = lab.home().join("boto3.json").to_string_lossy().into_owned();
    std::fs::write(&path, described.to_string()).expect("a file");
    let _ = lab.ok("admin-1", &["import", "sagemaker", &path]);
    let shown = parsed(&lab.ok("admin-1", &["show", "churn/1", "-o", "json"]));
    let created = shown["record"]["annotations"]["sagemaker/CreationTime"]
        .as_str()
        .expect("a time");
    assert!(created.contains('T') && created.ends_with('Z'), "{created}");
    assert!(!shown.to_string().contains("ResponseMetadata"));
    // Members that only UpdateModelPackage accepts go there, as the command line
    // says.
    let folder = lab.home().join("out").to_string_lossy().into_owned();
    let out = lab.ok(
        "admin-1",
        &["export", "sagemaker", "churn/1", "--trust-root", "--to", &folder],
    );
    assert!(out.contains("update-model-package"), "{out}");
    let input = format!("file://{folder}/update-model-package.json");
    let arguments = [
        "update-model-package",
        "--model-package-arn",
        arn,
        "--cli-input-json",
        &input,
    ];
    let _ = cloud.says(&arguments);
}
