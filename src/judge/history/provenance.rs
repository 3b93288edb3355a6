//! The authors of merged changes, by provenance.
//!
//! A file that only the other side changed is traced to the commits that wrote it. The
//! merge itself answers for a file that both sides changed, for a value that neither had,
//! and for an older value: nothing is ever merged within a record.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::graph::{Graph, Sides};
use super::paths::{File, Paths, Value, leaf};
use super::trace::{Traced, Tracer};
use crate::base::{Error, Oid};
use crate::object::{self, FileChange, Mode, Objects};
use crate::record::change::Managed;
use crate::record::kind::RecordPath;
use crate::record::snapshot::{Loaded, Records};
use crate::trust::MergeCharge;

/// One value of a file replaced by another, and the commit that answers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The two values.
    pub file: FileChange,
    /// The commit that answers.
    pub commit: Oid,
    /// Why it is the merge, when it is.
    pub charge: Option<MergeCharge>,
}

/// A merge of two parents, whose changes are to be attributed.
pub struct Merge<'g, 'a> {
    objects: &'a dyn Objects,
    graph: &'g Graph<'a>,
    id: Oid,
    first: Oid,
    second: Oid,
    sides: Sides,
}

/// A folder that the other side had, and that is not in strict form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Malformed {
    /// Its path from the repository's top.
    pub folder: String,
    /// The fault.
    pub what: String,
    /// The commit that has it.
    pub commit: Oid,
}

impl<'g, 'a> Merge<'g, 'a> {
    /// Builds the merge `id` of these parents.
    ///
    /// # Errors
    /// A commit below a parent is missing.
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
        })
    }

    /// Whether the parents share any history.
    pub fn is_related(&self) -> bool {
        !self.sides.shared.is_empty()
    }

    /// Attributes the merge's changes in these files, each of another path.
    pub fn origins(&self, files: &[FileChange]) -> Result<Origins, Error> {
        let mut origins = Origins::default();
        if !self.is_related() {
            for file in files {
                origins.charge(file, self.id, MergeCharge::Shape);
            }
            return Ok(origins);
        }
        let text = |file: &'_ FileChange| String::from_utf8(file.path.clone()).ok();
        let names: Vec<String> = files.iter().filter_map(text).collect();
        let paths = Paths::of(names.iter().map(String::as_str));
        let mut changes: Vec<Option<&FileChange>> = vec![None; paths.files().len()];
        for file in files {
            let number = std::str::from_utf8(&file.path)
                .ok()
                .and_then(|path| paths.number(path));
            match number {
                Some(number) => changes[number as usize] = Some(file),
                // A name that is not text is a finding, whoever added it.
                None => origins.charge(file, self.id, MergeCharge::NewValue),
            }
        }
        let tracer = Tracer::new(self.objects, self.graph, &self.sides, &paths);
        let is_brought =
            |file: File, tip: &Value| changes[file as usize].is_some_and(|change| change.after == *tip);
        let trace = tracer.trace(self.second, is_brought)?;
        let is_written = |traced: &Traced| traced.is_whole && !traced.written.is_empty();
        let written = (0..).zip(&trace.files).filter(|(_, traced)| is_written(traced));
        let on_first = tracer.written_on_first(&written.map(|(file, _)| file).collect())?;
        for ((number, traced), change) in (0..).zip(trace.files).zip(changes) {
            let Some(change) = change else { continue };
            let charge = match &traced {
                traced if traced.tip != change.after => Some(MergeCharge::NewValue),
                traced if !traced.is_whole => Some(MergeCharge::Shape),
                traced if traced.written.is_empty() => Some(MergeCharge::OlderValue),
                _ if on_first.contains(&number) => Some(MergeCharge::BothSides),
                traced if traced.start != change.before => Some(MergeCharge::OlderValue),
                _ => None,
            };
            match charge {
                Some(charge) => origins.charge(change, self.id, charge),
                None => origins.add(change, traced.written),
            }
        }
        origins.malformed = trace.malformed;
        origins.limit = trace.limit;
        Ok(origins)
    }

    /// Lists the files that the other side wrote and that the merge drops: those of the
    /// registry in `folder` that are at the merge as at its first parent.
    pub fn dropped(&self, folder: &str) -> Result<Vec<String>, Error> {
        let tree = |id| self.graph.node(id).map(|node| node.tree);
        let (first, second, merge) = (tree(self.first)?, tree(self.second)?, tree(self.id)?);
        let mut kept = Vec::new();
        let managed = Managed::below(folder);
        for file in object::diff(self.objects, Some(first), Some(second), &managed)?.changes {
            let Ok(path) = String::from_utf8(file.path) else {
                continue;
            };
            if value(self.objects, merge, &path)? == file.before {
                kept.push(path);
            }
        }
        if kept.is_empty() {
            return Ok(kept);
        }
        let paths = Paths::of(kept.iter().map(String::as_str));
        let trace =
            Tracer::new(self.objects, self.graph, &self.sides, &paths).trace(self.second, |_, _| true)?;
        let traced = paths.files().iter().zip(trace.files);
        let mut dropped: Vec<String> = traced
            .filter(|(_, traced)| !traced.written.is_empty())
            .map(|(path, _)| path.clone())
            .collect();
        dropped.sort();
        Ok(dropped)
    }
}

/// The writers of the changes of a merge.
#[derive(Debug, Default)]
pub struct Origins {
    of: HashMap<Vec<u8>, (FileChange, Vec<Written>)>,
    /// The number of values.
    pub(super) weight: usize,
    /// The folders of the other side that are not in strict form, on the way to the files.
    pub malformed: Vec<Malformed>,
    /// The limit that was met. The merge answers for a file that was not traced
    /// completely.
    pub limit: Option<String>,
}

