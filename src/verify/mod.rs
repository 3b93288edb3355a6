//! Bytes and keys to a verdict, in this process: no program named by anybody's
//! configuration is asked whether a signature is good.

mod key;
#[cfg(feature = "openpgp")]
pub mod openpgp;
#[cfg(not(feature = "openpgp"))]
#[path = "openpgp_absent.rs"]
pub mod openpgp;
mod ssh;

pub use key::PublicKey;
pub use openpgp::{Certificate, OpenPgpFault};
pub use ssh::{SignatureFault, peek, verify};
