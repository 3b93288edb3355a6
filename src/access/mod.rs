//! Who may, and who counts: the policy made ready to ask, the author of each
//! change, and the reviews that carry an approval.

mod approval;
mod author;
mod credential;
mod delegation;
mod enough;
mod gate;
mod keyring;
mod policy;
mod policy_change;
mod selection;
mod words;

pub use approval::{
    ApprovalFault, Counted, Gone, Outside, Shortfall, Standing, Tally, approval_fault, authors, dominated_by,
    tally, unproven,
};
pub use author::{Author, Carrier, Carriers, Charge, Verdict, author, is_authored, is_in_record};
pub use credential::{Credential, actor_key, fingerprint};
pub use delegation::{DelegationFault, delegation_fault, is_reported, reporter};
pub use enough::are_enough;
pub use gate::{
    GateResult, PlacedGate, absent_in_gates, compile as compile_gate, gate_demand, gates_of_changes,
    judge_gates,
};
pub use keyring::{KeyStanding, Keyring};
pub use policy::{ApprovalNeed, Glob, Policy, group_glob, needed_action, path_glob};
pub use policy_change::{Ends, PolicyTally, ends_only_own, fast_path, tally_policy};
pub use selection::Candidate;
pub use words::{need_words, shortfall_words, turn, voice};
