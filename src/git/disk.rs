//! Files on disk: a folder as Git objects, and atomic writes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use walkdir::WalkDir;

use crate::base::{Error, ObjectFormat, ObjectKind, Oid};
use crate::object::{self, Memory, Mode};

/// Maps an I/O error to an error that names the file and the action.
pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { action, path, source }
}

/// Reads a folder into Git objects in memory: the files for which `wanted` (path from
/// the folder, with `/`) is true. Returns `None` when there is no such file.
pub fn objects(
    root: &Path,
    format: ObjectFormat,
    wanted: impl Fn(&str) -> bool,
) -> Result<(Memory, Option<Oid>), Error> {
    let memory = Memory::new(format);
    let mut top = Folder::default();
    let walk = WalkDir::new(root).min_depth(1).into_iter();
    for entry in walk.filter_entry(|entry| entry.file_name() != ".git") {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            Error::Io {
                action: "read",
                path,
                source: error.into(),
            }
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let parts: Vec<Vec<u8>> = relative
            .components()
            .map(|part| part.as_os_str().as_encoded_bytes().to_vec())
            .collect();
        let path = parts
            .iter()
            .map(|part| String::from_utf8_lossy(part))
            .collect::<Vec<_>>()
            .join("/");
        if !wanted(&path) {
            continue;
        }
        let (mode, bytes) = if entry.path_is_symlink() {
            let target = std::fs::read_link(entry.path()).map_err(io("read", entry.path()))?;
            (Mode::Symlink, target.as_os_str().as_encoded_bytes().to_vec())
        } else {
            let bytes = std::fs::read(entry.path()).map_err(io("read", entry.path()))?;
            (
                if is_executable(entry.path()) {
                    Mode::Executable
                } else {
                    Mode::File
                },
                bytes,
            )
        };
        top.insert(&parts, mode, memory.insert(ObjectKind::Blob, bytes));
    }
    let tree = top.write(&memory);
    Ok((memory, tree))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.permissions().mode() & 0o100 != 0)
}

/// Whether everybody on this machine may read a file.
#[cfg(unix)]
#[must_use]
pub fn is_world_readable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0)
}

/// Whether everybody on this machine may read a file; unknown on this system.
#[cfg(not(unix))]
#[must_use]
pub fn is_world_readable(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}

#[derive(Default)]
struct Folder {
    files: Vec<object::Entry>,
    folders: std::collections::BTreeMap<Vec<u8>, Folder>,
}

impl Folder {
    fn insert(&mut self, parts: &[Vec<u8>], mode: Mode, id: Oid) {
        match parts {
            [] => {}
            [name] => self.files.push(object::Entry {
                mode,
                name: name.clone(),
                id,
            }),
            [folder, rest @ ..] => self
                .folders
                .entry(folder.clone())
                .or_default()
                .insert(rest, mode, id),
        }
    }

    fn write(self, memory: &Memory) -> Option<Oid> {
        let mut entries = self.files;
        for (name, folder) in self.folders {
            if let Some(id) = folder.write(memory) {
                entries.push(object::Entry {
                    mode: Mode::Tree,
                    name,
                    id,
                });
            }
        }
        (!entries.is_empty()).then(|| memory.insert(ObjectKind::Tree, object::Tree::write(&entries)))
    }
}

/// Writes a file atomically, and creates its folders.
///
/// # Errors
/// The file can't be written; the old one is unchanged.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io("create", folder))?;
    put(drafted(path, bytes)?, path)
}

/// Writes a program as [`write_file`] does; it gets the right to run wherever it has
/// the right to be read.
pub fn write_program(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(io("create", folder))?;
    let file = drafted(path, bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let meta = file.as_file().metadata().map_err(io("read", path))?;
        let mode = meta.permissions().mode();
        let program = std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2);
        file.as_file()
            .set_permissions(program)
            .map_err(io("write", path))?;
    }
    put(file, path)
}

/// Replaces a file atomically and durably: the new content reaches the disk before it
/// takes the old one's place. The mode stays.
///
/// # Errors
/// The file can't be written; the old one is unchanged.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = drafted(path, bytes)?;
    if let Ok(meta) = std::fs::metadata(path) {
        let set = file.as_file().set_permissions(meta.permissions());
        set.map_err(io("write", path))?;
    }
    file.as_file().sync_all().map_err(io("write", path))?;
    put(file, path)
}

/// Replaces a file as [`replace_file`] does, through the temporary file `draft`. The
/// caller holds a lock on both. The next run overwrites what a killed run leaves.
pub fn replace_alone(path: &Path, draft: &Path, bytes: &[u8]) -> Result<(), Error> {
    // Removes the draft of an earlier run, and does not follow a link in its place.
    let _ = std::fs::remove_file(draft);
    let mut file = File::create_new(draft).map_err(io("write", draft))?;
    file.write_all(bytes).map_err(io("write", draft))?;
    file.sync_all().map_err(io("write", draft))?;
    drop(file);
    rename(draft, path)
}

