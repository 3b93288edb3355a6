//! Trees: bytes that parse are written back as they were, and differences and
//! edits say the same of folders that any stranger may have made.
//!
//! The first byte chooses between one tree's bytes and a store of several, and
//! the object format.

use std::collections::BTreeMap;

use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::object::{
    Entry, FileChange, Memory, Mode, Objects, Overlay, Tree, Whole, diff, edit, lookup,
};

/// Small numbers from the input; zeros when it is at its end.
struct Numbers<'d>(&'d [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> usize {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                usize::from(*first)
            }
            None => 0,
        }
    }
}

const MODES: [&str; 8] = [
    "40000", "100644", "100755", "120000", "160000", "040000", "100664", "0",
];

const NAMES: [&str; 16] = [
    "a",
    "b",
    "a.b",
    "a0",
    "ab",
    "",
    ".",
    "..",
    ".git",
    ".GIT",
    "a/b",
    "a b",
    "\u{e4}",
    "\u{1b}[31m",
    "registry.yaml",
    "groups",
];

fn one(format: ObjectFormat, bytes: &[u8]) {
    let Ok(tree) = Tree::parse(format, bytes) else {
        return;
    };
    let padded = tree.faults.iter().any(|fault| fault.contains("padded"));
    let stored: Vec<u8> = tree
        .entries
        .iter()
        .flat_map(|entry| Tree::write(std::slice::from_ref(entry)))
        .collect();
    assert!(padded || stored == bytes, "what was read is what stands there");
    let sorted = Tree::write(&tree.entries);
    if tree.faults.is_empty() {
        assert_eq!(sorted, bytes, "a strict tree has one form");
        let mut names: Vec<&[u8]> = tree.entries.iter().map(|entry| &entry.name[..]).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), tree.entries.len(), "no name stands twice");
        for entry in &tree.entries {
            if let Ok(name) = std::str::from_utf8(&entry.name) {
                assert_eq!(tree.get(name), Some(entry));
            }
        }
    }
    for entry in &tree.entries {
        let twice = tree
            .entries
            .iter()
            .filter(|other| other.name == entry.name)
            .count()
            > 1;
        if let Ok(name) = std::str::from_utf8(&entry.name) {
            assert_eq!(tree.get(name).is_none(), twice, "nobody can say which is meant");
        }
    }
}

/// A few trees over one another, each as odd as the numbers say.
fn store(format: ObjectFormat, numbers: &mut Numbers<'_>) -> (Memory, Vec<Oid>) {
    let memory = Memory::new(format);
    let blobs: Vec<Oid> = ["", "x", "y"]
        .iter()
        .map(|text| memory.insert(ObjectKind::Blob, text.as_bytes().to_vec()))
        .collect();
    let mut trees = vec![memory.insert(ObjectKind::Tree, Vec::new())];
    for _ in 0..2 + numbers.next() % 5 {
        let mut bytes = Vec::new();
        let sorted = !numbers.next().is_multiple_of(4);
        let mut entries = Vec::new();
        for _ in 0..numbers.next() % 5 {
            let mode = MODES[numbers.next() % MODES.len()];
            let name = NAMES[numbers.next() % NAMES.len()];
            let folder = mode.ends_with("40000");
            let id = match (numbers.next(), folder) {
                (255, _) => Oid::hash(format, ObjectKind::Blob, b"nowhere"),
                (at, true) => trees[at % trees.len()],
                (at, false) => blobs[at % blobs.len()],
            };
            entries.push((mode, name, id));
        }
        if sorted {
            entries.sort_by_key(|(mode, name, _)| {
                format!("{name}{}", if mode.ends_with("40000") { "/" } else { "" })
            });
            entries.dedup_by(|a, b| a.1 == b.1);
        }
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        trees.push(memory.insert(ObjectKind::Tree, bytes));
    }
    (memory, trees)
}

fn several(format: ObjectFormat, numbers: &mut Numbers<'_>) {
    let (memory, trees) = store(format, numbers);
    let pick = |at: usize| (!at.is_multiple_of(8)).then(|| trees[at % trees.len()]);
    let (before, after) = (pick(numbers.next()), pick(numbers.next()));
    let there = diff(&memory, before, after, &Whole);
    let back = diff(&memory, after, before, &Whole);
    assert_eq!(there.is_ok(), back.is_ok());
    if let (Ok(there), Ok(mut back)) = (there, back) {
        for change in &mut back.changes {
            std::mem::swap(&mut change.before, &mut change.after);
        }
        let key = |change: &FileChange| {
            (
                change.path.clone(),
                format!("{:?}", (change.before, change.after)),
            )
        };
        let sorted = |changes: &[FileChange]| {
            let mut changes = changes.to_vec();
            changes.sort_by_key(key);
            changes
        };
        assert_eq!(
            sorted(&there.changes),
            sorted(&back.changes),
            "a difference has two ends"
        );
        assert_eq!(
            there.changes.is_empty() && there.faults.is_empty() && back.faults.is_empty(),
            {
                // Trees of equal files in strict form are one tree.
                before == after
                    || (there.changes.is_empty() && there.faults.is_empty() && back.faults.is_empty())
            }
        );
    }
    let overlay = Overlay::new(&memory);
    let mut edits: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
    for _ in 0..1 + numbers.next() % 4 {
        let path: Vec<&str> = (0..1 + numbers.next() % 3)
            .map(|_| NAMES[numbers.next() % NAMES.len()])
            .collect();
        let content = match numbers.next() % 3 {
            0 => None,
            1 => Some(b"x".to_vec()),
            _ => Some(b"new".to_vec()),
        };
        edits.insert(path.join("/"), content);
    }
    let Ok(edited) = edit(&overlay, before, &edits) else {
        return;
    };
    for (path, content) in &edits {
        let found =
            edited.and_then(|tree| lookup(&overlay, tree, path).expect("what was edited can be read"));
        match content {
            Some(content) => {
                let entry = found.expect("what was written is there");
                assert_eq!(entry.mode, Mode::File);
                assert_eq!(
                    &overlay.read(entry.id, ObjectKind::Blob).expect("a blob"),
                    content
                );
            }
            None => assert!(
                found
                    .as_ref()
                    .is_none_or(|entry: &Entry| entry.mode == Mode::Tree),
                "what was removed is gone: {path}"
            ),
        }
    }
    // Every difference is below a named path, or in the way of one.
    if let Ok(all) = diff(&overlay, before, edited, &Whole) {
        for change in &all.changes {
            let path = String::from_utf8_lossy(&change.path).into_owned();
            let meant = edits.keys().any(|named| {
                *named == path
                    || path.starts_with(&format!("{named}/"))
                    || named.starts_with(&format!("{path}/"))
            });
            assert!(meant, "{path} was not to change: {edits:?}");
        }
    }
    // The content below a file is not checked where it is only to be removed, and the
    // file may be gone the second time.
    let good = edits.keys().all(|path| {
        path.split('/')
            .all(|name| !matches!(name, "" | "." | ".." | ".git" | ".GIT"))
    });
    match edit(&overlay, edited, &edits) {
        Ok(again) => assert_eq!(again, edited, "an edit made twice is made once"),
        Err(error) => assert!(!good, "an edit can be made twice: {error}"),
    }
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else {
        return;
    };
    let format = match choice & 1 {
        0 => ObjectFormat::Sha1,
        _ => ObjectFormat::Sha256,
    };
    match choice & 2 {
        0 => one(format, rest),
        _ => several(format, &mut Numbers(rest)),
    }
}
