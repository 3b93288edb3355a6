//! What hooks do: judge a push on a server, judge what is staged in a clone,
//! and set themselves up.

mod install;
mod push;
mod staged;

pub use install::{Hook, Installed, install, uninstall};
pub use push::{Ruling, Update, receive};
pub use staged::{Staged, staged};
