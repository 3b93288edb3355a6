//! Bytes and keys to a verdict, in this process: no program named by anybody's
//! configuration is asked whether a signature is good.

mod key;
mod ssh;

pub use key::PublicKey;
pub use ssh::{SignatureFault, peek, verify};
