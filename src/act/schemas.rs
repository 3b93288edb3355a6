//! The schemas that a registry's folder holds for editors. They are no records:
//! nothing is judged by them.

use super::{Desk, Draft};
use crate::error::Error;
use crate::model::Kind;
use crate::raw::{Mode, ObjectKind, Oid};
use crate::schema::editor;
use crate::snapshot::Snapshot;

/// The schemas that a registry lacks, or has otherwise than this version writes
/// them: path from the registry's folder, and text.
///
/// # Errors
/// A tree is damaged.
pub fn outdated_schemas(snapshot: &Snapshot<'_>) -> Result<Vec<(String, String)>, Error> {
    let format = snapshot.records.objects().format();
    let mut outdated = Vec::new();
    for kind in Kind::ALL {
        let (path, text) = (editor::path(*kind), editor::text(*kind));
        let entry = snapshot.tooling(&path)?;
        let is_current = entry.is_some_and(|entry| {
            entry.mode == Mode::File && entry.id == Oid::hash(format, ObjectKind::Blob, text.as_bytes())
        });
        if !is_current {
            outdated.push((path, text));
        }
    }
    Ok(outdated)
}

/// A file or link where a folder of the schemas belongs.
///
/// # Errors
/// A tree is damaged.
pub fn in_place_of_schemas(snapshot: &Snapshot<'_>) -> Result<Option<&'static str>, Error> {
    let top = editor::FOLDER.split('/').next().unwrap_or_default();
    for folder in [top, editor::FOLDER] {
        let entry = snapshot.tooling(folder)?;
        if entry.is_some_and(|entry| entry.mode != Mode::Tree) {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Writes the schemas of this version.
///
/// # Errors
/// A file or link is in the place of their folder, or a tree is damaged.
pub fn update_schemas(desk: &Desk<'_>, reason: Option<&str>) -> Result<Draft, Error> {
    if let Some(path) = in_place_of_schemas(&desk.snapshot)? {
        return Err(Error::told(format!(
            "`{path}` is not a folder, so that no schemas can be written there"
        ))
        .hint(format!("give it another name: `git mv {path} {path}.old`")));
    }
    let mut draft = Draft::new("Update the schemas for editors", reason);
    let outdated = outdated_schemas(&desk.snapshot)?;
    if outdated.is_empty() {
        let folder = editor::FOLDER;
        draft
            .notes
            .push(format!("the schemas in `{folder}` are those of this version"));
    }
    draft.edits = outdated
        .into_iter()
        .map(|(path, text)| (path, Some(text)))
        .collect();
    Ok(draft)
}

/// A note on schemas of another version, or on records that name theirs by a web
/// address. `folder` is where the schemas are, from the repository's top.
///
/// # Errors
/// An object can't be read.
pub fn schemas_note(snapshot: &Snapshot<'_>, folder: &str) -> Result<Option<String>, Error> {
    if snapshot.tooling(editor::FOLDER)?.is_some() {
        return Ok((!outdated_schemas(snapshot)?.is_empty()).then(|| {
            format!(
                "the schemas for editors in `{folder}` are not those of this version ({}): `modelry schema update` writes them",
                env!("CARGO_PKG_VERSION")
            )
        }));
    }
    let policy = snapshot.registry()?;
    let text = policy.as_ref().and_then(|loaded| loaded.document.as_ref());
    let is_on_web = text.is_some_and(|document| editor::web_line(document.text()).is_some());
    Ok(is_on_web.then(|| {
        format!("the records send editors to a web address for their schema: `modelry schema update` writes the schemas to `{folder}`, and a record that is edited later leads there")
    }))
}
