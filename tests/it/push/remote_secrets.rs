//! A login in a remote's or a receiver's address is printed by no command, successful
//! or not, and no file of Modelry keeps it.

use std::path::Path;
use std::process::Stdio;

use crate::support::hub::{Hub, Seat};
use crate::support::{Lab, said};

const SECRET: &str = "hunter2";

/// A server that answers nothing, behind a login.
const NOWHERE: &str = "http://bot:hunter2@127.0.0.1:9/models.git";

/// A page that is known, behind a login; git's configuration leads it elsewhere.
const HOST: &str = "https://oauth2:hunter2@gitlab.example.com/ml/models.git";

/// Whether any file below holds the secret.
fn holds(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        let has = bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes());
        has.then(|| path.display().to_string())
    })
}

/// Says nothing of the secret; its code and words.
#[track_caller]
fn hushed(lab: &Lab, who: &str, line: &[&str]) -> (i32, String) {
    let said = lab.says(who, line);
    let words = format!("{}{}", said.out, said.err);
    assert!(!words.contains(SECRET), "{line:?}: {words}");
    assert!(!words.contains("unexpected argument"), "{line:?}: {words}");
    (said.code, words)
}

#[test]
fn a_remote_that_does_not_answer_is_named_without_its_login() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.git(&["remote", "add", "origin", NOWHERE]);
    lab.git(&["config", "branch.main.remote", "origin"]);
    lab.git(&["config", "branch.main.merge", "refs/heads/main"]);
    let register = [
        "register",
        "churn",
        "--artifact",
        "s3://m/9",
        "--digest",
        "sha256:9999999999999999999999999999999999999999999999999999999999999999",
    ];
    let wait = ["wait", "churn/1", "--for", "Approved", "--timeout", "1s"];
    let failing: Vec<Vec<&str>> = vec![
        [&register[..], &["--push", "--patience", "0s"]].concat(),
        [&register[..], &["--push", "--patience", "0s", "-o", "json"]].concat(),
        [&register[..], &["--pr", "--patience", "0s"]].concat(),
        vec!["reject", "churn/1", "-m", "no", "--push", "--patience", "0s"],
        vec!["resolve", "churn/1", "--fetch"],
        vec!["show", "churn/1", "--fetch"],
        vec!["list", "--fetch"],
        vec!["log", "--fetch"],
        vec!["audit", "--fetch"],
        vec!["pull", "churn/1", "../here", "--fetch"],
        vec!["events", "HEAD~1..HEAD", "--fetch"],
        [&wait[..], &["--remote", "origin"]].concat(),
        [&wait[..], &["--remote", NOWHERE]].concat(),
        [&wait[..], &["--fetch"]].concat(),
        vec!["import", "mlflow", "http://bot:hunter2@127.0.0.1:9"],
        vec!["import", "mlflow", "http://127.0.0.1:9/?token=hunter2"],
        vec!["import", "mlflow", "postgresql://bot:hunter2@127.0.0.1/db"],
        vec!["import", "sagemaker", "https://bot:hunter2@127.0.0.1:9/x.json"],
        vec!["relay", "github", "https://bot:hunter2@127.0.0.1:9/x.json"],
        vec!["relay", "github", "-", "--base", NOWHERE],
        vec!["audit", "--root", NOWHERE],
        vec!["resolve", "churn/1", "--checkpoint", NOWHERE],
        vec!["resolve", "churn/1", "--mainline", NOWHERE],
        vec!["validate", NOWHERE],
        vec!["validate", "--ci", "--onto", NOWHERE],
        vec!["-C", NOWHERE, "list"],
        vec!["notify", "--to", NOWHERE, "--cursor", "../c", "--from-start"],
        vec![
            "notify",
            "--to",
            "https://127.0.0.1:9/#hunter2",
            "--cursor",
            "../c",
            "--from-start",
        ],
        vec!["notify", "--to", "hunter2 x", "--cursor", "../c", "--from-start"],
        vec![
            "evidence",
            "add",
            "churn/1",
            "e",
            "--metric",
            "a=1",
            "--dataset",
            NOWHERE,
        ],
    ];
    for line in &failing {
        let (code, words) = hushed(&lab, "risk-1", line);
        assert_ne!(code, 0, "{line:?}: {words}");
    }
    for line in [
        &["trust"][..],
        &["trust", "-o", "json"],
        &["audit", "--trust-root"],
        &["audit", "--trust-root", "-o", "json"],
        &[
            "audit",
            "--trust-root",
            "--checkpoint",
            "../c.checkpoint",
            "--new-checkpoint",
        ],
        &["hook", "install"],
        &["list"],
        &["reject", "churn/1", "-m", "no"],
    ] {
        let (code, words) = hushed(&lab, "risk-1", line);
        assert!(code < 2, "{line:?}: {words}");
    }
    // The question of a receiver that is not there, from the environment.
    let secret = format!("whsec_{}", "A".repeat(43) + "=");
    let mut notify = lab.modelry(
        "risk-1",
        &[
            "notify",
            "--cursor",
            "../d",
            "--from-start",
            "--trust-root",
            "--allow-private",
            "--patience",
            "0s",
        ],
    );
    notify
        .env(
            "MODELRY_WEBHOOK_URL",
            "http://127.0.0.1:9/hooks/hunter2?key=hunter2",
        )
        .env("MODELRY_WEBHOOK_SECRET", secret)
        .stdin(Stdio::null());
    let told = said(&mut notify);
    assert!(told.code == 2 && told.err.contains("127.0.0.1:9"), "{told:?}");
    assert!(!format!("{told:?}").contains(SECRET), "{told:?}");
    assert_eq!(holds(&lab.top.join(".git/modelry")), None);
    assert_eq!(holds(&lab.top.join(".git/refs")), None);
    assert_eq!(holds(&lab.top.join(".git/logs")), None);
    assert_eq!(holds(&lab.top.join(".git/hooks")), None);
    assert_eq!(holds(&lab.home().join(".local")), None);
    assert_eq!(holds(&lab.home().join("d")), None);
}

