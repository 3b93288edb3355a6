//! A Review prepared for a reviewer without the command, who writes it by hand.

use serde::Serialize;
use serde_json::{Value, json};

use crate::base::Error;
use crate::record::kind::{API_VERSION, ActorId, Decision, Digest, Kind, RecordPath};
use crate::record::snapshot::Snapshot;
use crate::record::{subject, yaml};
use crate::trust::{Credential, KeyStanding, Policy};

/// The placeholder for the reviewer's reason.
// The colon makes the writer quote the placeholder, so that its replacement is quoted,
// too.
pub const REASON: &str = "reviewed in the pull request: …";

/// A key that a reviewer signs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReviewKey {
    /// An OpenSSH key.
    Ssh,
    /// An OpenPGP certificate, by its fingerprint.
    Openpgp(String),
}

/// A Review as one actor would write it, without its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewFile {
    /// The reviewer.
    pub actor: ActorId,
    /// The decision of the review.
    pub decision: Decision,
    /// The path, from the registry's folder.
    pub path: String,
    /// The file. Its last line is the reason, with [`REASON`] as the placeholder.
    pub text: String,
    /// The bytes that a detached signature of the file covers, with the same
    /// placeholder.
    pub signed: String,
    /// The kinds of keys of the reviewer, the kind of the first key first.
    pub keys: Vec<ReviewKey>,
}

/// The kinds of keys that currently prove this actor.
fn keys(policy: &Policy, actor: &ActorId) -> Vec<ReviewKey> {
    let mut out: Vec<ReviewKey> = Vec::new();
    let keys = policy.actor(actor.as_str()).map_or(&[][..], |who| &who.keys);
    for credential in keys.iter().filter_map(|key| Credential::of(key).ok()) {
        let print = credential.fingerprint();
        if policy.keys.standing(&print) != KeyStanding::Good(actor.clone()) {
            continue;
        }
        let key = match credential {
            Credential::Ssh(_) => ReviewKey::Ssh,
            Credential::OpenPgp(_) => ReviewKey::Openpgp(print),
        };
        if !out.contains(&key) {
            out.push(key);
        }
    }
    out
}

impl ReviewFile {
    /// Prepares a review of the content with this subject.
    pub(super) fn of(
        policy: &Policy,
        next: &Snapshot<'_>,
        path: RecordPath,
        actor: &ActorId,
        subject: &Digest,
        decision: Decision,
    ) -> Result<ReviewFile, Error> {
        let old = next.read(&path)?;
        let revision = old.as_ref().and_then(|old| old.revision()).unwrap_or(0) + 1;
        let mut record = json!({"apiVersion": API_VERSION, "kind": Kind::Review.as_str()});
        match &path {
            RecordPath::PolicyReview(serial, _) => record["serial"] = json!(serial),
            other => {
                if let Some(id) = other.version() {
                    record["group"] = json!(id.group);
                    record["version"] = json!(id.number);
                }
            }
        }
        for (key, value) in [
            ("by", json!(actor)),
            ("revision", json!(revision)),
            ("decision", json!(decision.as_str())),
            ("subject", json!(subject)),
            ("reason", json!(REASON)),
        ] {
            record[key] = value;
        }
        Ok(ReviewFile {
            actor: actor.clone(),
            decision,
            keys: keys(policy, actor),
            text: text(next, &path, &record)?,
            signed: String::from_utf8_lossy(&subject::signed_bytes(policy.id(), &path, &record)).into_owned(),
            path: path.to_string(),
        })
    }
}

fn text(next: &Snapshot<'_>, path: &RecordPath, record: &Value) -> Result<String, Error> {
    let header = next.editor_line(Kind::Review, path)?;
    yaml::write(header.as_deref(), record)
        .map_err(|error| Error::msg(format!("`{path}` can't be written: {error}")))
}
