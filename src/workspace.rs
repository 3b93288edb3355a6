//! A registry in a repository: which folder, which branch, which root; and the
//! point up to which this clone has proven it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::access::Policy;
use crate::disk;
use crate::error::Error;
use crate::finding::Report;
use crate::git::{Head, Repo};
use crate::history::{self, Replay};
use crate::raw::{self, Mode, Objects, Oid};
use crate::snapshot::Records;

/// What the command line says of where to look.
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
}

/// A registry in a repository.
pub struct Workspace {
    /// The repository.
    pub repo: Repo,
    /// The registry's folder from the repository's top; empty for the top.
    pub folder: String,
    /// The mainline's full reference name.
    pub mainline: String,
    /// The pinned root.
    pub root: Option<Oid>,
}

/// How the history of a tip was proven.
pub struct Proof {
    /// The policy in force at the tip.
    pub policy: Policy,
    /// What is wrong on the way.
    pub report: Report,
    /// The root.
    pub root: Oid,
    /// Whether the root is pinned.
    pub pinned: bool,
}

/// The point that a clone verified last: a file under the git directory, and no
/// reference, which a fetch could move.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    format: String,
    root: String,
    folder: String,
    mainline: String,
    commit: String,
}

const VERIFIED_FORMAT: &str = "modelry-verified/v1";

impl Workspace {
    /// Finds the registry.
    ///
    /// # Errors
    /// When there is no repository, no registry, or more than one.
    pub fn open(wanted: &Wanted) -> Result<Workspace, Error> {
        let repo = Repo::open(&wanted.directory)?;
        let pin = wanted
            .root
            .clone()
            .map_or_else(|| repo.config("modelry.root"), |root| Ok(Some(root)))?;
        let (root, pinned_path) = match pin.as_deref().map(|pin| pin.split_once(':').unwrap_or((pin, ""))) {
            Some((root, path)) => {
                let root = Oid::from_hex(root).map_or_else(|| repo.resolve(root), Ok)?;
                (
                    Some(root),
                    Some(path.to_owned())
                        .filter(|path| !path.is_empty() || pin.as_deref().is_some_and(|p| p.contains(':'))),
                )
            }
            None => (None, None),
        };
        let mainline = mainline(&repo, wanted.mainline.as_deref())?;
        let folder = match wanted.path.clone().or(pinned_path) {
            Some(path) => path,
            None => match repo.config("modelry.path")? {
                Some(path) => path,
                None => found(&repo, &mainline, &wanted.directory, root)?,
            },
        };
        let folder = folder.trim_matches('/').trim_start_matches("./").to_owned();
        let folder = if folder == "." { String::new() } else { folder };
        Ok(Workspace {
            repo,
            folder,
            mainline,
            root,
        })
    }

    /// A path of a record from the repository's top.
    pub fn from_top(&self, path: &str) -> String {
        if self.folder.is_empty() {
            path.to_owned()
        } else {
            format!("{}/{path}", self.folder)
        }
    }

    /// The mainline's short name.
    pub fn mainline_name(&self) -> &str {
        self.mainline
            .strip_prefix("refs/heads/")
            .unwrap_or(&self.mainline)
    }

    /// The mainline's tip.
    ///
    /// # Errors
    /// When it has no commit.
    pub fn tip(&self) -> Result<Oid, Error> {
        match self.repo.reference(&self.mainline)? {
            Some(tip) => Ok(tip),
            None => self.repo.resolve("HEAD"),
        }
    }

    /// Proves the first-parent history of `tip`, from the clone's last verified
    /// point if that is on the way, else from the root. With `remember` (for the
    /// mainline) the tip is the new point when nothing is wrong.
    ///
    /// # Errors
    /// When history can't be read.
    pub fn prove(
        &self,
        objects: &dyn Objects,
        records: &Records<'_>,
        tip: Oid,
        remember: bool,
    ) -> Result<Proof, Error> {
        let root = match self.root {
            Some(root) => root,
            None => match self.verified().and_then(|verified| Oid::from_hex(&verified.root)) {
                Some(root) => root,
                None => history::find_root(objects, &self.folder, tip)?,
            },
        };
        let verified = self
            .verified()
            .filter(|verified| verified.root == root.to_string());
        let start = verified.and_then(|verified| Oid::from_hex(&verified.commit));
        let known = match start {
            Some(start) => history::chain(objects, Some(start), tip)
                .ok()
                .map(|commits| (start, commits)),
            None => None,
        };
        let (mut replay, commits) = match known {
            Some((start, commits)) => (Replay::after(records, &self.folder, start)?, commits),
            None => {
                let mut commits = history::chain(objects, Some(root), tip)?;
                commits.insert(0, history::read_commit(objects, root)?);
                (Replay::from_root(records, &self.folder), commits)
            }
        };
        let report = replay.run(&commits, |_| {})?;
        let policy = replay.policy.take().ok_or_else(|| {
            let why = report
                .findings
                .first()
                .map_or_else(String::new, |finding| format!(": {}", finding.message));
            Error::told(format!(
                "the root {} brings no policy into force{why}",
                root.short()
            ))
            .hint("pin another root with `modelry trust`")
        })?;
        if remember && report.findings.is_empty() && !commits.is_empty() {
            self.remember(root, tip);
        }
        Ok(Proof {
            policy,
            report,
            root,
            pinned: self.root.is_some(),
        })
    }

