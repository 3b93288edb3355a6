//! Commits of a clone that its remote lacks: they can be dropped again, and what
//! the clone remembers does not rest on them.

use crate::support::Lab;
use crate::support::hub::{Hub, Seat};

fn group(seat: &Seat<'_>, name: &str, more: &[&str]) {
    let mut arguments = vec!["group", "create", name, "--description", "x"];
    arguments.extend(more);
    let _ = seat.ok("admin-1", &arguments);
}

/// An unsigned change of a record.
fn hotfix(seat: &Seat<'_>) -> String {
    let path = seat.top.join("groups/churn/group.yaml");
    let text = std::fs::read_to_string(&path).expect("a file");
    std::fs::write(&path, text.replace("who may leave us", "who may leave")).expect("a file");
    seat.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "hotfix"]);
    seat.git(&["rev-parse", "--short=8", "HEAD"])
}

#[test]
fn a_commit_that_was_not_pushed_can_be_dropped() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    group(&seat, "one", &[]);
    // A proof of what is only here, and one more commit on it.
    let _ = seat.says("risk-1", &["resolve", "churn@latest"]);
    group(&seat, "two", &[]);
    seat.git(&["reset", "-q", "--hard", "HEAD~2"]);
    let _ = seat.ok("risk-1", &["reject", "churn/1", "-m", "no", "--push"]);
    seat.in_step();
    // One that goes along, and one that does not.
    group(&seat, "one", &[]);
    group(&seat, "two", &["--push"]);
    seat.in_step();
    group(&seat, "three", &[]);
    let _ = seat.ok("admin-1", &["audit"]);
    let _ = seat.says("risk-1", &["resolve", "churn@latest"]);
    seat.git(&["reset", "-q", "--hard", "HEAD~1"]);
    group(&seat, "four", &["--push"]);
    hub.check();
}

#[test]
fn what_was_pushed_is_remembered() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    let before = hub.tip();
    group(&seat, "one", &["--push"]);
    group(&seat, "two", &[]);
    let _ = other.ok("admin-1", &["list"]);
    // Its last commit is dropped on the remote, and another one takes its place.
    other.git(&["reset", "-q", "--hard", &before]);
    hub.git(&["update-ref", "refs/heads/main", &before]);
    group(&other, "three", &["--push"]);
    seat.git(&["fetch", "-q"]);
    seat.git(&["reset", "-q", "--hard", "origin/main"]);
    for arguments in [
        &["group", "create", "four", "--description", "x", "--push"][..],
        &["group", "create", "four", "--description", "x"],
        &["resolve", "churn@latest"],
        &["audit"],
    ] {
        let said = seat.fails("admin-1", 1, arguments);
        assert!(
            said.out.contains("MR502") || said.err.contains("MR502"),
            "{said:?}"
        );
    }
    group(&seat, "four", &["--replay"]);
    group(&seat, "five", &["--push"]);
}

/// Fetched commits are remembered once they were proven, and so are those that a
/// plain `git push` sent.
#[test]
fn what_the_remote_has_is_remembered_however_it_got_there() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    group(&seat, "one", &[]);
    seat.git(&["push", "-q"]);
    let _ = seat.says("admin-1", &["resolve", "churn@latest"]);
    other.git(&["pull", "-q"]);
    group(&other, "two", &[]);
    let _ = other.says("admin-1", &["resolve", "churn@latest"]);
    for clone in [&seat, &other] {
        clone.git(&["reset", "-q", "--hard", "origin/main~1"]);
        let said = clone.fails("admin-1", 1, &["resolve", "churn@latest"]);
        assert!(said.out.contains("MR502"), "{said:?}");
    }
}

/// A faulty local commit is not history yet.
#[test]
fn a_faulty_commit_of_ones_own_is_to_be_mended() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let faulty = hotfix(&seat);
    for more in [&["--push"][..], &[]] {
        let mut arguments = vec!["reject", "churn/1", "-m", "no"];
        arguments.extend(more);
        let said = seat.fails("risk-1", 1, &arguments);
        assert!(said.out.contains("MR301"), "{said:?}");
        assert!(!said.out.contains("acknowledged:"), "{said:?}");
        assert!(said.err.contains(&format!("commit {faulty}")), "{said:?}");
        assert!(said.err.contains("git commit --amend"), "{said:?}");
    }
    seat.git(&["push", "-q"]);
    let said = seat.fails("risk-1", 1, &["reject", "churn/1", "-m", "no", "--push"]);
    assert!(said.out.contains("acknowledged:"), "{said:?}");
    assert!(!said.err.contains("git commit --amend"), "{said:?}");
}

/// The mainline's branch was renamed: each write says so, with the line that helps.
#[test]
fn a_mainline_that_is_not_there_is_said() {
    let lab = Lab::with_registry();
    lab.git(&["config", "modelry.mainline", "main"]);
    lab.git(&["branch", "-m", "main", "trunk"]);
    let said = lab.says("admin-1", &["group", "create", "other"]);
    assert!(
        said.code == 0
            && said.err.contains("there is no branch `main`, the mainline")
            && said.err.contains("`git config modelry.mainline trunk`")
            && !said.err.contains("knows nothing of this"),
        "{said:?}"
    );
    lab.git(&["config", "modelry.mainline", "trunk"]);
    let said = lab.says("admin-1", &["group", "create", "third"]);
    assert!(said.code == 0 && !said.err.contains("mainline"), "{said:?}");
}
