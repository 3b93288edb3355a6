//! Who may name what: the functional core knows no disk, no clock, no terminal
//! and no Git library.

use std::path::Path;

/// What the core never names.
const OUTSIDE: [&str; 8] = [
    "git2",
    "clap::",
    "std::fs",
    "std::env",
    "std::process",
    "SystemTime",
    "Instant",
    "Zoned::now",
];

/// The rooms of the functional core, by the start of their path in `src`.
const CORE: [&str; 28] = [
    "event",
    "summary",
    "audit",
    "resolve.rs",
    "model",
    "source",
    "schema.rs",
    "canonical.rs",
    "subject.rs",
    "snapshot.rs",
    "change",
    "finding.rs",
    "rules",
    "access",
    "expr",
    "verify",
    "raw",
    "history",
    "act",
    "render",
    "exchange",
    "error.rs",
    "host/event.rs",
    "notify/address.rs",
    "notify/answer.rs",
    "notify/backoff.rs",
    "notify/cursor.rs",
    "notify/signature.rs",
];

/// Rooms of the core that never look into these others.
const NEVER: [(&str, &[&str]); 5] = [
    (
        "model",
        &[
            "crate::source",
            "crate::rules",
            "crate::access",
            "crate::snapshot",
            "crate::cli",
        ],
    ),
    (
        "source",
        &[
            "crate::rules",
            "crate::access",
            "crate::snapshot",
            "crate::cli",
            "crate::change",
        ],
    ),
    (
        "change",
        &["crate::rules", "crate::access", "crate::cli", "crate::render"],
    ),
    (
        "rules",
        &[
            "crate::render",
            "crate::cli",
            "crate::git",
            "crate::sign",
            "crate::act",
        ],
    ),
    (
        "render",
        &[
            "crate::rules",
            "crate::access",
            "crate::cli",
            "crate::git",
            "crate::exchange",
        ],
    ),
];

fn files() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    walkdir::WalkDir::new(&top)
        .into_iter()
        .map(|entry| entry.expect("src"))
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rs")
        })
        .map(|entry| {
            let path = entry
                .path()
                .strip_prefix(&top)
                .expect("below")
                .to_string_lossy()
                .into_owned();
            (path, std::fs::read_to_string(entry.path()).expect("a file"))
        })
        .collect()
}

/// The code without comments and without its own tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_core_names_nothing_outside() {
    let mut wrong = Vec::new();
    for (path, text) in files() {
        let code = code(&text);
        let in_room = |room: &str| {
            path.starts_with(room) && (room.ends_with(".rs") || path[room.len()..].starts_with('/'))
        };
        if CORE.iter().any(|room| in_room(room)) {
            wrong.extend(
                OUTSIDE
                    .iter()
                    .filter(|name| code.contains(**name))
                    .map(|name| format!("src/{path} names {name}")),
            );
        }
        if !path.starts_with("git/") && code.contains("git2::") {
            wrong.push(format!("src/{path} names git2, which is the git room's alone"));
        }
        if !path.starts_with("expr/") && (code.contains("use cel") || code.contains("cel::")) {
            wrong.push(format!("src/{path} names cel, which is expr's alone"));
        }
        if !path.starts_with("fetch/") && path != "notify/post.rs" && code.contains("ureq::") {
            wrong.push(format!(
                "src/{path} names ureq, which is fetch's and notify's alone"
            ));
        }
        for (room, never) in NEVER {
            if in_room(room) {
                wrong.extend(
                    never
                        .iter()
                        .filter(|name| code.contains(**name))
                        .map(|name| format!("src/{path} names {name}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_room_is_too_large() {
    for (path, text) in files() {
        let lines = text.lines().count();
        assert!(lines <= 620, "src/{path} has {lines} lines: split it by concern");
        assert!(!path.contains("util"), "src/{path}: name it by what it is");
        assert!(text.starts_with("//!"), "src/{path} does not say why it exists");
    }
}

#[test]
fn no_test_file_is_forgotten() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = std::fs::read_to_string(top.join("main.rs")).expect("main.rs");
    for entry in std::fs::read_dir(&top).expect("tests/it") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        let stem = name.trim_end_matches(".rs");
        assert!(
            name == "main.rs" || main.contains(&format!("mod {stem};")),
            "tests/it/{name} is not in main.rs"
        );
    }
}
