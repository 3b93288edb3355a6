//! Steps that are put on a mainline: before they are there, as a server's hook
//! and a queue see them, or after, as a job that a push starts.

use crate::base::{Error, Oid};
use crate::judge::finding::{Anchor, Finding, Place, Report};
use crate::judge::history::{self, Arrival, Replay};
use crate::judge::rules::{self, Resolver};
use crate::object::{Commit, Objects};
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::prove::How;

/// What a push comes to, or a job that looks at one.
#[derive(Debug, Default)]
pub struct Ruling {
    /// What is wrong: any of it that is open decides against all of it.
    pub report: Report,
    /// Open findings of the history before, in groups that it does not touch.
    pub elsewhere: usize,
    /// What a push puts on a mainline that was there: each step that touches the
    /// registry, with the date that it claims; only where that was asked for.
    pub claims: Vec<(Oid, Option<i64>)>,
    /// The tip that the push builds on, where there was one.
    pub onto: Option<Oid>,
}

impl Ruling {
    /// Adds what another registry of the same push comes to.
    pub fn join(&mut self, other: Ruling) {
        self.report.findings.extend(other.report.findings);
        self.report.notes.extend(other.report.notes);
        self.report.checked.changes += other.report.checked.changes;
        self.report.checked.documents += other.report.checked.documents;
        self.report.checked.steps = self.report.checked.steps.max(other.report.checked.steps);
        self.elsewhere += other.elsewhere;
        self.claims.extend(other.claims);
        self.onto = self.onto.or(other.onto);
    }
}

/// Judges the steps after `from` up to `to`: what was pushed to the mainline
/// (`landed`), or what a queue is about to push. What they build on is proven,
/// unless it is to be taken as given (no `base`), and nothing is remembered: a job may come
/// late, when the mainline is further.
///
/// # Errors
/// When history can't be read, or no policy comes into force.
pub fn stepped(
    workspace: &Workspace,
    records: &Records<'_>,
    (from, to): (Oid, Oid),
    landed: bool,
    base: Option<How>,
) -> Result<Ruling, Error> {
    let objects = records.objects();
    let name = workspace.mainline_name();
    let Some(commits) = history::chain_if(objects, from, to)? else {
        let finding = match history::reaches(objects, to, from)? {
            true => rules::inverted_mainline(&format!("the tip of `{name}` before"), from, to),
            false => rules::replaced_mainline(name, from, to),
        };
        let report = Report {
            findings: placed(objects, &workspace.folder, Some(to), vec![finding])?,
            ..Report::default()
        };
        return Ok(Ruling {
            report,
            ..Ruling::default()
        });
    };
    let before = match base {
        Some(how) => {
            let proof = workspace.prove(objects, records, from, how)?;
            (proof.policy, proof.report)
        }
        None => {
            let given = Replay::after(records, &workspace.folder, from)?.policy;
            let policy = given.ok_or_else(|| Error::told("no policy is in force there"))?;
            (policy, Report::default())
        }
    };
    onwards(workspace, records, before, from, &commits, landed)
}

/// Judges `commits`, which follow `tip`, by the policy and the findings that were
/// proven up to there. Faults of the past count in what the steps touch; after
/// the landing all of them do, since what landed unseen would stay so otherwise.
pub(super) fn onwards(
    workspace: &Workspace,
    records: &Records<'_>,
    (policy, before): (Policy, Report),
    tip: Oid,
    commits: &[Commit],
    landed: bool,
) -> Result<Ruling, Error> {
    let mut replay = Replay::with_policy(records, &workspace.folder, policy).with_floor(tip);
    let mut arrival = Arrival::default();
    let mut report = workspace.run(&mut replay, commits, |_, step| arrival.add(step))?;
    if !landed {
        arrival.settle(&mut report);
        // What has not landed can still be put right: no line to accept it is offered.
        // One that the same push brings counts, as it does for a mirror that catches up.
        for finding in &mut report.findings {
            finding.step = None;
        }
    }
    let stopped = arrival.stopped_by(before, &replay, landed);
    report.findings.splice(0..0, stopped.findings);
    Ok(Ruling {
        report,
        elsewhere: stopped.elsewhere,
        ..Ruling::default()
    })
}

/// Findings about references point at the policy, as it is at `at`.
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
