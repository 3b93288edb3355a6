//! Reads revisions, references, configuration and objects of a repository.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use git2::{ErrorCode, ObjectType, Repository};

use super::config::{Scope, Setting, Settings};
use super::connection::Connection;
use super::loose::Loose;
use super::{Fetch, command, failed, oid};
use crate::base::{Error, FullRef, ObjectFormat, ObjectKind, Oid};
use crate::object::{Commit, Objects};

/// A repository: a clone, a linked worktree, or a bare one.
pub struct Repo {
    pub(super) raw: Repository,
    pub(super) directory: PathBuf,
    /// The connection that all calls of a remote share.
    pub(super) connection: RefCell<Option<Connection>>,
    /// The remote that the missing objects of this partial clone are fetched from.
    pub(super) promised: RefCell<Option<String>>,
    /// Git's configuration, as it was when the repository was opened.
    pub(super) settings: RefCell<Arc<Settings>>,
}

/// The state of HEAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A branch, `refs/heads/…`.
    Branch {
        /// The reference's full name.
        name: FullRef,
        /// Its tip, or `None` while it is unborn.
        tip: Option<Oid>,
    },
    /// A commit, without a branch.
    Detached(Oid),
}

impl Head {
    /// Returns the commit that is checked out, or `None` on an unborn branch.
    pub fn tip(&self) -> Option<Oid> {
        match self {
            Head::Branch { tip, .. } => *tip,
            Head::Detached(tip) => Some(*tip),
        }
    }
}

impl Repo {
    /// Returns the work tree's top, or `None` in a bare repository.
    pub fn workdir(&self) -> Option<&Path> {
        self.raw.workdir()
    }

    /// Returns the folder that all worktrees of the repository share.
    pub fn common_dir(&self) -> &Path {
        self.raw.commondir()
    }

    /// Returns the hash format of the repository's objects.
    pub fn format(&self) -> ObjectFormat {
        match self.raw.object_format() {
            git2::ObjectFormat::Sha256 => ObjectFormat::Sha256,
            _ => ObjectFormat::Sha1,
        }
    }

    /// Whether the clone is shallow.
    pub fn is_shallow(&self) -> bool {
        self.raw.is_shallow()
    }

    /// Returns the path of `directory` inside the work tree, with `/`, or `None`
    /// outside.
    pub fn prefix(&self, directory: &Path) -> Option<String> {
        let top = self.workdir()?.canonicalize().ok()?;
        let inside = directory.canonicalize().ok()?;
        let relative = inside.strip_prefix(&top).ok()?;
        let parts: Option<Vec<&str>> = relative
            .components()
            .map(|part| part.as_os_str().to_str())
            .collect();
        Some(parts?.join("/"))
    }

    /// Whether a folder is in a work tree of this repository, this one or a linked
    /// one. The git directory does not count.
    pub fn has_in_work_tree(&self, folder: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = real(folder);
        let common = real(self.common_dir());
        if folder.starts_with(real(self.raw.path())) || folder.starts_with(&common) {
            return false;
        }
        if self.workdir().is_some_and(|top| folder.starts_with(real(top))) {
            return true;
        }
        let around = Repository::discover(&folder);
        around.is_ok_and(|around| real(around.commondir()) == common && around.workdir().is_some())
    }

