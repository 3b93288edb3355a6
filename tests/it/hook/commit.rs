//! The staged files are judged before they are committed.

use super::{Guarded, write_program};
use crate::support::{Lab, Said};

/// A clone with the hook set up, and `churn/1` Pending.
fn hooked() -> Lab {
    let guarded = Guarded::new();
    let _ = guarded.lab.ok("admin-1", &["hook", "install"]);
    guarded.lab
}

const VERSION: &str = "groups/churn/versions/1/version.yaml";

fn commit(lab: &Lab, who: &str, arguments: &[&str]) -> Said {
    let output = lab.git_as(
        who,
        &[&["commit", "-q", "-S", "-m", "by hand"], arguments].concat(),
    );
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn stage(lab: &Lab, path: &str, from: &str, to: &str) {
    let text = lab.read(path);
    assert!(text.contains(from), "{text}");
    lab.write(path, &text.replace(from, to));
    lab.git(&["add", path]);
}

#[test]
fn a_registry_that_is_not_there_is_said() {
    let lab = Lab::empty();
    lab.write("notes.txt", "x\n");
    lab.commit("admin-1", "no registry");
    let said = lab.says("admin-1", &["hook", "pre-commit"]);
    assert!(
        said.code == 0 && said.err.contains("HEAD holds no registry, so nothing was judged"),
        "{said:?}"
    );
    let told = lab.error("admin-1", &["--path", "models", "hook", "pre-commit"]);
    assert!(
        told.contains("there is no registry at `models` in HEAD: nothing was judged"),
        "{told}"
    );
}

#[test]
fn a_legal_change_is_committed() {
    let lab = hooked();
    stage(
        &lab,
        "groups/churn/group.yaml",
        "who may leave us",
        "who may leave",
    );
    let said = commit(&lab, "admin-1", &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn what_is_staged_is_refused_with_the_findings() {
    let lab = hooked();
    let before = lab.git(&["rev-parse", "HEAD"]);
    stage(&lab, VERSION, "status: Pending", "status: Approved");
    let said = commit(&lab, "trainer", &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("finding[MR308") && said.err.contains("nothing was committed"),
        "{}",
        said.err
    );
    assert_eq!(before, lab.git(&["rev-parse", "HEAD"]));
    // A user may skip the hook on purpose; the server's hook judges the commit.
    let said = commit(&lab, "trainer", &["--no-verify"]);
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn the_staged_content_counts_and_not_the_file_on_disk() {
    let lab = hooked();
    stage(&lab, VERSION, "status: Pending", "status: Approved");
    let bad = lab.read(VERSION);
    lab.write(VERSION, &bad.replace("status: Approved", "status: Pending"));
    let said = commit(&lab, "trainer", &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    // The other way round: bad on disk, good in the index.
    lab.git(&["add", VERSION]);
    lab.write(VERSION, &bad);
    stage(
        &lab,
        "groups/churn/group.yaml",
        "who may leave us",
        "who may leave",
    );
    let said = commit(&lab, "admin-1", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    // `commit FILE` has an index of its own.
    let said = commit(&lab, "trainer", &["--", VERSION]);
    assert_eq!(said.code, 1, "{}", said.err);
    let said = commit(&lab, "trainer", &["-a"]);
    assert_eq!(said.code, 1, "{}", said.err);
}

#[test]
fn protected_files_count() {
    let lab = hooked();
    let policy = lab.policy_with("grants:", "protect: [\"ci/**\"]\ngrants:");
    lab.write("registry.yaml", &policy);
    lab.git(&["add", "-A"]);
    assert_eq!(commit(&lab, "admin-1", &[]).code, 0);
    lab.write("ci/run", "true\n");
    lab.git(&["add", "-A"]);
    let said = commit(&lab, "trainer", &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("MR307") && said.err.contains("ci/run"),
        "{}",
        said.err
    );
    assert_eq!(commit(&lab, "admin-1", &[]).code, 0);
    lab.write("notes", "free\n");
    lab.git(&["add", "-A"]);
    assert_eq!(commit(&lab, "trainer", &[]).code, 0);
}

#[test]
fn the_policy_is_not_removed() {
    let lab = hooked();
    lab.git(&["rm", "-q", "registry.yaml"]);
    let said = commit(&lab, "admin-1", &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("MR404"), "{}", said.err);
}

#[test]
fn a_linked_worktree_has_its_own_index() {
    let lab = hooked();
    let other = lab.home().join("linked");
    lab.git(&["worktree", "add", "-q", "--detach", &other.to_string_lossy()]);
    let linked = other.to_string_lossy().into_owned();
    let file = other.join(VERSION);
    let text = std::fs::read_to_string(&file).expect("a version");
    std::fs::write(&file, text.replace("status: Pending", "status: Approved")).expect("written");
    let output = lab.git_as("trainer", &["-C", &linked, "commit", "-q", "-S", "-a", "-m", "x"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("MR308"), "{said}");
    std::fs::write(&file, &text).expect("written");
    std::fs::write(other.join("notes"), "x").expect("written");
    lab.git(&["-C", &linked, "add", "-A"]);
    lab.git(&["-C", &linked, "commit", "-q", "-m", "in a detached worktree"]);
    // From a folder below, too.
    std::fs::write(&file, text.replace("status: Pending", "status: Approved")).expect("written");
    let below = other.join("groups/churn").to_string_lossy().into_owned();
    let output = lab.git_as("trainer", &["-C", &below, "commit", "-q", "-S", "-a", "-m", "x"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn without_a_registry_everything_passes() {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["hook", "install"]);
    lab.write("notes", "x\n");
    lab.git(&["add", "-A"]);
    let said = commit(&lab, "admin-1", &[]);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "the first commit of all");
    lab.write("data/registry.yaml", "not: ours\n");
    lab.git(&["add", "-A"]);
    let said = commit(&lab, "admin-1", &[]);
    let note = "note: HEAD holds no registry, so nothing was judged\n";
    assert_eq!((said.code, said.err.as_str()), (0, note), "a file of that name");
}

#[test]
fn a_merge_is_left_to_its_commit() {
    let lab = hooked();
    lab.git(&["switch", "-q", "-c", "side", "HEAD~1"]);
    lab.write("notes", "ours\n");
    lab.git(&["add", "-A"]);
    assert_eq!(commit(&lab, "risk-1", &[]).code, 0);
    lab.git(&["merge", "-q", "--no-commit", "--no-ff", "main"]);
    let said = commit(&lab, "risk-1", &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("validate"),
        "it says what judges a merge: {}",
        said.err
    );
}

#[test]
fn the_hook_needs_neither_home_nor_path() {
    let lab = hooked();
    stage(&lab, VERSION, "status: Pending", "status: Approved");
    let git = which("git");
    let mut command = lab.command(&git);
    lab.as_actor(&mut command, "trainer");
    command
        .env_remove("HOME")
        .env("PATH", "/usr/bin:/bin")
        .args(["commit", "-q", "-m", "x"])
        .current_dir(&lab.top);
    let said = crate::support::said(&mut command);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("MR308"), "{}", said.err);
}

/// Where a program is.
pub fn which(program: &str) -> String {
    let path = std::env::var("PATH").expect("a path");
    let mut places = path
        .split(':')
        .map(|folder| std::path::Path::new(folder).join(program));
    let found = places.find(|place| place.exists());
    found
        .unwrap_or_else(|| panic!("{program} is needed by this test"))
        .to_string_lossy()
        .into_owned()
}

#[test]
fn a_hook_of_the_users_own_runs_too() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    write_program(
        &lab.top.join(".git/hooks/pre-commit"),
        "#!/bin/sh\necho mine >&2\ntest ! -e refuse\n",
    );
    let _ = lab.ok("admin-1", &["hook", "install"]);
    stage(
        lab,
        "groups/churn/group.yaml",
        "who may leave us",
        "who may leave",
    );
    lab.write("refuse", "");
    let said = commit(lab, "admin-1", &[]);
    assert_eq!((said.code, said.err.as_str()), (1, "mine\n"));
    std::fs::remove_file(lab.top.join("refuse")).expect("removed");
    let said = commit(lab, "admin-1", &[]);
    assert_eq!((said.code, said.err.as_str()), (0, "mine\n"));
}

/// A branch without a commit: its index would be a root, and is judged as one.
#[test]
fn an_orphan_branch_is_judged_as_a_root() {
    let lab = hooked();
    lab.git(&["checkout", "-q", "--orphan", "other"]);
    for text in [None, Some("foo: bar\n")] {
        if let Some(text) = text {
            lab.write("registry.yaml", &format!("{}{text}", lab.read("registry.yaml")));
            lab.git(&["add", "-A"]);
        }
        let codes = |words: &[&str]| -> Vec<String> {
            let said = lab.says("admin-1", words);
            assert_eq!(said.code, 1, "{words:?}: {said:?}");
            let text = format!("{}{}", said.out, said.err);
            let found = text.lines().filter(|line| line.starts_with("finding["));
            found.map(str::to_owned).collect()
        };
        let (hook, judged) = (codes(&["hook", "pre-commit"]), codes(&["validate"]));
        assert_eq!(hook, judged);
        assert!(hook.iter().any(|line| line.contains("MR501")), "{hook:?}");
    }
    let said = commit(&lab, "admin-1", &[]);
    assert!(
        said.code != 0 && said.err.contains("nothing was committed"),
        "{said:?}"
    );
    // Without a registry the branch is none of the judge's business.
    lab.git(&["rm", "-rfq", "."]);
    lab.write("page.html", "x\n");
    lab.git(&["add", "-A"]);
    let _ = lab.ok("admin-1", &["hook", "pre-commit"]);
}
