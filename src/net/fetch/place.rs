//! The target folder of artifacts: names that stay inside it, a place for incomplete
//! parts, and a lock for one run at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Parcel, artifact};
use crate::base::Error;
pub(super) use crate::git::disk::io;
use crate::record::canonical::sha256;
use crate::record::kind::{ArtifactType, Digest, is_device};

/// The folder of incomplete parts, below the target folder.
const STATE: &str = ".modelry-pull";

/// Checks that a name can be a file's, on this system and on others.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let told = |what: &str| Err(format!("`{}` {what}", name.escape_debug()));
    if name.is_empty() {
        return Err("the name is empty".into());
    }
    if name == "." || name == ".." {
        return told("leads out of the folder");
    }
    if name.contains(['/', '\\']) {
        return told("is a path");
    }
    if name.chars().any(char::is_control) {
        return told("has a character that is not seen");
    }
    if is_device(name) {
        return told("is a device on Windows");
    }
    if name.eq_ignore_ascii_case(STATE) {
        return told("is Modelry's own");
    }
    if name.len() > 255 {
        return told("is too long");
    }
    if cfg!(windows) && (name.contains([':', '<', '>', '"', '|', '?', '*']) || name.ends_with(['.', ' '])) {
        return told("can't be a file's on Windows");
    }
    Ok(())
}

/// Checks that a path from a folder, with `/`, stays inside it.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    for name in path.split('/') {
        check_name(name).map_err(|what| format!("in `{}`, {what}", path.escape_debug()))?;
    }
    Ok(())
}

/// The present content of a parcel's final place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// The same artifact, with this many bytes.
    Present(u64),
    /// Other content.
    Other,
}

/// A locked target folder: no other run fetches to it.
pub struct Target {
    folder: PathBuf,
    state: PathBuf,
    /// The lock file; closing it releases the lock.
    _lock: File,
}

/// Creates one folder, unless it exists; a link does not count as a folder.
fn make_folder(path: &Path) -> Result<(), Error> {
    loop {
        match std::fs::create_dir(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io("create", path)(error)),
            _ => {}
        }
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => return Ok(()),
            // Another run has just removed it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(io("read", path)(error)),
            Ok(_) => {
                return Err(Error::msg(format!("`{}` is no folder", path.display()))
                    .hint("remove it: Modelry keeps there what has arrived so far"));
            }
        }
    }
}

