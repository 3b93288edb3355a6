//! Moves a branch together with the index and the work tree. Every step that can fail
//! comes before the branch moves: the lock of the index is taken, the files are
//! written, and the new index is prepared. If the process is killed in between, the
//! journal describes the move, and the next command completes or undoes it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::worktree::{Edits, Following};
use super::write::AdvanceError;
use super::{Repo, UserKey, interrupted};
use crate::base::{Error, FullRef, Oid};
use crate::git::disk::{self, io};

/// The move of a branch from one commit to another.
#[derive(Clone, Copy, Debug)]
pub struct Move<'m> {
    /// The branch, by its full name.
    pub branch: &'m FullRef,
    /// Its tip before, or `None` for a new branch.
    pub old: Option<Oid>,
    /// Its tip after.
    pub new: Oid,
    /// The tree before, or `None` when nothing was checked out.
    pub from: Option<Oid>,
    /// The tree after.
    pub to: Oid,
}

/// The way in which a branch moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Way {
    /// This program moves it to a commit that it made.
    Commit,
    /// Git moves it forward to a commit of the remote.
    Forward,
    /// Only the branch moves; no work tree follows it.
    Branch,
}

/// The journal of a move, for recovery after a kill.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The git directory; a journal is void in another one.
    pub place: String,
    pub way: Way,
    pub branch: String,
    pub old: Option<String>,
    pub new: String,
    pub from: String,
    pub to: String,
    /// The content of the index's lock, which distinguishes it from other locks.
    pub mark: String,
    /// Files that stay as they are on disk, regardless of the trees.
    pub left: Vec<String>,
    /// Whether the files are written and the new index is prepared.
    pub ready: bool,
}

/// The paths of a move's files, in the git directory of its work tree.
pub(super) struct Places {
    /// The guard, locked by the working process.
    pub guard: PathBuf,
    pub journal: PathBuf,
    /// The new index.
    pub index: PathBuf,
    /// Git's own lock of the index.
    pub index_lock: PathBuf,
    /// The git directory.
    pub place: String,
    /// Authenticates the journal: a git directory may come from anybody, and a
    /// journal makes git write and remove files. Without a key there is no journal.
    key: Option<UserKey>,
}

impl Places {
    fn write(&self, journal: &Journal) -> Result<(), Error> {
        let bytes = serde_json::to_vec(journal).unwrap_or_default();
        let sealed = self
            .key
            .as_ref()
            .and_then(|key| key.sealed(&self.journal, &bytes));
        sealed.map_or(Ok(()), |bytes| disk::write_file(&self.journal, &bytes))
    }

    /// Reads the journal that this user's own command left in this git directory.
    pub fn read(&self) -> Option<Journal> {
        let bytes = self.key.as_ref()?.read(&self.journal)?;
        let journal: Journal = serde_json::from_slice(&bytes).ok()?;
        (journal.place == self.place).then_some(journal)
    }

    /// Removes the journal, if there is one.
    pub fn forget(&self) -> Result<(), Error> {
        match std::fs::remove_file(&self.journal) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io("remove", &self.journal)(error))
            }
            _ => Ok(()),
        }
    }
}

/// A prepared move: the files and the new index are written, and the branch has not
/// moved. Dropping it undoes the move.
pub struct Moving<'r> {
    repo: &'r Repo,
    places: Places,
    journal: Journal,
    notes: Vec<String>,
    is_over: bool,
    /// The guard, held until the end.
    _guard: File,
}

impl Repo {
    pub(super) fn places(&self) -> Places {
        let folder = self.raw.path().join("modelry").join("moving");
        let mut index_lock = self.index_file().into_os_string();
        index_lock.push(".lock");
        Places {
            guard: folder.join("guard"),
            journal: folder.join("journal.json"),
            index: folder.join("index"),
            index_lock: index_lock.into(),
            place: self.place(),
            key: UserKey::of_user(self),
        }
    }

    fn place(&self) -> String {
        let path = self.raw.path();
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real.to_string_lossy().into_owned()
    }

    fn journal(&self, step: &Move<'_>, way: Way) -> Journal {
        Journal {
            place: self.place(),
            way,
            branch: step.branch.to_string(),
            old: step.old.map(|id| id.to_string()),
            new: step.new.to_string(),
            from: step.from.unwrap_or_else(|| self.empty_tree()).to_string(),
            to: step.to.to_string(),
            mark: format!("modelry moves {} to {}\n", step.branch, step.new),
            left: Vec::new(),
            ready: false,
        }
    }

