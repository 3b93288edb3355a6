//! ProveOptions many OpenPGP signatures of commits a second are judged by
//! `Verdict::of_signature`, with keys and signatures made by gpg on the spot.
//!
//!   cargo bench --bench openpgp                  (release)
//!   cargo bench --bench openpgp --profile dev    (as the tests run)

#![allow(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use modelry::testing::base::{ObjectFormat, ObjectKind};
use modelry::testing::object::{Entry, Memory, Mode, Tree};
use modelry::testing::record::snapshot::{Records, Snapshot};
use modelry::testing::trust::{Policy, Verdict};

/// Signatures that are judged.
const JUDGED: usize = 2000;

/// Different signatures among them.
const DIFFERENT: usize = 50;

fn gpg(home: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("gpg")
        .env("GNUPGHOME", home)
        .args([
            "--batch",
            "--quiet",
            "--no-tty",
            "--passphrase",
            "",
            "--pinentry-mode",
            "loopback",
        ])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gpg");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input)
        .expect("bytes");
    let output = child.wait_with_output().expect("gpg");
    assert!(output.status.success(), "gpg {arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn policy(keys: Vec<String>) -> Policy {
    let keys: Vec<String> = keys
        .iter()
        .map(|openpgp| format!("{{openpgp: {}}}", serde_json::Value::from(openpgp.as_str())))
        .collect();
    let text = format!(
        "apiVersion: modelry/v1\nkind: Registry\nname: bench\nid: \"{}\"\nserial: 1\nactors:\n  bench: {{kind: person, keys: [{}]}}\ngrants:\n  - {{to: [bench], allow: [administer], groups: [\"*\"]}}\n",
        "0".repeat(32),
        keys.join(", ")
    );
    let memory = Memory::new(ObjectFormat::Sha1);
    let id = memory.insert(ObjectKind::Blob, text.into_bytes());
    let entry = Entry {
        mode: Mode::File,
        name: "registry.yaml".into(),
        id,
    };
    let tree = memory.insert(ObjectKind::Tree, Tree::write(&[entry]));
    let records = Records::new(&memory);
    let snapshot = Snapshot {
        records: &records,
        tree: Some(tree),
        top: Some(tree),
        earlier: None,
    };
    Policy::new(snapshot.registry().expect("readable").expect("a policy")).expect("a policy")
}

fn main() {
    let home = tempfile::Builder::new().prefix("g").tempdir().expect("a folder");
    let closed = Command::new("chmod").arg("700").arg(home.path()).status();
    assert!(closed.expect("chmod").success());
    let kinds = ["ed25519", "rsa3072", "rsa4096", "nistp256"];
    for kind in kinds {
        let uid = format!("{kind} <{kind}@example.com>");
        gpg(
            home.path(),
            &["--quick-generate-key", &uid, kind, "sign", "never"],
            b"",
        );
    }
    let export = |kind: &&str| gpg(home.path(), &["--armor", "--export", kind], b"");
    let policy = policy(kinds.iter().map(export).collect());
    for kind in kinds {
        let commits: Vec<(Vec<u8>, String)> = (0..DIFFERENT)
            .map(|number| {
                let payload = format!(
                    "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent {number:040x}\nauthor A <a@example.com> 1790000000 +0000\ncommitter A <a@example.com> 1790000000 +0000\n\nApprove churn/{number}\n"
                );
                let armor = gpg(home.path(), &["-u", kind, "-bsa"], payload.as_bytes());
                (payload.into_bytes(), armor)
            })
            .collect();
        let start = Instant::now();
        for number in 0..JUDGED {
            let (payload, armor) = &commits[number % DIFFERENT];
            let verdict = Verdict::of_signature(&policy, armor, "git", payload);
            assert!(verdict.actor().is_some(), "{verdict:?}");
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("{kind:<10} {:>8.0} signatures a second", JUDGED as f64 / seconds);
    }
    let _ = Command::new("gpgconf")
        .env("GNUPGHOME", home.path())
        .args(["--kill", "all"])
        .status();
}
