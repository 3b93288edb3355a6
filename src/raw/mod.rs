//! Commit and tree bytes, read strictly and never through a library's idea of
//! them: what one reader skips, another may believe.

mod commit;
mod count;
mod edit;
mod objects;
mod oid;
mod tree;
mod walk;

pub use commit::{Commit, CommitSignature, Identity, SignatureKind};
pub use count::{Count, Counter};
pub use edit::{edit, place};
pub use objects::{Kept, Lately, Memory, Objects, Overlay, Shelf};
pub use oid::{ObjectFormat, ObjectKind, Oid};
pub use tree::{Entry, Mode, Tree};
pub use walk::{FileChange, Look, TreeDiff, Whole, diff, files, lookup, read_tree};
