//! Paths of records: read, written, and what the registry's folder holds.

use std::fmt;

use super::pattern::{GROUPS_FOLDER, LONGEST, POLICY_FOLDER, Part, REGISTRY_FILE, Variable, Variables};
use super::table::row_of;
use super::{GroupName, RecordKind, RecordPath, VersionId};

/// The entries of the registry's folder that hold its records.
pub const ENTRIES: [&str; 3] = [REGISTRY_FILE, GROUPS_FOLDER, POLICY_FOLDER];

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
    path == REGISTRY_FILE
        || path
            .strip_prefix(POLICY_FOLDER)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the name of the group that a path, from the registry's folder, is in.
pub fn group_in(path: &str) -> Option<&str> {
    path.strip_prefix(GROUPS_FOLDER)?
        .strip_prefix('/')?
        .split('/')
        .next()
}

/// Whether the folder with these names on the way from the registry's folder, or one
/// below it, may hold records, under any names of groups, versions and serials.
pub fn leads_to_records(folder: &[&[u8]]) -> bool {
    let leads = |pattern: &[Part]| {
        let mut both = folder.iter().zip(pattern);
        folder.len() < pattern.len()
            && both.all(|(name, part)| match part {
                Part::Text(text) => text.as_bytes() == *name,
                Part::Group | Part::Number | Part::File => true,
            })
    };
    RecordKind::all().any(|kind| leads(kind.row().pattern))
}

/// The reason why a path is not that of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// No record has a path of this shape.
    Shape,
    /// A name in the path is not allowed.
    Name(String),
}

impl RecordPath {
    /// Parses a path from the registry's folder, or returns `None` when no record may
    /// have that path.
    pub fn parse(path: &str) -> Option<RecordPath> {
        RecordPath::read(path).ok()
    }

    /// Parses a path from the registry's folder.
    ///
    /// # Errors
    /// The reason why no record may have that path: its shape, or the first of its names
    /// that is not allowed.
    pub fn read(path: &str) -> Result<RecordPath, PathFault> {
        let mut parts = [""; LONGEST];
        let mut length = 0;
        for part in path.split('/') {
            *parts.get_mut(length).ok_or(PathFault::Shape)? = part;
            length += 1;
        }
        let (row, captured) = row_of(&parts[..length]).ok_or(PathFault::Shape)?;
        (row.make)(&captured).map_err(PathFault::Name)
    }

    /// The group that the record belongs to, or `None` for the policy and its reviews.
    pub fn group(&self) -> Option<&GroupName> {
        self.variables().group
    }

    /// The version that the record belongs to.
    pub fn version(&self) -> Option<&VersionId> {
        self.variables().version
    }

    /// The name of the record's file without `.yaml`, for kinds of which there may be
    /// several in one folder: an evaluation's name, a reviewer, a stage.
    pub fn name(&self) -> Option<&str> {
        self.variables().name
    }
}

impl fmt::Display for RecordPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.variables().write(self.kind().row().pattern, f)
    }
}

impl RecordKind {
    /// The shape of the paths, for people: `groups/<group>/versions/<number>/card.yaml`.
    pub fn shape(self) -> String {
        let parts = self.row().pattern.iter().map(|part| match part {
            Part::Text(text) => text,
            Part::Group => "<group>",
            Part::Number => "<number>",
            Part::File => "<name>.yaml",
        });
        parts.collect::<Vec<&str>>().join("/")
    }

