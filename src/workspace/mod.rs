//! One registry in one repository: its folder, its mainline and its root. It can be
//! proven and judged.
//!
//! | part | what it does |
//! | --- | --- |
//! | this file | finds the registry and opens it: [`Workspace`] |
//! | [`prove`] | proves the history of a tip, from the root or from a remembered point |
//! | [`verdict`] | judges on request: files, the index, steps, a landing, a push, a CI job |
//! | `root` | refuses to go on without a root that is pinned or taken on trust |
//! | `identity` | the configured signing key, as an actor |
//!
//! `docs/what-modelry-believes.md` lists what is trusted, and on which authority: the
//! root, the mainline and the folder come from configuration that no push can change.
//!
//! # Imports
//!
//! `base`, `object`, `record`, `trust`, `judge`, `report`, `git`.
//!
//! # Where the next thing goes
//!
//! A new CI system is a branch of `verdict/event.rs`, with an event of its host in
//! `fixtures/`. A new setting is read once, when the workspace is opened, and its
//! scope is checked there.

mod dated;
mod fetched;
pub(crate) mod identity;
mod pins;
pub mod prove;
mod root;
pub mod verdict;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use pins::{Pin, PinnedBy, guarded};
pub use root::RootOf;

use crate::base::{Error, FullRef, Oid, shell_word};
use crate::git::{Head, Repo, Scope, UserKey, kept_as};
use crate::judge::history;
use crate::object::{self, Mode, Objects};
use crate::record::kind::REGISTRY_FILE;
use crate::record::snapshot::{Records, Snapshot, registries};
use crate::record::yaml::{Document, Limits};

/// The options of the command line that locate a registry.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `-C`.
    pub directory: PathBuf,
    /// `--path`: the registry's folder from the repository's top.
    pub path: Option<String>,
    /// `--mainline`.
    pub mainline: Option<String>,
    /// `--root OID[:PATH]`.
    pub root: Option<String>,
    /// Whether `root` replaces the clone's own pin.
    pub repins: bool,
    /// The folder that the checkpoint of the command line names.
    pub checkpoint: Option<String>,
    /// `--threads`.
    pub threads: Option<NonZeroUsize>,
}

/// A registry in a repository.
pub struct Workspace {
    /// The repository.
    pub repo: Repo,
    /// The registry's folder from the repository's top; empty for the top.
    pub folder: String,
    /// The mainline's full reference name.
    pub mainline: FullRef,
    /// The pinned root.
    pub root: Option<Oid>,
    /// The origin of the pin.
    pub pinned_by: Option<PinnedBy>,
    /// The number of threads that a proof may use.
    pub threads: NonZeroUsize,
    /// The key that authenticates what the clone remembers for this user.
    pub(crate) user_key: Option<UserKey>,
    /// Whether the mainline was just fetched: it is then read instead of the
    /// checked-out branch.
    pub fetched: bool,
}

impl Workspace {
    /// Returns the mainline's name on a remote.
    pub fn remote_mainline(&self) -> FullRef {
        let kept = self.mainline.kept().map(FullRef::of_branch);
        kept.unwrap_or_else(|| self.mainline.clone())
    }

    /// Finds the registry.
    ///
    /// # Errors
    /// There is no repository, no registry, or more than one.
    pub fn open(wanted: &Wanted) -> Result<Workspace, Error> {
        let repo = Repo::open(&wanted.directory)?;
        let mainline = mainline(&repo, wanted.mainline.as_deref())?;
        let workspace = Workspace::at(wanted, repo, mainline, None)?;
        // HEAD replaces a mainline that was not named, but never one that is
        // misspelled.
        if wanted.mainline.is_some() {
            let _ = workspace.tip()?;
        }
        Ok(workspace)
    }

    /// Finds the registry for a command that contacts a remote anyway. If nothing
    /// local names the mainline, the remote is asked.
    ///
    /// # Errors
    /// There is no registry, or the remote can't be asked.
    pub fn open_asking(wanted: &Wanted, remote: Option<&str>) -> Result<Workspace, Error> {
        let repo = Repo::open(&wanted.directory)?;
        let mainline = match known_mainline(&repo, wanted.mainline.as_deref())? {
            Some(mainline) => mainline,
            None => asked_mainline(&repo, remote)?,
        };
        Workspace::at(wanted, repo, mainline, None)
    }

