//! The history before one commit of the mainline.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::graph::Graph;
use super::{provenance, read_commit};
use crate::base::{Error, Oid};
use crate::object::{self, FileChange, Mode, Objects};
use crate::record::kind::{GroupName, RecordPath, StageName, VersionNumber};
use crate::record::snapshot::{self, Earlier, Loaded, Records, Snapshot};
use crate::trust::{Gone, HistoryView, Policy, Verdict};

/// The history before one commit of the mainline.
pub struct Past<'a> {
    pub(super) objects: &'a dyn Objects,
    pub(super) folder: &'a str,
    pub(super) tip: Option<Oid>,
    /// Whether it belongs to a step that is judged for the sake of a later one.
    pub(super) is_inner: bool,
    graph: Rc<Graph<'a>>,
    /// How many more steps back are searched for paths that are gone.
    left: Cell<usize>,
    signers: RefCell<HashMap<RecordPath, Option<Verdict>>>,
}

impl<'a> Past<'a> {
    /// History up to and with `tip`.
    pub fn new(objects: &'a dyn Objects, folder: &'a str, tip: Option<Oid>) -> Past<'a> {
        Past::of(Rc::new(Graph::new(objects, None)), objects, folder, tip)
    }

    /// Builds the history up to and with `tip`, with the results of a walk so far.
    pub(super) fn of(
        graph: Rc<Graph<'a>>,
        objects: &'a dyn Objects,
        folder: &'a str,
        tip: Option<Oid>,
    ) -> Past<'a> {
        Past {
            objects,
            folder,
            tip,
            is_inner: false,
            graph,
            left: Cell::new(MOST_SEARCHED),
            signers: RefCell::default(),
        }
    }

    fn search(&self, policy: &Policy, path: &RecordPath) -> Result<Option<Verdict>, Error> {
        let full = match self.folder {
            "" => path.to_string(),
            folder => format!("{folder}/{path}"),
        };
        let Some(tip) = self.tip else { return Ok(None) };
        let reformats = |file: &FileChange| self.reformats(path, file);
        match provenance::author_of(self.objects, &self.graph, self.folder, tip, &full, &reformats)? {
            Some(commit) => {
                let commit = read_commit(self.objects, commit)?;
                Ok(Some(super::verdict(policy, &commit)))
            }
            None => Ok(None),
        }
    }

    /// Whether a change of a record's file keeps the record's value.
    fn reformats(&self, path: &RecordPath, file: &FileChange) -> Result<bool, Error> {
        let (Some((Mode::File, before)), Some((Mode::File, after))) = (file.before, file.after) else {
            return Ok(false);
        };
        let load = |id| snapshot::read(self.objects, path, id);
        Ok(load(before)?.same_content(&load(after)?))
    }
}

impl Past<'_> {
    /// Returns the registry at another commit.
    pub fn at<'r>(&self, records: &'r Records<'r>, commit: Oid) -> Result<Snapshot<'r>, Error> {
        Snapshot::at(records, read_commit(self.objects, commit)?.tree, self.folder)
    }

    /// Returns the merge bases of two commits.
    ///
    /// # Errors
    /// A commit is missing, as in a shallow clone.
    pub fn fork(&self, one: Oid, other: Oid) -> Result<Vec<Oid>, Error> {
        Ok(self.graph.sides(one, other)?.shared)
    }

    /// Lists the assignments of a stage, oldest first, along the first parents; `None`
    /// for each time it was emptied.
    ///
    /// # Errors
    /// A commit is missing, as in a shallow clone.
    pub fn assignments(
        &self,
        records: &Records<'_>,
        group: &GroupName,
        stage: &StageName,
    ) -> Result<Vec<Option<VersionNumber>>, Error> {
        let path = RecordPath::Stage(group.clone(), stage.clone());
        let mut found = Vec::new();
        let mut last = None;
        let mut at = self.tip;
        while let Some(id) = at {
            let commit = read_commit(self.objects, id)?;
            let snapshot = Snapshot::at(records, commit.tree, self.folder)?;
            let record = snapshot.read(&path)?;
            let Some(record) = record else { break };
            let here = record.stage().map(|stage| (stage.revision, stage.version));
            if here.is_some() && here != last {
                last = here;
                found.extend(here.map(|(_, version)| version));
            }
            at = commit.parents.first().copied();
        }
        found.reverse();
        Ok(found)
    }
}

