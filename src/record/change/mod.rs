//! The differences between two snapshots as a list of typed changes. Rules, access,
//! log, diff and commit messages are built on it.
//!
//! One step can change a file in several ways: a version is registered and approved at
//! once. Each way is a [`Change`]. The loss of a deleted version's other files is part
//! of the deletion. Within a step, changes are sorted in the order in which they are
//! judged: policy, groups, registration, evidence, reviews, status, stages, the rest.

mod diff;
mod files;
mod lookalikes;
mod words;

use std::sync::Arc;

pub use diff::{Differences, LastReadable, Link, diff, differing_pointers, typed};
pub use files::{Files, Managed, files};

use crate::record::kind::{Decision, RecordKind, RecordPath, Row, Status, VersionNumber, Words, group_in};
use crate::record::snapshot::Loaded;

/// One change of one file.
#[derive(Clone, Debug)]
pub struct Change {
    /// The kind of change.
    pub kind: ChangeKind,
    /// The path from the registry's folder (from the repository's top for
    /// [`ChangeKind::ProtectedChanged`]).
    pub path: String,
    /// The record at this path, or `None` for a file that is not a record.
    pub record: Option<RecordPath>,
    /// The file before.
    pub before: Option<Arc<Loaded>>,
    /// The file after.
    pub after: Option<Arc<Loaded>>,
}

/// A kind of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// `registry.yaml` appeared.
    RegistryCreated,
    /// `registry.yaml` changed, in any way.
    PolicyChanged,
    /// An administrator reviewed a policy.
    PolicyReviewed {
        /// The current decision.
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
    /// A version appeared with the status that it had elsewhere. The status replaces
    /// reviews, and later moves start from it.
    VersionImported {
        /// The status that the version was imported with.
        status: Status,
    },
    /// A version was replaced by its tombstone.
    VersionDeleted,
    /// A member that is frozen at registration changed.
    FrozenChanged {
        /// JSON pointers to the members that differ.
        pointers: Vec<String>,
    },
    /// A version's description, labels or annotations changed, or were given at
    /// registration.
    VersionAnnotated {
        /// JSON pointers to the members that differ.
        pointers: Vec<String>,
    },
    /// A record appeared whose kind has no kinds of change of its own.
    Added(RecordKind),
    /// A record of such a kind changed.
    Changed(RecordKind),
    /// A review appeared or changed.
    Reviewed {
        /// The decision before.
        before: Option<Decision>,
        /// The current decision.
        decision: Decision,
    },
    /// The status changed. A version that appears with a status other than Pending or
    /// its imported one also changed its status in that step.
    StatusMoved {
        /// The status before.
        from: Status,
        /// The status after.
        to: Status,
    },
    /// A stage was assigned, reassigned or emptied, or its record changed in another
    /// way.
    StageMoved {
        /// The version that served before.
        from: Option<VersionNumber>,
        /// The version that serves now.
        to: Option<VersionNumber>,
    },
    /// A tombstone changed, or was replaced.
    TombstoneChanged,
    /// The bytes changed, the values did not.
    Reformatted,
    /// A record was removed without a deletion.
    Removed,
    /// A file outside the registry, protected by the policy, changed.
    ProtectedChanged,
    /// The file can't be read as a record.
    Unreadable,
    /// A file at a path where no record may be, or not a plain file.
    Stray {
        /// The reason why the file is not a record.
        what: Stray,
    },
}

/// The reason why a path below the registry's folders is not a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stray {
    /// No record may have such a path.
    Path,
    /// The path has the shape of a record's path, but a name in it is not allowed.
    Name(String),
    /// The file is a link, a program or a submodule.
    Mode(String),
    /// The file makes its folder look like a repository to git.
    Repository,
    /// The stray file was removed, as it should be.
    Gone,
    /// The number of further strays in a folder.
    Paths(String),
    /// The number of further strays in a folder whose names are not UTF-8.
    Names(String),
}

impl ChangeKind {
    /// The row of a record that appeared or changed as a whole.
    pub fn whole(&self) -> Option<&'static Row> {
        match self {
            ChangeKind::Added(kind) | ChangeKind::Changed(kind) => Some(kind.row()),
            _ => None,
        }
    }

    /// The words for a record that appeared or changed as a whole; `None` where the kind
    /// of the change has words of its own.
    pub fn words(&self) -> Option<&'static Words> {
        match self {
            ChangeKind::Added(kind) => Some(&kind.words()?[0]),
            ChangeKind::Changed(kind) => Some(&kind.words()?[1]),
            _ => None,
        }
    }

    /// Whether a record that reviewers approve with the version appeared or changed: its
    /// card or evidence.
    pub fn is_of_approved(&self) -> bool {
        self.whole().is_some_and(|row| row.approved)
    }

    /// Whether it is a decision, which gives its reason in the record.
    pub fn is_decision(&self) -> bool {
        let is_one = matches!(
            self,
            ChangeKind::Reviewed { .. }
                | ChangeKind::PolicyReviewed { .. }
                | ChangeKind::StageMoved { .. }
                | ChangeKind::VersionDeleted
                | ChangeKind::GroupDeleted
        );
        is_one || self.whole().is_some_and(|row| row.decision)
    }
}

impl Change {
    /// Whether the change adds a policy: a new one, or one that replaces an invalid
    /// text.
    pub fn brings_policy(&self) -> bool {
        matches!(self.kind, ChangeKind::RegistryCreated | ChangeKind::PolicyChanged)
    }

    /// The group that the change belongs to, or `None` for the policy.
    pub fn group(&self) -> Option<&str> {
        match &self.record {
            Some(record) => record.group().map(crate::record::kind::GroupName::as_str),
            // The path of a protected file starts at the repository's top.
            None if self.kind == ChangeKind::ProtectedChanged => None,
            None => group_in(&self.path),
        }
    }

    /// The file after the change, or before it if the change removed the file.
    pub fn any(&self) -> Option<&Arc<Loaded>> {
        self.after.as_ref().or(self.before.as_ref())
    }
}
