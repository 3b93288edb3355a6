//! The author of a change.
//!
//! The author of an authored record is the signer of the record. If it has no signature
//! of its own, the author is the signer of the commit that added it. All other changes
//! belong to the signer of the commit.

use std::rc::Rc;

use super::{KeyStanding, Policy};
use crate::base::Oid;
use crate::object::SignatureKind;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{ActorId, RecordPath};
use crate::record::snapshot::Loaded;
use crate::record::subject;
use crate::signature::{self, OpenPgpFault, PublicKey, SignatureFault};

/// The actor that a signature proves, under one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This actor, with the key of this fingerprint.
    Actor {
        /// The actor.
        id: ActorId,
        /// The key.
        key: String,
    },
    /// It has no signature.
    Unsigned,
    /// The commit is not in strict form, so its signature proves no actor.
    NotStrict(Vec<String>),
    /// The signature does not verify, or can't.
    Bad(String),
    /// The key is not an actor's.
    UnknownKey(String),
    /// The key, or its actor, is retired.
    Retired {
        /// The key's owner.
        id: ActorId,
        /// The key.
        key: String,
        /// Whether it is the actor that is retired.
        actor: bool,
    },
    /// The key is revoked.
    Revoked(String),
    /// It is not signed yet, and no key is set to sign it.
    Nobody,
    /// A Git host will make the commit, and the host's signature proves no actor.
    Host,
}

impl Verdict {
    /// The verdict on a key that made a good signature.
    pub fn of_key(policy: &Policy, fingerprint: String) -> Verdict {
        match policy.keys.standing(&fingerprint) {
            KeyStanding::Good(id) => Verdict::Actor { id, key: fingerprint },
            KeyStanding::RetiredKey(id) => Verdict::Retired {
                id,
                key: fingerprint,
                actor: false,
            },
            KeyStanding::RetiredActor(id) => Verdict::Retired {
                id,
                key: fingerprint,
                actor: true,
            },
            KeyStanding::Revoked(_) => Verdict::Revoked(fingerprint),
            KeyStanding::Unknown => Verdict::UnknownKey(fingerprint),
        }
    }

    /// Returns the verdict on a detached or commit signature over `payload`, by the kind
    /// of its armour. Only SSH signatures have a namespace.
    pub fn of_signature(policy: &Policy, armor: &str, namespace: &str, payload: &[u8]) -> Verdict {
        match SignatureKind::of(armor) {
            SignatureKind::OpenPgp => match policy.keys.verify_openpgp(armor, payload) {
                Ok(fingerprint) => Verdict::of_key(policy, fingerprint),
                Err(OpenPgpFault::UnknownKey(key)) => Verdict::UnknownKey(key),
                Err(OpenPgpFault::Bad(why)) => Verdict::Bad(why),
            },
            SignatureKind::X509 => {
                Verdict::Bad("X.509 signatures are not supported: sign with SSH or OpenPGP".into())
            }
            // The reader of SSH signatures knows best which part is malformed.
            SignatureKind::Ssh | SignatureKind::Unknown => {
                Verdict::of_ssh(policy, signature::verify(armor, namespace, payload))
            }
        }
    }

    /// Returns the verdict on the result of an SSH verification.
    pub fn of_ssh(policy: &Policy, signer: Result<PublicKey, SignatureFault>) -> Verdict {
        match signer {
            Ok(key) => Verdict::of_key(policy, key.fingerprint()),
            Err(fault) => Verdict::Bad(fault.to_string()),
        }
    }

    /// Returns the verdict on the detached signature in a record at `path`, or `None` when
    /// it has none.
    pub fn of_record(policy: &Policy, path: &RecordPath, record: &Loaded) -> Option<Verdict> {
        let armor = record.signature()?;
        Some(match SignatureKind::of(armor) {
            SignatureKind::Ssh => Verdict::of_ssh(policy, record.ssh_signer(policy.id(), path, armor)),
            _ => {
                let bytes = subject::signed_bytes(policy.id(), path, record.value());
                Verdict::of_signature(policy, armor, subject::RECORD_NAMESPACE, &bytes)
            }
        })
    }

    /// The actor, when there is one.
    pub fn actor(&self) -> Option<&ActorId> {
        match self {
            Verdict::Actor { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The verdict in words.
    pub fn words(&self) -> String {
        match self {
            Verdict::Actor { id, key } => format!("`{id}`, good signature by key {key}"),
            Verdict::Unsigned => "nobody: it is not signed".into(),
            Verdict::NotStrict(faults) => {
                format!("nobody: the commit is not in strict form ({})", faults.join("; "))
            }
            Verdict::Bad(why) => format!("nobody: the signature does not hold ({why})"),
            Verdict::UnknownKey(key) => format!("nobody: key {key} belongs to no actor"),
            Verdict::Retired { id, actor: true, .. } => format!("nobody: `{id}` is retired"),
            Verdict::Retired { id, key, .. } => format!("nobody: key {key} of `{id}` is retired"),
            Verdict::Revoked(key) => format!("nobody: key {key} is revoked"),
            Verdict::Nobody => {
                "nobody: it is not committed yet, and no signing key of an actor is configured".into()
            }
            Verdict::Host => "nobody: the host makes this commit, and its signature is no actor's".into(),
        }
    }
}

/// The reason for which a merge answers for a change, and not the author on the other
/// side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeCharge {
    /// Both sides changed the record.
    BothSides,
    /// The merge gave it a value that neither side had.
    NewValue,
    /// The merge restored a value that was replaced before.
    OlderValue,
    /// The merge has more than two parents, or parents that share no history.
    Shape,
}

impl MergeCharge {
    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            MergeCharge::BothSides => "both sides changed it",
            MergeCharge::NewValue => "neither side had this value",
            MergeCharge::OlderValue => "it restores an older value",
            MergeCharge::Shape => "its parents tell nothing of who wrote it",
        }
    }
}

