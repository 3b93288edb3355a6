//! Repositories that git refuses, and folders that are in none.

use std::process::Command;

use super::{COMMANDS, files, words};
use crate::support::needs::{Root, needs};
use crate::support::{Lab, Said, said};

/// A registry with a change on disk that is a finding.
fn faulty() -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path).replace("status: Pending", "status: Archived");
    lab.write(path, &text);
    lab
}

#[track_caller]
fn is_refused(told: &Said, words: &str) {
    assert_eq!(told.code, 2, "{told:?}");
    assert!(told.out.is_empty(), "{told:?}");
    assert!(told.err.contains(words), "{told:?}");
}

/// The line between backticks in the hint that holds these words.
#[track_caller]
fn typed<'s>(told: &'s Said, words: &str) -> &'s str {
    let line = told.err.lines().find(|line| line.contains(words));
    let line = line.unwrap_or_else(|| panic!("no hint has {words}: {told:?}"));
    line.split('`')
        .nth(1)
        .unwrap_or_else(|| panic!("no command in {line}"))
}

/// Types a line in the repository.
#[track_caller]
fn shell(lab: &Lab, line: &str) {
    let mut command = lab.command("sh");
    let typed = command.args(["-c", line]).current_dir(&lab.top).status();
    assert!(typed.expect("sh").success(), "{line}");
}

#[test]
fn another_owners_repository_is_refused_as_git_refuses_it() {
    needs!(Root);
    let lab = faulty();
    files(&lab);
    let findings = lab.says("admin-1", &["validate"]);
    assert_eq!(findings.code, 1, "{findings:?}");
    let owner = Command::new("chown").args(["-R", "12345"]).arg(&lab.top).status();
    assert!(owner.expect("chown").success());
    for line in COMMANDS
        .iter()
        .chain(&["hook pre-commit", "hook install", "init --path b"])
    {
        is_refused(&lab.says("admin-1", &words(line)), "detected dubious ownership");
    }
    // Git's exceptions hold: a glob, the command line's configuration, an
    // explicit GIT_DIR.
    let glob = format!("{}/*", lab.home().display());
    for value in [glob.as_str(), "*"] {
        let mut command = lab.modelry("admin-1", &["validate"]);
        command
            .env("GIT_CONFIG_COUNT", "2")
            .env("GIT_CONFIG_KEY_1", "safe.directory")
            .env("GIT_CONFIG_VALUE_1", value);
        let told = said(&mut command);
        assert_eq!((told.code, &told.out), (1, &findings.out), "{value}: {told:?}");
    }
    let told = said(lab.modelry("admin-1", &["list"]).env("GIT_DIR", ".git"));
    assert_eq!(told.code, 0, "{told:?}");
    // The remedy, as it is printed.
    let told = lab.says("admin-1", &["validate"]);
    shell(&lab, typed(&told, "git config --global --add safe.directory"));
    assert_eq!(lab.says("admin-1", &["validate"]).out, findings.out);
}

#[test]
fn a_worktree_whose_repository_moved_is_refused() {
    let lab = faulty();
    lab.git(&["stash", "-q"]);
    lab.git(&["worktree", "add", "-q", "../linked", "-b", "other"]);
    let moved = lab.home().join("moved");
    std::fs::rename(&lab.top, &moved).expect("a move");
    let linked = lab.home().join("linked");
    let at = linked.to_string_lossy().into_owned();
    let says = |arguments: &[&str]| {
        let mut command = lab.command(env!("CARGO_BIN_EXE_modelry"));
        said(command.args(arguments).current_dir(&linked))
    };
    let told = says(&["validate"]);
    is_refused(&told, "not a git repository: ");
    is_refused(&says(&["list"]), "not a git repository: ");
    let line = typed(&told, "worktree repair").replace("MAIN", &moved.to_string_lossy());
    let mut command = lab.command("sh");
    let repaired = command.args(["-c", &line]).current_dir(lab.home()).output();
    assert!(repaired.expect("sh").status.success(), "{line}");
    assert_eq!(says(&["validate"]).code, 0, "{at}");
}

