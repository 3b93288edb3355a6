//! Options that a command would ignore are refused: a line does what it says, or
//! nothing.

use std::collections::BTreeSet;

use super::{COMMANDS, files, words};
use crate::support::Lab;

/// Each option of every command, with a value that no command can use.
const USELESS: [(&str, &str); 3] = [("--path", "nope"), ("--mainline", "nope"), ("--root", "zzz")];

/// Commands that need no registry, each in a form that succeeds.
const ALONE: &[&str] = &[
    "explain MR001",
    "explain four-eyes",
    "schema",
    "schema version",
    "completions bash",
    "man ../man",
    "demo ../demo",
    "init --actor admin-1",
    "hook install",
    "hook install --uninstall",
    "hook pre-commit",
    "validate --no-history",
    "validate registry.yaml",
];

fn registry() -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    files(&lab);
    lab
}

/// A value that can't be used is an error of every command, whether the command reads
/// it or has no use for it.
#[test]
fn no_command_ignores_where_to_look() {
    let lab = registry();
    for line in COMMANDS.iter().chain(ALONE) {
        for (option, value) in USELESS {
            // The file is judged in the registry that it is in; a server guards a branch
            // before its first push; a registry can be made in any folder.
            let is_used = [
                ("validate registry.yaml", "--path"),
                ("hook install --server", "--mainline"),
                ("init --actor admin-1", "--path"),
            ];
            if is_used.contains(&(*line, option)) {
                continue;
            }
            // The root to pin is the argument.
            let told = lab.error("admin-1", &[&words(line)[..], &[option, value]].concat());
            let names_it = [option, value, "root"].iter().any(|word| told.contains(word));
            assert!(names_it, "{line} {option} {value}: {told}");
        }
    }
    assert!(!lab.home().join("demo").exists() && !lab.home().join("man").exists());
}

#[test]
fn options_without_a_use_are_refused_with_the_reason() {
    let lab = registry();
    let empty = Lab::empty();
    let root = lab.root();
    for (line, option, reason) in [
        ("explain MR001", "--threads", "it reads no registry"),
        ("explain MR001", "--root", "it reads no registry"),
        ("schema version", "--path", "it reads no registry"),
        ("completions bash", "--mainline", "it reads no registry"),
        ("man ../man", "--path", "it reads no registry"),
        ("demo ../demo", "--path", "a registry of its own"),
        ("demo ../demo", "--threads", "a registry of its own"),
        ("hook install", "--root", "the staged files"),
        ("hook install", "--mainline", "the staged files"),
        ("hook install --uninstall", "--path", "it removes the hook"),
        ("hook pre-commit", "--mainline", "the staged files"),
        ("validate --no-history", "--root", "files alone"),
        ("list", "--threads", "verifies no history"),
        ("show churn/1", "--threads", "verifies no history"),
        ("group show churn", "--threads", "verifies no history"),
        ("policy show", "--threads", "verifies no history"),
    ] {
        let value = match option {
            "--threads" => "1",
            "--root" => root.as_str(),
            "--mainline" => "main",
            _ => ".",
        };
        let told = lab.error("admin-1", &[&words(line)[..], &[option, value]].concat());
        let whole = format!("has no use for `{option}`");
        assert!(
            told.contains(&whole) && told.contains(reason) && told.contains("leave"),
            "{line} {option}: {told}"
        );
    }
    for option in [
        ["--root", root.as_str()],
        ["--mainline", "main"],
        ["--threads", "1"],
    ] {
        let told = empty.error("admin-1", &[&["init"][..], &option].concat());
        assert!(told.contains("the root"), "{told}");
    }
    let _ = empty.ok("admin-1", &["init", "--actor", "admin-1"]);
}

