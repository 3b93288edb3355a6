//! The table of the kinds of record: one row each.
//!
//! A row says where records of the kind are and what is true of all of them. Every other
//! place asks the row.

use super::pattern::Part::{File, Group, Number, Text};
use super::pattern::{Captured, GROUPS_FOLDER, POLICY_FOLDER, Part, REGISTRY_FILE, Variable, Variables};
use super::{ActorId, GroupName, RecordName, StageName, VersionId};

/// What is true of all records of one kind.
#[derive(Debug)]
pub struct Row {
    /// The kind.
    pub kind: RecordKind,
    /// The path from the registry's folder.
    pub pattern: &'static [Part],
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
    }
    /// `policy/<serial>/<actor>.yaml`
    PolicyReview(serial: u64, actor: ActorId) {
        pattern: &[Text(POLICY_FOLDER), Number, File],
    }
    /// `groups/<group>/group.yaml`
    Group(group: GroupName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("group.yaml")],
    }
    /// `groups/<group>/stages/<stage>.yaml`
    Stage(group: GroupName, stage: StageName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("stages"), File],
    }
    /// `groups/<group>/versions/<n>/version.yaml`
    Version(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("version.yaml")],
    }
    /// `groups/<group>/versions/<n>/card.yaml`
    Card(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("card.yaml")],
    }
    /// `groups/<group>/versions/<n>/evidence/<name>.yaml`
    Evidence(version: VersionId, name: RecordName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("evidence"), File],
    }
    /// `groups/<group>/versions/<n>/reviews/<actor>.yaml`
    Review(version: VersionId, actor: ActorId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("reviews"), File],
    }
    /// `groups/<group>/versions/<n>/archival.yaml`
    Archival(version: VersionId) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("archival.yaml")],
    }
    /// `groups/<group>/versions/<n>/observations/<name>.yaml`
    Observation(version: VersionId, name: RecordName) {
        pattern: &[Text(GROUPS_FOLDER), Group, Text("versions"), Number, Text("observations"), File],
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
