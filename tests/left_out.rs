//! Lists the tests that were left out, what they need, and how to run them.
//! Cargo runs the test targets in the order of their names, so this one ends the
//! output of `cargo test`.

#![allow(clippy::print_stdout, reason = "the list is what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Tests and commands that install what is missing, by what is missing.
type Wants = BTreeMap<String, (String, BTreeSet<String>)>;

/// Reads the records that the tests of this run of cargo have left.
fn wants(folder: &Path, cargo: u32) -> Wants {
    let mut wants = Wants::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let test = entry.file_name().to_string_lossy().replace('.', "::");
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        let mut lines = text.lines();
        if lines.next().and_then(|line| line.parse().ok()) != Some(cargo) {
            continue;
        }
        for (what, install) in lines.filter_map(|line| line.split_once('\t')) {
            let want = wants.entry(what.to_owned());
            let (_, tests) = want.or_insert_with(|| (install.to_owned(), BTreeSet::new()));
            tests.insert(test.clone());
        }
    }
    wants
}

/// Tests of the target `it` that are marked as needing more, by what they need.
fn ignored(folder: &Path, module: &str, needs: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let inside = match &*name {
            "mod" | "main" => module.to_owned(),
            name => format!("{module}{name}::"),
        };
        if path.is_dir() {
            ignored(&path, &inside, needs);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let reason = line.strip_prefix("#[ignore = \"needs ");
            let Some(reason) = reason.and_then(|rest| rest.strip_suffix("\"]")) else {
                continue;
            };
            let test = lines.find_map(|line| line.strip_prefix("fn ")?.split_once('('));
            if let Some((test, _)) = test {
                let tests = needs.entry(reason.to_owned()).or_default();
                tests.insert(format!("{inside}{test}"));
            }
        }
    }
}

/// Prints tests below what they need.
fn list<'t>(need: &str, tests: impl IntoIterator<Item = &'t String>) {
    println!("\n  {need}");
    for test in tests {
        println!("    {test}");
    }
}

fn main() {
    // Asked for a list of tests, as other runners do: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let mut needs = BTreeMap::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    ignored(&source, "", &mut needs);
    let count: usize = needs.values().map(BTreeSet::len).sum();
    println!("\n{count} tests were left out, since they need:");
    for (need, tests) in &needs {
        list(need, tests);
    }
    println!("\nTo run them, install what they need, as `.ci/run` does, and type:");
    println!("\n  cargo test --test system");

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("left-out");
    let wants = wants(&folder, std::os::unix::process::parent_id());
    let tests: BTreeSet<&String> = wants.values().flat_map(|(_, tests)| tests).collect();
    if tests.is_empty() {
        return;
    }
    println!("\nAlso left out, since this machine lacks what they need:");
    for (what, (_, tests)) in &wants {
        list(what, tests);
    }
    println!("\nTo run them too, install what is missing, and run `cargo test` again:\n");
    let lines: BTreeSet<&String> = wants.values().map(|(install, _)| install).collect();
    for line in lines {
        println!("  {line}");
    }
    println!("\n`.ci/run` does all of this, and fails where a test is left out.");
}
