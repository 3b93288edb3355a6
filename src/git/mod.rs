//! The only room that names git2: objects, references, configuration, commits,
//! and the work tree that follows them.
//!
//! Objects are read by id and their ids recomputed by libgit2 (with collision
//! detection for SHA-1), so replace refs, grafts and the commit-graph are never
//! believed. Writes go object by object. The work tree and the index are git's:
//! the program itself says what is not committed, and brings them up to date for
//! the files that a commit touched.

mod bounded;
mod config;
mod connection;
mod fetch;
mod hooks;
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
mod uncommitted;
mod unfinished;
mod user_key;
mod worktree;
mod write;

pub use bounded::{Bounded, Budget};
pub use config::{Scope, Setting, Settings};
pub use fetch::Fetch;
pub use interrupted::is_interrupted;
pub use merge::merge_text;
pub use moving::{Move, Moving};
pub use open::Door;
pub use pushed::{MOVED_MEANWHILE, Pushed, may_pass};
pub use read::{GitObjects, Head, Repo};
pub use remote::{KEPT, kept_as};
pub use uncommitted::Uncommitted;
pub use user_key::UserKey;
pub use worktree::{Edits, Following};
pub use write::{AdvanceError, Ident};

use crate::error::Error;

/// An error of libgit2 with what was tried.
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
        Error::Told { what, hints }
    }
}

fn is_full(error: &git2::Error) -> bool {
    let said = error.message();
    said.contains("No space left") || said.contains("quota exceeded") || said.contains("File too large")
}

fn oid(id: git2::Oid) -> crate::raw::Oid {
    crate::raw::Oid::from_bytes(id.as_bytes())
        .unwrap_or_else(|| unreachable!("libgit2 gives ids of 20 or 32 bytes"))
}
