//! Every field of a version's spec, through every entrance that it has: the same value
//! has the same verdict.

use std::collections::BTreeSet;

use modelry::testing::record::kind::Kind;
use modelry::testing::record::schema;
use serde_json::{Map, Value, json};

use crate::records::entrances::Desk;
use crate::support::Said;

const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// One field that holds no others.
pub(super) struct Field {
    /// Its path in the spec; `0` means an item of a list, `k1` a free key.
    pub(super) path: Vec<String>,
    pub(super) schema: Value,
}

impl Field {
    pub(super) fn pointer(&self) -> String {
        self.pointer_in("/spec")
    }

    pub(super) fn pointer_in(&self, within: &str) -> String {
        format!("{within}/{}", self.path.join("/"))
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.schema["type"] == kind
    }

    /// A value that the field may have.
    pub(super) fn sample(&self) -> Value {
        let name = self.path.last().map_or("", String::as_str);
        if let Some(words) = self.schema["enum"].as_array() {
            return words[0].clone();
        }
        match (self.schema["type"].as_str(), name) {
            (Some("integer"), _) => json!(7),
            (Some("number"), _) => json!(0.5),
            (Some("boolean"), _) => json!(true),
            (_, "uri" | "output" | "repository") => json!("s3://models/x"),
            (_, "image") => json!(format!("registry.example.com/x@{DIGEST}")),
            _ if self.schema.get("pattern").is_some() => json!(DIGEST),
            _ => json!("word"),
        }
    }
}

/// All fields of the spec, from its schema.
fn fields() -> Vec<Field> {
    let whole = schema::schema(Kind::ModelVersion);
    let mut out = Vec::new();
    walk(whole, &whole["properties"]["spec"], &mut Vec::new(), &mut out);
    out
}

pub(super) fn walk(whole: &Value, at: &Value, path: &mut Vec<String>, out: &mut Vec<Field>) {
    if let Some(name) = at.get("$ref").and_then(Value::as_str) {
        let target = whole.pointer(name.trim_start_matches('#')).expect("a definition");
        return walk(whole, target, path, out);
    }
    if let Some(forms) = at.get("anyOf").and_then(Value::as_array) {
        let real = forms.iter().find(|form| form["type"] != "null");
        return walk(whole, real.expect("a form"), path, out);
    }
    let mut below = |name: &str, schema: &Value| {
        path.push(name.to_owned());
        walk(whole, schema, path, out);
        let _ = path.pop();
    };
    if let Some(members) = at.get("properties").and_then(Value::as_object) {
        for (name, schema) in members {
            below(name, schema);
        }
    } else if let Some(items) = at.get("items") {
        below("0", items);
    } else if at["type"] == "object" {
        let patterns = at.get("patternProperties").and_then(Value::as_object);
        let member = patterns.and_then(|patterns| patterns.values().next());
        below("k1", member.unwrap_or(&at["additionalProperties"]));
    } else {
        out.push(Field {
            path: path.clone(),
            schema: at.clone(),
        });
    }
}

/// Puts a value into a spec.
pub(super) fn put(spec: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *spec = value;
        return;
    };
    let inner = if first == "0" {
        if !spec.is_array() {
            *spec = json!([{}]);
        }
        &mut spec[0]
    } else {
        if !spec.is_object() {
            *spec = json!({});
        }
        let members = spec.as_object_mut().expect("a mapping");
        members.entry(first.clone()).or_insert(Value::Null)
    };
    put(inner, rest, value);
}

/// A spec in which every field has a value that is fine.
pub(super) fn whole(fields: &[Field]) -> Value {
    let mut spec = json!({});
    for field in fields {
        put(&mut spec, &field.path, field.sample());
    }
    spec
}

/// A spec as a whole record by hand, as YAML; as what is given to `register`, too.
fn yaml(spec: &Value) -> String {
    let record = json!({
        "apiVersion": "modelry/v1", "kind": "ModelVersion", "group": "churn", "version": 2,
        "status": "Pending", "by": "trainer", "spec": spec,
    });
    modelry::testing::record::yaml::spelled(None, &record)
}

fn given(spec: &Value) -> Map<String, Value> {
    Map::from_iter([("spec".to_owned(), spec.clone())])
}

