//! Checkpoints: a signed statement of how far a history was found clean, and the log
//! of the mainline that it commits to.

mod format;
mod growth;
mod log;

pub use format::{CHECKPOINT_NAMESPACE, Checkpoint, LARGEST_CHECKPOINT};
pub use growth::{Mainline, Mismatch};
