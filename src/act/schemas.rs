//! The schemas that a registry's folder holds for editors. They are not records: nothing
//! is judged by them.

use std::collections::BTreeSet;

use super::{Draft, WriteContext};
use crate::base::{Error, ObjectKind, Oid};
use crate::object::Mode;
use crate::record::change::{self, Change, ChangeKind};
use crate::record::kind::{Kind, RecordPath};
use crate::record::schema::editor;
use crate::record::snapshot::Snapshot;
use crate::trust;

/// Lists the schemas that a registry lacks, or whose text differs from this version's:
/// path from the registry's folder, and text.
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

/// Returns a file or link in the place of the schemas' folder.
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

/// Returns the records whose schema line has a web address: those that the actor may
/// change, with the new line, and the number of the others.
fn led_here(desk: &WriteContext<'_>) -> Result<(Vec<(RecordPath, String)>, usize), Error> {
    let records = desk.snapshot.records;
    let (mut led, mut others) = (Vec::new(), 0);
    let mut seen = BTreeSet::new();
    for change in change::diff(&Snapshot::empty(records), &desk.snapshot)?.changes {
        let (Some(path), Some(loaded)) = (change.record.clone(), change.after.clone()) else {
            continue;
        };
        let Some(document) = loaded.document.as_ref().filter(|_| seen.insert(path.clone())) else {
            continue;
        };
        let Some((kind, range)) = editor::web_line(document.text()) else {
            continue;
        };
        let moved = Change {
            kind: ChangeKind::Reformatted,
            ..change
        };
        let is_allowed = trust::needed_action(&moved).is_some_and(|(action, stage)| {
            desk.policy
                .may(&desk.actor, action, moved.group(), stage.as_ref())
        });
        // The policy and tombstones are not changed for a comment. A record without a
        // signature of its own would look like the work of this actor.
        let is_fixed = path == RecordPath::Registry || loaded.tombstone().is_some();
        let is_signed = loaded.by().is_none() || loaded.signature().is_some();
        if is_fixed || !is_signed || !is_allowed {
            others += 1;
            continue;
        }
        let mut text = document.text().to_string();
        text.replace_range(range, &editor::line(kind, &path));
        led.push((path, text));
    }
    Ok((led, others))
}

/// Writes the schemas of this version; with `records`, also changes the records that name
/// a web address for their schema.
///
/// # Errors
/// A file or link is in the place of their folder.
pub fn update_schemas(desk: &WriteContext<'_>, records: bool, reason: Option<&str>) -> Result<Draft, Error> {
    if let Some(path) = in_place_of_schemas(&desk.snapshot)? {
        return Err(Error::msg(format!(
            "`{path}` is not a folder, so that no schemas can be written there"
        ))
        .hint(format!("give it another name: `git mv {path} {path}.old`")));
    }
    let mut draft = Draft::new("Update the schemas for editors", reason);
    let outdated = outdated_schemas(&desk.snapshot)?;
    let (led, others) = led_here(desk)?;
    draft.edits = outdated
        .into_iter()
        .map(|(path, text)| (path, Some(text)))
        .collect();
    match (records, led.len()) {
        (true, _) => {
            let led = led.into_iter();
            draft
                .edits
                .extend(led.map(|(path, text)| (path.to_string(), Some(text))));
            if others > 0 {
                draft.notes.push(format!(
                    "records that name a web address and stay as they are, until somebody with the right edits them: {others}"
                ));
            }
        }
        (false, 0) => {}
        (false, count) => draft.notes.push(format!(
            "records that name a web address for their schema: {count}; `modelry schema update --records` leads them to `{}`",
            editor::FOLDER
        )),
    }
    if draft.edits.is_empty() {
        let folder = editor::FOLDER;
        draft
            .notes
            .push(format!("the schemas in `{folder}` are those of this version"));
    }
    Ok(draft)
}

/// Returns a note on schemas of another version, or on records that name theirs by a web
/// address. `folder` is the schemas' folder, from the repository's top.
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
        format!("the records send editors to a web address for their schema: `modelry schema update --records` writes the schemas to `{folder}`, and leads them there")
    }))
}
