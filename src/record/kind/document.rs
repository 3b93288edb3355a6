//! The two lines that open every file: `apiVersion` and `kind`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ApiVersion {
    #[default]
    #[serde(rename = "modelry/v1")]
    #[allow(
        missing_docs,
        reason = "a documented variant makes schemars emit oneOf, whose errors say nothing"
    )]
    V1,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $marker:ident = $kind:ident),* $(,)?) => {
        /// The kinds of record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $kind),*
        }

        impl Kind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The word in the file.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => stringify!($kind)),*
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            #[schemars(inline)]
            pub enum $marker {
                #[default]
                #[allow(missing_docs, reason = "see ApiVersion")]
                $kind,
            }
        )*
    };
}

kinds! {
    /// The policy.
    RegistryKind = Registry,
    /// A group of versions of one model.
    ModelGroupKind = ModelGroup,
    /// A registered model.
    ModelVersionKind = ModelVersion,
    /// The model card of a version.
    ModelCardKind = ModelCard,
    /// An evaluation: evidence for an approval, or a later observation.
    EvaluationKind = Evaluation,
    /// One actor's decision on a version or a policy.
    ReviewKind = Review,
    /// The version that serves a stage.
    StageAssignmentKind = StageAssignment,
    /// The retirement of a version.
    ArchivalKind = Archival,
    /// The mark of a deleted version or group.
    TombstoneKind = Tombstone,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Kind::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or(())
    }
}