/// Creates a file as [`replace_file`] does.
///
/// # Errors
/// The file exists, or can't be written.
pub fn create_file(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let file = drafted(path, bytes)?;
    file.as_file().sync_all().map_err(io("write", path))?;
    file.persist_noclobber(path)
        .map_err(|error| io("create", path)(error.error))?;
    Ok(())
}

/// Gives a finished draft its name, in place of the old file.
fn put(draft: tempfile::NamedTempFile, path: &Path) -> Result<(), Error> {
    draft
        .persist(path)
        .map_err(|error| io("write", path)(error.error))?;
    Ok(())
}

/// Writes a temporary file beside `path`, which is removed unless it is renamed.
fn drafted(path: &Path, bytes: &[u8]) -> Result<tempfile::NamedTempFile, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".modelry-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Git's own mode for plain files; the umask narrows it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(io("write", path))?;
    file.write_all(bytes).map_err(io("write", path))?;
    Ok(file)
}

/// Tries something for a second, at growing intervals: another process may hold a lock.
/// Returns `None` when it holds it still.
pub(super) fn patiently<T, E>(mut once: impl FnMut() -> Result<Option<T>, E>) -> Result<Option<T>, E> {
    let end = Instant::now() + Duration::from_secs(1);
    let mut wait = Duration::from_millis(20);
    loop {
        let done = once()?;
        if done.is_some() || Instant::now() >= end {
            return Ok(done);
        }
        std::thread::sleep(wait);
        wait = (wait * 2).min(Duration::from_millis(100));
    }
}

/// Locks a file's folder until the lock is dropped or the process ends, on systems
/// that can lock folders.
#[must_use]
pub fn lock_folder(path: &Path) -> Option<File> {
    let folder = File::open(path.parent()?).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

/// Locks a file of its own until the lock is dropped or the process ends. Returns
/// `None` when another process holds the lock.
///
/// # Errors
/// The file can't be created, or the system has no locks there.
pub fn try_lock(path: &Path) -> Result<Option<File>, Error> {
    let mut options = File::options();
    let file = options.create(true).truncate(false).write(true).open(path);
    let file = file.map_err(io("create", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(io("lock", path)(error)),
    }
}

/// Updates a file's time of use; ignores failures.
pub fn touch(path: &Path) {
    if let Ok(file) = File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// Returns the files of a folder, the oldest modification first; empty where there is
/// no such folder.
#[must_use]
pub fn files_by_age(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| {
            let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((meta.modified().ok()?, entry.path()))
        })
        .collect();
    files.sort();
    files.into_iter().map(|(_, path)| path).collect()
}

/// Renames a file, and replaces a file of the new name.
pub fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).map_err(io("write", to))
}

/// Reads a regular file, or `None` when there is no file. Of a file larger than
/// `most` it reads `most + 1` bytes.
///
/// # Errors
/// The file can't be read, or is not a regular file.
pub fn read_at_most(path: &Path, most: usize) -> Result<Option<Vec<u8>>, Error> {
    let meta = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        meta => meta.map_err(io("read", path))?,
    };
    if !meta.is_file() {
        return Err(Error::msg(format!("`{}` is no plain file", path.display())));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io("read", path))?;
    let mut limited = file.take(most as u64 + 1);
    limited.read_to_end(&mut bytes).map_err(io("read", path))?;
    Ok(Some(bytes))
}

/// Removes a file, and the folders below `top` that become empty.
pub fn remove_file(path: &Path, top: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io("remove", path)(error)),
        _ => {}
    }
    let mut folder = path.parent();
    while let Some(at) = folder.filter(|at| *at != top && at.starts_with(top)) {
        if std::fs::remove_dir(at).is_err() {
            break;
        }
        folder = at.parent();
    }
    Ok(())
}

/// Returns the folder of a file, and its name there.
///
/// # Errors
/// The path names no file.
pub fn folder_and_name(path: &Path) -> Result<(&Path, &OsStr), Error> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::msg(format!("`{}` is no file", path.display())));
    };
    match folder.as_os_str().is_empty() {
        true => Ok((Path::new("."), name)),
        false => Ok((folder, name)),
    }
}

/// Opens a regular file. The kind of file is checked first: opening a pipe blocks
/// until there is a writer, and a device has no end.
///
/// # Errors
/// The file can't be read, or is not a regular file.
pub fn open_plain(path: &Path) -> Result<File, Error> {
    let meta = std::fs::metadata(path).map_err(io("read", path))?;
    if !meta.is_file() {
        return Err(
            Error::msg(format!("`{}` is no plain file, and is not read", path.display()))
                .hint("name a file on disk; what a pipe or a device gives can be written to one first"),
        );
    }
    File::open(path).map_err(io("read", path))
}
