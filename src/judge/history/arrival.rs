//! Steps that are about to land: the files that they touch, the faults of the past
//! that stop them, and the acts that a revocation among them uncovers.
//!
//! A server's hook, a merge queue's job and a pull request ask the same, so they
//! ask here.

use std::collections::BTreeSet;

use super::{JudgedStep, Replay};
use crate::judge::finding::{Finding, Note, Place, Report, Scope};
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{Decision, RecordKind, Status, VersionId};

/// Steps in the order in which they would land.
#[derive(Debug, Default)]
pub struct Arrival {
    steps: Vec<Touched>,
}

/// The findings of the past, for steps that would land on it.
#[derive(Clone, Debug, Default)]
pub struct Stopped {
    /// Open findings of the past that stop them.
    pub findings: Vec<Finding<Place>>,
    /// The number of open findings in groups that they do not touch.
    pub elsewhere: usize,
}

impl Arrival {
    /// Adds the next step; each one of a walk, from its beginning.
    pub fn add(&mut self, step: &JudgedStep) {
        let mut touched = Touched::default();
        touched.add(&step.changes);
        self.steps.push(touched);
    }

    /// Turns the findings uncovered by a step that only revokes or retires into notes.
    /// They stop later changes that rest on them, never the revocation. Findings that the
    /// steps accept must be marked already.
    pub fn settle(&self, report: &mut Report) {
        let (mut findings, mut notes) = (Vec::new(), Vec::new());
        for finding in report.findings.drain(..) {
            let only_told = finding.acknowledged.is_none()
                && finding.uncovered.is_some_and(|step| !self.rests(step, &finding));
            match only_told {
                true => notes.push(uncovered(&finding)),
                false => findings.push(finding),
            }
        }
        report.findings = findings;
        report.notes.append(&mut notes);
    }

    /// Whether a step after this one touches the object of the finding.
    fn rests(&self, step: usize, finding: &Finding<Place>) -> bool {
        let later = self.touched_after(step);
        later.is_some_and(|scope| scope.is_stopped_by(finding))
    }

    /// Returns the scope of the steps after the first `count`.
    fn touched_after(&self, count: usize) -> Option<Scope> {
        let mut all = Touched::default();
        for step in self.steps.iter().skip(count) {
            all.groups.extend(step.groups.iter().cloned());
            all.policy |= step.policy;
            all.others |= step.others;
            all.is_more_than_removal |= step.is_more_than_removal;
            all.puts.extend(step.puts.iter().cloned());
        }
        all.scope()
    }

    /// Returns the findings of the past that stop the steps and that they do not accept
    /// themselves. If the steps have landed already, these are all of them: a fault that
    /// landed unseen would never be reported otherwise.
    pub fn stopped_by(&self, mut before: Report, replay: &Replay<'_>, landed: bool) -> Stopped {
        replay.mark(&mut before);
        before.findings.retain(|finding| finding.acknowledged.is_none());
        let all = before.findings.len();
        let scope = self.touched_after(0);
        before.findings.retain(|finding| {
            let is_touched = |scope: &Scope| scope.is_stopped_by(finding);
            landed || scope.as_ref().is_some_and(is_touched)
        });
        Stopped {
            elsewhere: all - before.findings.len(),
            findings: before.findings,
        }
    }
}

/// The note for a finding that does not count against the step that uncovers it.
fn uncovered(finding: &Finding<Place>) -> Note {
    let code = finding.rule.code;
    let stops = match &finding.group {
        Some(group) => format!("stops `{group}`"),
        None => "stops every group".to_owned(),
    };
    Note {
        message: format!(
            "a finding from now on ({code}), which {stops} until it is accepted, and not this revocation: {}",
            finding.message
        ),
        path: Some(finding.primary.at.path.clone()),
        commit: finding.primary.at.commit,
    }
}

/// Returns the part of the registry that these changes concern, or `None` for none.
pub fn scope_of(changes: &[Change]) -> Option<Scope> {
    let mut touched = Touched::default();
    touched.add(changes);
    touched.scope()
}

/// The records and files that steps change.
#[derive(Debug, Default)]
struct Touched {
    groups: BTreeSet<String>,
    policy: bool,
    /// Protected files, and files that are not records.
    others: bool,
    /// Whether they do more in groups than take versions out of use.
    is_more_than_removal: bool,
    /// The versions that they put into a stage.
    puts: Vec<VersionId>,
}

impl Touched {
    fn add(&mut self, changes: &[Change]) {
        for change in changes {
            match &change.record {
                Some(record) => match record.group() {
                    Some(group) => {
                        self.groups.insert(group.to_string());
                        match change.kind {
                            ChangeKind::StageMoved { to, .. } => {
                                let id = |number| VersionId {
                                    group: group.clone(),
                                    number,
                                };
                                self.puts.extend(to.map(id));
                            }
                            ref kind => self.is_more_than_removal |= !is_removal(kind),
                        }
                    }
                    None => self.policy = true,
                },
                None => self.others = true,
            }
        }
    }

    /// Returns the faults of the past that count, or `None` if the registry is not touched.
    fn scope(self) -> Option<Scope> {
        match (self.groups.is_empty() && !self.others, self.policy) {
            (true, false) => None,
            (true, true) => Some(Scope::Policy),
            (false, _) if self.others || self.is_more_than_removal => {
                Some(Scope::Groups(self.groups.into_iter().collect()))
            }
            (false, _) => Some(Scope::Removal {
                groups: self.groups.into_iter().collect(),
                puts: self.puts,
            }),
        }
    }
}

/// Whether a change takes a version out of use.
fn is_removal(kind: &ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::VersionDeleted
            | ChangeKind::Added(RecordKind::Archival)
            | ChangeKind::Reviewed {
                decision: Decision::Rejected | Decision::Withdrawn,
                ..
            }
            | ChangeKind::StatusMoved {
                to: Status::Rejected | Status::Archived,
                ..
            }
    )
}
