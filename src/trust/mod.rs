//! Trust: who may do what, and which reviews count.
//!
//! [`Policy`] is a `registry.yaml` made ready to answer: which actor a key belongs to,
//! what an actor may do to a group, what an approval needs.
//!
//! [`Author`] is the actor whom signatures prove to be behind a change.
//!
//! [`Tally`] is the count of reviews for one version. It says which count, which do not
//! and why, what is missing and who could give it.
//!
//! [`condition`] reads and evaluates the expressions of gates and of `list --where`.
//!
//! # Imports
//!
//! `base`, `object`, `signature`, `record`.
//!
//! # Where the next thing goes
//!
//! A new action that needs a grant is a variant of `Action` in `record/kind`, and its
//! line in `policy.rs`. A new reason for which a review does not count goes to
//! `approval.rs`, with its words in `words.rs`. A new variable of conditions goes to
//! `condition/kinds.rs`.

mod approval;
mod author;
pub mod condition;
mod credential;
mod delegation;
mod enough;
mod gate;
mod glob;
mod keyring;
mod policy;
mod policy_change;
mod protect;
mod selection;
mod words;

pub use approval::{
    ApprovalFault, Counted, Gone, HistoryView, Shortfall, Standing, Tally, approval_fault, authors,
    dominated_by, fault_with_grant, tally, unproven,
};
pub use author::{Author, Carrier, Carriers, MergeCharge, Verdict, author, is_authored, is_in_record};
pub use credential::{Credential, actor_key, fingerprint};
pub use delegation::{delegation_fault, is_reported};
pub use enough::are_enough;
pub use gate::{
    Cure, GateResult, PlacedGate, absent_in_gates, compile as compile_gate, gate_demand, gates_of_changes,
};
pub use glob::{Glob, group_glob, path_glob};
pub use keyring::{KeyStanding, Keyring};
pub use policy::{ApprovalNeed, Policy, needed_action};
pub use policy_change::{PolicyTally, ends_only_own, fast_path, only_ends, tally_policy};
pub use selection::Candidate;
pub use words::{need_words, shortfall_words, turn, voice};
