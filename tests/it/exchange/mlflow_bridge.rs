//! Import of models from MLflow, and export of versions to it: a real server, its
//! real client, and real output of mlflow-export-import.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::golden::golden;
use crate::support::needs::needs;
use crate::support::port::free_port;
use crate::support::python::Packages;
use crate::support::server::{Reply, Server};
use crate::support::{Lab, said};

/// MLflow's server and client, and the tool that exports from it, which needs
/// tabulate and does not say so.
const MLFLOW: Packages = Packages {
    folder: "python-mlflow",
    imports: "import importlib.util as u; assert all(u.find_spec(n) for n in ('mlflow.server.handlers', 'mlflow_export_import', 'tabulate'))",
    names: &["mlflow", "mlflow-export-import", "tabulate"],
    options: &[],
};

/// MLflow sends telemetry from a thread that changes the environment while others
/// read it, so its client sometimes fails.
const NO_TELEMETRY: [(&str, &str); 2] = [("MLFLOW_DISABLE_TELEMETRY", "true"), ("DO_NOT_TRACK", "true")];

/// A server with a database of its own, until the test ends.
struct Mlflow {
    child: Child,
    client: Child,
    address: String,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

/// One process for all that the client does: to import MLflow takes seconds.
const CLIENT: &str = "
import contextlib, io, json, logging, sys, traceback, warnings
logging.disable(logging.CRITICAL)
warnings.simplefilter('ignore')
lines, out = sys.stdin, sys.stdout
for line in lines:
    job, said, error = json.loads(line), io.StringIO(), None
    sys.stdin = io.StringIO(job['input'])
    try:
        with contextlib.redirect_stdout(said):
            exec(compile(job['script'], 'job', 'exec'), {})
    except BaseException:
        error = traceback.format_exc()
    out.write(json.dumps({'said': said.getvalue(), 'error': error}) + '\\n')
    out.flush()
";

impl Mlflow {
    fn start(folder: &Path) -> Mlflow {
        let port = free_port();
        let child = MLFLOW
            .python3()
            .args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"])
            .args(["--port", &port.to_string()])
            .args([
                "--backend-store-uri",
                &format!("sqlite:///{}/mlflow.db", folder.display()),
            ])
            .args([
                "--artifacts-destination",
                &folder.join("artifacts").to_string_lossy(),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(folder)
            .envs(NO_TELEMETRY)
            // Its workers end with it.
            .process_group(0)
            .spawn()
            .expect("python3");
        let address = format!("http://127.0.0.1:{port}");
        let mut client = MLFLOW
            .python3()
            .args(["-c", CLIENT])
            .env("MLFLOW_TRACKING_URI", &address)
            .envs(NO_TELEMETRY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let pipes = (
            client.stdin.take().expect("a pipe"),
            client.stdout.take().map(BufReader::new).expect("a pipe"),
        );
        let mlflow = Mlflow {
            child,
            client,
            address,
            pipes: Mutex::new(pipes),
        };
        let begun = Instant::now();
        while !mlflow.answers(port) {
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "MLflow does not start"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
        mlflow
    }

    fn answers(&self, port: u16) -> bool {
        use std::io::Read;
        let ask = || -> std::io::Result<String> {
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
            stream.write_all(b"GET /health HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
            let mut told = String::new();
            stream.read_to_string(&mut told)?;
            Ok(told)
        };
        ask().is_ok_and(|told| told.contains("200 OK"))
    }

    /// MLflow's own client at work over a value; the JSON that it prints last.
    fn client(&self, script: &str, input: &Value) -> Value {
        let mut pipes = self.pipes.lock().expect("the client");
        let (write, read) = &mut *pipes;
        writeln!(write, "{}", json!({"script": script, "input": input.to_string()})).expect("the client");
        let mut line = String::new();
        read.read_line(&mut line).expect("the client");
        let told = json_of(&line);
        assert_eq!(
            told["error"],
            Value::Null,
            "{}",
            told["error"].as_str().unwrap_or_default()
        );
        json_of(
            told["said"]
                .as_str()
                .and_then(|said| said.lines().last())
                .unwrap_or_default(),
        )
    }

    /// The client, run over a program.
    fn program(&self, text: &str) -> Value {
        self.client(text, &json!(null))
    }
}

impl Drop for Mlflow {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["--", &group]).status();
        let _ = self.child.wait();
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

const REGISTER: &str = "
import json, math, sys
from mlflow import MlflowClient
client = MlflowClient()
experiment = client.create_experiment('fraud')
client.create_registered_model('Fraud Detector_v2', tags={'team': 'risk', 'odd key': 'v'}, description='scores payments')
client.create_registered_model('churn')
runs = []
for n in range(4):
    run = client.create_run(experiment, tags={'mlflow.source.git.commit': 'a' * 40, 'mlflow.user': 'trainer',
        'mlflow.source.git.repoURL': 'https://who:secret@git.example.com/fraud.git', 'squad': 'red'}).info.run_id
    client.log_metric(run, 'auc', 0.5)
    client.log_metric(run, 'auc', 0.9 + n / 100, step=1)
    client.log_metric(run, 'val loss', 0.125)
    client.log_metric(run, 'broken', math.nan)
    client.log_metric(run, 'endless', math.inf)
    client.log_param(run, 'max_depth', n)
    client.create_model_version('Fraud Detector_v2', f's3://models/fraud/{n}', run_id=run,
        tags={'tier': 'gold', 'note': 'two\\nlines'}, description=f'number {n}')
    runs.append(run)
client.create_model_version('churn', 'models:/Fraud Detector_v2/1')
client.delete_model_version('Fraud Detector_v2', '3')
client.set_registered_model_alias('Fraud Detector_v2', 'champion', '2')
client.set_registered_model_alias('Fraud Detector_v2', 'Odd_1', '2')
client.transition_model_version_stage('Fraud Detector_v2', '1', 'Archived')
client.transition_model_version_stage('Fraud Detector_v2', '4', 'Production')
print(json.dumps(runs))
";

const EXPORT: &str = "
import json, sys
folder = json.load(sys.stdin)
from mlflow import MlflowClient
from mlflow_export_import.bulk.export_models import export_models
from mlflow_export_import.model.export_model import ModelExporter
export_models(MlflowClient(), 'Fraud Detector_v2', folder + '/many', stages=None)
ModelExporter(MlflowClient()).export_model('Fraud Detector_v2', folder + '/one')
print('null')
";

const READ_BACK: &str = "
import json, sys
from mlflow import MlflowClient
client = MlflowClient()
out = {}
for name in json.load(sys.stdin):
    model = client.get_registered_model(name)
    versions = client.search_model_versions(f\"name='{name}'\")
    out[name] = {'description': model.description, 'tags': model.tags,
        'aliases': {alias: int(version) for alias, version in model.aliases.items()},
        'versions': {v.version: {'source': v.source, 'description': v.description, 'tags': v.tags, 'run': v.run_id} for v in versions}}
print(json.dumps(out))
";

const MOVE: &str = "
from mlflow import MlflowClient
MlflowClient().set_registered_model_alias('Fraud Detector_v2', 'champion', '4')
print('null')
";

#[track_caller]
fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An importer who is an administrator, and may make groups.
#[track_caller]
fn import(lab: &Lab, arguments: &[&str]) -> String {
    lab.ok("admin-1", &[&["import", "mlflow"], arguments].concat())
}

#[test]
#[ignore = "needs Python packages: mlflow, mlflow-export-import, tabulate"]
fn models_of_a_real_server_come_and_go() {
    needs![MLFLOW];
    let lab = Lab::with_registry();
    let mlflow = Mlflow::start(lab.home());
    let runs = mlflow.client(REGISTER, &json!(null));
    let address = mlflow.address.as_str();

    // A plan, and nothing else.
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let plan = import(&lab, &[address, "--dry-run", "--rename", "churn=churn-2"]);
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), tip);
    let arrivals = plan
        .lines()
        .filter(|line| line.starts_with("  Fraud-Detector-v2") || line.contains("Pending"));
    let arrivals = arrivals.collect::<Vec<_>>().join("\n");
    golden(
        "fixtures/imports/mlflow-plan.txt",
        &lab.scrub(&format!("{arrivals}\n").replace(address, "http://HOST")),
    );

    // One commit, and nothing more the second time.
    let _ = import(&lab, &[address, "--rename", "churn=churn-2"]);
    assert_eq!(lab.git(&["rev-list", "--count", &format!("{tip}..HEAD")]), "1");
    let there = json_of(&import(
        &lab,
        &[address, "--rename", "churn=churn-2", "-o", "json"],
    ));
    assert_eq!(there["changes"], json!([]));
    for group in there["plan"]["groups"].as_array().expect("groups") {
        for version in group["versions"].as_array().expect("versions") {
            assert_eq!((&version["differs"], &version["notes"]), (&json!([]), &json!([])));
        }
    }
    assert_eq!(lab.git(&["rev-list", "--count", &format!("{tip}..HEAD")]), "1");
    lab.check();
    assert!(lab.says("admin-1", &["audit"]).code == 0);

    // Everything that has a place is in it.
    let two = json_of(&lab.ok("risk-1", &["show", "Fraud-Detector-v2/4", "-o", "json"]));
    let record = &two["record"];
    assert_eq!(
        record["spec"],
        json!({
            "artifacts": [{"uri": "s3://models/fraud/3", "type": "folder"}],
            "metrics": {"auc": 0.93, "val_loss": 0.125},
            "source": {
                "repository": "https://git.example.com/fraud.git",
                "commit": "a".repeat(40),
                "trainingJob": format!("runs:/{}", runs[3].as_str().expect("a run")),
                "project": "experiments/1",
            },
        })
    );
    assert_eq!(record["status"], "Pending");
    assert_eq!(record["labels"], json!({"tier": "gold"}));
    assert_eq!(
        two["card"]["training"]["hyperparameters"],
        json!({"max_depth": "3"})
    );
    let kept = |key: &str| record["annotations"][key].clone();
    assert_eq!(kept("imported/status"), "Production");
    assert_eq!(kept("mlflow/tag/note"), "two\nlines");
    assert_eq!(kept("mlflow/experiment"), "fraud");
    assert_eq!(kept("mlflow/run/squad"), "red");
    assert_eq!(kept("mlflow/metric/broken"), "NaN");
    let old = json_of(&lab.ok("risk-1", &["show", "churn-2/1", "-o", "json"]));
    assert_eq!(
        old["record"]["annotations"]["mlflow/source"],
        "models:/Fraud Detector_v2/1"
    );
    assert_eq!(
        old["record"]["spec"]["artifacts"][0]["uri"],
        "s3://models/fraud/0"
    );
    // The digest of its content is not known, so a review would have no effect, and
    // is refused.
    let said = lab.says("risk-1", &["approve", "churn-2/1", "-m", "fine"]);
    assert!(
        said.code == 1 && said.err.contains("it lacks a digest of artifacts.0"),
        "{said:?}"
    );
    let old = json_of(&lab.ok("risk-1", &["show", "churn-2/1", "-o", "json"]));
    assert_eq!(old["status"], "Pending");

    // The folders that mlflow-export-import writes say the same.
    mlflow.client(EXPORT, &json!(lab.home()));
    for folder in ["many", "one"] {
        let folder = lab.home().join(folder);
        let again = json_of(&import(&lab, &[&folder.to_string_lossy(), "-o", "json"]));
        assert_eq!(again["changes"], json!([]), "{again:#}");
        let versions = again["plan"]["groups"][0]["versions"]
            .as_array()
            .expect("versions");
        assert_eq!(versions.len(), 3, "{again:#}");
        let fresh = Lab::with_registry();
        let _ = import(&fresh, &[&folder.to_string_lossy()]);
        let here = json_of(&fresh.ok("risk-1", &["show", "Fraud-Detector-v2/4", "-o", "json"]));
        for member in ["spec", "labels", "annotations", "description"] {
            assert_eq!(here["record"][member], record[member], "{}", folder.display());
        }
        fresh.check();
    }

    // And back, by MLflow's client: what came from there is not made again.
    let program = lab.ok("risk-1", &["export", "mlflow", "Fraud-Detector-v2/4"]);
    let state = |told: Value| {
        (
            told["version"].as_u64(),
            told["state"].as_str().map(str::to_owned),
        )
    };
    assert_eq!(state(mlflow.program(&program)), (Some(4), Some("there".into())));

    // A later move there is reported, and not imported.
    mlflow.client(MOVE, &json!(null));
    let again = import(&lab, &[address, "--rename", "churn=churn-2"]);
    for told in [
        "Fraud-Detector-v2/4 differs there, and is not taken: annotations.mlflow/aliases; `modelry annotate Fraud-Detector-v2/4 --annotation KEY=VALUE` takes it",
        "Fraud-Detector-v2/4 alias `champion` was on Fraud-Detector-v2/4; no stage `champion` in the policy",
    ] {
        assert!(again.contains(told), "{again}");
    }

    goes_there(&mlflow);
}

/// Text that wants to be more than text.
const HOSTILE: &str = "'''\n\"\"\"\\'); import os; os._exit(7) #{}%s é 😀";

/// A version of ours that MLflow has never seen, and its life there.
fn goes_there(mlflow: &Mlflow) {
    let lab = Lab::with_registry();
    let digest = format!("sha256:{}", "a".repeat(64));
    // An address holds no line end (MR112); description and label do.
    let uri = format!("s3://models/{}", HOSTILE.replace('\n', " "));
    let spec = json!({"artifacts": [{"uri": uri, "digest": digest}], "metrics": {"auc": 0.5}});
    lab.write("../spec.json", &spec.to_string());
    let label = format!("tier={HOSTILE}");
    let mut words = vec![
        "register",
        "churn",
        "-f",
        "../spec.json",
        "--description",
        HOSTILE,
    ];
    words.extend(["--label", &label, "--label", "a=b", "--label", "x@y=z"]);
    let _ = lab.ok("trainer", &words);
    let _ = lab.ok("admin-1", &["group", "update", "churn", "--label", "owner=risk"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.change_policy("stages:\n", "stages:\n  - name: v1\n  - name: pre.live\n");
    let grant = [
        "grant",
        "add",
        "team:risk",
        "--allow",
        "promote",
        "--groups",
        "*",
        "--stages",
    ];
    let _ = lab.ok("admin-1", &[&grant[..], &["production,v1,pre.live"]].concat());
    let _ = lab.ok(
        "risk-1",
        &["promote", "churn/1", "production", "v1", "pre.live", "-m", "go"],
    );

    nothing_half_made(mlflow, &lab);
    let program = || lab.ok("risk-1", &["export", "mlflow", "churn@production"]);
    let told = mlflow.program(&program());
    let left_out = json!(["alias pre.live", "alias v1"]);
    assert_eq!(
        told,
        json!({"name": "churn", "version": 2, "state": "created", "aliases": ["production"], "leftOut": left_out})
    );
    let data = json_of(&lab.ok("risk-1", &["export", "mlflow", "churn/1", "-o", "json"]));
    let read = &mlflow.client(READ_BACK, &json!(["churn"]))["churn"];
    assert_eq!(read["aliases"], json!({"production": 2}));
    let there = &read["versions"]["2"];
    assert_eq!(there["source"], data["version"]["source"]);
    assert_eq!(there["description"], HOSTILE);
    let tags = &there["tags"];
    for (key, value) in [
        ("tier", HOSTILE),
        ("a", "b"),
        ("x_y", "z"),
        ("modelry.version", "churn/1"),
        ("modelry.status", "Approved"),
        ("modelry.approvedBy", "risk-1"),
        ("modelry.digest", digest.as_str()),
        ("modelry.metric.auc", "0.5"),
        ("modelry.stages", "production"),
    ] {
        assert_eq!(tags[key], value, "{key}");
    }

    // When run again, nothing is created; after the stage changed, the alias is
    // removed.
    assert_eq!(mlflow.program(&program())["state"], "there");
    let _ = lab.ok(
        "risk-1",
        &["rollback", "churn", "production", "--empty", "-m", "stop"],
    );
    let _ = lab.ok("risk-1", &["archive", "churn/1", "-m", "old"]);
    let last = lab.ok("risk-1", &["export", "mlflow", "churn/1"]);
    let told = mlflow.program(&last);
    assert_eq!((&told["version"], &told["state"]), (&json!(2), &json!("there")));
    let read = &mlflow.client(READ_BACK, &json!(["churn"]))["churn"];
    assert_eq!(read["aliases"], json!({}));
    assert_eq!(read["versions"]["2"]["tags"]["modelry.status"], "Archived");
    assert_eq!(read["versions"].as_object().map(serde_json::Map::len), Some(2));
}

/// A source that the server refuses is reported at the export, and leaves no
/// registered model without a version behind. Without an address nothing is written,
/// and without MLflow the error is one line.
#[track_caller]
fn nothing_half_made(mlflow: &Mlflow, lab: &Lab) {
    let spec =
        json!({"artifacts": [{"uri": "file:///models/a", "digest": format!("sha256:{}", "b".repeat(64))}]});
    lab.write("../local.json", &spec.to_string());
    let _ = lab.ok("admin-1", &["group", "create", "left-half"]);
    let _ = lab.ok("trainer", &["register", "left-half", "-f", "../local.json"]);
    let said = lab.says("risk-1", &["export", "mlflow", "left-half/1"]);
    assert!(
        said.err
            .contains("refuses a source that is a path of this machine: `file:///models/a`"),
        "{said:?}"
    );
    let refused = format!(
        "import json\ntry:\n    exec({}, {{}})\nexcept SystemExit as error:\n    print(json.dumps(str(error)))",
        json!(said.out)
    );
    let told = mlflow.program(&refused);
    assert!(
        told.as_str()
            .is_some_and(|told| told.starts_with("MLflow refuses it: ")),
        "{told}"
    );
    let models = "import json\nfrom mlflow import MlflowClient\nprint(json.dumps([it.name for it in MlflowClient().search_registered_models()]))";
    let models = mlflow.program(models);
    assert!(!models.to_string().contains("left-half"), "{models}");

    lab.write("../program.py", &said.out);
    let run = |python: &mut Command| {
        let told = python.arg("program.py").current_dir(lab.home());
        let told = told.env_remove("MLFLOW_TRACKING_URI").output().expect("python3");
        assert_eq!(told.status.code(), Some(1));
        String::from_utf8_lossy(&told.stderr).into_owned()
    };
    let told = run(&mut MLFLOW.python3());
    assert!(told.starts_with("set MLFLOW_TRACKING_URI"), "{told}");
    let told = run(Command::new("python3").args(["-I", "-S"]));
    assert!(
        told.starts_with("MLflow's client can't be loaded") && told.lines().count() == 1,
        "{told}"
    );
}

#[test]
fn a_server_is_asked_as_its_own_client_would() {
    let lab = Lab::with_registry();
    let server = Server::start(|request| match request.path.split('?').next() {
        Some("/base/api/2.0/mlflow/registered-models/search") => {
            Reply::new(200, br#"{"registered_models": [{"name": "m"}]}"#)
        }
        Some("/base/api/2.0/mlflow/model-versions/search") => Reply::new(
            200,
            br#"{"model_versions": [{"name": "m", "version": "1", "source": "s3://m", "run_id": "r"}]}"#,
        ),
        Some("/gone/api/2.0/mlflow/registered-models/get") => Reply::new(404, b"no such page"),
        Some("/base/api/2.0/mlflow/runs/get" | "/base/api/2.0/mlflow/registered-models/get") => {
            Reply::new(404, br#"{"error_code": "RESOURCE_DOES_NOT_EXIST"}"#)
        }
        Some("/away/api/2.0/mlflow/registered-models/search") => Reply::to("/base/"),
        Some("/page/api/2.0/mlflow/registered-models/search") => Reply::new(200, b"<html>"),
        Some("/closed/api/2.0/mlflow/registered-models/search") => Reply::new(401, b"no"),
        Some("/loop/api/2.0/mlflow/registered-models/search") => {
            Reply::new(200, br#"{"next_page_token": "x"}"#)
        }
        Some("/empty/api/2.0/mlflow/registered-models/search") => Reply::new(200, b"{}"),
        Some("/huge/api/2.0/mlflow/registered-models/search") => Reply {
            announced: None,
            endless: true,
            ..Reply::new(200, &[b' '; 1 << 20])
        },
        _ => Reply::new(500, b""),
    });
    let base = format!("{}/base/", server.address);
    for (set, expected) in [
        (vec![], None),
        (vec![("MLFLOW_TRACKING_TOKEN", "abc")], Some("Bearer abc")),
        (
            vec![
                ("MLFLOW_TRACKING_TOKEN", "abc"),
                ("MLFLOW_TRACKING_USERNAME", "who"),
                ("MLFLOW_TRACKING_PASSWORD", "p@ss"),
            ],
            Some("Basic d2hvOnBAc3M="),
        ),
    ] {
        let mut command = lab.modelry("admin-1", &["import", "mlflow", &base, "--dry-run"]);
        command.envs(set);
        let told = said(&mut command);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(told.out.contains("its run r is not there"), "{told:?}");
        let log = server.log();
        assert_eq!(
            log.last().and_then(|request| request.header("authorization")),
            expected
        );
    }
    let mut told = String::new();
    for path in ["away", "page", "closed", "loop", "empty", "huge"] {
        let address = format!("{}/{path}", server.address);
        let mut command = lab.modelry("admin-1", &["import", "mlflow", &address]);
        command.env("MLFLOW_TRACKING_TOKEN", "a-secret");
        let said = said(&mut command);
        assert_eq!(said.code, 2, "{path}: {said:?}");
        told.push_str(&said.err.replace(&server.address, "http://HOST"));
    }
    for path in ["base", "gone"] {
        let address = format!("{}/{path}", server.address);
        let error = lab.error("admin-1", &["import", "mlflow", &address, "--model", "nope"]);
        told.push_str(&error.replace(&server.address, "http://HOST"));
    }
    for place in [
        "http://who:secret@localhost:1",
        "databricks://profile",
        "nowhere",
        ".",
    ] {
        told.push_str(&lab.error("admin-1", &["import", "mlflow", place]));
    }
    assert!(!told.contains("secret"), "{told}");
    golden("fixtures/imports/mlflow-errors.txt", &told);
}