/// The verdict of each entrance: whether it takes the spec, and the places in the spec
/// that it finds fault with.
fn verdicts(desk: &Desk, spec: &Value) -> Vec<(&'static str, bool, BTreeSet<String>, Said)> {
    let json = ["register", "churn", "-o", "json"];
    let text = Value::Object(given(spec));
    let as_yaml = modelry::testing::record::yaml::spelled(None, &text);
    let as_json = serde_json::to_string_pretty(&text).expect("JSON");
    let path = "groups/churn/versions/2/version.yaml";
    let all = [
        ("file", desk.file(&json, &as_yaml)),
        ("input", desk.input(&json, &as_yaml)),
        ("json", desk.file(&json, &as_json)),
        ("hand", by_hand(desk, path, &yaml(spec))),
    ];
    all.map(|(entrance, (accepted, said))| {
        let report: Value = serde_json::from_str(&said.out).unwrap_or_default();
        // A command that writes tells them in its result, and a judgement in a report.
        let told = report.get("refused").unwrap_or(&report);
        let findings = told["findings"].as_array().cloned().unwrap_or_default();
        let places = findings.iter().filter(|finding| {
            let code = finding["code"].as_str().unwrap_or_default();
            code.starts_with("MR0") || code.starts_with("MR1")
        });
        let places = places
            .map(|finding| finding["pointer"].as_str().unwrap_or_default().to_owned())
            .collect();
        (entrance, accepted, places, said)
    })
    .into()
}

pub(super) fn by_hand(desk: &Desk, path: &str, text: &str) -> (bool, Said) {
    desk.lab.write(path, text);
    let said = desk.lab.says("trainer", &["validate", "-o", "json"]);
    let _ = desk.lab.git(&["reset", "-q", "--hard"]);
    let _ = desk.lab.git(&["clean", "-qfd"]);
    (!said.out.contains("\"MR0") && !said.out.contains("\"MR1"), said)
}

#[track_caller]
fn agree(desk: &Desk, spec: &Value, what: &str) -> (bool, BTreeSet<String>) {
    let all = verdicts(desk, spec);
    let (_, accepted, places, _) = &all[0];
    for (entrance, other, there, said) in &all {
        assert_eq!(
            (other, there),
            (accepted, places),
            "{what} by {entrance}: {}{}",
            said.out,
            said.err
        );
    }
    (*accepted, places.clone())
}

#[test]
fn every_field_of_a_spec_has_one_verdict() {
    let desk = Desk::open();
    let fields = fields();
    assert!(fields.len() > 100, "the schema has {} fields", fields.len());
    let good = whole(&fields);
    let (accepted, places) = agree(&desk, &good, "a whole spec");
    assert!(accepted, "{places:?}");
    // A number for each text, and a text for each other value. A report lists 100
    // findings of a folder.
    for batch in fields.chunks(40) {
        let mut spec = good.clone();
        for field in batch {
            let bad = match field.is("string") {
                true => json!(7),
                false => json!("seven"),
            };
            put(&mut spec, &field.path, bad);
        }
        let (accepted, places) = agree(&desk, &spec, "each field with a bad value");
        assert!(!accepted);
        for field in batch {
            assert!(
                places.contains(&field.pointer()),
                "{} is not in {places:?}",
                field.pointer()
            );
        }
    }
    // Empty texts, texts that are too long for all but a few fields, and texts with a
    // character that is not seen.
    for bad in [json!(""), json!("x".repeat(20_000)), json!("bell\u{7}")] {
        for batch in fields.chunks(40) {
            let mut spec = good.clone();
            for field in batch.iter().filter(|field| field.is("string")) {
                put(&mut spec, &field.path, bad.clone());
            }
            let _ = agree(&desk, &spec, "texts of another length");
        }
    }
}

