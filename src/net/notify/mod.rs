//! Delivers events: each to a receiver on the web or to a program, in order, at least
//! once.
//!
//! The pure parts (addresses, answers, backoff, cursor, signature) use no clock and
//! no network; the others do the input and output.

mod address;
mod answer;
mod cursor;
mod delivery;
#[cfg(unix)]
mod interrupt;
mod post;
mod program;
mod round;
mod signature;
mod track;

pub use address::Allowed;
#[cfg(feature = "testing")]
pub use cursor::Cursor;
pub use delivery::{RetryBudget, Sink};
pub use post::{Poster, Receiver};
pub use program::Program;
pub use round::{Ended, Heard, Round, Start};
pub use signature::Secrets;
pub use track::Track;
