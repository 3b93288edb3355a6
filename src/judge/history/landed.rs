//! The changes of one step of the mainline, and the commit that answers for each.

use std::rc::Rc;

use super::graph::{Graph, Node};
use super::protected::{protected, protected_change};
use super::provenance::{self, Merge, Origins, Written};
use super::read_commit;
use crate::base::{Error, Oid};
use crate::object::{Commit, FileChange, Mode, Objects};
use crate::record::change::{self, Differences, Link};
use crate::record::kind::{RecordPath, is_managed};
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::{MergeCharge, Policy};

/// A fault in the shape of a merge that touches the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It has this number of parents.
    Octopus(usize),
    /// Its parents share no history.
    Unrelated,
}

/// Which commit answers for a change.
pub(super) type Attribution = (Oid, Option<MergeCharge>);

/// The changes of one step.
pub struct StepChanges {
    /// The changes, in the order in which they are judged.
    pub differences: Differences,
    /// The commit that answers for each change, in the same order; empty when the step's
    /// own commit answers for all.
    pub(super) answers: Vec<Attribution>,
    /// The fault in the step's shape.
    pub shape: Option<Shape>,
    /// Files of the other side that a merge drops.
    pub dropped: Vec<String>,
}

impl StepChanges {
    /// Whether the step touches neither the registry nor its protected files.
    pub fn is_link(&self) -> bool {
        let Differences {
            changes,
            malformed_trees,
            limits,
        } = &self.differences;
        changes.is_empty() && malformed_trees.is_empty() && limits.is_empty()
    }
}

/// Returns the changes of `commit` after `parent`; everything when there is none. Files
/// outside the registry count if one of these policies protects them.
pub fn landed<'a>(
    records: &'a Records<'a>,
    folder: &str,
    graph: &Graph<'a>,
    policies: &[&Policy],
    commit: &Commit,
    parent: Option<&Node>,
) -> Result<StepChanges, Error> {
    let objects = records.objects();
    let prior = match parent {
        Some(parent) => Snapshot::at(records, parent.tree, folder)?,
        None => Snapshot::empty(records),
    };
    let next = Snapshot::at(records, commit.tree, folder)?;
    let mut files = change::files(&prior, &next)?;
    let mut malformed_trees = std::mem::take(&mut files.malformed_trees);
    if parent.is_none_or(|parent| parent.tree != commit.tree) {
        malformed_trees.extend(on_the_way(objects, commit.tree, folder)?);
    }
    let mut landed = StepChanges {
        differences: Differences {
            changes: Vec::new(),
            malformed_trees,
            limits: std::mem::take(&mut files.limits),
        },
        answers: Vec::new(),
        shape: None,
        dropped: Vec::new(),
    };
    let outside = match parent.filter(|parent| parent.tree != commit.tree) {
        Some(parent) => outside(
            objects,
            policies,
            folder,
            (parent.tree, commit.tree),
            &mut landed.differences,
        )?,
        None => Vec::new(),
    };
    // Even a merge that changes nothing may drop files of its other side.
    let touches = !files.changes.is_empty() || !outside.is_empty();
    let merge = match (&commit.parents[..], parent) {
        ([first, second], Some(_)) if touches || side_differs(records, folder, commit, *second)? => {
            Some(Merge::new(objects, graph, commit.id, (*first, *second))?)
        }
        _ => None,
    };
    in_order(&mut landed.differences.malformed_trees);
    let earlier = |path: &RecordPath| match (commit.parents.first(), parent) {
        (Some(first), Some(_)) => provenance::last_readable(records, graph, folder, *first, path),
        _ => Ok(None),
    };
    let Some(merge) = merge else {
        let octopus = commit.parents.len() > 2 && parent.is_some();
        let changed = (files, &outside[..]);
        add_own(records, (commit, octopus), changed, &earlier, &mut landed)?;
        return Ok(landed);
    };
    let all: Vec<FileChange> = files
        .changes
        .iter()
        .map(|file| from_top(folder, file))
        .chain(outside.iter().cloned())
        .collect();
    let origins = Rc::new(merge.origins(&all)?);
    graph.origins.borrow_mut().insert(commit.id, origins.clone());
    add_written(
        records,
        (commit.id, folder),
        (files, &outside),
        &origins,
        &earlier,
        &mut landed,
    )?;
    add_faults(&origins, folder, &mut landed.differences);
    if !merge.is_related() && !landed.is_link() {
        landed.shape = Some(Shape::Unrelated);
    }
    if merge.is_related() {
        landed.dropped = merge.dropped(folder)?;
    }
    Ok(landed)
}

/// Returns the changes of protected files outside the registry, and adds what is wrong
/// with their folders.
fn outside(
    objects: &dyn Objects,
    policies: &[&Policy],
    folder: &str,
    (before, after): (Oid, Oid),
    differences: &mut Differences,
) -> Result<Vec<FileChange>, Error> {
    let all = protected(objects, policies, folder, Some(before), Some(after))?;
    let met = all.limits.into_iter();
    differences
        .limits
        .extend(met.map(|(at, what)| (format!("/{at}"), what)));
    // If a tree has a name twice, readers see one file or the other.
    for (at, what) in all.faults {
        if policies.iter().any(|policy| policy.may_protect_below(&at)) {
            differences.malformed_trees.push((place_of(folder, &at), what));
        }
    }
    Ok(all.changes)
}

