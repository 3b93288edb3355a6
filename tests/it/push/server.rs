//! `--push` when the server starts, dies, refuses or is gone.

use std::io::{BufReader, Read};
use std::process::Stdio;

use crate::support::hub::{Hub, Sshd, model, registering};
use crate::support::needs::{SSHD, needs};
use crate::support::wait::line_with;

#[test]
#[ignore = "needs sshd"]
fn a_server_that_is_starting_is_waited_for() {
    needs![SSHD];
    let hub = Hub::open();
    let mut sshd = Sshd::serve(&hub, &["trainer"]);
    let seat = sshd.seat(&hub, "trainer");
    sshd.kill();
    let told = model("two");
    let arguments = registering(&told, &["--push"]);
    let hurried = [&arguments[..], &["--patience", "0s"]].concat();
    let said = seat.fails("trainer", 2, &hurried);
    assert!(said.err.contains("Connection refused"), "{}", said.err);
    let mut command = seat.command("trainer", &arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut job = command.spawn().expect("modelry");
    let mut stderr = BufReader::new(job.stderr.take().expect("a pipe"));
    let mut said = line_with("trying again, while patience lasts", &mut stderr);
    sshd.start();
    stderr.read_to_string(&mut said).expect("UTF-8");
    let job = job.wait_with_output().expect("modelry");
    assert!(job.status.success(), "{said}");
    assert_eq!(
        said.matches("trying again, while patience lasts").count(),
        1,
        "{said}"
    );
    seat.in_step();
    hub.check();
}

#[test]
fn a_hook_that_refuses_is_not_asked_again() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    hub.hook(
        "pre-receive",
        "echo >> asked\necho 'no models on Fridays'\nexit 1",
    );
    let told = model("two");
    let arguments = registering(&told, &["--push"]);
    let said = seat.fails("trainer", 2, &arguments);
    assert!(said.err.contains("no models on Fridays"), "{}", said.err);
    assert!(
        said.err
            .contains("`origin` refused the push to `main`: pre-receive hook declined; nothing landed"),
        "{}",
        said.err
    );
    let asked = std::fs::read_to_string(hub.bare.join("asked")).expect("asked");
    assert_eq!(asked, "\n", "asked once");
}

/// A server that dies when this happens, once.
fn dies_at(hub: &Hub, state: &str) {
    hub.hook(
        "reference-transaction",
        &format!(
            "test \"$1\" = {state} || exit 0\ngrep -q refs/heads/main || exit 0\ntest -e died && exit 0\ntouch died\nkill -KILL $PPID"
        ),
    );
}

#[test]
#[ignore = "needs sshd"]
fn an_answer_that_is_lost_is_looked_for() {
    needs![SSHD];
    for ssh in [false, true] {
        let hub = Hub::open();
        let sshd = ssh.then(|| Sshd::serve(&hub, &["trainer"]));
        let seat = match &sshd {
            Some(sshd) => sshd.seat(&hub, "trainer"),
            None => hub.seat("a"),
        };
        let before = hub.tip();
        dies_at(&hub, "committed");
        let said = seat.register("two", &["--push"]);
        assert!(hub.bare.join("died").exists(), "the server died");
        assert_eq!(said["commit"], hub.tip());
        assert_eq!(said["tries"], 1, "nothing was made or sent again");
        assert_eq!(hub.git(&["rev-list", "--count", &format!("{before}..main")]), "1");
        seat.in_step();
        hub.check();
    }
}

#[test]
fn an_answer_is_lost_and_others_were_fast() {
    let hub = Hub::open();
    let (seat, fast) = (hub.seat("a"), hub.seat("fast"));
    let key = hub.lab.key("trainer");
    fast.git(&["config", "user.signingkey", &key.to_string_lossy()]);
    let (uri, digest) = model("fast");
    let modelry = env!("CARGO_BIN_EXE_modelry");
    // The server takes the commit and dies; before anybody looks, another lands.
    hub.hook(
        "reference-transaction",
        &format!(
            "test \"$1\" = committed || exit 0\ngrep -q refs/heads/main || exit 0\ntest -e died && exit 0\ntouch died\nunset GIT_DIR GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n{modelry} -C {} register churn --artifact {uri} --digest {digest} --push >/dev/null 2>died || exit 0\nkill -KILL $PPID",
            fast.top.display()
        ),
    );
    let said = seat.register("slow", &["--push"]);
    assert_eq!(
        std::fs::read_to_string(hub.bare.join("died")).expect("a file"),
        ""
    );
    assert_eq!(said["changes"][0], "version churn/2 registered", "{said}");
    assert_eq!(said["tries"], 1);
    assert_ne!(said["commit"], hub.tip());
    assert!(
        hub.git(&["show", "main:groups/churn/versions/2/version.yaml"])
            .contains("models/slow")
    );
    assert!(
        hub.git(&["show", "main:groups/churn/versions/3/version.yaml"])
            .contains("models/fast")
    );
    hub.check();
}

#[test]
fn a_server_that_dies_before_it_accepts_is_asked_again() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    hub.hook(
        "pre-receive",
        "test -e died && exit 0\ntouch died\nkill -KILL $PPID",
    );
    let said = seat.register("two", &["--push"]);
    assert!(hub.bare.join("died").exists(), "the server died");
    assert_eq!(said["tries"], 2);
    seat.in_step();
    hub.check();
}

#[test]
fn a_server_that_always_dies_is_given_up() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    hub.hook("pre-receive", "kill -KILL $PPID");
    let told = model("two");
    let arguments = registering(&told, &["--push"]);
    let said = seat.fails("trainer", 2, &arguments);
    assert!(said.err.contains("whether commit"), "{}", said.err);
    assert!(said.err.contains("landed is not known"), "{}", said.err);
    assert!(said.err.contains("merge-base --is-ancestor"), "{}", said.err);
}

#[test]
fn patience_ends() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    // Somebody holds the branch's lock on the server, for good.
    std::fs::write(hub.bare.join("refs/heads/main.lock"), "").expect("a file");
    let told = model("two");
    let arguments = registering(&told, &["--push", "--patience", "1s"]);
    let said = seat.fails("trainer", 2, &arguments);
    assert!(
        said.err.contains("faster than this command can follow"),
        "{}",
        said.err
    );
    let said = seat.fails("trainer", 2, &["register", "churn", "--patience", "1s"]);
    assert!(said.err.contains("--push"), "{}", said.err);
}

#[test]
fn a_remote_that_is_gone_is_an_error_at_once() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let gone = hub.lab.home().join("gone.git");
    std::fs::rename(&hub.bare, &gone).expect("moved");
    let (before, start) = (seat.git(&["for-each-ref"]), std::time::Instant::now());
    let said = seat.says("risk-1", &["reject", "churn/1", "-m", "no", "--push"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("git fetch failed"), "{}", said.err);
    assert_eq!(seat.git(&["for-each-ref"]), before);
    assert!(start.elapsed().as_secs() < 20, "no patience is spent on it");
    std::fs::rename(&gone, &hub.bare).expect("moved");
    seat.git(&["remote", "remove", "origin"]);
    let said = seat.fails("risk-1", 2, &["reject", "churn/1", "-m", "no", "--push"]);
    assert!(said.err.contains("no remote to push to"), "{}", said.err);
}