/// A clone whose branch names its remote by the address, with the login.
fn by_address<'h>(hub: &'h Hub, name: &str) -> Seat<'h> {
    let seat = hub.seat(name);
    let url = seat.git(&["config", "remote.origin.url"]);
    seat.git(&["config", &format!("url.{url}.insteadOf"), HOST]);
    seat.git(&["config", "branch.main.remote", HOST]);
    seat.git(&["config", "remote.pushDefault", HOST]);
    seat
}

#[test]
fn a_remote_that_answers_is_named_without_its_login() {
    let hub = Hub::open();
    let seat = by_address(&hub, "a");
    let digest = "sha256:9999999999999999999999999999999999999999999999999999999999999999";
    let register = ["register", "churn", "--artifact", "s3://m/9", "--digest", digest];
    for line in [
        [&register[..], &["--push", "-o", "json"]].concat(),
        vec!["reject", "churn/1", "-m", "no", "--push"],
        vec!["reject", "churn/2", "-m", "no", "--pr"],
        vec![
            "reject", "churn/2", "-m", "no", "--pr", "--branch", "b", "-o", "json",
        ],
        vec!["show", "churn/2", "--fetch"],
        vec!["list", "--fetch", "-o", "json"],
        vec!["trust"],
        vec!["log", "--fetch"],
        vec!["wait", "churn/1", "--for", "Rejected", "--remote", HOST],
        vec![
            "wait", "churn/1", "--for", "Rejected", "--remote", HOST, "-o", "json",
        ],
        vec!["wait", "churn/1", "--for", "Rejected", "--fetch"],
    ] {
        let who = if line[0] == "register" {
            "trainer"
        } else {
            "risk-1"
        };
        let said = seat.says(who, &line);
        let words = format!("{}{}", said.out, said.err);
        assert!(!words.contains(SECRET), "{line:?}: {words}");
        assert_eq!(said.code, 0, "{line:?}: {words}");
        if line.contains(&"--pr") {
            assert!(
                words.contains("https://gitlab.example.com/ml/models/-/merge_requests/new"),
                "{words}"
            );
        }
    }
    // The server refuses, and repeats the address as hooks of hosts do.
    hub.hook(
        "pre-receive",
        &format!("#!/bin/sh\necho refused, see {HOST}\nexit 1\n"),
    );
    let said = seat.says(
        "risk-1",
        &["reject", "churn/2", "-m", "no", "--push", "--patience", "0s"],
    );
    let words = format!("{}{}", said.out, said.err);
    assert!(
        said.code != 0 && words.contains("refused, see https://"),
        "{words}"
    );
    assert!(!words.contains(SECRET), "{words}");
    assert_eq!(holds(&seat.top.join(".git/modelry")), None);
    assert_eq!(holds(&seat.top.join(".git/logs")), None);
    assert_eq!(holds(&seat.top.join(".git/refs")), None);
}
