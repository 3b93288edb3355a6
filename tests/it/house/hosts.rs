//! The hosts that the repository names: examples, and services that are meant.

use std::collections::BTreeMap;
use std::path::Path;

/// Hosts for examples, which nobody can register, and services that are used on
/// purpose. Each includes the hosts below it.
const MEANT: [&str; 18] = [
    "amazonaws.com",
    "apache.org",
    "bitbucket.org",
    "c2sp.org",
    "codeberg.org",
    "core.windows.net",
    "cyclonedx.org",
    "example.com",
    "example.org",
    "github.com",
    "githubusercontent.com",
    "huggingface.co",
    "json-schema.org",
    "lists.cncf.io",
    "oasis-open.org",
    "openssh.com",
    "standardwebhooks.com",
    "w3.org",
];

/// The host at the start of a text: labels with a dot between them, the last one of
/// letters.
fn host(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
        .unwrap_or(text.len());
    // A word that goes on is a name of something else.
    if text[end..].starts_with(['_', '(', '{', '[']) {
        return None;
    }
    let host = text[..end].trim_end_matches(['.', '-']).to_ascii_lowercase();
    let (_, last) = host.rsplit_once('.')?;
    (last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some(host)
}

/// The hosts that a line names, in addresses and behind an `@`.
fn hosts(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (at, _) in line.match_indices("://") {
        let rest = &line[at + 3..];
        let end = rest
            .find(|c: char| c.is_whitespace() || "/\"'`<>@".contains(c))
            .unwrap_or(rest.len());
        let is_no_host = ["s3", "gs", "hf", "models", "runs", "file"]
            .iter()
            .any(|scheme| line[..at].ends_with(scheme));
        if !rest[end..].starts_with('@') && !is_no_host {
            out.extend(host(rest));
        }
    }
    for (at, _) in line.match_indices('@') {
        out.extend(host(&line[at + 1..]));
    }
    out
}

#[test]
fn hosts_are_examples_or_services_that_are_meant() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut others: BTreeMap<String, String> = BTreeMap::new();
    let files = walkdir::WalkDir::new(top).into_iter().filter_entry(|entry| {
        let skipped = [".git", "target", "Cargo.lock"].map(|name| top.join(name));
        !skipped.contains(&entry.path().to_owned())
    });
    for entry in files {
        let entry = entry.expect("a file");
        if !entry.file_type().is_file() {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(entry.path()) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            for host in hosts(line) {
                let is_meant = MEANT
                    .iter()
                    .any(|meant| host == *meant || host.ends_with(&format!(".{meant}")));
                if !is_meant {
                    let place = entry.path().strip_prefix(top).expect("below the top");
                    others.insert(host, format!("{}:{}", place.display(), number + 1));
                }
            }
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn hosts_are_found_in_lines() {
    for (line, found) in [
        ("see https://a.example.com/x", "a.example.com"),
        ("# $schema=https://u:p@h.example.com:8080?x", "h.example.com"),
        ("mail me@example.com.", "example.com"),
        ("ssh://git@git.example.com/x", "git.example.com"),
    ] {
        assert_eq!(hosts(line), [found], "{line}");
    }
    for line in [
        "fraud@production",
        "s3://bucket.of.mine/x",
        "http://localhost:1",
        "http://127.0.0.1/",
        "a.b.c",
    ] {
        assert_eq!(hosts(line), [""; 0], "{line}");
    }
}