    /// The folder of this group's, version's or policy's records of this kind. A group's
    /// folder for kinds of a version is that of all its versions.
    pub fn folder(self, of: &impl Variable) -> String {
        let mut variables = Variables::default();
        of.give(&mut variables);
        let pattern = self.row().pattern;
        let known = pattern.iter().take_while(|part| variables.has(part)).count();
        let mut folder = String::new();
        variables
            .write(&pattern[..known.min(pattern.len() - 1)], &mut folder)
            .expect("a string takes every text");
        folder
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A path for each kind, with these variables.
    fn paths(group: &str, number: u64, name: &str) -> Vec<(RecordKind, String)> {
        let path = |kind: RecordKind| {
            let shape = kind.shape().replace("<group>", group);
            shape
                .replace("<number>", &number.to_string())
                .replace("<name>", name)
        };
        RecordKind::all().map(|kind| (kind, path(kind))).collect()
    }

    #[test]
    fn the_rows_stand_in_the_order_of_the_kinds() {
        for kind in RecordKind::all() {
            assert_eq!(kind.row().kind, kind);
            assert!(kind.row().pattern.len() <= LONGEST, "{kind:?}");
        }
    }

    #[test]
    fn the_entries_are_the_first_names_of_the_patterns() {
        let firsts: Vec<Part> = RecordKind::all().map(|kind| kind.row().pattern[0]).collect();
        for entry in ENTRIES {
            assert!(firsts.contains(&Part::Text(entry)), "no record is in `{entry}`");
        }
        for (kind, path) in paths("g", 1, "a") {
            assert!(is_in_entries(&path), "{kind:?} is in no entry");
        }
    }

    #[test]
    fn no_path_has_the_shape_of_two_kinds() {
        let fits = |a: &Part, b: &Part| match (a, b) {
            (Part::Text(a), Part::Text(b)) => a == b,
            (Part::File, Part::Text(text)) | (Part::Text(text), Part::File) => text.ends_with(".yaml"),
            _ => true,
        };
        for a in RecordKind::all() {
            for b in RecordKind::all().filter(|b| *b != a) {
                let (one, other) = (a.row().pattern, b.row().pattern);
                let overlaps = one.len() == other.len() && one.iter().zip(other).all(|(a, b)| fits(a, b));
                assert!(!overlaps, "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn the_paths_of_the_format_are_these() {
        let expected = [
            "registry.yaml",
            "policy/7/ada.yaml",
            "groups/fraud/group.yaml",
            "groups/fraud/stages/ada.yaml",
            "groups/fraud/versions/7/version.yaml",
            "groups/fraud/versions/7/card.yaml",
            "groups/fraud/versions/7/evidence/ada.yaml",
            "groups/fraud/versions/7/reviews/ada.yaml",
            "groups/fraud/versions/7/archival.yaml",
            "groups/fraud/versions/7/observations/ada.yaml",
        ];
        let paths: Vec<String> = paths("fraud", 7, "ada")
            .into_iter()
            .map(|(_, path)| path)
            .collect();
        assert_eq!(paths, expected);
    }

    #[test]
    fn a_path_of_a_known_shape_names_the_first_name_that_is_not_allowed() {
        let fault = |path: &str| RecordPath::read(path).expect_err(path);
        assert_eq!(fault("groups/g/group.yml"), PathFault::Shape);
        assert_eq!(fault("groups/g/versions/1/evidence/a.yml"), PathFault::Shape);
        assert_eq!(fault("groups/g/versions/1/evidence/a.yaml/b"), PathFault::Shape);
        let is_named = |path: &str, start: &str| match fault(path) {
            PathFault::Name(words) => assert!(words.starts_with(start), "{path}: {words}"),
            PathFault::Shape => panic!("{path} has a known shape"),
        };
        is_named("groups/g_/versions/01/version.yaml", "`g_` is not a group's name");
        is_named(
            "groups/g/versions/01/version.yaml",
            "`01` is not a version's number",
        );
        is_named("groups/g/versions/1/reviews/A.yaml", "`A` is not an actor's id");
        is_named("groups/g/stages/latest.yaml", "`latest` is not a stage's name");
        is_named("policy/x/ada.yaml", "`x` is not a serial");
    }

    #[test]
    fn the_folders_of_records() {
        let id: VersionId = "fraud/7".parse().expect("a version");
        assert_eq!(RecordKind::Version.folder(&id), "groups/fraud/versions/7");
        assert_eq!(
            RecordKind::Evidence.folder(&id),
            "groups/fraud/versions/7/evidence"
        );
        assert_eq!(RecordKind::Version.folder(&id.group), "groups/fraud/versions");
        assert_eq!(RecordKind::Stage.folder(&id.group), "groups/fraud/stages");
        assert_eq!(RecordKind::PolicyReview.folder(&3), "policy/3");
    }

    #[test]
    fn folders_on_the_way_to_records() {
        for (folder, leads) in [
            ("groups", true),
            ("groups/g_", true),
            ("groups/g/stages", true),
            ("groups/g/versions/x", true),
            ("groups/g/versions/1/evidence", true),
            ("groups/g/versions/1/evidence/a", false),
            ("groups/g/versions/1/card.yaml", false),
            ("groups/g/notes", false),
            ("policy/x", true),
            ("policy/1/a", false),
            ("registry.yaml", false),
            ("docs", false),
        ] {
            let names: Vec<&[u8]> = folder.split('/').map(str::as_bytes).collect();
            assert_eq!(leads_to_records(&names), leads, "{folder}");
        }
    }

    proptest! {
        #[test]
        fn a_path_is_written_as_it_was_read(
            group in "[a-zA-Z0-9](-{0,2}[a-zA-Z0-9]){0,20}",
            number in 1..=super::super::MAX_INTEGER,
            name in "[a-z0-9][a-z0-9._-]{0,20}[a-z0-9]",
        ) {
            prop_assume!(group.parse::<GroupName>().is_ok());
            prop_assume!(name.parse::<super::super::StageName>().is_ok());
            for (kind, path) in paths(&group, number, &name) {
                let read = RecordPath::read(&path).expect(&path);
                prop_assert_eq!(read.kind(), kind);
                prop_assert_eq!(read.to_string(), path);
            }
        }

        #[test]
        fn text_that_reads_as_a_path_is_that_path(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("registry.yaml".to_owned()), Just("policy".to_owned()), Just("groups".to_owned()),
                    Just("versions".to_owned()), Just("stages".to_owned()), Just("evidence".to_owned()),
                    Just("reviews".to_owned()), Just("observations".to_owned()), Just("card.yaml".to_owned()),
                    Just("version.yaml".to_owned()), Just("archival.yaml".to_owned()), Just("1".to_owned()),
                    "[a-zA-Z0-9+. ]{0,4}", "[a-zA-Z0-9. ]{0,4}\\.yaml", "[0-9]{0,18}",
                ],
                1..8,
            )
        ) {
            let path = parts.join("/");
            if let Ok(read) = RecordPath::read(&path) {
                prop_assert_eq!(read.to_string(), path);
            }
        }
    }
}
