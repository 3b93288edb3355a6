//! A set of files for which a commit is compared with its parents in one pass.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::base::{Error, Oid};
use crate::object::{Entry, Mode, Objects, Tree};

/// The mode and id of a file, link or submodule, or `None` if it does not exist.
pub(super) type Value = Option<(Mode, Oid)>;

/// A file by its number. The files below a folder have consecutive numbers.
pub(super) type File = u32;

/// A set of files, folder by folder, so that a commit is compared with its parents once
/// for all of them, and only in the folders on the way to one.
#[derive(Debug, Default)]
pub(super) struct Paths {
    top: Folder,
    files: Vec<String>,
}

#[derive(Debug, Default)]
struct Folder {
    inside: BTreeMap<String, Folder>,
    /// The number, if this is one of the files itself.
    file: Option<File>,
    /// The numbers of this file and of all files below it.
    range: Range<File>,
}

/// The differences between a commit and its parents that are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Differs {
    /// From at least one parent.
    FromAny,
    /// From each parent: the commit wrote the value.
    FromEach,
}

/// A folder that was read.
pub(super) struct Read<'r> {
    /// The path from the top.
    pub(super) path: &'r str,
    /// The files that it may hold.
    pub(super) files: &'r Range<File>,
    /// The commit that has it: the compared one (0), or a parent (from 1 on).
    pub(super) of: usize,
    /// The tree.
    pub(super) id: Oid,
    /// The tree, parsed.
    pub(super) tree: &'r Arc<Tree>,
}

/// A receiver of the results of a comparison.
pub(super) trait Compared {
    /// Whether one of these files is looked for.
    fn wants(&self, files: &Range<File>) -> bool;

    /// A folder that was read.
    fn folder(&mut self, folder: Read<'_>);

    /// A file that differs: its value, and that at each parent.
    fn file(&mut self, file: File, own: Value, parents: Vec<Value>);
}

impl Paths {
    /// These files, each once.
    pub(super) fn of<'p>(paths: impl IntoIterator<Item = &'p str>) -> Paths {
        let mut top = Folder::default();
        for path in paths {
            let mut at = &mut top;
            for part in path.split('/') {
                at = at.inside.entry(part.to_owned()).or_default();
            }
            at.file = Some(0);
        }
        let mut files = Vec::new();
        top.number(&mut String::new(), &mut files);
        Paths { top, files }
    }

    /// Returns the number of a file.
    pub(super) fn number(&self, path: &str) -> Option<File> {
        let mut parts = path.split('/');
        parts.try_fold(&self.top, |at, part| at.inside.get(part))?.file
    }

    /// Returns the paths of the files, by number.
    pub(super) fn files(&self) -> &[String] {
        &self.files
    }

    /// Compares the files of a tree with those of its commit's parents. A commit without
    /// parents is compared with nothing.
    pub(super) fn compare(
        &self,
        objects: &dyn Objects,
        own: Oid,
        parents: &[Oid],
        differs: Differs,
        out: &mut dyn Compared,
    ) -> Result<(), Error> {
        let parents: Vec<Option<Oid>> = match parents {
            [] => vec![None],
            parents => parents.iter().copied().map(Some).collect(),
        };
        let walk = Walk { objects, differs };
        walk.compare(&self.top, Some(own), &parents, &mut String::new(), out)
    }
}

impl Folder {
    /// Numbers the files in the order of their paths.
    fn number(&mut self, path: &mut String, files: &mut Vec<String>) {
        let next = |files: &Vec<String>| File::try_from(files.len()).unwrap_or(File::MAX);
        self.range.start = next(files);
        if self.file.is_some() {
            self.file = Some(next(files));
            files.push(path.clone());
        }
        for (name, below) in &mut self.inside {
            let length = path.len();
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
            below.number(path, files);
            path.truncate(length);
        }
        self.range.end = next(files);
    }

