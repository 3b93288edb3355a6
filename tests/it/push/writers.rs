//! `--push`: many writers, one mainline.

use std::process::Stdio;

use crate::support::hub::{Hub, Seat, Sshd, model, registering};
use crate::support::needs::{SSHD, needs};
use crate::support::said;

#[test]
fn a_change_lands_on_the_remote_and_here() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let said = seat.register("two", &["--push"]);
    assert_eq!(said["remote"], "origin");
    assert_eq!(said["branch"], "main");
    assert_eq!(said["tries"], 1);
    assert_eq!(said["commit"], hub.tip());
    seat.in_step();
    let human = seat.ok("risk-1", &["reject", "churn/2", "-m", "no", "--push"]);
    assert!(human.contains("pushed to branch main of origin\n"), "{human}");
    hub.check();
}

#[test]
fn who_is_behind_builds_on_what_the_remote_has() {
    let hub = Hub::open();
    let (one, other) = (hub.seat("one"), hub.seat("other"));
    one.register("two", &["--push"]);
    std::fs::write(one.top.join("README"), "words").expect("a file");
    one.git(&["add", "README"]);
    one.git(&["commit", "-q", "-S", "-m", "words"]);
    one.git(&["push", "-q"]);
    let said = other.register("three", &["--push"]);
    assert_eq!(said["changes"][0], "version churn/3 registered");
    other.in_step();
    assert!(other.top.join("README").exists(), "the work tree follows too");
    hub.check();
}

#[test]
fn of_two_who_race_both_land() {
    let hub = Hub::open();
    let (slow, fast) = (hub.seat("slow"), hub.seat("fast"));
    // The fast one lands while the slow one is about to.
    let (uri, digest) = model("fast");
    let modelry = env!("CARGO_BIN_EXE_modelry");
    slow.hook(
        "pre-push",
        &format!(
            "test -e ../raced && exit 0\ntouch ../raced\nunset GIT_DIR\nexec {modelry} -C {} register churn --artifact {uri} --digest {digest} --push >&2",
            fast.top.display()
        ),
    );
    let said = slow.register("slow", &["--push"]);
    assert_eq!(said["tries"], 2, "{said}");
    assert_eq!(said["changes"][0], "version churn/3 registered");
    assert!(
        hub.git(&["show", "main:groups/churn/versions/2/version.yaml"])
            .contains("models/fast")
    );
    assert!(
        hub.git(&["show", "main:groups/churn/versions/3/version.yaml"])
            .contains("models/slow")
    );
    slow.in_step();
    hub.check();
}

#[test]
fn who_is_outrun_while_a_guarded_server_judges_starts_over() {
    let hub = Hub::open();
    hub.guard();
    let (slow, fast) = (hub.seat("slow"), hub.seat("fast"));
    let key = hub.lab.key("trainer");
    fast.git(&["config", "user.signingkey", &key.to_string_lossy()]);
    let (uri, digest) = model("fast");
    // Another lands after git's own look at the branch, before the guard's.
    let guard = hub.bare.join("hooks/pre-receive");
    std::fs::rename(&guard, hub.bare.join("hooks/guard")).expect("renamed");
    hub.hook(
        "pre-receive",
        &format!(
            "if ! test -e raced; then\n  touch raced\n  (unset GIT_DIR GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n  exec {} -C {} register churn --artifact {uri} --digest {digest} --push >&2 </dev/null) || exit\nfi\nexec hooks/guard",
            env!("CARGO_BIN_EXE_modelry"),
            fast.top.display()
        ),
    );
    let said = slow.register("slow", &["--push"]);
    assert_eq!(said["tries"], 2, "{said}");
    assert_eq!(said["changes"][0], "version churn/3 registered");
    slow.in_step();
    hub.check();
}

