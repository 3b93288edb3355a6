//! A clone remembers its proofs, for each mainline and root.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{Lab, Said};

/// A registry with `churn/1`, a branch `other` at its registration, and a
/// rejection on `main` after it.
fn started() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab.git(&["config", "modelry.root", &lab.root()]);
        lab.git(&["branch", "other"]);
        let _ = lab.ok("risk-1", &["reject", "churn/1", "-m", "no"]);
        forget(&lab);
        lab
    })
}

fn folder(lab: &Lab) -> PathBuf {
    lab.top.join(".git/modelry/verified")
}

fn forget(lab: &Lab) {
    std::fs::remove_dir_all(lab.top.join(".git/modelry")).expect("removed");
}

fn points(lab: &Lab) -> Vec<Value> {
    let entries = std::fs::read_dir(folder(lab)).expect("a folder");
    let read = |path: PathBuf| crate::support::remembered(&std::fs::read(path).expect("a file"));
    entries
        .map(|entry| read(entry.expect("an entry").path()))
        .collect()
}

fn resolve(lab: &Lab, mainline: &str) -> Said {
    lab.says("admin-1", &["resolve", "churn@latest", "--mainline", mainline])
}

/// Drops the rejection, and puts an approval in its place.
fn rewrite(lab: &Lab) {
    lab.git(&["switch", "-q", "main"]);
    lab.git(&["reset", "-q", "--hard", "other"]);
    lab.git(&["commit", "-q", "--allow-empty", "-S", "-m", "another way"]);
}

#[track_caller]
fn lost(lab: &Lab) {
    let said = resolve(lab, "main");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR502"), "{said:?}");
    let said = lab.says("admin-1", &["audit", "--mainline", "main"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR502"), "{said:?}");
}

#[test]
fn another_mainline_makes_nothing_forgotten() {
    let lab = started();
    for mainline in ["main", "other"] {
        assert_eq!(resolve(&lab, mainline).code, 3);
    }
    assert_eq!(points(&lab).len(), 2);
    rewrite(&lab);
    lost(&lab);
    // A command on another branch, which no remote has, does not hide it either.
    lab.git(&["switch", "-q", "other"]);
    let _ = lab.ok("admin-1", &["group", "update", "churn", "--description", "x"]);
    lost(&lab);
}

#[test]
fn another_root_makes_nothing_forgotten() {
    let lab = started();
    assert_eq!(resolve(&lab, "main").code, 3);
    // A registry that starts where the other did, in the same place.
    lab.git(&["switch", "-q", "--orphan", "fresh"]);
    let _ = lab.ok(
        "admin-1",
        &["init", "--name", "x", "--actor", "admin-1", "--path", ""],
    );
    let root = lab.root();
    lab.git(&["update-ref", "refs/heads/old", "main"]);
    lab.git(&["branch", "-f", "main", "fresh"]);
    lab.git(&["config", "modelry.root", &root]);
    let said = lab.says("admin-1", &["resolve", "churn@latest", "--mainline", "main"]);
    assert_ne!(said.code, 0, "{said:?}");
    let roots: Vec<_> = points(&lab).iter().map(|point| point["root"].clone()).collect();
    assert!(roots.contains(&root.clone().into()), "{roots:?}");
    lab.git(&[
        "config",
        "modelry.root",
        &lab.git(&["rev-list", "--max-parents=0", "old"]),
    ]);
    lab.git(&["branch", "-f", "main", "old"]);
    lab.git(&["switch", "-q", "main"]);
    rewrite(&lab);
    lost(&lab);
}

/// A fault is rewritten as none, by somebody who delivers the repository.
#[test]
fn a_point_that_somebody_else_wrote_is_not_believed() {
    let lab = started();
    let path = "groups/churn/group.yaml";
    lab.write(path, &lab.read(path).replace("who may leave us", "who may leave"));
    lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "hotfix"]);
    assert_eq!(resolve(&lab, "main").code, 1);
    let own = std::fs::read_dir(folder(&lab)).expect("a folder").next();
    let own = own.expect("a point").expect("a point").path();
    let kept = std::fs::read(&own).expect("a file");
    let judged = || {
        let said = resolve(&lab, "main");
        assert!(said.code == 1 && said.out.contains("MR301"), "{said:?}");
    };
    let mut point = crate::support::remembered(&kept);
    assert_ne!(point["faulty"], Value::Array(Vec::new()));
    point["faulty"] = Value::Array(Vec::new());
    let tag = kept.split(|byte| *byte == b'\n').next().expect("a line");
    let tag = String::from_utf8_lossy(tag);
    // With the tag of another content, with none, and as older programs wrote it.
    for text in [
        format!("{tag}\n{point}"),
        format!("hmac-sha256 \n{point}"),
        format!("hmac-sha256 {}\n{point}", "0".repeat(64)),
        point.to_string(),
        String::new(),
        "{".to_owned(),
    ] {
        std::fs::write(&own, text).expect("a file");
        judged();
    }
    // Under another name it says what it was not asked.
    let moved = own.with_file_name(
        own.file_name()
            .expect("a name")
            .to_string_lossy()
            .replacen('0', "1", 1),
    );
    std::fs::rename(&own, moved).expect("renamed");
    judged();
    // By the tag of another user.
    let delivered = std::fs::read(&own).expect("a file");
    std::fs::remove_file(lab.home().join(".local/state/modelry/key")).expect("removed");
    judged();
    let others: Vec<_> = std::fs::read_dir(folder(&lab)).expect("a folder").collect();
    assert!(others.len() >= 2, "each user has files of their own");
    assert_eq!(std::fs::read(&own).expect("a file"), delivered);
}

