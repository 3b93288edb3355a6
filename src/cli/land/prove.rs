//! Proves the history of the base, unless it is to be trusted.

use super::Target;
use super::attempt::Attempt;
use super::outcome::FaultyBase;
use crate::act::Mainline;
use crate::base::{Error, Oid};
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history::{self, Graph, Replay};
use crate::object::{CachedObjects, Objects};
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::prove::{Point, ProveOptions};

/// The result of proving the base.
pub(super) enum Proved {
    /// The history is sound as far as the command concerns it.
    Sound(Box<Sound>),
    /// The history is faulty, so nothing may build on it.
    Faulty(FaultyBase),
}

/// A history on which a change may build.
pub(super) struct Sound {
    /// The policy in force.
    pub policy: Policy,
    /// The point to store once the mainline is there.
    pub point: Option<Point>,
    /// The findings that may still stop the change, once it is known what it does.
    pub open: Report,
}

/// Returns the policy in force at the base, after its history is proven.
pub(super) fn prove(attempt: &Attempt<'_>, objects: &dyn Objects, target: &Target) -> Result<Proved, Error> {
    let Attempt {
        workspace,
        job,
        args,
        ui,
        ..
    } = *attempt;
    let objects = &CachedObjects::new(objects);
    let records = Records::new(objects);
    if args.trust_base {
        ui.note("the history that this builds on was not proven (--trust-base)");
        let policy = Replay::after_judged(&records, &workspace.folder, target.base)?
            .policy
            .ok_or_else(|| Error::msg("no policy"))?;
        return Ok(Proved::Sound(Box::new(Sound {
            policy,
            point: None,
            open: Report::default(),
        })));
    }
    let proof = workspace.prove(
        objects,
        &records,
        target.base,
        ProveOptions {
            mainline: target.on_mainline,
            replay: args.replay,
            audit: false,
            later: !target.is_here,
            remote: target.remote.filter(|_| target.on_mainline),
        },
    )?;
    if let Some(note) = proof.on_trust() {
        ui.note(&note);
    }
    let blocks = |finding: &Finding<Place>| job.scope.is_stopped_by(finding);
    let mut report = proof.report;
    report.findings.retain(|finding| finding.acknowledged.is_none());
    let (own, others) = elsewhere(workspace, objects, target, &report, blocks)?;
    let open = report.clone();
    report.findings.retain(blocks);
    if !report.findings.is_empty() {
        let own = own_faults(objects, target, &mut report)?;
        return Ok(Proved::Faulty(FaultyBase { report, own }));
    }
    // Missing administrators are the reason for a proposal, and no obstacle.
    if own > 0 {
        let branch = target.branch.short();
        ui.note(&format!(
            "{} in the commits of `{branch}` itself: `modelry validate --onto {} {branch}` tells more",
            crate::base::count(own, "finding"),
            workspace.mainline_name()
        ));
    }
    if others > 0 {
        ui.note(&format!(
            "{} elsewhere in the history: `modelry audit` tells more",
            crate::base::count(others, "finding")
        ));
    }
    Ok(Proved::Sound(Box::new(Sound {
        policy: proof.policy,
        point: proof.point,
        open,
    })))
}

/// Returns the policy in force on the mainline as this clone has it, and the text there;
/// `None` where the clone has no mainline.
pub(super) fn of_mainline(attempt: &Attempt<'_>, objects: &dyn Objects) -> Result<Option<Mainline>, Error> {
    let Attempt { workspace, args, .. } = *attempt;
    let Ok(tip) = workspace.tip() else { return Ok(None) };
    let objects = &CachedObjects::new(objects);
    let records = Records::new(objects);
    let tree = history::read_commit(objects, tip)?.tree;
    let text = Snapshot::at(&records, tree, &workspace.folder)?.registry()?;
    let policy = match args.trust_base {
        true => text.clone().and_then(Policy::new),
        false => {
            let how = ProveOptions {
                mainline: true,
                replay: args.replay,
                later: true,
                ..ProveOptions::default()
            };
            Some(workspace.prove(objects, &records, tip, how)?.policy)
        }
    };
    Ok(policy.map(|policy| Mainline { policy, text }))
}

/// Returns the faulty commits that no remote has. They can still be repaired, so no
/// line to accept them is offered.
fn own_faults(objects: &dyn Objects, target: &Target, report: &mut Report) -> Result<Vec<Oid>, Error> {
    let Some(remote) = target.remote else {
        return Ok(Vec::new());
    };
    let own = history::chain_if(objects, remote, target.base)?.unwrap_or_default();
    let mut faulty = Vec::new();
    for finding in &mut report.findings {
        if let Some(step) = finding
            .step
            .filter(|step| own.iter().any(|commit| commit.id == *step))
        {
            finding.step = None;
            faulty.push(step);
        }
    }
    faulty.dedup();
    Ok(faulty)
}

/// Counts the findings that do not block the change: those in the branch's own
/// commits, except for missing administrators, and those in the earlier history.
fn elsewhere(
    workspace: &Workspace,
    objects: &dyn Objects,
    target: &Target,
    report: &Report,
    blocks: impl Fn(&Finding<Place>) -> bool,
) -> Result<(usize, usize), Error> {
    let others: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| !blocks(finding))
        .collect();
    if target.is_mainline || others.is_empty() {
        return Ok((0, others.len()));
    }
    let sides = Graph::new(objects, None).sides(workspace.tip()?, target.base)?;
    let is_own = |finding: &&Finding<Place>| finding.step.is_some_and(|step| sides.second.contains(&step));
    let (own, past): (Vec<&Finding<Place>>, Vec<_>) = others.into_iter().partition(is_own);
    let told = own.iter().filter(|finding| finding.rule.code != "MR403");
    Ok((told.count(), past.len()))
}
