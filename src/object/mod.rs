//! Git objects: commit and tree bytes, read strictly.
//!
//! The readers here take bytes and rely on no library: what one reader skips, another may
//! believe. A commit with two trees, a tree with two entries of one name, a header that
//! Git never wrote: each is reported.
//!
//! [`Objects`] is the seam between the core and a repository. It answers one question,
//! the bytes of an object by its id, and reports what is missing. [`Memory`] and
//! [`Overlay`] serve tests and commits that are not written yet. The caches serve from
//! memory, within a number of entries and a number of bytes.
//!
//! # Imports
//!
//! `base`.
//!
//! # Where the next thing goes
//!
//! A new header or mode that Git may write is read in `commit.rs` or `tree.rs`, with a
//! fixture of its bytes. A new walk over trees goes to `walk.rs`; a walk names the
//! folders that it enters, and reads no other.

mod commit;
mod count;
mod edit;
mod fruitless;
mod objects;
mod tree;
mod walk;

pub use commit::{Commit, SignatureKind};
pub use count::Counter;
pub use edit::{edit, place};
pub use fruitless::{Fruitless, Searched};
pub use objects::{CachedObjects, GenerationalCache, Memory, Objects, Overlay, TreeCache};
pub use tree::{Entry, Mode, Tree};
#[cfg(feature = "testing")]
pub use walk::Whole;
pub use walk::{FileChange, LARGEST, Look, TreeDiff, diff, files, lookup, read_tree};
