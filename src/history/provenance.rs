//! Who wrote what a merge brings: authors by provenance.
//!
//! A file that only the other side changed is traced to the commits that wrote
//! it. What both sides changed, or a value that neither had, or an older one,
//! is charged to the merge: nothing is ever merged within a record.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::graph::{Graph, Node, Sides};
use crate::access::Charge;
use crate::error::Error;
use crate::raw::{self, FileChange, Mode, Objects, Oid};

/// What stands at a path: a file, link or submodule.
type Value = Option<(Mode, Oid)>;

/// One value of a file replaced by another, and the commit that answers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The two values.
    pub file: FileChange,
    /// The commit that answers.
    pub commit: Oid,
    /// Why it is the merge, when it is.
    pub charge: Option<Charge>,
}

/// A merge of two parents, to be asked who wrote what it brings.
pub struct Merge<'g, 'a> {
    objects: &'a dyn Objects,
    graph: &'g Graph<'a>,
    id: Oid,
    first: Oid,
    second: Oid,
    sides: Sides,
    malformed: RefCell<BTreeSet<Malformed>>,
}

/// A folder that the other side had, and that is not in strict form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Malformed {
    /// Its path from the repository's top.
    pub folder: String,
    /// What is wrong with it.
    pub what: String,
    /// The commit that has it.
    pub commit: Oid,
}

impl<'g, 'a> Merge<'g, 'a> {
    /// The merge `id` of these parents.
    ///
    /// # Errors
    /// When a commit below a parent is missing.
    pub fn new(
        objects: &'a dyn Objects,
        graph: &'g Graph<'a>,
        id: Oid,
        (first, second): (Oid, Oid),
    ) -> Result<Merge<'g, 'a>, Error> {
        Ok(Merge {
            objects,
            graph,
            id,
            first,
            second,
            sides: graph.sides(first, second)?,
            malformed: RefCell::default(),
        })
    }

    /// Whether the parents share any history.
    pub fn is_related(&self) -> bool {
        !self.sides.shared.is_empty()
    }

    fn value(&self, tree: Oid, path: &str) -> Result<Value, Error> {
        let entry = raw::lookup(self.objects, tree, path)?;
        Ok(entry
            .filter(|entry| entry.mode != Mode::Tree)
            .map(|entry| (entry.mode, entry.id)))
    }

    fn value_at(&self, commit: Oid, path: &str) -> Result<Value, Error> {
        let tree = self.graph.node(commit)?.tree;
        if self.sides.second.contains(&commit) {
            self.look_at_folders(commit, tree, path)?;
        }
        self.value(tree, path)
    }

    /// Notes the folders on the way to a file that are not in strict form. What
    /// one reader does not see there, whoever comes next seems to write.
    fn look_at_folders(&self, commit: Oid, top: Oid, path: &str) -> Result<(), Error> {
        let mut at = top;
        let mut folder = String::new();
        for part in path.split('/') {
            let tree = self.objects.tree(at)?;
            for what in &tree.faults {
                self.malformed.borrow_mut().insert(Malformed {
                    folder: folder.clone(),
                    what: what.clone(),
                    commit,
                });
            }
            match tree.get(part).filter(|entry| entry.mode == Mode::Tree) {
                Some(entry) => at = entry.id,
                None => break,
            }
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(part);
        }
        Ok(())
    }

    /// The folders that are not in strict form, among those that were looked
    /// at so far to say who wrote what.
    pub fn malformed(&self) -> Vec<Malformed> {
        self.malformed.borrow().iter().cloned().collect()
    }

