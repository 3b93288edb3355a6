//! Keys to actors, compared by material.

use std::collections::HashMap;

use crate::model::{ActorId, ActorKey, Registry};
use crate::verify::PublicKey;

/// What a key proves under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// It proves this actor.
    Good(ActorId),
    /// It belongs to this actor and proves nothing new.
    RetiredKey(ActorId),
    /// It belongs to an actor whose rights have ended.
    RetiredActor(ActorId),
    /// It is revoked and proves nothing any more.
    Revoked(Option<ActorId>),
    /// It belongs to nobody.
    Unknown,
}

/// The keys of a policy.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    owners: HashMap<String, (ActorId, bool, bool)>,
    revoked: HashMap<String, usize>,
}

impl Keyring {
    /// The keys that the policy lists. A key that can't be read, is too weak or
    /// belongs to two actors proves nobody; rules of family MR4xx say so.
    pub fn new(registry: &Registry) -> Keyring {
        let mut keyring = Keyring::default();
        let mut twice = Vec::new();
        for (id, actor) in &registry.actors {
            for key in &actor.keys {
                let Some(public) = key.ssh().and_then(|line| PublicKey::parse(line).ok()) else {
                    continue;
                };
                if public.weakness().is_some() {
                    continue;
                }
                let fingerprint = public.fingerprint();
                let entry = (id.clone(), ActorKey::retired(key), actor.retired);
                if let Some((other, ..)) = keyring.owners.insert(fingerprint.clone(), entry)
                    && other != *id
                {
                    twice.push(fingerprint);
                }
            }
        }
        for fingerprint in twice {
            keyring.owners.remove(&fingerprint);
        }
        for (index, revocation) in registry.revoked.iter().enumerate() {
            keyring.revoked.insert(revocation.key.clone(), index);
        }
        keyring
    }

    /// What the key of this fingerprint proves.
    pub fn standing(&self, fingerprint: &str) -> KeyStanding {
        let owner = self.owners.get(fingerprint);
        if self.revoked.contains_key(fingerprint) {
            return KeyStanding::Revoked(owner.map(|(id, ..)| id.clone()));
        }
        match owner {
            None => KeyStanding::Unknown,
            Some((id, _, true)) => KeyStanding::RetiredActor(id.clone()),
            Some((id, true, _)) => KeyStanding::RetiredKey(id.clone()),
            Some((id, ..)) => KeyStanding::Good(id.clone()),
        }
    }

    /// Whether anything is revoked at all.
    pub fn has_revocations(&self) -> bool {
        !self.revoked.is_empty()
    }

    /// Whether the key of this fingerprint is revoked.
    pub fn is_revoked(&self, fingerprint: &str) -> bool {
        self.revoked.contains_key(fingerprint)
    }
}
