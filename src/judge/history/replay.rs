//! The judge's walk along the mainline.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Arc, PoisonError};

use super::acknowledged::{self, Acknowledged, Reaffirmed};
use super::graph::Graph;
use super::landed::{Attribution, Shape, landed};
use super::prefetch::{Prefetch, Signers};
use super::{Past, policy_at, read_commit, verdict_given};
use crate::base::{Error, ObjectKind, Oid};
use crate::judge::finding::{Checked, Finding, Note, Place, Report};
use crate::judge::rules::{self, Decided, Resolver, Step};
use crate::object::{Commit, TreeCache};
use crate::record::change::{Change, Differences};
use crate::record::kind::{REGISTRY_FILE, Revocation, VersionId};
use crate::record::snapshot::{Loaded, Records, Snapshot};
use crate::trust::{Author, Carrier, Carriers, HistoryView, Policy, Verdict};

/// The most files left out by a merge that are listed.
const MOST_NOTES: usize = 100;

/// Returns notes on the files of its other side that a merge leaves out.
fn dropped_notes(paths: &[String], commit: Oid) -> Vec<Note> {
    let note = |message, path| Note {
        message,
        path,
        commit: Some(commit),
    };
    let named = paths.iter().take(MOST_NOTES).map(|path| {
        let message = format!("the merge leaves out what its other side wrote in `{path}`");
        note(message, Some(path.clone()))
    });
    let more = paths.len().saturating_sub(MOST_NOTES);
    let more = (more > 0).then(|| {
        let message = format!("the merge leaves out {more} more files of its other side");
        note(message, None)
    });
    named.chain(more).collect()
}

/// One judged step.
pub struct JudgedStep {
    /// The commit.
    pub commit: Oid,
    /// The signer, or `None` for a step that touches nothing of the registry, whose
    /// signature is not verified.
    pub verdict: Option<Verdict>,
    /// The changes.
    pub changes: Vec<Change>,
    /// The author of each change, in the same order; empty at the root, where no policy
    /// names the actors yet.
    pub authors: Vec<Author>,
    /// Whether it puts a policy into force.
    pub brings_policy: bool,
    /// Whether it only revokes keys and retires actors and keys.
    pub only_ends: bool,
    /// The carrier of each change, in the same order; empty when the step's own commit
    /// carries them all.
    pub carriers: Vec<Rc<Carrier>>,
    /// The policy that judged it, or `None` at the root.
    pub policy: Option<Arc<Loaded>>,
    /// The moves of status that reviews decide.
    pub decided: Vec<Decided>,
    /// Versions whose approval it invalidates, with the key.
    pub taints: Vec<(VersionId, String)>,
    /// The findings.
    pub findings: Vec<Finding<Place>>,
    /// The notes.
    pub notes: Vec<Note>,
}

impl JudgedStep {
    /// A step that touches nothing of the registry.
    fn empty(commit: Oid) -> JudgedStep {
        JudgedStep {
            commit,
            verdict: None,
            changes: Vec::new(),
            authors: Vec::new(),
            brings_policy: false,
            only_ends: false,
            carriers: Vec::new(),
            policy: None,
            decided: Vec::new(),
            taints: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// The registry on each side of a step.
struct Trees<'t> {
    prior: Snapshot<'t>,
    next: Snapshot<'t>,
    /// At the other parent of a merge.
    beside: Option<Snapshot<'t>>,
}

/// The judge's walk along the mainline.
pub struct Replay<'a> {
    pub(super) records: &'a Records<'a>,
    pub(super) folder: &'a str,
    /// Signers of commits that other threads have worked out.
    pub(super) signers: Signers,
    pub(super) graph: Rc<Graph<'a>>,
    /// The policy in force, or `None` before the root.
    pub policy: Option<Policy>,
    /// The commit that put it into force, when a commit did.
    pub policy_from: Option<Oid>,
    /// The acknowledgements of the policies so far.
    pub acknowledged: Vec<Acknowledged>,
    /// The reaffirmations of the policies so far.
    pub reaffirmed: Vec<Reaffirmed>,
    /// Versions whose approval a key proved after it was last trusted, with the key.
    pub tainted: BTreeMap<VersionId, String>,
    /// Steps with findings so far.
    pub faulty: Vec<Faulty>,
    /// The objects that were examined so far.
    pub checked: Checked,
    /// Whether it judges a step for the sake of a later one.
    pub(super) is_inner: bool,
}

/// A step with findings, and the commit whose policy judged it, or `None` for the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faulty {
    /// The step.
    pub commit: Oid,
    /// The commit that put the policy that judged it into force.
    pub policy: Option<Oid>,
}

