//! The judge's walk along the mainline.

use super::{Past, policy_at, protected, read_commit, verdict};
use crate::access::{Carrier, Outside, Policy, Verdict};
use crate::change::{self, Change, Differences};
use crate::error::Error;
use crate::finding::{Checked, Finding, Note, Place, Report};
use crate::raw::{Commit, ObjectKind, Oid};
use crate::rules::{self, Resolver, Step};
use crate::snapshot::{Records, Snapshot};

/// One judged step.
pub struct JudgedStep {
    /// The commit.
    pub commit: Oid,
    /// Who signed it; none for a step that touches nothing of the registry,
    /// where nobody asked.
    pub verdict: Option<Verdict>,
    /// What it changes.
    pub changes: Vec<Change>,
    /// What is wrong with it.
    pub findings: Vec<Finding<Place>>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// The judge's walk along the mainline.
pub struct Replay<'a> {
    records: &'a Records<'a>,
    folder: &'a str,
    /// The policy in force; none before the root.
    pub policy: Option<Policy>,
    /// What was looked at so far.
    pub checked: Checked,
}

impl<'a> Replay<'a> {
    /// Before the root.
    pub fn from_root(records: &'a Records<'a>, folder: &'a str) -> Replay<'a> {
        Replay {
            records,
            folder,
            policy: None,
            checked: Checked::default(),
        }
    }

    /// After `commit`, taken as given: its policy is in force.
    ///
    /// # Errors
    /// When there is no readable policy at that commit.
    pub fn after(records: &'a Records<'a>, folder: &'a str, commit: Oid) -> Result<Replay<'a>, Error> {
        let top = read_commit(records.objects(), commit)?.tree;
        let snapshot = Snapshot::at(records, top, folder)?;
        let policy = policy_at(&snapshot, &format!("commit {}", commit.short()))?;
        Ok(Replay {
            records,
            folder,
            policy: Some(policy),
            checked: Checked::default(),
        })
    }

    /// With this policy in force.
    pub fn with_policy(records: &'a Records<'a>, folder: &'a str, policy: Policy) -> Replay<'a> {
        Replay {
            records,
            folder,
            policy: Some(policy),
            checked: Checked::default(),
        }
    }

    /// Judges one commit against its first parent.
    ///
    /// # Errors
    /// When an object can't be read, or the commit is a merge that touches the
    /// registry.
    pub fn step(&mut self, commit: &Commit) -> Result<JudgedStep, Error> {
        let objects = self.records.objects();
        let parent = match commit.parents.first() {
            Some(parent) => Some(read_commit(objects, *parent)?),
            None => None,
        };
        let at_root = self.policy.is_none();
        let prior = match &parent {
            Some(parent) if !at_root => Snapshot::at(self.records, parent.tree, self.folder)?,
            _ => Snapshot::empty(self.records),
        };
        let next = Snapshot::at(self.records, commit.tree, self.folder)?;
        let mut differences = change::diff(&prior, &next)?;
        if let (Some(policy), Some(parent)) = (&self.policy, &parent) {
            let outside = protected(objects, policy, self.folder, parent.tree, commit.tree)?;
            differences.changes.extend(outside);
        }
        self.checked.steps += 1;
        if differences.changes.is_empty() && differences.malformed_trees.is_empty() {
            let (findings, notes) = Default::default();
            return Ok(JudgedStep {
                commit: commit.id,
                verdict: None,
                changes: Vec::new(),
                findings,
                notes,
            });
        }
        if commit.parents.len() > 1 {
            return Err(Error::Incomplete {
                what: format!(
                    "commit {} is a merge that touches the registry",
                    commit.id.short()
                ),
                hints: vec!["this version judges linear history: land with a squash or a rebase".into()],
            });
        }
        let verdict = match &self.policy {
            Some(policy) => verdict(policy, commit),
            None => Verdict::Unsigned,
        };
        self.checked.commits += 1;
        let carrier = Carrier {
            commit: Some(commit.id),
            verdict,
        };
        let past = Past::new(objects, self.folder, Some(commit.id));
        let judged = self.judge(
            prior,
            next,
            &carrier,
            &differences,
            &past,
            parent.map(|parent| parent.id),
        )?;
        Ok(JudgedStep {
            verdict: Some(carrier.verdict),
            changes: differences.changes,
            ..judged
        })
    }

    /// Judges a step that no commit carries yet, and brings its policy into
    /// force as [`Replay::step`] does.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn judge(
        &mut self,
        prior: Snapshot<'_>,
        next: Snapshot<'_>,
        carrier: &Carrier,
        differences: &Differences,
        outside: &dyn Outside,
        parent: Option<Oid>,
    ) -> Result<JudgedStep, Error> {
        let policy = self.policy.take();
        let step = Step::new(prior, next, policy.as_ref(), carrier, differences, outside);
        let judged = rules::judge(&step);
        drop(step);
        let judgement = match judged {
            Ok(judgement) => judgement,
            Err(error) => {
                self.policy = policy;
                return Err(error);
            }
        };
        self.checked.changes += differences.changes.len();
        self.policy = judgement.policy.or(policy);
        let resolver = Resolver {
            prior,
            next,
            folder: self.folder,
            before: parent,
            after: carrier.commit,
        };
        let mut findings: Vec<_> = judgement
            .findings
            .into_iter()
            .map(|finding| resolver.resolve(finding))
            .collect();
        findings.sort_by(|a, b| {
            let key = |finding: &Finding<Place>| {
                let at = &finding.primary.at;
                (at.path.clone(), at.line, at.column, finding.rule.code)
            };
            key(a).cmp(&key(b))
        });
        let mut notes = judgement.notes;
        for note in &mut notes {
            note.commit = carrier.commit;
        }
        Ok(JudgedStep {
            commit: carrier
                .commit
                .unwrap_or_else(|| Oid::hash(next.records.objects().format(), ObjectKind::Tree, b"")),
            verdict: None,
            changes: Vec::new(),
            findings,
            notes,
        })
    }

    /// Judges the commits in order and gathers one report.
    ///
    /// # Errors
    /// As [`Replay::step`].
    pub fn run(&mut self, commits: &[Commit], mut seen: impl FnMut(&JudgedStep)) -> Result<Report, Error> {
        let mut report = Report::default();
        for commit in commits {
            let step = self.step(commit)?;
            seen(&step);
            report.findings.extend(step.findings);
            report.notes.extend(step.notes);
        }
        self.checked.documents = self.records.documents();
        report.checked = self.checked;
        Ok(report)
    }
}
