//! Signing, exactly as git would: by the programs that git's configuration
//! names, so that agents, hardware keys and password managers work, and no
//! private key enters this process.

mod git;
mod gpg;
mod key;
mod run;
mod ssh;

pub use git::GitSigner;

use crate::base::Error;

/// Somebody who can sign.
pub trait Signer {
    /// The armoured signature of these bytes in a namespace.
    ///
    /// # Errors
    /// When the signing program is missing, refuses or hangs.
    fn sign(&self, namespace: &str, payload: &[u8]) -> Result<String, Error>;

    /// The public key: an OpenSSH line, or an armoured OpenPGP certificate.
    ///
    /// # Errors
    /// When it can't be found out.
    fn public_key(&self) -> Result<String, Error>;
}
