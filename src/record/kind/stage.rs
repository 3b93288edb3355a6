//! `stages/<stage>.yaml`: which version serves a stage; and `archival.yaml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, ArchivalKind, GroupName, StageAssignmentKind, StageName, VersionNumber};

/// Which version of a group serves a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageAssignment {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// What this file is.
    pub kind: StageAssignmentKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The stage, as in the path.
    pub stage: StageName,
    /// The version that serves; absent when none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: Option<VersionNumber>,
    /// What served before this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub previous: Option<VersionNumber>,
    /// The actor who moved it.
    pub by: ActorId,
    /// Higher at each change.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub revision: u64,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Who retired a version, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Archival {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// What this file is.
    pub kind: ArchivalKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The version's number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// The actor who retired it.
    pub by: ActorId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}
