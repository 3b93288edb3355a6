//! The audit of a registry: everything that the judge saw from the root to the tip, in
//! a form that an outsider can check. It also holds the mainline as a log, with
//! checkpoints that record how far an audit found it clean.

mod flags;
mod ledger;
mod report;
pub(crate) mod view;

pub(crate) use flags::{flags, from_top};
pub use ledger::{Ending, Ledger};
pub use report::{
    Again, Approval, Audit, Confirmed, Counted, Event, GateOutcome, Given, Group, Import, Live, Means,
    Outcome, PinOrigin, PriorKnowledge, Proof, Serving, Signer, State, Uses,
};
