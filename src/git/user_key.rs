//! What a clone remembers between commands, and why it is believed.
//!
//! The files stand in the git directory, which may have been delivered by anybody:
//! as an archive, in a shared folder, in a cache between two jobs. So each is
//! authenticated (HMAC-SHA256, RFC 2104) with a key of the user who wrote it, which
//! is kept in the user's state folder and never in a repository. A file that does
//! not fit the key counts as not there: what it says is proven again.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ring::hmac;

use super::Repo;
use crate::git::disk;

/// Bytes of a user's key.
const KEY: usize = 32;

/// No memory is larger, in bytes.
const LARGEST: usize = 256 << 20;

/// The key of a user, who believes what is authenticated with it.
pub struct UserKey(hmac::Key);

impl UserKey {
    /// The key of the user who runs this process; it is made at the first use.
    /// None where there is no place for it that this repository's content can't
    /// reach: nothing is remembered there.
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

    /// A name for the files of this key, so that users who share a repository do
    /// not overwrite each other's.
    pub fn name(&self) -> String {
        let tag = hmac::sign(&self.0, b"modelry key name");
        hex(&tag.as_ref()[..8])
    }

    /// The content of a file that was written with this key under this name.
    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        let bytes = disk::read_at_most(path, LARGEST).ok()??;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (tag, content) = (&bytes[..end], &bytes[end + 1..]);
        let tag = unhex(tag.strip_prefix(b"hmac-sha256 ")?)?;
        hmac::verify(&self.0, &message(path, content)?, &tag).ok()?;
        Some(content.to_vec())
    }

    /// The bytes of a file of this name with this content.
    pub fn sealed(&self, path: &Path, content: &[u8]) -> Option<Vec<u8>> {
        let tag = hmac::sign(&self.0, &message(path, content)?);
        let mut bytes = format!("hmac-sha256 {}\n", hex(tag.as_ref())).into_bytes();
        bytes.extend_from_slice(content);
        Some(bytes)
    }
}

/// What is authenticated: the file's name, which says what the content is of, and
/// the content.
fn message(path: &Path, content: &[u8]) -> Option<Vec<u8>> {
    let mut message = path.file_name()?.to_str()?.as_bytes().to_vec();
    message.push(0);
    message.extend_from_slice(content);
    Some(message)
}

/// The user's folder for what programs remember (XDG Base Directory
/// Specification).
fn state_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    // A server's hook may run without HOME: the system knows the user's home.
    let home = || std::env::home_dir().filter(|home| home.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| Some(home()?.join(".local").join("state")));
    Some(state?.join("modelry"))
}

/// The key in a file that nobody else can read.
fn read(path: &Path) -> Option<[u8; KEY]> {
    let meta = path.symlink_metadata().ok()?;
    // A checkout or an archive leaves files that others can read.
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

/// A new key in a file, or the one that another run just made.
fn made(path: &Path) -> Option<[u8; KEY]> {
    let mut bytes = [0_u8; KEY];
    getrandom::fill(&mut bytes).ok()?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".key-");
    // `tempfile` makes files that their owner alone can read.
    let mut file = builder.tempfile_in(path.parent()?).ok()?;
    file.write_all(&bytes).ok()?;
    match file.persist_noclobber(path) {
        Ok(_) => Some(bytes),
        // One that others can read, or that is cut off, is no key of ours.
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
