//! The words for the kinds of change. They are part of the types and ids of events, so
//! they never change.

use crate::record::change::{Change, ChangeKind};
use crate::record::kind::RecordPath;

/// The word for a kind of change.
pub(super) fn word(kind: &ChangeKind) -> &'static str {
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