#[test]
fn every_number_of_a_spec_has_one_verdict_at_its_edges() {
    let desk = Desk::open();
    let fields = fields();
    let good = whole(&fields);
    let numbers: Vec<&Field> = fields
        .iter()
        .filter(|field| field.is("integer") || field.is("number"))
        .collect();
    assert!(numbers.len() >= 7, "{}", numbers.len());
    // JSON's readers would round the larger ones: they are put in as text.
    let spellings = [
        "0",
        "1",
        "-1",
        "1.5",
        "2.0",
        "100000",
        "100001",
        "9007199254740992",
        "9007199254740993",
        "18446744073709551617",
        "9007199254740992.5",
        "1.0e+400",
        "-0",
    ];
    for spelling in spellings {
        // All fields of a kind have the same bounds.
        let mut seen = BTreeSet::new();
        for field in &numbers {
            if !seen.insert(field.schema.to_string()) {
                continue;
            }
            let mut spec = good.clone();
            put(&mut spec, &field.path, json!("NUMBER"));
            let fill = |text: String| text.replace("\"NUMBER\"", "NUMBER").replace("NUMBER", spelling);
            let text = Value::Object(given(&spec));
            let path = "groups/churn/versions/2/version.yaml";
            let as_json = serde_json::to_string(&text).expect("JSON");
            let all = [
                (
                    "file",
                    desk.file(
                        &["register", "churn"],
                        &fill(modelry::testing::record::yaml::spelled(None, &text)),
                    ),
                ),
                ("json", desk.file(&["register", "churn"], &fill(as_json))),
                ("hand", by_hand(&desk, path, &fill(yaml(&spec)))),
            ];
            let first = all[0].1.0;
            for (entrance, (accepted, said)) in &all {
                assert_eq!(
                    *accepted,
                    first,
                    "{spelling} in {} by {entrance}: {}{}",
                    field.pointer(),
                    said.out,
                    said.err
                );
            }
            let is_exact = ![
                "9007199254740993",
                "18446744073709551617",
                "9007199254740992.5",
                "1.0e+400",
                "-0",
            ]
            .contains(&spelling);
            assert!(is_exact || !first, "{spelling} in {} is rounded", field.pointer());
        }
    }
}

/// The flags of `register` that write a field, with the field.
const FLAGS: [(&str, &str); 9] = [
    ("--image", "/inference/containers/0/image"),
    ("--artifact-uri", "/inference/containers/0/artifact/uri"),
    ("--framework", "/inference/containers/0/framework"),
    ("--framework-version", "/inference/containers/0/frameworkVersion"),
    ("--content-type", "/inference/contentTypes/0"),
    ("--response-type", "/inference/responseTypes/0"),
    ("--source-repository", "/source/repository"),
    ("--source-commit", "/source/commit"),
    ("--training-job", "/source/trainingJob"),
];

#[test]
fn a_flag_has_the_verdict_of_its_field() {
    let desk = Desk::open();
    std::fs::write(desk.lab.home().join("m.bin"), "weights").expect("a file");
    let fields = fields();
    for (flag, pointer) in FLAGS {
        let field = fields
            .iter()
            .find(|field| field.pointer() == format!("/spec{pointer}"));
        let field = field.unwrap_or_else(|| panic!("no field {pointer}"));
        let sample = field.sample().as_str().expect("text").to_owned();
        for (value, good) in [
            (sample, true),
            ("bell\u{7}".to_owned(), false),
            ("over\u{202e}".to_owned(), false),
            ("x".repeat(20_000), false),
        ] {
            let mut line = vec!["register", "churn", "--artifact", "../m.bin", flag, &value];
            if flag != "--artifact-uri" {
                line.extend(["--artifact-uri", "s3://models/m"]);
            }
            let (accepted, said) = desk.flag(&line);
            assert_eq!(accepted, good, "{flag} {value:.20?}: {}{}", said.out, said.err);
            let mut spec = json!({});
            let container = json!([{"artifact": {"uri": "s3://models/m", "digest": DIGEST}}]);
            put(&mut spec, &["inference".into(), "containers".into()], container);
            put(&mut spec, &field.path, json!(value));
            let (accepted, places) = agree(&desk, &spec, flag);
            assert_eq!(accepted, good, "{flag} {value:.20?}: {places:?}");
        }
    }
}