/// Adds the changes that a commit answers for itself. Those of an octopus merge are
/// charged to its shape.
fn add_own(
    records: &Records<'_>,
    (commit, octopus): (&Commit, bool),
    (files, outside): (change::Files, &[FileChange]),
    earlier: change::LastReadable<'_>,
    landed: &mut StepChanges,
) -> Result<(), Error> {
    let changes = &mut landed.differences.changes;
    // The counts come first, so that no limit leaves them out.
    changes.extend(files.counted);
    let links = files.changes.into_iter().map(|file| (file, ())).collect();
    let typed = change::typed(records, links, earlier)?;
    changes.extend(typed.into_iter().map(|(change, ())| change));
    changes.extend(outside.iter().map(protected_change));
    if octopus {
        landed.answers = vec![(commit.id, Some(MergeCharge::Shape)); changes.len()];
        if !landed.is_link() {
            landed.shape = Some(Shape::Octopus(commit.parents.len()));
        }
    }
    Ok(())
}

/// Returns a file of the registry with its path from the repository's top.
fn from_top(folder: &str, file: &FileChange) -> FileChange {
    FileChange {
        path: match folder {
            "" => file.path.clone(),
            folder => [folder.as_bytes(), b"/", &file.path].concat(),
        },
        ..file.clone()
    }
}

/// Adds the changes of a merge, each with the commit that answers for it.
fn add_written(
    records: &Records<'_>,
    (id, folder): (Oid, &str),
    (files, outside): (change::Files, &[FileChange]),
    origins: &Origins,
    earlier: change::LastReadable<'_>,
    landed: &mut StepChanges,
) -> Result<(), Error> {
    let written = |file: &FileChange| origins.written(file).into_iter().flatten();
    let answer = |written: &Written| (written.commit, written.charge);
    let mut links: Vec<Link<Attribution>> = Vec::new();
    for file in &files.changes {
        for written in written(&from_top(folder, file)) {
            let own = FileChange {
                path: file.path.clone(),
                ..written.file.clone()
            };
            links.push((own, answer(written)));
        }
    }
    for change in files.counted {
        landed.differences.changes.push(change);
        landed.answers.push((id, None));
    }
    for (change, answer) in change::typed(records, links, earlier)? {
        landed.differences.changes.push(change);
        landed.answers.push(answer);
    }
    for file in outside {
        for written in written(file) {
            landed.differences.changes.push(protected_change(&written.file));
            landed.answers.push(answer(written));
        }
    }
    Ok(())
}

/// Adds what is wrong with the folders of the other side of a merge.
fn add_faults(origins: &Origins, folder: &str, differences: &mut Differences) {
    // The steps of the other side must be in strict form as those of the mainline.
    for malformed in &origins.malformed {
        let place = place_of(folder, &malformed.folder);
        let what = format!(
            "{}, in commit {} of the merged side",
            malformed.what,
            malformed.commit.short()
        );
        differences.malformed_trees.push((place, what));
    }
    let limit = origins.limit.iter();
    differences
        .limits
        .extend(limit.map(|what| (String::new(), what.clone())));
}

/// The place of a malformed folder (path from the repository's top): from the
/// registry's folder, or with a `/` before it, from the top.
fn place_of(folder: &str, at: &str) -> String {
    let inside = match folder {
        "" => Some(at),
        folder if at == folder => Some(""),
        folder => at.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
    };
    match inside {
        Some(inside) if inside.is_empty() || is_managed(inside) => inside.to_owned(),
        _ => format!("/{at}"),
    }
}

/// Returns the faults of the folders on the way to the registry's: if one name occurs
/// twice, readers see one registry or the other.
fn on_the_way(objects: &dyn Objects, top: Oid, folder: &str) -> Result<Vec<(String, String)>, Error> {
    let mut found = Vec::new();
    let mut at = (top, String::new());
    for name in folder.split('/').filter(|name| !name.is_empty()) {
        let tree = objects.tree(at.0)?;
        let place = place_of(folder, &at.1);
        found.extend(tree.faults.iter().map(|what| (place.clone(), what.clone())));
        let Some(entry) = tree.get(name).filter(|entry| entry.mode == Mode::Tree) else {
            break;
        };
        let path = match at.1.as_str() {
            "" => name.to_owned(),
            path => format!("{path}/{name}"),
        };
        at = (entry.id, path);
    }
    Ok(found)
}

/// Each once, in order of the folders.
fn in_order(malformed_trees: &mut Vec<(String, String)>) {
    malformed_trees.sort();
    malformed_trees.dedup();
}

/// Whether the registry at the second parent is another than at the merge.
fn side_differs(records: &Records<'_>, folder: &str, commit: &Commit, second: Oid) -> Result<bool, Error> {
    let other = read_commit(records.objects(), second)?;
    let here = Snapshot::at(records, commit.tree, folder)?;
    let there = Snapshot::at(records, other.tree, folder)?;
    if here.tree == there.tree {
        return Ok(false);
    }
    Ok(!change::files(&there, &here)?.changes.is_empty())
}
