//! Invisible characters in any text of a model in MLflow: no import fails because of
//! one, and the kept text shows it.

use serde_json::{Value, json};

use crate::support::{Lab, texts};

/// A control character, a bidirectional override, a tab, and what joins emoji.
const HIDDEN: &str = "\u{1b}[2J\u{202e}\tx\u{200d}y";

fn model() -> Value {
    json!({"system": {"mlflow_tracking_uri": "http://127.0.0.1:5000"}, "info": {},
    "mlflow": {"registered_model": {
        "name": "fraud", "description": "payments", "creation_timestamp": 1_772_359_200_000_i64,
        "tags": [{"key": "tier", "value": "1"}, {"key": "cost centre", "value": "42"}],
        "aliases": [{"alias": "champion", "version": "1"}],
        "novel": "kept",
        "versions": [{
            "name": "fraud", "version": "1", "description": "first", "source": "s3://models/fraud/1",
            "run_id": "r1", "run_link": "https://runs.example.com/1", "user_id": "trainer",
            "current_stage": "Staging", "status": "PENDING_REGISTRATION", "status_message": "soon",
            "model_id": "m-1", "novel": "kept", "_experiment_name": "trial",
            "tags": [{"key": "team", "value": "risk"}],
            "params": [{"key": "depth", "value": "6"}],
            "metrics": [{"key": "auc", "value": "0.9"}],
        }],
    }}})
}

fn run() -> Value {
    json!({"mlflow": {
        "info": {"run_id": "r1", "experiment_id": "7", "user_id": "trainer"},
        "params": {"eta": "0.3"},
        "metrics": {"loss": [{"value": "0.1", "step": 1, "timestamp": 1}]},
        "tags": {"mlflow.source.git.commit": "9f2c0d", "mlflow.gitRepoURL": "https://git.example.com/fraud",
                 "note": "by hand"},
    }})
}

#[test]
fn in_any_text_of_mlflow_what_nobody_sees_is_spelled_out() {
    let lab = Lab::with_registry();
    let mut paths = Vec::new();
    texts(&model(), "model", &mut paths);
    texts(&run(), "run", &mut paths);
    // A number as text, what finds the run, and what the tracking server is.
    let fixed = ["/version", "/run_id", "/mlflow_tracking_uri"];
    paths.retain(|path| !fixed.iter().any(|end| path.ends_with(end)));
    assert!(paths.len() > 25, "{paths:?}");
    let mut failed = Vec::new();
    for path in &paths {
        let (mut model, mut run) = (model(), run());
        let (part, inner) = path.split_once('/').expect("a path");
        let inner = format!("/{inner}");
        let text = match part {
            "model" => model.pointer_mut(&inner),
            _ => run.pointer_mut(&inner),
        };
        let text = text.expect("a text");
        *text = json!(format!("{}{HIDDEN}", text.as_str().expect("a text")));
        lab.write("../tree/model.json", &model.to_string());
        lab.write("../tree/r1/run.json", &run.to_string());
        let said = lab.says("admin-1", &["import", "mlflow", "../tree", "--dry-run"]);
        if said.code != 0 || said.out.contains('\u{1b}') || said.err.contains('\u{1b}') {
            failed.push(format!("{path}: {said:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
