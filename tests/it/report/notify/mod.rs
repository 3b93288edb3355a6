//! Events delivered: to a receiver that checks them with the library of Standard
//! Webhooks, and to programs.

mod addresses;
mod cursor;
mod kill;
mod lines;
mod program;
mod web;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::python::Packages;
use crate::support::{Lab, Said, said};

static PACKAGES: Packages = Packages {
    folder: "python-webhooks",
    imports: "import standardwebhooks",
    names: &["standardwebhooks"],
    options: &[],
};

/// A throwaway secret.
const SECRET: &str = "whsec_dGhyb3dhd2F5LXRocm93YXdheS10aHJvd2F3YXk=";

/// Another one.
const OTHER: &str = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI=";

/// A receiver on a port of its own, until the test ends.
struct Receiver {
    process: Child,
    port: u16,
    log: PathBuf,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Receiver {
    fn start(home: &Path) -> Receiver {
        Receiver::with(home, &[])
    }

    /// With TLS, by a certificate and its key.
    fn with(home: &Path, certificate: &[&str]) -> Receiver {
        let log = home.join("received");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/report/notify/receiver.py");
        let mut process = PACKAGES
            .python3()
            .arg(script)
            .arg(&log)
            .args(certificate.iter().map(|name| home.join(name)))
            .env("SECRET", SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed by this test");
        let mut line = String::new();
        let out = process.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a port");
        let port = line.trim().parse().expect("a port");
        Receiver { process, port, log }
    }

    fn uri(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns the received events, in order. Checks that every request was signed
    /// correctly.
    #[track_caller]
    fn received(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let all: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        for one in &all {
            assert_eq!(one["verified"], true, "{one}");
            assert_eq!(one["id"], one["event"]["id"], "{one}");
            assert_eq!(one["type"], "application/cloudevents+json", "{one}");
        }
        all
    }

    /// The ids that came to a path, in order.
    #[track_caller]
    fn ids(&self, path: &str) -> Vec<String> {
        let all = self.received();
        let here = all.iter().filter(|one| one["path"] == path);
        here.map(|one| one["id"].as_str().expect("an id").to_owned())
            .collect()
    }
}

/// A small registry, its root pinned.
fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::empty();
        let _ = lab.ok("admin-1", &["init", "--actor", "admin-1", "--solo"]);
        let _ = lab.ok("admin-1", &["group", "create", "churn"]);
        let _ = lab.ok("admin-1", &["group", "create", "fraud"]);
        let _ = lab.git(&["config", "modelry.root", &lab.root()]);
        lab
    })
}

fn cursor(lab: &Lab) -> PathBuf {
    lab.home().join("cursor")
}

/// `notify` with the cursor and the secret.
fn command(lab: &Lab, more: &[&str]) -> Command {
    let path = cursor(lab);
    let mut all = vec!["notify", "--cursor", path.to_str().expect("UTF-8")];
    all.extend_from_slice(more);
    let mut command = lab.modelry("admin-1", &all);
    command.env("MODELRY_WEBHOOK_SECRET", SECRET);
    command
}

/// To this receiver, which is on this machine.
fn to(lab: &Lab, receiver: &Receiver, path: &str, more: &[&str]) -> Said {
    let uri = receiver.uri(path);
    let mut all = vec!["--to", &uri, "--allow-private"];
    all.extend_from_slice(more);
    said(&mut command(lab, &all))
}

/// Returns the ids of all events, as `events` prints them.
fn events(lab: &Lab) -> Vec<String> {
    let out = lab.ok("admin-1", &["events", "-o", "cloudevents"]);
    out.lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("JSON");
            event["id"].as_str().expect("an id").to_owned()
        })
        .collect()
}

/// Without the port.
fn scrub(lab: &Lab, text: &str) -> String {
    let mut out = String::new();
    for (n, piece) in lab.scrub(text).split("127.0.0.1:").enumerate() {
        match n {
            0 => out.push_str(piece),
            _ => {
                out.push_str("127.0.0.1:PORT");
                out.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
            }
        }
    }
    out
}