impl Origins {
    /// One commit wrote the file.
    fn by(file: &FileChange, commit: Oid) -> Origins {
        let mut origins = Origins::default();
        let written = Written {
            file: file.clone(),
            commit,
            charge: None,
        };
        origins.add(file, vec![written]);
        origins
    }

    fn add(&mut self, file: &FileChange, written: Vec<Written>) {
        self.weight += 1 + written.len();
        self.of.insert(file.path.clone(), (file.clone(), written));
    }

    fn charge(&mut self, file: &FileChange, merge: Oid, charge: MergeCharge) {
        let written = Written {
            file: file.clone(),
            commit: merge,
            charge: Some(charge),
        };
        self.add(file, vec![written]);
    }

    /// Lists the authors of the merge's change in a file, oldest first, or `None` for a
    /// change that was not asked about.
    pub fn written(&self, file: &FileChange) -> Option<&[Written]> {
        let (known, written) = self.of.get(&file.path)?;
        (known == file).then_some(written)
    }
}

/// The origins of the most recent merges.
#[derive(Debug, Default)]
pub(super) struct KnownOrigins {
    of: HashMap<Oid, Rc<Origins>>,
    weight: usize,
}

impl KnownOrigins {
    /// Stores the origins of a merge, and drops the others when they are too many.
    pub(super) fn insert(&mut self, merge: Oid, origins: Rc<Origins>) {
        const HEAVIEST: usize = 200_000;
        if self.weight >= HEAVIEST {
            *self = KnownOrigins::default();
        }
        self.weight += 1 + origins.weight;
        self.of.insert(merge, origins);
    }
}

/// Returns the authors of a merge's change in a file. All files of the registry that it
/// changes are computed together, so the next one is known already.
fn origins_at(
    objects: &dyn Objects,
    graph: &Graph<'_>,
    folder: &str,
    (merge, first, second): (Oid, Oid, Oid),
    file: &FileChange,
) -> Result<Rc<Origins>, Error> {
    let known = graph.origins.borrow().of.get(&merge).cloned();
    if let Some(known) = known.filter(|known| known.written(file).is_some()) {
        return Ok(known);
    }
    let (before, after) = (graph.node(first)?.tree, graph.node(merge)?.tree);
    let all = object::diff(objects, Some(before), Some(after), &Managed::below(folder))?;
    let mut files = all.changes;
    files.retain(|other| other.path != file.path);
    files.push(file.clone());
    let origins = Rc::new(Merge::new(objects, graph, merge, (first, second))?.origins(&files)?);
    graph.origins.borrow_mut().insert(merge, origins.clone());
    Ok(origins)
}

/// Returns the value of a file at a tree.
fn value(objects: &dyn Objects, tree: Oid, path: &str) -> Result<Value, Error> {
    Ok(leaf(object::lookup(objects, tree, path)?.as_ref()))
}

/// Whether replacing one value of a file by another keeps the record's value.
pub(super) type Reformats<'r> = &'r dyn Fn(&FileChange) -> Result<bool, Error>;

/// Returns the commit that gave a file the value that it has at `tip`, by provenance, or
/// `None` if the file does not exist. A change that `reformats` is skipped: the author of
/// the value before it counts. The registry is in `folder`.
pub fn author_of(
    objects: &dyn Objects,
    graph: &Graph<'_>,
    folder: &str,
    tip: Oid,
    path: &str,
    reformats: Reformats<'_>,
) -> Result<Option<Oid>, Error> {
    let value = |commit: Oid| value(objects, graph.node(commit)?.tree, path);
    let mut at = tip;
    let mut here = value(at)?;
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
        let file = FileChange {
            path: path.as_bytes().to_vec(),
            before,
            after: here,
        };
        let origins = match node.parents[..] {
            [first, second] => origins_at(objects, graph, folder, (at, first, second), &file)?,
            _ => Rc::new(Origins::by(&file, at)),
        };
        for written in origins.written(&file).into_iter().flatten().rev() {
            if !reformats(&written.file)? {
                return Ok(Some(written.commit));
            }
        }
        (at, here) = (first, before);
    }
}

/// Returns the last readable record that a file held at or before `tip`, or `None` when it
/// held none since it appeared. At a merge, the values that the other side gave the file
/// count as they do in its judgement.
pub fn last_readable(
    records: &Records<'_>,
    graph: &Graph<'_>,
    folder: &str,
    tip: Oid,
    path: &RecordPath,
) -> Result<Option<Arc<Loaded>>, Error> {
    let objects = records.objects();
    let full = match folder {
        "" => path.to_string(),
        folder => format!("{folder}/{path}"),
    };
    let value = |commit: Oid| value(objects, graph.node(commit)?.tree, &full);
    let readable = |value: Value| -> Result<Option<Arc<Loaded>>, Error> {
        Ok(match value {
            Some((Mode::File, id)) => Some(records.load(path, id)?).filter(|it| it.record.is_some()),
            _ => None,
        })
    };
    let mut at = tip;
    let mut here = value(at)?;
    while here.is_some() {
        if let Some(found) = readable(here)? {
            return Ok(Some(found));
        }
        let node = graph.node(at)?;
        let Some(first) = node.parents.first().copied() else {
            break;
        };
        let before = value(first)?;
        if let [first, second] = node.parents[..]
            && before != here
        {
            let file = FileChange {
                path: full.clone().into_bytes(),
                before,
                after: here,
            };
            let origins = origins_at(objects, graph, folder, (at, first, second), &file)?;
            for written in origins.written(&file).into_iter().flatten().rev() {
                if let Some(found) = readable(written.file.before)? {
                    return Ok(Some(found));
                }
            }
        }
        (at, here) = (first, before);
    }
    Ok(None)
}
