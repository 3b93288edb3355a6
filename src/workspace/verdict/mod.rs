//! Judging on request. `validate`, its CI jobs and the hooks make a [`JudgeRequest`],
//! and [`judge`] answers with a [`Judgement`]: a report, a page, and notes as data. Nothing
//! here prints, or knows the command line.
//!
//! | what | judged in |
//! | --- | --- |
//! | files on disk, or without their history | `files.rs`, with `unproven.rs` for the commits below |
//! | the index, before a commit | `staged.rs` |
//! | a range, and steps of the mainline | `steps.rs` |
//! | a branch, as it would land | `landing.rs` |
//! | a push to a server | `push.rs` |
//! | a CI job: which of these it is | `event.rs`, `ci_job.rs` |

mod base_trust;
mod ci_job;
mod event;
mod files;
mod judgement;
mod landing;
mod occurred;
mod page;
mod push;
mod request;
mod resigned;
mod staged;
mod steps;
mod unproven;

pub use base_trust::BaseTrust;
pub use ci_job::{CiJob, CiRequest};
pub use event::{Job, System, github, gitlab};
pub use judgement::{Judgement, Notice};
pub use occurred::{Occurred, occurred};
pub use page::meaning;
pub use push::Update;
pub use request::{JudgeRequest, What, judge};
pub use steps::ensure_begun;
