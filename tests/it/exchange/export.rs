//! Versions in the forms of others, read by those for whom they are.

use serde_json::{Value, json};

use crate::support::Lab;
use crate::support::golden::golden;
use crate::support::needs::needs;
use crate::support::python::Packages;

/// The schema's own people: their strict validator.
const CYCLONEDX: Packages = Packages {
    folder: "python-cyclonedx",
    imports: "import cyclonedx.validation.json, jsonschema, referencing, rfc3987_syntax",
    names: &["cyclonedx-python-lib[json-validation]"],
    options: &[],
};

/// Validates bills by the official schema, with formats; reads each into the
/// library's own classes; and computes the serial numbers again.
const READ_BILLS: &str = "
import json, sys, uuid
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
out = []
for text, registry, canonical in json.load(sys.stdin):
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    data = json.loads(text)
    bom = Bom.from_json(data)
    bom.validate()
    out.append({
        'error': None if found is None else str(found)[:2000],
        'model': bom.metadata.component.name,
        'serial': bom.serial_number.urn == uuid.uuid5(uuid.UUID(registry), canonical).urn,
        'components': sorted(c.name for c in bom.components),
    })
print(json.dumps(out))
";

#[track_caller]
fn validated(lab: &Lab, bills: &[String]) -> Value {
    let policy: Value =
        serde_json::from_str(&lab.ok("admin-1", &["policy", "show", "-o", "json"])).expect("JSON");
    let text = policy.to_string();
    let at = text.find("\"id\":\"").expect("the registry's id") + 6;
    let registry = &text[at..at + 32];
    let bills: Vec<Value> = bills
        .iter()
        .map(|text| {
            let mut bill: Value = serde_json::from_str(text).expect("JSON");
            bill["serialNumber"] = json!("");
            let canonical =
                String::from_utf8(modelry::testing::record::canonical::canonical(&bill)).expect("text");
            json!([text, registry, canonical])
        })
        .collect();
    let read = CYCLONEDX.run(READ_BILLS, &json!(bills));
    for bill in read.as_array().expect("bills") {
        assert_eq!(bill["error"], Value::Null, "{read:#}");
        assert_eq!(bill["serial"], json!(true));
    }
    read
}

/// A version that has something in every place, with a card and evidence.
fn full(lab: &Lab) {
    let digest = |mark: &str| format!("sha256:{}", mark.repeat(64));
    let spec = json!({
        "inference": {
            "containers": [{
                "image": format!("registry.example.com:5000/serve/xgb:1.7@{}", digest("a")),
                "artifact": {"uri": "s3://models/churn/model one.tar.gz", "digest": digest("b"), "size": 12345},
                "additionalArtifacts": {"vocabulary": {"uri": "s3://models/churn/vocabulary/", "type": "folder", "digest": digest("c")}},
                "framework": "xgboost",
                "frameworkVersion": "1.7",
                "baseModel": {"name": "tabular-base", "version": "2"},
            }],
            "contentTypes": ["text/csv"],
            "responseTypes": ["application/json"],
        },
        "metrics": {"auc": 0.91},
        "reports": {"quality": {"statistics": {"uri": "https://reports.example.com/q.json", "digest": digest("d")}}},
        "source": {"repository": "https://git.example.com/fraud.git", "commit": "0123456789abcdef", "trainingJob": "https://ci.example.com/1"},
        "task": "CLASSIFICATION",
    });
    lab.write("../spec.json", &spec.to_string());
    let _ = lab.ok(
        "trainer",
        &["register", "churn", "-f", "../spec.json", "--label", "tier=gold"],
    );
    let card = format!("{}/fixtures/cards/full.yaml", env!("CARGO_MANIFEST_DIR"));
    let _ = lab.ok("trainer", &["card", "set", "churn/1", "-f", &card]);
    let _ = lab.ok(
        "trainer",
        &[
            "evidence",
            "add",
            "churn/1",
            "holdout",
            "--metric",
            "auc=0.905",
            "--dataset",
            "s3://data/holdout.parquet",
        ],
    );
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "meets what we ask"]);
}

