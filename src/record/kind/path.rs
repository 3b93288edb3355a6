//! The path of a record, which is its identity.

use std::fmt;

use super::{ActorId, GroupName, RecordName, StageName, VersionId, VersionNumber};

/// The file of the policy, in the registry's folder.
pub const REGISTRY_FILE: &str = "registry.yaml";

/// The entries of the registry's folder that hold its records.
pub const ENTRIES: [&str; 3] = [REGISTRY_FILE, "groups", "policy"];

/// Whether a path, from the registry's folder, is in one of its entries.
pub fn is_in_entries(path: &str) -> bool {
    ENTRIES.contains(&path.split('/').next().unwrap_or_default())
}

/// Whether a path, from the registry's folder, belongs to the registry: its entries, and
/// a file `HEAD`, with which git takes the folder for a bare repository.
pub fn is_managed(path: &str) -> bool {
    is_in_entries(path) || path.eq_ignore_ascii_case("HEAD")
}

/// Whether a path, from the registry's folder, is that of the policy or of its reviews.
pub fn is_of_policy(path: &str) -> bool {
    path == REGISTRY_FILE || path.starts_with("policy/")
}

/// Returns the name of the group that a path, from the registry's folder, is in.
pub fn group_in(path: &str) -> Option<&str> {
    path.strip_prefix("groups/")?.split('/').next()
}

/// The record that a path below the registry's folder belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordPath {
    /// `registry.yaml`
    Registry,
    /// `policy/<serial>/<actor>.yaml`
    PolicyReview(u64, ActorId),
    /// `groups/<group>/group.yaml`
    Group(GroupName),
    /// `groups/<group>/stages/<stage>.yaml`
    Stage(GroupName, StageName),
    /// `groups/<group>/versions/<n>/version.yaml`
    Version(VersionId),
    /// `groups/<group>/versions/<n>/card.yaml`
    Card(VersionId),
    /// `groups/<group>/versions/<n>/evidence/<name>.yaml`
    Evidence(VersionId, RecordName),
    /// `groups/<group>/versions/<n>/reviews/<actor>.yaml`
    Review(VersionId, ActorId),
    /// `groups/<group>/versions/<n>/archival.yaml`
    Archival(VersionId),
    /// `groups/<group>/versions/<n>/observations/<name>.yaml`
    Observation(VersionId, RecordName),
}

/// Parses the number in a path: decimal, no sign, no leading zero, at most 2^53.
fn number(text: &str) -> Option<u64> {
    let canonical = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let value: u64 = text.parse().ok()?;
    (canonical && value <= super::MAX_INTEGER).then_some(value)
}

impl RecordPath {
    /// Parses a path from the registry's folder, or returns `None` when no record may
    /// have that path.
    pub fn parse(path: &str) -> Option<RecordPath> {
        let yaml = |name: &'_ str| name.strip_suffix(".yaml").map(str::to_owned);
        let parts: Vec<&str> = path.split('/').collect();
        let version = |group: &str, n: &str| {
            Some(VersionId {
                group: group.parse().ok()?,
                number: number(n)?,
            })
        };
        Some(match parts[..] {
            [REGISTRY_FILE] => RecordPath::Registry,
            ["policy", serial, file] => {
                RecordPath::PolicyReview(number(serial)?, yaml(file)?.try_into().ok()?)
            }
            ["groups", group, "group.yaml"] => RecordPath::Group(group.parse().ok()?),
            ["groups", group, "stages", file] => {
                RecordPath::Stage(group.parse().ok()?, yaml(file)?.try_into().ok()?)
            }
            ["groups", group, "versions", n, "version.yaml"] => RecordPath::Version(version(group, n)?),
            ["groups", group, "versions", n, "card.yaml"] => RecordPath::Card(version(group, n)?),
            ["groups", group, "versions", n, "archival.yaml"] => RecordPath::Archival(version(group, n)?),
            ["groups", group, "versions", n, "evidence", file] => {
                RecordPath::Evidence(version(group, n)?, yaml(file)?.try_into().ok()?)
            }
            ["groups", group, "versions", n, "reviews", file] => {
                RecordPath::Review(version(group, n)?, yaml(file)?.try_into().ok()?)
            }
            ["groups", group, "versions", n, "observations", file] => {
                RecordPath::Observation(version(group, n)?, yaml(file)?.try_into().ok()?)
            }
            _ => return None,
        })
    }

    /// The group that the record belongs to, or `None` for the policy and its reviews.
    pub fn group(&self) -> Option<&GroupName> {
        match self {
            RecordPath::Registry | RecordPath::PolicyReview(..) => None,
            RecordPath::Group(group) | RecordPath::Stage(group, _) => Some(group),
            other => other.version().map(|id| &id.group),
        }
    }

    /// The version that the record belongs to.
    pub fn version(&self) -> Option<&VersionId> {
        match self {
            RecordPath::Version(id)
            | RecordPath::Card(id)
            | RecordPath::Evidence(id, _)
            | RecordPath::Review(id, _)
            | RecordPath::Archival(id)
            | RecordPath::Observation(id, _) => Some(id),
            _ => None,
        }
    }

    /// The folder of a version: `groups/<group>/versions/<n>`.
    pub fn version_folder(group: &GroupName, number: VersionNumber) -> String {
        format!("groups/{group}/versions/{number}")
    }
}

impl fmt::Display for RecordPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = |id: &VersionId| RecordPath::version_folder(&id.group, id.number);
        match self {
            RecordPath::Registry => f.write_str(REGISTRY_FILE),
            RecordPath::PolicyReview(serial, actor) => write!(f, "policy/{serial}/{actor}.yaml"),
            RecordPath::Group(group) => write!(f, "groups/{group}/group.yaml"),
            RecordPath::Stage(group, stage) => write!(f, "groups/{group}/stages/{stage}.yaml"),
            RecordPath::Version(id) => write!(f, "{}/version.yaml", folder(id)),
            RecordPath::Card(id) => write!(f, "{}/card.yaml", folder(id)),
            RecordPath::Evidence(id, name) => write!(f, "{}/evidence/{name}.yaml", folder(id)),
            RecordPath::Review(id, actor) => write!(f, "{}/reviews/{actor}.yaml", folder(id)),
            RecordPath::Archival(id) => write!(f, "{}/archival.yaml", folder(id)),
            RecordPath::Observation(id, name) => write!(f, "{}/observations/{name}.yaml", folder(id)),
        }
    }
}
