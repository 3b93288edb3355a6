//! Each kind of folder that mlflow-export-import writes: read whole, or refused
//! by what it is; and what is not understood is named.

use serde_json::{Value, json};

use crate::support::{Lab, Said};

const SERVER: &str = "https://mlflow.example.com";

fn write(lab: &Lab, path: &str, server: &str, mlflow: &Value) {
    let whole = json!({"system": {"mlflow_tracking_uri": server}, "mlflow": mlflow});
    lab.write(&format!("../export/{path}"), &whole.to_string());
}

fn version(number: u64, source: &str) -> Value {
    json!({"name": "fraud", "version": number.to_string(), "source": source, "run_id": format!("r{number}"),
        "current_stage": "Production", "status": "READY", "aliases": ["champion"], "tags": {"team": "risk"}})
}

fn run(number: u64) -> Value {
    json!({"info": {"run_id": format!("r{number}"), "experiment_id": "7"}, "params": {"depth": "6"},
        "metrics": {"auc": [{"value": 0.9, "step": 1, "timestamp": 1}]}, "tags": {"mlflow.source.git.commit": "9f2c0d"}})
}

/// Writes the files of `export-model-version` into a folder.
fn one_version(lab: &Lab, folder: &str, server: &str, number: u64) {
    let at = |file: &str| format!("{folder}{file}");
    let model = json!({"registered_model": {"name": "fraud", "description": "payments",
        "aliases": [{"alias": "champion", "version": "2"}]}});
    write(lab, &at("model.json"), server, &model);
    let told = json!({"model_version": version(number, &format!("s3://models/fraud/{number}"))});
    write(lab, &at("version.json"), server, &told);
    let experiment = json!({"experiment": {"experiment_id": "7", "name": "trials"}});
    write(lab, &at("experiment.json"), server, &experiment);
    write(lab, &at("run/run.json"), server, &run(number));
    lab.write(
        &format!("../export/{folder}run/artifacts/model/MLmodel"),
        "flavors: {}\n",
    );
}

fn import(lab: &Lab, arguments: &[&str]) -> Said {
    lab.says(
        "admin-1",
        &[&["import", "mlflow", "../export"], arguments].concat(),
    )
}

