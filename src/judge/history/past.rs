//! The history before one commit of the mainline.

use std::cell::RefCell;
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

impl Past<'_> {
    fn search_gone(&self, path: &str) -> Result<Option<Gone>, Error> {
        let mut after: Option<(Oid, Option<Oid>)> = None;
        let mut at = self.tip;
        for _ in 0..MOST_BACK {
            let Some(id) = at else { break };
            let commit = read_commit(self.objects, id)?;
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
