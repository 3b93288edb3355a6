//! Pinned roots: the values of `git config modelry.root`, one for each folder.

use std::fmt;
use std::path::Path;

use super::{Wanted, folder_name};
use crate::base::{Error, Oid};
use crate::git::{Repo, Scope};
use crate::judge::history;
use crate::object::{self, Mode};
use crate::record::snapshot::registries;
use crate::report::audit::PinOrigin;

/// The key of git's configuration.
const KEY: &str = "modelry.root";

/// A pinned root, spelled `OID[:FOLDER]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The commit.
    pub root: Oid,
    /// The registry's folder, or `None` where the pin names none.
    pub folder: Option<String>,
}

impl Pin {
    /// Returns the pin of a registry in this folder.
    pub fn of(root: Oid, folder: &str) -> Pin {
        let folder = Some(folder.to_owned()).filter(|folder| !folder.is_empty());
        Pin { root, folder }
    }

    /// Parses `OID[:FOLDER]`.
    ///
    /// # Errors
    /// The id is not a full one: the repository could choose what a name means.
    pub fn parse(text: &str) -> Result<Pin, Error> {
        let (id, folder) = match text.split_once(':') {
            Some((id, folder)) => (id, Some(folder_name(folder))),
            None => (text, None),
        };
        let root = Oid::from_hex(id).ok_or_else(|| {
            Error::msg(format!("the root `{id}` is no full id of a commit")).hint(
                "give all of its 40 or 64 hexadecimal digits, as an administrator told you: `modelry trust` shows those of this clone",
            )
        })?;
        Ok(Pin { root, folder })
    }

    /// Returns the pins of a clone with their origins, in the order of git's
    /// configuration: of two for one folder in one file, the later is in force.
    ///
    /// # Errors
    /// A value is not a pin.
    pub fn all(repo: &Repo) -> Result<Vec<(Pin, PinnedBy)>, Error> {
        let values = repo.config_all(KEY).into_iter();
        values
            .map(|setting| {
                Ok((
                    Pin::parse(&setting.value)?,
                    PinnedBy::Configuration(setting.scope),
                ))
            })
            .collect()
    }

    /// Returns the folders that are pinned in a clone, each once.
    ///
    /// # Errors
    /// A value is not a pin.
    pub fn folders(repo: &Repo) -> Result<Vec<String>, Error> {
        let mut folders = Vec::new();
        let objects = repo.objects()?;
        let pins = Pin::all(repo)?;
        let is_only = pins.len() == 1;
        for (pin, by) in pins {
            let is_own = matches!(by, PinnedBy::Configuration(scope) if scope.is_of_repository());
            let is_placed = pin.folder.is_some() || history::read_commit(&objects, pin.root).is_ok();
            // A pin from outside that names neither a folder nor a commit of this
            // clone applies to the registry that is found without it, and is reported
            // there.
            if is_own || is_placed || is_only {
                folders.push(pin.place(repo)?);
            }
        }
        folders.sort();
        folders.dedup();
        Ok(folders)
    }

    /// Writes the pin into the clone's configuration, in place of an earlier one for
    /// the same folder. Pins of other folders stay.
    pub fn keep(&self, repo: &Repo) -> Result<(), Error> {
        let own = self.folder.clone().unwrap_or_default();
        let mut kept = Vec::new();
        for text in repo.local_values(KEY) {
            let Ok(pin) = Pin::parse(&text) else { continue };
            let folder = pin.place(repo)?;
            if folder == own {
                continue;
            }
            // With another pin in the file, the folder must be explicit.
            kept.push(Pin::of(pin.root, &folder).to_string());
        }
        kept.push(self.to_string());
        repo.set_local_values(KEY, &kept)
    }

    /// Returns the folder of the pin: its own, else the only one in which its root
    /// has a registry, else the top.
    pub fn place(&self, repo: &Repo) -> Result<String, Error> {
        if let Some(folder) = &self.folder {
            return Ok(folder.clone());
        }
        let objects = repo.objects()?;
        // A shallow clone may lack the root.
        let Ok(root) = history::read_commit(&objects, self.root) else {
            return Ok(String::new());
        };
        // A partial clone may lack the root's trees.
        Ok(match registries(&objects, root.tree).as_deref() {
            Ok([only]) => only.clone(),
            _ => String::new(),
        })
    }