#[test]
#[ignore = "needs sshd"]
fn many_at_once_over_ssh_get_a_number_each() {
    needs![SSHD];
    let hub = Hub::open();
    let sshd = Sshd::serve(&hub, &["trainer"]);
    let seat = sshd.seat(&hub, "trainer");
    // Parallel jobs of one pipeline share a clone.
    let jobs: Vec<_> = ["a", "b", "c", "d"]
        .map(|mark| {
            let told = model(mark);
            let arguments = registering(&told, &["--push"]);
            let mut command = seat.command("trainer", &arguments);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("modelry")
        })
        .into_iter()
        .map(|job| job.wait_with_output().expect("modelry"))
        .collect();
    for job in jobs {
        assert!(job.status.success(), "{}", String::from_utf8_lossy(&job.stderr));
    }
    let versions = hub
        .files()
        .iter()
        .filter(|path| path.ends_with("/version.yaml"))
        .count();
    assert_eq!(versions, 5);
    hub.check();
}

#[test]
#[ignore = "needs sshd"]
fn what_is_asked_of_a_remote_shares_one_connection() {
    needs![SSHD];
    let hub = Hub::open();
    let sshd = Sshd::serve(&hub, &["trainer"]);
    let seat = sshd.seat(&hub, "trainer");
    let temporary = hub.lab.home().join("t");
    std::fs::create_dir(&temporary).expect("a folder");
    let calls = |mark: &str| {
        let told = model(mark);
        let arguments = registering(&told, &["--push"]);
        let _ = sshd.calls();
        let said = said(seat.command("trainer", &arguments).env("TMPDIR", &temporary));
        assert_eq!(said.code, 0, "{said:?}");
        let left = std::fs::read_dir(&temporary).expect("a folder").count();
        assert_eq!(left, 0, "nothing is left of the connection");
        let calls = sshd.calls();
        let from: std::collections::BTreeSet<&String> = calls.iter().collect();
        (from.len(), calls.len())
    };
    let (connections, all) = calls("two");
    assert!(connections == 1 && all > 2, "{connections} of {all}");
    // A user who shares connections already, or wants none shared, keeps the
    // configuration.
    let ssh = seat.git(&["config", "core.sshCommand"]);
    let own = hub.lab.home().join("ssh_config");
    std::fs::write(
        &own,
        format!("ControlPath {}/c\nControlMaster no\n", hub.lab.home().display()),
    )
    .expect("a file");
    let with_own = ssh.replace("/dev/null", &own.to_string_lossy());
    seat.git(&["config", "core.sshCommand", &with_own]);
    let (connections, all) = calls("three");
    assert_eq!(connections, all);
    seat.git(&["config", "core.sshCommand", &ssh]);
    seat.git(&["config", "modelry.shareConnection", "off"]);
    let (connections, all) = calls("four");
    assert_eq!(connections, all);
    seat.git(&["config", "modelry.shareConnection", "perhaps"]);
    let said = seat.fails("trainer", 2, &["annotate", "churn/1", "--label", "a=b", "--push"]);
    assert!(
        said.err
            .contains("`modelry.shareConnection` of git's configuration is neither yes nor no: `perhaps`"),
        "{said:?}"
    );
    // Asking which branch is the mainline needs no second connection either.
    seat.git(&["config", "--unset", "modelry.shareConnection"]);
    seat.git(&["switch", "-q", "--detach"]);
    seat.git(&["update-ref", "--no-deref", "-d", "refs/remotes/origin/HEAD"]);
    let (connections, all) = calls("five");
    assert!(connections == 1 && all > 3, "{connections} of {all}");
    hub.check();
}

#[test]
fn a_detached_head_means_the_mainline() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    seat.git(&["switch", "-q", "--detach"]);
    seat.git(&["branch", "-q", "-D", "main"]);
    let head = seat.git(&["rev-parse", "HEAD"]);
    let said = seat.register("two", &["--push"]);
    assert_eq!(said["commit"], hub.tip());
    assert_eq!(seat.git(&["rev-parse", "HEAD"]), head, "the checkout stays");
    assert_eq!(seat.git(&["rev-parse", "origin/main"]), hub.tip());
    assert_eq!(seat.git(&["branch", "--list", "main"]), "");
    hub.check();
}

