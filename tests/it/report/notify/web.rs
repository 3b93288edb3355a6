//! Receivers that answer well, badly, late and never.

use std::time::{Duration, Instant};

use super::{OTHER, Receiver, SECRET, command, cursor, events, lab, scrub, to};
use crate::support::needs::{OPENSSL, needs};
use crate::support::port::free_port;
use crate::support::said;

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn each_event_is_told_once_and_in_order() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let told = to(&lab, &receiver, "/ok", &["--from-start"]);
    assert_eq!(told.code, 0, "{told:?}");
    let all = events(&lab);
    assert_eq!(all.len(), 3);
    assert_eq!(receiver.ids("/ok"), all);
    let lines: Vec<&str> = told.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[2].ends_with("  group fraud created"), "{told:?}");
    let first = &receiver.received()[0];
    assert_eq!(first["event"]["specversion"], "1.0");
    assert!(
        first["agent"]
            .as_str()
            .is_some_and(|agent| agent.starts_with("modelry/"))
    );

    let told = to(&lab, &receiver, "/ok", &[]);
    assert_eq!((told.code, told.out.as_str()), (0, ""), "{told:?}");
    assert_eq!(told.err, "note: nothing new to tell\n");
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    let _ = lab.ok(
        "admin-1",
        &["group", "update", "loans", "--description", "who repays"],
    );
    let told = to(&lab, &receiver, "/ok", &["-o", "json"]);
    assert_eq!(told.code, 0, "{told:?}");
    let told: serde_json::Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(told, serde_json::json!({"delivered": 2, "done": true}));
    assert_eq!(receiver.ids("/ok"), events(&lab));
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn what_may_pass_is_tried_again_with_the_same_id() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let told = to(&lab, &receiver, "/flaky", &["--since", "HEAD^"]);
    assert_eq!(told.code, 0, "{told:?}");
    let last = events(&lab).pop().expect("events");
    assert_eq!(receiver.ids("/flaky"), vec![last; 4]);
    let received = receiver.received();
    let at = |n: usize| received[n]["at"].as_f64().expect("seconds");
    assert!(at(2) - at(1) >= 1.0, "the receiver asked for it");
    assert!(received[3]["timestamp"].as_i64() >= received[0]["timestamp"].as_i64());
    let lines: Vec<&str> = told.err.lines().collect();
    assert_eq!(lines.len(), 4, "{told:?}");
    assert!(
        lines[0].contains("it answers 500: out of [31mdisk; trying again in 0."),
        "{told:?}"
    );
    assert!(lines[1].contains("it answers 429; trying again in "), "{told:?}");
    assert!(lines[2].contains("trying again in "), "{told:?}");

    // Everything that comes with a 2xx is success.
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    for path in ["/no-content", "/endless", "/slow-body"] {
        let told = to(&lab, &receiver, path, &["--moved", "--timeout", "1s"]);
        assert_eq!(told.code, 0, "{path}: {told:?}");
        assert_eq!(receiver.ids(path).len(), 1, "{path}");
        let _ = lab.ok("admin-1", &["group", "update", "loans", "--description", path]);
    }
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn what_does_not_pass_is_told_at_once() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let _ = to(&lab, &receiver, "/ok", &["--since", "HEAD^^"]);
    let before = std::fs::read_to_string(cursor(&lab)).expect("a cursor");
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    let mut all = String::new();
    for path in ["/bad", "/gone", "/forbidden", "/away", "/away-for-good"] {
        let told = to(&lab, &receiver, path, &["--moved"]);
        assert_eq!(told.code, 2, "{path}: {told:?}");
        assert_eq!(receiver.ids(path).len(), 1, "{path}");
        all.push_str(&scrub(&lab, &told.err));
    }
    let told = to(&lab, &receiver, "/later", &["--moved", "--patience", "10s"]);
    assert_eq!((told.code, receiver.ids("/later").len()), (2, 1), "{told:?}");
    all.push_str(&scrub(&lab, &told.err));
    assert_eq!(receiver.ids("/ok").len(), 2, "no redirect is followed");
    insta::assert_snapshot!(all, @r"
    error: `http://127.0.0.1:PORT/…` does not take event [ID]: it answers 400: no [31m field `id` here xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    error: `http://127.0.0.1:PORT/…` does not take event [ID]: it answers 410: unsubscribed
       hint: the receiver wants no more events: remove this delivery, or ask whoever runs it
    error: `http://127.0.0.1:PORT/…` does not take event [ID]: it answers 401: who are you?
       hint: does the receiver know the secret?
    error: `http://127.0.0.1:PORT/…` does not take event [ID]: it answers 302, and points elsewhere
       hint: name the address that it points to, if that is the receiver: no redirect is followed
    error: `http://127.0.0.1:PORT/…` does not take event [ID]: it answers 308, and points elsewhere
       hint: name the address that it points to, if that is the receiver: no redirect is followed
    error: `http://127.0.0.1:PORT/…` did not take event [ID]: it answers 503 (1 try)
       hint: it asks to wait 3600 s: run the same command then, or give it more time with `--patience`
    ");
    // Only its sink is another.
    let after = std::fs::read_to_string(cursor(&lab)).expect("a cursor");
    assert_eq!(before.lines().next_back(), after.lines().next_back());
    let told = to(&lab, &receiver, "/ok", &["--moved"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(receiver.ids("/ok"), events(&lab)[1..]);
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn who_reads_the_output_may_go_away() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let uri = receiver.uri("/ok");
    let mut child = command(&lab, &["--to", &uri, "--allow-private", "--from-start"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("a process");
    drop(child.stdout.take());
    assert!(child.wait().expect("a process").success());
    assert_eq!(receiver.ids("/ok"), events(&lab));
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn what_was_taken_before_a_failure_is_not_told_again() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let told = to(&lab, &receiver, "/third", &["--from-start"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("note: 2 events delivered"), "{told:?}");
    assert!(
        told.err.contains("it answers 422: the third is too much"),
        "{told:?}"
    );
    let told = to(&lab, &receiver, "/ok", &["--moved"]);
    assert_eq!(told.code, 0, "{told:?}");
    let all = events(&lab);
    assert_eq!(
        (receiver.ids("/third"), receiver.ids("/ok")),
        (all.clone(), all[2..].to_vec())
    );
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn slow_and_endless_receivers_are_bounded() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let _ = to(&lab, &receiver, "/ok", &["--since", "HEAD^"]);
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    for path in ["/hang", "/drip", "/headers", "/nonsense", "/never"] {
        let start = Instant::now();
        let told = to(
            &lab,
            &receiver,
            path,
            &["--moved", "--timeout", "700ms", "--patience", "1200ms"],
        );
        assert_eq!(told.code, 2, "{path}: {told:?}");
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{path}: {:?}",
            start.elapsed()
        );
        assert!((1..=4).contains(&receiver.ids(path).len()), "{path}: {told:?}");
        assert!(told.err.lines().all(|line| line.len() < 400), "{told:?}");
        assert!(
            told.err.contains("hint: what was delivered is in the cursor"),
            "{path}: {told:?}"
        );
    }
    // No server listens there.
    let uri = format!("http://127.0.0.1:{}/", free_port());
    let more = ["--to", &uri, "--allow-private", "--moved", "--patience", "300ms"];
    let told = said(&mut command(&lab, &more));
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("refused"), "{told:?}");
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn secrets_come_from_a_file_or_the_environment_and_are_never_shown() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let uri = receiver.uri("/ok?token=s3cret");
    let notify = |secret: Option<&str>, more: &[&str]| {
        let mut all = vec!["--allow-private"];
        all.extend_from_slice(more);
        let mut command = command(&lab, &all);
        command.env("MODELRY_WEBHOOK_URL", &uri);
        match secret {
            Some(secret) => command.env("MODELRY_WEBHOOK_SECRET", secret),
            None => command.env_remove("MODELRY_WEBHOOK_SECRET"),
        };
        let told = said(&mut command);
        let all = format!("{}{}", told.out, told.err);
        for word in ["s3cret", &SECRET[6..], &OTHER[6..]] {
            assert!(!all.contains(word), "{all}");
        }
        told
    };
    let mut all = String::new();
    for (secret, code) in [(None, 2), (Some("hunter2"), 2), (Some("whsec_aGk="), 2)] {
        let told = notify(secret, &["--from-start"]);
        assert_eq!(told.code, code, "{told:?}");
        all.push_str(&told.err);
    }
    assert!(!cursor(&lab).exists());
    let file = lab.home().join("secrets");
    std::fs::write(&file, format!("{OTHER}\n{SECRET}\n")).expect("a file");
    let mode = |mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    mode(0o644);
    let path = file.to_string_lossy().into_owned();
    let told = notify(None, &["--from-start", "--secret-file", &path]);
    assert_eq!(told.code, 0, "{told:?}");
    all.push_str(&lab.scrub(&told.err));
    insta::assert_snapshot!(all, @r#"
    error: there is no secret to sign with
       hint: put one that the receiver knows into MODELRY_WEBHOOK_SECRET, or into a file: `--secret-file FILE`
       hint: a new one: `echo "whsec_$(openssl rand -base64 32)"`
    error: MODELRY_WEBHOOK_SECRET can't be used: its secret 1 does not start with `whsec_`
       hint: a secret is `whsec_` and 24 to 64 bytes in base64: `echo "whsec_$(openssl rand -base64 32)"`
    error: MODELRY_WEBHOOK_SECRET can't be used: its secret 1 has 2 bytes, and between 24 and 64 are allowed
       hint: a secret is `whsec_` and 24 to 64 bytes in base64: `echo "whsec_$(openssl rand -base64 32)"`
    note: everybody on this machine can read the secrets in `[HOME]/secrets`: `chmod 600 [HOME]/secrets`
    note: 3 events delivered
    "#);
    mode(0o600);
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    let told = notify(Some(OTHER), &["--secret-file", &path]);
    assert_eq!((told.code, told.err.as_str()), (0, "note: 1 event delivered\n"));
    let received = receiver.received();
    assert_eq!(received.len(), 4);
    for one in received {
        let signatures = one["signatures"].as_str().expect("text");
        assert_eq!(signatures.split(' ').count(), 2, "one by each secret");
    }
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn https_is_believed_by_its_certificate() {
    needs![super::PACKAGES, OPENSSL];
    let lab = lab();
    let (ca, _) = crate::exchange::pull_web::authority(lab.home());
    let receiver = Receiver::with(lab.home(), &["leaf.pem", "leaf.key"]);
    let uri = format!("https://localhost:{}/ok", receiver.port);
    let more = [
        "--to",
        &uri,
        "--allow-private",
        "--from-start",
        "--patience",
        "1s",
    ];
    let told = said(&mut command(&lab, &more));
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err.contains("it can't be trusted: invalid peer certificate"),
        "{told:?}"
    );
    assert_eq!(receiver.received().len(), 0);
    // The cursor exists, and records that nothing was delivered.
    let told = said(command(&lab, &more[..3]).env("SSL_CERT_FILE", &ca));
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(receiver.ids("/ok"), events(&lab));
}
