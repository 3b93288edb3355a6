//! Setting hooks up, and taking them away.

use super::{Guarded, write_program};
use crate::support::Lab;

/// Files of the server's hooks, without git's samples.
fn hooks(guarded: &Guarded) -> Vec<String> {
    let entries = std::fs::read_dir(guarded.bare.join("hooks")).expect("hooks");
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| !name.ends_with(".sample"))
        .collect();
    names.sort();
    names
}

#[test]
fn it_can_be_done_again() {
    let guarded = Guarded::new();
    let hook = guarded.bare.join("hooks/pre-receive");
    let before = std::fs::read(&hook).expect("a hook");
    for _ in 0..2 {
        let said = guarded.says(&["hook", "install", "--server"]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("is there already"), "{}", said.out);
        assert!(said.out.contains("guards refs/heads/main"), "{}", said.out);
    }
    assert_eq!(before, std::fs::read(&hook).expect("a hook"));
    assert_eq!(hooks(&guarded), ["pre-receive"]);
    // A hook of ours that names another program is written again, and chains nothing.
    let text = String::from_utf8(before.clone()).expect("UTF-8");
    write_program(
        &hook,
        &text.replace(env!("CARGO_BIN_EXE_modelry"), "/old/modelry"),
    );
    let said = guarded.says(&["hook", "install", "--server", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        (&value["existing"], &value["chained"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert_eq!(before, std::fs::read(&hook).expect("a hook"));
}

#[test]
fn a_hook_that_is_there_runs_after_it_with_the_same_input() {
    let guarded = Guarded::new();
    let said = guarded.says(&["hook", "install", "--server", "--uninstall"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(hooks(&guarded), [""; 0]);
    let log = guarded.bare.join("log");
    let own = format!(
        "#!/bin/sh\ncat >> {}\n! grep -q forbidden {}\n",
        log.display(),
        log.display()
    );
    guarded.write_hook("pre-receive", &own);
    for _ in 0..2 {
        let said = guarded.says(&["hook", "install", "--server"]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(hooks(&guarded), ["pre-receive", "pre-receive.chained"]);
    }
    let old = guarded.git(&["rev-parse", "main"]);
    guarded.lab.register("churn", '2');
    let new = guarded.lab.git(&["rev-parse", "main"]);
    let _ = guarded.accepts("trainer", &["main", "main:side"]);
    let logged = std::fs::read_to_string(&log).expect("a log");
    let zero = "0".repeat(40);
    assert_eq!(
        logged,
        format!("{old} {new} refs/heads/main\n{zero} {new} refs/heads/side\n")
    );
    // A refusal by the chained hook counts, and it is not asked about a push that
    // Modelry refused.
    let _ = guarded.refuses("trainer", &["main:forbidden"]);
    std::fs::remove_file(&log).expect("removed");
    let _ = guarded.refuses("trainer", &["--force", "main~1:main"]);
    assert!(!log.exists());
    let said = guarded.says(&["hook", "install", "--server", "--uninstall"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        std::fs::read_to_string(guarded.bare.join("hooks/pre-receive")).expect("a hook"),
        own
    );
    let said = guarded.says(&["hook", "install", "--server", "--uninstall"]);
    assert_eq!(said.code, 2, "{}", said.out);
}

#[test]
fn two_hooks_to_keep_are_for_a_person_to_sort_out() {
    let guarded = Guarded::new();
    guarded.write_hook("pre-receive", "#!/bin/sh\n");
    guarded.write_hook("pre-receive.chained", "#!/bin/sh\n");
    let said = guarded.says(&["hook", "install", "--server"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("two hooks to keep"), "{}", said.err);
    assert_eq!(hooks(&guarded), ["pre-receive", "pre-receive.chained"]);
}

#[test]
fn the_folder_that_git_is_told_of_is_used() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.git(&["config", "core.hooksPath", ".githooks"]);
    let said = lab.ok("admin-1", &["hook", "install"]);
    assert!(said.contains(".githooks/pre-commit"), "{said}");
    lab.write("groups/churn/stray", "x");
    lab.git(&["add", "groups"]);
    let output = lab.git_as("admin-1", &["commit", "-q", "-m", "x"]);
    assert_eq!(output.status.code(), Some(1));
    // One that other repositories use too is not ours to change.
    let shared = lab.home().join("shared");
    lab.git(&["config", "core.hooksPath", &shared.to_string_lossy()]);
    let said = lab.error("admin-1", &["hook", "install"]);
    assert!(said.contains("which others share"), "{said}");
    assert!(!shared.exists());
}

#[test]
fn a_worktree_shares_its_repositorys_hooks() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let other = lab.home().join("linked").to_string_lossy().into_owned();
    lab.git(&["worktree", "add", "-q", "--detach", &other]);
    let _ = lab.ok("admin-1", &["-C", &other, "hook", "install"]);
    assert!(lab.top.join(".git/hooks/pre-commit").exists());
}

#[test]
fn a_server_without_a_pin_is_told_how() {
    let guarded = Guarded::of(Lab::with_registry());
    let said = guarded.says(&["hook", "install", "--server"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("no root is pinned"), "{}", said.err);
    let said = guarded.says(&["hook", "install"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("bare repository"), "{}", said.err);
}

#[test]
fn a_pin_is_a_whole_id_and_is_not_replaced() {
    let guarded = Guarded::empty();
    let other = "1".repeat(40);
    for (root, words) in [
        ("main", "is no full id"),
        (other.as_str(), "another root is pinned"),
    ] {
        let said = guarded.says(&["hook", "install", "--server", "--root", root]);
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(said.err.contains(words), "{}", said.err);
    }
    assert_eq!(guarded.git(&["config", "modelry.root"]), guarded.lab.root());
}

#[test]
fn what_is_there_already_is_proven_once() {
    let guarded = Guarded::of(Lab::with_registry());
    let _ = guarded.accepts("admin-1", &["main"]);
    let said = guarded.says(&["hook", "install", "--server"]);
    let pin = format!("modelry trust {}", guarded.lab.root());
    assert!(said.err.contains(&pin), "{}", said.err);
    assert_eq!(guarded.verified(), None);
    let said = guarded.says(&["hook", "install", "--server", "--root", &guarded.lab.root()]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(guarded.git(&["config", "modelry.root"]), guarded.lab.root());
    assert_eq!(guarded.verified(), Some(guarded.git(&["rev-parse", "main"])));
}

#[test]
fn names_with_spaces_and_quotes_are_no_trouble() {
    let guarded = Guarded::new();
    let odd = guarded.lab.home().join("it's a \"place\"");
    std::fs::create_dir_all(&odd).expect("a folder");
    let program = odd.join("modelry");
    std::fs::copy(env!("CARGO_BIN_EXE_modelry"), &program).expect("a copy");
    let bare = odd.join("models.git");
    std::fs::rename(&guarded.bare, &bare).expect("moved");
    let moved = Guarded {
        lab: guarded.lab,
        bare,
    };
    let mut command = moved.lab.command(&program.to_string_lossy());
    let said = crate::support::said(
        command
            .args(["hook", "install", "--server"])
            .current_dir(&moved.bare),
    );
    assert_eq!(said.code, 0, "{}", said.err);
    moved.lab.register("churn", '2');
    let _ = moved.accepts("trainer", &["main"]);
    moved.lab.write("groups/churn/stray", "x");
    moved.lab.commit("admin-1", "a stray file");
    let said = moved.refuses("admin-1", &["main"]);
    assert!(said.contains("MR101"), "{said}");
}

#[test]
fn the_server_of_the_docs_is_true() {
    let lab = Lab::with_registry();
    let lines = crate::support::docs::block("server");
    let lines = lines.replace("/srv/git", &lab.home().to_string_lossy());
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_modelry"));
    let path = format!(
        "{}:{}",
        binary.parent().expect("a folder").display(),
        std::env::var("PATH").expect("a path")
    );
    let mut shell = lab.command("bash");
    shell
        .args(["-e", "-c", &lines])
        .env("PATH", path)
        .env("MODELRY_ROOT", lab.root());
    let said = crate::support::said(&mut shell);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    let bare = lab.home().join("models.git");
    let guarded = Guarded { lab, bare };
    let _ = guarded.accepts("admin-1", &["main"]);
    let _ = guarded.refuses("admin-1", &["--force", "main~1:main"]);
}
