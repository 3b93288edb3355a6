//! The policy in force at a commit whose history is not proven: the latest changes of
//! `registry.yaml` are judged, so that a refused text is not taken for it.

use super::replay::Replay;
use super::{policy_at, read_commit};
use crate::base::{Error, Oid};
use crate::judge::finding::Checked;
use crate::object::{self, Commit, Objects};
use crate::record::kind::REGISTRY_FILE;
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::Policy;

/// The number of steps back that are searched for changes of the policy.
const MOST_BACK: usize = 1_000;

/// The most changes of the policy that are judged.
const MOST_CHANGES: usize = 32;

impl<'a> Replay<'a> {
    /// Starts after `commit`, under the policy in force there. The latest changes of the
    /// policy are judged; the one before them is taken as given.
    ///
    /// # Errors
    /// No policy is in force there.
    pub fn after_judged(records: &'a Records<'a>, folder: &'a str, commit: Oid) -> Result<Replay<'a>, Error> {
        match refused(records, folder, commit)? {
            Some(judged) => Ok(judged),
            None => Replay::after(records, folder, commit),
        }
    }
}

/// Returns the policy in force at a commit, as [`Replay::after_judged`] does, and whether
/// the text there is another one, which was refused.
///
/// # Errors
/// No policy is in force there.
pub fn policy_in_force(
    records: &Records<'_>,
    folder: &str,
    commit: Oid,
    place: &str,
) -> Result<(Policy, bool), Error> {
    let judged = refused(records, folder, commit)?;
    match judged.and_then(|judged| judged.policy) {
        Some(policy) => Ok((policy, true)),
        None => {
            let top = read_commit(records.objects(), commit)?.tree;
            let policy = policy_at(&Snapshot::at(records, top, folder)?, place)?;
            Ok((policy, false))
        }
    }
}

/// Returns the state after the latest changes of the policy where the text at `commit`
/// was refused, and `None` where it is in force, or can't be judged.
fn refused<'a>(records: &'a Records<'a>, folder: &'a str, commit: Oid) -> Result<Option<Replay<'a>>, Error> {
    let changes = match changes(records.objects(), folder, commit) {
        // A shallow or partial clone knows no more.
        Err(Error::MissingObject { .. }) => return Ok(None),
        changes => changes?,
    };
    let mut changes = changes.iter().rev();
    let first = changes.find_map(|commit| Replay::after(records, folder, commit.id).ok());
    let Some(mut replay) = first else { return Ok(None) };
    for change in changes {
        match replay.step(change) {
            Err(Error::MissingObject { .. }) => return Ok(None),
            step => step?,
        };
    }
    let Some(policy) = &replay.policy else {
        return Ok(None);
    };
    let top = read_commit(records.objects(), commit)?.tree;
    let text = Snapshot::at(records, top, folder)?.registry()?;
    if text.is_some_and(|text| text.value() == policy.source.value()) {
        return Ok(None);
    }
    // These steps belong to the history before, not to what is judged from here.
    replay.checked = Checked::default();
    Ok(Some(replay))
}

/// Lists the latest steps up to `commit` that change the text of the policy, newest
/// first, and the last commit that was looked at.
fn changes(objects: &dyn Objects, folder: &str, commit: Oid) -> Result<Vec<Commit>, Error> {
    let path = match folder {
        "" => REGISTRY_FILE.to_owned(),
        folder => format!("{folder}/{REGISTRY_FILE}"),
    };
    let text = |commit: &Commit| -> Result<Option<Oid>, Error> {
        Ok(object::lookup(objects, commit.tree, &path)?.map(|entry| entry.id))
    };
    let mut found = Vec::new();
    let mut at = read_commit(objects, commit)?;
    let mut here = text(&at)?;
    for _ in 0..MOST_BACK {
        let Some(parent) = at.parents.first() else { break };
        let parent = match read_commit(objects, *parent) {
            Err(Error::MissingObject { .. }) => break,
            parent => parent?,
        };
        let before = text(&parent)?;
        let is_change = here != before;
        let at_before = std::mem::replace(&mut at, parent);
        here = before;
        if is_change {
            found.push(at_before);
            if found.len() == MOST_CHANGES {
                break;
            }
        }
    }
    found.push(at);
    Ok(found)
}
