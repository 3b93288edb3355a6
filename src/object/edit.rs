//! Trees made from trees: some paths written or removed, all others unchanged.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Entry, Mode, Objects, Overlay, Tree};
use crate::base::{Error, ObjectKind, Oid};

/// The depth of nested folders that are built, which bounds the recursion here. The
/// differ looks less deep, and reports deeper folders as a finding.
pub(super) const DEEPEST_WRITTEN: usize = 256;

/// The new content of a path.
#[derive(Clone, Copy, Debug)]
enum Leaf<'e> {
    /// A plain file of these bytes.
    Bytes(&'e [u8]),
    /// An object that is there already.
    Object(Mode, Oid),
}

type Edits<'e> = BTreeMap<&'e [u8], Option<Leaf<'e>>>;

/// Returns the tree with these paths written as plain files, or removed. A written path
/// replaces everything in its way; a removed path removes nothing else. Empty folders
/// vanish. New objects go into the overlay. Returns `None` when nothing is left.
///
/// # Errors
/// The paths can't be written: a name that no tree may hold, a file that would also be a
/// folder, or a name that the tree has twice already.
pub fn edit(
    objects: &Overlay<'_>,
    root: Option<Oid>,
    edits: &BTreeMap<String, Option<Vec<u8>>>,
) -> Result<Option<Oid>, Error> {
    let edits = edits
        .iter()
        .map(|(path, content)| (path.as_bytes(), content.as_deref().map(Leaf::Bytes)))
        .collect();
    edit_folder(objects, root, &edits, 0)
}

/// Returns the tree with these paths set to these objects, or removed; otherwise as
/// [`edit`].
pub fn place(
    objects: &Overlay<'_>,
    root: Option<Oid>,
    values: &BTreeMap<Vec<u8>, Option<(Mode, Oid)>>,
) -> Result<Option<Oid>, Error> {
    let leaf = |(mode, id): (Mode, Oid)| Leaf::Object(mode, id);
    let edits = values
        .iter()
        .map(|(path, value)| (path.as_slice(), value.map(leaf)))
        .collect();
    edit_folder(objects, root, &edits, 0)
}

fn edit_folder(
    objects: &Overlay<'_>,
    root: Option<Oid>,
    edits: &Edits<'_>,
    depth: usize,
) -> Result<Option<Oid>, Error> {
    if depth > DEEPEST_WRITTEN {
        return Err(Error::msg(format!(
            "folders can't be nested more than {DEEPEST_WRITTEN} deep"
        )));
    }
    let mut here: Edits<'_> = BTreeMap::new();
    let mut below: BTreeMap<&[u8], Edits<'_>> = BTreeMap::new();
    for (path, leaf) in edits {
        match path.iter().position(|byte| *byte == b'/') {
            Some(at) => {
                let (folder, rest) = (&path[..at], &path[at + 1..]);
                below.entry(folder).or_default().insert(rest, *leaf);
            }
            None => {
                here.insert(path, *leaf);
            }
        }
    }
    let tree = root.map_or_else(|| Ok(Arc::<Tree>::default()), |id| objects.tree(id))?;
    let mut by_name: HashMap<&[u8], Vec<&Entry>> = HashMap::new();
    for entry in &tree.entries {
        by_name.entry(&entry.name).or_default().push(entry);
    }
    let named = |name: &[u8]| by_name.get(name).map_or(&[][..], Vec::as_slice);
    for name in here.keys().chain(below.keys()) {
        let shown = || crate::base::printable(&String::from_utf8_lossy(name));
        if matches!(*name, b"" | b"." | b"..") || name.contains(&0) || name.eq_ignore_ascii_case(b".git") {
            return Err(Error::msg(format!("`{}` can't stand in a path", shown())));
        }
        if named(name).len() > 1 {
            return Err(Error::msg(format!("`{}` stands twice in its folder", shown())));
        }
    }
    // A file has nothing below it, so nothing is to be removed there.
    below.retain(|name, edits| {
        let leaf = named(name).iter().any(|entry| entry.mode != Mode::Tree);
        !leaf || edits.values().any(Option::is_some)
    });
    let mut entries: Vec<Entry> = tree
        .entries
        .iter()
        .filter(|entry| {
            !here.contains_key(entry.name.as_slice()) && !below.contains_key(entry.name.as_slice())
        })
        .cloned()
        .collect();
    for (name, leaf) in &here {
        let Some(leaf) = leaf else { continue };
        let (mode, id) = match leaf {
            Leaf::Bytes(bytes) => (Mode::File, objects.new.insert(ObjectKind::Blob, bytes.to_vec())),
            Leaf::Object(mode, id) => (*mode, *id),
        };
        entries.push(Entry {
            mode,
            name: name.to_vec(),
            id,
        });
    }
    for (name, edits) in &below {
        let folders = named(name);
        let folder = folders.iter().find(|entry| entry.mode == Mode::Tree);
        let Some(id) = edit_folder(objects, folder.map(|folder| folder.id), edits, depth + 1)? else {
            continue;
        };
        if here.get(name).is_some_and(Option::is_some) {
            return Err(Error::msg(format!(
                "`{}` can't be a file and a folder",
                crate::base::printable(&String::from_utf8_lossy(name))
            )));
        }
        entries.push(Entry {
            mode: Mode::Tree,
            name: name.to_vec(),
            id,
        });
    }
    if entries.is_empty() {
        return Ok(None);
    }
    Ok(Some(objects.new.insert(ObjectKind::Tree, Tree::write(&entries))))
}

