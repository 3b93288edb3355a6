//! Who may, and who counts: the policy made ready to ask, the author of each
//! change, and the reviews that carry an approval.

mod approval;
mod author;
mod keyring;
mod policy;
mod policy_change;

pub use approval::{Counted, Outside, Shortfall, Standing, Tally, tally};
pub use author::{Author, Carrier, Verdict, author, is_authored};
pub use keyring::{KeyStanding, Keyring};
pub use policy::{ApprovalNeed, Policy, group_glob, needed_action, path_glob};
pub use policy_change::{PolicyTally, fast_path, tally_policy};
