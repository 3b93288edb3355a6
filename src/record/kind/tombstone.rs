//! The mark of a deleted version (in `version.yaml`) or group (in `group.yaml`). It
//! keeps the number or name from being used again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, Digest, Document, GroupName, VersionNumber, kind_word};

kind_word! {
    /// The mark of a deleted version or group.
    TombstoneKind = Tombstone
}

/// The mark of a deleted version or group. It is never changed or removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"version": ["subject"], "subject": ["version"]}))]
pub struct Tombstone {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: TombstoneKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The deleted version's number; absent when the group itself is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: Option<VersionNumber>,
    /// The subject digest of the deleted version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// The actor who deleted the version or group.
    pub by: ActorId,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Document for Tombstone {
    fn by(&self) -> Option<&ActorId> {
        Some(&self.by)
    }
}
