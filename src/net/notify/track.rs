//! A cursor on disk: one run at a time has it, and it moves whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::cursor::{Cursor, LARGEST_CURSOR};
use crate::base::{Error, shell_word};
use crate::git::{Repo, disk};

/// A cursor on disk, held by this run.
pub struct Track {
    /// Where it is, links followed.
    path: PathBuf,
    /// What stands there.
    read: Option<Cursor>,
    /// Kept while the run lasts.
    _lock: File,
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(extension);
    PathBuf::from(name)
}

impl Track {
    /// Takes hold of a cursor, if no other run has it, and reads it. None when
    /// another run has it.
    ///
    /// # Errors
    /// When it is inside the repository's work tree, can't be read or locked, or
    /// is no cursor.
    pub fn open(repo: &Repo, given: &Path) -> Result<Option<Track>, Error> {
        let shown = given.display();
        let folder = match given.parent() {
            Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
            None => return Err(Error::told(format!("`{shown}` is no file"))),
        };
        let Some(name) = given.file_name() else {
            return Err(Error::told(format!("`{shown}` is no file")));
        };
        let folder = match folder.canonicalize() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::told(format!(
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
        // Two links to one cursor have one lock.
        let path = link.canonicalize().unwrap_or_else(|_| link.clone());
        for place in [&link, &path] {
            if repo.has_in_work_tree(place.parent().unwrap_or(place)) {
                return Err(Error::told(format!(
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
                Error::told(format!("`{shown}` is no cursor: {why}"))
                    .hint("restore it from a copy, or remove it and say where to start: `--since COMMIT`, or `--from-start`")
            })?),
        };
        Ok(Some(Track {
            path,
            read,
            _lock: lock,
        }))
    }

    /// What stands there.
    pub fn cursor(&self) -> Option<&Cursor> {
        self.read.as_ref()
    }

    /// Moves the cursor. It has reached the disk before it takes the old one's
    /// place; should the machine fail before that place is on disk too, the old
    /// one is there, and an event comes twice.
    ///
    /// # Errors
    /// When it can't be written; the old one is there still.
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
