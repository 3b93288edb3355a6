//! Does what a remedy says, as somebody who reads it would.

use std::process::Command;

use modelry::testing::record::yaml::{Document, Edit, Limits};
use serde_json::Value;

use super::world::{Scene, Told, key_line};
use crate::support::said;

/// Edits that a remedy asks for in words: the text to replace in the finding's
/// file.
const BY_HAND: &[(&str, &str, &str)] = &[
    ("MR003-control-character/fires-bidi", "\u{202e}", ""),
    ("MR006-anchor-or-alias/fires-alias", "&c churn", "churn"),
    ("MR006-anchor-or-alias/fires-alias", "*c", "churn"),
    ("MR007-yaml-tag/fires-tag", "!!str ", ""),
    ("MR009-bad-key/fires-two-lines", "{\"a\"\n  : b}", "{\"a\": b}"),
    ("MR010-explicit-null/fires-empty", "labels:\n", ""),
    (
        "MR014-schema-mismatch/fires-number-for-text",
        "{a: 1}",
        "{a: \"1\"}",
    ),
];

/// Follows the line of a finding.
pub fn follow(scene: &mut Scene, name: &str, told: &Told) -> Result<(), String> {
    if by_hand(scene, name, told) {
        return Ok(());
    }
    // The first of several ways that spells something.
    let ways: Vec<&str> = told.help.split(", or ").collect();
    let way = ways.iter().find(|way| !actions(way).is_empty());
    let Some(way) = way else {
        return Err(format!("it spells no command and no edit: {}", told.help));
    };
    let actions = actions(way);
    for action in &actions {
        if let Action::Edit(edit) = action {
            change(scene, told, edit)?;
        }
    }
    let commands: Vec<&Action> = actions
        .iter()
        .filter(|action| matches!(action, Action::Run { .. }))
        .collect();
    // Repaired files are committed before anything is built on them.
    let is_dirty = !scene.lab.git(&["status", "--porcelain"]).is_empty();
    if !commands.is_empty() && is_dirty && scene.look().is_empty() && scene.who != "unsigned" {
        scene.lab.commit(&scene.who.clone(), "the rest");
    }
    for command in commands {
        let Action::Run { by, line } = command else {
            continue;
        };
        run(scene, told, by, line)?;
    }
    Ok(())
}

/// One thing to do.
#[derive(Debug)]
enum Action {
    Edit(Change),
    Run { by: Vec<String>, line: String },
}

#[derive(Debug)]
enum Change {
    RestoreFolder,
    Restore,
    Remove,
    RemoveBeside,
    MoveAway,
    Move(String),
    Write(String),
    Drop(String),
}

/// Parses a way into its actions, in order.
fn actions(way: &str) -> Vec<Action> {
    let mut found = Vec::new();
    let parts: Vec<&str> = way.split('`').collect();
    let mut by = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let before = if index > 0 { parts[index - 1] } else { "" };
        if index % 2 == 0 {
            for (words, change) in [
                ("restore the files of its folder", Change::RestoreFolder),
                ("restore the file", Change::Restore),
                ("restore the actor", Change::Restore),
                ("restore the key", Change::Restore),
                ("restore the revocation", Change::Restore),
                ("remove the file", Change::Remove),
                ("move the file out", Change::MoveAway),
                ("remove everything beside ", Change::RemoveBeside),
            ] {
                if part.contains(words) {
                    found.push(Action::Edit(change));
                }
            }
            continue;
        }
        let is_name = !part.contains(' ') && !part.contains('/');
        let asks = ["ask ", "let "].iter().any(|verb| before.ends_with(verb));
        let goes_on = !by.is_empty() && [", ", " or "].contains(&before);
        if before.ends_with("write ") {
            found.push(Action::Edit(Change::Write((*part).to_owned())));
        } else if before.ends_with("move its folder to ") {
            found.push(Action::Edit(Change::Move((*part).to_owned())));
        } else if before.ends_with("remove ") {
            found.push(Action::Edit(Change::Drop((*part).to_owned())));
        } else if is_name && (asks || goes_on) {
            by.push((*part).to_owned());
        } else if ["modelry ", "git ", "chmod ", "sed ", "mv ", "mkdir "]
            .iter()
            .any(|word| part.starts_with(word))
        {
            let looks = ["modelry whoami", "modelry explain"]
                .iter()
                .any(|word| part.starts_with(word));
            if !looks {
                found.push(Action::Run {
                    by: by.clone(),
                    line: (*part).to_owned(),
                });
            }
        }
    }
    found
}

