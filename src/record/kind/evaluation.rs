//! `evidence/<name>.yaml` and `observations/<name>.yaml`: what was measured.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ActorId, Address, ApiVersion, Digest, EvaluationKind, GroupName, Key, RecordName, VersionNumber,
};

/// Measured values by name; finite numbers.
pub type Metrics = BTreeMap<Key, f64>;

/// The data that an evaluation ran on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatasetRef {
    /// Where the data is.
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
    /// Where the report is.
    #[schemars(length(min = 1, max = 2048))]
    pub uri: Address,
    /// SHA-256 of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its media type, `text/html`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub content_type: Option<String>,
}

/// An evaluation of one version. In `evidence/` it is part of what is
/// approved; in `observations/` it never is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Evaluation {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// What this file is.
    pub kind: EvaluationKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The version's number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// The evaluation's name, as in the path.
    pub name: RecordName,
    /// The actor who made it; nobody else changes it.
    pub by: ActorId,
    /// Higher at each change.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub revision: u64,
    /// What it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetRef>,
    /// What came out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: Metrics,
    /// The full report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportRef>,
    /// A few words for the reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}
