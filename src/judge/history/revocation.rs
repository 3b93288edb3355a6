//! Changes that revoked keys proved, and since when the keys are not trusted.

use std::collections::HashMap;

use super::graph::Graph;
use super::landed::landed;
use super::{COMMIT_NAMESPACE, Replay, chain_if, read_commit};
use crate::base::{Error, Oid};
use crate::judge::finding::{Anchor, Finding};
use crate::judge::rules::{self, DistrustedChange};
use crate::object::{Commit, SignatureKind};
use crate::record::change::{Change, ChangeKind, Differences};
use crate::record::kind::{Decision, RecordPath, Registry, Revocation, Status, VersionId};
use crate::record::snapshot::{Records, Snapshot};
use crate::signature;
use crate::trust::{Carriers, Policy, fingerprint, is_in_record, needed_action};

/// Returns the fingerprint of the key that signed a commit. Its step was judged when it
/// was made, so a certificate that was revoked since still identifies its key.
fn signer(policy: &Policy, commit: &Commit) -> Option<String> {
    let signature = commit.signature.as_ref()?;
    match signature.kind {
        SignatureKind::Ssh => {
            let key = signature::verify(&signature.armor, COMMIT_NAMESPACE, &commit.payload).ok()?;
            Some(key.fingerprint())
        }
        SignatureKind::OpenPgp => policy.keys.claimed_openpgp(&signature.armor),
        SignatureKind::X509 | SignatureKind::Unknown => None,
    }
}

/// Returns the fingerprint of the key that a record's own signature claims. A signature
/// that does not verify is a finding of its own step.
fn claimed(policy: &Policy, armor: &str) -> Option<String> {
    match signature::peek(armor) {
        Some(key) => Some(key.fingerprint()),
        None => policy.keys.claimed_openpgp(armor),
    }
}

/// Returns the fingerprint of the key that proves a change: of the record's own
/// signature, else of the commit's.
fn proven_by(policy: &Policy, change: &Change, commit_key: Option<&str>) -> Option<String> {
    let own = change
        .after
        .as_ref()
        .filter(|_| is_in_record(change))
        .and_then(|after| after.signature());
    let needs_somebody = is_in_record(change) || needed_action(change).is_some() || change.brings_policy();
    match own {
        Some(armor) => claimed(policy, armor),
        None => commit_key.filter(|_| needs_somebody).map(str::to_owned),
    }
}

/// Lists the changes that `key` (by `policy`, which lists it) proved in the steps after
/// `since` up to and with `until`, or `None` when `since` is not among the first parents of
/// `until`. Files that were protected then count, and those that are now.
fn acts<'a>(
    records: &'a Records<'a>,
    folder: &str,
    graph: &Graph<'a>,
    policy: &Policy,
    key: &str,
    (since, until): (Oid, Oid),
) -> Result<Option<Vec<DistrustedChange>>, Error> {
    let objects = records.objects();
    let Some(commits) = chain_if(objects, since, until)? else {
        return Ok(None);
    };
    let mut acts = Vec::new();
    let mut then: Option<Policy> = None;
    for commit in commits {
        let Some(parent) = commit.parents.first() else {
            continue;
        };
        let parent = graph.node(*parent)?;
        // A policy that can't be read is never in force: the one before stays.
        if let Some(file) = Snapshot::at(records, parent.tree, folder)?.registry()?
            && then.as_ref().is_none_or(|then| then.source.id != file.id)
        {
            then = Policy::new(file).or(then);
        }
        let policies = Vec::from_iter(then.iter().chain([policy]));
        let landed = landed(records, folder, graph, &policies, &commit, Some(&parent))?;
        if landed.is_link() {
            continue;
        }
        let mut signers: HashMap<Oid, Option<String>> = HashMap::new();
        for (index, change) in landed.differences.changes.into_iter().enumerate() {
            let carrier = landed
                .answers
                .get(index)
                .map_or(commit.id, |(carrier, _)| *carrier);
            let commit_key = match signers.get(&carrier) {
                Some(key) => key.clone(),
                None => {
                    let key = signer(policy, &read_commit(objects, carrier)?);
                    signers.insert(carrier, key.clone());
                    key
                }
            };
            let by = proven_by(policy, &change, commit_key.as_deref());
            if !by.is_some_and(|by| policy.keys.belongs_to(&by, key)) {
                continue;
            }
            let approves = match (&change.kind, &change.record) {
                (
                    ChangeKind::Reviewed {
                        decision: Decision::Approved,
                        ..
                    },
                    Some(RecordPath::Review(id, _)),
                )
                // An import as Approved rests on the importer.
                | (
                    ChangeKind::VersionImported {
                        status: Status::Approved,
                    },
                    Some(RecordPath::Version(id)),
                ) => Some(id.clone()),
                _ => None,
            };
            let version = change.record.as_ref().and_then(RecordPath::version).cloned();
            let serves = match &version {
                Some(id) => {
                    let now = Snapshot::at(records, read_commit(objects, until)?.tree, folder)?;
                    now.bound_stages(policy.registry(), id)?
                }
                None => Vec::new(),
            };
            acts.push(DistrustedChange {
                serves,
                commit: commit.id,
                phrase: change.phrase(),
                version,
                group: change.group().map(str::to_owned),
                approves,
            });
        }
    }
    Ok(Some(acts))
}