/// The signer of the commit that lands a change on the mainline.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// The commit, or `None` for one that is not made yet.
    pub commit: Option<Oid>,
    /// The verdict on its signature.
    pub verdict: Verdict,
    /// The reason for which a merge answers, when it is one.
    pub charge: Option<MergeCharge>,
}

impl Carrier {
    /// Builds the carrier of this commit, or `None` for a commit that is not made yet.
    pub fn new(commit: Option<Oid>, verdict: Verdict) -> Carrier {
        Carrier {
            commit,
            verdict,
            charge: None,
        }
    }

    /// The carrier in words, for findings.
    pub fn words(&self) -> String {
        match self.commit {
            Some(commit) => match self.charge {
                Some(charge) => format!(
                    "merge {}, charged since {}, signed by {}",
                    commit.short(),
                    charge.words(),
                    self.verdict.words()
                ),
                None => format!("commit {}, signed by {}", commit.short(), self.verdict.words()),
            },
            None => match &self.verdict {
                Verdict::Host => match self.charge {
                    Some(charge) => format!(
                        "the commit that the host makes, charged since {}, signed by nobody",
                        charge.words()
                    ),
                    None => "the commit that the host makes, signed by nobody".into(),
                },
                Verdict::Actor { id, key } => {
                    format!("not committed yet; you would sign it as `{id}` with key {key}")
                }
                other => format!("not committed yet; it would be signed by {}", other.words()),
            },
        }
    }
}

/// The carriers of one step: its own commit, and for a merge the commits of its other
/// side.
#[derive(Clone, Debug)]
pub struct Carriers {
    /// The signer of the step itself.
    pub own: Carrier,
    /// The carrier of each change, in the order of the changes; empty when the step
    /// itself carries them all.
    pub of: Vec<Rc<Carrier>>,
}

impl Carriers {
    /// Builds the carriers of a step in which one commit carries every change.
    pub fn one(own: Carrier) -> Carriers {
        Carriers { own, of: Vec::new() }
    }

    /// Returns the carrier of the change with this index.
    pub fn of(&self, index: usize) -> &Carrier {
        self.of.get(index).map_or(&self.own, |carrier| carrier)
    }
}

/// The author of one change.
#[derive(Clone, Debug)]
pub struct Author {
    /// The commit that adds it, or `None` for one that is not made yet.
    pub commit: Option<Oid>,
    /// The author, or why none is proven.
    pub verdict: Verdict,
    /// Whether the record's own signature proves it.
    pub by_record: bool,
}

/// Whether the change adds an authored record, so that the record's own signature
/// decides.
pub fn is_authored(kind: &ChangeKind) -> bool {
    let is_one = matches!(
        kind,
        ChangeKind::VersionRegistered
            | ChangeKind::VersionDeleted
            | ChangeKind::GroupDeleted
            | ChangeKind::Reviewed { .. }
            | ChangeKind::PolicyReviewed { .. }
            | ChangeKind::StageMoved { .. }
    );
    is_one || kind.whole().is_some_and(|row| row.authored)
}

/// Whether a signature of the record's own proves the author of the change.
pub fn is_in_record(change: &Change) -> bool {
    is_authored(&change.kind)
        || matches!(change.kind, ChangeKind::VersionImported { .. })
        || registers_notes(change)
}

/// Whether the change is the description, labels and annotations that a version
/// arrives with, exactly as it was registered with them: `registeredWith`, which
/// the record's signature covers, is their digest.
fn registers_notes(change: &Change) -> bool {
    let is_new = change
        .before
        .as_ref()
        .is_none_or(|before| before.record.is_none());
    let given = || {
        let after = change.after.as_ref()?;
        Some((after.version()?.registered_with.as_ref()?, after.value()))
    };
    is_new
        && is_annotation(&change.kind)
        && given().is_some_and(|(digest, value)| *digest == subject::notes_digest(value))
}

fn is_annotation(kind: &ChangeKind) -> bool {
    matches!(kind, ChangeKind::VersionAnnotated { .. })
}

/// Returns the author of a change that `carrier` signed.
pub fn author(policy: &Policy, change: &Change, carrier: &Carrier) -> Author {
    let own = change
        .after
        .as_ref()
        .filter(|_| is_in_record(change))
        .and_then(|after| Verdict::of_record(policy, change.record.as_ref()?, after))
        // A signature that proves no actor is a finding of the registration.
        .filter(|verdict| verdict.actor().is_some() || !is_annotation(&change.kind));
    match own {
        Some(verdict) => Author {
            commit: carrier.commit,
            verdict,
            by_record: true,
        },
        None => Author {
            commit: carrier.commit,
            verdict: carrier.verdict.clone(),
            by_record: false,
        },
    }
}
