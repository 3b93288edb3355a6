//! `evidence/<name>.yaml` and `observations/<name>.yaml`: evaluations of a version.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ActorId, Address, ApiVersion, Digest, Document, GroupName, Key, RecordName, VersionNumber, kind_word,
};

/// Measured values by name; finite numbers.
pub type Metrics = BTreeMap<Key, f64>;

/// The data that an evaluation ran on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetRef {
    /// The data's address.
    #[schemars(length(min = 1, max = 2048))]
    pub uri: Address,
    /// SHA-256 of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// A report file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportRef {
    /// The report's address.
    #[schemars(length(min = 1, max = 2048))]
    pub uri: Address,
    /// SHA-256 of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The report's media type, `text/html`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub content_type: Option<String>,
}

kind_word! {
    /// An evaluation: evidence for an approval, or a later observation.
    EvaluationKind = Evaluation
}

/// An evaluation of one version. An approval covers the evaluations in `evidence/`, and
/// never those in `observations/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evaluation {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: EvaluationKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The version's number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// The evaluation's name, as in the path.
    pub name: RecordName,
    /// The actor who made the evaluation. Other actors may not change it.
    pub by: ActorId,
    /// A counter that each change raises.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub revision: u64,
    /// The data that the evaluation ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetRef>,
    /// The measured values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: Metrics,
    /// The full report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportRef>,
    /// A short note for the reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Document for Evaluation {
    fn by(&self) -> Option<&ActorId> {
        Some(&self.by)
    }

    fn revision(&self) -> Option<u64> {
        Some(self.revision)
    }
}