    /// Finds the registry at `tip`, which is not on the mainline yet; without a tip
    /// at the mainline's tip, else at HEAD.
    pub fn at(wanted: &Wanted, repo: Repo, mainline: FullRef, tip: Option<Oid>) -> Result<Workspace, Error> {
        let asked = wanted.root.as_deref().map(Pin::parse).transpose()?;
        let mut pins = Pin::all(&repo)?;
        if wanted.repins {
            pins.retain(|(_, by)| *by != PinnedBy::Configuration(Scope::Local));
        }
        let named = match wanted
            .path
            .clone()
            .or(asked.as_ref().and_then(|pin| pin.folder.clone()))
        {
            Some(folder) => Some(folder),
            None => repo.config("modelry.path").or_else(|| wanted.checkpoint.clone()),
        };
        let own: Vec<&Pin> = match &asked {
            Some(pin) => vec![pin],
            None => pins.iter().map(|(pin, _)| pin).collect(),
        };
        let folder = match (named, &own[..]) {
            (Some(folder), _) => folder_name(&folder),
            (None, []) => found(&repo, &mainline, tip, &wanted.directory, None)?,
            (None, [pin]) => match &pin.folder {
                Some(folder) => folder.clone(),
                None => found(&repo, &mainline, tip, &wanted.directory, Some(pin.root))?,
            },
            (None, _) => pins::nearest(&repo, wanted, &pins)?,
        };
        pins.extend(asked.map(|pin| {
            (
                Pin {
                    folder: Some(folder.clone()),
                    ..pin
                },
                PinnedBy::Option,
            )
        }));
        let pinned = pins::root_of(&repo, &pins, &folder)?;
        let user_key = UserKey::of_user(&repo);
        let workspace = Workspace {
            repo,
            user_key,
            folder,
            mainline,
            root: pinned.map(|(root, _)| root),
            pinned_by: pinned.map(|(_, by)| by),
            threads: wanted
                .threads
                .or_else(|| std::thread::available_parallelism().ok())
                .unwrap_or(NonZeroUsize::MIN),
            fetched: false,
        };
        match workspace.root.is_none() && !wanted.repins {
            true => workspace.not_moved(&pins, tip),
            false => Ok(workspace),
        }
    }

    /// Refuses the folder to which a registry was moved that this clone pins in another.
    fn not_moved(mut self, pins: &[(Pin, PinnedBy)], tip: Option<Oid>) -> Result<Workspace, Error> {
        let tip = match tip {
            Some(tip) => Some(tip),
            None => self.repo.head()?.tip(),
        };
        let Some(tip) = tip else { return Ok(self) };
        let mut home = None;
        let on_disk = self.id_on_disk();
        for (pin, _) in pins {
            let place = pin.place(&self.repo)?;
            let objects = self.repo.objects()?;
            let records = Records::new(&objects);
            let id = |commit: Oid, folder: &str| -> Result<Option<String>, Error> {
                let tree = history::read_commit(&objects, commit)?.tree;
                let file = Snapshot::at(&records, tree, folder)?.registry()?;
                Ok(file.and_then(|file| Some(file.registry()?.id.to_string())))
            };
            let here = id(tip, &self.folder)?;
            if here.is_none()
                && on_disk.is_some()
                && place != self.folder
                && id(tip, &place)? == on_disk
                && self
                    .repo
                    .workdir()
                    .is_some_and(|top| !top.join(&place).join(REGISTRY_FILE).exists())
            {
                let place = match place.as_str() {
                    "" => ".".to_owned(),
                    place => shell_word(place),
                };
                return Err(Error::msg(format!(
                    "the registry of `{place}` is moved to `{}`, and a registry can't be moved",
                    self.folder
                ))
                .hint(format!(
                    "see the line that puts it back: `modelry --path {place} validate`"
                )));
            }
            if here.is_some()
                && place != self.folder
                && id(tip, &place)?.is_none()
                && id(pin.root, &place).ok().flatten() == here
            {
                home = Some((place, pin.root));
            }
        }
        if let Some((folder, root)) = home {
            self.folder = folder;
            self.root = Some(root);
            return Err(self.no_registry(&self.repo.objects()?, tip)?);
        }
        Ok(self)
    }

