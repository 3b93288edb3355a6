//! The words for the kinds of change. They are part of the types and ids of events, so
//! they never change.

use crate::record::change::{Change, ChangeKind};
#[cfg(feature = "testing")]
use crate::record::kind::RecordKind;
use crate::record::kind::RecordPath;

/// The words for changes that have a kind of their own, each with its meaning.
#[cfg(feature = "testing")]
const OWN: &[(&str, &str)] = &[
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
    ("version.reviewed", "a review was given, changed or withdrawn"),
    ("version.status.moved", "the status moved"),
    ("stage.moved", "a stage got another version, or none"),
    ("tombstone.changed", "a tombstone changed"),
    ("record.reformatted", "a file changed, and what it says did not"),
    ("record.removed", "a record was removed"),
    ("protected.changed", "a file that `protect` names changed"),
    ("record.unreadable", "a record can't be read"),
    ("record.stray", "a file that is not a record was added or changed"),
];

/// All the words, each with its meaning.
#[cfg(feature = "testing")]
pub fn types() -> Vec<(&'static str, &'static str)> {
    let rows = RecordKind::all().filter_map(|kind| kind.words());
    let rows = rows.flatten().map(|words| (words.event, words.meaning));
    OWN.iter().copied().chain(rows).collect()
}

/// The word for a kind of change.
pub(super) fn word(kind: &ChangeKind) -> &'static str {
    if let Some(words) = kind.words() {
        return words.event;
    }
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
        ChangeKind::Reviewed { .. } => "version.reviewed",
        ChangeKind::StatusMoved { .. } => "version.status.moved",
        ChangeKind::StageMoved { .. } => "stage.moved",
        ChangeKind::TombstoneChanged => "tombstone.changed",
        ChangeKind::Reformatted => "record.reformatted",
        ChangeKind::Removed => "record.removed",
        ChangeKind::ProtectedChanged => "protected.changed",
        // A record without words can't be added: it counts as one that can't be read.
        ChangeKind::Added(_) | ChangeKind::Changed(_) | ChangeKind::Unreadable => "record.unreadable",
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ChangeKind, RecordKind, types, word};

    #[test]
    fn each_kind_of_record_has_a_word_for_a_change_of_it() {
        let known: BTreeSet<&str> = types().into_iter().map(|(word, _)| word).collect();
        for kind in RecordKind::all() {
            for change in [ChangeKind::Added(kind), ChangeKind::Changed(kind)] {
                let found = word(&change);
                assert!(known.contains(found), "{kind:?}: {found}");
                assert_eq!(found == "record.unreadable", kind.words().is_none(), "{kind:?}");
            }
        }
    }

    /// Receivers select events by these words, and the ids of events are made of them.
    #[test]
    fn the_types_of_events_never_change() {
        let words: BTreeSet<&str> = types().into_iter().map(|(word, _)| word).collect();
        assert_eq!(words.len(), types().len());
        let expected = BTreeSet::from([
            "registry.created",
            "policy.changed",
            "policy.reviewed",
            "group.created",
            "group.updated",
            "group.deleted",
            "version.registered",
            "version.imported",
            "version.deleted",
            "version.frozen.changed",
            "version.annotated",
            "version.card.added",
            "version.card.changed",
            "version.evidence.added",
            "version.evidence.changed",
            "version.observation.added",
            "version.observation.changed",
            "version.reviewed",
            "version.archival.given",
            "version.archival.changed",
            "version.status.moved",
            "stage.moved",
            "tombstone.changed",
            "record.reformatted",
            "record.removed",
            "protected.changed",
            "record.unreadable",
            "record.stray",
        ]);
        assert_eq!(words, expected);
    }
}