    fn verified_file(&self) -> PathBuf {
        self.repo.common_dir().join("modelry").join("verified.json")
    }

    fn verified(&self) -> Option<Verified> {
        let bytes = std::fs::read(self.verified_file()).ok()?;
        let verified: Verified = serde_json::from_slice(&bytes).ok()?;
        let fits = verified.format == VERIFIED_FORMAT
            && verified.folder == self.folder
            && verified.mainline == self.mainline;
        fits.then_some(verified)
    }

    /// Remembers a commit that this program just judged and made on the last
    /// verified point.
    pub fn advance_verified(&self, base: Oid, commit: Oid) {
        if let Some(verified) = self
            .verified()
            .filter(|verified| verified.commit == base.to_string())
            && let Some(root) = Oid::from_hex(&verified.root)
        {
            self.remember(root, commit);
        }
    }

    /// Remembers that history is proven up to here. A clone that can't be
    /// written proves everything anew each time, and that is all.
    pub fn remember(&self, root: Oid, commit: Oid) {
        let verified = Verified {
            format: VERIFIED_FORMAT.into(),
            root: root.to_string(),
            folder: self.folder.clone(),
            mainline: self.mainline.clone(),
            commit: commit.to_string(),
        };
        if let Ok(bytes) = serde_json::to_vec(&verified) {
            let _ = disk::write_file(&self.verified_file(), &bytes);
        }
    }
}

/// The mainline: as asked for, as configured, a bare repository's HEAD, the
/// remote's default branch, the current branch.
///
/// # Errors
/// When HEAD is detached and nothing else says which branch it is.
pub fn mainline(repo: &Repo, wanted: Option<&str>) -> Result<String, Error> {
    let full = |name: &str| match name {
        name if name.starts_with("refs/") => name.to_owned(),
        name => format!("refs/heads/{name}"),
    };
    if let Some(name) = wanted {
        return Ok(full(name));
    }
    if let Some(name) = repo.config("modelry.mainline")? {
        return Ok(full(&name));
    }
    let head = repo.head()?;
    if repo.workdir().is_some()
        && let Some(remote) = repo.remote_default_branch()
    {
        let local = remote.replacen("refs/remotes/origin/", "refs/heads/", 1);
        return Ok(if repo.reference(&local)?.is_some() {
            local
        } else {
            remote
        });
    }
    match head {
        Head::Branch { name, .. } => Ok(name),
        Head::Detached(_) => Err(
            Error::told("HEAD is detached, so no branch says which is the mainline")
                .hint("name it: `--mainline main`, or once for all `git config modelry.mainline main`"),
        ),
    }
}

/// The registry's folder: upwards from the directory, else the only one in the
/// tree.
fn found(repo: &Repo, mainline: &str, directory: &Path, root: Option<Oid>) -> Result<String, Error> {
    let objects = repo.objects()?;
    let tip = match repo.reference(mainline)? {
        Some(tip) => tip,
        None => repo.resolve("HEAD")?,
    };
    let tree = history::read_commit(&objects, tip)?.tree;
    let holds = |folder: &str| -> Result<bool, Error> {
        let path = if folder.is_empty() {
            "registry.yaml".to_owned()
        } else {
            format!("{folder}/registry.yaml")
        };
        Ok(raw::lookup(&objects, tree, &path)?.is_some_and(|entry| entry.mode == Mode::File))
    };
    let all = |tree: Oid| -> Result<Vec<String>, Error> {
        let files = raw::files(&objects, tree)?;
        let folder = |path: String| {
            let folder = path.strip_suffix("registry.yaml")?;
            (folder.is_empty() || folder.ends_with('/')).then(|| folder.trim_end_matches('/').to_owned())
        };
        Ok(files.into_iter().filter_map(|(path, ..)| folder(path)).collect())
    };
    // A pin says which one is meant; without it a second one would be a trap.
    let folders = if root.is_none() { all(tree)? } else { Vec::new() };
    if folders.len() > 1 {
        let shown: Vec<String> = folders
            .iter()
            .map(|folder| format!("`{}`", if folder.is_empty() { "." } else { folder }))
            .collect();
        return Err(Error::told(format!(
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
    let folders = match root {
        // Where the tip has lost it, the pinned root still says where it was.
        Some(root) => match all(tree)? {
            none if none.is_empty() => all(history::read_commit(&objects, root)?.tree)?,
            some => some,
        },
        None => folders,
    };
    match &folders[..] {
        [only] => Ok(only.clone()),
        _ => Err(Error::told(format!(
            "there is no registry on `{}`",
            mainline.trim_start_matches("refs/heads/")
        ))
        .hint(
            "make one with `modelry init`, or name its branch with `--mainline` or its folder with `--path`",
        )),
    }
}
