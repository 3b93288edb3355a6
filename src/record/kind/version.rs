//! `version.yaml`: a registered model. Only its status, description, labels and
//! annotations can change.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, Digest, Document, GroupName, Labels, ModelSpec, VersionNumber, kind_word};

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
    /// All four statuses, in the order of a version's life.
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

    /// Ignores case, for the command line.
    fn from_str(text: &str) -> Result<Self, String> {
        Status::ALL
            .into_iter()
            .find(|status| status.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("`{text}` is no status: Pending, Approved, Rejected or Archived"))
    }
}

/// The status that an imported version can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum ImportedStatus {
    Approved,
    Rejected,
    Archived,
}

impl ImportedStatus {
    /// Returns the imported status, or `None` for Pending, which needs no right.
    pub fn of(status: Status) -> Option<ImportedStatus> {
        match status {
            Status::Pending => None,
            Status::Approved => Some(ImportedStatus::Approved),
            Status::Rejected => Some(ImportedStatus::Rejected),
            Status::Archived => Some(ImportedStatus::Archived),
        }
    }

    /// The status that the imported version gets.
    pub fn status(self) -> Status {
        match self {
            ImportedStatus::Approved => Status::Approved,
            ImportedStatus::Rejected => Status::Rejected,
            ImportedStatus::Archived => Status::Archived,
        }
    }
}

/// The origin of a version that was imported with the status it had there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Imported {
    /// The registry that the version was imported from.
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(extend("modelry:uri" = true))]
    pub from: String,
    /// The status that the version had there.
    pub status: ImportedStatus,
    /// The person or account that decided there, as that registry names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub by: Option<String>,
    /// The time of the decision there, as that registry reports it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub at: Option<String>,
}

impl Imported {
    /// Describes the import: its origin, its status, and the actor (`by`) who
    /// registered it.
    pub fn words(&self, by: &ActorId) -> String {
        let mut words = format!("imported as {} by {by}, from {}", self.status.status(), self.from);
        match (&self.by, &self.at) {
            (Some(who), Some(at)) => words.push_str(&format!("; decided there by {who}, {at}")),
            (Some(who), None) => words.push_str(&format!("; decided there by {who}")),
            (None, Some(at)) => words.push_str(&format!("; decided there {at}")),
            (None, None) => {}
        }
        words
    }
}

kind_word! {
    /// A registered model.
    ModelVersionKind = ModelVersion
}

/// A model version: a model package of a group, in SageMaker's terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelVersion {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: ModelVersionKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// Pending, Approved, Rejected or Archived. Only a transition changes it.
    pub status: Status,
    /// The actor who registered the version.
    pub by: ActorId,
    /// A short description; may change at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Short values for selectors; may change at any time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
    /// Free values for people and programs; may change at any time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Labels,
    /// SHA-256 of the description, labels and annotations given at registration: of
    /// their canonical JSON, with absent ones left out. Frozen. The author's signature
    /// covers these three members as long as they match it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_with: Option<Digest>,
    /// The origin of a version that was imported with its status instead of being
    /// reviewed. The policy lists under `imports` the actors who may do so. Frozen at
    /// registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
    /// The specification of the model, frozen at registration.
    pub spec: ModelSpec,
    /// The author's detached signature over the record without status,
    /// description, labels, annotations and signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Document for ModelVersion {
    fn by(&self) -> Option<&ActorId> {
        Some(&self.by)
    }
}
