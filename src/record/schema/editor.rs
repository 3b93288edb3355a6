//! The schemas that a registry's folder contains for editors, and the comment in a
//! record that refers to its schema.

use std::ops::Range;

use super::{file_name, schema};
use crate::record::kind::{Kind, RecordPath};

/// The folder of the schemas, from the registry's folder. It contains no records.
pub const FOLDER: &str = ".modelry/schemas";

/// Start of the comment that names a record's schema to an editor's YAML language
/// server.
const MARK: &str = "# yaml-language-server: $schema=";

/// The path of a kind's schema, from the registry's folder.
pub fn path(kind: Kind) -> String {
    format!("{FOLDER}/{}", file_name(kind))
}

/// The text of a kind's schema, as in [`FOLDER`].
pub fn text(kind: Kind) -> String {
    format!("{:#}\n", schema(kind))
}

/// The comment that names the schema of the record at `record` to an editor: a path
/// relative to the record, so that the editor contacts no host.
pub fn line(kind: Kind, record: &RecordPath) -> String {
    let up = record.to_string().matches('/').count();
    format!("{MARK}{}{}", "../".repeat(up), path(kind))
}

/// Finds the comment that names a record's schema by a web address, as older versions
/// wrote it, and returns its range and the kind of that schema.
pub fn web_line(text: &str) -> Option<(Kind, Range<usize>)> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        if !bare.starts_with('#') {
            return None;
        }
        if let Some(address) = bare.strip_prefix(MARK)
            && address.starts_with("https://")
        {
            let (_, name) = address.rsplit_once("/schemas/v1/")?;
            let kind = Kind::ALL.iter().find(|kind| file_name(**kind) == name)?;
            return Some((*kind, start..start + bare.len()));
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leads_from_its_record_to_the_schema() {
        let version = RecordPath::parse("groups/churn/versions/3/version.yaml").expect("a path");
        assert_eq!(
            line(Kind::ModelVersion, &version),
            "# yaml-language-server: $schema=../../../../.modelry/schemas/model-version.schema.json"
        );
        assert_eq!(
            line(Kind::Registry, &RecordPath::Registry),
            "# yaml-language-server: $schema=.modelry/schemas/registry.schema.json"
        );
    }

    #[test]
    fn an_older_line_is_known_by_its_address() {
        let old = "# yaml-language-server: $schema=https://example.com/schemas/v1/review.schema.json";
        let text = format!("# mine\n{old}\nkind: Review\n");
        let (kind, range) = web_line(&text).expect("a line");
        assert_eq!((kind, &text[range]), (Kind::Review, old));
        for other in [
            format!("kind: Review\n{old}\n"),
            old.replace("https://example.com", ".."),
            old.replace("review", "mine"),
            old.replace("/v1/", "/v2/"),
            String::new(),
        ] {
            assert_eq!(web_line(&other), None, "{other}");
        }
    }
}
