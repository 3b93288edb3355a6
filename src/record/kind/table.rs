//! The table of the kinds of record: one row each.
//!
//! A row says where records of the kind are and what is true of all of them. Every other
//! place asks the row.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::pattern::Part::{File, Group, Number, Text};
use super::pattern::{Captured, GROUPS_FOLDER, POLICY_FOLDER, Part, REGISTRY_FILE, Variable, Variables};
use super::{
    Action, ActorId, Archival, Document, Evaluation, GroupName, ModelCard, ModelGroup, ModelVersion,
    RecordName, Registry, Review, StageAssignment, StageName, Tombstone, VersionId,
};

/// The types of documents, one row each: the word of `kind`, which is also the name of
/// the type, and the short name that records of the type have in the code. Passes the
/// rows to the macro `then`.
macro_rules! documents {
    ($then:ident) => {
        $then! {
            /// The policy.
            Registry => Registry, registry;
            /// A group of versions of one model.
            ModelGroup => Group, group;
            /// A registered model.
            ModelVersion => Version, version;
            /// The model card of a version.
            ModelCard => Card, card;
            /// An evaluation: evidence for an approval, or a later observation.
            Evaluation => Evaluation, evaluation;
            /// One actor's decision on a version or a policy.
            Review => Review, review;
            /// The version that serves a stage.
            StageAssignment => Stage, stage;
            /// The retirement of a version.
            Archival => Archival, archival;
            /// The mark of a deleted version or group.
            Tombstone => Tombstone, tombstone;
        }
    };
}
pub(crate) use documents;

