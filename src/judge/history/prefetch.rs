//! Prefetching for the judge by other threads: they read the documents that a step adds
//! and verify signatures. Only work that depends on bytes alone is done here, so neither
//! the thread nor the order changes a result. The judge does all work that is not done
//! yet.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{COMMIT_NAMESPACE, Replay};
use crate::base::{Error, Oid};
use crate::object::{Commit, Mode, Objects, SignatureKind};
use crate::record::change;
use crate::record::kind::RecordPath;
use crate::record::snapshot::{self, ReadAhead, Records, Snapshot};
use crate::signature::{self, PublicKey, SignatureFault};

/// The number of steps that are prepared before the judge reaches them; more would only
/// take memory.
const FURTHEST: usize = 128;

/// The signers of commits with an SSH signature, by the commit's id.
pub(super) type Signers = Arc<Mutex<HashMap<Oid, Result<PublicKey, SignatureFault>>>>;

/// Results that are prepared for the judge, shared by its threads.
pub struct Prefetch<'c> {
    /// The steps, in the order in which they are judged.
    commits: &'c [Commit],
    folder: &'c str,
    /// The registry whose records are signed.
    registry_id: String,
    state: Mutex<State>,
    moved: Condvar,
    documents: ReadAhead,
    signers: Signers,
}

/// How far everybody is.
struct State {
    /// The next step that no thread has taken.
    next: usize,
    /// The step that the judge is at.
    judged: usize,
    /// Taken, and not done yet.
    open: Vec<usize>,
    is_over: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'c> Prefetch<'c> {
    /// Builds the prefetch of these steps, which `replay` is to judge, of the registry of
    /// this id.
    pub fn new(commits: &'c [Commit], replay: &Replay<'c>, registry_id: String) -> Prefetch<'c> {
        Prefetch {
            commits,
            folder: replay.folder,
            registry_id,
            state: Mutex::new(State {
                next: 0,
                judged: 0,
                open: Vec::new(),
                is_over: false,
            }),
            moved: Condvar::new(),
            documents: replay.records.ahead(),
            signers: replay.signers.clone(),
        }
    }

    /// Prepares one step after the other, until the judge is done.
    pub fn work(&self, objects: &dyn Objects) {
        while let Some(taken) = self.take() {
            // The judge meets the same error, and reports it.
            let _ = self.prepare(objects, taken.index);
        }
    }

    /// Returns the next step that no thread has taken, once it is not too far ahead.
    fn take(&self) -> Option<Taken<'_, 'c>> {
        let mut state = locked(&self.state);
        while !state.is_over && state.next < self.commits.len() {
            if let Some(taken) = self.claim(&mut state) {
                return Some(taken);
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        None
    }

    /// Waits for a step that another thread has begun, and prepares other steps
    /// meanwhile. A step that no thread has begun is left to the judge.
    pub fn reach(&self, objects: &dyn Objects, index: usize) {
        let mut state = locked(&self.state);
        state.judged = index;
        state.next = state.next.max(index + 1);
        self.moved.notify_all();
        while state.open.contains(&index) {
            match self.claim(&mut state) {
                Some(taken) => {
                    drop(state);
                    let _ = self.prepare(objects, taken.index);
                    drop(taken);
                    state = locked(&self.state);
                }
                None => state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Takes the next step that no thread has taken, unless it is too far ahead.
    fn claim(&self, state: &mut State) -> Option<Taken<'_, 'c>> {
        let index = state.next;
        if index >= self.commits.len() || index >= state.judged + FURTHEST {
            return None;
        }
        state.next += 1;
        state.open.push(index);
        Some(Taken { ahead: self, index })
    }

    fn prepare(&self, objects: &dyn Objects, index: usize) -> Result<(), Error> {
        let Some(commit) = self.commits.get(index) else {
            return Ok(());
        };
        if let Some(signature) = commit
            .signature
            .as_ref()
            .filter(|signature| signature.kind == SignatureKind::Ssh && commit.is_strict())
        {
            let signer = signature::verify(&signature.armor, COMMIT_NAMESPACE, &commit.payload);
            locked(&self.signers).insert(commit.id, signer);
        }
        // The judge itself reads the step before the first.
        let Some(before) = index.checked_sub(1).and_then(|before| self.commits.get(before)) else {
            return Ok(());
        };
        let records = Records::new(objects);
        let prior = Snapshot::at(&records, before.tree, self.folder)?;
        let next = Snapshot::at(&records, commit.tree, self.folder)?;
        for file in change::files(&prior, &next)?.changes {
            let path = std::str::from_utf8(&file.path).ok().and_then(RecordPath::parse);
            let (Some(path), Some((Mode::File, id))) = (path, file.after) else {
                continue;
            };
            let loaded = snapshot::read(objects, &path, id)?;
            if let Some(armor) = loaded.signature()
                && SignatureKind::of(armor) == SignatureKind::Ssh
            {
                let _ = loaded.ssh_signer(&self.registry_id, &path, armor);
            }
            locked(&self.documents).insert((id, path), Arc::new(loaded));
        }
        Ok(())
    }
}

/// A step that a thread works on. It is marked as done even if the thread panics, since
/// the judge waits for it.
struct Taken<'t, 'c> {
    ahead: &'t Prefetch<'c>,
    index: usize,
}

impl Drop for Taken<'_, '_> {
    fn drop(&mut self) {
        locked(&self.ahead.state).open.retain(|open| *open != self.index);
        self.ahead.moved.notify_all();
    }
}

/// Stops the prefetching when the judge is done, even if the judge panics.
pub struct PrefetchGuard<'t, 'c>(pub &'t Prefetch<'c>);

impl Drop for PrefetchGuard<'_, '_> {
    fn drop(&mut self) {
        locked(&self.0.state).is_over = true;
        self.0.moved.notify_all();
    }
}
