//! A registry that is not there, or of which there are several.

use std::sync::OnceLock;

use super::{COMMANDS, WITHOUT, files, words};
use crate::support::Lab;

/// A registry with a version, at the top.
fn with_version() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        files(&lab);
        lab
    })
}

#[test]
fn the_list_of_commands_is_whole() {
    fn leaves(command: &clap::Command, at: &str, all: &mut Vec<String>) {
        let inner: Vec<_> = command.get_subcommands().collect();
        if inner.is_empty() {
            all.push(at.to_owned());
        }
        for one in inner {
            let name = [at, one.get_name()].join(" ");
            leaves(one, name.trim(), all);
        }
    }
    let mut all = Vec::new();
    leaves(&modelry::testing::cli::definition(), "", &mut all);
    // They change a policy as the others of their family do.
    let alike = ["actor ", "team ", "grant ", "policy "];
    let is_listed = |name: &str| {
        let whole = |line: &&str| **line == *name || line.starts_with(&format!("{name} "));
        COMMANDS.iter().any(&whole)
            || WITHOUT.iter().any(whole)
            || alike.iter().any(|family| name.starts_with(family))
    };
    let missing: Vec<&String> = all.iter().filter(|name| !is_listed(name)).collect();
    assert!(
        missing.is_empty(),
        "{missing:?}: list them in `COMMANDS` or `WITHOUT`"
    );
}

/// Each command against a folder without a registry, by flag and by
/// configuration.
#[test]
fn a_folder_without_a_registry_is_no_empty_registry() {
    let lab = with_version();
    for line in COMMANDS {
        let told = lab.error("admin-1", &[&["--path", "nope"], &words(line)[..]].concat());
        assert!(told.contains("nope"), "{line}: {told}");
    }
    lab.git(&["config", "modelry.path", "nope"]);
    for line in COMMANDS {
        let told = lab.error("admin-1", &words(line));
        assert!(told.contains("nope"), "{line}: {told}");
    }
    let _ = lab.ok("admin-1", &["--path", ".", "list"]);
}

#[test]
fn an_empty_repository_is_no_empty_registry() {
    let lab = Lab::empty();
    files(&lab);
    let _ = lab.key("admin-1");
    // A server is guarded before its first push.
    for line in COMMANDS.iter().filter(|line| **line != "hook install --server") {
        let _ = lab.error("admin-1", &words(line));
    }
}

#[test]
fn before_its_root_there_is_no_registry() {
    let lab = Lab::empty();
    files(&lab);
    lab.write("a", "a\n");
    lab.git(&["add", "a"]);
    lab.commit("admin-1", "before");
    let before = lab.git(&["rev-parse", "HEAD"]);
    lab.write("a", "b\n");
    lab.git(&["add", "a"]);
    lab.commit("admin-1", "still before");
    lab.populate();
    lab.register("churn", '1');
    let root = lab.git(&["config", "modelry.root"]);
    for command in [
        "list",
        "group list",
        "show churn/1",
        "log",
        "whoami",
        "card show churn/1",
        "evidence show churn/1",
        "resolve churn@production",
        "pull churn/1 ../out",
        "export mlbom churn/1",
        "audit",
    ] {
        let told = lab.error("admin-1", &[&words(command)[..], &["--at", &before]].concat());
        assert!(
            told.contains("has no registry") || told.contains("older than the registry"),
            "{command}: {told}"
        );
    }
    let neither = format!("{before}..{before}~0");
    assert_eq!(lab.says("admin-1", &["validate", &neither]).code, 2);
    let neither = format!("{before}..{}", lab.git(&["rev-parse", &format!("{root}~1")]));
    for command in ["validate", "diff", "events"] {
        let told = lab.error("admin-1", &[command, &neither]);
        assert!(
            told.contains("has no registry") || told.contains("older than the registry"),
            "{command}: {told}"
        );
    }
    // Where it begins on the way, its root is named.
    let told = lab.error("admin-1", &["validate", &format!("{before}..HEAD")]);
    assert!(told.contains(&format!("modelry validate {root}..")), "{told}");
}

