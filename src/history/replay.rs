//! The judge's walk along the mainline.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, PoisonError};

use super::acknowledged::{self, Acknowledged};
use super::ahead::{Ahead, Signers};
use super::graph::Graph;
use super::landed::{Answer, Shape, landed};
use super::{Act, Past, chain_if, policy_at, read_commit, revocation, verdict_given};
use crate::access::{Author, Carrier, Carriers, Outside, Policy, Verdict, fingerprint};
use crate::change::{Change, ChangeKind, Differences};
use crate::error::Error;
use crate::finding::{Anchor, Checked, Finding, Note, Place, Report};
use crate::model::{Registry, Revocation, VersionId};
use crate::raw::{Commit, ObjectKind, Oid, Shelf};
use crate::rules::{self, Decided, Resolver, Step};
use crate::snapshot::{Loaded, Records, Snapshot};

/// One judged step.
pub struct JudgedStep {
    /// The commit.
    pub commit: Oid,
    /// Who signed it; none for a step that touches nothing of the registry,
    /// where nobody asked.
    pub verdict: Option<Verdict>,
    /// What it changes.
    pub changes: Vec<Change>,
    /// Whose act each change is, in the same order; empty at the root, where
    /// no policy says who is who yet.
    pub authors: Vec<Author>,
    /// Whether it brings a policy into force.
    pub brings_policy: bool,
    /// Who brings each change, in the same order; empty when the step's own
    /// commit brings them all.
    pub carriers: Vec<Rc<Carrier>>,
    /// The policy that judged it; none at the root.
    pub policy: Option<Arc<Loaded>>,
    /// The moves of status that reviews decide.
    pub decided: Vec<Decided>,
    /// Versions whose approval it takes the ground from, with the key.
    pub taints: Vec<(VersionId, String)>,
    /// What is wrong with it.
    pub findings: Vec<Finding<Place>>,
    /// What is worth knowing.
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
    graph: Rc<Graph<'a>>,
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

/// What keys proved that are not believed, and the versions they approved.
type Distrusted = (Vec<Finding<Anchor>>, Vec<(VersionId, String)>);

/// A step with findings, and the commit whose policy judged it; none for the
/// root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faulty {
    /// The step.
    pub commit: Oid,
    /// Where the policy that judged it came into force.
    pub policy: Option<Oid>,
}

/// Whether two revocations are of one key, however its fingerprint is spelled.
fn is_same_key(a: &Revocation, b: &Revocation) -> bool {
    fingerprint(&a.key) == fingerprint(&b.key)
}

impl<'a> Replay<'a> {
    fn new(records: &'a Records<'a>, folder: &'a str, policy: Option<Policy>) -> Replay<'a> {
        let acknowledged = policy
            .as_ref()
            .map_or_else(Vec::new, |policy| acknowledged::brought(None, policy, None));
        Replay {
            records,
            folder,
            signers: Signers::default(),
            graph: Rc::new(Graph::new(records.objects(), None)),
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

    /// What lies before this commit is read only where a side branch leads there.
    #[must_use]
    pub fn with_floor(mut self, floor: Oid) -> Replay<'a> {
        self.graph = Rc::new(Graph::new(self.records.objects(), Some(floor)));
        self
    }

    /// With this policy in force.
    pub fn with_policy(records: &'a Records<'a>, folder: &'a str, policy: Policy) -> Replay<'a> {
        Replay::new(records, folder, Some(policy))
    }

    /// Where the trees are kept that it reads.
    pub fn shelf(&self) -> Shelf {
        self.records.objects().shelf()
    }

    /// The registry's id: of the policy in force, or of the one that the first of
    /// these commits brings.
    ///
    /// # Errors
    /// When an object can't be read.
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

    /// Judges one commit against its first parent. What a merge brings is judged
    /// by who wrote it on the other side.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn step(&mut self, commit: &Commit) -> Result<JudgedStep, Error> {
        self.walk(commit, false)
    }

    /// Judges a commit that a Git host would make: it is nobody's, whatever it
    /// is signed with, and has no place in history yet.
    ///
    /// # Errors
    /// As [`Replay::step`].
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
        let dropped = landed.dropped.iter().map(|path| Note {
            message: format!("the merge leaves out what its other side wrote in `{path}`"),
            path: Some(path.clone()),
            commit: Some(commit.id),
        });
        let dropped: Vec<Note> = dropped.collect();
        if landed.is_link() {
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
        // What stood before the step is asked for, also where the step replaces it.
        let before = commit.parents.first().copied();
        let past = Past::of(self.graph.clone(), objects, self.folder, before);
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
            &landed.differences,
            landed.shape.as_ref(),
            &past,
            commit.parents.first().copied(),
        )?;
        if judged.brings_policy
            && let Some(parent) = commit.parents.first()
        {
            let (used, taints) = self.revoked_keys_used(&known, *parent)?;
            self.tainted.extend(taints.iter().cloned());
            judged.taints = taints;
            let resolver = self.resolver(prior, next, Some(*parent), carriers.own.commit);
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
        judged.notes.splice(0..0, dropped);
        Ok(JudgedStep {
            verdict: Some(carriers.own.verdict),
            carriers: carriers.of,
            changes: landed.differences.changes,
            ..judged
        })
    }

    /// Who signed each commit that answers for a change.
    fn carriers(&mut self, commit: &Commit, answers: &[Answer], by_host: bool) -> Result<Carriers, Error> {
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
        let carriers = Carriers::one(carrier.clone());
        let trees = Trees {
            prior,
            next,
            beside: None,
        };
        self.judge_landed(trees, &carriers, differences, None, outside, parent)
    }

    fn judge_landed(
        &mut self,
        Trees { prior, next, beside }: Trees<'_>,
        carriers: &Carriers,
        differences: &Differences,
        shape: Option<&Shape>,
        outside: &dyn Outside,
        parent: Option<Oid>,
    ) -> Result<JudgedStep, Error> {
        let carrier = &carriers.own;
        let policy = self.policy.take();
        let mut step = Step::new(prior, next, policy.as_ref(), carriers, differences, outside);
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
            let path = first.map_or("registry.yaml", |change| change.path.as_str());
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
            let accepted = acknowledged::brought(policy.as_ref(), after, Some(carrier));
            self.acknowledged.extend(accepted);
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
            carriers: Vec::new(),
            policy: judged_by,
            decided: judgement.decided,
            taints: Vec::new(),
            findings,
            notes,
        })
    }

