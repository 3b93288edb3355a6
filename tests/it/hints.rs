//! Lines that an error or a finding offers to type are commands that there are.

use std::collections::BTreeSet;
use std::path::Path;

use clap::error::ErrorKind;
use regex::Regex;

use crate::support::Lab;

/// Every line in backquotes that begins as a command, with its file.
fn lines() -> BTreeSet<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let line = Regex::new("`((?:modelry|git) [a-z][^`]*)`").expect("a pattern");
    let continued = Regex::new(r"\\\n\s*").expect("a pattern");
    let placeholder = Regex::new(r"\{[a-z_0-9.]*\}").expect("a pattern");
    let mut found = BTreeSet::new();
    for entry in walkdir::WalkDir::new(&top) {
        let path = entry.expect("an entry").into_path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        let code: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let code = continued.replace_all(&code.join("\n"), "").into_owned();
        let name = path.strip_prefix(&top).expect("below").display().to_string();
        for one in line.captures_iter(&code) {
            let typed = placeholder
                .replace_all(&one[1], "x")
                .replace("\\\"", "\"")
                .replace("\\n", " ");
            found.insert((name.clone(), typed));
        }
    }
    found
}

/// The words of a line as a shell has them.
fn words(line: &str) -> Vec<String> {
    let word = Regex::new(r#"'[^']*'|"[^"]*"|\S+"#).expect("a pattern");
    word.find_iter(line)
        .map(|word| word.as_str().trim_matches(['\'', '"']).to_owned())
        .take_while(|word| !["&&", "|", ">", "…"].contains(&word.as_str()))
        .collect()
}

#[test]
fn every_line_that_is_offered_is_a_command() {
    let lines = lines();
    let lab = Lab::empty();
    let known = lab.git(&["--list-cmds=main,others,alias"]);
    let known: BTreeSet<&str> = known.lines().collect();
    let (mut tried, mut wrong) = (0, Vec::new());
    for (file, line) in &lines {
        let words = words(line);
        tried += 1;
        if words[0] == "git" {
            if !known.contains(words[1].as_str()) {
                wrong.push(format!("{file}: `{line}`: git has no such command"));
            }
            continue;
        }
        let Err(error) = modelry::cli::definition().try_get_matches_from(&words) else {
            continue;
        };
        // What a placeholder stands for is another matter than how it is spelled.
        let is_spelled = matches!(
            error.kind(),
            ErrorKind::ValueValidation
                | ErrorKind::InvalidValue
                | ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelp
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        let is_placeholder =
            error.kind() == ErrorKind::InvalidSubcommand && words.iter().any(|word| word == "x");
        if !is_spelled && !is_placeholder {
            wrong.push(format!("{file}: `{line}`: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 150, "only {tried} lines were found");
}

/// A branch that was renamed is told of with the line that says which counts.
#[test]
fn a_renamed_mainline_is_configured() {
    let lab = Lab::with_registry();
    lab.git(&["config", "modelry.mainline", "main"]);
    lab.git(&["branch", "-q", "-m", "main", "trunk"]);
    let told = lab.error("admin-1", &["audit"]);
    assert!(
        told.contains("if `trunk` is the mainline now: `git config modelry.mainline trunk`"),
        "{told}"
    );
    lab.git(&["config", "modelry.mainline", "trunk"]);
    let _ = lab.ok("admin-1", &["audit"]);
    // Where the remote has it, it is made from there.
    lab.git(&["config", "modelry.mainline", "main"]);
    lab.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let told = lab.error("admin-1", &["audit"]);
    assert!(told.contains("`git branch main origin/main`"), "{told}");
    lab.git(&["branch", "main", "origin/main"]);
    let _ = lab.ok("admin-1", &["audit"]);
}