#[test]
fn each_folder_has_its_own_pin() {
    let lab = Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "a", "--actor", "admin-1", "--solo"],
    );
    let first = lab.git(&["config", "modelry.root"]);
    let _ = lab.ok("admin-1", &["group", "create", "one"]);
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "b/c", "--actor", "admin-1", "--solo"],
    );
    let pins = lab.git(&["config", "--get-all", "modelry.root"]);
    let pins: Vec<&str> = pins.lines().collect();
    assert_eq!(pins.len(), 2, "{pins:?}");
    assert_eq!(pins[0], first);
    assert!(pins[1].ends_with(":b/c"), "{pins:?}");
    for (folder, pin) in [("a", pins[0]), ("b/c", pins[1])] {
        let root = pin.split(':').next().expect("an id");
        let told = lab.ok("admin-1", &["--path", folder, "audit"]);
        assert!(told.contains(&format!("{root}, pinned")), "{told}");
        for trust in [&["--path", folder, "trust"][..], &["-C", folder, "trust"]] {
            let told = lab.ok("admin-1", trust);
            assert!(
                told.contains(pin) && told.contains("is pinned by the clone's configuration"),
                "{told}"
            );
        }
        let _ = lab.ok("admin-1", &["-C", folder, "whoami"]);
    }
    // Without a folder, the command can't choose between them.
    let told = lab.error("admin-1", &["list"]);
    assert!(
        told.contains("2 registries are pinned here: `a`, `b/c`"),
        "{told}"
    );
    lab.git(&["config", "modelry.path", "b/c"]);
    let told = lab.ok("admin-1", &["list"]);
    assert!(!told.contains("one"), "{told}");
    lab.git(&["config", "--unset", "modelry.path"]);
    // When one is pinned again, the other pin stays.
    let _ = lab.ok("admin-1", &["trust", pins[0]]);
    let now = lab.git(&["config", "--get-all", "modelry.root"]);
    let mut now: Vec<&str> = now.lines().collect();
    now.sort_unstable();
    let mut before = pins.clone();
    before.sort_unstable();
    assert_eq!(now, before);
    // The hook judges the staged files of each.
    let path = "b/c/registry.yaml";
    lab.write(path, &lab.read(path).replace("required: 1", "required: 0"));
    lab.git(&["add", path]);
    let told = lab.says("admin-1", &["hook", "pre-commit"]);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.err.contains("MR014"), "{told:?}");
}

#[test]
fn a_pin_without_a_folder_keeps_its_meaning_beside_others() {
    let lab = Lab::with_registry();
    let root = lab.root();
    assert_eq!(lab.git(&["config", "modelry.root"]), root);
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "b", "--actor", "admin-1", "--solo"],
    );
    // The top is around every folder.
    let told = lab.ok("admin-1", &["list"]);
    assert!(told.contains("churn"), "{told}");
    let told = lab.ok("admin-1", &["-C", "b", "list"]);
    assert!(!told.contains("churn"), "{told}");
    let told = lab.ok("admin-1", &["trust"]);
    assert!(
        told.contains(&root) && told.contains("is pinned by the clone's configuration"),
        "{told}"
    );
    let pins = lab.git(&["config", "--get-all", "modelry.root"]);
    assert!(pins.starts_with(&format!("{root}\n")), "{pins}");
}

#[test]
fn a_registry_that_was_moved_is_told_that_it_can_not() {
    let lab = Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "models", "--actor", "admin-1", "--solo"],
    );
    lab.git(&["mv", "models", "registry"]);
    for command in [&["validate"][..], &["hook", "pre-commit"]] {
        let told = lab.says("admin-1", command);
        assert_eq!(told.code, 1, "{told:?}");
        let told = format!("{}{}", told.out, told.err);
        assert!(
            told.contains("the registry is moved to `registry`, and a registry can't be moved")
                && told.contains("put it back: `"),
            "{told}"
        );
    }
    lab.commit("admin-1", "moved");
    let told = lab.error("admin-1", &["list"]);
    assert!(
        told.contains(
            "moved it to `registry`, and a registry can't be moved: put it back with `git revert -S"
        ),
        "{told}"
    );
    let told = lab.says("admin-1", &["audit"]);
    assert!(told.out.contains("a registry can't be moved"), "{told:?}");
}

/// A hook for a folder without a registry would guard nothing.
#[test]
fn a_hook_is_for_a_registry_that_is_there() {
    let lab = with_version();
    let told = lab.error("admin-1", &["--path", "nope", "hook", "install"]);
    assert!(told.contains("no registry at `nope`"), "{told}");
    assert!(!lab.top.join(".git/hooks/pre-commit").exists());
    let told = lab.error("admin-1", &["--path", "nope", "hook", "install", "--server"]);
    assert!(told.contains("nope"), "{told}");
    let _ = lab.ok("admin-1", &["--path", ".", "hook", "install"]);
    let empty = Lab::empty();
    let _ = empty.ok("admin-1", &["--path", "ml", "hook", "install", "--server"]);
}