    /// Returns the id of the registry whose file is in this folder on disk.
    fn id_on_disk(&self) -> Option<String> {
        let path = self.repo.workdir()?.join(&self.folder).join(REGISTRY_FILE);
        let bytes = std::fs::read(path).ok()?;
        let document = Document::read(&bytes, &Limits::RECORD).ok()?;
        Some(document.value().get("id")?.as_str()?.to_owned())
    }

    /// Returns the path of a record from the repository's top.
    #[allow(
        clippy::wrong_self_convention,
        reason = "counts from the top, and converts nothing"
    )]
    pub fn from_top(&self, path: &str) -> String {
        if self.folder.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.folder)
        }
    }

    /// Returns the pin of this registry for this root: `OID[:FOLDER]`.
    pub fn pin(&self, root: Oid) -> Pin {
        Pin::of(root, &self.folder)
    }

    /// Returns the error for a commit that has no registry in this folder.
    pub fn no_registry(&self, objects: &dyn Objects, commit: Oid) -> Result<Error, Error> {
        let place = match self.folder.as_str() {
            "" => "at its top".to_owned(),
            folder => format!("at `{folder}`"),
        };
        let error = Error::msg(format!("commit {} has no registry {place}", commit.short()));
        // The root has a registry here, so it was moved or removed since.
        if let Some(root) = self.root
            && let Ok(root) = history::read_commit(objects, root)
            && object::lookup(objects, root.tree, &self.from_top(REGISTRY_FILE))?.is_some()
        {
            return Ok(match self.taken_away(objects, commit)? {
                Some(line) => error.hint(line),
                None => error.hint("its pinned root has it there: name a commit that has it, as `git log -- registry.yaml` lists them"),
            });
        }
        let tree = history::read_commit(objects, commit)?.tree;
        Ok(error.hint(history::elsewhere(objects, tree)?.unwrap_or_else(|| {
            "make one with `modelry init`, or name its branch with `--mainline` or its folder with `--path`".to_owned()
        })))
    }

    /// Returns a remedy where a commit removed the registry's file or moved its
    /// folder, or `None` where no such commit is found.
    fn taken_away(&self, objects: &dyn Objects, tip: Oid) -> Result<Option<String>, Error> {
        let file = self.from_top(REGISTRY_FILE);
        let mut by = None;
        let mut at = Some(tip);
        while let Some(id) = at {
            let commit = history::read_commit(objects, id)?;
            if object::lookup(objects, commit.tree, &file)?.is_some() {
                break;
            }
            at = commit.parents.first().copied();
            by = Some(commit);
        }
        let (Some(by), Some(_)) = (by, at) else {
            return Ok(None);
        };
        let folders = registries(objects, by.tree)?;
        let what = match &folders[..] {
            [] => format!("removed `{file}`"),
            [to] if to.is_empty() => {
                "moved it to the repository's top, and a registry can't be moved".to_owned()
            }
            [to, ..] => format!("moved it to `{to}`, and a registry can't be moved"),
        };
        let parent = if by.parents.len() > 1 { "-m 1 " } else { "" };
        Ok(Some(format!(
            "commit {} {what}: put it back with `git revert -S --no-edit {parent}{}`",
            by.id.short(),
            by.id
        )))
    }

    /// Returns the mainline's short name.
    pub fn mainline_name(&self) -> &str {
        self.mainline.short()
    }

    /// Returns the name of the mainline's branch on its remote, which is the same in
    /// each clone.
    pub fn branch_name(&self) -> Result<String, Error> {
        let there = match self.mainline.is_tracking() {
            true => self.repo.fetch_place(&self.mainline)?.map(|(_, name)| name),
            false => None,
        };
        Ok(there.as_ref().unwrap_or(&self.mainline).short().to_owned())
    }

    /// Resolves a revision to a commit; the error of a shallow clone has the fetch
    /// that helps. With `--fetch`, a partial clone gets the missing objects of the
    /// commit.
    ///
    /// # Errors
    /// The revision names no commit.
    pub fn resolve(&self, revision: &str) -> Result<Oid, Error> {
        let commit = self
            .repo
            .resolve(revision)
            .map_err(|error| match self.repo.is_shallow() {
                // The hint already has a fetch that gets both.
                true if error.hints().iter().any(|hint| hint.contains("--unshallow")) => error,
                true => error.hint("this clone is shallow: `git fetch --unshallow` brings the rest"),
                false => error,
            })?;
        self.complete(&[commit])?;
        Ok(commit)
    }

    /// Adds to an error the command that fetches what this clone lacks.
    #[must_use]
    pub fn incomplete(&self, error: Error) -> Error {
        let Error::MissingObject { id, kind } = error else {
            return error;
        };
        let is_shallow = self.repo.is_shallow();
        let is_partial = matches!(self.repo.promisor(), Ok(Some(_)));
        let (why, fetch) = match (is_shallow, is_partial) {
            (true, _) => ("this clone is shallow", "--unshallow"),
            (false, true) => ("this clone is partial", "--refetch --no-filter"),
            (false, false) => ("this clone is damaged, or was partial", "--refetch --no-filter"),
        };
        let place = match self.repo.directory().to_str() {
            Some(".") => String::new(),
            _ => format!(" -C {}", shell_word(&self.repo.directory().to_string_lossy())),
        };
        let whole = format!("fetch the whole history: `git{place} fetch {fetch}`");
        let mut hints = Vec::new();
        if is_shallow || is_partial {
            let folder = match self.folder.as_str() {
                "" => String::new(),
                folder => format!(" --path {}", shell_word(folder)),
            };
            hints.push(format!(
                "bring what is missing of the registry: `modelry{place} list --fetch{folder}`"
            ));
        }
        hints.push(whole);
        Error::Incomplete {
            what: format!("{} {id} is not here: {why}", kind.as_str()),
            hints,
        }
    }

    /// Returns the mainline's tip.
    ///
    /// # Errors
    /// There is no such branch, or it has no commit.
    pub fn tip(&self) -> Result<Oid, Error> {
        if let Some(tip) = self.repo.reference(&self.mainline)? {
            return Ok(tip);
        }
        // Another branch in its place would be judged as the mainline.
        match self.repo.head()? {
            Head::Branch { name, .. } if name == self.mainline => self.repo.resolve("HEAD"),
            head => Err(self.no_mainline(&head)?),
        }
    }

    /// Returns the error for a mainline without a branch: it was renamed, or never
    /// fetched.
    fn no_mainline(&self, head: &Head) -> Result<Error, Error> {
        let name = self.mainline_name();
        let error = Error::msg(format!("there is no branch `{name}`, the mainline"));
        let quoted = shell_word(name);
        if self.repo.reference(&FullRef::tracking("origin", name))?.is_some() {
            let remote = shell_word(&format!("origin/{name}"));
            return Ok(error.hint(format!(
                "make it from the remote's: `git branch {quoted} {remote}`"
            )));
        }
        let error = match head {
            Head::Branch { name: here, .. } => {
                let here = here.short();
                error.hint(format!(
                    "if `{here}` is the mainline now: `git config modelry.mainline {}`",
                    shell_word(here)
                ))
            }
            _ => error.hint("name it: `--mainline BRANCH`"),
        };
        Ok(
            match self.repo.remotes()?.iter().any(|remote| remote == "origin") {
                true => error.hint(format!("or fetch it: `git fetch origin {0}:{0}`", quoted)),
                false => error,
            },
        )
    }
}

