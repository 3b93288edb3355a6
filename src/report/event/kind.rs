//! The words for the kinds of change. They are part of the types and ids of events, so
//! they never change.

use crate::record::change::{Change, ChangeKind};
use crate::record::kind::RecordPath;

/// All the words, each with what happened.
pub const TYPES: &[(&str, &str)] = &[
    ("registry.created", "the root: the first policy"),
    ("policy.changed", "`registry.yaml` changed"),
    ("policy.reviewed", "an administrator reviewed a proposed policy"),
    ("group.created", "a group was created"),
    ("group.updated", "a group's description or owners changed"),
    ("group.deleted", "a group was deleted"),
    ("version.registered", "a version was registered"),
    (
        "version.imported",
        "a version was registered with the status that it had elsewhere",
    ),
    ("version.deleted", "a version was deleted; a tombstone stays"),
    (
        "version.frozen.changed",
        "something frozen at registration changed",
    ),
    ("version.annotated", "description, labels or annotations changed"),
    ("version.card.added", "a card was added"),
    ("version.card.changed", "a card changed"),
    ("version.evidence.added", "an evaluation was added"),
    ("version.evidence.changed", "an evaluation changed"),
    ("version.observation.added", "an observation was added"),
    ("version.observation.changed", "an observation changed"),
    ("version.reviewed", "a review was given, changed or withdrawn"),
    ("version.archival.given", "the reason of an archival was given"),
    ("version.archival.changed", "the reason of an archival changed"),
    ("version.status.moved", "the status moved"),
    ("stage.moved", "a stage got another version, or none"),
    ("tombstone.changed", "a tombstone changed"),
    ("record.reformatted", "a file changed, and what it says did not"),
    ("record.removed", "a record was removed"),
    ("protected.changed", "a file that `protect` names changed"),
    ("record.unreadable", "a record can't be read"),
    ("record.stray", "a file that is not a record was added or changed"),
];

/// The word for a kind of change.
pub(super) fn word(kind: &ChangeKind) -> &'static str {
    let word = word_of(kind);
    debug_assert!(
        TYPES.iter().any(|(known, _)| *known == word),
        "`{word}` has a line in TYPES"
    );
    word
}

fn word_of(kind: &ChangeKind) -> &'static str {
    match kind {
        ChangeKind::RegistryCreated => "registry.created",
        ChangeKind::PolicyChanged => "policy.changed",
        ChangeKind::PolicyReviewed { .. } => "policy.reviewed",
        ChangeKind::GroupCreated => "group.created",
        ChangeKind::GroupUpdated => "group.updated",
        ChangeKind::GroupDeleted => "group.deleted",
        ChangeKind::VersionRegistered => "version.registered",
        ChangeKind::VersionImported { .. } => "version.imported",
        ChangeKind::VersionDeleted => "version.deleted",
        ChangeKind::FrozenChanged { .. } => "version.frozen.changed",
        ChangeKind::VersionAnnotated { .. } => "version.annotated",
        ChangeKind::CardAdded => "version.card.added",
        ChangeKind::CardChanged => "version.card.changed",
        ChangeKind::EvidenceAdded => "version.evidence.added",
        ChangeKind::EvidenceChanged => "version.evidence.changed",
        ChangeKind::ObservationAdded => "version.observation.added",
        ChangeKind::ObservationChanged => "version.observation.changed",
        ChangeKind::Reviewed { .. } => "version.reviewed",
        ChangeKind::ArchivalGiven => "version.archival.given",
        ChangeKind::ArchivalChanged => "version.archival.changed",
        ChangeKind::StatusMoved { .. } => "version.status.moved",
        ChangeKind::StageMoved { .. } => "stage.moved",
        ChangeKind::TombstoneChanged => "tombstone.changed",
        ChangeKind::Reformatted => "record.reformatted",
        ChangeKind::Removed => "record.removed",
        ChangeKind::ProtectedChanged => "protected.changed",
        ChangeKind::Unreadable => "record.unreadable",
        ChangeKind::Stray { .. } => "record.stray",
    }
}

/// The subject of a change, in an event.
pub(super) fn subject(change: &Change) -> String {
    match &change.record {
        Some(RecordPath::Registry) => {
            let registry = change.any().and_then(|file| file.registry());
            format!("policy/{}", registry.map_or(0, |registry| registry.serial))
        }
        Some(RecordPath::PolicyReview(serial, _)) => format!("policy/{serial}"),
        _ => change.target(),
    }
}
