//! The configured signing key, as an actor.

use crate::access::{KeyStanding, Policy};
use crate::error::Error;
use crate::model::ActorId;
use crate::sign::{GitSigner, Signer};
use crate::verify::PublicKey;

/// The signing key as an actor.
pub struct Me {
    /// Signs.
    pub signer: GitSigner,
    /// The key's fingerprint.
    pub fingerprint: String,
    /// The public key as an OpenSSH line.
    pub line: String,
}

impl Me {
    /// The configured key.
    ///
    /// # Errors
    /// When there is none.
    pub fn configured(directory: &std::path::Path) -> Result<Me, Error> {
        let signer = GitSigner::from_config(directory)?;
        let line = signer.public_key()?;
        let key = PublicKey::parse(&line).map_err(|why| {
            Error::told(format!("the signing key can't be used: {why}"))
                .hint("make one: `ssh-keygen -t ed25519`")
        })?;
        Ok(Me {
            signer,
            fingerprint: key.fingerprint(),
            line: key.to_openssh(),
        })
    }

    /// The actor whom the key proves under this policy.
    ///
    /// # Errors
    /// When it proves nobody.
    pub fn actor(&self, policy: &Policy) -> Result<ActorId, Error> {
        let error = match policy.keys.standing(&self.fingerprint) {
            KeyStanding::Good(id) => return Ok(id),
            KeyStanding::RetiredKey(id) => Error::told(format!(
                "your signing key {} of `{id}` is retired",
                self.fingerprint
            )),
            KeyStanding::RetiredActor(id) => Error::told(format!("`{id}` is retired")),
            KeyStanding::Revoked(_) => {
                Error::told(format!("your signing key {} is revoked", self.fingerprint))
            }
            KeyStanding::Unknown => Error::told(format!(
                "your signing key {} belongs to no actor of this registry",
                self.fingerprint
            )),
        };
        Err(error.hint("`modelry whoami` shows your key, and the line to send to an administrator"))
    }
}