    /// Returns the entries inside that may differ between these trees.
    fn differing<'f>(&'f self, own: &Tree, parents: &[Arc<Tree>]) -> Vec<(&'f String, &'f Folder)> {
        // A few names are looked up one by one, even in a large tree.
        if self.inside.len() <= own.entries.len() / 4 {
            return self.inside.iter().collect();
        }
        let mut names: Vec<&[u8]> = parents.iter().flat_map(|tree| own.differing(tree)).collect();
        names.sort_unstable();
        names.dedup();
        let known = |name: &[u8]| self.inside.get_key_value(std::str::from_utf8(name).ok()?);
        names.into_iter().filter_map(known).collect()
    }
}

struct Walk<'w> {
    objects: &'w dyn Objects,
    differs: Differs,
}

impl Walk<'_> {
    fn differs<T: PartialEq>(&self, own: &T, parents: &[T]) -> bool {
        match self.differs {
            Differs::FromAny => parents.iter().any(|parent| parent != own),
            Differs::FromEach => parents.iter().all(|parent| parent != own),
        }
    }

    fn read(&self, id: Option<Oid>) -> Result<Arc<Tree>, Error> {
        id.map_or_else(|| Ok(Arc::default()), |id| self.objects.tree(id))
    }

    fn compare(
        &self,
        at: &Folder,
        own: Option<Oid>,
        parents: &[Option<Oid>],
        path: &mut String,
        out: &mut dyn Compared,
    ) -> Result<(), Error> {
        // If a whole folder equals a parent's, each part of it does.
        if !self.differs(&own, parents) || !out.wants(&at.range) {
            return Ok(());
        }
        let trees: Vec<Arc<Tree>> = std::iter::once(&own)
            .chain(parents)
            .map(|id| self.read(*id))
            .collect::<Result<_, _>>()?;
        for (of, (id, tree)) in std::iter::once(&own).chain(parents).zip(&trees).enumerate() {
            if let Some(id) = *id {
                let files = &at.range;
                out.folder(Read {
                    path,
                    files,
                    of,
                    id,
                    tree,
                });
            }
        }
        let Some((tree, trees)) = trees.split_first() else {
            return Ok(());
        };
        for (name, below) in at.differing(tree, trees) {
            let entry = tree.get(name);
            let others: Vec<Option<&Entry>> = trees.iter().map(|tree| tree.get(name)).collect();
            if let Some(number) = below.file {
                let values: Vec<Value> = others.iter().map(|other| leaf(*other)).collect();
                if self.differs(&leaf(entry), &values) && out.wants(&(number..number + 1)) {
                    out.file(number, leaf(entry), values);
                }
            }
            if !below.inside.is_empty() {
                let length = path.len();
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(name);
                let folders: Vec<Option<Oid>> = others.iter().map(|other| folder(*other)).collect();
                self.compare(below, folder(entry), &folders, path, out)?;
                path.truncate(length);
            }
        }
        Ok(())
    }
}

/// Returns the value that an entry gives a file.
pub(super) fn leaf(entry: Option<&Entry>) -> Value {
    let entry = entry.filter(|entry| entry.mode != Mode::Tree)?;
    Some((entry.mode, entry.id))
}

fn folder(entry: Option<&Entry>) -> Option<Oid> {
    Some(entry.filter(|entry| entry.mode == Mode::Tree)?.id)
}

#[cfg(test)]
mod tests {
    use super::Paths;

    #[test]
    fn files_are_numbered_in_the_order_of_their_folders() {
        let paths = Paths::of(["d", "a/b", "a/b/c", "a.x", "a/b"]);
        assert_eq!(paths.files(), ["a/b", "a/b/c", "a.x", "d"]);
        for (number, path) in (0..).zip(paths.files()) {
            assert_eq!(paths.number(path), Some(number), "{path}");
        }
        for path in ["a", "b", "a/b/c/d", "d/a", ""] {
            assert_eq!(paths.number(path), None, "{path}");
        }
    }
}