    /// Whether this commit wrote the file: its value is that of no parent.
    fn wrote(&self, node: &Node, path: &str) -> Result<bool, Error> {
        let mut trees = Vec::new();
        for parent in &node.parents {
            trees.push(self.graph.node(*parent)?.tree);
        }
        if trees.contains(&node.tree) {
            return Ok(false);
        }
        let value = self.value(node.tree, path)?;
        if trees.is_empty() {
            return Ok(value.is_some());
        }
        for tree in trees {
            if self.value(tree, path)? == value {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the first side changed the file, even if it changed it back.
    fn first_side_wrote(&self, path: &str) -> Result<bool, Error> {
        for commit in &self.sides.first {
            if self.wrote(&*self.graph.node(*commit)?, path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The values that the other side gave the file, oldest first, each with
    /// the commit that wrote it; and the value that they started from.
    fn trace(&self, path: &str) -> Result<(Vec<Written>, Value), Error> {
        let mut written = Vec::new();
        let mut at = self.second;
        let mut value = self.value_at(at, path)?;
        while self.sides.second.contains(&at) {
            let node = self.graph.node(at)?;
            let mut same = None;
            for parent in &node.parents {
                let shared = !self.sides.second.contains(parent);
                if (same.is_none() || shared) && self.value_at(*parent, path)? == value {
                    same = Some(*parent);
                    if shared {
                        break;
                    }
                }
            }
            if let Some(parent) = same {
                at = parent;
                continue;
            }
            // Who resolves while bringing the mainline in starts from the mainline.
            let shared = node.parents.iter().find(|id| !self.sides.second.contains(*id));
            let before_at = shared.or(node.parents.first()).copied();
            let before = match before_at {
                Some(parent) => self.value_at(parent, path)?,
                None => None,
            };
            if before != value {
                written.push(Written {
                    file: FileChange {
                        path: path.as_bytes().to_vec(),
                        before,
                        after: value,
                    },
                    commit: at,
                    charge: None,
                });
            }
            value = before;
            match before_at {
                Some(parent) => at = parent,
                None => break,
            }
        }
        written.reverse();
        Ok((written, value))
    }

    /// Who wrote what the merge changes in one file.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn written(&self, file: &FileChange) -> Result<Vec<Written>, Error> {
        let charged = |charge| {
            Ok(vec![Written {
                file: file.clone(),
                commit: self.id,
                charge: Some(charge),
            }])
        };
        // A name that is no text is a finding whoever brings it.
        let Ok(path) = std::str::from_utf8(&file.path) else {
            return charged(Charge::NewValue);
        };
        if !self.is_related() {
            return charged(Charge::Shape);
        }
        if self.value_at(self.second, path)? != file.after {
            return charged(Charge::NewValue);
        }
        let (written, start) = self.trace(path)?;
        if written.is_empty() {
            return charged(Charge::OlderValue);
        }
        if self.first_side_wrote(path)? {
            return charged(Charge::BothSides);
        }
        if start != file.before {
            return charged(Charge::OlderValue);
        }
        Ok(written)
    }

    /// The files that the other side wrote, of which the merge keeps nothing:
    /// those among `managed` that stand at the merge as at its first parent.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn dropped(&self, managed: &dyn Fn(&str) -> bool) -> Result<Vec<String>, Error> {
        let tree = |id| self.graph.node(id).map(|node| node.tree);
        let (first, second, merge) = (tree(self.first)?, tree(self.second)?, tree(self.id)?);
        let mut dropped = Vec::new();
        for file in raw::diff(self.objects, Some(first), Some(second))?.changes {
            let Ok(path) = String::from_utf8(file.path) else {
                continue;
            };
            if managed(&path) && self.value(merge, &path)? == file.before && !self.trace(&path)?.0.is_empty()
            {
                dropped.push(path);
            }
        }
        Ok(dropped)
    }
}

/// The commit that gave a file the value that it has at `tip`, by provenance;
/// none when there is no such file.
///
/// # Errors
/// When an object can't be read.
pub fn author_of(
    objects: &dyn Objects,
    graph: &Graph<'_>,
    tip: Oid,
    path: &str,
) -> Result<Option<Oid>, Error> {
    let value = |commit: Oid| -> Result<Value, Error> {
        let entry = raw::lookup(objects, graph.node(commit)?.tree, path)?;
        Ok(entry.map(|entry| (entry.mode, entry.id)))
    };
    let mut at = tip;
    let here = value(at)?;
    if here.is_none() {
        return Ok(None);
    }
    loop {
        let node = graph.node(at)?;
        let Some(first) = node.parents.first().copied() else {
            return Ok(Some(at));
        };
        let before = value(first)?;
        if before == here {
            at = first;
            continue;
        }
        let [first, second] = node.parents[..] else {
            return Ok(Some(at));
        };
        let file = FileChange {
            path: path.as_bytes().to_vec(),
            before,
            after: here,
        };
        let merge = Merge::new(objects, graph, at, (first, second))?;
        return Ok(merge.written(&file)?.last().map(|written| written.commit));
    }
}
