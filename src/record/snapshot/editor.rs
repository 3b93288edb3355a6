//! The schemas in a registry's folder, for editors.

use super::Snapshot;
use crate::base::Error;
use crate::object::{self, Entry, Mode};
use crate::record::kind::{Kind, RecordPath};
use crate::record::schema::editor;

impl Snapshot<'_> {
    /// Returns the entry at a path that is not a record's, from the registry's folder.
    /// The entry counts as absent if a partial clone lacks the folder.
    pub fn tooling(&self, path: &str) -> Result<Option<Entry>, Error> {
        let Some(tree) = self.tree else { return Ok(None) };
        match object::lookup(self.records.objects, tree, path) {
            Err(Error::MissingObject { .. }) => Ok(None),
            entry => entry,
        }
    }

    /// Returns the comment that names a record's schema to an editor, or `None` if the
    /// registry does not contain that schema.
    pub fn editor_line(&self, kind: Kind, record: &RecordPath) -> Result<Option<String>, Error> {
        let entry = self.tooling(&editor::path(kind))?;
        let is_there = entry.is_some_and(|entry| entry.mode == Mode::File);
        Ok(is_there.then(|| editor::line(kind, record)))
    }

    /// Replaces, in a record's text, the comment that names its schema by a web address
    /// with one that names the registry's own schema, if there is one.
    pub fn with_own_line(&self, record: &RecordPath, mut text: String) -> Result<String, Error> {
        if let Some((kind, range)) = editor::web_line(&text)
            && let Some(line) = self.editor_line(kind, record)?
        {
            text.replace_range(range, &line);
        }
        Ok(text)
    }
}