impl Target {
    /// Opens the folder, and creates it if there is none. While another run works in
    /// it, calls `wait` and waits.
    ///
    /// # Errors
    /// The folder can't be created or written to.
    pub fn open(folder: &Path, wait: &mut dyn FnMut()) -> Result<Target, Error> {
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        let state = folder.join(STATE);
        let path = state.join("lock");
        loop {
            make_folder(&state)?;
            if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
                return Err(Error::msg(format!("`{}` is no plain file", path.display())).hint("remove it"));
            }
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path);
            let lock = match file {
                // Another run has just ended, and removed its folder.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                other => other.map_err(io("write", &path))?,
            };
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    wait();
                    lock.lock().map_err(io("lock", &path))?;
                }
                Err(TryLockError::Error(error)) => return Err(io("lock", &path)(error)),
            }
            if is_at(&lock, &path) {
                return Ok(Target {
                    folder: folder.to_owned(),
                    state,
                    _lock: lock,
                });
            }
        }
    }

    /// Returns the final place of a parcel.
    pub fn place(&self, parcel: &Parcel) -> PathBuf {
        self.folder.join(&parcel.name)
    }

    /// Returns the present content of a parcel's place; `progress` is called for each
    /// chunk.
    pub fn standing(&self, parcel: &Parcel, progress: &mut dyn FnMut(u64)) -> Result<Standing, Error> {
        let place = self.place(parcel);
        let meta = match place.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Standing::Absent),
            Err(error) => return Err(io("read", &place)(error)),
        };
        let fits = match parcel.kind {
            ArtifactType::File => meta.is_file() && parcel.size.is_none_or(|size| size == meta.len()),
            ArtifactType::Folder => meta.is_dir(),
        };
        if !fits {
            return Ok(Standing::Other);
        }
        match artifact::hash_artifact(&place, progress) {
            Ok(found) if found.digest == parcel.digest => Ok(Standing::Present(found.size)),
            // The place is a folder with links, for instance.
            Ok(_) | Err(Error::Message { .. }) => Ok(Standing::Other),
            Err(error) => Err(error),
        }
    }

    /// Returns the path of an incomplete file with this digest.
    pub(super) fn part(&self, digest: &Digest) -> Result<PathBuf, Error> {
        make_folder(&self.state)?;
        Ok(self.state.join(format!("{}.part", hex(digest))))
    }

    /// Returns the path of an incomplete folder with this digest.
    pub(super) fn stage(&self, digest: &Digest) -> Result<Stage, Error> {
        let stage = Stage(self.state.join(hex(digest)));
        make_folder(&self.state)?;
        make_folder(&stage.0)?;
        make_folder(&stage.files())?;
        Ok(stage)
    }

    /// Renames a complete artifact to its final place.
    pub(super) fn settle(&self, whole: &Path, parcel: &Parcel, force: bool) -> Result<PathBuf, Error> {
        let place = self.place(parcel);
        let old = self.state.join(format!("{}.old", hex(&parcel.digest)));
        let replaced = match place.symlink_metadata() {
            Ok(_) if !force => return Err(other_content(&place)),
            // One rename replaces a file with a file.
            Ok(meta) if !meta.is_dir() && parcel.kind == ArtifactType::File => false,
            Ok(_) => {
                remove(&old)?;
                std::fs::rename(&place, &old).map_err(io("replace", &place))?;
                true
            }
            Err(_) => false,
        };
        if let Err(error) = std::fs::rename(whole, &place) {
            if replaced {
                let _ = std::fs::rename(&old, &place);
            }
            return Err(io("write", &place)(error));
        }
        // The new name is synced too, where the system can do so.
        #[cfg(unix)]
        let _ = File::open(&self.folder).and_then(|folder| folder.sync_all());
        remove(&old)?;
        remove(&self.state.join(hex(&parcel.digest)))?;
        Ok(place)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // A process that waits for this lock sees that its file is gone, and creates
        // a new one. Other parts in the folder stay.
        if cfg!(unix) {
            let _ = std::fs::remove_file(self.state.join("lock"));
            let _ = std::fs::remove_dir(&self.state);
        }
    }
}

/// Returns the error for other content in an artifact's place.
pub fn other_content(place: &Path) -> Error {
    Error::msg(format!("`{}` is there, with other content", place.display()))
        .hint("move it away, name another folder, or replace it: `--force`")
}

/// An incomplete folder.
pub(super) struct Stage(PathBuf);

impl Stage {
    /// Returns the folder of its files.
    pub(super) fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// Returns the path of an incomplete file in it.
    pub(super) fn part(&self, path: &str) -> PathBuf {
        self.0.join(format!("{}.part", hex(&sha256(path.as_bytes()))))
    }

    /// Returns the path of a complete file in it.
    pub(super) fn place(&self, path: &str) -> Result<PathBuf, Error> {
        let mut at = self.files();
        let mut names = path.split('/').peekable();
        while let Some(name) = names.next() {
            at.push(name);
            if names.peek().is_some() {
                make_folder(&at)?;
            }
        }
        Ok(at)
    }

    /// Removes the folder and all its parts.
    pub(super) fn remove(&self) {
        let _ = remove(&self.0);
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    removed.map_err(io("remove", path))
}

fn hex(digest: &Digest) -> &str {
    digest.as_str().trim_start_matches("sha256:")
}

/// Whether an open file is still the one at this path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::{check_name, check_path};

    #[test]
    fn names_stay_inside() {
        for good in ["model.tar.gz", "a b", "weights:v1", "…", ".hidden"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            "a\0b",
            "a\nb",
            "NUL",
            "con.txt",
            "com1",
            ".modelry-pull",
            ".Modelry-Pull",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for bad in ["../a", "/a", "a//b", "a/../b", "a/", "a/nul", "C:\\a"] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert_eq!(check_path("a/b/c.bin"), Ok(()));
    }
}