#[cfg(test)]
mod in_the_way {
    use proptest::prelude::*;

    use std::collections::BTreeMap;

    use super::super::walk::{DEEPEST, MOST_FILES};
    use super::super::{Memory, Overlay, Whole, diff, files, lookup};
    use super::*;
    use crate::base::ObjectFormat;

    type Edits = BTreeMap<String, Option<Vec<u8>>>;

    fn edits(list: &[(&str, Option<&str>)]) -> Edits {
        list.iter()
            .map(|(path, text)| ((*path).to_owned(), text.map(|text| text.as_bytes().to_vec())))
            .collect()
    }

    fn paths(objects: &dyn Objects, tree: Option<Oid>) -> Vec<String> {
        let all = tree.map_or_else(Vec::new, |tree| files(objects, tree).expect("a tree"));
        all.into_iter().map(|(path, ..)| path).collect()
    }

    #[test]
    fn ids_are_those_that_git_gives() {
        // Fixed by `git write-tree` of these files, in both formats.
        for (format, id) in [
            (ObjectFormat::Sha1, "d726a061f8abbc28fd1f2c9a8b39fe3afeaa9ebf"),
            (
                ObjectFormat::Sha256,
                "071fd3e7bfff4bf994468534d44625d32d07556eca8622fd66be538cea7dabd0",
            ),
        ] {
            let base = Memory::new(format);
            let objects = Overlay::new(&base);
            let files = edits(&[
                ("a.b", Some("1\n")),
                ("a/b/c", Some("2\n")),
                ("a/d", Some("")),
                ("a0", Some("3\n")),
            ]);
            let tree = edit(&objects, None, &files).expect("a tree");
            assert_eq!(tree.map(|tree| tree.to_string()).as_deref(), Some(id));
        }
    }

    #[test]
    fn a_removal_takes_away_what_it_names_and_nothing_else() {
        let base = Memory::new(ObjectFormat::Sha1);
        let objects = Overlay::new(&base);
        let tree = edit(&objects, None, &edits(&[("a", Some("1")), ("b/c/d", Some("2"))])).expect("a tree");
        for path in ["a/b", "a/b/c", "b/x", "b/c/d/e", "x/y"] {
            let after = edit(&objects, tree, &edits(&[(path, None)])).expect("a tree");
            assert_eq!(after, tree, "{path} does not exist");
        }
        let after = edit(&objects, tree, &edits(&[("b/c/d", None)])).expect("a tree");
        assert_eq!(paths(&objects, after), ["a"], "empty folders vanish");
        let nothing = edit(&objects, after, &edits(&[("a", None)])).expect("a tree");
        assert_eq!(nothing, None);
    }

