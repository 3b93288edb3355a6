//! Comparing and searching trees by path. Only differing trees are read.

use std::sync::Arc;

use super::{Entry, Mode, Objects, Tree};
use crate::base::{Error, ObjectKind, Oid};

/// Folders deeper than this are not followed.
pub(super) const DEEPEST: usize = 64;

/// The most names that are compared: a few folders that contain one another many times
/// make a tree of countless paths.
pub(super) const MOST_NAMES: usize = 1_000_000;

/// The most files that are reported as differing.
const MOST_FILES: usize = 100_000;

/// The most malformed folders that are listed, and the most folders that meet a limit.
const MOST_TOLD: usize = 1_000;

/// Reads a tree as stored.
pub fn read_tree<O: Objects + ?Sized>(objects: &O, id: Oid) -> Result<Tree, Error> {
    let bytes = objects.read(id, ObjectKind::Tree)?;
    Tree::parse(id.format(), &bytes).map_err(|_| Error::CorruptObject {
        id,
        expected: ObjectKind::Tree,
    })
}

/// Returns the entry at a path below a tree.
pub fn lookup(objects: &dyn Objects, tree: Oid, path: &str) -> Result<Option<Entry>, Error> {
    let mut at = tree;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        let Some(entry) = objects.tree(at)?.get(part).cloned() else {
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
    /// The entry before.
    pub before: Option<(Mode, Oid)>,
    /// The entry after.
    pub after: Option<(Mode, Oid)>,
}

/// The differences between two trees.
#[derive(Clone, Debug, Default)]
pub struct TreeDiff {
    /// Files, links and submodules, by path.
    pub changes: Vec<FileChange>,
    /// Folders of the later tree that differ and are not in strict form, with the fault.
    pub faults: Vec<(String, String)>,
    /// Folders that were not compared completely, with the limit that they meet.
    pub limits: Vec<(String, String)>,
}

/// The part of two trees that is compared. The rest is not read, so that its
/// size and depth cost nothing.
pub trait Look {
    /// Whether to compare the entries of a folder.
    fn enters(&self, folder: &[u8], before: Option<Oid>, after: Option<Oid>) -> bool;

    /// Whether to report a file.
    fn holds(&self, file: &FileChange) -> bool;
}

/// Everything.
pub struct Whole;

impl Look for Whole {
    fn enters(&self, _: &[u8], _: Option<Oid>, _: Option<Oid>) -> bool {
        true
    }

    fn holds(&self, _: &FileChange) -> bool {
        true
    }
}

/// Compares the part of two trees that `look` asks for. Descends only where ids differ.
pub fn diff(
    objects: &dyn Objects,
    before: Option<Oid>,
    after: Option<Oid>,
    look: &dyn Look,
) -> Result<TreeDiff, Error> {
    let mut walk = Walk {
        objects,
        look,
        names: MOST_NAMES,
        out: TreeDiff::default(),
    };
    walk.compare(before, after, &mut Vec::new(), 0)?;
    let mut out = walk.out;
    out.changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

struct Walk<'w> {
    objects: &'w dyn Objects,
    look: &'w dyn Look,
    names: usize,
    out: TreeDiff,
}

impl Walk<'_> {
    /// Notes a limit that is met in a folder, once for each folder.
    fn limit(&mut self, folder: &[u8], what: String) {
        if self.out.limits.len() < MOST_TOLD {
            let folder = String::from_utf8_lossy(folder).into_owned();
            self.out.limits.push((folder, what));
        }
    }

    /// Takes one name from the budget. The walk ends when it is used up.
    fn spend(&mut self, folder: &[u8]) -> bool {
        if self.names == 0 {
            return false;
        }
        self.names -= 1;
        let what = match (self.names, self.out.changes.len() >= MOST_FILES) {
            (_, true) => format!("more than {MOST_FILES} files differ"),
            (0, _) => format!("more than {MOST_NAMES} names differ"),
            _ => return true,
        };
        self.names = 0;
        self.limit(folder, what);
        false
    }

    fn compare(
        &mut self,
        before: Option<Oid>,
        after: Option<Oid>,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), Error> {
        if before == after {
            return Ok(());
        }
        if depth > DEEPEST {
            // A removed folder needs no check: no record is as deep.
            if after.is_some() {
                self.limit(path, format!("folders are nested more than {DEEPEST} deep"));
            }
            return Ok(());
        }
        let read = |id: Option<Oid>| id.map_or_else(|| Ok(Arc::default()), |id| self.objects.tree(id));
        let (old, new) = (read(before)?, read(after)?);
        if !new.faults.is_empty() && self.out.faults.len() < MOST_TOLD {
            let folder = String::from_utf8_lossy(path).into_owned();
            let faults = new.faults.iter().map(|fault| (folder.clone(), fault.clone()));
            self.out.faults.extend(faults);
        }
        let (old, new) = (by_name(&old), by_name(&new));
        let (mut old, mut new) = (&old[..], &new[..]);
        while let Some(name) = old
            .first()
            .into_iter()
            .chain(new.first())
            .map(|entry| &entry.name)
            .min()
        {
            let (old, new) = (take(&mut old, name), take(&mut new, name));
            let same =
                old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a.mode == b.mode && a.id == b.id);
            if same {
                continue;
            }
            if !self.spend(path) {
                return Ok(());
            }
            let length = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            let (was, is) = (folder(old), folder(new));
            if was != is && self.look.enters(path, was, is) {
                self.compare(was, is, path, depth + 1)?;
            }
            let (before, after) = (leaf(old), leaf(new));
            if before != after {
                let file = FileChange {
                    path: path.clone(),
                    before,
                    after,
                };
                if self.look.holds(&file) {
                    self.out.changes.push(file);
                }
            }
            path.truncate(length);
        }
        Ok(())
    }
}

