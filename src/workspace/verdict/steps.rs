//! Judges steps of a mainline: before they land, for a server's hook and a queue, or
//! afterwards, for a job that a push starts.

use super::base_trust::BaseTrust;
use super::judgement::{Judgement, Notice};
use super::page;
use crate::base::{Error, ObjectKind, Oid};
use crate::git::Metered;
use crate::judge::finding::{Anchor, Finding, Place, Report};
use crate::judge::history::{self, Arrival, Replay};
use crate::judge::rules::{self, Resolver};
use crate::object::{CachedObjects, Commit, Objects};
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::prove::ProveOptions;

/// Judges the steps after `from` up to `tip`, or from the root: what was pushed to
/// the mainline (`landed`), or what a queue is about to push.
///
/// # Errors
/// History can't be read, or no policy comes into force.
pub(super) fn judge(
    workspace: &Workspace,
    (from, tip): (Option<Oid>, Oid),
    landed: bool,
    trust: BaseTrust,
    summary: bool,
) -> Result<Judgement, Error> {
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let mut judgement = match from {
        Some(from) => after(workspace, &records, (from, tip), landed, trust)?,
        None => {
            let how = ProveOptions {
                replay: true,
                ..ProveOptions::default()
            };
            let report = workspace.prove(&kept, &records, tip, how)?.report;
            let mut judgement = Judgement::of(report);
            judgement.note("the event names no commit before, so every step from the root was judged");
            judgement
        }
    };
    if summary {
        // After a force push the earlier commits may be missing.
        let from = from.filter(|from| objects.read(*from, ObjectKind::Commit).is_ok());
        let page = page::of_steps(&records, workspace, from, tip, &judgement.report)?;
        judgement.summary = Some(page);
    }
    Ok(judgement)
}

/// Judges the steps after `from` up to `to`. The history before them is proven, unless it
/// is to be taken as given. Nothing is remembered: a job may come late, when the mainline
/// is further.
fn after(
    workspace: &Workspace,
    records: &Records<'_>,
    (from, to): (Oid, Oid),
    landed: bool,
    trust: BaseTrust,
) -> Result<Judgement, Error> {
    let objects = records.objects();
    let name = workspace.mainline_name();
    let given = "the history before was not proven (--trust-base)";
    let given = (trust == BaseTrust::Given).then(|| Notice::Always(given.into()));
    let Some(commits) = history::chain_if(objects, from, to)? else {
        let finding = match history::reaches(objects, to, from)? {
            true => rules::inverted_mainline(&format!("the tip of `{name}` before"), from, to),
            false => rules::replaced_mainline(name, from, to),
        };
        let mut judgement = Judgement::of(Report {
            findings: placed(objects, &workspace.folder, Some(to), vec![finding])?,
            ..Report::default()
        });
        judgement.notes.extend(given);
        return Ok(judgement);
    };
    let before = match trust.how() {
        Some(how) => {
            let proof = workspace.prove(objects, records, from, how)?;
            (proof.policy, proof.report)
        }
        None => {
            let given = Replay::after_judged(records, &workspace.folder, from)?.policy;
            let policy = given.ok_or_else(|| Error::msg("no policy is in force there"))?;
            (policy, Report::default())
        }
    };
    let metered = Metered::new(objects);
    let records = Records::new(&metered);
    let mut judgement = onwards(workspace, &records, before, from, &commits, landed)?;
    judgement.notes.extend(given);
    Ok(judgement)
}

/// Judges the commits after `from` up to `tip`, each by the policy before it; the
/// history before is trusted.
pub(super) fn range(workspace: &Workspace, from: Oid, tip: Oid) -> Result<Report, Error> {
    let objects = workspace.repo.objects()?;
    let objects = CachedObjects::new(&objects);
    let objects = Metered::new(&objects);
    let records = Records::new(&objects);
    if let Some(report) = inverted(workspace, &objects, from, tip)? {
        return Ok(report);
    }
    let commits = history::chain(&objects, Some(from), tip)?;
    let mut replay = Replay::after_judged(&records, &workspace.folder, from)?;
    let mut arrival = Arrival::default();
    let mut report = workspace.run(&mut replay, &commits, |_, step| arrival.add(step))?;
    arrival.settle(&mut report);
    Ok(report)
}

