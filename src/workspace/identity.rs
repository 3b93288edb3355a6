//! The configured signing key, and the actor that it belongs to.

use std::collections::HashMap;

use crate::base::Error;
use crate::git::Repo;
use crate::git::sign::{GitSigner, Signer};
use crate::judge::history::COMMIT_NAMESPACE;
use crate::record::kind::{ActorId, ActorKey};
use crate::trust::{Credential, KeyStanding, Policy, Verdict, actor_key};

/// The user's signing key.
pub struct Identity {
    /// The signer.
    pub signer: GitSigner,
    /// The key's fingerprint; for OpenPGP the primary key's.
    pub fingerprint: String,
    /// The public key, as the policy writes it.
    pub key: ActorKey,
}

impl Identity {
    /// Returns the configured key, for signing.
    ///
    /// # Errors
    /// No key is configured.
    pub fn configured(repo: &Repo) -> Result<Identity, Error> {
        Identity::of(&repo.settings().signing(), repo)
    }

    /// Returns the configured key for a command that only reads. It runs no program
    /// that the repository's own files name.
    ///
    /// # Errors
    /// No key is configured.
    pub fn to_look(repo: &Repo) -> Result<Identity, Error> {
        Identity::of(&repo.settings().signing_to_look(), repo)
    }

    fn of(config: &HashMap<String, String>, repo: &Repo) -> Result<Identity, Error> {
        // Git resolves a relative path from the top of the work tree.
        let directory = repo.workdir().unwrap_or(repo.directory());
        let signer = GitSigner::from_config(config, directory)?;
        let key = actor_key(&signer.public_key()?);
        let credential = Credential::of(&key).map_err(|why| {
            Error::msg(format!("the signing key can't be used: {why}"))
                .hint("make one: `ssh-keygen -t ed25519`")
        })?;
        Ok(Identity {
            signer,
            fingerprint: credential.fingerprint(),
            key: match credential {
                Credential::Ssh(key) => ActorKey::Ssh(key.to_openssh()),
                Credential::OpenPgp(_) => key,
            },
        })
    }

    /// Signs a commit, and checks that the signature is this actor's: a program may
    /// sign with a key that the policy does not list.
    ///
    /// # Errors
    /// Signing fails, or the signature is not this actor's.
    pub fn sign_commit(&self, policy: &Policy, actor: &ActorId, buffer: &[u8]) -> Result<String, Error> {
        let signature = self.signer.sign(COMMIT_NAMESPACE, buffer)?;
        match Verdict::of_signature(policy, &signature, COMMIT_NAMESPACE, buffer) {
            Verdict::Actor { id, .. } if id == *actor => Ok(signature),
            verdict => {
                let error = Error::msg(format!(
                    "what your signing program made does not prove `{actor}`: {}",
                    verdict.words()
                ));
                Err(match self.key {
                    ActorKey::OpenPgp(_) => error.hint(format!(
                        "if your certificate has changed, the registry needs the new one: `gpg --armor --export {} > me.asc`, then `modelry actor add-key {actor} --key me.asc`",
                        self.fingerprint
                    )),
                    _ => error.hint("`modelry whoami` shows your key"),
                })
            }
        }
    }

    /// Returns the actor whom the key belongs to under this policy.
    ///
    /// # Errors
    /// The key belongs to no actor.
    pub fn actor(&self, policy: &Policy) -> Result<ActorId, Error> {
        let error = match policy.keys.standing(&self.fingerprint) {
            KeyStanding::Good(id) => return Ok(id),
            KeyStanding::RetiredKey(id) => Error::msg(format!(
                "your signing key {} of `{id}` is retired",
                self.fingerprint
            )),
            KeyStanding::RetiredActor(id) => Error::msg(format!("`{id}` is retired")),
            KeyStanding::Revoked(_) => {
                Error::msg(format!("your signing key {} is revoked", self.fingerprint))
            }
            KeyStanding::Unknown => Error::msg(format!(
                "your signing key {} belongs to no actor of this registry",
                self.fingerprint
            )),
        };
        Err(match policy.keys.standing(&self.fingerprint) {
            KeyStanding::RetiredActor(_) => {
                error.hint("an actor who is retired signs nothing new: `modelry actor list` tells who may")
            }
            KeyStanding::Unknown => {
                error.hint("`modelry whoami` shows your key, and the line to send to an administrator")
            }
            _ => error.hint(
                "sign with another key: `git config user.signingkey FILE`; `modelry whoami` then shows it, and the line to send to an administrator",
            ),
        })
    }
}
