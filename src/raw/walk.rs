//! Trees compared, searched and edited by path, reading only what differs.

use std::collections::BTreeMap;

use super::{Entry, Mode, ObjectKind, Objects, Oid, Overlay, Tree};
use crate::error::Error;

/// Folders deeper than this are not followed.
const DEEPEST: usize = 64;

/// A tree as stored.
///
/// # Errors
/// When it is missing or can't be cut into entries.
pub fn read_tree(objects: &dyn Objects, id: Oid) -> Result<Tree, Error> {
    let bytes = objects.read(id, ObjectKind::Tree)?;
    Tree::parse(id.format(), &bytes).map_err(|_| Error::CorruptObject {
        id,
        expected: ObjectKind::Tree,
    })
}

/// What stands at a path below a tree.
///
/// # Errors
/// When a tree on the way can't be read.
pub fn lookup(objects: &dyn Objects, tree: Oid, path: &str) -> Result<Option<Entry>, Error> {
    let mut at = tree;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let Some(entry) = read_tree(objects, at)?.get(part).cloned() else {
            return Ok(None);
        };
        if parts.peek().is_none() {
            return Ok(Some(entry));
        }
        if entry.mode != Mode::Tree {
            return Ok(None);
        }
        at = entry.id;
    }
    Ok(None)
}

/// One file that differs between two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The path from the trees' top.
    pub path: Vec<u8>,
    /// What stood there.
    pub before: Option<(Mode, Oid)>,
    /// What stands there.
    pub after: Option<(Mode, Oid)>,
}

/// What differs between two trees.
#[derive(Clone, Debug, Default)]
pub struct TreeDiff {
    /// Files, links and submodules, by path.
    pub changes: Vec<FileChange>,
    /// Folders of the later tree that differ and are not in strict form, with
    /// what is wrong.
    pub faults: Vec<(String, String)>,
}