/// A hyperparameter is shown as it was written, whichever way it came.
#[test]
fn hyperparameters_keep_their_spelling() {
    let desk = Desk::open();
    let lab = &desk.lab;
    let yaml = "training:\n  hyperparameters:\n    lr: 0.10\n    momentum: 0.900\n    decay: 1.50e-4\n    layers: 3\n    bias: true\n    name: adam\n    words: \"0.30\"\n";
    let json = r#"{"training": {"hyperparameters": {"lr": 0.10, "momentum": 0.900, "decay": 1.50e-4, "layers": 3, "bias": true, "name": "adam", "words": "0.30"}}}"#;
    let path = lab.home().join("card");
    let path = path.to_string_lossy().into_owned();
    let file = "groups/churn/versions/1/card.yaml";
    let spelled = [
        "lr: 0.10\n",
        "momentum: 0.900\n",
        "decay: 1.50e-4\n",
        "layers: 3\n",
        "words: \"0.30\"\n",
    ];
    let shown = |lab: &crate::support::Lab| {
        for line in [
            &["card", "show", "churn/1"][..],
            &["card", "render", "churn/1"],
            &["card", "render", "churn/1", "-o", "html"],
            &["card", "render", "churn/1", "-o", "json"],
        ] {
            let out = lab.ok("trainer", line);
            for number in ["0.10", "0.900", "1.50e-4", "0.30"] {
                assert!(out.contains(number), "{number} is not in {line:?}: {out}");
            }
        }
    };
    for text in [yaml, json] {
        let copy = lab.copy();
        std::fs::write(&path, text).expect("a file");
        let _ = copy.ok("trainer", &["card", "set", "churn/1", "-f", &path]);
        let card = copy.read(file);
        for line in spelled {
            assert!(card.contains(line), "{line} is not in {card}");
        }
        shown(&copy);
        copy.check();
        // A section beside it leaves the spelling, and one that is set again keeps it.
        let _ = copy.ok(
            "trainer",
            &["card", "set", "churn/1", "--set", "limitations=none"],
        );
        std::fs::write(&path, text.replace("0.10", "0.20")).expect("a file");
        let _ = copy.ok("trainer", &["card", "set", "churn/1", "-f", &path]);
        assert!(copy.read(file).contains("lr: 0.20\n"), "{}", copy.read(file));
    }
    // By flag: the same, a number as a number. Quotes of its own make it text.
    let copy = lab.copy();
    let mut set = vec!["card", "set", "churn/1"];
    for pair in [
        "training.hyperparameters.lr=0.10",
        "training.hyperparameters.momentum=0.900",
        "training.hyperparameters.decay=1.50e-4",
        "training.hyperparameters.layers=3",
        "training.hyperparameters.bias=true",
        "training.hyperparameters.name=adam",
        "training.hyperparameters.words=\"0.30\"",
    ] {
        set.extend(["--set", pair]);
    }
    let _ = copy.ok("trainer", &set);
    let card = copy.read(file);
    for line in spelled.iter().chain(&["bias: true\n", "name: adam\n"]) {
        assert!(card.contains(line), "{line} is not in {card}");
    }
    shown(&copy);
    copy.check();
    for pair in ["training.hyperparameters.x=1e-05", "training.metrics.auc=1e3"] {
        let _ = copy.ok("trainer", &["card", "set", "churn/1", "--set", pair]);
    }
    let card = copy.read(file);
    assert!(
        card.contains("x: 1.0e-5\n") && card.contains("auc: 1000.0\n"),
        "{card}"
    );
    let _ = copy.error(
        "trainer",
        &["card", "set", "churn/1", "--set", "training.metrics.auc=high"],
    );
    // By hand.
    let body = yaml.replace("training", "revision: 1\ntraining");
    lab.write(
        file,
        &format!(
            "apiVersion: modelry/v1\nkind: ModelCard\ngroup: churn\nversion: 1\nby: trainer\nauthors: [trainer]\n{body}"
        ),
    );
    lab.commit("trainer", "A card by hand");
    shown(lab);
    lab.check();
}

/// A number that a double rounds is kept as text, or refused, and never rounded.
#[test]
fn numbers_of_sagemaker_and_mlflow_are_not_rounded() {
    let desk = Desk::open();
    let lab = &desk.lab;
    let arn = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/fraud/1";
    let digits = "18446744073709551617";
    let more = "9007199254740993";
    let package = json!({
        "ModelPackageGroupName": "fraud", "ModelPackageVersion": 1, "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed", "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": "https://models.example.com/1.tar.gz"}]},
        "Rows": "ROWS", "More": "MORE",
    });
    let content = json!({
        "model_overview": {"model_id": arn},
        "training_details": {"training_job_details": {
            "user_provided_training_metrics": [{"name": "rows", "value": "ROWS"}],
        }},
    });
    let fill = |text: String| {
        text.replace("\"ROWS\"", digits)
            .replace("\"MORE\"", more)
            .replace("\\\"ROWS\\\"", digits)
    };
    let card = json!({"ModelCardName": "fraud", "ModelCardStatus": "Approved", "Content": fill(content.to_string())});
    let path = lab.home().join("sagemaker.json");
    std::fs::write(&path, format!("{}\n{card}\n", fill(package.to_string()))).expect("a file");
    let said = lab.says("admin-1", &["import", "sagemaker", &path.to_string_lossy()]);
    assert_eq!(said.code, 0, "{said:?}");
    let version = lab.read("groups/fraud/versions/1/version.yaml");
    assert!(version.contains(digits) && version.contains(more), "{version}");
    let card = lab.read("groups/fraud/versions/1/card.yaml");
    assert!(card.contains(digits), "{card}");
    for text in [&version, &card] {
        assert!(!text.contains("1.8446744073709552e"), "{text}");
    }
    lab.check();
}
