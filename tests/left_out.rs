//! Lists the tests that were left out, for want of what, and how to run them.
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

fn main() {
    // Asked for a list of tests, as other runners do: there are none here.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("left-out");
    let wants = wants(&folder, std::os::unix::process::parent_id());
    let tests: BTreeSet<&String> = wants.values().flat_map(|(_, tests)| tests).collect();
    if tests.is_empty() {
        println!("\nno test was left out");
        return;
    }
    println!(
        "\n{} {} left out, since this machine lacks what they need:",
        tests.len(),
        match tests.len() {
            1 => "test was",
            _ => "tests were",
        }
    );
    for (what, (_, tests)) in &wants {
        println!("\n  {what}");
        for test in tests {
            println!("    {test}");
        }
    }
    println!("\nTo run them too, install what is missing, and run `cargo test` again:\n");
    let lines: BTreeSet<&String> = wants.values().map(|(install, _)| install).collect();
    for line in lines {
        println!("  {line}");
    }
    println!("\n`.ci/run` does both, and fails where a test is left out.");
}