    /// Opens the object store.
    pub fn objects(&self) -> Result<GitObjects<'_>, Error> {
        let odb = self.raw.odb().map_err(failed("can't open the object store"))?;
        Ok(GitObjects {
            odb,
            repo: self,
            format: self.format(),
            loose: Loose::new(self.common_dir()),
        })
    }

    /// Whether the object is truncated, so that libgit2 would loop for ever on it.
    fn is_cut_off(&self, id: Oid) -> bool {
        let id = git2::Oid::from_bytes(id.as_bytes());
        id.is_ok_and(|id| Loose::new(self.common_dir()).is_cut_off(id))
    }

    /// Resolves a revision to a commit, by git's own rules with two exceptions. A
    /// name that branches and tags give to different objects is an error. A full id
    /// means only the object of that id: somebody who may push a tag must not choose
    /// what is judged.
    ///
    /// # Errors
    /// The revision names no commit.
    pub fn resolve(&self, revision: &str) -> Result<Oid, Error> {
        if let Some((one, other)) = self.ambiguous(revision) {
            return Err(
                Error::msg(format!("`{revision}` could mean `{one}` or `{other}`"))
                    .hint("write the whole name of the one that is meant"),
            );
        }
        let unknown = || {
            let error = Error::msg(format!("`{revision}` names no commit here"));
            let kept = self.kept_of(revision);
            if !kept.is_empty() {
                return error.hint(format!("did you mean {}?", kept.join(" or ")));
            }
            match self.fetch_of(revision) {
                Some(fetch) => error.hint(format!("fetch it: `{fetch}`")),
                None => error.hint(
                    "`git branch -a` lists branches; in CI, fetch the commit first: `git fetch origin REV`",
                ),
            }
        };
        // `main~2` starts at `main`.
        let start = revision.split(['~', '^', '@', ':']).next().unwrap_or_default();
        let steps = &revision[start.len()..];
        let start = match start {
            "" => "HEAD",
            start => start,
        };
        let id = full_id(start);
        let named = id.or_else(|| target(&self.raw.resolve_reference_from_short_name(start).ok()?));
        if let Some(id) = named.filter(|id| self.is_cut_off(*id)) {
            let expected = ObjectKind::Commit;
            return Err(Error::CorruptObject { id, expected });
        }
        if let Some(id) = id {
            return self.walked(id, steps).ok_or_else(unknown);
        }
        let commit = self
            .raw
            .revparse_single(revision)
            .and_then(|object| object.peel_to_commit());
        match commit {
            Ok(commit) => Ok(oid(commit.id())),
            Err(_) if revision == "HEAD" && matches!(self.head()?, Head::Branch { tip: None, .. }) => {
                let error = Error::msg("the branch has no commit yet");
                Err(match self.remotes()?.first() {
                    // The remote may have a registry, so creating a second one is not the
                    // first hint.
                    Some(remote) => error
                        .hint(format!(
                            "fetch what `{remote}` has: `git pull {remote} BRANCH`; `git ls-remote {remote}` lists its branches"
                        ))
                        .hint("where it has none, ask an administrator: one of you makes the first commit, by `modelry init`"),
                    None => error.hint("make the first one: `modelry init`"),
                })
            }
            // libgit2 stops at a commit whose author or date is malformed.
            Err(_) => {
                let named = self.raw.resolve_reference_from_short_name(start);
                let named = named.ok().and_then(|reference| target(&reference));
                match (named, steps) {
                    (Some(id), "") => Ok(id),
                    (Some(id), steps) => self.walked(id, steps).ok_or_else(unknown),
                    (None, _) => Err(unknown()),
                }
            }
        }
    }

    /// Lists the remote-tracking branches of that name.
    fn kept_of(&self, name: &str) -> Vec<String> {
        let remotes = self.remotes().unwrap_or_default();
        let kept = |remote: &String| {
            let full = FullRef::tracking(remote, name);
            let is_here = self.raw.find_reference(full.as_str()).is_ok();
            is_here.then(|| format!("`{remote}/{name}`"))
        };
        remotes.iter().filter_map(kept).collect()
    }

    /// Returns the commit that an object is or that a tag leads to, followed by the
    /// parents that `steps` name: `~2`, `^1`, `^{commit}`.
    fn walked(&self, id: Oid, steps: &str) -> Option<Oid> {
        if id.format() != self.format() {
            return None;
        }
        let objects = self.objects().ok()?;
        let read = |id: Oid| Commit::parse(id, &objects.read(id, ObjectKind::Commit).ok()?).ok();
        let mut commit = read(self.peeled(id))?;
        let mut rest = steps;
        while !rest.is_empty() {
            if let Some(after) = ["^{commit}", "^{}"].iter().find_map(|it| rest.strip_prefix(it)) {
                rest = after;
                continue;
            }
            let (is_line, after) = match rest.strip_prefix('~') {
                Some(after) => (true, after),
                None => (false, rest.strip_prefix('^')?),
            };
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = match &after[..digits] {
                "" => 1,
                number => number.parse().ok()?,
            };
            rest = &after[digits..];
            match (is_line, number) {
                (true, _) => {
                    for _ in 0..number {
                        commit = read(*commit.parents.first()?)?;
                    }
                }
                (false, 0) => {}
                (false, _) => commit = read(*commit.parents.get(number - 1)?)?,
            }
        }
        Some(commit.id)
    }

    /// Returns the commit that a tag leads to; the id itself, where it is of no tag.
    fn peeled(&self, id: Oid) -> Oid {
        let raw = git2::Oid::from_bytes(id.as_bytes()).ok();
        let tag = raw.and_then(|raw| self.raw.find_tag(raw).ok());
        let target = tag.and_then(|tag| tag.into_object().peel(git2::ObjectType::Commit).ok());
        target.map_or(id, |commit| oid(commit.id()))
    }

    /// Returns the fetch that gets a missing revision: a branch of a remote that a
    /// single-branch clone lacks, or a commit by its id.
    fn fetch_of(&self, revision: &str) -> Option<Fetch> {
        let name = revision.split(['~', '^', '@', ':']).next()?;
        let full = FullRef::new(name);
        let name = full.as_ref().and_then(FullRef::tracked).unwrap_or(name);
        let has = |remote: &str| self.raw.find_remote(remote).is_ok();
        let (remote, refspec) = match name.split_once('/') {
            Some((remote, branch)) if has(remote) => (
                remote,
                format!(
                    "+{}:{}",
                    FullRef::of_branch(branch),
                    FullRef::tracking(remote, branch)
                ),
            ),
            None if Oid::from_hex(name).is_some() && has("origin") => ("origin", name.to_owned()),
            _ => return None,
        };
        Some(Fetch {
            remote: remote.to_owned(),
            refspecs: vec![refspec],
            unshallow: self.is_shallow(),
        })
    }

    /// Finds two references of one short name that name different objects.
    fn ambiguous(&self, revision: &str) -> Option<(FullRef, FullRef)> {
        let name = revision.split(['~', '^', '@', ':']).next().unwrap_or_default();
        if name.is_empty() || full_id(name).is_some() || self.raw.find_reference(name).is_ok() {
            return None;
        }
        let mut found: Option<(FullRef, Oid)> = None;
        for full in FullRef::readings(name) {
            let reference = self.raw.find_reference(full.as_str()).ok();
            let Some(id) = reference.and_then(|reference| target(&reference)) else {
                continue;
            };
            match &found {
                Some((first, other)) if *other != id => return Some((first.clone(), full)),
                Some(_) => {}
                None => found = Some((full, id)),
            }
        }
        None
    }

    /// Returns the full name of the branch that a short name means, or `None` for a
    /// full id.
    pub fn full_name(&self, short: &str) -> Option<FullRef> {
        if full_id(short).is_some() {
            return None;
        }
        let reference = self.raw.resolve_reference_from_short_name(short).ok()?;
        FullRef::new(reference.name().ok()?)
    }

    /// Reads HEAD.
    pub fn head(&self) -> Result<Head, Error> {
        let head = self
            .raw
            .find_reference("HEAD")
            .map_err(failed("can't read HEAD"))?;
        if let Ok(Some(name)) = head.symbolic_target() {
            let name = FullRef::new(name)
                .ok_or_else(|| Error::msg(format!("HEAD points to `{name}`, which is no reference")))?;
            let tip = self.reference(&name)?;
            return Ok(Head::Branch { name, tip });
        }
        let id = head.target().ok_or_else(|| Error::msg("HEAD points nowhere"))?;
        Ok(Head::Detached(oid(id)))
    }

    /// Returns the commit that a reference points to, or `None` when there is no such
    /// reference.
    pub fn reference(&self, name: &FullRef) -> Result<Option<Oid>, Error> {
        match self.raw.find_reference(name.as_str()) {
            Ok(reference) if target(&reference).is_some_and(|id| self.is_cut_off(id)) => {
                Ok(target(&reference))
            }
            Ok(reference) => match reference.peel_to_commit() {
                Ok(commit) => Ok(Some(oid(commit.id()))),
                // The reader of the object reports what is wrong with it.
                Err(source) => match target(&reference) {
                    Some(id) => Ok(Some(id)),
                    None => Err(failed(format!("`{name}` is no commit"))(source)),
                },
            },
            Err(source) if source.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(failed(format!("can't read `{name}`"))(source)),
        }
    }

    /// Returns the remote's default branch, as this clone recorded it:
    /// `refs/remotes/origin/main`.
    pub fn remote_default_branch(&self) -> Option<FullRef> {
        let head = FullRef::tracking("origin", "HEAD");
        let head = self.raw.find_reference(head.as_str()).ok()?;
        head.symbolic_target().ok().flatten().and_then(FullRef::new)
    }

    /// Returns git's configuration.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }

    /// Returns the nearest value of a key of git's configuration.
    pub fn config(&self, key: &str) -> Option<String> {
        self.settings.borrow().get(key).map(str::to_owned)
    }

    /// Returns all values of a key of git's configuration with their origins, in
    /// git's order: the last one is nearest.
    pub fn config_all(&self, key: &str) -> Vec<Setting> {
        self.settings.borrow().all(key).cloned().collect()
    }

    /// Returns all values of a key in the repository's own configuration.
    pub fn local_values(&self, key: &str) -> Vec<String> {
        let all = self.config_all(key).into_iter();
        all.filter(|setting| setting.scope == Scope::Local)
            .map(|setting| setting.value)
            .collect()
    }

    /// Sets all values of a key in the repository's own configuration.
    pub fn set_local_values(&self, key: &str, all: &[String]) -> Result<(), Error> {
        let write = || {
            let mut config = self.raw.config()?.open_level(git2::ConfigLevel::Local)?;
            match config.remove_multivar(key, ".*") {
                Err(source) if source.code() != ErrorCode::NotFound => return Err(source),
                _ => {}
            }
            // Values are never empty, so each is added.
            all.iter()
                .try_for_each(|value| config.set_multivar(key, "^$", value))
        };
        write().map_err(failed(format!("can't write `{key}` to git's configuration")))?;
        self.read_settings_again()
    }

    /// Reads the configuration again after a change.
    fn read_settings_again(&self) -> Result<(), Error> {
        let settings = match Settings::command(&self.directory).output() {
            Ok(output) if output.status.success() => Settings::read(&output.stdout),
            _ => Settings::of_libgit2(&self.raw)?,
        };
        *self.settings.borrow_mut() = Arc::new(settings);
        Ok(())
    }

    /// Reads a boolean of git's configuration, in every spelling that git accepts.
    ///
    /// # Errors
    /// The value is not a boolean.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        let Some(value) = self.config(key) else {
            return Ok(None);
        };
        git2::Config::parse_bool(value.as_str()).map(Some).map_err(|_| {
            Error::msg(format!(
                "`{key}` of git's configuration is neither yes nor no: `{value}`"
            ))
            .hint(format!("`git config {key} true`, or `false`"))
        })
    }

    /// Sets a value in the repository's own configuration.
    pub fn set_config(&self, key: &str, value: &str) -> Result<(), Error> {
        let config = self
            .raw
            .config()
            .and_then(|config| config.open_level(git2::ConfigLevel::Local));
        config
            .and_then(|mut config| config.set_str(key, value))
            .map_err(failed(format!("can't write `{key}` to git's configuration")))?;
        self.read_settings_again()
    }

    /// Returns a git command for this repository.
    pub fn git(&self) -> Command {
        let mut command = command::git();
        command.arg("-C").arg(&self.directory);
        command
    }

    /// Returns the folder that the repository was opened from.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// Parses a full id in either case, as git does.
