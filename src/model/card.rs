//! `card.yaml`: what a reviewer should know of a version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, GroupName, ModelCardKind, VersionNumber};

/// A section of the card that a rule can require.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum CardSection {
    IntendedUses,
    Limitations,
}

/// A model card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelCard {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// What this file is.
    pub kind: ModelCardKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The version's number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// The actor who made this revision.
    pub by: ActorId,
    /// Everyone who ever changed the card; only grows.
    pub authors: Vec<ActorId>,
    /// Higher at each change.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub revision: u64,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl ModelCard {
    /// Whether the section says something.
    pub fn filled(&self, _section: CardSection) -> bool {
        false
    }
}
