//! Keys to actors, compared by material.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::credential::{Credential, fingerprint};
use crate::record::kind::{ActorId, ActorKey, Registry};
use crate::signature::{Certificate, OpenPgpFault, openpgp};

/// The standing of a key under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// It proves this actor.
    Good(ActorId),
    /// The key is this actor's, and proves nothing new.
    RetiredKey(ActorId),
    /// The key is an actor's whose rights have ended.
    RetiredActor(ActorId),
    /// It is revoked and proves nothing any more.
    Revoked(Option<ActorId>),
    /// The key is not an actor's.
    Unknown,
}

/// The owner of a key, and its end.
#[derive(Clone, Debug)]
struct Owner {
    actor: ActorId,
    key_retired: bool,
    actor_retired: bool,
}

/// The keys of a policy.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    owners: HashMap<String, Owner>,
    certificates: Rc<Vec<Certificate>>,
    /// The primary keys of each OpenPGP subkey.
    primaries: HashMap<String, Vec<String>>,
    revoked: HashSet<String>,
}

impl Keyring {
    /// Reads the keys that the policy lists. A key that can't be read, is too weak or
    /// belongs to two actors proves no actor; rules of family MR4xx report it.
    pub fn new(registry: &Registry) -> Keyring {
        let mut keyring = Keyring::default();
        let mut certificates = Vec::new();
        let mut holders: BTreeMap<String, BTreeSet<&ActorId>> = BTreeMap::new();
        let mut listed = Vec::new();
        for (id, actor) in &registry.actors {
            for key in &actor.keys {
                let Some(credential) = Credential::of(key).ok().filter(|key| key.weakness().is_none()) else {
                    continue;
                };
                let primary = credential.fingerprint();
                for (fingerprint, material) in credential.keys() {
                    holders.entry(material.clone()).or_default().insert(id);
                    if fingerprint != primary {
                        let primaries = keyring.primaries.entry(fingerprint.clone()).or_default();
                        primaries.push(primary.clone());
                    }
                    listed.push((fingerprint, material, id, ActorKey::retired(key), actor.retired));
                }
                if let Credential::OpenPgp(certificate) = credential {
                    certificates.push(*certificate);
                }
            }
        }
        for (fingerprint, material, id, key_retired, actor_retired) in listed {
            if holders[&material].len() > 1 {
                continue;
            }
            let owner = keyring.owners.entry(fingerprint).or_insert(Owner {
                actor: id.clone(),
                key_retired,
                actor_retired,
            });
            owner.key_retired |= key_retired;
        }
        keyring.certificates = Rc::new(certificates);
        keyring.revoked = registry
            .revoked
            .iter()
            .map(|revoked| fingerprint(&revoked.key))
            .collect();
        keyring
    }

    /// Returns the standing of the key with this fingerprint.
    pub fn standing(&self, key: &str) -> KeyStanding {
        let key = fingerprint(key);
        let owner = self.owners.get(&key);
        if self.is_revoked(&key) {
            return KeyStanding::Revoked(owner.map(|owner| owner.actor.clone()));
        }
        match owner {
            None => KeyStanding::Unknown,
            Some(owner) if owner.actor_retired => KeyStanding::RetiredActor(owner.actor.clone()),
            Some(owner) if owner.key_retired => KeyStanding::RetiredKey(owner.actor.clone()),
            Some(owner) => KeyStanding::Good(owner.actor.clone()),
        }
    }

    /// Whether the key of this fingerprint is revoked, itself or with its
    /// primary key.
    pub fn is_revoked(&self, key: &str) -> bool {
        let key = fingerprint(key);
        let with_primary = || {
            let primaries = self.primaries.get(&key);
            primaries.is_some_and(|primaries| primaries.iter().any(|key| self.revoked.contains(key)))
        };
        self.revoked.contains(&key) || with_primary()
    }

    /// Whether a key is the named one, or a subkey of it.
    pub fn belongs_to(&self, key: &str, named: &str) -> bool {
        let (key, named) = (fingerprint(key), fingerprint(named));
        key == named
            || self
                .primaries
                .get(&key)
                .is_some_and(|primaries| primaries.contains(&named))
    }

    /// Returns the fingerprint of the listed OpenPGP key that made this signature.
    pub fn verify_openpgp(&self, armor: &str, payload: &[u8]) -> Result<String, OpenPgpFault> {
        openpgp::verify(self.certificates.iter(), armor, payload)
    }

    /// Returns the fingerprint of the key that an OpenPGP signature claims to be made by,
    /// unverified: older programs name only a part of it.
    pub fn claimed_openpgp(&self, armor: &str) -> Option<String> {
        let claimed = openpgp::issuers(armor).into_iter().next()?;
        let means = |key: &&String| match key.len() {
            40 => key.ends_with(&claimed),
            64 => key.starts_with(&claimed),
            _ => false,
        };
        Some(self.owners.keys().find(means).cloned().unwrap_or(claimed))
    }
}
