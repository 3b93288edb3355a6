//! `version.yaml`: a registered model, frozen but for its status and what
//! people note beside it.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, GroupName, Labels, ModelSpec, ModelVersionKind, VersionNumber};

/// The approval status of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum Status {
    Pending,
    Approved,
    Rejected,
    Archived,
}

impl Status {
    /// All four, in the order of a version's life.
    pub const ALL: [Status; 4] = [
        Status::Pending,
        Status::Approved,
        Status::Rejected,
        Status::Archived,
    ];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "Pending",
            Status::Approved => "Approved",
            Status::Rejected => "Rejected",
            Status::Archived => "Archived",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    /// Case does not matter on the command line.
    fn from_str(text: &str) -> Result<Self, String> {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("`{text}` is no status: Pending, Approved, Rejected or Archived"))
    }
}

/// A model version: SageMaker's model package in a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelVersion {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// What this file is.
    pub kind: ModelVersionKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// Pending, Approved, Rejected or Archived; moves by transition alone.
    pub status: Status,
    /// The actor who registered it.
    pub by: ActorId,
    /// A few words for people; may change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Short values to select by; may change at any time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
    /// Free values for people and programs; may change at any time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Labels,
    /// What the model is; frozen at registration.
    pub spec: ModelSpec,
    /// The author's detached signature over the record without status,
    /// description, labels, annotations and signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}