impl<'a> Replay<'a> {
    fn new(records: &'a Records<'a>, folder: &'a str, policy: Option<Policy>) -> Replay<'a> {
        // The administrators who agreed to a given policy are not known.
        let nobody = BTreeSet::new();
        let given = policy.as_ref();
        let acknowledged = given.map(|policy| acknowledged::brought(None, policy, &nobody));
        let reaffirmed = given.map(|policy| acknowledged::reaffirmed(None, policy, &nobody));
        Replay {
            records,
            folder,
            signers: Signers::default(),
            graph: Rc::new(Graph::new(records.objects(), None)),
            policy,
            policy_from: None,
            acknowledged: acknowledged.unwrap_or_default(),
            reaffirmed: reaffirmed.unwrap_or_default(),
            tainted: BTreeMap::new(),
            faulty: Vec::new(),
            checked: Checked::default(),
            is_inner: false,
        }
    }

    /// Before the root.
    pub fn from_root(records: &'a Records<'a>, folder: &'a str) -> Replay<'a> {
        Replay::new(records, folder, None)
    }

    /// Starts after `commit`, taken as given: its policy is in force.
    ///
    /// # Errors
    /// There is no readable policy at that commit.
    pub fn after(records: &'a Records<'a>, folder: &'a str, commit: Oid) -> Result<Replay<'a>, Error> {
        let top = read_commit(records.objects(), commit)?.tree;
        let snapshot = Snapshot::at(records, top, folder)?;
        let policy = policy_at(&snapshot, &format!("commit {}", commit.short()))?;
        let mut replay = Replay::new(records, folder, Some(policy));
        replay.policy_from = Some(commit);
        Ok(replay)
    }

    /// Sets the commit before which history is read only when a side branch leads there.
    #[must_use]
    pub fn with_floor(mut self, floor: Oid) -> Replay<'a> {
        self.graph = Rc::new(Graph::new(self.records.objects(), Some(floor)));
        self
    }

    /// With this policy in force.
    pub fn with_policy(records: &'a Records<'a>, folder: &'a str, policy: Policy) -> Replay<'a> {
        Replay::new(records, folder, Some(policy))
    }

    /// Returns the cache of the trees that it reads.
    pub fn trees(&self) -> TreeCache {
        self.records.objects().trees()
    }

    /// Returns the registry's id: of the policy in force, or of the one in the first of
    /// these commits.
    pub fn registry_id(&self, commits: &[Commit]) -> Result<Option<String>, Error> {
        if let Some(policy) = &self.policy {
            return Ok(Some(policy.id().to_owned()));
        }
        let Some(first) = commits.first() else {
            return Ok(None);
        };
        let registry = Snapshot::at(self.records, first.tree, self.folder)?.registry()?;
        let registry = registry.as_ref().and_then(|loaded| loaded.registry());
        Ok(registry.map(|registry| registry.id.as_str().to_owned()))
    }

    /// Judges one commit against its first parent. The changes of a merge are judged by
    /// their authors on the other side.
    pub fn step(&mut self, commit: &Commit) -> Result<JudgedStep, Error> {
        self.walk(commit, false)
    }

    /// Judges a commit that a Git host would make: its signature proves no actor, and it
    /// has no place in history yet.
    pub fn landing(&mut self, commit: &Commit) -> Result<JudgedStep, Error> {
        self.walk(commit, true)
    }

    fn walk(&mut self, commit: &Commit, by_host: bool) -> Result<JudgedStep, Error> {
        let objects = self.records.objects();
        let at_root = self.policy.is_none();
        if at_root {
            // Nothing before the root is of the registry.
            self.graph = Rc::new(Graph::new(objects, Some(commit.id)));
        }
        self.graph.know(commit);
        let parent = match commit.parents.first() {
            Some(parent) if !at_root => Some(self.graph.node(*parent)?),
            _ => None,
        };
        let known_parent = parent.as_deref();
        let landed = landed(
            self.records,
            self.folder,
            &self.graph,
            &Vec::from_iter(&self.policy),
            commit,
            known_parent,
        )?;
        self.checked.steps += 1;
        let dropped = dropped_notes(&landed.dropped, commit.id);
        if landed.is_link() && !commit.is_ambiguous {
            return Ok(JudgedStep {
                notes: dropped,
                ..JudgedStep::empty(commit.id)
            });
        }
        let prior = match known_parent {
            Some(parent) => Snapshot::at(self.records, parent.tree, self.folder)?,
            None => Snapshot::empty(self.records),
        };
        let next = Snapshot::at(self.records, commit.tree, self.folder)?;
        let carriers = self.carriers(commit, &landed.answers, by_host)?;
        // The state before the step is asked for, also when the step replaces it.
        let before = commit.parents.first().copied();
        let mut past = Past::of(self.graph.clone(), objects, self.folder, before);
        past.is_inner = self.is_inner;
        let judged_by = self.policy_from;
        let known = self
            .policy
            .as_ref()
            .map_or_else(Vec::new, |policy| policy.registry().revoked.clone());
        let beside = match (commit.parents.get(1), known_parent) {
            (Some(other), Some(_)) => {
                let tree = self.graph.node(*other)?.tree;
                Some(Snapshot::at(self.records, tree, self.folder)?)
            }
            _ => None,
        };
        let mut judged = self.judge_landed(
            Trees { prior, next, beside },
            &carriers,
            (&landed.differences, landed.shape.as_ref()),
            &past,
            before,
        )?;
        if commit.is_ambiguous {
            let resolver = self.resolver(prior, next, before, carriers.own.commit);
            let mut finding = rules::ambiguous_commit(&commit.faults);
            finding.who = Some(carriers.own.words());
            judged.findings.push(resolver.resolve(finding));
        }
        if judged.brings_policy
            && let Some(parent) = before
        {
            let commits = (parent, carriers.own.commit);
            self.distrust(&mut judged, &known, (prior, next), commits)?;
        }
        if !judged.findings.is_empty() {
            self.faulty.push(Faulty {
                commit: commit.id,
                policy: judged_by,
            });
        }
        judged.notes.splice(0..0, dropped);
        Ok(JudgedStep {
            verdict: Some(carriers.own.verdict),
            carriers: carriers.of,
            changes: landed.differences.changes,
            ..judged
        })
    }

    /// Adds the findings on what keys proved that the step's policy revokes.
    fn distrust(
        &mut self,
        judged: &mut JudgedStep,
        known: &[Revocation],
        (prior, next): (Snapshot<'_>, Snapshot<'_>),
        (parent, own): (Oid, Option<Oid>),
    ) -> Result<(), Error> {
        let (used, taints) = self.revoked_keys_used(known, parent, own)?;
        self.tainted.extend(taints.iter().cloned());
        judged.taints = taints;
        let resolver = self.resolver(prior, next, Some(parent), own);
        let step = judged.only_ends.then_some(self.checked.steps);
        judged.findings.extend(used.into_iter().map(|mut finding| {
            finding.uncovered = step;
            resolver.resolve(finding)
        }));
        Ok(())
    }

    /// Finds the signer of each commit that answers for a change.
    fn carriers(
        &mut self,
        commit: &Commit,
        answers: &[Attribution],
        by_host: bool,
    ) -> Result<Carriers, Error> {
        let of = |commit: &Commit| match &self.policy {
            Some(policy) => verdict_given(policy, commit, || {
                let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
                signers.remove(&commit.id)
            }),
            None => Verdict::Unsigned,
        };
        let own = match by_host {
            true => Carrier::new(None, Verdict::Host),
            false => Carrier::new(Some(commit.id), of(commit)),
        };
        let mut verdicts = HashMap::from([(commit.id, own.verdict.clone())]);
        let mut carriers = Carriers::one(own);
        for (id, charge) in answers {
            let verdict = match verdicts.get(id) {
                Some(verdict) => verdict.clone(),
                None => {
                    let verdict = of(&read_commit(self.records.objects(), *id)?);
                    verdicts.insert(*id, verdict.clone());
                    verdict
                }
            };
            let is_own = *id == commit.id;
            carriers.of.push(Rc::new(Carrier {
                commit: if is_own { carriers.own.commit } else { Some(*id) },
                verdict,
                charge: *charge,
            }));
        }
        self.checked.commits += verdicts.len();
        Ok(carriers)
    }

    /// Judges a step that is not committed yet, and puts its policy into force as
    /// [`Replay::step`] does.
    pub fn judge(
        &mut self,
        (prior, next): (Snapshot<'_>, Snapshot<'_>),
        carrier: &Carrier,
        differences: &Differences,
        outside: &dyn HistoryView,
        parent: Option<Oid>,
    ) -> Result<JudgedStep, Error> {
        let carriers = Carriers::one(carrier.clone());
        self.judge_carried((prior, next), &carriers, differences, outside, parent)
    }

    /// Judges as [`Replay::judge`] does, with a signer for each change.
    pub fn judge_carried(
        &mut self,
        (prior, next): (Snapshot<'_>, Snapshot<'_>),
        carriers: &Carriers,
        differences: &Differences,
        outside: &dyn HistoryView,
        parent: Option<Oid>,
    ) -> Result<JudgedStep, Error> {
        let trees = Trees {
            prior,
            next,
            beside: None,
        };
        self.judge_landed(trees, carriers, (differences, None), outside, parent)
    }

    fn judge_landed(
        &mut self,
        Trees { prior, next, beside }: Trees<'_>,
        carriers: &Carriers,
        (differences, shape): (&Differences, Option<&Shape>),
        outside: &dyn HistoryView,
        parent: Option<Oid>,
    ) -> Result<JudgedStep, Error> {
        let carrier = &carriers.own;
        let policy = self.policy.take();
        // A text that can't be read undoes nothing of the text before it.
        let seen = outside.earlier().map_or(prior, |earlier| prior.seeing(earlier));
        let mut step = Step::new(seen, next, policy.as_ref(), carriers, differences, outside);
        step.beside = beside;
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
        if let Some(shape) = shape {
            let first = differences.changes.first();
            let path = first.map_or(REGISTRY_FILE, |change| change.path.as_str());
            let mut finding = match shape {
                Shape::Octopus(parents) => rules::octopus_merge(*parents, path),
                Shape::Unrelated => rules::unrelated_history(path),
            };
            finding.who = Some(carrier.words());
            judged_findings.push(finding);
            brought = None;
        }
        if let (Some(_), Some(before), Some(parent)) = (&brought, &policy, parent) {
            let bad = self.bad_since(before, differences, carriers, parent)?;
            if !bad.is_empty() {
                judged_findings.extend(bad);
                brought = None;
            }
        }
        let brings_policy = brought.is_some();
        if let Some(after) = &brought {
            let (before, behind) = (policy.as_ref(), &judgement.behind);
            self.acknowledged
                .extend(acknowledged::brought(before, after, behind));
            self.reaffirmed
                .extend(acknowledged::reaffirmed(before, after, behind));
            self.policy_from = carrier.commit;
        }
        let judged_by = policy.as_ref().map(|policy| policy.source.clone());
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
            authors: judgement.authors,
            brings_policy,
            only_ends: brings_policy && judgement.only_ends,
            carriers: Vec::new(),
            policy: judged_by,
            decided: judgement.decided,
            taints: Vec::new(),
            findings,
            notes,
        })
    }

    /// Judges the commits in order and gathers one report; `seen` is called with each
    /// commit and its judgement. `ahead` prefetches the same commits.
    pub fn run(
        &mut self,
        commits: &[Commit],
        ahead: Option<&Prefetch<'_>>,
        mut seen: impl FnMut(&Commit, &JudgedStep),
    ) -> Result<Report, Error> {
        let mut report = Report::default();
        for (index, commit) in commits.iter().enumerate() {
            if let Some(ahead) = ahead {
                ahead.reach(self.records.objects(), index);
            }
            let step = self.step(commit)?;
            seen(commit, &step);
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
        let policy = self.policy.as_ref();
        acknowledged::mark(report, &self.acknowledged, &self.reaffirmed, policy);
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
}