/// A key that others can read, or that comes with a repository, does not count.
#[test]
fn a_key_that_was_delivered_is_not_believed() {
    use std::os::unix::fs::PermissionsExt;
    let lab = started();
    assert_eq!(resolve(&lab, "main").code, 3);
    let key = lab.home().join(".local/state/modelry/key");
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    let first = std::fs::read(&key).expect("a key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(resolve(&lab, "main").code, 3);
    assert_ne!(std::fs::read(&key).expect("a key"), first);
    assert_eq!(mode(&key), 0o600);
    // Where the state folder is in the work tree, nothing is remembered.
    forget(&lab);
    let mut command = lab.modelry("admin-1", &["resolve", "churn@latest"]);
    command.env("XDG_STATE_HOME", lab.top.join("state"));
    assert_eq!(command.status().expect("the program runs").code(), Some(3));
    assert!(!folder(&lab).exists());
}

#[test]
fn proofs_at_once_forget_nothing() {
    let lab = started();
    let names: Vec<String> = (0..12).map(|number| format!("branch-{number}")).collect();
    for name in &names {
        lab.git(&["branch", name, "main"]);
    }
    let mut runs = Vec::new();
    for name in &names {
        let mut command = lab.modelry("admin-1", &["resolve", "churn@latest", "--mainline", name]);
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        runs.push(command.spawn().expect("the program runs"));
    }
    for mut run in runs {
        assert_eq!(run.wait().expect("it ends").code(), Some(3));
    }
    let mut known: Vec<String> = points(&lab)
        .iter()
        .map(|point| {
            point["mainline"]
                .as_str()
                .expect("a name")
                .replace("refs/heads/", "")
        })
        .collect();
    known.sort();
    let mut names = names;
    names.sort();
    assert_eq!(known, names);
}

/// The one that was not used for longest goes first.
#[test]
fn only_so_many_points_are_kept() {
    let lab = started();
    assert_eq!(resolve(&lab, "main").code, 3);
    let age = |path: PathBuf, hours: u64| {
        let file = std::fs::File::options().append(true).open(path).expect("a file");
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 3600);
        file.set_modified(then).expect("a time");
    };
    let own = std::fs::read_dir(folder(&lab)).expect("a folder").next();
    let own = own.expect("a point").expect("a point").path();
    for number in 0..400 {
        let path = folder(&lab).join(format!("{number}.json"));
        std::fs::write(&path, "{}").expect("a file");
        age(path, 2 + number);
    }
    age(own.clone(), 1000);
    // It is used, though there is nothing new to keep.
    assert_eq!(resolve(&lab, "main").code, 3);
    assert_eq!(resolve(&lab, "other").code, 3);
    let left = std::fs::read_dir(folder(&lab)).expect("a folder").count();
    assert_eq!(left, 256);
    assert!(own.exists() && folder(&lab).join("0.json").exists());
    assert!(!folder(&lab).join("399.json").exists());
}

/// A local commit may land in another form, or never. Only commits of the remote are
/// remembered.
#[test]
fn a_commit_that_no_remote_has_is_not_remembered() {
    let lab = started();
    let bare = lab.home().join("hub.git").to_string_lossy().into_owned();
    lab.git(&["clone", "-q", "--bare", ".", &bare]);
    // The clone does not know of it yet.
    lab.git(&["remote", "add", "origin", &bare]);
    let describe = |text: &str| {
        let update = ["group", "update", "churn", "--description", text];
        let _ = lab.ok("admin-1", &update);
    };
    describe("as proposed");
    assert_eq!(resolve(&lab, "main").code, 3);
    lab.git(&["push", "-q", "origin", "main:proposal"]);
    squashed_there(&lab, &bare);
    // By a branch whose upstream is a proposal.
    describe("as proposed later");
    lab.git(&["push", "-q", "-f", "-u", "origin", "main:proposal"]);
    assert_eq!(resolve(&lab, "main").code, 3);
    squashed_there(&lab, &bare);
    // The remote's own mainline is rewritten: that is a fault still.
    lab.git(&["branch", "-q", "--set-upstream-to", "origin/main"]);
    assert_eq!(resolve(&lab, "main").code, 3);
    rewrite(&lab);
    lab.git(&["push", "-q", "-f", "origin", "main"]);
    lost(&lab);
}

/// Lands the tip of main as a squash on the remote, and takes the clone there.
#[track_caller]
fn squashed_there(lab: &Lab, bare: &str) {
    let there = lab.git(&["-C", bare, "rev-parse", "main"]);
    let squash = ["commit-tree", "-S", "main^{tree}", "-p", &there, "-m", "Squashed"];
    let squash = lab.git(&squash);
    lab.git(&["push", "-q", "origin", &format!("{squash}:refs/heads/main")]);
    lab.git(&["fetch", "-q", "origin"]);
    lab.git(&["reset", "-q", "--hard", "origin/main"]);
    let said = resolve(lab, "main");
    assert_eq!(said.code, 3, "{said:?}");
    let update = ["group", "update", "churn", "--label", "a=b", "--dry-run"];
    let _ = lab.ok("admin-1", &update);
}
