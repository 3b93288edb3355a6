//! Commits and trees, read whole: every file of every commit, before anything
//! is judged.

use std::collections::{BTreeMap, BTreeSet};

use modelry::testing::base::{ObjectKind, Oid};
use modelry::testing::object::{Memory, Objects};
use serde_json::Value;

/// Every file of a tree, by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The first bytes of a symbolic link's content among files.
pub const LINK: &[u8] = b"\0link\0";

/// One commit with all its files.
pub struct Commit {
    pub parents: Vec<Oid>,
    pub files: Files,
    pub signature: Option<String>,
    /// The commit's bytes without its signature.
    pub payload: Vec<u8>,
    /// Known headers in order, at most one signature, at most two parents.
    pub strict: bool,
}

/// Every commit that a tip descends from.
pub type History = BTreeMap<Oid, Commit>;

/// Reads all of it.
pub fn history(objects: &Memory, tip: Oid) -> History {
    let mut history = History::new();
    let mut open = vec![tip];
    while let Some(id) = open.pop() {
        if history.contains_key(&id) {
            continue;
        }
        let bytes = objects.read(id, ObjectKind::Commit).expect("a commit");
        let commit = commit(objects, &bytes);
        open.extend(commit.parents.iter().copied());
        history.insert(id, commit);
    }
    history
}

fn commit(objects: &Memory, bytes: &[u8]) -> Commit {
    let text = std::str::from_utf8(bytes).expect("the generator writes text");
    let (head, message) = text.split_once("\n\n").expect("a message");
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.lines() {
        match line.strip_prefix(' ') {
            Some(more) => {
                let last = headers.last_mut().expect("a header to go on with");
                last.1.push('\n');
                last.1.push_str(more);
            }
            None => {
                let (name, value) = line.split_once(' ').expect("a name and a value");
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let all = |name: &str| -> Vec<String> {
        let found = headers.iter().filter(|header| header.0 == name);
        found.map(|header| header.1.clone()).collect()
    };
    let parents: Vec<Oid> = all("parent").iter().map(|hex| oid(hex)).collect();
    let names: Vec<&str> = headers.iter().map(|header| header.0.as_str()).collect();
    let mut expected = vec!["tree"];
    expected.extend(parents.iter().map(|_| "parent"));
    expected.extend(["author", "committer"]);
    let mut signed = expected.clone();
    signed.push("gpgsig");
    let strict = (names == expected || names == signed) && parents.len() <= 2;
    let mut payload = String::new();
    for (name, value) in headers.iter().filter(|header| header.0 != "gpgsig") {
        payload.push_str(&format!("{name} {}\n", value.replace('\n', "\n ")));
    }
    payload.push_str(&format!("\n{message}"));
    let mut files = Files::new();
    tree(objects, oid(&all("tree")[0]), "", &mut files);
    Commit {
        parents,
        files,
        signature: all("gpgsig").first().map(|armor| format!("{armor}\n")),
        payload: payload.into_bytes(),
        strict,
    }
}

fn oid(hex: &str) -> Oid {
    Oid::from_hex(hex).expect("an id")
}

fn tree(objects: &Memory, id: Oid, folder: &str, files: &mut Files) {
    let bytes = objects.read(id, ObjectKind::Tree).expect("a tree");
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|byte| *byte == 0)
            .expect("an end of the name");
        let (mode, name) = std::str::from_utf8(&rest[..end])
            .expect("text")
            .split_once(' ')
            .expect("a mode and a name");
        let child = Oid::from_bytes(&rest[end + 1..end + 21]).expect("an id");
        rest = &rest[end + 21..];
        match mode {
            "40000" => tree(objects, child, &format!("{folder}{name}/"), files),
            "100644" => {
                let bytes = objects.read(child, ObjectKind::Blob).expect("a file");
                files.insert(format!("{folder}{name}"), bytes);
            }
            "120000" => {
                let target = objects.read(child, ObjectKind::Blob).expect("a link");
                files.insert(format!("{folder}{name}"), [LINK, &target].concat());
            }
            other => panic!("the generator makes no entry of mode {other}"),
        }
    }
}

/// All that a commit descends from, with itself.
pub fn reachable(history: &History, tip: Oid) -> BTreeSet<Oid> {
    let mut seen = BTreeSet::new();
    let mut open = vec![tip];
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(history[&id].parents.iter().copied());
        }
    }
    seen
}

/// The first parents of a tip, oldest first, with the tip.
pub fn mainline(history: &History, tip: Oid) -> Vec<Oid> {
    let mut line = vec![tip];
    while let Some(parent) = history[&line[line.len() - 1]].parents.first() {
        line.push(*parent);
    }
    line.reverse();
    line
}

/// A document's values.
pub fn value(bytes: &[u8]) -> Value {
    serde_yaml::from_slice(bytes).expect("the generator writes YAML")
}

/// The values at a path, if a file is there.
pub fn at(files: &Files, path: &str) -> Option<Value> {
    files.get(path).map(|bytes| value(bytes))
}
