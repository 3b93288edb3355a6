//! The bytes that signatures and approvals cover: the canonical JSON (RFC 8785) of
//! values as they are written, never of a typed struct with defaults.

use serde_json::{Map, Value, json};

use crate::base::Error;
use crate::record::canonical::{canonical, sha256};
use crate::record::kind::{Digest, RecordPath, VersionId};
use crate::record::snapshot::{Loaded, Snapshot};

/// The namespace of detached signatures of records (SSHSIG).
pub const RECORD_NAMESPACE: &str = "modelry";

/// Members of card and evaluation that name authors and revisions, not content.
const AUTHORSHIP: [&str; 4] = ["by", "authors", "revision", "signature"];

/// Members of a ModelVersion that its signature does not cover.
pub const FREE_FIELDS: [&str; 3] = ["description", "labels", "annotations"];

fn without(value: &Value, keys: &[&str]) -> Value {
    let Value::Object(members) = value else {
        return value.clone();
    };
    let kept = members.iter().filter(|(key, _)| !keys.contains(&key.as_str()));
    Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// The digest of a version's description, labels and annotations as they are written,
/// with absent ones left out.
pub fn notes_digest(version: &Value) -> Digest {
    let members = FREE_FIELDS.iter();
    let present = members.filter_map(|key| Some(((*key).to_owned(), version.get(key)?.clone())));
    sha256(&canonical(&Value::Object(present.collect())))
}

/// The bytes that a record's own signature covers.
pub fn signed_bytes(registry_id: &str, path: &RecordPath, record: &Value) -> Vec<u8> {
    let record = match path {
        RecordPath::Version(_) if record.get("kind") == Some(&json!("ModelVersion")) => {
            let mut left_out = vec!["signature", "status"];
            left_out.extend(FREE_FIELDS);
            without(record, &left_out)
        }
        _ => without(record, &["signature"]),
    };
    canonical(&json!({"registry": registry_id, "path": path.to_string(), "record": record}))
}

/// The value whose digest a Review of a version names.
pub fn version_subject_value(
    registry_id: &str,
    id: &VersionId,
    version: &Loaded,
    snapshot: &Snapshot<'_>,
) -> Result<Value, Error> {
    let card = snapshot.read(&RecordPath::Card(id.clone()))?;
    let mut evidence = Map::new();
    for name in snapshot.evidence(id)? {
        if let Some(loaded) = snapshot.read(&RecordPath::Evidence(id.clone(), name.clone()))? {
            evidence.insert(name.to_string(), without(loaded.value(), &AUTHORSHIP));
        }
    }
    Ok(json!({
        "registry": registry_id,
        "group": id.group.as_str(),
        "version": id.number,
        "spec": version.value().get("spec").cloned().unwrap_or(Value::Null),
        "card": card.map_or(Value::Null, |card| without(card.value(), &AUTHORSHIP)),
        "evidence": evidence,
    }))
}

/// The digest that a Review of a version names.
pub fn version_subject(
    registry_id: &str,
    id: &VersionId,
    version: &Loaded,
    snapshot: &Snapshot<'_>,
) -> Result<Digest, Error> {
    Ok(sha256(&canonical(&version_subject_value(
        registry_id,
        id,
        version,
        snapshot,
    )?)))
}

/// The digest that a Review of a policy names.
pub fn policy_subject(registry_id: &str, policy: &Value) -> Digest {
    sha256(&canonical(&json!({"registry": registry_id, "policy": policy})))
}
