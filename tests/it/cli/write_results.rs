//! The JSON of every writing command has one documented shape: done, tried without
//! writing, there already, or refused.

use serde_json::Value;

use crate::support::{Lab, Said};

/// Each writing command in an order in which it can be done, and who does it.
const LINES: &[(&str, &str)] = &[
    ("admin-1", "group create fraud"),
    ("admin-1", "policy approve proposal -m agreed"),
    ("admin-1", "actor add bob --key ../keys/bob.pub"),
    ("admin-1", "actor add-key bob --key ../keys/bob2.pub"),
    ("admin-1", "actor add-account bob github=7"),
    ("trainer", "relay github ../reviews.json churn/1"),
    ("admin-1", "actor remove-account bob github"),
    ("admin-1", "group update fraud --description cards"),
    ("trainer", "register churn --artifact s3://m/2 --without-digest"),
    ("trainer", "evidence add churn/1 e --metric a=1"),
    ("trainer", "card set churn/1 --set limitations=x"),
    ("trainer", "annotate churn/1 --label a=b"),
    ("risk-1", "approve churn/1 -m ok"),
    ("admin-1", "promote churn/1 production -m go"),
    ("admin-1", "rollback churn production --empty -m back"),
    ("risk-1", "archive churn/1 -m old"),
    ("risk-1", "withdraw churn/1 -m no"),
    ("risk-1", "reject churn/2 -m no"),
    ("risk-1", "delete churn/2 -m gone"),
    ("risk-1", "settle"),
    ("admin-1", "team add audit bob"),
    ("admin-1", "team remove audit"),
    ("admin-1", "grant add bob --allow approve --groups fraud"),
    ("admin-1", "grant remove bob --allow approve"),
    ("admin-1", "actor retire bob"),
    ("admin-1", "actor revoke-key BOB"),
    ("admin-1", "import sagemaker ../package.json"),
    ("admin-1", "import mlflow ../export"),
    ("admin-1", "schema update"),
    ("admin-1", "group delete bought -m gone"),
    // These change the clone alone.
    ("admin-1", "trust ROOT"),
    ("admin-1", "hook install"),
    ("admin-1", "hook install --server"),
    ("admin-1", "hook install --uninstall"),
];

fn world() -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    for who in ["bob", "bob2"] {
        let _ = lab.key(who);
    }
    lab.write("../reviews.json", "[]");
    let arn = "arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/bought";
    lab.write(
        "../package.json",
        &format!(r#"{{"ModelPackageGroupName": "bought", "ModelPackageGroupArn": "{arn}"}}"#),
    );
    lab.write(
        "../export/model.json",
        r#"{"mlflow": {"registered_model": {"name": "tracked", "versions": []}}}"#,
    );
    let propose = ["team", "add", "later", "risk-1", "--branch", "proposal"];
    let _ = lab.ok("admin-1", &propose);
    lab
}

struct Shapes {
    result: jsonschema::Validator,
}

impl Shapes {
    fn new() -> Shapes {
        let validator = |schema: &Value| jsonschema::draft202012::new(schema).expect("a schema");
        Shapes {
            result: validator(&modelry::testing::report::event::result_schema()),
        }
    }

    /// Returns the JSON, which has the shape that its exit code asks for.
    #[track_caller]
    fn of(&self, line: &str, said: &Said) -> Option<Value> {
        if said.code == 2 {
            assert_eq!(said.out, "", "{line}: {said:?}");
            return None;
        }
        let value: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{line}: {error}: {said:?}"));
        let faults = |validator: &jsonschema::Validator| -> Vec<String> {
            validator
                .iter_errors(&value)
                .map(|fault| fault.to_string())
                .collect()
        };
        assert_eq!(faults(&self.result), [""; 0], "{line}: {value}");
        assert_eq!(value["refused"].is_null(), said.code == 0, "{line}: {value}");
        assert!([0, 1].contains(&said.code), "{line}: {said:?}");
        Some(value)
    }
}

