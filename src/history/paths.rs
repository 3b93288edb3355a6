//! Which of some files a commit wrote, asked of all the files at once.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::graph::{Graph, Node};
use crate::error::Error;
use crate::raw::{Entry, Mode, Objects, Oid, Tree};

/// Some files, folder by folder, so that a commit is compared with its parents
/// once for all of them, and only where one of them may stand.
#[derive(Debug, Default)]
pub(super) struct Paths {
    inside: BTreeMap<String, Paths>,
    /// Whether it is one of the files itself, and not only on the way to one.
    is_asked: bool,
}

impl Paths {
    /// These files.
    pub(super) fn of<'p>(paths: impl IntoIterator<Item = &'p str>) -> Paths {
        let mut top = Paths::default();
        for path in paths {
            let mut at = &mut top;
            for part in path.split('/') {
                at = at.inside.entry(part.to_owned()).or_default();
            }
            at.is_asked = true;
        }
        top
    }

    /// Whether this is one of the files.
    pub(super) fn holds(&self, path: &str) -> bool {
        let mut parts = path.split('/');
        let at = parts.try_fold(self, |at, part| at.inside.get(part));
        at.is_some_and(|at| at.is_asked)
    }

    /// Adds those that a commit wrote: with a value that none of its parents has.
    ///
    /// # Errors
    /// When an object can't be read.
    pub(super) fn written(
        &self,
        objects: &dyn Objects,
        graph: &Graph<'_>,
        node: &Node,
        out: &mut HashSet<String>,
    ) -> Result<(), Error> {
        let mut parents = Vec::new();
        for parent in &node.parents {
            parents.push(Some(graph.node(*parent)?.tree));
        }
        // A first commit wrote all that it has.
        if parents.is_empty() {
            parents.push(None);
        }
        self.compare(objects, Some(node.tree), &parents, &mut String::new(), out)
    }

    fn compare(
        &self,
        objects: &dyn Objects,
        own: Option<Oid>,
        parents: &[Option<Oid>],
        path: &mut String,
        out: &mut HashSet<String>,
    ) -> Result<(), Error> {
        // What is a parent's as a whole is a parent's in each part.
        if parents.contains(&own) {
            return Ok(());
        }
        let read = |id: Option<Oid>| id.map_or_else(|| Ok(Arc::<Tree>::default()), |id| objects.tree(id));
        let own = read(own)?;
        let parents: Vec<Arc<Tree>> = parents.iter().map(|id| read(*id)).collect::<Result<_, _>>()?;
        for (name, below) in &self.inside {
            let entry = own.get(name);
            let others: Vec<Option<&Entry>> = parents.iter().map(|parent| parent.get(name)).collect();
            let length = path.len();
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
            if below.is_asked && others.iter().all(|other| file(*other) != file(entry)) {
                out.insert(path.clone());
            }
            if !below.inside.is_empty() {
                let folders: Vec<Option<Oid>> = others.iter().map(|other| folder(*other)).collect();
                below.compare(objects, folder(entry), &folders, path, out)?;
            }
            path.truncate(length);
        }
        Ok(())
    }
}

fn file(entry: Option<&Entry>) -> Option<(Mode, Oid)> {
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
    fn files_are_held_and_the_folders_on_the_way_are_not() {
        let paths = Paths::of(["a/b", "a/b/c", "d"]);
        for path in ["a/b", "a/b/c", "d"] {
            assert!(paths.holds(path), "{path}");
        }
        for path in ["a", "b", "a/b/c/d", "d/a", ""] {
            assert!(!paths.holds(path), "{path}");
        }
    }
}
