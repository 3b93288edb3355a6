//! The two lines that open every file: `apiVersion` and `kind`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ActorId;

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

/// Defines the type of a document's `kind`, whose one value is the word of the kind.
macro_rules! kind_word {
    ($(#[$doc:meta])* $marker:ident = $kind:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[schemars(inline)]
        pub enum $marker {
            #[default]
            #[allow(missing_docs, reason = "see ApiVersion")]
            $kind,
        }
    };
}
pub(super) use kind_word;

/// A type of document.
pub trait Document {
    /// The actor whom the document names as its author, if its kind has one.
    fn by(&self) -> Option<&ActorId>;

    /// The counter that each change of the document raises, if its kind has one.
    fn revision(&self) -> Option<u64> {
        None
    }
}
