//! Judging: the faults of a change, and of a history of changes.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`finding`] | findings and notes: place, rule, reason, person, remedy |
//! | [`checkpoint`] | a signed statement of how far a history was found clean |
//! | [`rules`] | one file for each rule, and the only loop over them |
//! | [`history`] | the mainline, step by step, from the root to a tip |
//!
//! A step is judged by the policy before it, never by the one that it contains. No
//! verdict depends on a clock, a configuration or a machine: the same bytes give the same
//! findings everywhere.
//!
//! # Imports
//!
//! `base`, `object`, `signature`, `record`, `trust`. Inside the room, each part imports
//! only parts before it in the table.
//!
//! # Where the next thing goes
//!
//! A new rule is a file in `rules/` (its record, its function, its page), a line of
//! `RULES` in `rules/mod.rs` with its `mod`, and a folder in `fixtures/rules` with a case that
//! fires and one that passes. A new way to land a branch goes to `history/landing.rs`.

pub mod checkpoint;
pub mod finding;
pub mod history;
pub mod rules;