    /// Moves a branch that no work tree follows, as [`Repo::advance`] does. While
    /// another command moves a branch here, it works without a journal.
    pub fn advance_alone(
        &self,
        branch: &FullRef,
        old: Option<Oid>,
        new: Oid,
        log: &str,
    ) -> Result<(), AdvanceError> {
        let places = self.places();
        let folder = places.guard.parent().unwrap_or(Path::new("."));
        let guard = match std::fs::create_dir_all(folder) {
            Ok(()) => disk::try_lock(&places.guard).ok().flatten(),
            Err(_) => None,
        };
        if guard.is_some() {
            interrupted::settle(self, &places).map_err(AdvanceError::Other)?;
            let empty = self.empty_tree();
            let step = Move {
                branch,
                old,
                new,
                from: None,
                to: empty,
            };
            places
                .write(&self.journal(&step, Way::Branch))
                .map_err(AdvanceError::Other)?;
        }
        let moved = self.advance(branch, old, new, log);
        if guard.is_some() {
            let _ = places.forget();
        }
        moved
    }

    /// Moves the checked-out branch forward to a descendant, with the work tree and
    /// the index. Git itself protects uncommitted changes.
    ///
    /// # Errors
    /// Git refuses the move; nothing has changed.
    pub fn fast_forward(&self, step: &Move<'_>) -> Result<(), Error> {
        let places = self.places();
        let folder = places.guard.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        let _guard = guarded(&places.guard)?;
        interrupted::settle(self, &places)?;
        places.write(&self.journal(step, Way::Forward))?;
        let merged = self.merge_forward(step.new);
        places.forget()?;
        merged
    }

    /// Prepares the move of a branch that is checked out: its files and a new index,
    /// as `git checkout` makes them. Returns `None` where nothing is checked out.
    ///
    /// # Errors
    /// The index is locked, or a file can't be written; nothing has changed.
    pub fn begin_move(
        &self,
        step: &Move<'_>,
        edits: &Edits,
        following: &Following,
    ) -> Result<Option<Moving<'_>>, Error> {
        let Some(git) = self.program()? else {
            return Ok(None);
        };
        // Without an index, nothing was ever checked out.
        if step.from.is_some() && !self.index_file().exists() {
            return Ok(None);
        }
        let places = self.places();
        let folder = places.guard.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        let guard = guarded(&places.guard)?;
        let mut notes = interrupted::settle(self, &places)?;
        let journal = Journal {
            left: following.hidden().cloned().collect(),
            ..self.journal(step, Way::Commit)
        };
        places.write(&journal)?;
        let mut moving = Moving {
            repo: self,
            places,
            journal,
            notes: Vec::new(),
            is_over: false,
            _guard: guard,
        };
        hold(&moving.places.index_lock, &moving.journal.mark)?;
        // A leftover index is abandoned: the guard is held, and there is no journal.
        let _ = std::fs::remove_file(&moving.places.index);
        let _ = std::fs::remove_file(moving.places.index.with_extension("lock"));
        let scratch = git.on(&moving.places.index)?;
        let told = scratch
            .follow((&moving.journal.from, &moving.journal.to), edits, following)
            .map_err(|error| {
                Error::msg(format!("the work tree can't follow the commit: {error}"))
                    .hint("nothing was changed; when that is out of the way, run the command again")
            })?;
        notes.extend(told);
        moving.notes = notes;
        moving.journal.ready = true;
        moving.places.write(&moving.journal)?;
        Ok(Some(moving))
    }
}

impl Moving<'_> {
    /// Replaces the index with the new one, after the branch has moved. Returns notes
    /// for the user.
    ///
    /// # Errors
    /// The index can't be written; the next command tries again.
    pub fn finish(mut self) -> Result<Vec<String>, Error> {
        self.is_over = true;
        put_in_place(self.repo, &self.places)?;
        Ok(std::mem::take(&mut self.notes))
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // The journal keeps what can't be undone now for the next command.
            let _ = interrupted::take_back(self.repo, &self.places, &self.journal);
        }
    }
}

/// Replaces the index with the new one, and removes the move's files and locks.
pub(super) fn put_in_place(repo: &Repo, places: &Places) -> Result<(), Error> {
    let index = repo.index_file();
    if places.index.exists() {
        std::fs::rename(&places.index, &index).map_err(io("write", &index))?;
    }
    let _ = std::fs::remove_file(&places.index_lock);
    places.forget()
}

/// Takes the guard; waits up to a second for another command that moves this work
/// tree.
fn guarded(path: &Path) -> Result<File, Error> {
    disk::patiently(|| disk::try_lock(path))?.ok_or_else(|| {
        Error::msg("another `modelry` command is at work in this work tree")
            .hint("wait for it to end, and try again")
    })
}

/// Takes git's lock of the index; waits up to a second for another process that holds
/// it.
fn hold(lock: &Path, mark: &str) -> Result<(), Error> {
    let file = disk::patiently(|| match File::create_new(lock) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(io("create", lock)(error)),
    })?;
    let mut file = file.ok_or_else(|| is_locked(lock))?;
    file.write_all(mark.as_bytes()).map_err(io("write", lock))
}

/// Returns the error for an index that another process holds.
pub(super) fn is_locked(lock: &Path) -> Error {
    Error::msg(format!(
        "the index is locked by another process: {}",
        lock.display()
    ))
    .hint("wait for it to end, and try again; if none is running, remove that file")
}
