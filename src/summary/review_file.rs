//! A Review ready to be written by hand: for a reviewer without the command.

use serde::Serialize;
use serde_json::{Value, json};

use crate::access::Policy;
use crate::error::Error;
use crate::model::{API_VERSION, ActorId, Decision, Digest, Kind, RecordPath};
use crate::snapshot::Snapshot;
use crate::{schema, source, subject};

/// The words that stand where a reviewer says why.
// The colon makes the writer quote it: whatever replaces it stands quoted too.
const REASON: &str = "reviewed in the pull request: …";

/// A Review as one actor would write it, without its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewFile {
    /// Whose.
    pub actor: ActorId,
    /// The path, from the registry's folder.
    pub path: String,
    /// The file.
    pub text: String,
    /// The bytes that a detached signature of it covers.
    pub signed: String,
}

impl ReviewFile {
    /// An approval of what has this subject.
    pub(super) fn of(
        policy: &Policy,
        next: &Snapshot<'_>,
        path: RecordPath,
        actor: &ActorId,
        subject: &Digest,
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
            ("decision", json!(Decision::Approved.as_str())),
            ("subject", json!(subject)),
            ("reason", json!(REASON)),
        ] {
            record[key] = value;
        }
        Ok(ReviewFile {
            actor: actor.clone(),
            text: text(&path, &record)?,
            signed: String::from_utf8_lossy(&subject::signed_bytes(policy.id(), &path, &record)).into_owned(),
            path: path.to_string(),
        })
    }
}

fn text(path: &RecordPath, record: &Value) -> Result<String, Error> {
    let header = schema::editor_line(Kind::Review);
    source::write(Some(&header), record)
        .map_err(|error| Error::told(format!("`{path}` can't be written: {error}")))
}
