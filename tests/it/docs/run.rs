//! Each block of commands in the pages is run, or says why it is only shown.
//!
//! The line above a block is a comment that says which:
//!
//! - `<!-- run: PLACE -->` or `<!-- run: PLACE as ACTOR -->`: the block runs in a place
//!   that `places.rs` prepares. Blocks of one page and one place run one after another.
//!   Lines of output in a `console` block must be lines of the real output; object ids,
//!   keys and folders may differ, and `…` is left out.
//! - `<!-- NAME: begin -->`: a test of its own takes the block by `docs::block("NAME")`;
//!   `docs::MARKS` lists these.
//! - `<!-- shown: REASON -->`: it is not run.

use std::collections::BTreeMap;

use super::places::Place;
use crate::support::docs::{MARKS, Page, pages};

/// A block of commands in a page.
struct Block {
    line: usize,
    language: String,
    mark: String,
    text: String,
}

fn blocks(page: &Page) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut open = false;
    let mut above = "";
    for (number, line) in page.text.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            if !open {
                out.push(Block {
                    line: number + 1,
                    language: language.to_owned(),
                    mark: above.to_owned(),
                    text: String::new(),
                });
            }
            open = !open;
        } else if open {
            let block = out.last_mut().expect("a block");
            block.text.push_str(line);
            block.text.push('\n');
        }
        above = line;
    }
    assert!(!open, "{}: a block is not closed", page.path);
    out
}

fn comment(mark: &str) -> Option<(&str, &str)> {
    let inner = mark.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    inner.split_once(": ")
}

#[test]
fn each_block_of_commands_is_run_or_says_why_not() {
    let mut wrong = Vec::new();
    for page in pages() {
        for block in blocks(&page) {
            let at = format!("{}:{}", page.path, block.line);
            let commands = ["sh", "console", "bash", "shell", ""].contains(&block.language.as_str());
            match comment(&block.mark) {
                Some(("run", place)) => {
                    let place = place.split(" as ").next().unwrap_or_default();
                    if !Place::NAMES.contains(&place) {
                        wrong.push(format!("{at}: no place is called `{place}`"));
                    }
                }
                Some(("shown", reason)) if reason.split_whitespace().count() < 4 => {
                    wrong.push(format!("{at}: the reason is too short"));
                }
                Some(("shown", _)) => {}
                Some((name, "begin")) if !MARKS.contains(&name) => {
                    wrong.push(format!("{at}: no test takes the block `{name}`"));
                }
                Some((_, "begin")) => {}
                _ if commands => wrong.push(format!("{at}: no comment above it says where it runs")),
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_commands_of_the_pages_run() {
    for page in pages() {
        let mut places: BTreeMap<String, Place> = BTreeMap::new();
        for block in blocks(&page) {
            let Some(("run", place)) = comment(&block.mark) else {
                continue;
            };
            let (name, who) = place.split_once(" as ").unwrap_or((place, "trainer"));
            let place = places
                .entry(name.to_owned())
                .or_insert_with(|| Place::prepare(name));
            let at = format!("{}:{}", page.path, block.line);
            if block.language == "console" {
                console(&at, place, who, &block.text);
            } else {
                let said = place.run(who, &block.text);
                assert_eq!(said.code, 0, "{at}\n{}\n{}\n{}", block.text, said.out, said.err);
            }
        }
    }
}

/// Runs the lines behind `$ `, and looks for the other lines in what they print.
fn console(at: &str, place: &Place, who: &str, text: &str) {
    const BEGIN: &str = "\u{1}command";
    let mut script = String::from("exec 2>&1\n");
    let mut expected: Vec<Vec<&str>> = vec![Vec::new()];
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            script.push_str(&format!("printf '%s\\n' '{BEGIN}'\n{command}\n"));
            expected.push(Vec::new());
        } else if let Some(more) = line.strip_prefix("> ") {
            script.push_str(&format!("{more}\n"));
        } else {
            expected.last_mut().expect("a command").push(line);
        }
    }
    let said = place.run(who, &script);
    assert_eq!(said.code, 0, "{at}\n{script}\n{}{}", said.out, said.err);
    let printed: Vec<&str> = said.out.split(&format!("{BEGIN}\n")).collect();
    for (lines, printed) in expected.iter().zip(printed) {
        in_order(at, lines, printed);
    }
}

/// Every line is a line of what was printed, in this order.
pub fn in_order(at: &str, lines: &[&str], printed: &str) {
    let mut rest = printed.lines().map(plain);
    for line in lines {
        let line = line.trim_end();
        if line.is_empty() || line == "…" {
            continue;
        }
        assert!(
            rest.any(|printed| printed == plain(line)),
            "{at} shows this line, which is not printed (or not there):\n{line}\n--- printed:\n{printed}"
        );
    }
}

/// The line without what differs each time: ids, keys, folders of the machine.
fn plain(line: &str) -> String {
    let ids =
        regex::Regex::new(r"SHA256:[A-Za-z0-9+/]+|\b[0-9a-f]{10,64}\b|file:///[^ ]*/").expect("a pattern");
    ids.replace_all(line.trim_end(), "~").into_owned()
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let lab = crate::support::Lab::empty();
    let demo = lab.home().join("demo");
    let mut command = lab.modelry("admin-1", &["demo", &demo.to_string_lossy()]);
    for variable in [
        "GIT_CONFIG_COUNT",
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_EMAIL",
    ] {
        command.env_remove(variable);
    }
    let said = crate::support::said(&mut command);
    assert_eq!(said.code, 0, "{said:?}");
    let shown = crate::support::docs::block("demo");
    in_order("README.md", &shown.lines().collect::<Vec<_>>(), &said.out);
}
