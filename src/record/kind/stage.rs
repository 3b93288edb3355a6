//! `stages/<stage>.yaml`: the version that serves a stage; and `archival.yaml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, Document, GroupName, StageName, VersionNumber, kind_word};

kind_word! {
    /// The version that serves a stage.
    StageAssignmentKind = StageAssignment
}

/// The version of a group that serves a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StageAssignment {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: StageAssignmentKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The stage, as in the path.
    pub stage: StageName,
    /// The version that serves the stage; absent if none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: Option<VersionNumber>,
    /// The version that served before this revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub previous: Option<VersionNumber>,
    /// The actor who made this assignment.
    pub by: ActorId,
    /// A counter that each change raises.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub revision: u64,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Document for StageAssignment {
    fn by(&self) -> Option<&ActorId> {
        Some(&self.by)
    }

    fn revision(&self) -> Option<u64> {
        Some(self.revision)
    }
}

kind_word! {
    /// The retirement of a version.
    ArchivalKind = Archival
}

/// The retirement of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Archival {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: ArchivalKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The version's number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// The actor who retired the version.
    pub by: ActorId,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Document for Archival {
    fn by(&self) -> Option<&ActorId> {
        Some(&self.by)
    }
}
