//! Notes on a version, which can be written at any time.

use std::collections::BTreeMap;

use super::{Draft, WriteContext};
use crate::base::Error;
use crate::record::kind::{Key, RecordPath, VersionId};

/// The notes.
#[derive(Clone, Debug, Default)]
pub struct AnnotateRequest {
    /// The description; empty text takes it away.
    pub description: Option<String>,
    /// Labels; `None` removes one.
    pub labels: BTreeMap<Key, Option<String>>,
    /// Annotations; `None` removes one.
    pub annotations: BTreeMap<Key, Option<String>>,
}

/// Changes description, labels and annotations of a version.
///
/// # Errors
/// The version does not exist, or nothing would change.
pub fn annotate(
    desk: &WriteContext<'_>,
    id: &VersionId,
    request: &AnnotateRequest,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    let old = desk.version(id)?;
    let path = RecordPath::Version(id.clone());
    let edits = super::group::free_edits(
        old.value(),
        request.description.as_deref(),
        &request.labels,
        &request.annotations,
    );
    let mut draft = Draft::new(format!("Annotate {id}"), reason);
    draft.put(&path, desk.edited(&path, &old, edits)?);
    Ok(draft)
}
