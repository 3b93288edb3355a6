//! Writes objects, commits and references. Objects reach the disk before the
//! reference moves, and the reference moves by compare-and-swap.

use std::path::PathBuf;

use git2::{ErrorCode, ObjectType};

use super::{failed, oid};
use crate::base::{Error, FullRef, ObjectFormat, ObjectKind, Oid};
use crate::git::Repo;
use crate::git::disk;

/// The author or committer of a commit, with the time, as in the commit's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
    /// Seconds and zone: `1700000000 +0100`.
    pub time: String,
}

/// The reason why a reference did not move.
#[derive(Debug)]
pub enum AdvanceError {
    /// Another process moved it first.
    Moved,
    /// Another process holds its lock.
    Locked(PathBuf),
    /// Anything else.
    Other(Error),
}

impl Repo {
    /// Returns the author or the committer, as git would determine it: from the
    /// environment, then from the configuration.
    ///
    /// # Errors
    /// A name or address is missing, or a date can't be parsed.
    pub fn ident(&self, role: &str) -> Result<Ident, Error> {
        let get = |variable: &str, keys: [&str; 2]| -> Result<Option<String>, Error> {
            if let Ok(value) = std::env::var(format!("GIT_{}_{variable}", role.to_uppercase())) {
                return Ok(Some(value).filter(|value| !value.is_empty()));
            }
            for key in keys {
                if let Some(value) = self.config(key).filter(|value| !value.is_empty()) {
                    return Ok(Some(value));
                }
            }
            Ok(std::env::var("EMAIL").ok().filter(|_| variable == "EMAIL"))
        };
        let specific = [format!("{role}.name"), format!("{role}.email")];
        let missing = |what: &str| {
            Error::msg(format!("git does not know your {what}"))
                .hint(format!("`git config --global user.{what} \"Your {what}\"`"))
        };
        let name = get("NAME", [&specific[0], "user.name"])?.ok_or_else(|| missing("name"))?;
        let email = get("EMAIL", [&specific[1], "user.email"])?.ok_or_else(|| missing("email"))?;
        let clean = |text: String| {
            text.chars()
                .filter(|c| !matches!(c, '<' | '>' | '\n' | '\0'))
                .collect::<String>()
        };
        let date = std::env::var(format!("GIT_{}_DATE", role.to_uppercase()))
            .ok()
            .filter(|date| !date.is_empty());
        let time = match date {
            Some(date) => read_date(&date).ok_or_else(|| {
                Error::msg(format!("`{date}` is no date that can be read"))
                    .hint("write `@SECONDS +0000`, or RFC 3339")
            })?,
            None => {
                let now = git2::Signature::now("x", "x")
                    .map_err(failed("can't read the clock"))?
                    .when();
                let (sign, minutes) = (now.sign(), now.offset_minutes().abs());
                format!("{} {sign}{:02}{:02}", now.seconds(), minutes / 60, minutes % 60)
            }
        };
        Ok(Ident {
            name: clean(name).trim().to_owned(),
            email: clean(email).trim().to_owned(),
            time,
        })
    }

    /// Writes objects; existing ones stay as they are.
    pub fn write_objects(
        &self,
        objects: impl Iterator<Item = (Oid, ObjectKind, Vec<u8>)>,
    ) -> Result<(), Error> {
        let odb = self.raw.odb().map_err(failed("can't open the object store"))?;
        for (id, kind, bytes) in objects {
            let kind = match kind {
                ObjectKind::Commit => ObjectType::Commit,
                ObjectKind::Tree => ObjectType::Tree,
                ObjectKind::Blob => ObjectType::Blob,
                ObjectKind::Tag => ObjectType::Tag,
            };
            let written = odb
                .write(kind, &bytes)
                .map_err(failed("can't write to the object store"))?;
            if oid(written) != id {
                return Err(
                    Error::msg(format!("the object store gave {written} the place of {id}"))
                        .hint("this is a defect: please report it"),
                );
            }
        }
        Ok(())
    }

