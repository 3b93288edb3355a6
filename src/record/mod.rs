//! Records: the content of a registry's files, and the differences between two trees.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`kind`] | the types, one file for each kind of record, and their paths |
//! | [`lifecycle`] | each way from one status to another, as a table |
//! | [`yaml`] | one text: read strictly, pointed into, edited by splice |
//! | [`schema`] | JSON Schemas made from the types; faults of a document, in words |
//! | [`canonical`], [`subject`] | canonical JSON (RFC 8785), and the digest that an approval signs |
//! | [`snapshot`] | every record at one tree, typed, read on demand |
//! | [`change`] | the differences between two snapshots, as a list of changes |
//!
//! A change is the unit of everything above: rules judge changes, grants allow changes,
//! events and logs name changes.
//!
//! # Imports
//!
//! `base`, `object`, `signature`. Inside the room, each part imports only parts before
//! it in the table.
//!
//! # Where the next thing goes
//!
//! A new way between two statuses is a row of `lifecycle.rs`. A new kind of record is a
//! file in `kind/` and a row of `kind/table.rs`: path, limits, author, action, words. It
//! has kinds of change of its own, in `change/`, only if its changes have a meaning
//! beyond added and changed. A new member of a record is a field of its type; `UPDATE=1
//! cargo test` writes its schema. A new way to edit a text goes to `yaml/edit.rs`: an
//! edit is a splice, and the result is read again and compared with the intended value.

pub mod canonical;
pub mod change;
pub mod kind;
pub mod lifecycle;
pub mod schema;
pub mod snapshot;
pub mod subject;
pub mod yaml;
