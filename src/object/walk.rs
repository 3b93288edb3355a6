//! Comparing and searching trees by path. Only differing trees are read.

use std::collections::HashSet;
use std::sync::Arc;

use super::fruitless::{Fruitless, Number, Row};
use super::{Entry, Mode, Objects, Tree};
use crate::base::{Error, ObjectKind, Oid};

/// Folders deeper than this are not followed.
pub(super) const DEEPEST: usize = 64;

/// The most names that are compared: a few folders that contain one another many times
/// make a tree of countless paths.
pub(super) const MOST_NAMES: usize = 1_000_000;

/// The most names that are compared in the part that a [`Look`] calls outside.
pub const MOST_OUTSIDE: usize = 250_000;

/// The most files that are reported as differing, and the most bytes of their paths.
pub(super) const MOST_FILES: usize = 100_000;
const MOST_OF_PATHS: usize = 32 << 20;

/// The largest folder that is read, in bytes: it has 700,000 names or more.
pub const LARGEST: usize = 32 << 20;

/// The entries of compared folders that cost as much as one name that differs.
const ENTRIES_OF_ONE: usize = 64;

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

    /// Returns what the answers below a folder depend on. Where equal trees are compared
    /// in folders of equal state, the second comparison finds what the first one found,
    /// and so do other looks of the same scope. Returns `None` if the answers depend on
    /// the path.
    fn state(&self, _folder: &[u8]) -> Option<Vec<u16>> {
        None
    }

    /// Returns the name of what is looked for: looks of one name answer alike. Returns
    /// `None` if each look is alone.
    fn scope(&self) -> Option<Vec<u8>> {
        None
    }

    /// Whether a path is in the part of the trees that has the smaller limit of names.
    fn is_outside(&self, _path: &[u8]) -> bool {
        false
    }

    /// Whether every file below a folder is reported, or none is; `None` where that
    /// depends on the file.
    fn holds_below(&self, _folder: &[u8]) -> Option<bool> {
        None
    }
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

    fn holds_below(&self, _: &[u8]) -> Option<bool> {
        Some(true)
    }
}

/// Compares the part of two trees that `look` asks for. Descends only where ids differ.
pub fn diff(
    objects: &dyn Objects,
    before: Option<Oid>,
    after: Option<Oid>,
    look: &dyn Look,
) -> Result<TreeDiff, Error> {
    let own = Fruitless::default();
    let scope = look.scope();
    let shared = objects.fruitless().filter(|_| scope.is_some());
    let fruitless = shared.unwrap_or(&own);
    let mut walk = Walk {
        objects,
        look,
        names: MOST_NAMES,
        outside: MOST_OUTSIDE,
        paths: MOST_OF_PATHS,
        work: 0,
        fruitless,
        scope: fruitless.start(scope.unwrap_or_default()),
        seen: HashSet::new(),
        open: Vec::new(),
        out: TreeDiff::default(),
    };
    walk.compare(before, after, &mut Vec::new(), 0)?;
    objects.spend(walk.work)?;
    let mut out = walk.out;
    out.changes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

struct Walk<'w> {
    objects: &'w dyn Objects,
    look: &'w dyn Look,
    /// How many more names are compared.
    names: usize,
    /// How many of them outside.
    outside: usize,
    /// How many more bytes the paths of the files may have.
    paths: usize,
    /// The names that were compared, and what costs as much.
    work: usize,
    /// The comparisons of folders in which nothing was found, in this step or before.
    fruitless: &'w Fruitless,
    scope: usize,
    /// Those of them that this step made.
    seen: HashSet<Number>,
    /// The comparisons around the current folder that may be kept.
    open: Vec<Row>,
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

    /// Takes one name from the budget of this path, in a folder. Returns whether it may be
    /// compared.
    fn spend(&mut self, path: &[u8], folder: usize) -> bool {
        let (left, most) = match self.look.is_outside(path) {
            true => (&mut self.outside, MOST_OUTSIDE),
            false => (&mut self.names, MOST_NAMES),
        };
        if *left == 0 {
            return false;
        }
        *left -= 1;
        self.work += 1;
        if let Some(row) = self.open.last_mut() {
            row.names += 1;
        }
        let what = match *left {
            _ if self.out.changes.len() >= MOST_FILES => {
                (self.names, self.outside) = (0, 0);
                format!("more than {MOST_FILES} files differ")
            }
            _ if self.paths == 0 => {
                (self.names, self.outside) = (0, 0);
                format!("the paths of the files that differ have more than {MOST_OF_PATHS} bytes")
            }
            0 => format!("more than {most} names differ"),
            _ => return true,
        };
        self.limit(&path[..folder], what);
        false
    }

    /// Counts a comparison that an earlier step made, as if this step had made it.
    /// Returns false when it meets a limit, so that this step has to make it.
    fn counts(&mut self, number: Number, path: &[u8]) -> bool {
        let left = match self.look.is_outside(path) {
            true => &mut self.outside,
            false => &mut self.names,
        };
        let most = left.saturating_sub(1);
        let Some((found, names)) = self.fruitless.unseen(number, &self.seen, most) else {
            return false;
        };
        *left -= names;
        self.work += found.len();
        self.seen.extend(found);
        true
    }

    /// Compares two folders, unless nothing was found in the same comparison before.
    fn descend(
        &mut self,
        before: Option<Oid>,
        after: Option<Oid>,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), Error> {
        let Some(state) = self.look.state(path) else {
            return self.compare(before, after, path, depth);
        };
        let comparison = (self.scope, before, after, depth, state);
        let known = self.fruitless.number(&comparison);
        let number = match known {
            Some(number) if self.seen.contains(&number) || self.counts(number, path) => number,
            _ => {
                let found = |out: &TreeDiff| (out.changes.len(), out.faults.len(), out.limits.len());
                let earlier = found(&self.out);
                self.open.push(Row::default());
                self.compare(before, after, path, depth)?;
                let row = self.open.pop().unwrap_or_default();
                if found(&self.out) != earlier || self.names == 0 || self.outside == 0 {
                    return Ok(());
                }
                let number = known.unwrap_or_else(|| self.fruitless.insert(comparison, row));
                self.seen.insert(number);
                number
            }
        };
        if let Some(around) = self.open.last_mut() {
            around.inside.push(number);
        }
        Ok(())
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
        let sizes = [before, after].map(|id| id.and_then(|id| self.objects.size(id)));
        if sizes.into_iter().flatten().any(|size| size > LARGEST) {
            self.limit(path, format!("the folder alone is more than {LARGEST} bytes"));
            return Ok(());
        }
        let read = |id: Option<Oid>| id.map_or_else(|| Ok(Arc::default()), |id| self.objects.tree(id));
        let (old, new) = (read(before)?, read(after)?);
        self.work += (old.entries.len() + new.entries.len()) / ENTRIES_OF_ONE;
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
            let length = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
            if !self.spend(path, length) {
                path.truncate(length);
                continue;
            }
            let (was, is) = (folder(old), folder(new));
            if was != is && self.look.enters(path, was, is) {
                self.descend(was, is, path, depth + 1)?;
            }
            let (before, after) = (leaf(old), leaf(new));
            if before != after {
                let file = FileChange {
                    path: path.clone(),
                    before,
                    after,
                };
                if self.look.holds(&file) {
                    self.paths = self.paths.saturating_sub(file.path.len());
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
