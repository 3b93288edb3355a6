//! The network: artifacts that are fetched, and events that are delivered.
//!
//! [`fetch`] brings the files of a version to a folder, over file, https and s3, and
//! hashes them on the way; a file counts when its digest agrees, never because of where
//! it came from. [`notify`] delivers events to a receiver or a program, each at least
//! once and in order, with a cursor on disk that says how far.
//!
//! # Imports
//!
//! `base`, `object`, `record`, `judge`, `report`, `exchange`, `git`, `workspace`.
//!
//! # Where the next thing goes
//!
//! A new transport of artifacts is a file in `fetch/`, with a test against a real server.
//! A new receiver's answer is read in `notify/answer.rs`.

pub mod fetch;
pub mod notify;