/// What differs between two trees. Descends only where ids differ.
///
/// # Errors
/// When a tree can't be read.
pub fn diff(objects: &dyn Objects, before: Option<Oid>, after: Option<Oid>) -> Result<TreeDiff, Error> {
    let mut out = TreeDiff::default();
    compare(objects, before, after, &mut Vec::new(), 0, &mut out)?;
    out.changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

fn compare(
    objects: &dyn Objects,
    before: Option<Oid>,
    after: Option<Oid>,
    path: &mut Vec<u8>,
    depth: usize,
    out: &mut TreeDiff,
) -> Result<(), Error> {
    if before == after {
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(Error::Incomplete {
            what: format!(
                "folders are nested more than {DEEPEST} deep at `{}`",
                String::from_utf8_lossy(path)
            ),
            hints: vec!["take the folder out of the registry".into()],
        });
    }
    let read = |id: Option<Oid>| id.map_or_else(|| Ok(Tree::default()), |id| read_tree(objects, id));
    let (old, new) = (read(before)?, read(after)?);
    let folder = String::from_utf8_lossy(path).into_owned();
    out.faults
        .extend(new.faults.iter().map(|fault| (folder.clone(), fault.clone())));
    let mut names: BTreeMap<&[u8], (Vec<&Entry>, Vec<&Entry>)> = BTreeMap::new();
    for entry in &old.entries {
        names.entry(&entry.name).or_default().0.push(entry);
    }
    for entry in &new.entries {
        names.entry(&entry.name).or_default().1.push(entry);
    }
    for (name, (old, new)) in names {
        let same = old.len() == new.len()
            && old
                .iter()
                .zip(&new)
                .all(|(a, b)| a.mode == b.mode && a.id == b.id);
        if same {
            continue;
        }
        let length = path.len();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        let folder = |entries: &[&Entry]| {
            entries
                .iter()
                .find(|entry| entry.mode == Mode::Tree)
                .map(|entry| entry.id)
        };
        let leaf = |entries: &[&Entry]| {
            entries
                .iter()
                .find(|entry| entry.mode != Mode::Tree)
                .map(|entry| (entry.mode, entry.id))
        };
        compare(objects, folder(&old), folder(&new), path, depth + 1, out)?;
        let (before, after) = (leaf(&old), leaf(&new));
        if before != after {
            out.changes.push(FileChange {
                path: path.clone(),
                before,
                after,
            });
        }
        path.truncate(length);
    }
    Ok(())
}

/// The tree with these paths written as plain files, or removed. Folders that
/// become empty vanish; new objects go into the overlay. None when nothing is
/// left.
///
/// # Errors
/// When a tree can't be read, or a path can't be written.
pub fn edit(
    objects: &Overlay<'_>,
    root: Option<Oid>,
    edits: &BTreeMap<String, Option<Vec<u8>>>,
) -> Result<Option<Oid>, Error> {
    let mut here: BTreeMap<&str, &Option<Vec<u8>>> = BTreeMap::new();
    let mut below: BTreeMap<&str, BTreeMap<String, Option<Vec<u8>>>> = BTreeMap::new();
    for (path, content) in edits {
        match path.split_once('/') {
            Some((folder, rest)) => {
                below
                    .entry(folder)
                    .or_default()
                    .insert(rest.to_owned(), content.clone());
            }
            None => {
                here.insert(path, content);
            }
        }
    }
    for name in here.keys().chain(below.keys()) {
        if matches!(*name, "" | "." | ".." | ".git") {
            return Err(Error::told(format!("`{name}` can't stand in a path")));
        }
    }
    let tree = root.map_or_else(|| Ok(Tree::default()), |id| read_tree(objects, id))?;
    let touched = |name: &[u8]| {
        std::str::from_utf8(name).is_ok_and(|name| here.contains_key(name) || below.contains_key(name))
    };
    let mut entries: Vec<Entry> = tree
        .entries
        .iter()
        .filter(|entry| !touched(&entry.name))
        .cloned()
        .collect();
    for (name, content) in &here {
        if let Some(bytes) = content {
            let id = objects.new.insert(ObjectKind::Blob, bytes.clone());
            entries.push(Entry {
                mode: Mode::File,
                name: name.as_bytes().to_vec(),
                id,
            });
        }
    }
    for (name, edits) in &below {
        let folder = tree
            .get(name)
            .filter(|entry| entry.mode == Mode::Tree)
            .map(|entry| entry.id);
        if let Some(id) = edit(objects, folder, edits)? {
            entries.push(Entry {
                mode: Mode::Tree,
                name: name.as_bytes().to_vec(),
                id,
            });
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    Ok(Some(objects.new.insert(ObjectKind::Tree, Tree::write(&entries))))
}

/// Every file, link and submodule below a tree, by path.
///
/// # Errors
/// When a tree can't be read.
pub fn files(objects: &dyn Objects, tree: Oid) -> Result<Vec<(String, Mode, Oid)>, Error> {
    let all = diff(objects, None, Some(tree))?.changes;
    Ok(all
        .into_iter()
        .filter_map(|file| {
            let (mode, id) = file.after?;
            Some((String::from_utf8_lossy(&file.path).into_owned(), mode, id))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Memory, ObjectFormat};
    use super::*;

    type Files = BTreeMap<String, Option<Vec<u8>>>;

    /// Paths that may lie in one another's way are left out: a file and a
    /// folder of one name.
    fn files() -> impl Strategy<Value = Files> {
        let path = proptest::collection::vec("[a-c]", 0..3).prop_map(|folders| {
            folders
                .iter()
                .map(|folder| format!("{folder}.d/"))
                .collect::<String>()
        });
        let path = (path, "[a-c]{1,2}").prop_map(|(folders, name)| format!("{folders}{name}"));
        proptest::collection::btree_map(
            path,
            proptest::option::of(any::<[u8; 2]>().prop_map(|bytes| bytes.to_vec())),
            0..12,
        )
    }

    fn written(files: &Files) -> BTreeMap<Vec<u8>, Vec<u8>> {
        files
            .iter()
            .filter_map(|(path, bytes)| Some((path.clone().into_bytes(), bytes.clone()?)))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn edits_and_differences_say_the_same(first in files(), second in files()) {
            for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
                let base = Memory::new(format);
                let overlay = Overlay::new(&base);
                let before = edit(&overlay, None, &first).expect("a tree");
                let after = edit(&overlay, before, &second).expect("a tree");
                // Nothing differs from itself.
                prop_assert!(diff(&overlay, after, after).expect("a difference").changes.is_empty());
                let mut expected = written(&first);
                for (path, bytes) in &second {
                    match bytes {
                        Some(bytes) => expected.insert(path.clone().into_bytes(), bytes.clone()),
                        None => expected.remove(path.as_bytes()),
                    };
                }
                // The tree holds what the edits say, in strict form.
                let all = diff(&overlay, None, after).expect("a difference");
                prop_assert!(all.faults.is_empty(), "{:?}", all.faults);
                let mut found = BTreeMap::new();
                for file in all.changes {
                    let (mode, id) = file.after.expect("a file");
                    prop_assert_eq!(mode, Mode::File);
                    found.insert(file.path, overlay.read(id, ObjectKind::Blob).expect("a blob"));
                }
                prop_assert_eq!(&found, &expected);
                // What differs is what the two listings do not share.
                let old = written(&first);
                let differing: Vec<Vec<u8>> = old
                    .keys()
                    .chain(expected.keys())
                    .filter(|path| old.get(*path) != expected.get(*path))
                    .cloned()
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .collect();
                let told: Vec<Vec<u8>> = diff(&overlay, before, after).expect("a difference").changes.into_iter().map(|file| file.path).collect();
                prop_assert_eq!(told, differing);
                // The same content has the same id, whichever way it came about.
                let at_once: Files = expected.iter().map(|(path, bytes)| (String::from_utf8_lossy(path).into_owned(), Some(bytes.clone()))).collect();
                prop_assert_eq!(edit(&overlay, None, &at_once).expect("a tree"), after);
                if let Some(after) = after {
                    for (path, bytes) in &expected {
                        let entry = lookup(&overlay, after, &String::from_utf8_lossy(path)).expect("a tree").expect("an entry");
                        prop_assert_eq!(&overlay.read(entry.id, ObjectKind::Blob).expect("a blob"), bytes);
                    }
                }
            }
        }
    }
}
