//! The kinds of record, one file each. Their doc comments become the descriptions of
//! the published schemas.

mod address;
mod card;
mod document;
mod evaluation;
mod group;
mod image;
mod name;
mod path;
mod pattern;
mod registry;
mod review;
mod spec;
mod stage;
mod table;
mod tombstone;
mod uri;
mod uri_login;
mod uri_text;
mod version;

pub use address::{Address, Form};
pub use card::*;
pub use document::*;
pub use evaluation::*;
pub use group::*;
pub use image::pinned_image;
pub use name::*;
pub use path::*;
pub use pattern::{GROUPS_FOLDER, POLICY_FOLDER, REGISTRY_FILE};
pub use registry::*;
pub use review::*;
pub use spec::*;
pub use stage::*;
pub(crate) use table::documents;
pub use table::{Kind, Record, RecordKind, RecordPath, Row, Words};
pub use tombstone::*;
pub use uri::*;
pub use uri_text::{cleaned_text, masked_text, masked_value, text_fault, text_secrets};
pub use version::*;

/// The only `apiVersion` of this format.
pub const API_VERSION: &str = "modelry/v1";