pub(super) fn folder(entries: &[&Entry]) -> Option<Oid> {
    let mut entries = entries.iter();
    let folder = entries.find(|entry| entry.mode == Mode::Tree);
    folder.map(|entry| entry.id)
}

pub(super) fn leaf(entries: &[&Entry]) -> Option<(Mode, Oid)> {
    let mut entries = entries.iter();
    let leaf = entries.find(|entry| entry.mode != Mode::Tree);
    leaf.map(|entry| (entry.mode, entry.id))
}

/// Returns the entries in the order of their names; a name that occurs twice stays twice.
pub(super) fn by_name(tree: &Tree) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = tree.entries.iter().collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// Takes the entries of this name from the front.
pub(super) fn take<'e, 't>(entries: &mut &'e [&'t Entry], name: &[u8]) -> &'e [&'t Entry] {
    let count = entries.iter().take_while(|entry| entry.name == name).count();
    let (these, rest) = entries.split_at(count);
    *entries = rest;
    these
}

/// Lists every file, link and submodule below a tree, by path.
pub fn files(objects: &dyn Objects, tree: Oid) -> Result<Vec<(String, Mode, Oid)>, Error> {
    let all = diff(objects, None, Some(tree), &Whole)?.changes;
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

    use std::collections::BTreeMap;

    use super::super::{Memory, Overlay, edit};
    use super::*;
    use crate::base::ObjectFormat;

    type Files = BTreeMap<String, Option<Vec<u8>>>;

    /// Paths that exclude one another are left out: a file and a folder of one name.
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
                prop_assert!(diff(&overlay, after, after, &Whole).expect("a difference").changes.is_empty());
                let mut expected = written(&first);
                for (path, bytes) in &second {
                    match bytes {
                        Some(bytes) => expected.insert(path.clone().into_bytes(), bytes.clone()),
                        None => expected.remove(path.as_bytes()),
                    };
                }
                // The tree has the edited files, in strict form.
                let all = diff(&overlay, None, after, &Whole).expect("a difference");
                prop_assert!(all.faults.is_empty(), "{:?}", all.faults);
                let mut found = BTreeMap::new();
                for file in all.changes {
                    let (mode, id) = file.after.expect("a file");
                    prop_assert_eq!(mode, Mode::File);
                    found.insert(file.path, overlay.read(id, ObjectKind::Blob).expect("a blob"));
                }
                prop_assert_eq!(&found, &expected);
                // The difference is all entries that the two listings do not share.
                let old = written(&first);
                let differing: Vec<Vec<u8>> = old
                    .keys()
                    .chain(expected.keys())
                    .filter(|path| old.get(*path) != expected.get(*path))
                    .cloned()
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .collect();
                let told: Vec<Vec<u8>> = diff(&overlay, before, after, &Whole).expect("a difference").changes.into_iter().map(|file| file.path).collect();
                prop_assert_eq!(told, differing);
                // The same content has the same id, in whatever order it was made.
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

#[cfg(test)]
mod in_the_way {
    use proptest::prelude::*;

    use std::collections::BTreeMap;

    use super::super::edit::DEEPEST_WRITTEN;
    use super::super::{Memory, Overlay, edit};
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
