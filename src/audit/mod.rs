//! The audit of a registry: what the judge saw on the way from the root to the
//! tip, told so that a stranger can check it.

mod flags;
mod ledger;
mod report;

pub use ledger::{Ending, Ledger};
pub use report::{
    AppliedRule, Approval, Audit, Counted, Event, Flag, GateOutcome, Given, Group, KeyUse, Known, Live,
    Means, Nobody, Outcome, Proof, Range, Serving, Signer, State, Trust, Uses,
};
