//! Signs exactly as git would: with the programs that git's configuration names.
//! Agents, hardware keys and password managers therefore work, and no private key
//! enters this process.

mod git;
mod gpg;
mod key;
mod run;
mod ssh;

pub use git::GitSigner;

use crate::base::Error;

/// A key that can sign.
pub trait Signer {
    /// Returns the armoured signature of these bytes in a namespace.
    ///
    /// # Errors
    /// The signing program is missing, refuses or hangs.
    fn sign(&self, namespace: &str, payload: &[u8]) -> Result<String, Error>;

    /// Returns the public key: an OpenSSH line, or an armoured OpenPGP certificate.
    fn public_key(&self) -> Result<String, Error>;
}
