//! Names, numbers and digests, valid by construction. A test compares the checks here
//! with the patterns of the schemas.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Whether Windows reserves the name for a device, with any extension.
pub(crate) fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|digit: char| digit.is_ascii_digit()))
}

fn is_group_name(name: &str) -> bool {
    let hyphens_inside = !name.starts_with('-') && !name.ends_with('-');
    (1..=63).contains(&name.len())
        && hyphens_inside
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !is_device(name)
}

fn is_record_name(name: &str) -> bool {
    let first = name
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    (1..=63).contains(&name.len())
        && first
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        && !name.ends_with('.')
        && !is_device(name)
}

fn is_stage_name(name: &str) -> bool {
    is_record_name(name) && name != "latest"
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_registry_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_commit_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_key(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_./:=+@-".contains(&b))
}

fn is_principal(text: &str) -> bool {
    is_record_name(text.strip_prefix("team:").unwrap_or(text))
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:path, $pattern:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The pattern that the schema publishes.
            pub const PATTERN: &'static str = $pattern;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                if $check(&text) { Ok($name(text)) } else { Err(format!(concat!("`{}` is not ", $what), text)) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "pattern": $pattern})
            }
        }
    };
}

text_type! {
    /// The name of a group: SageMaker's `EntityName` pattern, but not a Windows device
    /// name. Names are unique when case is ignored.
    GroupName, is_group_name,
    r"^(?!(?:[cC][oO][nN]|[pP][rR][nN]|[aA][uU][xX]|[nN][uU][lL]|[cC][oO][mM][0-9]|[lL][pP][tT][0-9])$)[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$",
    "a group's name: letters, digits and inner hyphens, at most 63, and no Windows device name"
}

text_type! {
    /// The id of an actor: lower-case letters, digits, `.`, `_`, `-`.
    ActorId, is_record_name,
    r"^(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9_-])?$",
    "an actor's id: lower-case letters, digits, `.`, `_` and `-`, at most 63, starting with a letter or digit"
}

text_type! {
    /// The name of an evaluation or a team.
    RecordName, is_record_name,
    r"^(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9_-])?$",
    "a name: lower-case letters, digits, `.`, `_` and `-`, at most 63, starting with a letter or digit"
}

text_type! {
    /// The name of a stage. `latest` is reserved.
    StageName, is_stage_name,
    r"^(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)|latest$)[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9_-])?$",
    "a stage's name: lower-case letters, digits, `.`, `_` and `-`, at most 63, and not `latest`"
}

text_type! {
    /// A SHA-256 digest, `sha256:` and 64 lower-case hexadecimal digits.
    Digest, is_digest, r"^sha256:[0-9a-f]{64}$",
    "a digest: `sha256:` and 64 lower-case hexadecimal digits"
}

text_type! {
    /// 128 random bits as 32 lower-case hexadecimal digits.
    RegistryId, is_registry_id, r"^[0-9a-f]{32}$",
    "a registry's id: 32 lower-case hexadecimal digits"
}

text_type! {
    /// A commit's full id, 40 or 64 lower-case hexadecimal digits.
    CommitId, is_commit_id, r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$",
    "a commit's full id: 40 or 64 lower-case hexadecimal digits"
}

text_type! {
    /// A key of labels, annotations, metrics or accounts.
    Key, is_key, r"^[A-Za-z0-9][A-Za-z0-9_./:=+@-]{0,127}$",
    "a key: letters, digits and `_ . / : = + @ -`, at most 128, starting with a letter or digit"
}

text_type! {
    /// An actor's id, or `team:` and a team's name.
    Principal, is_principal,
    r"^(?:team:)?(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9_-])?$",
    "an actor's id, or `team:` and a team's name"
}

impl Principal {
    /// The team's name, if the principal is a team.
    pub fn team(&self) -> Option<&str> {
        self.0.strip_prefix("team:")
    }
}

impl Digest {
    /// Builds the digest from 64 lower-case hexadecimal digits.
    pub(crate) fn of_hex(hex: &str) -> Digest {
        debug_assert!(is_digest(&format!("sha256:{hex}")));
        Digest(format!("sha256:{hex}"))
    }

    /// `sha256:` and the first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..19]
    }

    /// The first 24 digits, for a command line: long enough that a collision is
    /// infeasible.
    pub fn typed(&self) -> &str {
        &self.0[7..31]
    }
}

/// A version's number within its group, from 1. A number is never used twice.
pub type VersionNumber = u64;

/// The largest integer that every JSON reader represents exactly (2^53).
pub const MAX_INTEGER: u64 = 1 << 53;

/// The most that a new version's number may exceed the group's highest number.
pub const MAX_VERSION_GAP: u64 = 100_000;

/// The most that a serial or a revision may rise at once. Without a limit, one change
/// could use up the numbers and block every later one.
pub const MAX_RISE: u64 = 100_000;

/// A version's group and number: `fraud-detector/3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionId {
    /// The group.
    pub group: GroupName,
    /// The number.
    pub number: VersionNumber,
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.number)
    }
}

impl std::str::FromStr for VersionId {
    type Err = String;

    /// Parses `GROUP/N`, in its one spelling.
    fn from_str(text: &str) -> Result<Self, String> {
        let (group, number) = text
            .split_once('/')
            .ok_or_else(|| format!("`{text}` is no version: write GROUP/N"))?;
        let canonical = !number.starts_with('0') && number.bytes().all(|b| b.is_ascii_digit());
        let number = number
            .parse()
            .ok()
            .filter(|_| canonical)
            .ok_or_else(|| format!("`{number}` is no version's number"))?;
        Ok(VersionId {
            group: group.parse()?,
            number,
        })
    }
}

/// Returns the known name nearest to a mistyped one: similar by Jaro-Winkler, or one
/// typing error in three characters away.
pub fn nearest<T: fmt::Display>(names: &[T], wanted: &str) -> Option<String> {
    let wanted = wanted.to_lowercase();
    let slips = wanted.chars().count() / 3;
    let scored = names.iter().map(|name| {
        let name = name.to_string();
        let lower = name.to_lowercase();
        let is_slip = strsim::osa_distance(&lower, &wanted) <= slips;
        (strsim::jaro_winkler(&lower, &wanted), is_slip, name)
    });
    scored
        .filter(|(score, is_slip, _)| *score > 0.8 || *is_slip)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, _, name)| name)
}
