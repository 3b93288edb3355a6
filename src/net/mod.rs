//! The network: fetches artifacts, and delivers events.
//!
//! [`fetch`] downloads the files of a version to a folder, over file, https and s3,
//! and hashes them on the way. A file counts when its digest agrees, regardless of
//! its source. [`notify`] delivers events to a receiver or a program, each at least
//! once and in order. A cursor on disk records what was delivered.
//!
//! # Imports
//!
//! `base`, `object`, `record`, `judge`, `report`, `exchange`, `git`, `workspace`.
//!
//! # Where the next thing goes
//!
//! A new transport of artifacts is a file in `fetch/`, with a test against a real
//! server. Answers of receivers are interpreted in `notify/answer.rs`.

pub(crate) mod backoff;
pub mod fetch;
pub mod notify;