/// Where a member is meant that a remedy names beside a finding.
fn pointer(told: &Told, document: &Value, key: &str) -> String {
    let is_it = told.pointer.rsplit('/').next() == Some(key);
    let holds = document.pointer(&told.pointer).is_some_and(Value::is_object);
    match () {
        () if is_it => told.pointer.clone(),
        () if holds && told.path == "registry.yaml" => format!("{}/{key}", told.pointer),
        () => format!("/{key}"),
    }
}

fn edit(scene: &Scene, path: &str, edits: impl Fn(&Document) -> Vec<Edit>) -> Result<(), String> {
    let text = scene.lab.read(path);
    let document =
        Document::read(text.as_bytes(), &Limits::LARGE).map_err(|faults| format!("{path}: {faults:?}"))?;
    let edited = document
        .edit(&edits(&document))
        .map_err(|error| format!("{path}: {error}"))?;
    scene.lab.write(path, edited.text());
    Ok(())
}

fn change(scene: &Scene, told: &Told, change: &Change) -> Result<(), String> {
    let place = scene.lab.top.join(&told.path);
    let io = |done: std::io::Result<()>| done.map_err(|error| format!("{change:?}: {error}"));
    match change {
        Change::Restore => {
            scene.restore(&told.path);
            Ok(())
        }
        Change::RestoreFolder => {
            let folder = told.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for path in scene.before.keys().filter(|path| path.starts_with(folder)) {
                scene.restore(path);
            }
            Ok(())
        }
        Change::Remove => io(std::fs::remove_file(&place)),
        Change::MoveAway => io(std::fs::rename(&place, scene.lab.home().join("elsewhere"))),
        Change::RemoveBeside => {
            let folder = place.parent().expect("a folder");
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path != place {
                    io(if path.is_dir() {
                        std::fs::remove_dir_all(&path)
                    } else {
                        std::fs::remove_file(&path)
                    })?;
                }
            }
            Ok(())
        }
        Change::Move(to) => io(std::fs::rename(
            place.parent().expect("a folder"),
            scene.lab.top.join(to),
        )),
        Change::Write(text) => {
            // After a move the file is elsewhere.
            let path = match scene.exists(&told.path) {
                true => told.path.clone(),
                false => moved(told),
            };
            let value: Option<Value> = serde_yaml::from_str(text).ok();
            match value
                .as_ref()
                .and_then(Value::as_object)
                .and_then(|members| members.iter().next())
            {
                Some((key, value)) if text.contains(": ") => edit(scene, &path, |document| {
                    vec![Edit::Set {
                        pointer: pointer(told, document.value(), key),
                        value: value.clone(),
                    }]
                }),
                _ => {
                    replace_at(scene, told, text);
                    Ok(())
                }
            }
        }
        Change::Drop(key) => edit(scene, &told.path, |document| {
            vec![Edit::Remove {
                pointer: pointer(told, document.value(), key),
            }]
        }),
    }
}

fn moved(told: &Told) -> String {
    let to = told.help.split("move its folder to `").nth(1).expect("a move");
    let to = to.split('`').next().expect("a folder");
    format!("{to}/{}", told.path.rsplit('/').next().expect("a file"))
}

/// Writes a text in the place that the finding points at.
fn replace_at(scene: &Scene, told: &Told, new: &str) {
    let text = scene.lab.read(&told.path);
    let offset = |(line, column): (usize, usize)| -> usize {
        let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let rest = text[before..]
            .chars()
            .take(column - 1)
            .map(char::len_utf8)
            .sum::<usize>();
        before + rest
    };
    let mut changed = text.clone();
    changed.replace_range(offset(told.start)..offset(told.end), new);
    scene.lab.write(&told.path, &changed);
}