    #[test]
    fn a_file_and_a_folder_change_places() {
        let base = Memory::new(ObjectFormat::Sha1);
        let objects = Overlay::new(&base);
        let file = edit(&objects, None, &edits(&[("a", Some("1"))])).expect("a tree");
        let folder = edit(&objects, file, &edits(&[("a/b", Some("2"))])).expect("a tree");
        assert_eq!(paths(&objects, folder), ["a/b"]);
        let changes = diff(&objects, file, folder, &Whole)
            .expect("a difference")
            .changes;
        let told: Vec<_> = changes
            .iter()
            .map(|change| (&change.path[..], change.before.is_some(), change.after.is_some()))
            .collect();
        assert_eq!(told, [(&b"a"[..], true, false), (&b"a/b"[..], false, true)]);
        let back = edit(&objects, folder, &edits(&[("a", Some("1")), ("a/b", None)])).expect("a tree");
        assert_eq!(back, file);
    }

    #[test]
    fn no_tree_is_written_that_readers_disagree_on() {
        let base = Memory::new(ObjectFormat::Sha1);
        let objects = Overlay::new(&base);
        let tree = edit(&objects, None, &edits(&[("a/b", Some("1")), ("a/c", Some("2"))])).expect("a tree");
        let deep = "a/".repeat(DEEPEST_WRITTEN + 1) + "a";
        for bad in [
            edits(&[("x", Some("1")), ("x/y", Some("2"))]),
            edits(&[("a", Some("1")), ("a/b", None)]),
            edits(&[("x\0y", Some("1"))]),
            edits(&[("x/.Git/y", Some("1"))]),
            edits(&[("x//y", Some("1"))]),
            edits(&[("/x", Some("1"))]),
            edits(&[("x/", Some("1"))]),
            edits(&[("x/../y", Some("1"))]),
            edits(&[("", Some("1"))]),
            edits(&[(&deep, Some("1"))]),
        ] {
            assert!(edit(&objects, tree, &bad).is_err(), "{bad:?}");
        }
        let deep = "a/".repeat(DEEPEST) + "a";
        let tree = edit(&objects, None, &edits(&[(&deep, Some("1"))])).expect("a tree");
        assert_eq!(paths(&objects, tree), [deep], "what is written can be read");
    }

    #[test]
    fn a_name_that_stands_twice_is_not_edited_below() {
        let base = Memory::new(ObjectFormat::Sha1);
        let blob = base.insert(ObjectKind::Blob, b"1".to_vec());
        let file = |name: &[u8]| Entry {
            mode: Mode::File,
            name: name.to_vec(),
            id: blob,
        };
        let below = base.insert(ObjectKind::Tree, Tree::write(&[file(b"kept")]));
        let folder = Entry {
            mode: Mode::Tree,
            name: b"a".to_vec(),
            id: below,
        };
        let top = base.insert(
            ObjectKind::Tree,
            Tree::write(&[folder.clone(), folder, file(b"other")]),
        );
        let objects = Overlay::new(&base);
        assert!(edit(&objects, Some(top), &edits(&[("a/new", Some("2"))])).is_err());
        assert!(edit(&objects, Some(top), &edits(&[("other", Some("2"))])).is_ok());
        let faults = diff(&objects, None, Some(top), &Whole)
            .expect("a difference")
            .faults;
        assert_eq!(faults, [(String::new(), "`a` stands twice".to_owned())]);
    }