    /// Whether the pin applies to the registry in this folder.
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
        match object::lookup(&objects, root.tree, &format!("{folder}/registry.yaml")) {
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

/// The origin of a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinnedBy {
    /// `--root`.
    Option,
    /// A value of git's configuration.
    Configuration(Scope),
}

impl PinnedBy {
    /// Returns the origin as one word, for JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            PinnedBy::Option => "option",
            PinnedBy::Configuration(scope) => scope.as_str(),
        }
    }

    /// Returns the origin as words that follow "pinned by".
    pub fn words(self) -> &'static str {
        match self {
            PinnedBy::Option => "`--root`",
            PinnedBy::Configuration(Scope::System) => "the machine's configuration",
            PinnedBy::Configuration(Scope::Global) => "the user's configuration",
            PinnedBy::Configuration(Scope::Local) => "the clone's configuration",
            PinnedBy::Configuration(Scope::Worktree) => "the work tree's configuration",
            PinnedBy::Configuration(Scope::Command) => "the environment's configuration",
        }
    }

    /// Returns the origin as reports hold it.
    pub fn origin(self) -> PinOrigin {
        PinOrigin {
            code: self.as_str(),
            words: self.words(),
        }
    }

    /// Returns the command that removes the pin.
    fn undone(self) -> String {
        match self {
            PinnedBy::Option => "leave `--root` away".to_owned(),
            PinnedBy::Configuration(Scope::Command) => {
                "take `modelry.root` out of the environment (GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS)"
                    .to_owned()
            }
            PinnedBy::Configuration(scope) => {
                format!("`git config --{} --unset-all {KEY}`", scope.as_str())
            }
        }
    }
}

/// Returns the pinned root of the registry in this folder, with the pin's origin: the
/// nearest pin that names the folder, else one without a folder. Two scopes that name
/// different roots are an error, so that neither the repository's files nor the
/// user's override the other. So is a pin in the repository's files of a root that no
/// pin from outside names, whatever folder it has: see [`named_outside`].
pub(super) fn root_of(
    repo: &Repo,
    pins: &[(Pin, PinnedBy)],
    folder: &str,
) -> Result<Option<(Oid, PinnedBy)>, Error> {
    let pinned = in_force(repo, pins, folder)?;
    named_outside(pins, pinned)?;
    Ok(pinned)
}

/// Checks the pins in the repository's files, which may be delivered with it, against
/// those from outside. A user who pins a root outside believes that registry, so
/// another registry at another folder of the same repository is not believed by the
/// repository's own word. `--root` is about one registry, so it is compared with the pin
/// in force alone.
fn named_outside(pins: &[(Pin, PinnedBy)], pinned: Option<(Oid, PinnedBy)>) -> Result<(), Error> {
    let is_own = |by: PinnedBy| matches!(by, PinnedBy::Configuration(scope) if scope.is_of_repository());
    let is_outside = |by: PinnedBy| matches!(by, PinnedBy::Configuration(scope) if !scope.is_of_repository());
    let names = |root: Oid| pins.iter().any(|(pin, by)| !is_own(*by) && pin.root == root);
    let own = pins.iter().filter(|(_, by)| is_own(*by));
    let mut unnamed = own.filter(|(pin, _)| !names(pin.root));
    let wider = pins.iter().rev().find(|(_, by)| is_outside(*by));
    let option = pins.iter().find(|(_, by)| *by == PinnedBy::Option);
    let found = match (wider, option, pinned) {
        (Some(wider), ..) => unnamed.next().map(|own| (wider, own)),
        (None, Some(option), Some(pinned)) => unnamed
            .find(|(pin, by)| (pin.root, *by) == pinned)
            .map(|own| (option, own)),
        _ => None,
    };
    let Some(((pin, by), (own, whose))) = found else {
        return Ok(());
    };
    let error = Error::msg(format!(
        "{} pins {own}, and {} pins {pin} but not that root; by the one from outside this is not a registry that was pinned",
        whose.words(),
        by.words(),
    ))
    .hint("trust nothing here before you know why: compare with another clone, and ask an administrator which root is right")
    .hint(format!("where the first one is wrong: {}", whose.undone()));
    Err(match by {
        PinnedBy::Configuration(scope @ (Scope::System | Scope::Global)) => error.hint(format!(
            "where both are right: `git config --{} --add {KEY} {own}`",
            scope.as_str()
        )),
        by => error.hint(format!("where the second one is wrong: {}", by.undone())),
    })
}