/// Whether the case has its edit spelled here.
fn by_hand(scene: &Scene, name: &str, told: &Told) -> bool {
    match name {
        "MR001-not-utf8/fires-latin-1" => {
            scene.lab.write(&told.path, "apiVersion: \u{ff}\n");
            return true;
        }
        "MR402-policy-mixed/fires-both" => {
            let output = scene.lab.git_as(
                &scene.who,
                &["commit", "-q", "-S", "-m", "the policy", "registry.yaml"],
            );
            return output.status.success();
        }
        "MR412-too-much-power/fires-forge" | "MR412-too-much-power/fires-machine" => {
            let grant = told.pointer.split("/allow").next().expect("a grant").to_owned();
            return edit(scene, &told.path, |_| {
                vec![Edit::Remove {
                    pointer: grant.clone(),
                }]
            })
            .is_ok();
        }
        _ => {}
    }
    let mut done = false;
    for (_, from, to) in BY_HAND.iter().filter(|(case, ..)| *case == name) {
        let text = scene.lab.read(&told.path);
        scene.lab.write(&told.path, &text.replace(from, to));
        done = true;
    }
    done
}

/// Commits the edited policy on a branch of its own.
fn propose(scene: &Scene) -> Result<(), String> {
    let author = match scene.who.as_str() {
        "unsigned" => "trainer",
        who => who,
    };
    for words in [
        &["switch", "-q", "-c", "proposal"][..],
        &["commit", "-q", "-S", "-m", "the policy", "--", "registry.yaml"],
    ] {
        let output = scene.lab.git_as(author, words);
        if !output.status.success() {
            return Err(format!("{words:?}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

/// Types one line, with its placeholders filled in, as one of those who are
/// asked.
fn run(scene: &mut Scene, told: &Told, by: &[String], line: &str) -> Result<(), String> {
    let lab = &scene.lab;
    let spec = format!(
        "inference:\n  containers:\n    - artifact: {{uri: s3://m/again, digest: \"sha256:{}\"}}\n",
        "e".repeat(64)
    );
    std::fs::write(lab.home().join("spec.yaml"), spec).expect("a file");
    let key = match scene.who.as_str() {
        "mallory" => key_line(lab, "mallory"),
        _ => key_line(lab, "fresh"),
    };
    let file = match line.contains("--key") {
        true => format!("'{key}'"),
        false if line.starts_with("modelry") => "../spec.yaml".to_owned(),
        false => told.path.clone(),
    };
    let mut typed = line.to_owned();
    for (placeholder, value) in [
        ("NAME=NUMBER", "recall=0.9"),
        ("NUMBER", "0.9"),
        ("FIELD=TEXT", "intendedUses=all"),
        ("TEXT", "'as agreed'"),
        ("REASON", "'because of it'"),
        ("FILE", &file),
        ("NAME", "later"),
        ("ACTOR", "trainer"),
    ] {
        typed = typed.replace(placeholder, value);
    }
    let who = match (by.first(), scene.who.as_str()) {
        (Some(who), _) => who.clone(),
        // The reader signs with a good key now.
        (None, "unsigned" | "mallory" | "old-hand" | "lost") if told.path == "registry.yaml" => {
            "admin-1".to_owned()
        }
        (None, "unsigned" | "mallory" | "old-hand" | "lost") => "trainer".to_owned(),
        (None, who) => who.to_owned(),
    };
    if typed.starts_with("modelry policy approve") && told.help.starts_with("propose it on a branch") {
        propose(scene)?;
    }
    let lab = &scene.lab;
    let mut shell: Command = lab.command("sh");
    lab.as_actor(&mut shell, &who);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_modelry"));
    let path = std::env::var("PATH").unwrap_or_default();
    shell
        .env(
            "PATH",
            format!("{}:{path}", program.parent().expect("a folder").display()),
        )
        .args(["-c", &typed])
        .current_dir(&lab.top);
    let said = said(&mut shell);
    match said.code {
        0 => Ok(()),
        code => Err(format!(
            "as `{who}`: {typed}\n  exit {code}: {}{}",
            said.out, said.err
        )),
    }
}