/// clap drops a requirement whose argument another one excludes.
#[test]
fn options_of_other_options_are_not_ignored() {
    let lab = registry();
    lab.write("../m.bin", "weights");
    for (line, word) in [
        ("validate --no-history --fetch", "--fetch"),
        ("validate --no-history --trust-root", "--trust-root"),
        ("validate --no-history --base main", "--base"),
        ("validate --no-history --landing squash", "--onto"),
        ("validate HEAD~1..HEAD --trust-root", "--trust-root"),
        ("validate HEAD~1..HEAD --base main", "--base"),
        ("validate HEAD~1..HEAD --summary ../s.md", "--onto"),
        ("validate --onto HEAD~1 HEAD --base main", "--base"),
        ("validate --onto HEAD~1 HEAD --trust-root", "--trust-root"),
        ("audit --trust-root --at HEAD --sign", "--sign"),
        (
            "audit --trust-root --at HEAD --new-checkpoint",
            "--new-checkpoint",
        ),
        ("notify --to https://x.example.com/ --cursor ../c -- a", "--to"),
        (
            "import sagemaker ../package.json --as x --rename churn=y",
            "--rename",
        ),
        (
            "grant add risk-1 --allow approve --groups * --stages staging",
            "--stages",
        ),
        ("grant add risk-1 --allow administer --groups churn", "--groups"),
        ("completions bash -o json", "json"),
        ("man ../man -o json", "json"),
        ("allowed-signers -o json", "json"),
        ("demo ../demo -o json", "json"),
        ("-C ../nowhere explain MR001", "nowhere"),
        ("-C ../nowhere completions bash", "nowhere"),
        ("-C ../nowhere list", "nowhere"),
    ] {
        let told = lab.error("admin-1", &words(line));
        assert!(told.contains(word), "{line}: {told}");
    }
    for (option, digest) in [("--dataset", "--dataset-digest"), ("--report", "--report-digest")] {
        let other = format!("sha256:{}", "2".repeat(64));
        let line = [
            "evidence", "add", "churn/1", "e", option, "../m.bin", digest, &other,
        ];
        let told = lab.error("trainer", &line);
        assert!(told.contains("m.bin has the digest"), "{told}");
    }
    let kinds = lab.ok("admin-1", &["schema", "-o", "json"]);
    let kinds: Vec<String> = serde_json::from_str(&kinds).expect("a list");
    assert!(kinds.contains(&"ModelVersion".to_owned()), "{kinds:?}");
}

/// To show the root that a line names is not to pin it.
#[test]
fn an_option_before_the_command_pins_nothing() {
    let lab = registry();
    let (tip, root) = (lab.git(&["rev-parse", "HEAD"]), lab.root());
    let pins = || lab.git(&["config", "--get-all", "modelry.root"]);
    let before = pins();
    for line in [&["--root", &tip, "trust"][..], &["trust", "--root", &tip]] {
        let _ = lab.says("admin-1", line);
        assert_eq!(pins(), before, "{line:?}");
    }
    let said = lab.ok("admin-1", &["trust", "--root", &root]);
    assert!(said.contains(&root) && said.contains("--root"), "{said}");
    let told = lab.error("admin-1", &["trust", &root, "--root", &root]);
    assert!(told.contains("has no use for `--root`"), "{told}");
}

/// A file that no rule reads is not clean.
#[test]
fn a_file_that_no_rule_reads_is_not_clean() {
    let lab = registry();
    lab.write("junk.yaml", "a: [1\n");
    lab.write("src/train.py", "import torch\n");
    lab.write("groups/junk.yaml", "x\n");
    for path in ["junk.yaml", "src", "src/train.py", "./junk.yaml"] {
        for more in [&[][..], &["--no-history"]] {
            let told = lab.error("admin-1", &[&["validate", path], more].concat());
            assert!(
                told.contains("no rule reads") && told.contains("`groups/`"),
                "{path}: {told}"
            );
        }
    }
    let found = lab.findings("admin-1", &["validate", "groups/junk.yaml"]);
    assert!(found.contains("MR101"), "{found}");
    for path in [
        "registry.yaml",
        "groups/churn",
        "groups/churn/versions/1/version.yaml",
    ] {
        let _ = lab.ok("admin-1", &["validate", path]);
        let _ = lab.ok("admin-1", &["validate", path, "--no-history"]);
    }
    let _ = lab.findings("admin-1", &["validate", "."]);
    // A file that the policy protects is judged.
    std::fs::remove_file(lab.top.join("groups/junk.yaml")).expect("a file");
    std::fs::remove_file(lab.top.join("junk.yaml")).expect("a file");
    lab.change_policy("approvals:", "protect: [\"src/**\"]\napprovals:");
    for path in ["src", "src/train.py"] {
        let _ = lab.ok("admin-1", &["validate", path]);
    }
}

#[test]
fn every_command_is_among_those_that_are_tried() {
    let first = |line: &&&str| line.split(' ').next().unwrap_or_default().to_owned();
    let tried: BTreeSet<String> = COMMANDS.iter().chain(ALONE).map(|line| first(&line)).collect();
    let all = modelry::testing::cli::definition();
    for command in all.get_subcommands() {
        assert!(tried.contains(command.get_name()), "{}", command.get_name());
    }
}