macro_rules! define_documents {
    ($($(#[$doc:meta])* $kind:ident => $record:ident, $method:ident;)*) => {
        /// The types of documents, by the word of `kind`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind {
            $($(#[$doc])* $kind),*
        }

        /// A document, by its type.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Record {
            $($(#[$doc])* $record(Box<$kind>)),*
        }

        impl Kind {
            /// Every type, in the order of the documentation.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The word in the file.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => stringify!($kind)),*
                }
            }

            /// Generates the schema of the type.
            pub fn generate(self) -> schemars::Schema {
                match self {
                    $(Kind::$kind => schemars::schema_for!($kind)),*
                }
            }

            /// Converts a document to its type.
            ///
            /// # Errors
            /// The reason in serde's words. After the check of the schema found no fault,
            /// an error means that schema and types disagree.
            pub fn read(self, document: &Value) -> Result<Record, String> {
                match self {
                    $(Kind::$kind => $kind::deserialize(document)
                        .map(|it| Record::$record(Box::new(it)))),*
                }
                .map_err(|error| error.to_string())
            }
        }

        impl Record {
            /// The actor whom the record names as its author.
            pub fn by(&self) -> Option<&ActorId> {
                match self {
                    $(Record::$record(record) => record.by()),*
                }
            }

            /// The record's revision, if its kind has one.
            pub fn revision(&self) -> Option<u64> {
                match self {
                    $(Record::$record(record) => record.revision()),*
                }
            }
        }
    };
}

documents!(define_documents);

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

/// The facts that hold for all records of one kind.
#[derive(Debug)]
pub struct Row {
    /// The kind.
    pub kind: RecordKind,
    /// The path from the registry's folder.
    pub pattern: &'static [Part],
    /// The types that its documents may have.
    pub types: &'static [Kind],
    /// Whether a file may be as large as a policy or a card.
    pub large: bool,
    /// Whether the record names its author, who may prove it with a signature in the
    /// record.
    pub authored: bool,
    /// Whether the record has a counter that each change raises.
    pub revisioned: bool,
    /// Whether the record is part of what reviewers approve.
    pub approved: bool,
    /// Whether the record is a decision, whose reason is told.
    pub decision: bool,
    /// The member that repeats the name of the file, for kinds with `Part::File`.
    pub named_by: &'static str,
    /// The action that a change of the record needs, unless the kind of change says
    /// otherwise. A stage belongs to the action that moves it.
    pub action: Action,
    /// The place of the record's changes among those of one step.
    pub order: u8,
    /// The words for a record that appears and for one that changes. A kind has none if
    /// its changes are told apart by their meaning.
    pub words: Option<[Words; 2]>,
    pub(super) make: fn(&Captured<'_>) -> Result<RecordPath, String>,
}

/// The words for one change. Those of events and trailers never change.
#[derive(Debug)]
pub struct Words {
    /// The type of the event.
    pub event: &'static str,
    /// The meaning of the event.
    pub meaning: &'static str,
    /// The imperative phrase, with `{target}` and `{name}`.
    pub phrase: &'static str,
    /// The line of the commit's trailer, with `{target}` and `{name}`.
    pub trailer: &'static str,
}

macro_rules! record_kinds {
    ($(
        $(#[$doc:meta])*
        $variant:ident $(($($variable:ident: $type:ty),+))? {
            $($column:ident: $value:expr),* $(,)?
        }
    )*) => {
        /// The kinds of record, by their place. Two of them may have documents of one
        /// type: evidence and observations are evaluations.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RecordKind {
            $($(#[$doc])* $variant),*
        }

        /// The record that a path below the registry's folder belongs to.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RecordPath {
            $($(#[$doc])* $variant $(($($type),+))?),*
        }

        /// The table.
        static ROWS: &[Row] = &[
            $(Row {
                kind: RecordKind::$variant,
                make: |_path| Ok(RecordPath::$variant $(($(<$type>::read(_path)?),+))?),
                $($column: $value),*
            }),*
        ];

        impl RecordPath {
            /// The kind of the record.
            pub fn kind(&self) -> RecordKind {
                match self {
                    $(RecordPath::$variant { .. } => RecordKind::$variant),*
                }
            }

            /// The variables of the path.
            pub(super) fn variables(&self) -> Variables<'_> {
                let mut variables = Variables::default();
                match self {
                    $(RecordPath::$variant $(($($variable),+))? => {
                        $($($variable.give(&mut variables);)+)?
                    }),*
                }
                variables
            }
        }
    };
}

record_kinds! {
    /// `registry.yaml`
    Registry {
        pattern: &[Text(REGISTRY_FILE)],
        types: &[Kind::Registry],
        large: true,
        authored: false,
        revisioned: false,
        approved: false,
        decision: false,
        named_by: "",
        action: Action::Administer,
        order: 1,
        words: None,
    }
    /// `policy/<serial>/<actor>.yaml`
    PolicyReview(serial: u64, actor: ActorId) {
        pattern: &[Text(POLICY_FOLDER), Number, File],
        types: &[Kind::Review],
        large: false,
        authored: true,
        revisioned: true,
        approved: false,
        decision: true,
        named_by: "/by",
        action: Action::Administer,
        order: 1,
        words: None,
    }
    /// `groups/<group>/group.yaml`
    Group(group: GroupName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("group.yaml")],
        types: &[Kind::ModelGroup, Kind::Tombstone],
        large: false,
        authored: false,
        revisioned: false,
        approved: false,
        decision: false,
        named_by: "",
        action: Action::UpdateGroup,
        order: 2,
        words: None,
    }
    /// `groups/<group>/stages/<stage>.yaml`
    Stage(group: GroupName, stage: StageName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("stages"), File],
        types: &[Kind::StageAssignment],
        large: false,
        authored: true,
        revisioned: true,
        approved: false,
        decision: true,
        named_by: "/stage",
        action: Action::Promote,
        order: 8,
        words: None,
    }
    /// `groups/<group>/versions/<n>/version.yaml`
    Version(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("version.yaml")],
        types: &[Kind::ModelVersion, Kind::Tombstone],
        large: false,
        authored: true,
        revisioned: false,
        approved: true,
        decision: false,
        named_by: "",
        action: Action::Annotate,
        order: 3,
        words: None,
    }
    /// `groups/<group>/versions/<n>/card.yaml`
    Card(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("card.yaml")],
        types: &[Kind::ModelCard],
        large: true,
        authored: true,
        revisioned: true,
        approved: true,
        decision: false,
        named_by: "",
        action: Action::AddEvidence,
        order: 5,
        words: Some([
            Words {
                event: "version.card.added",
                meaning: "a card was added",
                phrase: "add the card of {target}",
                trailer: "card {target} added",
            },
            Words {
                event: "version.card.changed",
                meaning: "a card changed",
                phrase: "change the card of {target}",
                trailer: "card {target} changed",
            },
        ]),
    }
    /// `groups/<group>/versions/<n>/evidence/<name>.yaml`
    Evidence(version: VersionId, name: RecordName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("evidence"), File],
        types: &[Kind::Evaluation],
        large: false,
        authored: true,
        revisioned: true,
        approved: true,
        decision: false,
        named_by: "/name",
        action: Action::AddEvidence,
        order: 5,
        words: Some([
            Words {
                event: "version.evidence.added",
                meaning: "an evaluation was added",
                phrase: "add evidence {name} to {target}",
                trailer: "evidence {target} {name} added",
            },
            Words {
                event: "version.evidence.changed",
                meaning: "an evaluation changed",
                phrase: "change evidence {name} of {target}",
                trailer: "evidence {target} {name} changed",
            },
        ]),
    }
    /// `groups/<group>/versions/<n>/reviews/<actor>.yaml`
    Review(version: VersionId, actor: ActorId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("reviews"), File],
        types: &[Kind::Review],
        large: false,
        authored: true,
        revisioned: true,
        approved: false,
        decision: true,
        named_by: "/by",
        action: Action::Approve,
        order: 6,
        words: None,
    }
    /// `groups/<group>/versions/<n>/archival.yaml`
    Archival(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("archival.yaml")],
        types: &[Kind::Archival],
        large: false,
        authored: true,
        revisioned: false,
        approved: false,
        decision: true,
        named_by: "",
        action: Action::Archive,
        order: 6,
        words: Some([
            Words {
                event: "version.archival.given",
                meaning: "the reason of an archival was given",
                phrase: "retire {target}",
                trailer: "archival {target} given",
            },
            Words {
                event: "version.archival.changed",
                meaning: "the reason of an archival changed",
                phrase: "change the archival of {target}",
                trailer: "archival {target} changed",
            },
        ]),
    }
    /// `groups/<group>/versions/<n>/observations/<name>.yaml`
    Observation(version: VersionId, name: RecordName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("observations"), File],
        types: &[Kind::Evaluation],
        large: false,
        authored: true,
        revisioned: true,
        approved: false,
        decision: false,
        named_by: "/name",
        action: Action::AddEvidence,
        order: 9,
        words: Some([
            Words {
                event: "version.observation.added",
                meaning: "an observation was added",
                phrase: "add observation {name} to {target}",
                trailer: "observation {target} {name} added",
            },
            Words {
                event: "version.observation.changed",
                meaning: "an observation changed",
                phrase: "change observation {name} of {target}",
                trailer: "observation {target} {name} changed",
            },
        ]),
    }
}