#[test]
fn a_damaged_repository_is_refused_with_what_is_wrong() {
    for (damage, words, remedy) in [
        (
            "rm -rf .git; echo nonsense > .git",
            "invalid gitfile format",
            None,
        ),
        ("rm .git/HEAD", "`HEAD` is gone", Some("echo ")),
        (
            "echo nonsense > .git/HEAD",
            "names no branch and no commit",
            Some("echo "),
        ),
        ("rm -rf .git/objects", "`objects` is gone", None),
        (
            "git pack-refs --all; rm -rf .git/refs",
            "`refs` is gone",
            Some("mkdir -p "),
        ),
    ] {
        let lab = faulty();
        let before = lab.says("admin-1", &["validate"]);
        shell(&lab, damage);
        for command in [&["validate"][..], &["list"], &["whoami"], &["hook", "pre-commit"]] {
            is_refused(&lab.says("admin-1", command), words);
        }
        let told = lab.says("admin-1", &["validate"]);
        let Some(start) = remedy else { continue };
        shell(&lab, typed(&told, start));
        let after = lab.says("admin-1", &["validate"]);
        assert_eq!((after.code, &after.out), (1, &before.out), "{damage}: {after:?}");
    }
}

#[test]
fn files_alone_are_read_only_where_that_is_asked_for() {
    let lab = faulty();
    let plain = lab.home().join("plain");
    shell(&lab, "mkdir ../plain && cp -r registry.yaml groups ../plain");
    let at = plain.to_string_lossy().into_owned();
    for arguments in [&["validate", &at][..], &["-C", &at, "validate"]] {
        let told = lab.says("admin-1", arguments);
        is_refused(&told, "is not in a Git repository");
        let line = typed(&told, "--no-history");
        let place = match arguments[0] {
            "-C" => format!(" -C {at}"),
            _ => String::new(),
        };
        assert_eq!(line, format!("modelry{place} validate --no-history {at}"));
    }
    let told = lab.says("admin-1", &["validate", "--no-history", &at]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(
        told.out.contains("without their history (--no-history)"),
        "{told:?}"
    );
    // In a repository too, and there it does not see what the history forbids.
    assert_eq!(lab.says("admin-1", &["validate", "--no-history"]).code, 0);
    assert_eq!(lab.says("admin-1", &["validate"]).code, 1);
    lab.write("../plain/groups/churn/versions/1/version.yaml", "a: [");
    let told = lab.says("admin-1", &["validate", "--no-history", &at]);
    assert_eq!(told.code, 1, "{told:?}");
    for other in ["--onto=main", "--ci=github"] {
        assert_eq!(lab.says("admin-1", &["validate", "--no-history", other]).code, 2);
    }
    let told = lab.error("admin-1", &["validate", "--no-history", "../keys"]);
    assert!(told.contains("no `registry.yaml` is at"), "{told}");
}

#[test]
fn a_path_in_another_registry_is_judged_by_that_ones_history() {
    let lab = faulty();
    let other = Lab::with_registry();
    let at = lab.top.to_string_lossy().into_owned();
    let told = other.says("admin-1", &["validate", &at]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.out.contains("MR203"), "{told:?}");
    // All of it deleted: a finding, and no error.
    shell(&lab, "rm -rf registry.yaml groups policy");
    assert_eq!(lab.says("admin-1", &["validate"]).code, 1);
}

/// A variable that names a folder which is not there is the reason, and not the
/// repository.
#[test]
fn a_variable_that_misleads_git_is_named() {
    let lab = Lab::with_registry();
    for name in ["GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"] {
        let mut command = lab.modelry("admin-1", &["list"]);
        let told = said(command.env(name, "/nope"));
        assert_eq!(told.code, 2, "{name}: {told:?}");
        assert!(
            told.err
                .contains(&format!("the variable {name} of the environment names /nope"))
                && told.err.contains(&format!("`unset {name}`"))
                && !told.err.contains("damaged"),
            "{name}: {told:?}"
        );
    }
}