/// Normalises a folder's path from the repository's top; empty for the top.
pub fn folder_name(text: &str) -> String {
    let names = text.split('/').filter(|name| !matches!(*name, "" | "."));
    names.collect::<Vec<&str>>().join("/")
}

/// Determines the mainline: the option, the configuration, a bare repository's HEAD,
/// the remote's default branch, the current branch.
///
/// # Errors
/// HEAD is detached, and nothing else names the mainline.
pub fn mainline(repo: &Repo, wanted: Option<&str>) -> Result<FullRef, Error> {
    match known_mainline(repo, wanted)? {
        Some(mainline) => Ok(mainline),
        None => Err(unknown_mainline(repo)?),
    }
}

fn unknown_mainline(repo: &Repo) -> Result<Error, Error> {
    let error = Error::msg("HEAD is detached, so no branch says which is the mainline")
        .hint("name it: `--mainline main`, or once for all `git config modelry.mainline main`");
    Ok(match repo.remotes()?.iter().any(|name| name == "origin") {
        true => error.hint("or take the remote's: `git remote set-head origin --auto`"),
        false => error,
    })
}

/// Returns the mainline that a remote's HEAD names: the clone's own branch of that
/// name, else the remote-tracking branch.
fn asked_mainline(repo: &Repo, remote: Option<&str>) -> Result<FullRef, Error> {
    let remote = match remote {
        Some(remote) => remote.to_owned(),
        None => {
            let (remote, _) = repo.push_place(&FullRef::of_branch("HEAD"))?;
            // The push that follows uses the connection too.
            repo.share_connection(&remote)?;
            remote
        }
    };
    let Some(named) = repo.ask_default_branch(&remote)? else {
        return Err(unknown_mainline(repo)?);
    };
    let kept = kept_as(&remote, &named);
    let is_kept = repo.reference(&named)?.is_none() && repo.reference(&kept)?.is_some();
    Ok(if is_kept { kept } else { named })
}