    /// Fsyncs the objects in parallel; the device coalesces the flushes.
    pub fn sync_objects(&self, ids: &[Oid]) -> Result<(), Error> {
        let objects = self.common_dir().join("objects");
        let sync = |id: &Oid| -> Result<(), Error> {
            let hex = id.to_string();
            let path = objects.join(&hex[..2]).join(&hex[2..]);
            match std::fs::File::open(&path) {
                Ok(file) => file.sync_data().map_err(|source| Error::Io {
                    action: "write",
                    path,
                    source,
                }),
                // The object existed before, in a pack or in another store.
                Err(_) => Ok(()),
            }
        };
        let sync = &sync;
        std::thread::scope(|scope| {
            let waiting: Vec<_> = ids.iter().map(|id| scope.spawn(move || sync(id))).collect();
            waiting
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or(Ok(())))
        })
    }

    /// Returns the bytes of an unsigned commit.
    pub fn commit_buffer(&self, tree: Oid, parents: &[Oid], message: &str) -> Result<Vec<u8>, Error> {
        let mut buffer = format!("tree {tree}\n");
        for parent in parents {
            buffer.push_str(&format!("parent {parent}\n"));
        }
        for role in ["author", "committer"] {
            let Ident { name, email, time } = self.ident(role)?;
            buffer.push_str(&format!("{role} {name} <{email}> {time}\n"));
        }
        buffer.push_str(&format!("\n{}\n", message.trim_end()));
        Ok(buffer.into_bytes())
    }

    /// Stores a commit with its signature, and returns its id.
    pub fn store_commit(&self, buffer: &[u8], signature: Option<&str>) -> Result<Oid, Error> {
        let mut bytes = buffer.to_vec();
        if let Some(signature) = signature {
            let header = match self.format() {
                ObjectFormat::Sha1 => "gpgsig",
                ObjectFormat::Sha256 => "gpgsig-sha256",
            };
            let folded = signature.trim_end().replace('\n', "\n ");
            let end = buffer
                .windows(2)
                .position(|pair| pair == b"\n\n")
                .map_or(buffer.len(), |at| at + 1);
            bytes.splice(end..end, format!("{header} {folded}\n").into_bytes());
        }
        let id = Oid::hash(self.format(), ObjectKind::Commit, &bytes);
        self.write_objects(std::iter::once((id, ObjectKind::Commit, bytes)))?;
        Ok(id)
    }

    /// Moves a branch from `old` (`None`: it must not exist) to `new`, with an entry
    /// in its log. Waits up to a second for a lock.
    ///
    /// # Errors
    /// The branch did not move; nothing has changed.
    pub fn advance(
        &self,
        branch: &FullRef,
        old: Option<Oid>,
        new: Oid,
        log: &str,
    ) -> Result<(), AdvanceError> {
        let raw = |id: Oid| {
            git2::Oid::from_bytes(id.as_bytes()).map_err(|e| AdvanceError::Other(failed("no id")(e)))
        };
        let new = raw(new)?;
        let old = old.map(raw).transpose()?;
        let lock = self.common_dir().join(format!("{branch}.lock"));
        let moved = disk::patiently(|| {
            let moved = match old {
                Some(old) => self.raw.reference_matching(branch.as_str(), new, true, old, log),
                None => self.raw.reference(branch.as_str(), new, false, log),
            };
            let error = match moved {
                Ok(_) => return Ok(Some(())),
                Err(error) => error,
            };
            match error.code() {
                ErrorCode::Modified | ErrorCode::Exists => Err(AdvanceError::Moved),
                ErrorCode::NotFound if old.is_some() => Err(AdvanceError::Moved),
                ErrorCode::Locked => Ok(None),
                _ if lock.exists() => Ok(None),
                _ => Err(AdvanceError::Other(failed(format!("can't move `{branch}`"))(
                    error,
                ))),
            }
        })?;
        moved.ok_or(AdvanceError::Locked(lock))
    }
}

/// Parses a date as git's variables hold it: `@seconds zone`, `seconds zone`, or RFC
/// 3339. Returns it as in a commit's header.
fn read_date(date: &str) -> Option<String> {
    let raw = date.trim().trim_start_matches('@');
    let mut parts = raw.split_whitespace();
    let seconds = parts.next()?;
    if seconds.parse::<i64>().is_ok() && seconds.len() > 4 {
        let zone = parts.next().unwrap_or("+0000");
        let fits =
            zone.len() == 5 && zone.starts_with(['+', '-']) && zone[1..].bytes().all(|b| b.is_ascii_digit());
        return fits.then(|| format!("{seconds} {zone}"));
    }
    let iso = raw.replacen(' ', "T", 1).replace(' ', "");
    if let Ok(timestamp) = iso.parse::<jiff::Timestamp>() {
        let offset = iso
            .get(19..)
            .filter(|rest| !rest.ends_with(['Z', 'z']))
            .unwrap_or("+0000")
            .replace(':', "");
        return Some(format!("{} {offset}", timestamp.as_second()));
    }
    let civil: jiff::civil::DateTime = iso.parse().ok()?;
    let timestamp = jiff::tz::Offset::UTC.to_timestamp(civil).ok()?;
    Some(format!("{} +0000", timestamp.as_second()))
}
