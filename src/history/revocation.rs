//! What a key proved between two commits of the mainline.

use super::{COMMIT_NAMESPACE, chain_if, read_commit};
use crate::access::{is_authored, needed_action};
use crate::change::{self, Change, ChangeKind};
use crate::error::Error;
use crate::model::{Decision, RecordPath, VersionId};
use crate::raw::{Commit, Oid};
use crate::snapshot::{Records, Snapshot};
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
    /// The version that it approves, if it is an approval.
    pub approves: Option<VersionId>,
}

/// The fingerprint of the key that signed a commit.
pub(super) fn signer(commit: &Commit) -> Option<String> {
    let signature = commit.signature.as_ref()?;
    let key = verify::verify(&signature.armor, COMMIT_NAMESPACE, &commit.payload).ok()?;
    Some(key.fingerprint())
}

/// Whether a change is proven by this key: by the record's own signature, else
/// by the commit's.
fn is_proven_by(change: &Change, key: &str, commit_key: Option<&str>) -> bool {
    let own = change
        .after
        .as_ref()
        .filter(|_| is_authored(&change.kind))
        .and_then(|after| after.signature());
    let needs_somebody = is_authored(&change.kind)
        || needed_action(change).is_some()
        || change.kind == ChangeKind::PolicyChanged;
    match own {
        // What does not verify is a finding of its own step.
        Some(armor) => verify::peek(armor).is_some_and(|signer| signer.fingerprint() == key),
        None => needs_somebody && commit_key == Some(key),
    }
}

/// What `key` proved in the steps after `since` up to and with `until`; none
/// when `since` is not among the first parents of `until`.
///
/// # Errors
/// When an object can't be read.
pub(super) fn acts(
    records: &Records<'_>,
    folder: &str,
    key: &str,
    since: Oid,
    until: Oid,
) -> Result<Option<Vec<Act>>, Error> {
    let objects = records.objects();
    let Some(commits) = chain_if(objects, since, until)? else {
        return Ok(None);
    };
    let mut acts = Vec::new();
    for commit in commits {
        let Some(parent) = commit.parents.first() else {
            continue;
        };
        let prior = Snapshot::at(records, read_commit(objects, *parent)?.tree, folder)?;
        let next = Snapshot::at(records, commit.tree, folder)?;
        let changes = change::diff(&prior, &next)?.changes;
        if changes.is_empty() {
            continue;
        }
        let commit_key = signer(&commit);
        for change in changes {
            if !is_proven_by(&change, key, commit_key.as_deref()) {
                continue;
            }
            let approves = match (&change.kind, &change.record) {
                (
                    ChangeKind::Reviewed {
                        decision: Decision::Approved,
                        ..
                    },
                    Some(RecordPath::Review(id, _)),
                ) => Some(id.clone()),
                _ => None,
            };
            acts.push(Act {
                commit: commit.id,
                phrase: change.phrase(),
                group: change.group().map(str::to_owned),
                approves,
            });
        }
    }
    Ok(Some(acts))
}
