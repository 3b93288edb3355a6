//! What hooks and CI jobs do: judge a push on a server, judge what is staged in
//! a clone, and set themselves up; and what a CI system says of its job.

mod event;
mod occurred;
mod push;
mod staged;
mod steps;

pub use event::{Job, System, Task, github, gitlab};
pub use occurred::{Occurred, occurred};
pub use push::{Update, receive};
pub use staged::{Staged, staged};
pub use steps::{Ruling, stepped};
