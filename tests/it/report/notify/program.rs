//! Programs as receivers.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{SECRET, command, events, lab};
use crate::support::wait::wait_for;
use crate::support::{Lab, said};

fn script(lab: &Lab, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = lab.home().join("tell.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    path.to_string_lossy().into_owned()
}

fn read(lab: &Lab, name: &str) -> String {
    std::fs::read_to_string(lab.home().join(name)).unwrap_or_default()
}

#[test]
fn a_program_reads_each_event() {
    let lab = lab();
    let program = script(
        &lab,
        "cat >> ../events; echo \"$MODELRY_EVENT_ID\" >> ../ids; printf '%s|' \"$@\" >> ../arguments; env > ../env; echo said",
    );
    let odd = ["$(touch ../oops)", "a b", "*", "; exit 1"];
    let mut more = vec!["--exec", &program, "--from-start", "--"];
    more.extend_from_slice(&odd);
    let told = said(&mut command(&lab, &more));
    assert_eq!(told.code, 0, "{told:?}");
    let all = events(&lab);
    assert_eq!(read(&lab, "ids").lines().collect::<Vec<_>>(), all);
    let ids: Vec<String> = read(&lab, "events")
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["id"]
                .as_str()
                .expect("an id")
                .to_owned()
        })
        .collect();
    assert_eq!(ids, all);
    assert_eq!(read(&lab, "arguments"), format!("{}|", odd.join("|")).repeat(3));
    assert!(
        !read(&lab, "env").contains(SECRET),
        "the secret is none of its business"
    );
    assert_eq!(told.out.lines().count(), 3, "{told:?}");
    assert_eq!(told.err.matches("said").count(), 3, "{told:?}");
}

#[test]
fn a_program_that_fails_is_run_again() {
    let lab = lab();
    let program = script(
        &lab,
        "echo \"$MODELRY_EVENT_ID\" >> ../ids; [ $(wc -l < ../ids) -ge 3 ]",
    );
    let told = said(&mut command(&lab, &["--exec", &program, "--since", "HEAD^"]));
    assert_eq!(told.code, 0, "{told:?}");
    let last = events(&lab).pop().expect("events");
    assert_eq!(read(&lab, "ids").lines().collect::<Vec<_>>(), vec![last; 3]);
    assert!(
        told.err
            .contains("it ended with exit status: 1; trying again in 0."),
        "{told:?}"
    );

    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    let mut all = String::new();
    for program in [
        "false",
        "no-such-program",
        "./no/such program",
        "../home",
        "/dev/null",
    ] {
        let told = said(&mut command(
            &lab,
            &["--exec", program, "--moved", "--patience", "0s"],
        ));
        assert_eq!(told.code, 2, "{told:?}");
        all.push_str(&lab.scrub(&told.err));
    }
    insta::assert_snapshot!(all, @r"
    error: `false` did not take event [ID]: it ended with exit status: 1 (1 try)
       hint: what was delivered is in the cursor: the same command goes on from there
    error: `no-such-program` does not take event [ID]: it can't be run: No such file or directory (os error 2)
       hint: `--exec` takes a program's path or name alone; its arguments stand after `--`
    error: `./no/such program` does not take event [ID]: it can't be run: No such file or directory (os error 2)
       hint: `--exec` takes a program's path or name alone; its arguments stand after `--`
    error: `../home` does not take event [ID]: it can't be run: No such file or directory (os error 2)
       hint: `--exec` takes a program's path or name alone; its arguments stand after `--`
    error: `/dev/null` does not take event [ID]: it can't be run: Permission denied (os error 13)
       hint: `--exec` takes a program's path or name alone; its arguments stand after `--`
    ");
    // The error names a missing executable bit; in JSON, the reason is beside the id.
    std::fs::write(lab.home().join("plain.sh"), "#!/bin/sh\n").expect("a file");
    let mut plain = command(&lab, &["--exec", "../plain.sh", "--moved", "-o", "json"]);
    let told = said(&mut plain);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("make it a program: `chmod +x "), "{told:?}");
    let ended: Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(ended["delivered"], 0);
    assert_eq!(ended["done"], false);
    assert_eq!(
        ended["failed"]["id"].as_str(),
        events(&lab).last().map(String::as_str)
    );
    let why = ended["failed"]["why"].as_str().expect("a reason");
    assert!(why.starts_with("it can't be run: Permission denied"), "{why}");
    // The program need not read its input.
    let told = said(&mut command(&lab, &["--exec", "true", "--moved"]));
    assert_eq!(told.code, 0, "{told:?}");
}

#[test]
fn a_program_runs_where_modelry_is_told_to_start() {
    let lab = lab();
    let _ = script(&lab, "pwd -P >> \"${0%/*}/ran\"");
    let folder = lab
        .top
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let run = |directory: &str, at: &std::path::Path| {
        let mut notify = command(&lab, &["--exec", "../tell.sh", "--from-start"]);
        let told = said(notify.args(["-C", directory]).current_dir(at));
        assert_eq!(told.code, 0, "{told:?}");
        std::fs::remove_file(super::cursor(&lab)).expect("a file");
    };
    run(&folder, lab.top.parent().expect("a folder"));
    run(".", &lab.top);
    let top = lab.top.canonicalize().expect("a folder");
    let ran = read(&lab, "ran");
    assert_eq!(ran.lines().count(), 6, "{ran}");
    assert!(ran.lines().all(|line| std::path::Path::new(line) == top), "{ran}");
}

