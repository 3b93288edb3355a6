//! The content that records which are there already speak for.

use crate::act;
use crate::base::Error;
use crate::record::kind::{Digest, RecordPath, VersionId};
use crate::record::snapshot::Snapshot;

/// The content that records which are there already speak for, by name.
///
/// # Errors
/// When a record can't be read.
pub(super) fn contents_of(
    registry_id: &str,
    snapshot: &Snapshot<'_>,
    records: &[RecordPath],
) -> Result<Vec<(String, Digest)>, Error> {
    let mut out: Vec<(String, Digest)> = Vec::new();
    for record in records {
        let loaded = snapshot.read(record)?;
        let loaded = loaded.as_ref();
        let id = match record {
            RecordPath::PolicyReview(serial, _) => {
                let review = loaded.and_then(|loaded| loaded.review());
                out.extend(review.map(|review| (format!("policy {serial}"), review.subject.clone())));
                continue;
            }
            RecordPath::Stage(group, _) => {
                let stage = loaded.and_then(|loaded| loaded.stage());
                stage.and_then(|stage| stage.version).map(|number| VersionId {
                    group: group.clone(),
                    number,
                })
            }
            _ => record.version().cloned(),
        };
        let Some(id) = id else { continue };
        let digest = match loaded.and_then(|loaded| loaded.tombstone()) {
            Some(tombstone) => tombstone.subject.clone(),
            None => act::content(registry_id, snapshot, &id)?,
        };
        out.extend(digest.map(|digest| (id.to_string(), digest)));
    }
    out.dedup();
    Ok(out)
}
