//! The judge's walk along the mainline.

use std::collections::BTreeMap;

use super::acknowledged::{self, Acknowledged};
use super::{Past, chain_if, policy_at, protected, read_commit, revocation, verdict};
use crate::access::{Carrier, Outside, Policy, Verdict};
use crate::change::{self, Change, Differences};
use crate::error::Error;
use crate::finding::{Anchor, Checked, Finding, Note, Place, Report};
use crate::model::{Revocation, VersionId};
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
    /// The commit that brought it into force, when a commit did.
    pub policy_from: Option<Oid>,
    /// What policies so far accept.
    pub acknowledged: Vec<Acknowledged>,
    /// Versions whose approval a key proved after it was last believed, with
    /// the key.
    pub tainted: BTreeMap<VersionId, String>,
    /// Steps with findings so far.
    pub faulty: Vec<Faulty>,
    /// What was looked at so far.
    pub checked: Checked,
}

/// A step with findings, and the commit whose policy judged it; none for the
/// root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faulty {
    /// The step.
    pub commit: Oid,
    /// Where the policy that judged it came into force.
    pub policy: Option<Oid>,
}

impl<'a> Replay<'a> {
    fn new(records: &'a Records<'a>, folder: &'a str, policy: Option<Policy>) -> Replay<'a> {
        let acknowledged = policy
            .as_ref()
            .map_or_else(Vec::new, |policy| acknowledged::brought(None, policy, None));
        Replay {
            records,
            folder,
            policy,
            policy_from: None,
            acknowledged,
            tainted: BTreeMap::new(),
            faulty: Vec::new(),
            checked: Checked::default(),
        }
    }

    /// Before the root.
    pub fn from_root(records: &'a Records<'a>, folder: &'a str) -> Replay<'a> {
        Replay::new(records, folder, None)
    }

    /// After `commit`, taken as given: its policy is in force.
    ///
    /// # Errors
    /// When there is no readable policy at that commit.
    pub fn after(records: &'a Records<'a>, folder: &'a str, commit: Oid) -> Result<Replay<'a>, Error> {
        let top = read_commit(records.objects(), commit)?.tree;
        let snapshot = Snapshot::at(records, top, folder)?;
        let policy = policy_at(&snapshot, &format!("commit {}", commit.short()))?;
        let mut replay = Replay::new(records, folder, Some(policy));
        replay.policy_from = Some(commit);
        Ok(replay)
    }

    /// With this policy in force.
    pub fn with_policy(records: &'a Records<'a>, folder: &'a str, policy: Policy) -> Replay<'a> {
        Replay::new(records, folder, Some(policy))
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
        let judged_by = self.policy_from;
        let known = self
            .policy
            .as_ref()
            .map_or_else(Vec::new, |policy| policy.registry().revoked.clone());
        let mut judged = self.judge(
            prior,
            next,
            &carrier,
            &differences,
            &past,
            parent.map(|parent| parent.id),
        )?;
        if self.policy_from != judged_by
            && let Some(parent) = commit.parents.first()
        {
            let used = self.revoked_keys_used(&known, *parent)?;
            let resolver = self.resolver(prior, next, Some(*parent), Some(commit.id));
            judged
                .findings
                .extend(used.into_iter().map(|finding| resolver.resolve(finding)));
        }
        if !judged.findings.is_empty() {
            self.faulty.push(Faulty {
                commit: commit.id,
                policy: judged_by,
            });
        }
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
        let mut brought = judgement.policy;
        let mut judged_findings = judgement.findings;
        if let (Some(after), Some(before), Some(parent)) = (&brought, &policy, parent) {
            let bad = self.bad_since(before, after, parent)?;
            if !bad.is_empty() {
                judged_findings.extend(bad);
                brought = None;
            }
        }
        if let Some(after) = &brought {
            let accepted = acknowledged::brought(policy.as_ref(), after, Some(carrier));
            self.acknowledged.extend(accepted);
            self.policy_from = carrier.commit;
        }
        self.policy = brought.or(policy);
        let resolver = self.resolver(prior, next, parent, carrier.commit);
        let mut findings: Vec<_> = judged_findings
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
        self.mark(&mut report);
        Ok(report)
    }

    /// Marks the findings that the policy in force acknowledges.
    pub fn mark(&self, report: &mut Report) {
        acknowledged::mark(report, &self.acknowledged, self.policy.as_ref());
    }

    fn resolver<'s>(
        &'s self,
        prior: Snapshot<'s>,
        next: Snapshot<'s>,
        before: Option<Oid>,
        after: Option<Oid>,
    ) -> Resolver<'s> {
        Resolver {
            prior,
            next,
            folder: self.folder,
            before,
            after,
        }
    }

    /// The `since` of each revocation must be a first parent, and only move to
    /// an earlier one.
    fn bad_since(&self, before: &Policy, after: &Policy, parent: Oid) -> Result<Vec<Finding<Anchor>>, Error> {
        let objects = self.records.objects();
        let mut bad = Vec::new();
        for (index, is) in after.registry().revoked.iter().enumerate() {
            let was = before.registry().revoked.iter().find(|was| was.key == is.key);
            let was_since = was.and_then(|was| was.since.as_ref());
            let Some(since) = is.since.as_ref().filter(|since| was_since != Some(since)) else {
                continue;
            };
            let Some(since) = Oid::from_hex(since.as_str()) else {
                continue;
            };
            // Beyond the other one it is later, which believes what was not believed.
            let (tip, what) = match was_since.and_then(|was| Oid::from_hex(was.as_str())) {
                Some(was) => (was, "is not earlier than it was"),
                None => (parent, "is no commit of the mainline before this step"),
            };
            let on_it = match chain_if(objects, since, tip) {
                Ok(found) => found.is_some(),
                Err(Error::MissingObject { id, .. }) if id == since => false,
                Err(error) => return Err(error),
            };
            if !on_it {
                bad.push(rules::bad_since(
                    index,
                    &format!("`since` {} {what}", since.short()),
                ));
            }
        }
        Ok(bad)
    }

    /// What keys proved after they were last believed, by the revocations that
    /// the policy in force brought. Notes the versions that they approved.
    fn revoked_keys_used(
        &mut self,
        known: &[Revocation],
        parent: Oid,
    ) -> Result<Vec<Finding<Anchor>>, Error> {
        let Some(policy) = self.policy.clone() else {
            return Ok(Vec::new());
        };
        let mut findings = Vec::new();
        for (index, is) in policy.registry().revoked.iter().enumerate() {
            let same = |was: &&Revocation| was.key == is.key && was.since == is.since;
            let Some(since) = is.since.as_ref().and_then(|since| Oid::from_hex(since.as_str())) else {
                continue;
            };
            if known.iter().any(|was| same(&was)) {
                continue;
            }
            for act in revocation::acts(self.records, self.folder, &policy, &is.key, since, parent)?
                .unwrap_or_default()
            {
                if let Some(id) = &act.approves {
                    self.tainted.insert(id.clone(), is.key.clone());
                }
                findings.push(rules::revoked_key_used(index, &is.key, &act));
            }
        }
        Ok(findings)
    }
}
