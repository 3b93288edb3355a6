//! Bytes and keys to a verdict, in this process: no program named by anybody's
//! configuration is asked whether a signature is good.

mod ssh;

pub use ssh::{PublicKey, SignatureFault, peek, verify};
