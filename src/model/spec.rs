//! `spec` of a ModelVersion: what the model is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Metrics;

/// What the model is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelSpec {
    /// Measured values by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: Metrics,
}

impl ModelSpec {
    /// JSON pointers (from the record's top) of everything to be loaded or run
    /// that lacks its digest.
    pub fn undigested(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether there is nothing to be loaded or run.
    pub fn is_hollow(&self) -> bool {
        false
    }
}