#[test]
#[ignore = "needs Python packages: cyclonedx-python-lib"]
fn the_bill_of_materials_is_what_the_schema_asks_for() {
    needs![CYCLONEDX];
    let lab = Lab::with_registry();
    full(&lab);
    lab.register("churn", '2');
    let whole = lab.ok("risk-1", &["export", "mlbom", "churn/1"]);
    let bare = lab.ok("risk-1", &["export", "mlbom", "churn/2"]);
    let read = validated(&lab, &[whole.clone(), bare]);
    assert_eq!(read[0]["model"], "churn");
    assert_eq!(
        read[0]["components"],
        json!([
            "model one.tar.gz",
            "payments-2026q2",
            "payments-2026q3",
            "registry.example.com:5000/serve/xgb",
            "s3://data/holdout.parquet",
            "vocabulary",
            "xgboost",
        ])
    );
    let uuid = regex::Regex::new("urn:uuid:[0-9a-f-]{36}").expect("an expression");
    let moment = regex::Regex::new("\"timestamp\": \"[^\"]+\"").expect("an expression");
    let shown = lab.scrub(&uuid.replace_all(&whole, "urn:uuid:[UUID]"));
    golden(
        "fixtures/exports/full.mlbom.json",
        &moment.replace_all(&shown, "\"timestamp\": \"[TIME]\""),
    );

    // The same commit gives the same bytes, to a file as well; another one
    // another serial number.
    let _ = lab.ok("admin-1", &["export", "mlbom", "churn/1", "--to", "../bom.json"]);
    assert_eq!(lab.read("../bom.json"), whole);
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok("risk-1", &["archive", "churn/1", "-m", "replaced"]);
    let later = lab.ok("risk-1", &["export", "mlbom", "churn/1"]);
    assert_eq!(
        lab.ok("risk-1", &["export", "mlbom", "churn/1", "--at", &tip]),
        whole
    );
    let serial = |text: &str| serde_json::from_str::<Value>(text).expect("JSON")["serialNumber"].clone();
    assert_ne!(serial(&later), serial(&whole));
    validated(&lab, &[later]);
    lab.check();
}

#[test]
#[ignore = "needs Python packages: cyclonedx-python-lib"]
fn a_bill_of_hostile_texts_is_still_one() {
    needs![CYCLONEDX];
    let lab = Lab::with_registry();
    let hostile = "a \"b\" \\ <c> {d} é 😀 % # ? [x]";
    let spec = json!({
        "artifacts": [{"uri": format!("https://h.example.com/{hostile}")}, {"uri": format!("s3://models/{hostile}")}, {"uri": "https://no host/x"}],
        "inference": {"containers": [{"image": hostile}, {"image": hostile, "framework": hostile}]},
        "source": {"repository": hostile, "commit": hostile, "trainingJob": format!("x://{hostile}")},
        "task": hostile,
    });
    lab.write("../spec.json", &spec.to_string());
    let _ = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "-f",
            "../spec.json",
            "--without-digest",
            "--description",
            hostile,
        ],
    );
    let card = json!({
        "license": {"id": hostile, "name": hostile, "uri": hostile},
        "parameters": {"approach": hostile, "inputs": [hostile, hostile]},
        "datasets": [{"name": hostile, "uri": hostile, "license": hostile}, {"name": hostile}],
        "environmentalConsiderations": hostile,
        "overview": {"description": hostile, "creator": hostile},
    });
    lab.write("../card.json", &card.to_string());
    let _ = lab.ok("trainer", &["card", "set", "churn/1", "-f", "../card.json"]);
    let text = lab.ok("risk-1", &["export", "mlbom", "churn/1"]);
    validated(&lab, std::slice::from_ref(&text));
    // Nothing of the card is lost.
    let bill: Value = serde_json::from_str(&text).expect("JSON");
    let properties = bill["metadata"]["component"]["properties"]
        .as_array()
        .expect("properties");
    for name in [
        "modelry:card.parameters.approach",
        "modelry:card.overview.description",
    ] {
        assert!(
            properties
                .iter()
                .any(|it| it["name"] == name && it["value"] == hostile),
            "{name}: {properties:?}"
        );
    }
}

/// Labels and annotations are not covered by any approval: they choose no other
/// model of MLflow, and speak in no words of what is proven.
#[test]
fn free_texts_do_not_steer_the_export_to_mlflow() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok(
        "admin-1",
        &["group", "update", "churn", "--annotation", "mlflow/name=payments"],
    );
    let forged = [
        "annotate",
        "churn/1",
        "--label",
        "modelry.source.commit=forged",
        "--label",
        "modelry.metric.recall=1",
        "--label",
        "tier=1",
    ];
    let _ = lab.ok("trainer", &forged);
    let said = lab.says("risk-1", &["export", "mlflow", "churn/1", "-o", "json"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("it is written as `churn`"), "{said:?}");
    let data: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(data["name"], "churn");
    assert_eq!(data["version"]["number"], Value::Null);
    let tags = data["version"]["tags"].as_object().expect("tags");
    assert_eq!(tags["tier"], "1");
    assert!(!tags.contains_key("modelry.source.commit") && !tags.contains_key("modelry.metric.recall"));
    // The name that an import gives to another spelling is believed.
    let _ = lab.ok(
        "admin-1",
        &["group", "update", "churn", "--annotation", "mlflow/name=_churn"],
    );
    let data = lab.ok("risk-1", &["export", "mlflow", "churn/1", "-o", "json"]);
    let data: Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!(
        (&data["name"], &data["version"]["number"]),
        (&json!("_churn"), &json!(1))
    );
}
