//! `group.yaml`: a group of versions of one model.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, Document, GroupName, Key, Principal, kind_word};

/// Free text values under keys of the user's choice.
pub type Labels = BTreeMap<Key, String>;

kind_word! {
    /// A group of versions of one model.
    ModelGroupKind = ModelGroup
}

/// A model group: SageMaker's model package group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelGroup {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: ModelGroupKind,
    /// The group's name, as in its path.
    pub name: GroupName,
    /// The purpose of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Contacts: actors, or `team:` and a team. An owner has no extra rights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Principal>,
    /// Short values to select by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: Labels,
    /// Free values for people and programs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: Labels,
}

impl Document for ModelGroup {
    fn by(&self) -> Option<&ActorId> {
        None
    }
}
