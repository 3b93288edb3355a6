//! Signatures: bytes and a public key to a verdict.
//!
//! SSH signatures (OpenSSH's PROTOCOL.sshsig) and OpenPGP signatures (RFC 9580, and RFC
//! 4880 for older keys) are verified here, in this process, without a key ring, a
//! configuration or a clock. Whether a key has any rights is not known here: `trust` asks
//! the policy.
//!
//! A build without the feature `openpgp` has the same functions, and each answers that
//! this build can't verify.
//!
//! # Imports
//!
//! No other room.
//!
//! # Where the next thing goes
//!
//! A new kind of key is read in `key.rs` and verified in the file of its format, with
//! vectors in `fixtures/vectors` that another program made.

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
