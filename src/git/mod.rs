//! Git and the disk: repositories, the git program, signing programs, hooks, files.
//!
//! This is the only room that names git2. Objects are read by id, and libgit2
//! recomputes their ids (with collision detection for SHA-1), so replace refs, grafts
//! and the commit-graph are never trusted. The git program answers where git's own
//! rules decide: which repository, which configuration, which uncommitted files,
//! which way to a remote. A repository that the two read differently is refused.
//!
//! Every step that can fail comes before a branch moves: the lock of the index, the
//! state of the work tree. A journal beside them lets the next command complete what
//! a killed one began.
//!
//! # Imports
//!
//! `base`, `object`, `signature`; of `record` the type of an address.
//!
//! # Where the next thing goes
//!
//! A call of libgit2 goes to the file of its concern (`read.rs`, `write.rs`, `remote.rs`,
//! `worktree.rs`); a call of the git program goes through `command.rs` and `program.rs`, which
//! fix its environment. A hook's installation is in `install.rs`, a signing program in `sign/`, a
//! write to a file in `disk.rs`.

mod bounded;
mod command;
mod config;
mod connection;
pub mod disk;
mod extensions;
mod fetch;
pub mod forge;
mod hooks;
pub(crate) mod install;
mod interrupted;
mod loose;
mod merge;
mod moving;
mod open;
mod program;
mod promised;
mod pushed;
mod read;
mod remote;
pub mod sign;
mod uncommitted;
mod unfinished;
mod user_key;
mod worktree;
mod write;

pub use bounded::{Bounded, Budget, Metered};
pub use config::Scope;
pub use fetch::Fetch;
pub use interrupted::is_interrupted;
pub use merge::merge_text;
pub use moving::{Move, Moving};
pub use pushed::{MOVED_MEANWHILE, Pushed, may_pass};
pub use read::{GitObjects, Head, Repo};
pub use remote::kept_as;
pub use uncommitted::Uncommitted;
pub use user_key::UserKey;
pub use worktree::{Edits, Following};
pub use write::AdvanceError;

use crate::base::Error;

/// Adds what was tried to an error of libgit2.
fn failed(what: impl Into<String>) -> impl FnOnce(git2::Error) -> Error {
    let what = what.into();
    move |source| {
        let what = format!("{what}: {}", source.message());
        let hints = match () {
            () if is_full(&source) => {
                vec!["the disk is full: make room, and run the command again".to_owned()]
            }
            () if source.message().contains("ermission denied") || source.message().contains("ead-only") => {
                vec!["the repository can't be written by you: look at its owner and mode".to_owned()]
            }
            () => Vec::new(),
        };
        Error::Message { what, hints }
    }
}

fn is_full(error: &git2::Error) -> bool {
    let said = error.message();
    said.contains("No space left") || said.contains("quota exceeded") || said.contains("File too large")
}

fn oid(id: git2::Oid) -> crate::base::Oid {
    crate::base::Oid::from_bytes(id.as_bytes())
        .unwrap_or_else(|| unreachable!("libgit2 gives ids of 20 or 32 bytes"))
}
