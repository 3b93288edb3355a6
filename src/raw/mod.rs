//! Commit and tree bytes, read strictly and never through a library's idea of
//! them: what one reader skips, another may believe.

mod objects;
mod oid;

pub use objects::{Memory, Objects, Overlay};
pub use oid::{ObjectFormat, ObjectKind, Oid};