/// The findings about keys that are no longer trusted, and the versions that they
/// approved.
pub(super) type Distrusted = (Vec<Finding<Anchor>>, Vec<(VersionId, String)>);

/// Whether two revocations are of one key, in any spelling of its fingerprint.
fn is_same_key(a: &Revocation, b: &Revocation) -> bool {
    fingerprint(&a.key) == fingerprint(&b.key)
}

impl Replay<'_> {
    /// Checks that the `since` of each revocation is a first parent, and moves only to an
    /// earlier one. On a merged branch each policy is compared with the one before it on
    /// its side.
    pub(super) fn bad_since(
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
            let Some(after) = after.filter(|_| change.brings_policy()) else {
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
            // A commit after the other one is later, which would trust changes that were
            // not trusted.
            let was = was_since.and_then(|was| Oid::from_hex(was.as_str()));
            let on_it = match chain_if(objects, since, was.unwrap_or(parent)) {
                Ok(found) => found.is_some(),
                Err(Error::MissingObject { id, .. }) if id == since => false,
                Err(error) => return Err(error),
            };
            if !on_it {
                bad.push(rules::bad_since(index, since, was));
            }
        }
        Ok(bad)
    }

    /// Reports the changes that keys proved after they were last trusted, by the
    /// revocations of the policy in force that this commit added, and the versions that
    /// they approved.
    pub(super) fn revoked_keys_used(
        &self,
        known: &[Revocation],
        parent: Oid,
        commit: Option<Oid>,
    ) -> Result<Distrusted, Error> {
        let (mut findings, mut taints) = Distrusted::default();
        let Some(policy) = &self.policy else {
            return Ok((findings, taints));
        };
        for (index, act) in self.distrusted(policy, known, parent)? {
            let key = &policy.registry().revoked[index].key;
            if let Some(id) = &act.approves {
                taints.push((id.clone(), key.clone()));
            }
            findings.push(rules::revoked_key_used(index, key, &act, commit));
        }
        Ok((findings, taints))
    }

    /// Lists the changes that keys proved, in steps up to `parent`, after they were last
    /// trusted by the revocations of this policy that are not among those `known` before;
    /// each with the index of its revocation.
    pub fn distrusted(
        &self,
        policy: &Policy,
        known: &[Revocation],
        parent: Oid,
    ) -> Result<Vec<(usize, DistrustedChange)>, Error> {
        let mut distrusted = Vec::new();
        for (index, is) in policy.registry().revoked.iter().enumerate() {
            let same = |was: &&Revocation| is_same_key(was, is) && was.since == is.since;
            let Some(since) = is.since.as_ref().and_then(|since| Oid::from_hex(since.as_str())) else {
                continue;
            };
            if known.iter().any(|was| same(&was)) {
                continue;
            }
            let acts = acts(
                self.records,
                self.folder,
                &self.graph,
                policy,
                &is.key,
                (since, parent),
            )?;
            distrusted.extend(acts.unwrap_or_default().into_iter().map(|act| (index, act)));
        }
        Ok(distrusted)
    }
}
