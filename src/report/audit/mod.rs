//! The audit of a registry: what the judge saw on the way from the root to the
//! tip, told so that a stranger can check it; and the mainline as a log, with
//! checkpoints that say how far it was found clean.

mod flags;
mod ledger;
mod report;
pub(crate) mod view;

pub(crate) use flags::{flags, from_top};
pub use ledger::{Ending, Ledger};
pub use report::{
    Again, AppliedRule, Approval, Audit, Confirmed, Counted, Event, Flag, GateOutcome, Given, Group, Import,
    KeyUse, Known, Live, Means, Nobody, Outcome, PinOrigin, Proof, Range, Serving, Signer, State, Trust,
    Uses,
};
