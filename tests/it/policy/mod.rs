//! The policy: who may change it, what a change means, how it is shown, and what its
//! fields do.

mod by_hand;
mod change;
mod effect;
pub mod emergency;
mod fields;
mod pages;
mod revoking;
mod seen;
