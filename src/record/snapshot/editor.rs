//! The schemas in a registry's folder, which editors read.

use super::Snapshot;
use crate::base::Error;
use crate::object::{self, Entry, Mode};
use crate::record::kind::{Kind, RecordPath};
use crate::record::schema::editor;

impl Snapshot<'_> {
    /// The entry at a path that holds no record, from the registry's folder. It counts
    /// as absent where a partial clone lacks the folder.
    ///
    /// # Errors
    /// A tree is damaged.
    pub fn tooling(&self, path: &str) -> Result<Option<Entry>, Error> {
        let Some(tree) = self.tree else { return Ok(None) };
        match object::lookup(self.records.objects, tree, path) {
            Err(Error::MissingObject { .. }) => Ok(None),
            entry => entry,
        }
    }

    /// The comment that leads an editor from a record to its schema; none where the
    /// registry does not hold that schema.
    ///
    /// # Errors
    /// A tree is damaged.
    pub fn editor_line(&self, kind: Kind, record: &RecordPath) -> Result<Option<String>, Error> {
        let entry = self.tooling(&editor::path(kind))?;
        let is_there = entry.is_some_and(|entry| entry.mode == Mode::File);
        Ok(is_there.then(|| editor::line(kind, record)))
    }

    /// A record's text in which a line that names its schema by a web address names
    /// the registry's own schema instead, if there is one.
    ///
    /// # Errors
    /// A tree is damaged.
    pub fn with_own_line(&self, record: &RecordPath, mut text: String) -> Result<String, Error> {
        if let Some((kind, range)) = editor::web_line(&text)
            && let Some(line) = self.editor_line(kind, record)?
        {
            text.replace_range(range, &line);
        }
        Ok(text)
    }
}
