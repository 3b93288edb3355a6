//! A cursor on disk: one process at a time holds it, and it is replaced atomically.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::cursor::{Cursor, LARGEST_CURSOR};
use crate::base::{Error, shell_word};
use crate::git::{Repo, disk};

/// A cursor on disk, held by this process.
pub struct Track {
    /// Its path, with links resolved.
    path: PathBuf,
    /// The content of the file.
    read: Option<Cursor>,
    /// The lock, held until the end.
    _lock: File,
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(extension);
    PathBuf::from(name)
}

impl Track {
    /// Locks and reads a cursor. Returns `None` when another process holds it.
    ///
    /// # Errors
    /// The cursor is inside the repository's work tree, can't be read or locked, or
    /// is not a cursor.
    pub fn open(repo: &Repo, given: &Path) -> Result<Option<Track>, Error> {
        let shown = given.display();
        let (folder, name) = disk::folder_and_name(given)?;
        let folder = match folder.canonicalize() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::msg(format!(
                    "there is no folder `{}` for the cursor",
                    folder.display()
                ))
                .hint(format!(
                    "make the folder: `mkdir -p {}`",
                    shell_word(&folder.to_string_lossy())
                )));
            }
            folder_or => folder_or.map_err(disk::io("read", folder))?,
        };
        let link = folder.join(name);
        // Two links to one cursor share one lock.
        let path = link.canonicalize().unwrap_or_else(|_| link.clone());
        for place in [&link, &path] {
            if repo.has_in_work_tree(place.parent().unwrap_or(place)) {
                return Err(Error::msg(format!(
                    "the cursor `{shown}` is inside the work tree: who can change the registry could have events left out"
                ))
                .hint("keep it outside the repository, or in its git directory"));
            }
        }
        let Some(lock) = disk::try_lock(&beside(&path, ".lock"))? else {
            return Ok(None);
        };
        let read = match disk::read_at_most(&path, LARGEST_CURSOR)? {
            None => None,
            Some(bytes) => Some(Cursor::parse(&bytes).map_err(|why| {
                Error::msg(format!("`{shown}` is no cursor: {why}"))
                    .hint("restore it from a copy, or remove it and say where to start: `--since COMMIT`, or `--from-start`")
            })?),
        };
        Ok(Some(Track {
            path,
            read,
            _lock: lock,
        }))
    }

    /// Returns the cursor.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.read.as_ref()
    }

    /// Moves the cursor. The new content reaches the disk before it replaces the old
    /// one. If the machine fails before the replacement is on disk, the old cursor
    /// remains, and an event is delivered twice.
    ///
    /// # Errors
    /// The cursor can't be written; the old one is unchanged.
    pub fn move_to(&mut self, next: Cursor) -> Result<(), Error> {
        if self.read.as_ref() == Some(&next) {
            return Ok(());
        }
        let draft = beside(&self.path, ".new");
        disk::replace_alone(&self.path, &draft, next.text().as_bytes())?;
        self.read = Some(next);
        Ok(())
    }
}