#[test]
fn a_bare_clone_pushes_too() {
    let hub = Hub::open();
    let seat = hub.seat_with("a.git", &hub.bare.to_string_lossy(), &["--bare"]);
    hub.seat("b").register("two", &["--push"]);
    let said = seat.register("three", &["--push"]);
    assert_eq!(said["changes"][0], "version churn/3 registered");
    assert_eq!(seat.git(&["rev-parse", "main"]), hub.tip());
    hub.check();
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let hub = Hub::open();
    let address = format!("file://{}", hub.bare.display());
    let seat = hub.seat_with("a", &address, &["--depth=1"]);
    let told = model("two");
    let arguments = registering(&told, &["--push"]);
    let said = seat.fails("trainer", 2, &arguments);
    assert!(said.err.contains("fetch --unshallow`"), "{}", said.err);
    // No writing command has `--fetch` itself.
    assert!(
        said.err.contains("list --fetch`") && !said.err.contains("this command"),
        "{}",
        said.err
    );
    let said = seat.register("two", &["--push", "--trust-base"]);
    assert_eq!(said["commit"], hub.tip());
    hub.check();
}

#[test]
fn the_same_model_is_done_only_where_the_remote_has_it() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let _ = seat.register("two", &[]);
    let told = model("two");
    for more in [&["--push"][..], &["--push", "-o", "json"]] {
        let said = seat.fails("trainer", 2, &registering(&told, more));
        assert!(
            said.err
                .contains("churn/2 is the same model already, but in this clone alone"),
            "{said:?}"
        );
        assert!(said.err.contains("`git push origin main`"), "{said:?}");
        assert!(!said.out.contains("existing"), "{said:?}");
    }
    let _ = seat.git(&["push", "-q", "origin", "main"]);
    let said = seat.register("two", &["--push"]);
    assert_eq!(
        (&said["existing"], &said["pushed"]),
        (&true.into(), &false.into())
    );
    // Unrelated commits ahead of the remote do not matter.
    let _ = seat.register("three", &[]);
    let said = seat.register("two", &["--push"]);
    assert_eq!(said["existing"], true);
}

#[test]
fn what_is_not_committed_stays() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    // A file that the change does not touch, and one that it does.
    std::fs::write(seat.top.join("notes"), "mine").expect("a file");
    let said = seat.register("two", &["--push"]);
    assert_eq!(said["commit"], hub.tip());
    assert_eq!(seat.git(&["rev-parse", "main"]), hub.tip());
    assert_eq!(seat.git(&["status", "--porcelain"]), "?? notes");
    let file = seat.top.join("groups/churn/versions/2/version.yaml");
    let text = std::fs::read_to_string(&file).expect("a file") + "# mine\n";
    std::fs::write(&file, &text).expect("a file");
    let (before, mine) = (
        hub.tip(),
        ["annotate", "churn/2", "--label", "team=risk", "--push"],
    );
    let said = seat.says("trainer", &mine);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("`main` of this clone stays where it was"),
        "{}",
        said.err
    );
    assert_eq!(seat.git(&["rev-parse", "main"]), before);
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
    assert!(
        hub.git(&["show", "main:groups/churn/versions/2/version.yaml"])
            .contains("team: risk")
    );
    // The clone's memory is not ahead of its branch: it can still be read.
    let _ = seat.ok("trainer", &["show", "churn/2"]);
    let _ = seat.ok(
        "trainer",
        &["annotate", "churn/1", "--label", "a=b", "--branch", "mine"],
    );
    let said = seat.says("trainer", &["annotate", "churn/1", "--label", "a=b", "--dry-run"]);
    assert_eq!(said.code, 0, "{said:?}");
    // And the next push builds on the remote's tip.
    let _ = other.ok("trainer", &["annotate", "churn/1", "--label", "c=d", "--push"]);
    let _ = seat.ok("trainer", &["annotate", "churn/1", "--label", "e=f", "--push"]);
    hub.check();
}

