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

/// The most steps back in which changes of the policy are searched. Every judgement of a
/// range takes this search, so its cost must not grow with the history.
const MOST_BACK: usize = 128;

/// The most changes of the policy that are judged.
const MOST_CHANGES: usize = 32;

impl<'a> Replay<'a> {
    /// Starts after `commit`, under the policy in force there. The latest changes of the
    /// policy are judged; the one before them is taken as given.
    ///
    /// # Errors
    /// No policy is in force there.
    pub fn after_judged(records: &'a Records<'a>, folder: &'a str, commit: Oid) -> Result<Replay<'a>, Error> {
        match refused(records, folder, commit, None)? {
            Some(judged) => Ok(judged),
            None => Replay::after(records, folder, commit),
        }
    }
}

/// Returns the policy in force at a commit, as [`Replay::after_judged`] does, and whether
/// the text there is another one, which was refused. The search ends at the commit up to
/// which the history is `verified`, if there is one; with it comes the commit that put the
/// policy there into force.
///
/// # Errors
/// No policy is in force there.
pub fn policy_in_force(
    records: &Records<'_>,
    folder: &str,
    commit: Oid,
    place: &str,
    verified: Option<(Oid, Oid)>,
) -> Result<(Policy, bool), Error> {
    let judged = refused(records, folder, commit, verified)?;
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
fn refused<'a>(
    records: &'a Records<'a>,
    folder: &'a str,
    commit: Oid,
    verified: Option<(Oid, Oid)>,
) -> Result<Option<Replay<'a>>, Error> {
    let changes = match changes(records.objects(), folder, commit, verified) {
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
/// first, and the last commit that was looked at, or that put the verified policy into
/// force.
fn changes(
    objects: &dyn Objects,
    folder: &str,
    commit: Oid,
    verified: Option<(Oid, Oid)>,
) -> Result<Vec<Commit>, Error> {
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
        if let Some((point, policy)) = verified
            && point == at.id
        {
            at = read_commit(objects, policy)?;
            break;
        }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::base::{ObjectFormat, ObjectKind};
    use crate::object::Memory;

    /// Counts the objects that are read.
    struct Counting {
        memory: Memory,
        reads: Cell<usize>,
    }

    impl Objects for Counting {
        fn format(&self) -> ObjectFormat {
            self.memory.format()
        }

        fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
            self.reads.set(self.reads.get() + 1);
            self.memory.read(id, kind)
        }
    }

    /// 300 steps without a change of the policy.
    fn history() -> (Counting, Vec<Oid>) {
        let memory = Memory::new(ObjectFormat::Sha1);
        let policy = memory.insert(ObjectKind::Blob, b"policy".to_vec());
        let mut steps: Vec<Oid> = Vec::new();
        for number in 0..300 {
            let other = memory.insert(ObjectKind::Blob, format!("{number}").into_bytes());
            let mut tree = Vec::new();
            for (name, id) in [("a", other), ("registry.yaml", policy)] {
                tree.extend(format!("100644 {name}\0").into_bytes());
                tree.extend(id.as_bytes());
            }
            let tree = memory.insert(ObjectKind::Tree, tree);
            let parent = steps
                .last()
                .map_or_else(String::new, |tip| format!("parent {tip}\n"));
            let text = format!(
                "tree {tree}\n{parent}author x <x> {number} +0000\ncommitter x <x> {number} +0000\n\nx\n"
            );
            steps.push(memory.insert(ObjectKind::Commit, text.into_bytes()));
        }
        let reads = Cell::new(0);
        (Counting { memory, reads }, steps)
    }

    #[test]
    fn what_is_read_does_not_grow_with_the_history() {
        let (store, steps) = history();
        let tip = steps[299];
        let reads = |verified: Option<(Oid, Oid)>| {
            store.reads.set(0);
            let found = changes(&store, "", tip, verified).expect("a history");
            assert_eq!(found.len(), 1);
            store.reads.get()
        };
        assert_eq!(reads(None), 2 * (MOST_BACK + 1));
        // The point is the tip, or three steps before it.
        assert!(reads(Some((tip, steps[0]))) <= 3);
        assert!(reads(Some((steps[296], steps[0]))) <= 9);
    }
}
