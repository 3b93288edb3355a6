//! Invisible characters, which no record accepts: wherever SageMaker has one, the
//! import continues, keeps the text, and exports it again.

use serde_json::{Value, json};

use super::world::{card, everything, stands_in};
use super::{described, file, lab, parsed};
use crate::support::texts;

/// A tab, and what joins two emoji.
const HIDDEN: &str = "\tx\u{200d}y";

/// A group with two versions and a card, each text of it in some place.
struct Documents {
    group: Value,
    package: Value,
    tags: Value,
    card: Value,
}

impl Documents {
    fn new() -> Documents {
        let mut package = described("fraud", 1, "PendingManualApproval");
        for (key, value) in everything().as_object().expect("a mapping") {
            package[key] = value.clone();
        }
        package["ModelApprovalStatus"] = json!("PendingManualApproval");
        package["ModelLifeCycle"] = json!({"Stage": "Development", "StageStatus": "PendingApproval"});
        Documents {
            group: json!({"ModelPackageGroupName": "fraud", "ModelPackageGroupDescription": "payments",
                          "ModelPackageGroupArn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/fraud",
                          "CreationTime": "2026-03-01T10:00:00.123000+00:00"}),
            package,
            tags: json!({"Tags": [{"Key": "tier", "Value": "1"}, {"Key": "cost centre", "Value": "42"}]}),
            card: card(),
        }
    }

    /// Each part, with the paths of its texts that may hold anything.
    fn parts(&mut self) -> [(&mut Value, Vec<String>); 4] {
        // Names, states, numbers in a text: these are refused by their name.
        const FIXED: [&str; 5] = [
            "/ModelPackageGroupName",
            "/ModelApprovalStatus",
            "/ModelPackageArn",
            "/model_overview/model_id",
            "/ModelPackageStatus",
        ];
        [&mut self.group, &mut self.package, &mut self.tags, &mut self.card].map(|part| {
            let mut paths = Vec::new();
            texts(part, "", &mut paths);
            paths.retain(|path| !FIXED.contains(&path.as_str()));
            (part, paths)
        })
    }

    fn files(&self) -> Vec<Value> {
        let card = json!({"ModelCardName": "fraud-1", "Content": self.card.to_string(),
                          "ModelCardStatus": "Draft"});
        vec![self.group.clone(), self.tags.clone(), self.package.clone(), card]
    }
}

fn spoil(part: &mut Value, path: &str) {
    let text = part.pointer_mut(path).expect("a text");
    *text = json!(format!("{}{HIDDEN}", text.as_str().expect("a text")));
}

#[test]
fn in_any_place_a_character_that_nobody_sees_stops_no_import() {
    let lab = lab();
    let all: Vec<(usize, String)> = Documents::new()
        .parts()
        .into_iter()
        .enumerate()
        .flat_map(|(part, (_, paths))| paths.into_iter().map(move |path| (part, path)))
        .collect();
    assert!(all.len() > 100, "{}", all.len());
    let mut failed = Vec::new();
    for (part, path) in &all {
        let mut documents = Documents::new();
        spoil(documents.parts()[*part].0, path);
        let given = file(&lab, "given.json", &documents.files());
        let said = lab.says("admin-1", &["import", "sagemaker", &given, "--dry-run"]);
        if said.code != 0 {
            failed.push(format!("{path}: {}", said.err));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn what_nobody_sees_is_kept_and_goes_back() {
    let lab = lab();
    let mut documents = Documents::new();
    for (part, paths) in documents.parts() {
        for path in paths {
            spoil(part, &path);
        }
    }
    let given = file(&lab, "given.json", &documents.files());
    let said = lab.ok("admin-1", &["import", "sagemaker", &given]);
    assert!(
        said.contains("kept as annotations `sagemaker/…`:") && said.contains("ModelPackageDescription"),
        "{said}"
    );
    lab.check();
    let shown = parsed(&lab.ok("admin-1", &["show", "fraud/1", "-o", "json"]));
    assert_eq!(
        shown["record"]["annotations"]["sagemaker/ModelPackageDescription"],
        "\"retrained on the third quarter\\tx\\u200dy\""
    );
    let out = parsed(&lab.ok("admin-1", &["export", "sagemaker", "fraud/1", "--trust-root"]));
    let mut before = documents.package;
    // Only the service says these, or they say nothing.
    before.as_object_mut().expect("a mapping").retain(|key, _| {
        ![
            "ModelPackageArn",
            "ModelPackageVersion",
            "ModelPackageStatus",
            "ModelPackageStatusDetails",
            "CreationTime",
            "LastModifiedTime",
            "LastModifiedBy",
            "CertifyForMarketplace",
        ]
        .contains(&key.as_str())
    });
    stands_in(&before, &out["createModelPackage"], "package");
    let group = &out["createModelPackageGroup"];
    assert_eq!(
        group["ModelPackageGroupDescription"],
        documents.group["ModelPackageGroupDescription"]
    );
    let tags = |value: &Value| {
        let mut all: Vec<String> = value
            .as_array()
            .expect("a list")
            .iter()
            .map(Value::to_string)
            .collect();
        all.sort();
        all
    };
    assert_eq!(tags(&group["Tags"]), tags(&documents.tags["Tags"]));
    let content = out["createModelPackage"]["ModelCard"]["ModelCardContent"].as_str();
    stands_in(&documents.card, &parsed(content.expect("content")), "card");
}
