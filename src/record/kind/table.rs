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
    ActorId, Archival, Document, Evaluation, GroupName, ModelCard, ModelGroup, ModelVersion, RecordName,
    Registry, Review, StageAssignment, StageName, Tombstone, VersionId,
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

/// What is true of all records of one kind.
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
    pub(super) make: fn(&Captured<'_>) -> Result<RecordPath, String>,
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
    }
    /// `policy/<serial>/<actor>.yaml`
    PolicyReview(serial: u64, actor: ActorId) {
        pattern: &[Text(POLICY_FOLDER), Number, File],
        types: &[Kind::Review],
        large: false,
    }
    /// `groups/<group>/group.yaml`
    Group(group: GroupName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("group.yaml")],
        types: &[Kind::ModelGroup, Kind::Tombstone],
        large: false,
    }
    /// `groups/<group>/stages/<stage>.yaml`
    Stage(group: GroupName, stage: StageName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("stages"), File],
        types: &[Kind::StageAssignment],
        large: false,
    }
    /// `groups/<group>/versions/<n>/version.yaml`
    Version(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("version.yaml")],
        types: &[Kind::ModelVersion, Kind::Tombstone],
        large: false,
    }
    /// `groups/<group>/versions/<n>/card.yaml`
    Card(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("card.yaml")],
        types: &[Kind::ModelCard],
        large: true,
    }
    /// `groups/<group>/versions/<n>/evidence/<name>.yaml`
    Evidence(version: VersionId, name: RecordName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("evidence"), File],
        types: &[Kind::Evaluation],
        large: false,
    }
    /// `groups/<group>/versions/<n>/reviews/<actor>.yaml`
    Review(version: VersionId, actor: ActorId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("reviews"), File],
        types: &[Kind::Review],
        large: false,
    }
    /// `groups/<group>/versions/<n>/archival.yaml`
    Archival(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("archival.yaml")],
        types: &[Kind::Archival],
        large: false,
    }
    /// `groups/<group>/versions/<n>/observations/<name>.yaml`
    Observation(version: VersionId, name: RecordName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("observations"), File],
        types: &[Kind::Evaluation],
        large: false,
    }
}

impl RecordKind {
    /// Every kind of record, in the order of the table.
    pub fn all() -> impl Iterator<Item = RecordKind> {
        ROWS.iter().map(|row| row.kind)
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