    /// Judges the commits in order and gathers one report; `seen` is shown each
    /// commit with its judgement. `ahead` works out the same commits.
    ///
    /// # Errors
    /// As [`Replay::step`].
    pub fn run(
        &mut self,
        commits: &[Commit],
        ahead: Option<&Ahead<'_>>,
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
    /// an earlier one. Behind a merge each policy is held to the one before it on
    /// its side.
    fn bad_since(
        &self,
        before: &Policy,
        differences: &Differences,
        carriers: &Carriers,
        parent: Oid,
    ) -> Result<Vec<Finding<Anchor>>, Error> {
        let mut bad = Vec::new();
        let mut replaced = before.registry();
        for (index, change) in differences.changes.iter().enumerate() {
            let after = change.after.as_ref().and_then(|after| after.registry());
            let Some(after) = after.filter(|_| change.kind == ChangeKind::PolicyChanged) else {
                continue;
            };
            for mut finding in self.bad_since_of(replaced, after, parent)? {
                finding.who = Some(carriers.of(index).words());
                bad.push(finding);
            }
            replaced = after;
        }
        Ok(bad)
    }

    fn bad_since_of(
        &self,
        before: &Registry,
        after: &Registry,
        parent: Oid,
    ) -> Result<Vec<Finding<Anchor>>, Error> {
        let objects = self.records.objects();
        let mut bad = Vec::new();
        for (index, is) in after.revoked.iter().enumerate() {
            let was = before.revoked.iter().find(|was| is_same_key(was, is));
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
    /// the policy in force brought, and the versions that they approved.
    fn revoked_keys_used(&self, known: &[Revocation], parent: Oid) -> Result<Distrusted, Error> {
        let (mut findings, mut taints) = Distrusted::default();
        let Some(policy) = &self.policy else {
            return Ok((findings, taints));
        };
        for (index, act) in self.distrusted(policy, known, parent)? {
            let key = &policy.registry().revoked[index].key;
            if let Some(id) = &act.approves {
                taints.push((id.clone(), key.clone()));
            }
            findings.push(rules::revoked_key_used(index, key, &act));
        }
        Ok((findings, taints))
    }

    /// What keys proved, in steps up to `parent`, after they were last believed by
    /// the revocations of this policy that are not among those `known` before;
    /// each act with the index of its revocation.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn distrusted(
        &self,
        policy: &Policy,
        known: &[Revocation],
        parent: Oid,
    ) -> Result<Vec<(usize, Act)>, Error> {
        let mut distrusted = Vec::new();
        for (index, is) in policy.registry().revoked.iter().enumerate() {
            let same = |was: &&Revocation| is_same_key(was, is) && was.since == is.since;
            let Some(since) = is.since.as_ref().and_then(|since| Oid::from_hex(since.as_str())) else {
                continue;
            };
            if known.iter().any(|was| same(&was)) {
                continue;
            }
            let acts = revocation::acts(
                self.records,
                self.folder,
                &self.graph,
                policy,
                &is.key,
                since,
                parent,
            )?;
            distrusted.extend(acts.unwrap_or_default().into_iter().map(|act| (index, act)));
        }
        Ok(distrusted)
    }
}
