//! Errors, object ids and words: what every other room may use.
//!
//! - [`Error`] says why a command could not look, with hints as data. It never says
//!   that something is wrong with a registry: that is a finding (`judge`).
//! - [`Oid`], [`ObjectKind`] and [`ObjectFormat`] name Git objects, in SHA-1 and SHA-256
//!   repositories.
//! - [`FullRef`] names a branch or another reference.
//! - The words are those that several rooms print: a count with its noun, a word quoted
//!   for a shell.
//!
//! # Imports
//!
//! No other room.
//!
//! # Where the next thing goes
//!
//! A new reason for failure is a variant of [`Error`], when code decides by it; otherwise
//! it is an [`Error::msg`] where it happens. A phrase that two rooms print goes to
//! `text.rs`, never a second copy.

mod error;
mod oid;
mod reference;
mod text;

pub use error::*;
pub use oid::*;
pub use reference::*;
pub use text::*;