fn full_id(text: &str) -> Option<Oid> {
    Oid::from_hex(&text.to_ascii_lowercase())
}

/// Returns the id that a reference leads to, of any kind of object.
fn target(reference: &git2::Reference<'_>) -> Option<Oid> {
    Some(oid(reference.resolve().ok()?.target()?))
}

/// The object store of a repository.
pub struct GitObjects<'r> {
    odb: git2::Odb<'r>,
    repo: &'r Repo,
    format: ObjectFormat,
    loose: Loose,
}

impl Objects for GitObjects<'_> {
    fn format(&self) -> ObjectFormat {
        self.format
    }

    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        let raw = git2::Oid::from_bytes(id.as_bytes()).map_err(failed(format!("{id} is no id")))?;
        if self.loose.is_cut_off(raw) {
            return Err(Error::CorruptObject { id, expected: kind });
        }
        let mut object = self.odb.read(raw);
        if object
            .as_ref()
            .is_err_and(|source| source.code() == ErrorCode::NotFound)
            && self.repo.brings_promised()
        {
            self.repo.bring([id])?;
            object = self.odb.read(raw);
        }
        let object = match object {
            Ok(object) => object,
            Err(source) if source.code() == ErrorCode::NotFound => {
                return Err(Error::MissingObject { id, kind });
            }
            Err(_) => return Err(Error::CorruptObject { id, expected: kind }),
        };
        let expected = match kind {
            ObjectKind::Commit => ObjectType::Commit,
            ObjectKind::Tree => ObjectType::Tree,
            ObjectKind::Blob => ObjectType::Blob,
            ObjectKind::Tag => ObjectType::Tag,
        };
        if object.kind() == expected {
            Ok(object.data().to_vec())
        } else {
            Err(Error::CorruptObject { id, expected: kind })
        }
    }

    fn size(&self, id: Oid) -> Option<usize> {
        // A truncated object is found when it is read.
        let id = git2::Oid::from_bytes(id.as_bytes()).ok()?;
        self.odb.read_header(id).ok().map(|(size, _)| size)
    }
}