#[test]
fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let lab = lab();
    let program = script(&lab, "sleep 300 &\necho $! >> ../pids\nwait");
    let start = Instant::now();
    let more = [
        "--exec",
        &program,
        "--since",
        "HEAD^",
        "--timeout",
        "300ms",
        "--patience",
        "900ms",
    ];
    let told = said(&mut command(&lab, &more));
    assert_eq!(told.code, 2, "{told:?}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(
        told.err.contains("it did not end in 0.3 s, and was killed"),
        "{told:?}"
    );
    let pids = read(&lab, "pids");
    assert!(pids.lines().count() >= 1, "{told:?}");
    for pid in pids.lines() {
        wait_for("what it started goes with it", || !lives(pid));
    }
}

/// A notifier at work in the background.
struct Running(std::process::Child);

impl Running {
    fn start(lab: &Lab, more: &[&str]) -> Running {
        // The parent of the tests may ignore signals.
        Running::start_by(lab, &["env", "--default-signal=HUP,INT,TERM"], more)
    }

    /// By a program that runs another.
    fn start_by(lab: &Lab, by: &[&str], more: &[&str]) -> Running {
        let notify = command(lab, more);
        let mut outer = lab.command(by[0]);
        outer.args(&by[1..]);
        outer.arg(notify.get_program()).args(notify.get_args());
        for (name, value) in notify.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        outer.current_dir(notify.get_current_dir().expect("a folder"));
        outer.stdout(std::process::Stdio::null());
        outer.stderr(std::process::Stdio::null());
        Running(outer.spawn().expect("the program runs"))
    }

    fn send(&self, signal: &str) {
        let sent = std::process::Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal, &self.0.id().to_string()])
            .status();
        assert!(sent.expect("sh").success());
    }

    /// The signal that it ended by.
    fn ended(mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;
        let start = Instant::now();
        loop {
            match self.0.try_wait().expect("a child") {
                Some(status) => return status.signal(),
                None if start.elapsed() > Duration::from_secs(60) => {
                    let _ = self.0.kill();
                    panic!("it does not end");
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

/// A child that nobody waits for may be there as a zombie for a while.
fn lives(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with('Z'))
    })
}

#[test]
fn a_signal_ends_the_program_too() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let lab = lab();
        // It cleans up, and ends well.
        let program = script(
            &lab,
            &format!(
                "trap 'echo cleaned >> ../cleaned; exit 0' {signal}\nsleep 300 &\necho $! > ../pid.new\nmv ../pid.new ../pid\nwait"
            ),
        );
        let running = Running::start(&lab, &["--exec", &program, "--since", "HEAD^", "--timeout", "5m"]);
        wait_for("it starts", || lab.home().join("pid").exists());
        running.send(signal);
        assert_eq!(
            running.ended(),
            Some(number),
            "as it would have without a program"
        );
        assert_eq!(read(&lab, "cleaned"), "cleaned\n", "{signal}");
        let pid = read(&lab, "pid");
        wait_for("what it started goes with it", || !lives(pid.trim()));
        // An interrupted event is sent again.
        let again = script(&lab, "echo \"$MODELRY_EVENT_ID\" >> ../ids");
        let told = said(&mut command(&lab, &["--exec", &again]));
        assert_eq!(told.code, 0, "{told:?}");
        assert_eq!(
            read(&lab, "ids").lines().last(),
            events(&lab).last().map(String::as_str)
        );
    }
}

#[test]
fn a_signal_between_two_tries_ends_it_at_once() {
    let lab = lab();
    let program = script(&lab, "echo >> ../tries; exit 1");
    let running = Running::start(&lab, &["--exec", &program, "--since", "HEAD^"]);
    // The waits grow: soon it does nothing else.
    wait_for("it tries", || read(&lab, "tries").lines().count() >= 3);
    running.send("TERM");
    assert_eq!(running.ended(), Some(15));
}

#[test]
fn a_signal_that_is_to_be_ignored_stays_ignored() {
    let lab = lab();
    let program = script(
        &lab,
        "echo > ../started; while [ ! -e ../go ]; do sleep 0.05; done",
    );
    let more = ["--exec", &program, "--since", "HEAD^", "--timeout", "5m"];
    let running = Running::start_by(&lab, &["env", "--ignore-signal=HUP"], &more);
    wait_for("it starts", || lab.home().join("started").exists());
    // The system drops a signal that is ignored when it is sent.
    running.send("HUP");
    std::fs::write(lab.home().join("go"), "").expect("a file");
    assert_eq!(running.ended(), None, "it ran to its end");
}