#[test]
fn export_model_version_is_read_whole() {
    let lab = Lab::with_registry();
    one_version(&lab, "", SERVER, 2);
    let told = import(&lab, &[]);
    assert_eq!(told.code, 0, "{told:?}");
    let text = lab.read("groups/fraud/versions/2/version.yaml");
    for part in [
        "s3://models/fraud/2",
        "auc: 0.9",
        "commit: 9f2c0d",
        "mlflow/experiment: trials",
        "mlflow/aliases: champion",
        "team: risk",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(lab.read("groups/fraud/versions/2/card.yaml").contains("depth"));
    assert!(!told.err.contains("not understood"), "{told:?}");
}

#[test]
fn several_of_them_are_one_model() {
    let lab = Lab::with_registry();
    one_version(&lab, "v1/", SERVER, 1);
    one_version(&lab, "v2/", SERVER, 2);
    // The same once more is the same.
    one_version(&lab, "again/", SERVER, 2);
    let told = import(&lab, &[]);
    assert_eq!(told.code, 0, "{told:?}");
    for number in [1, 2] {
        let text = lab.read(&format!("groups/fraud/versions/{number}/version.yaml"));
        assert!(text.contains(&format!("s3://models/fraud/{number}")), "{text}");
    }
    // If the exports disagree, or come from different servers, neither wins.
    let other = json!({"model_version": version(2, "s3://models/other")});
    write(&lab, "again/version.json", SERVER, &other);
    let told = lab.error("admin-1", &["import", "mlflow", "../export"]);
    assert!(
        told.contains("version 2 of `fraud` is exported twice, and not alike") && told.contains("--as NAME"),
        "{told}"
    );
    one_version(&lab, "again/", "https://other.example.com", 3);
    let told = lab.error("admin-1", &["import", "mlflow", "../export"]);
    assert!(
        told.contains("two servers") && told.contains("--as NAME"),
        "{told}"
    );
}

#[test]
fn half_an_export_is_refused() {
    for (gone, words) in [
        (
            "version.json",
            "lists no versions, and there is no `version.json`",
        ),
        ("model.json", "no `model.json` beside it"),
    ] {
        let lab = Lab::with_registry();
        one_version(&lab, "", SERVER, 2);
        std::fs::remove_file(lab.home().join("export").join(gone)).expect("a file");
        let told = lab.error("admin-1", &["import", "mlflow", "../export"]);
        assert!(told.contains(words) && told.contains("export it again"), "{told}");
    }
    let lab = Lab::with_registry();
    one_version(&lab, "", SERVER, 2);
    write(
        &lab,
        "version.json",
        SERVER,
        &json!({"model_version": {"name": "churn", "version": "2"}}),
    );
    let told = lab.error("admin-1", &["import", "mlflow", "../export"]);
    assert!(told.contains("is of model `churn`"), "{told}");
    write(&lab, "version.json", SERVER, &json!({}));
    let told = lab.error("admin-1", &["import", "mlflow", "../export"]);
    assert!(told.contains("holds no model version"), "{told}");
}

#[test]
fn what_is_not_understood_is_named() {
    let lab = Lab::with_registry();
    // As export-all writes it.
    let model =
        json!({"registered_model": {"name": "fraud", "versions": [version(1, "s3://models/fraud/1")]}});
    write(&lab, "models/fraud/model.json", SERVER, &model);
    write(&lab, "models/fraud/r9/run.json", SERVER, &run(9));
    write(&lab, "models/models.json", SERVER, &json!({"models": ["fraud"]}));
    lab.write("../export/models/churn/notes.txt", "left here");
    write(&lab, "models/fraud/m-1/logged_model.json", SERVER, &json!({}));
    // Runs of newer exports are one folder deeper.
    write(&lab, "experiments/7/runs/r1/run.json", SERVER, &run(1));
    write(&lab, "prompts/p/prompt.json", SERVER, &json!({}));
    write(
        &lab,
        "evaluation_datasets/d/evaluation_dataset.json",
        SERVER,
        &json!({}),
    );
    write(&lab, "manifest.json", SERVER, &json!({}));
    lab.write("../export/.DS_Store", "x");
    let told = import(&lab, &[]);
    assert_eq!(told.code, 0, "{told:?}");
    for note in [
        "`prompts` holds prompts, which are no models: left out",
        "`evaluation_datasets` holds evaluation datasets",
        "`models/churn` holds no `model.json`: left out",
        "`models/churn/notes.txt` is not understood: left out",
        "`models/fraud/m-1/logged_model.json` is not understood: left out",
        "`models/fraud/r9/run.json` is the run of no version here: left out",
    ] {
        assert!(told.err.contains(note), "{note}: {}", told.err);
    }
    for quiet in ["manifest", "models.json", "DS_Store", "experiments/"] {
        assert!(!told.err.contains(quiet), "{quiet}: {}", told.err);
    }
    assert!(
        lab.read("groups/fraud/versions/1/version.yaml")
            .contains("auc: 0.9")
    );
}

#[test]
fn folders_of_other_kinds_are_refused_by_their_kind() {
    for (file, words) in [
        ("run.json", "is what `export-run` wrote"),
        ("experiment.json", "is what `export-experiment` wrote"),
        ("experiments.json", "is what `export-experiments` wrote"),
        ("logged_model.json", "a logged model, and no registered model"),
        ("prompt.json", "a prompt, and no registered model"),
        ("traces.json", "traces, and no registered model"),
        ("evaluation_dataset.json", "an evaluation dataset"),
        ("anything.json", "holds no `model.json`"),
    ] {
        let lab = Lab::with_registry();
        write(&lab, file, SERVER, &json!({}));
        let told = lab.error("admin-1", &["import", "mlflow", "../export"]);
        assert!(
            told.contains(words) && told.contains("export-model-version"),
            "{file}: {told}"
        );
    }
}
