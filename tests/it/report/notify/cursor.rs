//! Cursors: where to start, where to go on, and when not to.

use super::{Receiver, command, cursor, events, lab, scrub, to};
use crate::support::needs::needs;
use crate::support::wait::wait_for;
use crate::support::{Lab, said};

fn read(lab: &Lab) -> String {
    std::fs::read_to_string(cursor(lab)).expect("a cursor")
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn a_start_is_said_once() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let mut all = String::new();
    let mut fails = |path: &str, more: &[&str]| {
        let told = to(&lab, &receiver, path, more);
        assert_eq!(told.code, 2, "{told:?}");
        all.push_str(&scrub(&lab, &told.err));
    };
    fails("/ok", &[]);
    assert!(!cursor(&lab).exists());
    let told = to(&lab, &receiver, "/ok?token=1", &["--since", "HEAD^"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(receiver.received().len(), 1);
    fails("/ok", &["--from-start"]);
    fails("/ok", &["--since", "HEAD"]);
    fails("/other", &[]);
    // Two teams may have their events at one path: a query is of the address.
    fails("/ok?token=2", &[]);
    let told = to(&lab, &receiver, "/ok?token=2", &["--moved"]);
    assert_eq!(told.code, 0, "{told:?}");
    let told = to(&lab, &receiver, "/other", &["--moved"]);
    assert_eq!(told.code, 0, "{told:?}");
    fails("/ok", &[]);
    assert_eq!(receiver.received().len(), 1, "nothing was told twice");
    insta::assert_snapshot!(all, @r"
    error: there is no cursor yet, so nothing says where to start
       hint: once: `--since HEAD` tells what happens from now on, `--from-start` everything since the root
       hint: was it lost? restore it from a copy, or name the last commit that the receiver knows: `--since COMMIT`
    error: there is a cursor, and nothing else says where to start
       hint: leave `--from-start` or `--since` away; to start over, remove the cursor
    error: there is a cursor, and nothing else says where to start
       hint: leave `--from-start` or `--since` away; to start over, remove the cursor
    error: the cursor is another receiver's, and would have this one miss what that one was told
       hint: give each receiver a cursor of its own; when it is the same one at another address: `--moved`
    error: the cursor is another receiver's, and would have this one miss what that one was told
       hint: give each receiver a cursor of its own; when it is the same one at another address: `--moved`
    error: the cursor is another receiver's, and would have this one miss what that one was told
       hint: give each receiver a cursor of its own; when it is the same one at another address: `--moved`
    ");
    let head = lab.git(&["rev-parse", "HEAD"]);
    assert!(
        read(&lab).ends_with(&format!("\nafter {head}\n")),
        "{}",
        read(&lab)
    );
    assert!(!read(&lab).contains("127.0.0.1"), "{}", read(&lab));
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn what_is_no_cursor_moves_nothing() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let _ = to(&lab, &receiver, "/ok", &["--since", "HEAD"]);
    let good = read(&lab);
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    for (text, why) in [
        (String::new(), "is no cursor: its last line does not end"),
        (good.replace("cursor/1", "cursor/2"), "this Modelry knows"),
        (good.replace("after", "behind"), "fourth line"),
        ("x".repeat(5000), "larger"),
        (
            good.replacen("registry ", "registry 00000000000000000000000000000000\n", 1),
            "third line",
        ),
    ] {
        std::fs::write(cursor(&lab), &text).expect("a file");
        let told = to(&lab, &receiver, "/ok", &[]);
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains(why), "{told:?}");
        assert_eq!(read(&lab), text);
    }
    let line = good.lines().nth(1).expect("a line");
    std::fs::write(
        cursor(&lab),
        good.replace(line, &format!("registry {}", "0".repeat(32))),
    )
    .expect("a file");
    let told = to(&lab, &receiver, "/ok", &[]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err.contains("the cursor is of registry 00000000"),
        "{told:?}"
    );

    // With an unknown event id, all events of its commit are sent again.
    let head = lab.git(&["rev-parse", "HEAD"]);
    let place = good.lines().nth(3).expect("a line");
    std::fs::write(
        cursor(&lab),
        good.replace(place, &format!("within {head} 00c0ffee")),
    )
    .expect("a file");
    assert_eq!(receiver.received().len(), 0);
    let told = to(&lab, &receiver, "/ok", &[]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.err.contains("all of them are told again"), "{told:?}");
    assert_eq!(receiver.ids("/ok"), events(&lab)[3..]);
}

#[test]
fn a_cursor_is_kept_where_pushes_do_not_reach() {
    let lab = lab();
    for (path, code) in [
        ("cursor", 2),
        ("groups/../cursor", 2),
        (".git/cursor", 0),
        ("../c", 0),
    ] {
        let told = lab.says(
            "admin-1",
            &["notify", "--exec", "true", "--since", "HEAD", "--cursor", path],
        );
        assert_eq!(told.code, code, "{path}: {told:?}");
        assert_eq!(told.err.contains("inside the work tree"), code == 2, "{told:?}");
    }
    let told = lab.says(
        "admin-1",
        &[
            "notify",
            "--exec",
            "true",
            "--cursor",
            "../none/cursor",
            "--from-start",
        ],
    );
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err.contains("there is no folder `../none` for the cursor")
            && told.err.contains("make the folder: `mkdir -p ../none`"),
        "{told:?}"
    );
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn a_start_may_be_repeated_until_something_is_told() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let exec = |program: &str, start: &[&str]| {
        let mut all = vec!["--exec", program, "--patience", "0s"];
        all.extend_from_slice(start);
        said(&mut command(&lab, &all))
    };
    let first = lab.git(&["rev-parse", "HEAD^"]);
    let told = exec("false", &["--since", "HEAD^"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        read(&lab).ends_with(&format!("\nsince {first}\n")),
        "{}",
        read(&lab)
    );
    // The same words now mean another commit, and events since the first start are
    // not lost.
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    let told = exec("false", &["--since", "HEAD^"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err.contains("would leave out what happened between"),
        "{told:?}"
    );
    assert!(
        read(&lab).ends_with(&format!("\nsince {first}\n")),
        "{}",
        read(&lab)
    );
    // Neither does another receiver have it without a word.
    let told = to(&lab, &receiver, "/ok", &[]);
    assert!(
        told.code == 2 && told.err.contains("another receiver's"),
        "{told:?}"
    );
    let told = to(&lab, &receiver, "/ok", &["--since", &first]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(receiver.ids("/ok"), events(&lab)[2..]);
    // One event is delivered now.
    let told = to(&lab, &receiver, "/ok", &["--since", &first]);
    assert!(
        told.code == 2 && told.err.contains("nothing else says"),
        "{told:?}"
    );

    std::fs::remove_file(cursor(&lab)).expect("a file");
    let told = exec("false", &["--since", "HEAD^"]);
    assert_eq!(told.code, 2, "{told:?}");
    let told = exec("true", &["--from-start"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(told.out.lines().count(), 4, "{told:?}");
    std::fs::remove_file(cursor(&lab)).expect("a file");
    let told = exec("false", &["--from-start"]);
    assert!(told.code == 2 && read(&lab).ends_with("\nstart\n"), "{told:?}");
    let told = exec("true", &["--since", "HEAD"]);
    assert!(
        told.code == 2 && told.err.contains("starts at the root"),
        "{told:?}"
    );
    let told = exec("true", &["--from-start"]);
    assert_eq!(told.out.lines().count(), 4, "{told:?}");
}

#[test]
fn what_a_first_line_lacks_is_named() {
    let lab = lab();
    for (file, is_folder_missing) in [("../none/secret", true), ("../secret", false)] {
        let mut first = command(&lab, &["--to", "https://hooks.example.com", "--from-start"]);
        let told = said(first.args(["--secret-file", file]));
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains(&format!("there is no `{file}`")), "{told:?}");
        let make = told.err.contains("make the folder: `mkdir -p ../none`");
        assert_eq!(make, is_folder_missing, "{told:?}");
        assert!(told.err.contains(&format!(" > {file})`")), "{told:?}");
    }
}

#[test]
fn a_day_to_start_at_is_told_itself() {
    let lab = lab();
    let root = lab.git(&[
        "log",
        "-1",
        "--date=format-local:%Y-%m-%d",
        "--format=%cd",
        &lab.root(),
    ]);
    let first = said(&mut command(&lab, &["--exec", "true", "--since", &root]));
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(first.out.lines().count(), 3, "{first:?}");
    std::fs::remove_file(cursor(&lab)).expect("a file");
    let told = said(&mut command(&lab, &["--exec", "true", "--since", "2001-01-01"]));
    assert_eq!(told.out, first.out);
    std::fs::remove_file(cursor(&lab)).expect("a file");
    for (start, why) in [
        ("2026-02-30", "there is no day `2026-02-30`"),
        (&"0".repeat(40), "`--from-start`"),
    ] {
        let told = said(&mut command(&lab, &["--exec", "true", "--since", start]));
        assert!(told.code == 2 && told.err.contains(why), "{told:?}");
    }
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn one_at_a_time_has_a_cursor() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let _ = to(&lab, &receiver, "/hang", &["--since", "HEAD"]);
    let _ = lab.ok("admin-1", &["group", "create", "loans"]);
    let uri = receiver.uri("/hang");
    let more = ["--to", &uri, "--allow-private", "--timeout", "50s"];
    let mut first = command(&lab, &more).spawn().expect("a process");
    wait_for("the first event", || !receiver.received().is_empty());
    let told = to(&lab, &receiver, "/hang", &[]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(
        told.err
            .contains("another `modelry notify` is at work with the cursor"),
        "{told:?}"
    );
    // Through a link it is the same cursor.
    #[cfg(unix)]
    {
        let link = lab.home().join("link");
        std::os::unix::fs::symlink(cursor(&lab), &link).expect("a link");
        let told = lab.says(
            "admin-1",
            &[
                "notify",
                "--exec",
                "true",
                "--moved",
                "--cursor",
                &link.to_string_lossy(),
            ],
        );
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.err.contains("another `modelry notify`"), "{told:?}");
    }
    first.kill().expect("a process");
    first.wait().expect("a process");
    let told = to(&lab, &receiver, "/ok", &["--moved"]);
    assert_eq!(told.code, 0, "who is killed lets go: {told:?}");
}

#[test]
fn what_comes_meanwhile_is_told_too() {
    let lab = lab();
    let modelry = env!("CARGO_BIN_EXE_modelry");
    // The first event makes another one, and its own notifier goes away.
    let script = format!(
        "cat > /dev/null; if [ ! -e ../once ]; then touch ../once; {modelry} group create late >&2 || exit 9; \
         {modelry} notify --exec true --moved --cursor ../cursor; echo $? > ../second; fi"
    );
    let mut notify = command(&lab, &["--exec", "sh", "--since", "HEAD^", "--", "-c", &script]);
    let told = said(&mut notify);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(
        std::fs::read_to_string(lab.home().join("second")).expect("a file"),
        "2\n"
    );
    let ids: Vec<&str> = told
        .out
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(ids, events(&lab)[2..], "{told:?}");
}

#[test]
#[ignore = "needs Python packages: standardwebhooks"]
fn a_mainline_that_is_faulty_or_rewritten_tells_nothing() {
    needs![super::PACKAGES];
    let lab = lab();
    let receiver = Receiver::start(lab.home());
    let _ = to(&lab, &receiver, "/ok", &["--since", "HEAD"]);
    let before = read(&lab);
    lab.write(
        "groups/loans/group.yaml",
        "apiVersion: modelry/v1\nkind: ModelGroup\nname: loans\n",
    );
    let _ = lab.git(&["add", "-A"]);
    let _ = lab.git(&["commit", "-q", "-m", "unsigned"]);
    let told = to(&lab, &receiver, "/ok", &[]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.contains("MR301"), "{told:?}");
    // Neither may a commit that is not on the mainline be named.
    let _ = lab.git(&["reset", "-q", "--hard", "HEAD^^"]);
    let told = to(&lab, &receiver, "/ok", &[]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.contains("MR502"), "{told:?}");
    assert!(
        told.out.contains("events of `main` were delivered up to commit"),
        "{told:?}"
    );
    assert_eq!(read(&lab), before);
    let away = lab.git(&["rev-parse", "HEAD@{1}"]);
    std::fs::remove_file(cursor(&lab)).expect("a file");
    let told = to(&lab, &receiver, "/ok", &["--since", &away]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("is not on `main`"), "{told:?}");
    assert!(!cursor(&lab).exists());
    assert_eq!(receiver.received().len(), 0);

    let _ = lab.git(&["config", "--unset", "modelry.root"]);
    let told = to(&lab, &receiver, "/ok", &["--from-start"]);
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.err.contains("the root is not pinned"), "{told:?}");
}
