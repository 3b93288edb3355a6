//! What a key proved between two commits of the mainline.

use std::collections::HashMap;

use super::graph::Graph;
use super::landed::landed;
use super::{COMMIT_NAMESPACE, chain_if, read_commit};
use crate::access::{Policy, is_in_record, needed_action};
use crate::change::{Change, ChangeKind};
use crate::error::Error;
use crate::model::{Decision, RecordPath, Status, VersionId};
use crate::raw::{Commit, Oid, SignatureKind};
use crate::snapshot::Records;
use crate::snapshot::Snapshot;
use crate::verify;

/// Something that a key proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The step.
    pub commit: Oid,
    /// What was done.
    pub phrase: String,
    /// The group that it concerns; none for the policy.
    pub group: Option<String>,
    /// The version that it is about, if it is about one.
    pub version: Option<VersionId>,
    /// The version that it approves, if it is an approval or an import.
    pub approves: Option<VersionId>,
}

/// The fingerprint of the key that signed a commit. Its step was judged when it
/// was made: a certificate that was revoked since then still tells whose key it
/// was.
fn signer(policy: &Policy, commit: &Commit) -> Option<String> {
    let signature = commit.signature.as_ref()?;
    match signature.kind {
        SignatureKind::Ssh => {
            let key = verify::verify(&signature.armor, COMMIT_NAMESPACE, &commit.payload).ok()?;
            Some(key.fingerprint())
        }
        SignatureKind::OpenPgp => policy.keys.claimed_openpgp(&signature.armor),
        SignatureKind::X509 | SignatureKind::Unknown => None,
    }
}

/// The fingerprint of the key that a record's own signature claims: what does
/// not verify is a finding of its own step.
fn claimed(policy: &Policy, armor: &str) -> Option<String> {
    match verify::peek(armor) {
        Some(key) => Some(key.fingerprint()),
        None => policy.keys.claimed_openpgp(armor),
    }
}

/// The fingerprint of the key that proves a change: of the record's own
/// signature, else of the commit's.
fn proven_by(policy: &Policy, change: &Change, commit_key: Option<&str>) -> Option<String> {
    let own = change
        .after
        .as_ref()
        .filter(|_| is_in_record(&change.kind))
        .and_then(|after| after.signature());
    let needs_somebody = is_in_record(&change.kind)
        || needed_action(change).is_some()
        || change.kind == ChangeKind::PolicyChanged;
    match own {
        Some(armor) => claimed(policy, armor),
        None => commit_key.filter(|_| needs_somebody).map(str::to_owned),
    }
}

/// What `key` (by `policy`, which lists it) proved in the steps after `since` up
/// to and with `until`; none when `since` is not among the first parents of
/// `until`. What was protected then counts, and what is now.
///
/// # Errors
/// When an object can't be read.
pub(super) fn acts<'a>(
    records: &'a Records<'a>,
    folder: &str,
    graph: &Graph<'a>,
    policy: &Policy,
    key: &str,
    since: Oid,
    until: Oid,
) -> Result<Option<Vec<Act>>, Error> {
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
        // A policy that can't be read is in force nowhere: the one before stays.
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
                // What was imported as Approved rests on who imported it.
                | (
                    ChangeKind::VersionImported {
                        status: Status::Approved,
                    },
                    Some(RecordPath::Version(id)),
                ) => Some(id.clone()),
                _ => None,
            };
            acts.push(Act {
                commit: commit.id,
                phrase: change.phrase(),
                version: change.record.as_ref().and_then(RecordPath::version).cloned(),
                group: change.group().map(str::to_owned),
                approves,
            });
        }
    }
    Ok(Some(acts))
}
