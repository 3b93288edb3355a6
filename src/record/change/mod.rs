//! What differs between two snapshots, as a list of typed changes: the centre
//! of Modelry. Rules, access, log, diff and commit messages are built on it.
//!
//! One file can change in several ways at once (a version is registered and
//! approved in one step); each way is a [`Change`] of its own. What a version
//! loses with its deletion is part of the deletion. The order within a step is
//! that in which it is judged: policy, groups, registration, evidence, reviews,
//! status, stages, the rest.

mod diff;
mod files;
mod words;

use std::sync::Arc;

pub use diff::{Differences, LastReadable, Link, diff, differing_pointers, is_managed, typed};
pub use files::{Files, Managed, files};

use crate::record::kind::{Decision, RecordPath, Status, VersionNumber};
use crate::record::snapshot::Loaded;

/// One way in which one file changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The path from the registry's folder (from the repository's top for
    /// [`ChangeKind::ProtectedChanged`]).
    pub path: String,
    /// The record that this path is; none for files that are no record.
    pub record: Option<RecordPath>,
    /// The file before.
    pub before: Option<Arc<Loaded>>,
    /// The file after.
    pub after: Option<Arc<Loaded>>,
}

/// What can happen to a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// `registry.yaml` appeared.
    RegistryCreated,
    /// `registry.yaml` changed, in whatever way.
    PolicyChanged,
    /// An administrator reviewed a policy.
    PolicyReviewed {
        /// The decision that stands now.
        decision: Decision,
    },
    /// A group appeared.
    GroupCreated,
    /// A group's description, owners, labels or annotations changed.
    GroupUpdated,
    /// A group was replaced by its tombstone.
    GroupDeleted,
    /// A version appeared.
    VersionRegistered,
    /// A version appeared with the status that it had elsewhere, and that
    /// stands for reviews; it moves on from there.
    VersionImported {
        /// The status that it arrived with.
        status: Status,
    },
    /// A version was replaced by its tombstone.
    VersionDeleted,
    /// Something frozen at registration changed.
    FrozenChanged {
        /// JSON pointers of what differs.
        pointers: Vec<String>,
    },
    /// A version's description, labels or annotations changed; or they came
    /// with the registration.
    VersionAnnotated {
        /// JSON pointers of what differs.
        pointers: Vec<String>,
    },
    /// A card appeared.
    CardAdded,
    /// A card changed.
    CardChanged,
    /// Evidence appeared.
    EvidenceAdded,
    /// Evidence changed.
    EvidenceChanged,
    /// An observation appeared.
    ObservationAdded,
    /// An observation changed.
    ObservationChanged,
    /// A review appeared or changed.
    Reviewed {
        /// The decision that stood before.
        before: Option<Decision>,
        /// The decision that stands now.
        decision: Decision,
    },
    /// An Archival appeared.
    ArchivalGiven,
    /// An Archival changed.
    ArchivalChanged,
    /// The status moved; a version that appears with another status than
    /// Pending, or than it was imported with, moved on the way.
    StatusMoved {
        /// From.
        from: Status,
        /// To.
        to: Status,
    },
    /// A stage was assigned, reassigned or emptied, or its record changed
    /// otherwise.
    StageMoved {
        /// What served before.
        from: Option<VersionNumber>,
        /// What serves now.
        to: Option<VersionNumber>,
    },
    /// A tombstone changed, or something took its place.
    TombstoneChanged,
    /// The bytes changed and the values did not.
    Reformatted,
    /// A record is gone, and not by a deletion.
    Removed,
    /// A file outside the registry that the policy protects.
    ProtectedChanged,
    /// The file can't be read as a record.
    Unreadable,
    /// A file where no record lives, or no plain file.
    Stray {
        /// What is the matter.
        what: Stray,
    },
}

/// Why a path below the registry's folders is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stray {
    /// No record lives at such a path.
    Path,
    /// A record would live there, but for its name.
    Name(String),
    /// It is a link, a program or a submodule.
    Mode(String),
    /// The file is gone, as it should be.
    Gone,
    /// So many more files of a folder are no records.
    Paths(String),
    /// So many more files of a folder have names that are not UTF-8.
    Names(String),
}

impl Change {
    /// Whether it brings a policy: another one, or one in the place of a text that was
    /// none.
    pub fn brings_policy(&self) -> bool {
        matches!(self.kind, ChangeKind::RegistryCreated | ChangeKind::PolicyChanged)
    }

    /// The group that the change belongs to; none for the policy.
    pub fn group(&self) -> Option<&str> {
        match &self.record {
            Some(record) => record.group().map(crate::record::kind::GroupName::as_str),
            // Its path is from the repository's top.
            None if self.kind == ChangeKind::ProtectedChanged => None,
            None => self.path.strip_prefix("groups/")?.split('/').next(),
        }
    }

    /// The file as it is now, or was.
    pub fn any(&self) -> Option<&Arc<Loaded>> {
        self.after.as_ref().or(self.before.as_ref())
    }
}