/// Returns the report on a range whose end reaches its start, but not by first parents:
/// the former mainline is a side of a merge then.
fn inverted(workspace: &Workspace, objects: &dyn Objects, a: Oid, b: Oid) -> Result<Option<Report>, Error> {
    if history::chain_if(objects, a, b)?.is_some() || !history::reaches(objects, b, a)? {
        return Ok(None);
    }
    let records = Records::new(objects);
    let snapshot = Snapshot::at(
        &records,
        history::read_commit(objects, b)?.tree,
        &workspace.folder,
    )?;
    let resolver = Resolver {
        prior: snapshot,
        next: snapshot,
        folder: &workspace.folder,
        before: Some(a),
        after: Some(b),
    };
    let finding = rules::inverted_mainline("commit", a, b);
    Ok(Some(Report {
        findings: vec![resolver.resolve(finding)],
        ..Report::default()
    }))
}

/// Refuses a range that starts before the registry, since there is no policy to judge
/// its first step by.
///
/// # Errors
/// The range does, or history can't be read.
pub fn ensure_begun(workspace: &Workspace, a: Oid, b: Oid) -> Result<(), Error> {
    let objects = workspace.repo.objects()?;
    let records = Records::new(&objects);
    let there = |commit| -> Result<bool, Error> {
        let tree = history::read_commit(&objects, commit)?.tree;
        Ok(Snapshot::at(&records, tree, &workspace.folder)?
            .registry()?
            .is_some())
    };
    // A step may have removed the policy, which stays in force.
    if there(a)? || Replay::after_judged(&records, &workspace.folder, a).is_ok() {
        return Ok(());
    }
    if !there(b)? {
        return Err(workspace.no_registry(&objects, b)?);
    }
    let error = Error::msg(format!("the registry begins after commit {}", a.short()));
    // A shallow clone may lack the commits between.
    Err(match history::find_root(&objects, &workspace.folder, b) {
        Ok(root) => error.hint(format!("start at its root: `modelry validate {root}..{b}`")),
        Err(_) => error.hint("start at its root: `modelry trust` shows it"),
    })
}

/// Judges `commits`, which follow `tip`, by the policy and the findings that were
/// proven up to there. Earlier faults count in what the steps touch; after the
/// landing all of them count, since otherwise a fault that landed unseen would stay
/// unseen.
pub(super) fn onwards(
    workspace: &Workspace,
    records: &Records<'_>,
    (policy, before): (Policy, Report),
    tip: Oid,
    commits: &[Commit],
    landed: bool,
) -> Result<Judgement, Error> {
    let mut replay = Replay::with_policy(records, &workspace.folder, policy).with_floor(tip);
    let mut arrival = Arrival::default();
    let mut report = workspace.run(&mut replay, commits, |_, step| arrival.add(step))?;
    arrival.settle(&mut report);
    if !landed {
        // A fault that has not landed can still be repaired, so no line to accept it
        // is offered. Such a line in the same push counts, as for a mirror that
        // catches up.
        for finding in &mut report.findings {
            finding.step = None;
        }
    }
    let stopped = arrival.stopped_by(before, &replay, landed);
    report.findings.splice(0..0, stopped.findings);
    Ok(Judgement {
        elsewhere: stopped.elsewhere,
        ..Judgement::of(report)
    })
}

/// Places findings about references at the policy, as it is at `at`.
pub(super) fn placed(
    objects: &dyn Objects,
    folder: &str,
    at: Option<Oid>,
    findings: Vec<Finding<Anchor>>,
) -> Result<Vec<Finding<Place>>, Error> {
    let records = Records::new(objects);
    let snapshot = match at {
        Some(at) => Snapshot::at(&records, history::read_commit(objects, at)?.tree, folder)?,
        None => Snapshot::empty(&records),
    };
    let resolver = Resolver {
        prior: snapshot,
        next: snapshot,
        folder,
        before: at,
        after: at,
    };
    let placed = findings.into_iter().map(|finding| Finding {
        step: None,
        ..resolver.resolve(finding)
    });
    Ok(placed.collect())
}
