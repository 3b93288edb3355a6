//! One YAML text: read strictly, point into it, edit it.
//!
//! Everything that Modelry believes of a file comes from one tree built here
//! over granit-parser's events: the JSON value for the schema and canonical
//! form, line and column for any JSON pointer, and the splice for an edit.
//! What is accepted reads the same in every YAML reader, 1.1 or 1.2; the rest
//! is a [`Fault`] that shows the spelling to use.

mod build;
mod conflict;
mod edit;
mod emit;
mod place;
mod read;
mod scalar;
mod spelling;

pub use edit::Edit;
pub use emit::{EditError, spelled, write};
pub use place::{LineColumn, LineIndex, Part};
pub use read::{Document, Fault, FaultKind, Limits, pointer_step};
pub(crate) use scalar::is_hidden;
pub use scalar::{given_number, is_inexact};
pub use spelling::respelled;
