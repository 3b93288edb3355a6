//! The pieces for CI systems: the action's scripts and the templates, run with
//! the environment and the events that a host gives a job.

mod action;
mod commit;
mod files;
mod github;
mod gitlab;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::hub::{Hub, Seat};
use crate::support::{Said, said};

/// A file of this repository.
fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The path of programs, with the binary that is tested in front.
fn path() -> std::ffi::OsString {
    let binary = Path::new(env!("CARGO_BIN_EXE_modelry"));
    let mut all = vec![binary.parent().expect("a folder").to_owned()];
    all.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    std::env::join_paths(all).expect("a path")
}

/// A hub with `churn/1` Pending on its mainline, and a seat to push from.
fn opened() -> Hub {
    let hub = Hub::open();
    // The job pins the root, and no configuration does it for it.
    std::fs::write(hub.lab.home().join(".gitconfig"), "[gpg]\n\tformat = ssh\n").expect("a file");
    hub
}

/// Commits an approval that its reviewer signed, on the branch that is checked
/// out.
fn good(hub: &Hub) -> String {
    let _ = hub.lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    hub.lab.git(&["rev-parse", "HEAD"])
}

/// Commits what nobody approved.
fn bad(hub: &Hub) -> String {
    let path = "groups/churn/versions/1/version.yaml";
    let text = hub.lab.read(path).replace("status: Pending", "status: Approved");
    hub.lab.write(path, &text);
    hub.lab.commit("admin-1", "by hand");
    hub.lab.git(&["rev-parse", "HEAD"])
}

/// A job's clone of the hub.
struct Job<'h> {
    seat: Seat<'h>,
    /// The variables that the host sets for it.
    variables: Vec<(String, String)>,
}

impl<'h> Job<'h> {
    /// As `actions/checkout` with `fetch-depth: 0` leaves a clone: every branch of
    /// the remote, and one commit checked out.
    fn at(hub: &'h Hub, commit: &str) -> Job<'h> {
        let job = Job::with(hub, &["--no-checkout"]);
        job.git(&["checkout", "-q", "--detach", commit]);
        job
    }

    /// A clone that these options make.
    fn with(hub: &'h Hub, options: &[&str]) -> Job<'h> {
        let number = std::fs::read_dir(hub.lab.home()).expect("the home").count();
        let address = format!("file://{}", hub.bare.display());
        Job {
            seat: hub.seat_with(&format!("job-{number}"), &address, options),
            variables: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.into(), value.into()));
    }

    fn git(&self, arguments: &[&str]) {
        self.seat.git(arguments);
    }

    /// A file that the job wrote.
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.seat.top.join(name)).unwrap_or_default()
    }

    /// A program in the clone, with the host's variables.
    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let lab = &self.seat.hub.lab;
        let mut command = lab.command(&program.to_string_lossy());
        command
            .args(arguments)
            .current_dir(&self.seat.top)
            .env("PATH", path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs Modelry as this job, without options that fetch more into the clone.
    fn validate(&self, system: &str, more: &[&str]) -> Said {
        let root = self.seat.hub.lab.root();
        let mut all = vec!["validate", "--ci", system, "--root", &root];
        all.extend_from_slice(more);
        said(&mut self.command(Path::new(env!("CARGO_BIN_EXE_modelry")), &all))
    }

    /// Gives the job a GitHub event.
    fn event(&mut self, name: &str, payload: &Value) {
        let mut payload = payload.clone();
        payload["repository"] = json!({"full_name": "risk/models", "default_branch": "main"});
        let file = self.seat.top.join("../event.json");
        std::fs::write(&file, payload.to_string()).expect("a file");
        self.set("GITHUB_EVENT_NAME", name);
        self.set("GITHUB_EVENT_PATH", &file.to_string_lossy());
    }

    /// The action's step that judges.
    fn judge(&mut self) -> Said {
        let scratch = self.seat.top.join("../runner");
        std::fs::create_dir_all(&scratch).expect("a folder");
        let root = self.seat.hub.lab.root();
        for (name, value) in [
            ("RUNNER_TEMP", scratch.to_string_lossy().as_ref()),
            ("GITHUB_STEP_SUMMARY", "page.md"),
            ("MODELRY_ROOT", &root),
            ("MODELRY_SUMMARY", "summary.md"),
            ("MODELRY_SARIF", "modelry.sarif"),
        ] {
            if !self.variables.iter().any(|(known, _)| known == name) {
                self.set(name, value);
            }
        }
        said(&mut self.command(&own(".github/actions/validate/judge.sh"), &[]))
    }

    /// Returns the codes in the step's SARIF, in order.
    fn sarif(&self) -> Vec<String> {
        let value: Value = serde_json::from_str(&self.read("modelry.sarif")).expect("SARIF");
        let results = value["runs"][0]["results"].as_array().expect("results");
        let codes = results
            .iter()
            .map(|result| result["ruleId"].as_str().expect("a code").to_owned());
        codes.collect()
    }
}

/// The codes of annotations, in order.
fn annotated(out: &str) -> Vec<String> {
    let titles = out.lines().filter(|line| line.starts_with("::error"));
    let codes = titles.filter_map(|line| {
        let at = line.find("MR")?;
        line.get(at..at + 5).map(str::to_owned)
    });
    codes.collect()
}