/// Returns the pin in force in this folder.
///
/// # Errors
/// Pins of the folder disagree.
fn in_force(repo: &Repo, pins: &[(Pin, PinnedBy)], folder: &str) -> Result<Option<(Oid, PinnedBy)>, Error> {
    let mut of_folder = Vec::new();
    for (pin, by) in pins.iter().rev() {
        if pin.folder.as_deref() == Some(folder) || pin.folder.is_none() && pin.is_of(repo, folder)? {
            of_folder.push((pin, *by));
        }
    }
    // If one pin of a file names the folder, a pin of the same file without a folder
    // belongs to another registry.
    let named: Vec<PinnedBy> = of_folder
        .iter()
        .filter(|(pin, _)| pin.folder.is_some())
        .map(|(_, by)| *by)
        .collect();
    of_folder.retain(|(pin, by)| pin.folder.is_some() || !named.contains(by));
    let Some((pin, by)) = of_folder.first().copied() else {
        return Ok(None);
    };
    // In one scope the last value is in force, as for every setting of git.
    let mut scopes = Vec::new();
    for (other, whose) in of_folder {
        if scopes.contains(&whose) {
            continue;
        }
        scopes.push(whose);
        if other.root != pin.root {
            let place = if folder.is_empty() { "the registry" } else { folder };
            return Err(Error::msg(format!(
                "two pins of {place} disagree: {} says {}, and {} says {}; by one of them this is not the registry that was pinned",
                whose.words(),
                other.root,
                by.words(),
                pin.root
            ))
            .hint("trust nothing here before you know why: compare with another clone, and ask an administrator which root is right")
            .hint(format!("where the first one is wrong: {}", whose.undone()))
            .hint(format!("where the second one is wrong: {}", by.undone())));
        }
    }
    Ok(Some((pin.root, by)))
}

/// Returns the folders for a command that names none: all pinned ones, if there are
/// several; else `None`, and the only registry is found.
///
/// # Errors
/// A value is not a pin.
pub fn guarded(repo: &Repo, wanted: &Wanted) -> Result<Vec<String>, Error> {
    if wanted.path.is_some() || wanted.root.is_some() || repo.config("modelry.path").is_some() {
        return Ok(Vec::new());
    }
    let folders = Pin::folders(repo)?;
    Ok(if folders.len() < 2 { Vec::new() } else { folders })
}

/// Returns the folder that is meant where several are pinned: the deepest one around
/// `directory`.
pub(super) fn nearest(repo: &Repo, wanted: &Wanted, pins: &[(Pin, PinnedBy)]) -> Result<String, Error> {
    let folders = Pin::folders(repo)?;
    if let [only] = &folders[..] {
        return Ok(only.clone());
    }
    named_outside(pins, None)?;
    let at = repo.prefix(&wanted.directory).unwrap_or_default();
    let around = folders
        .iter()
        .filter(|folder| folder.is_empty() || Path::new(&at).starts_with(folder));
    if let Some(folder) = around.max_by_key(|folder| folder.len()) {
        return Ok(folder.clone());
    }
    let shown: Vec<String> = folders.iter().map(|folder| format!("`{folder}`")).collect();
    Err(Error::msg(format!(
        "{} registries are pinned here: {}",
        folders.len(),
        shown.join(", ")
    ))
    .hint("say which: `--path FOLDER`, or for all commands `git config modelry.path FOLDER`"))
}