#[test]
fn each_has_the_shape_of_the_schema() {
    let lab = world();
    let shapes = Shapes::new();
    let print = crate::cli::again::fingerprint(&lab, "bob2");
    let root = lab.root();
    let proposed = |line: &str| line.replace("BOB", &print).replace("ROOT", &root);
    for (who, line) in LINES {
        let line = proposed(line);
        let words: Vec<&str> = line.split(' ').collect();
        let run = |more: &[&str]| lab.says(who, &[&words[..], more, &["-o", "json"]].concat());
        let is_record = !["trust", "hook"].contains(&words[0]);
        let tip = lab.git(&["for-each-ref"]);
        if is_record {
            let dry = shapes.of(&line, &run(&["--dry-run"]));
            if let Some(dry) = dry.filter(|dry| dry["refused"].is_null()) {
                assert_eq!(dry["dryRun"], true, "{line}: {dry}");
                assert_eq!(dry["commit"], Value::Null, "{line}: {dry}");
            }
            assert_eq!(tip, lab.git(&["for-each-ref"]), "{line}");
        }
        let said = run(&[]);
        let done = shapes.of(&line, &said);
        assert!(done.is_some(), "{line} shows no JSON: {said:?}");
        let done = done.unwrap_or_default();
        let moved = tip != lab.git(&["for-each-ref"]);
        assert_eq!(moved, done["commit"].is_string(), "{line}: {done}");
        assert_eq!(
            moved,
            done["objects"].as_array().is_some_and(|all| !all.is_empty()) && done["existing"] == false,
            "{line}: {done}"
        );
        // Again: it is there already, it is refused, or it can't be done.
        let again = shapes.of(&line, &run(&[]));
        if let Some(again) = again.filter(|again| again["refused"].is_null()) {
            let is_there = again["existing"] == true;
            let is_new = again["commit"].is_string() || !is_record;
            assert!(
                is_there || is_new || line.starts_with("settle"),
                "{line}: {again}"
            );
        }
    }
}

#[test]
fn the_first_commit_has_it_too() {
    let shapes = Shapes::new();
    let lab = Lab::empty();
    let said = lab.says("admin-1", &["init", "--actor", "admin-1", "-o", "json"]);
    let value = shapes.of("init", &said).expect("JSON");
    assert_eq!(value["objects"][0]["action"], "registry.created", "{value}");
}

/// By the rules, by the act, and by the reader of a file.
#[test]
fn what_is_refused_has_a_documented_shape() {
    let lab = world();
    let shapes = Shapes::new();
    lab.write("../bad.yaml", "metrics: {a: 1e3}\n");
    for (who, line) in [
        ("trainer", "approve churn/1 -m ok"),
        ("trainer", "group create g2"),
        ("risk-1", "annotate churn/1 --label a=b"),
        ("trainer", "register churn -f ../bad.yaml"),
        (
            "trainer",
            "annotate churn/1 --annotation a=https://u:p@x.example.com/",
        ),
        ("risk-1", "approve churn/1 -m ok --expect 000000000000"),
        ("risk-1", "delete churn/1 -m x"),
        ("admin-1", "promote churn/1 production -m x"),
        ("admin-1", "grant add bob --allow approve --groups *"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        for more in [&[][..], &["--dry-run"]] {
            let said = lab.says(who, &[&words[..], more, &["-o", "json"]].concat());
            assert_ne!(said.code, 0, "{line}: {said:?}");
            let _ = shapes.of(line, &said);
        }
    }
    // A program tells a refusal by one key, and reads the findings there.
    let said = lab.says("trainer", &["group", "create", "g2", "-o", "json"]);
    let value = shapes.of("group create", &said).expect("JSON");
    assert_eq!(value["refused"]["findings"][0]["code"], "MR307", "{value}");
    assert_eq!(
        value["refused"]["why"], "the rules refuse it: 1 finding",
        "{value}"
    );
    // A history that is faulty refuses in the same shape.
    lab.write("groups/churn/x.yaml", "a: 1\n");
    lab.commit("trainer", "stray");
    let said = lab.says(
        "trainer",
        &["annotate", "churn/1", "--label", "a=b", "-o", "json"],
    );
    let value = shapes.of("annotate", &said).expect("JSON");
    assert_eq!(value["refused"]["findings"][0]["code"], "MR101", "{value}");
}

#[test]
fn the_list_of_writing_commands_is_whole() {
    fn leaves(command: &clap::Command, at: &str, all: &mut Vec<String>) {
        if command.get_arguments().any(|one| one.get_id() == "dry_run") {
            all.push(at.trim().to_owned());
        }
        for one in command.get_subcommands() {
            leaves(one, &format!("{at} {}", one.get_name()), all);
        }
    }
    let mut all = Vec::new();
    leaves(&modelry::testing::cli::definition(), "", &mut all);
    assert!(all.len() > 25, "{all:?}");
    let is_listed = |name: &String| {
        LINES
            .iter()
            .any(|(_, line)| *line == name || line.starts_with(&format!("{name} ")))
    };
    let missing: Vec<&String> = all.iter().filter(|name| !is_listed(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
