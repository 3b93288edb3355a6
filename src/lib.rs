//! Modelry: a model registry that lives in a Git repository.
//!
//! # The house
//!
//! Thirteen rooms, each a folder whose first page says what it is, what it may import and
//! where to add the next thing. A room imports only rooms before it in this table;
//! `tests/it/house/rooms.rs` holds the table and refuses everything else.
//!
//! | room | what it is |
//! | --- | --- |
//! | [`base`] | errors, object ids, words |
//! | [`object`] | Git objects: commit and tree bytes, read strictly |
//! | [`signature`] | bytes and a key to a verdict |
//! | [`record`] | what files say, and what differs between two trees of them |
//! | [`trust`] | who may, and who counts: policy, authors, approvals, gates, conditions |
//! | [`mod@judge`] | what is wrong: findings, checkpoints, rules, history |
//! | [`act`] | what a verb does: a snapshot and a request to edits |
//! | [`report`] | what it amounts to: audit, summary, events, cards, and their renderings |
//! | [`exchange`] | foreign formats |
//! | [`git`] | libgit2, the git program, signing programs, hooks, files on disk |
//! | [`workspace`] | one registry in one repository: open, prove, judge on request |
//! | [`net`] | artifacts fetched, events delivered |
//! | [`cli`] | one file for each command |
//!
//! The first nine are the core: functions of values. They know no disk, process, network
//! or clock. The last four are the shell: they read, ask the core, and write.
//!
//! # How a change is judged
//!
//! 1. `git` gives the bytes of commits and trees; `object` reads them strictly.
//! 2. `record` reads the files of the tree before the step and of the tree after it, and
//!    lists the changes between the two.
//! 3. `trust` finds who made each change, by signatures and the policy of the tree before.
//! 4. `judge` applies every rule to every change, and returns findings.
//! 5. `report` renders them; `cli` prints them and ends with 0, 1, 2 or 3.
//!
//! # How a change is made
//!
//! 1. `cli` parses a request; `act` turns it and a snapshot into edits.
//! 2. The edits are judged as above, before anything is signed.
//! 3. `git` signs the commit, moves the branch with its index and files, or pushes.
//!
//! # What other programs may use
//!
//! [`run`] is the command line, and [`judge()`] answers without printing, for a server that
//! judges pushes in its own process. All else is private, so that the compiler names what
//! nobody calls. Tests, benchmarks and fuzz targets reach further in through `testing`, a
//! feature that only they switch on.

#![warn(clippy::too_many_lines, clippy::too_many_arguments)]
// The documentation is made with its private rooms (`--document-private-items`).
#![allow(rustdoc::private_intra_doc_links)]

mod act;
mod base;
mod cli;
mod exchange;
mod git;
mod judge;
mod net;
mod object;
mod record;
mod report;
mod signature;
mod trust;
mod workspace;

#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;

pub use base::{Error, Oid};
pub use cli::run;
pub use git::Budget;
pub use judge::finding::{Finding, Report};
pub use workspace::Wanted;
pub use workspace::verdict::{JudgeRequest, Judgement, Update, What, judge};