/// Determines the mainline without asking a remote.
fn known_mainline(repo: &Repo, wanted: Option<&str>) -> Result<Option<FullRef>, Error> {
    if let Some(name) = wanted {
        return Ok(Some(FullRef::meant(name)));
    }
    if let Some(name) = repo.config("modelry.mainline") {
        return Ok(Some(FullRef::meant(&name)));
    }
    let head = repo.head()?;
    if repo.workdir().is_some()
        && let Some(remote) = repo.remote_default_branch()
    {
        return Ok(Some(match remote.kept().map(FullRef::of_branch) {
            Some(local) if repo.reference(&local)?.is_some() => local,
            _ => remote,
        }));
    }
    Ok(match head {
        Head::Branch { name, .. } => Some(name),
        Head::Detached(_) => None,
    })
}

/// Finds the registry's folder: upwards from the directory, else the only one in the
/// tree.
fn found(
    repo: &Repo,
    mainline: &FullRef,
    tip: Option<Oid>,
    directory: &Path,
    root: Option<Oid>,
) -> Result<String, Error> {
    let objects = repo.objects()?;
    let tip = match tip {
        Some(tip) => tip,
        None => match repo.reference(mainline)? {
            Some(tip) => tip,
            None => repo.resolve("HEAD")?,
        },
    };
    let tree = history::read_commit(&objects, tip)?.tree;
    // With a pinned root, only a folder of the root can be its registry. A shallow
    // clone may lack the root.
    let root_tree = root.and_then(|root| history::read_commit(&objects, root).ok().map(|root| root.tree));
    let holds = |folder: &str| -> Result<bool, Error> {
        let path = if folder.is_empty() {
            REGISTRY_FILE.to_owned()
        } else {
            format!("{folder}/registry.yaml")
        };
        for tree in [Some(tree), root_tree].into_iter().flatten() {
            let entry = object::lookup(&objects, tree, &path)?;
            if entry.is_none_or(|entry| entry.mode != Mode::File) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let all = |tree: Oid| registries(&objects, tree);
    // A pin identifies the registry; without one, a second registry could deceive the
    // user.
    let folders = if root.is_none() { all(tree)? } else { Vec::new() };
    if folders.len() > 1 {
        let shown: Vec<String> = folders
            .iter()
            .map(|folder| format!("`{}`", if folder.is_empty() { "." } else { folder }))
            .collect();
        return Err(Error::msg(format!(
            "there are {} registries here: {}",
            folders.len(),
            shown.join(", ")
        ))
        .hint("say which: `--path FOLDER`, or pin one: `modelry trust OID:FOLDER`"));
    }
    let mut at = repo.prefix(directory).unwrap_or_default();
    loop {
        if holds(&at)? {
            return Ok(at);
        }
        match at.rsplit_once('/') {
            Some((parent, _)) => at = parent.to_owned(),
            None if at.is_empty() => break,
            None => at = String::new(),
        }
    }
    let folders = match (root, root_tree) {
        // If the tip has lost or moved the registry, the pinned root still has its
        // folder.
        (Some(_), Some(root)) => match &all(root)?[..] {
            [only] => vec![only.clone()],
            _ => all(tree)?,
        },
        (Some(_), None) => all(tree)?,
        (None, _) => folders,
    };
    match &folders[..] {
        [only] => Ok(only.clone()),
        _ => Err(Error::msg(format!(
            "there is no registry on `{}`",
            mainline.short()
        ))
        .hint(
            "make one with `modelry init`, or name its branch with `--mainline` or its folder with `--path`",
        )),
    }
}
