//! What stays of a deleted version (in `version.yaml`) or group (in
//! `group.yaml`): enough that its number or name is never used again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, Digest, GroupName, TombstoneKind, VersionNumber};

/// The mark of a deleted version or group. It never changes and never goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("dependentRequired" = {"version": ["subject"], "subject": ["version"]}))]
pub struct Tombstone {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// What this file is.
    pub kind: TombstoneKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The deleted version's number; absent when the group itself is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: Option<VersionNumber>,
    /// The subject digest that the version had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// The actor who deleted it.
    pub by: ActorId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}