impl RecordKind {
    /// Every kind of record, in the order of the table.
    pub fn all() -> impl DoubleEndedIterator<Item = RecordKind> {
        ROWS.iter().map(|row| row.kind)
    }

    /// The words for a record of this kind that appears, and for one that changes. A
    /// kind has none if its changes are told apart by their meaning.
    pub fn words(self) -> Option<&'static [Words; 2]> {
        self.row().words.as_ref()
    }

    /// The row of the kind.
    pub fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

/// Finds the row that the path with these parts has the shape of.
pub(super) fn row_of<'p>(path: &[&'p str]) -> Option<(&'static Row, Captured<'p>)> {
    ROWS.iter()
        .find_map(|row| Some((row, Captured::of(row.pattern, path)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_agree_with_the_types_of_their_documents() {
        for kind in RecordKind::all() {
            let row = kind.row();
            let schema = row.types[0].generate().to_value();
            let has = |member: &str| schema["properties"].get(member).is_some();
            assert_eq!(row.authored, has("by"), "{kind:?}");
            assert_eq!(row.revisioned, has("revision"), "{kind:?}");
            assert_eq!(
                row.pattern.last() == Some(&File),
                !row.named_by.is_empty(),
                "{kind:?}"
            );
            assert!(row.named_by.is_empty() || has(&row.named_by[1..]), "{kind:?}");
        }
    }

    /// Commit messages of every registry hold these words.
    #[test]
    fn the_words_of_commit_messages_never_change() {
        let rows = RecordKind::all().filter_map(RecordKind::words);
        let words: Vec<_> = rows
            .flatten()
            .map(|words| (words.phrase, words.trailer))
            .collect();
        assert_eq!(
            words,
            [
                ("add the card of {target}", "card {target} added"),
                ("change the card of {target}", "card {target} changed"),
                (
                    "add evidence {name} to {target}",
                    "evidence {target} {name} added"
                ),
                (
                    "change evidence {name} of {target}",
                    "evidence {target} {name} changed"
                ),
                ("retire {target}", "archival {target} given"),
                ("change the archival of {target}", "archival {target} changed"),
                (
                    "add observation {name} to {target}",
                    "observation {target} {name} added"
                ),
                (
                    "change observation {name} of {target}",
                    "observation {target} {name} changed"
                ),
            ]
        );
    }
}
