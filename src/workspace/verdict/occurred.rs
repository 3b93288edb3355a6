//! Derives the events of a range of the mainline, only if the judge passes all of it.

use std::collections::HashSet;

use crate::base::{Error, Oid};
use crate::judge::finding::Report;
use crate::judge::history::{self, JudgedStep, Replay};
use crate::object::Commit;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::event::{self, Before, Deriving, Event};
use crate::workspace::Workspace;
use crate::workspace::prove::ProveOptions;

/// The events of a range, or the reason for their absence.
#[derive(Debug)]
pub enum Occurred {
    /// The events, in order.
    Events(Vec<Event>),
    /// The range has open findings, so there are no events.
    Refused(Box<Report>),
}

/// Derives the events of the steps after `from` up to `to`, which the caller knows to
/// be on the mainline; without `from`, of all steps from the root. The history before
/// is proven, from the root or from the clone's verified point. `seen` is called for
/// each judged step, with the number of steps in all.
///
/// # Errors
/// `from` is not among the first parents of `to`, history can't be read, or no policy
/// comes into force.
pub fn occurred(
    workspace: &Workspace,
    records: &Records<'_>,
    from: Option<Oid>,
    to: Oid,
    seen: impl FnMut(usize),
) -> Result<Occurred, Error> {
    let mut occurred = undated(workspace, records, from, to, seen)?;
    if let Occurred::Events(events) = &mut occurred
        && !events.is_empty()
    {
        event::date(events, &workspace.dates(records, to)?);
    }
    Ok(occurred)
}

/// Derives the events, with the dates that commits claim.
fn undated(
    workspace: &Workspace,
    records: &Records<'_>,
    from: Option<Oid>,
    to: Oid,
    mut seen: impl FnMut(usize),
) -> Result<Occurred, Error> {
    let objects = records.objects();
    let how = ProveOptions {
        mainline: workspace.tip()? == to,
        ..ProveOptions::default()
    };
    let Some(from) = from else {
        return from_root(workspace, records, to, how, None, seen);
    };
    let commits = history::chain(objects, Some(from), to)?;
    let wanted: HashSet<Oid> = commits.iter().map(|commit| commit.id).collect();
    let mut gathered = Gathered::of(workspace, records, Some(&wanted));
    let proof = workspace.prove_watched(objects, records, to, how, |all, commit, step| {
        seen(all);
        if wanted.contains(&commit.id) {
            gathered.take(commit, step);
        }
    })?;
    if !proof.report.is_clean() {
        return Ok(Occurred::Refused(Box::new(proof.report)));
    }
    let Some(up_to_there) = history::chain_if(objects, proof.root, from)? else {
        // `from` lies before the root, so the events of the whole history are wanted.
        return from_root(workspace, records, to, how, Some(&wanted), seen);
    };
    // After an accepted fault, the tree alone does not determine the policy that was
    // in force.
    if !proof.report.findings.is_empty() {
        return from_root(workspace, records, to, how, Some(&wanted), seen);
    }
    if gathered.steps < commits.len() {
        // The clone's verified point is later than `from`.
        gathered = Gathered::of(workspace, records, Some(&wanted));
        let mut replay = Replay::after(records, &workspace.folder, from)?.with_floor(from);
        let report = workspace.run(&mut replay, &commits, |commit, step| {
            seen(commits.len());
            gathered.take(commit, step);
        })?;
        if !report.is_clean() {
            return Ok(Occurred::Refused(Box::new(report)));
        }
    }
    let mut events = gathered.events()?;
    let steps = up_to_there.len() + 1;
    for event in &mut events {
        event.step += steps;
    }
    if let Some(first) = events.first_mut() {
        first.previous = last(workspace, records, proof.root, &up_to_there)?;
    }
    Ok(Occurred::Events(events))
}

/// Judges every step from the root, and keeps the events of those `wanted`.
fn from_root(
    workspace: &Workspace,
    records: &Records<'_>,
    to: Oid,
    how: ProveOptions,
    wanted: Option<&HashSet<Oid>>,
    mut seen: impl FnMut(usize),
) -> Result<Occurred, Error> {
    let mut gathered = Gathered::of(workspace, records, wanted);
    let how = ProveOptions { audit: true, ..how };
    let proof = workspace.prove_watched(records.objects(), records, to, how, |all, commit, step| {
        seen(all);
        gathered.take(commit, step);
    })?;
    if !proof.report.is_clean() {
        return Ok(Occurred::Refused(Box::new(proof.report)));
    }
    let mut events = gathered.events()?;
    event::accept(&mut events, &proof.report);
    Ok(Occurred::Events(events))
}

/// Returns the id of the last event up to the end of these commits, which follow the
/// root.
fn last(
    workspace: &Workspace,
    records: &Records<'_>,
    root: Oid,
    commits: &[Commit],
) -> Result<Option<String>, Error> {
    let folder = &workspace.folder;
    let id_of = |mut replay: Replay<'_>, commit: &Commit| {
        let step = replay.step(commit)?;
        let mut gathered = Gathered::of(workspace, records, None);
        gathered.take(commit, &step);
        Ok::<_, Error>(gathered.events()?.pop().map(|event| event.id))
    };
    for commit in commits.iter().rev() {
        let Some(parent) = commit.parents.first() else {
            break;
        };
        let replay = Replay::after(records, folder, *parent)?.with_floor(*parent);
        if let Some(id) = id_of(replay, commit)? {
            return Ok(Some(id));
        }
    }
    let root = history::read_commit(records.objects(), root)?;
    id_of(Replay::from_root(records, folder), &root)
}

/// Events that are being collected.
struct Gathered<'a> {
    records: &'a Records<'a>,
    folder: &'a str,
    wanted: Option<&'a HashSet<Oid>>,
    deriving: Option<Deriving<'a>>,
    /// The number of steps so far.
    steps: usize,
    events: Result<Vec<Event>, Error>,
}

impl<'a> Gathered<'a> {
    fn of(workspace: &'a Workspace, records: &'a Records<'a>, wanted: Option<&'a HashSet<Oid>>) -> Self {
        Gathered {
            records,
            folder: &workspace.folder,
            wanted,
            deriving: None,
            steps: 0,
            events: Ok(Vec::new()),
        }
    }

    /// Adds a judged step. The first error is kept, and ends the collection.
    fn take(&mut self, commit: &Commit, step: &JudgedStep) {
        self.steps += 1;
        let Ok(events) = &mut self.events else { return };
        let mut derive = || {
            let snapshot = Snapshot::at(self.records, commit.tree, self.folder)?;
            let deriving = match &mut self.deriving {
                Some(deriving) => deriving,
                none => {
                    // At the root, and for a step without a policy, the tree has it.
                    let loaded = match &step.policy {
                        Some(policy) => Some(policy.clone()),
                        None => snapshot.registry()?,
                    };
                    let registry = loaded.as_ref().and_then(|loaded| loaded.registry());
                    let id = registry.map_or_else(String::new, |registry| registry.id.to_string());
                    none.insert(Deriving::new(self.folder, id, Before::default()))
                }
            };
            deriving.step(commit, step, &snapshot)
        };
        match derive() {
            Ok(derived) if self.wanted.is_none_or(|wanted| wanted.contains(&commit.id)) => {
                events.extend(derived);
            }
            Ok(_) => {}
            Err(error) => self.events = Err(error),
        }
    }

    fn events(self) -> Result<Vec<Event>, Error> {
        self.events
    }
}
