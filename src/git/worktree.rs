//! The work tree that follows a branch: only the files that a commit touched
//! are brought up to date, and only if nobody changed them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::Status;

use super::failed;
use crate::disk;
use crate::error::Error;
use crate::git::{Head, Repo};

impl Repo {
    /// Whether this work tree follows the branch.
    ///
    /// # Errors
    /// When HEAD can't be read.
    pub fn is_checked_out(&self, branch: &str) -> Result<bool, Error> {
        let here = matches!(self.head()?, Head::Branch { name, .. } if name == branch);
        Ok(here && self.workdir().is_some())
    }

    /// Another worktree of the repository that follows the branch.
    pub fn checked_out_elsewhere(&self, branch: &str) -> Option<PathBuf> {
        let here = self.workdir().and_then(|path| path.canonicalize().ok());
        let common = self.common_dir();
        let mut heads = vec![(common.join("HEAD"), common.parent().map(Path::to_owned))];
        for name in self.raw.worktrees().ok()?.iter().flatten().flatten() {
            let folder = common.join("worktrees").join(name);
            let place = std::fs::read_to_string(folder.join("gitdir")).ok();
            let place = place.and_then(|path| Path::new(path.trim()).parent().map(Path::to_owned));
            heads.push((folder.join("HEAD"), place));
        }
        let bare = self.raw.is_bare();
        heads.into_iter().enumerate().find_map(|(index, (head, place))| {
            // A bare repository's own HEAD checks nothing out.
            if index == 0 && (bare || common.file_name().is_none_or(|name| name != ".git")) {
                return None;
            }
            let follows = std::fs::read_to_string(head).ok()?.trim() == format!("ref: {branch}");
            let place = place?;
            (follows && place.canonicalize().ok() != here).then_some(place)
        })
    }

    /// Refuses when one of these paths (from the top) has changes that are not
    /// committed, or something stands in its way.
    ///
    /// # Errors
    /// Names the files.
    pub fn check_clean<'p>(&self, paths: impl Iterator<Item = &'p String>) -> Result<(), Error> {
        let Some(top) = self.workdir() else { return Ok(()) };
        let mut dirty = Vec::new();
        for path in paths {
            let mut folder = Path::new(path).parent();
            while let Some(at) = folder.filter(|at| !at.as_os_str().is_empty()) {
                if std::fs::symlink_metadata(top.join(at)).is_ok_and(|meta| !meta.is_dir()) {
                    return Err(
                        Error::told(format!("`{}` is no folder in the work tree", at.display()))
                            .hint("move it out of the way"),
                    );
                }
                folder = at.parent();
            }
            match self.raw.status_file(Path::new(path)) {
                Ok(Status::CURRENT | Status::IGNORED) => {
                    if self.raw.status_file(Path::new(path)) == Ok(Status::IGNORED) {
                        dirty.push(path.clone());
                    }
                }
                Ok(_) => dirty.push(path.clone()),
                Err(source) if source.code() == git2::ErrorCode::NotFound => {}
                Err(source) => return Err(failed(format!("can't look at `{path}`"))(source)),
            }
        }
        if dirty.is_empty() {
            return Ok(());
        }
        Err(Error::told(format!("uncommitted changes would be lost in {}", dirty.join(", ")))
            .hint("commit or stash them first: `git stash push -- FILE`, or write to another branch with `--branch NAME`"))
    }

    /// Brings these paths (from the top) up to date, in the work tree and the
    /// index. Everything else stays as it is.
    ///
    /// # Errors
    /// When a file or the index can't be written. The commit stands all the
    /// same, and the error says so.
    pub fn update_worktree(&self, edits: &BTreeMap<String, Option<Vec<u8>>>) -> Result<(), Error> {
        let Some(top) = self.workdir().map(Path::to_owned) else {
            return Ok(());
        };
        let mut index = self.raw.index().map_err(failed("can't read the index"))?;
        for (path, content) in edits {
            let file = top.join(path);
            match content {
                Some(bytes) => {
                    disk::write_file(&file, bytes)?;
                    index
                        .add_path(Path::new(path))
                        .map_err(failed(format!("can't add `{path}` to the index")))?;
                }
                None => {
                    disk::remove_file(&file, &top)?;
                    index
                        .remove_path(Path::new(path))
                        .map_err(failed(format!("can't take `{path}` from the index")))?;
                }
            }
        }
        index.write().map_err(|source| {
            failed("the commit is made, but the index can't be written")(source)
                .hint("run `git reset` once nobody holds `.git/index.lock`")
        })
    }
}
