//! Authenticates the files that a clone keeps between commands.
//!
//! The files are in the git directory, which may come from anybody: as an archive, in
//! a shared folder, in a cache between two jobs. So each is authenticated
//! (HMAC-SHA256, RFC 2104) with a key of the user who wrote it. The key is in the
//! user's state folder, and never in a repository. A file with a wrong tag is
//! ignored: what it claims is verified again.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ring::hmac;

use super::Repo;
use crate::git::disk;

/// The length of a user's key, in bytes.
const KEY: usize = 32;

/// The largest file, in bytes.
const LARGEST: usize = 256 << 20;

/// A user's key for the files that the user's own commands wrote.
pub struct UserKey(hmac::Key);

impl UserKey {
    /// Returns the key of the user who runs this process, and creates it at the first
    /// use. Returns `None` where every possible folder for it could be part of this
    /// repository's content: nothing is remembered then.
    pub fn of_user(repo: &Repo) -> Option<UserKey> {
        let folder = state_folder()?;
        let places = [Some(repo.common_dir()), repo.workdir()];
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        std::fs::create_dir_all(&folder).ok()?;
        if places
            .into_iter()
            .flatten()
            .any(|place| real(&folder).starts_with(real(place)))
        {
            return None;
        }
        let path = folder.join("key");
        let bytes = match read(&path) {
            Some(bytes) => bytes,
            None => made(&path)?,
        };
        Some(UserKey(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Returns a file name for this key, so that users who share a repository do not
    /// overwrite each other's files.
    pub fn name(&self) -> String {
        let tag = hmac::sign(&self.0, b"modelry key name");
        hex(&tag.as_ref()[..8])
    }

    /// Returns the content of a file, if it was written with this key and under this
    /// name.
    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let bytes = disk::read_at_most(path, LARGEST).ok()??;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (tag, content) = (&bytes[..end], &bytes[end + 1..]);
        let tag = unhex(tag.strip_prefix(b"hmac-sha256 ")?)?;
        hmac::verify(&self.0, &message(path, content)?, &tag).ok()?;
        Some(content.to_vec())
    }

    /// Returns the bytes of a file of this name with this content.
    pub fn sealed(&self, path: &Path, content: &[u8]) -> Option<Vec<u8>> {
        let tag = hmac::sign(&self.0, &message(path, content)?);
        let mut bytes = format!("hmac-sha256 {}\n", hex(tag.as_ref())).into_bytes();
        bytes.extend_from_slice(content);
        Some(bytes)
    }
}

/// Returns the authenticated message: the file's name, which identifies the kind of
/// content, and the content.
fn message(path: &Path, content: &[u8]) -> Option<Vec<u8>> {
    let mut message = path.file_name()?.to_str()?.as_bytes().to_vec();
    message.push(0);
    message.extend_from_slice(content);
    Some(message)
}

/// Returns the user's state folder (XDG Base Directory Specification).
fn state_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    // A server's hook may run without HOME; the system knows the user's home.
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| Some(home()?.join(".local").join("state")));
    Some(state?.join("modelry"))
}

/// Reads the key, if no other user can read its file.
fn read(path: &Path) -> Option<[u8; KEY]> {
    let meta = path.symlink_metadata().ok()?;
    // A checkout or an archive creates files that others can read.
    if !meta.is_file() || is_open_to_others(&meta) {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(KEY as u64 + 1)
        .read_to_end(&mut bytes)
        .ok()?;
    bytes.try_into().ok()
}

/// Creates a key file, or reads the one that another process just created.
fn made(path: &Path) -> Option<[u8; KEY]> {
    let mut bytes = [0_u8; KEY];
    getrandom::fill(&mut bytes).ok()?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".key-");
    // `tempfile` creates files that only their owner can read.
    let mut file = builder.tempfile_in(path.parent()?).ok()?;
    file.write_all(&bytes).ok()?;
    match file.persist_noclobber(path) {
        Ok(_) => Some(bytes),
        // A key that others can read, or that is truncated, is not used.
        Err(error) => match read(path) {
            Some(bytes) => Some(bytes),
            None => error.file.persist(path).ok().map(|_| bytes),
        },
    }
}

#[cfg(unix)]
fn is_open_to_others(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
