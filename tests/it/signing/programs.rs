//! Signing as git would, with real programs and keys; and git's own verdict.

use std::process::{Command, Stdio};

use crate::support::wait::wait_for;
use crate::support::{Lab, said};

/// A registry of one administrator whose key is made by this `ssh-keygen` line.
fn lab_with_key(arguments: &[&str]) -> Lab {
    let lab = Lab::empty();
    let key = lab.home().join("keys/admin-1");
    for file in ["admin-1", "admin-1.pub"] {
        let _ = std::fs::remove_file(lab.home().join("keys").join(file));
    }
    let mut command = lab.command("ssh-keygen");
    command
        .args(["-q", "-N", "", "-C", "a throwaway test key", "-f"])
        .arg(&key)
        .args(arguments);
    assert!(
        command
            .status()
            .expect("ssh-keygen is needed by this test")
            .success()
    );
    lab
}

fn one_round(lab: &Lab) {
    let _ = lab.ok("admin-1", &["init", "--solo", "--actor", "admin-1"]);
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    let _ = lab.ok(
        "admin-1",
        &[
            "register",
            "churn",
            "--artifact",
            "s3://m/1",
            "--digest",
            &format!("sha256:{}", "a".repeat(64)),
        ],
    );
    let _ = lab.ok("admin-1", &["approve", "churn/1", "-m", "good"]);
    let _ = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    lab.check();
    // ssh-keygen agrees on the record's own signature.
    let review = lab.read("groups/churn/versions/1/reviews/admin-1.yaml");
    let value: serde_json::Value = serde_yaml::from_str(&review).expect("YAML");
    let registry: serde_json::Value = serde_yaml::from_str(&lab.read("registry.yaml")).expect("YAML");
    let path = "groups/churn/versions/1/reviews/admin-1.yaml";
    let record = modelry::testing::record::kind::RecordPath::parse(path).expect("a record");
    let bytes = modelry::testing::record::subject::signed_bytes(
        registry["id"].as_str().expect("an id"),
        &record,
        &value,
    );
    let signature = lab.home().join("signature");
    std::fs::write(&signature, value["signature"].as_str().expect("a signature")).expect("a file");
    let mut command = lab.command("ssh-keygen");
    command
        .args(["-Y", "verify", "-n", "modelry", "-I", "admin-1", "-f"])
        .arg(lab.home().join("signers"))
        .arg("-s")
        .arg(&signature);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("ssh-keygen");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), &bytes).expect("bytes");
    assert!(
        child.wait().expect("ssh-keygen").success(),
        "ssh-keygen -Y verify agrees"
    );
}

#[test]
fn every_kind_of_key() {
    for arguments in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "rsa", "-b", "3072"],
    ] {
        one_round(&lab_with_key(arguments));
    }
}

#[test]
fn weak_keys_are_refused() {
    let lab = lab_with_key(&["-t", "rsa", "-b", "2048"]);
    let said = lab.says("admin-1", &["init", "--solo", "--actor", "admin-1"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("MR415") && said.out.contains("need 3072 bits"),
        "{}",
        said.out
    );
    assert_eq!(lab.git(&["for-each-ref"]), "", "nothing was written");
}

#[test]
fn agents_literals_programs_and_key_commands() {
    let lab = Lab::with_registry();
    for mark in ['1', '2', '3', '4'] {
        lab.register("churn", mark);
    }
    let socket = lab.home().join("agent");
    let mut agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ssh-agent is needed by this test");
    wait_for("its socket", || socket.exists());
    let added = lab
        .command("ssh-add")
        .arg("-q")
        .arg(lab.key("risk-1"))
        .env("SSH_AUTH_SOCK", &socket)
        .status();
    assert!(added.expect("ssh-add").success());
    let line = std::fs::read_to_string(lab.public_key("risk-1")).expect("a key");
    let line = line.trim().to_owned();
    let public_only = lab.home().join("only.pub");
    std::fs::write(&public_only, &line).expect("a file");
    let wrapper = lab.home().join("wrapper");
    std::fs::write(
        &wrapper,
        "#!/bin/sh\necho called >> \"$HOME/called\"\nexec ssh-keygen \"$@\"\n",
    )
    .expect("a script");
    let lists = lab.home().join("lists");
    std::fs::write(&lists, format!("#!/bin/sh\necho 'key::{line}'\n")).expect("a script");
    for script in [&wrapper, &lists] {
        assert!(
            Command::new("chmod")
                .arg("+x")
                .arg(script)
                .status()
                .expect("chmod")
                .success()
        );
    }
    let literal = format!("key::{line}");
    let cases: [&[(&str, &str)]; 4] = [
        &[("user.signingkey", &public_only.to_string_lossy())],
        &[("user.signingkey", &literal)],
        &[
            ("user.signingkey", &line),
            ("gpg.ssh.program", &wrapper.to_string_lossy()),
        ],
        &[("gpg.ssh.defaultKeyCommand", &lists.to_string_lossy())],
    ];
    for (index, pairs) in cases.iter().enumerate() {
        let mut command = lab.modelry(
            "risk-1",
            &["approve", &format!("churn/{}", index + 1), "-m", "by the agent"],
        );
        command
            .env("SSH_AUTH_SOCK", &socket)
            .env("GIT_CONFIG_COUNT", pairs.len().to_string());
        for (place, (key, value)) in pairs.iter().enumerate() {
            command
                .env(format!("GIT_CONFIG_KEY_{place}"), key)
                .env(format!("GIT_CONFIG_VALUE_{place}"), value);
        }
        let told = said(&mut command);
        assert_eq!(told.code, 0, "{pairs:?}: {told:?}");
    }
    let called = std::fs::read_to_string(lab.home().join("called")).expect("the program was called");
    assert_eq!(
        called.lines().count(),
        2,
        "once for the record, once for the commit"
    );
    agent.kill().expect("the agent");
    let _ = agent.wait();
    lab.check();
}
