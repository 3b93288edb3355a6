//! Reads one YAML text strictly, locates its members, edits it.
//!
//! Everything that Modelry knows of a file comes from one tree, built here from
//! granit-parser's events: the JSON value for schema and canonical form, the line and
//! column of any JSON pointer, and the splice for an edit. Accepted text reads the same
//! in every YAML reader, 1.1 or 1.2. Any other text is a [`Fault`] that shows the
//! spelling to use.

mod build;
mod conflict;
mod edit;
mod emit;
mod given;
mod place;
mod read;
mod scalar;
mod spelling;

pub use edit::Edit;
pub use emit::{EditError, spelled, write};
pub use given::{given_number, given_scalar};
pub use place::{LineIndex, Part};
pub use read::{Document, Fault, FaultKind, Limits, pointer_step};
pub(crate) use scalar::is_hidden;
pub use scalar::is_inexact;
pub use spelling::respelled;