    #[test]
    fn a_tree_of_countless_paths_meets_a_limit_and_is_counted() {
        for leaf in [true, false] {
            let base = Memory::new(ObjectFormat::Sha1);
            let blob = base.insert(ObjectKind::Blob, b"1".to_vec());
            let entry = |mode, name, id| Entry {
                mode,
                name: vec![name],
                id,
            };
            let last: &[Entry] = if leaf {
                &[entry(Mode::File, b'f', blob)]
            } else {
                &[]
            };
            let mut tree = base.insert(ObjectKind::Tree, Tree::write(last));
            for _ in 0..32 {
                let twice = [entry(Mode::Tree, b'a', tree), entry(Mode::Tree, b'b', tree)];
                tree = base.insert(ObjectKind::Tree, Tree::write(&twice));
            }
            let all = diff(&base, None, Some(tree), &Whole).expect("a difference");
            assert_eq!(all.limits.len(), 1, "{:?}", all.limits);
            assert!(all.changes.len() <= MOST_FILES);
            let count = super::super::Counter::default()
                .count(&base, None, Some(tree))
                .expect("a count");
            assert_eq!(count.plain, if leaf { 1 << 32 } else { 0 });
            assert!(!count.more);
            assert!(diff(&base, Some(tree), Some(tree), &Whole).is_ok_and(|same| same.changes.is_empty()));
        }
    }

    /// Paths that are a file here and a folder there are frequent.
    fn some_edits() -> impl Strategy<Value = Edits> {
        proptest::collection::btree_map("[ab.0]{1,2}(/[ab]){0,3}", proptest::option::of("[xy]{0,1}"), 0..8)
            .prop_map(|map| {
                map.into_iter()
                    .filter(|(path, _)| path.split('/').all(|name| !matches!(name, "." | "..")))
                    .map(|(path, text)| (path, text.map(String::into_bytes)))
                    .collect()
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn edits_are_given_back(first in some_edits(), second in some_edits()) {
            let base = Memory::new(ObjectFormat::Sha256);
            let objects = Overlay::new(&base);
            let mut tree = None;
            for edits in [&first, &second] {
                let before = tree;
                let Ok(after) = edit(&objects, before, edits) else { continue };
                tree = after;
                let listed = paths(&objects, after);
                for (path, text) in edits {
                    let found = match after {
                        Some(after) => lookup(&objects, after, path).expect("a tree"),
                        None => None,
                    };
                    match text {
                        Some(text) => {
                            let found = found.expect("what was written");
                            prop_assert_eq!(found.mode, Mode::File);
                            prop_assert_eq!(&objects.read(found.id, ObjectKind::Blob).expect("a blob"), text);
                        }
                        None => prop_assert!(!listed.contains(path), "{} is removed", path),
                    }
                }
                // Every folder is in strict form, and the difference accounts for each file.
                let whole = diff(&objects, None, after, &Whole).expect("a difference");
                prop_assert!(whole.faults.is_empty(), "{:?}", whole.faults);
                prop_assert!(diff(&objects, after, after, &Whole).expect("a difference").changes.is_empty());
                let there = diff(&objects, before, after, &Whole).expect("a difference").changes;
                let mut back = diff(&objects, after, before, &Whole).expect("a difference").changes;
                for change in &mut back {
                    std::mem::swap(&mut change.before, &mut change.after);
                }
                prop_assert_eq!(&there, &back);
                prop_assert!(there.windows(2).all(|pair| pair[0].path < pair[1].path));
                let mut replayed: BTreeMap<Vec<u8>, (Mode, Oid)> = diff(&objects, None, before, &Whole)
                    .expect("a difference")
                    .changes
                    .into_iter()
                    .filter_map(|change| Some((change.path, change.after?)))
                    .collect();
                for change in there {
                    prop_assert_eq!(replayed.get(&change.path).copied(), change.before);
                    match change.after {
                        Some(now) => replayed.insert(change.path, now),
                        None => replayed.remove(&change.path),
                    };
                }
                let paths: Vec<String> =
                    replayed.keys().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
                prop_assert_eq!(paths, listed);
            }
        }
    }
}