#[test]
fn own_commits_go_along_once_they_are_judged() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    seat.register("two", &[]);
    let said = seat.says("risk-1", &["reject", "churn/2", "-m", "no", "--push"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("1 commit of this clone that `main` lacked there: judged, and pushed along"),
        "{}",
        said.err
    );
    seat.in_step();
    hub.check();
    // A commit that is faulty does not go along.
    std::fs::write(seat.top.join("groups/churn/group.yaml"), "no: record\n").expect("a file");
    seat.git(&["commit", "-q", "-a", "-S", "-m", "broken"]);
    let said = seat.fails("trainer", 1, &["annotate", "churn/1", "--label", "a=b", "--push"]);
    assert!(said.out.contains("MR009"), "{}", said.out);
}

#[test]
fn who_has_gone_apart_is_told() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    seat.register("mine", &[]);
    other.register("theirs", &["--push"]);
    let said = seat.fails("risk-1", 2, &["reject", "churn/1", "-m", "no", "--push"]);
    assert!(
        said.err
            .contains("`main` and `main` of `origin` have gone apart: 1 commit here, 1 commit there"),
        "{}",
        said.err
    );
}

#[test]
fn a_remote_that_was_rewritten_is_a_finding() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let _ = seat.ok("trainer", &["annotate", "churn/1", "--label", "a=b", "--push"]);
    let other = hub.seat("b");
    other.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let _ = other.ok("trainer", &["annotate", "churn/1", "--label", "c=d"]);
    other.git(&["push", "-q", "--force"]);
    let said = seat.fails("risk-1", 1, &["reject", "churn/1", "-m", "no", "--push"]);
    assert!(said.out.contains("MR502"), "{}", said.out);
}

#[test]
fn a_remote_whose_mainline_became_a_side_is_a_finding() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let _ = seat.ok("trainer", &["annotate", "churn/1", "--label", "a=b", "--push"]);
    let other = hub.seat("b");
    other.git(&["switch", "-q", "-c", "side", "HEAD~1"]);
    let _ = other.ok(
        "trainer",
        &["annotate", "churn/1", "--label", "c=d", "--mainline", "side"],
    );
    let merge = [
        "merge",
        "-q",
        "-S",
        "-s",
        "ours",
        "-m",
        "the wrong way round",
        "main",
    ];
    other.git(&merge);
    other.git(&["push", "-q", "origin", "side:main"]);
    let said = seat.fails("risk-1", 1, &["reject", "churn/1", "-m", "no", "--push"]);
    assert!(said.out.contains("MR505"), "{}", said.out);
}

#[test]
fn a_dry_run_pushes_nothing() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    other.register("two", &["--push"]);
    let told = model("three");
    let arguments = registering(&told, &["--push", "--dry-run"]);
    let said = seat.fails("trainer", 0, &arguments);
    let onto = &hub.tip()[..10];
    assert!(
        said.out.contains("Register churn/3"),
        "on what the remote has: {}",
        said.out
    );
    assert!(
        said.out.contains(&format!(
            "nothing was written or pushed; it would go to branch main of origin, on {onto}"
        )),
        "{}",
        said.out
    );
}

#[test]
fn a_branch_is_pushed_as_a_branch() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    let said = seat.register("two", &["--push", "--branch", "next"]);
    assert_eq!(said["branch"], "next");
    assert_eq!(said["commit"], hub.git(&["rev-parse", "next"]));
    assert_eq!(said["commit"], seat.git(&["rev-parse", "next"]));
    assert_eq!(
        hub.tip(),
        seat.git(&["rev-parse", "HEAD"]),
        "the mainline and the checkout stay"
    );
    let said = other.json(
        "risk-1",
        &[
            "reject",
            "churn/2",
            "-m",
            "no",
            "--push",
            "--branch",
            "next",
            "--any-content",
        ],
    );
    assert_eq!(said["commit"], hub.git(&["rev-parse", "next"]));
    assert_eq!(hub.git(&["rev-list", "--count", "main..next"]), "2");
}

