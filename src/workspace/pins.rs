//! Pinned roots: the values of `git config modelry.root`, one for each folder.

use std::fmt;
use std::path::Path;

use super::{Wanted, folder_name, registries};
use crate::error::Error;
use crate::git::Repo;
use crate::history;
use crate::raw::{self, Mode, Oid};

/// The key of git's configuration.
const KEY: &str = "modelry.root";

/// A pinned root, spelled `OID[:FOLDER]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The commit.
    pub root: Oid,
    /// The registry's folder; none where the pin leaves it to be found.
    pub folder: Option<String>,
}

impl Pin {
    /// The pin of a registry in this folder.
    pub fn of(root: Oid, folder: &str) -> Pin {
        let folder = Some(folder.to_owned()).filter(|folder| !folder.is_empty());
        Pin { root, folder }
    }

    /// Reads `OID[:FOLDER]`.
    ///
    /// # Errors
    /// The id is not a full one: a name would be the repository's own to give.
    pub fn parse(text: &str) -> Result<Pin, Error> {
        let (id, folder) = match text.split_once(':') {
            Some((id, folder)) => (id, Some(folder_name(folder))),
            None => (text, None),
        };
        let root = Oid::from_hex(id).ok_or_else(|| {
            Error::told(format!("the root `{id}` is no full id of a commit")).hint(
                "give all of its 40 or 64 hexadecimal digits, as an administrator told you: `modelry trust` shows those of this clone",
            )
        })?;
        Ok(Pin { root, folder })
    }

    /// The pins of a clone, in the order of git's configuration: of two for one
    /// folder the later one is in force.
    ///
    /// # Errors
    /// The configuration can't be read, or a value of it is no pin.
    pub fn all(repo: &Repo) -> Result<Vec<Pin>, Error> {
        repo.config_all(KEY)?
            .iter()
            .map(|text| Pin::parse(text))
            .collect()
    }

    /// The folders that are pinned in a clone, each once.
    ///
    /// # Errors
    /// The configuration can't be read, or a value of it is no pin.
    pub fn folders(repo: &Repo) -> Result<Vec<String>, Error> {
        let mut folders = Vec::new();
        for pin in Pin::all(repo)? {
            folders.push(pin.place(repo)?);
        }
        folders.sort();
        folders.dedup();
        Ok(folders)
    }

    /// Writes the pin into the clone's configuration, in the place of an earlier
    /// one for the same folder. Pins of other folders stay.
    ///
    /// # Errors
    /// The configuration can't be read or written.
    pub fn keep(&self, repo: &Repo) -> Result<(), Error> {
        let own = self.folder.clone().unwrap_or_default();
        let mut kept = Vec::new();
        for text in repo.local_values(KEY)? {
            let Ok(pin) = Pin::parse(&text) else { continue };
            let folder = pin.place(repo)?;
            if folder == own {
                continue;
            }
            // Beside another pin it must say which folder it means.
            kept.push(Pin::of(pin.root, &folder).to_string());
        }
        kept.push(self.to_string());
        repo.set_local_values(KEY, &kept)
    }

    /// The folder that the pin means: its own, else the only one in which its
    /// root has a registry, else the top.
    ///
    /// # Errors
    /// The root's trees can't be read.
    pub fn place(&self, repo: &Repo) -> Result<String, Error> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let objects = repo.objects()?;
        // A shallow clone may lack the root.
        let Ok(root) = history::read_commit(&objects, self.root) else {
            return Ok(String::new());
        };
        // So may a partial one lack its trees.
        Ok(match registries(&objects, root.tree).as_deref() {
            Ok([only]) => only.clone(),
            _ => String::new(),
        })
    }

    /// Whether the pin speaks of the registry in this folder.
    fn is_of(&self, repo: &Repo, folder: &str) -> Result<bool, Error> {
        if let Some(own) = &self.folder {
            return Ok(own == folder);
        }
        if folder.is_empty() {
            return Ok(true);
        }
        let objects = repo.objects()?;
        let Ok(root) = history::read_commit(&objects, self.root) else {
            return Ok(true);
        };
        match raw::lookup(&objects, root.tree, &format!("{folder}/registry.yaml")) {
            Ok(entry) => Ok(entry.is_some_and(|entry| entry.mode == Mode::File)),
            Err(_) => Ok(true),
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)?;
        match &self.folder {
            Some(folder) => write!(f, ":{folder}"),
            None => Ok(()),
        }
    }
}

/// The pinned root of the registry in this folder: the pin that names the
/// folder, else one that names none.
pub(super) fn root_of(repo: &Repo, pins: &[Pin], folder: &str) -> Result<Option<Oid>, Error> {
    let named = pins
        .iter()
        .rev()
        .find(|pin| pin.folder.as_deref() == Some(folder));
    if let Some(pin) = named {
        return Ok(Some(pin.root));
    }
    for pin in pins.iter().rev() {
        if pin.is_of(repo, folder)? {
            return Ok(Some(pin.root));
        }
    }
    Ok(None)
}

/// The folders that a command is about which names none: all that are pinned,
/// where there are several; else none, and the usual one is found.
///
/// # Errors
/// The configuration can't be read, or a value of it is no pin.
pub fn guarded(repo: &Repo, wanted: &Wanted) -> Result<Vec<String>, Error> {
    if wanted.path.is_some() || wanted.root.is_some() || repo.config("modelry.path")?.is_some() {
        return Ok(Vec::new());
    }
    let folders = Pin::folders(repo)?;
    Ok(if folders.len() < 2 { Vec::new() } else { folders })
}

/// The folder that is meant where several are pinned: the deepest one that
/// `directory` is in.
pub(super) fn nearest(repo: &Repo, wanted: &Wanted) -> Result<String, Error> {
    let folders = Pin::folders(repo)?;
    let at = repo.prefix(&wanted.directory).unwrap_or_default();
    let around = folders
        .iter()
        .filter(|folder| folder.is_empty() || Path::new(&at).starts_with(folder));
    if let Some(folder) = around.max_by_key(|folder| folder.len()) {
        return Ok(folder.clone());
    }
    let shown: Vec<String> = folders.iter().map(|folder| format!("`{folder}`")).collect();
    Err(Error::told(format!(
        "{} registries are pinned here: {}",
        folders.len(),
        shown.join(", ")
    ))
    .hint("say which: `--path FOLDER`, or for all commands `git config modelry.path FOLDER`"))
}