impl Earlier for Past<'_> {
    fn last_readable(&self, records: &Records<'_>, path: &RecordPath) -> Result<Option<Arc<Loaded>>, Error> {
        match self.tip {
            Some(tip) => provenance::last_readable(records, &self.graph, self.folder, tip, path),
            None => Ok(None),
        }
    }
}

/// The number of steps back that are searched for a path that is gone.
const MOST_BACK: usize = 1_000;

/// The number of steps back that are searched for all paths together.
const MOST_SEARCHED: usize = 200_000;

impl Past<'_> {
    fn search_gone(&self, path: &str) -> Result<Option<Gone>, Error> {
        let mut after: Option<(Oid, Option<Oid>)> = None;
        let mut at = self.tip;
        for _ in 0..MOST_BACK {
            let (Some(id), Some(left)) = (at, self.left.get().checked_sub(1)) else {
                break;
            };
            self.left.set(left);
            let commit = self.graph.node(id)?;
            let tree = match self.folder {
                "" => Some(commit.tree),
                folder => object::lookup(self.objects, commit.tree, folder)?.map(|entry| entry.id),
            };
            let has = match tree {
                Some(tree) => object::lookup(self.objects, tree, path)?.is_some(),
                None => false,
            };
            if has {
                return Ok(after.map(|(by, after)| Gone {
                    by,
                    before: tree,
                    after,
                }));
            }
            after = Some((id, tree));
            at = commit.parents.first().copied();
        }
        Ok(None)
    }
}

impl HistoryView for Past<'_> {
    fn gone(&self, path: &str) -> Result<Option<Gone>, Error> {
        match self.search_gone(path) {
            // A shallow clone knows no more.
            Err(Error::MissingObject { .. }) => Ok(None),
            found => found,
        }
    }

    fn undone(&self, folder: &str, now: Oid) -> Result<Option<Oid>, Error> {
        match self.search_undone(folder, now) {
            Err(Error::MissingObject { .. }) => Ok(None),
            found => found,
        }
    }

    fn earlier(&self) -> Option<&dyn Earlier> {
        Some(self)
    }

    fn signer_of(&self, policy: &Policy, path: &RecordPath) -> Result<Option<Verdict>, Error> {
        if let Some(known) = self.signers.borrow().get(path) {
            return Ok(known.clone());
        }
        let signer = self.search(policy, path)?;
        self.signers.borrow_mut().insert(path.clone(), signer.clone());
        Ok(signer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ObjectFormat, ObjectKind};
    use crate::object::Memory;

    /// Counts the commits that are read.
    struct Counting {
        memory: Memory,
        commits: Cell<usize>,
    }

    impl Objects for Counting {
        fn format(&self) -> ObjectFormat {
            self.memory.format()
        }

        fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
            self.commits
                .set(self.commits.get() + usize::from(kind == ObjectKind::Commit));
            self.memory.read(id, kind)
        }
    }

    #[test]
    fn history_is_read_once_for_all_folders_that_may_be_gone() {
        let memory = Memory::new(ObjectFormat::Sha1);
        let tree = memory.insert(ObjectKind::Tree, Vec::new());
        let mut tip = None;
        for number in 0..50 {
            let parent = tip.map_or_else(String::new, |tip| format!("parent {tip}\n"));
            let text = format!(
                "tree {tree}\n{parent}author x <x> {number} +0000\ncommitter x <x> {number} +0000\n\nx\n"
            );
            tip = Some(memory.insert(ObjectKind::Commit, text.into_bytes()));
        }
        let store = Counting {
            memory,
            commits: Cell::new(0),
        };
        let past = Past::new(&store, "", tip);
        for group in 0..100 {
            let gone = past.gone(&format!("groups/g{group}")).expect("a history");
            assert!(gone.is_none());
        }
        assert_eq!(store.commits.get(), 50);
    }
}