#[test]
fn the_branch_s_own_remote_is_used() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    seat.git(&["remote", "rename", "origin", "upstream"]);
    seat.git(&["remote", "add", "origin", "/nowhere"]);
    let said = seat.register("two", &["--push"]);
    assert_eq!(said["remote"], "upstream");
    // And where it is pushed elsewhere, that is where it is judged.
    let fork = hub.lab.home().join("fork.git");
    hub.lab
        .git(&["clone", "-q", "--bare", ".", &fork.to_string_lossy()]);
    seat.git(&["remote", "add", "fork", &fork.to_string_lossy()]);
    seat.git(&["config", "branch.main.pushRemote", "fork"]);
    let before = hub.tip();
    let said = seat.register("three", &["--push"]);
    assert_eq!(said["remote"], "fork");
    assert_eq!(hub.tip(), before);
}

#[test]
fn a_clone_that_only_pushes_stays_in_order() {
    for (wanted, packs) in [("true", 1), ("no", 3)] {
        let hub = Hub::open();
        let (seat, other) = (hub.seat("a"), hub.seat("other"));
        for (key, value) in [
            ("maintenance.auto", wanted),
            ("gc.auto", "6700"),
            ("gc.autoDetach", "false"),
            // Fetched objects stay packed, and more than two packs are too many.
            ("fetch.unpackLimit", "1"),
            ("gc.autoPackLimit", "2"),
        ] {
            seat.git(&["config", key, value]);
        }
        for n in 0..3 {
            let _ = other.register(&format!("theirs-{n}"), &["--push"]);
            let _ = seat.register(&format!("mine-{n}"), &["--push"]);
        }
        let counted = seat.git(&["count-objects", "-v"]);
        assert!(
            counted.contains(&format!("\npacks: {packs}\n")),
            "{wanted}: {counted}"
        );
        hub.check();
    }
}

#[test]
fn a_lost_race_lets_those_through_who_are_landing() {
    let hub = Hub::open();
    let (seat, fast) = (hub.seat("a"), hub.seat("fast"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a clock").as_secs();
    // By the dates of the commits it is seen who lands just now.
    let says_at = |seat: &Seat<'_>, who: &str, at: u64, arguments: &[&str]| {
        let date = format!("@{} +0000", now + at);
        let mut command = seat.command(who, &[arguments, &["--push"]].concat());
        command
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date);
        let said = said(&mut command);
        assert_eq!(said.code, 0, "{said:?}");
        said.err
    };
    let says = |who: &str, at: u64, arguments: &[&str]| says_at(&seat, who, at, arguments);
    let annotate = |who: &str, at: u64, more: &[&str]| {
        let label = format!("n={at}");
        let arguments = ["annotate", "churn/1", "--label", &label];
        says(who, at, &[&arguments[..], more].concat())
    };
    let note = "`main` of `origin` took changes from 2 others in the last seconds: waiting up to";
    for at in 10..13 {
        let told = annotate("admin-1", at, &[]);
        assert!(
            !told.contains("took changes from"),
            "its own are in nobody's way: {told}"
        );
    }
    let told = says("risk-1", 13, &["reject", "churn/1", "-m", "no"]);
    assert!(!told.contains("took changes from"), "one other is none: {told}");
    for more in ["--dry-run", "--patience=0s"] {
        let told = annotate("trainer", 14, &[more]);
        assert!(!told.contains("took changes from"), "{more}: {told}");
    }
    let told = annotate("trainer", 15, &[]);
    assert!(!told.contains("took changes from"), "nobody is pushing: {told}");
    let (uri, digest) = model("fast");
    let race = format!(
        "test -e ../raced && exit 0\ntouch ../raced\nunset GIT_DIR\nexec {} -C {} register churn --artifact {uri} --digest {digest} --push >&2",
        env!("CARGO_BIN_EXE_modelry"),
        fast.top.display()
    );
    seat.hook("pre-push", &race);
    let told = annotate("trainer", 16, &[]);
    assert!(told.contains(note), "{told}");
    // A clone without history sees no contention.
    let address = format!("file://{}", hub.bare.display());
    let shallow = hub.seat_with("shallow", &address, &["--depth=1"]);
    let arguments = ["annotate", "churn/1", "--label", "n=17", "--trust-base"];
    let told = says_at(&shallow, "trainer", 17, &arguments);
    assert!(!told.contains("took changes from"), "{told}");
    hub.check();
}
