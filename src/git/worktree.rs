//! Updates the work tree that follows a branch: only the files that a commit touched,
//! and only if they have no uncommitted changes. Git itself does both, so that
//! attributes, sparse checkouts and the index's flags are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::moving::is_locked;
use super::program::{Filter, Program, listed};
use super::uncommitted::Untracked;
use super::unfinished::is_rebasing;
use crate::base::{Error, FullRef, ObjectKind, Oid};
use crate::git::{Head, Repo, disk};

impl Repo {
    /// Whether this work tree follows the branch.
    pub fn is_checked_out(&self, branch: &FullRef) -> Result<bool, Error> {
        let here = matches!(self.head()?, Head::Branch { name, .. } if name == *branch);
        Ok(here && self.workdir().is_some())
    }

    /// Returns another worktree of the repository that has checked out the branch, or
    /// rebases it.
    pub fn checked_out_elsewhere(&self, branch: &FullRef) -> Option<PathBuf> {
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
            // The HEAD of a bare repository checks nothing out.
            if index == 0 && (bare || common.file_name().is_none_or(|name| name != ".git")) {
                return None;
            }
            let follows = std::fs::read_to_string(&head).ok()?.trim() == format!("ref: {branch}");
            let rebases = || head.parent().is_some_and(|folder| is_rebasing(folder, branch));
            let place = place?;
            ((follows || rebases()) && place.canonicalize().ok() != here).then_some(place)
        })
    }

    /// Refuses when one of these paths (from the top) has uncommitted changes, or
    /// something is in its way. Returns how the work tree follows the change.
    ///
    /// # Errors
    /// Names the files with uncommitted changes.
    pub fn check_clean(&self, edits: &Edits) -> Result<Following, Error> {
        let Some(git) = self.program()? else {
            return Ok(Following::default());
        };
        self.wait_for_index()?;
        let paths: Vec<String> = edits.keys().cloned().collect();
        for path in &paths {
            let mut folder = Path::new(path).parent();
            while let Some(at) = folder.filter(|at| !at.as_os_str().is_empty()) {
                if std::fs::symlink_metadata(git.in_work_tree(at)).is_ok_and(|meta| !meta.is_dir()) {
                    return Err(
                        Error::msg(format!("`{}` is no folder in the work tree", at.display()))
                            .hint("move it out of the way"),
                    );
                }
                folder = at.parent();
            }
        }
        let tracked = git.tracked(&paths)?;
        let exists = |path: &String| std::fs::symlink_metadata(git.in_work_tree(path)).is_ok();
        let mut dirty: BTreeSet<String> = git
            .status(&paths, Untracked::All)?
            .into_iter()
            .filter_map(|line| String::from_utf8(line.path).ok())
            .filter(|path| edits.contains_key(path))
            .collect();
        // `git status` does not list an ignored file, which must not be lost either.
        dirty.extend(
            paths
                .iter()
                .filter(|path| !tracked.contains_key(*path) && exists(path))
                .cloned(),
        );
        let mut following = Following::default();
        let there: Vec<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
        for (path, filter) in git.filtered(&there)? {
            let path = String::from_utf8_lossy(&path).into_owned();
            if dirty.contains(&path) && git.is_as_indexed(path.as_bytes())? {
                dirty.remove(&path);
            }
            following.filtered.insert(path, filter);
        }
        let flagged = tracked
            .into_iter()
            .filter(|(path, flag)| *flag != Flag::None && exists(path));
        for (path, flag) in git.hidden(flagged.collect())? {
            // Only the index entry would change. If it were removed, git would show the
            // file again, so the file counts as changed.
            if edits[&path].is_none() {
                dirty.insert(path);
            } else {
                following.hidden.insert(path, flag);
            }
        }
        if dirty.is_empty() {
            return Ok(following);
        }
        let dirty: Vec<String> = dirty.into_iter().collect();
        Err(Error::msg(format!("uncommitted changes would be lost in {}", dirty.join(", ")))
            .hint("commit or stash them first: `git stash push -- FILE`, or write to another branch with `--branch NAME`"))
    }

    /// Waits up to a second for another process that holds the index.
    fn wait_for_index(&self) -> Result<(), Error> {
        let mut lock = self.index_file().into_os_string();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        let is_free = disk::patiently(|| Ok::<_, Error>((!lock.exists()).then_some(())))?;
        is_free.ok_or_else(|| is_locked(&lock))
    }
}

impl Program<'_> {
    /// Updates the work tree and this program's index from one tree to another, which
    /// differ in these paths (from the top), as `git checkout` does. Everything else
    /// stays as it is. Returns notes for the user.
    pub fn follow(
        &self,
        (from, to): (&str, &str),
        edits: &Edits,
        following: &Following,
    ) -> Result<Vec<String>, Error> {
        let mut notes = self.keep_hidden(edits, &following.hidden)?;
        for (path, Filter { name, program }) in &following.filtered {
            let is_kept = following.hidden.contains_key(path);
            if is_kept || edits.get(path).is_none_or(Option::is_none) {
                continue;
            }
            let file = self.in_work_tree(path);
            if file.exists() && self.is_as_indexed(path.as_bytes())? {
                // Git would take the file for changed, since the filter's program is
                // not run.
                std::fs::remove_file(&file).map_err(disk::io("remove", &file))?;
            }
            notes.push(format!(
                "`{path}` has the attribute `filter={name}`, and `{program}` was not run: the file is as git stores it"
            ));
        }
        let read_tree = ["read-tree", "-m", "-u", from, to];
        if self.run(&read_tree, &[]).is_err() {
            // Git takes a touched file without changes for changed until the index is
            // refreshed; a flag would prevent the refresh.
            let paths: Vec<String> = edits.keys().cloned().collect();
            let flagged = self.refresh(self.tracked(&paths)?, &following.hidden)?;
            let again = self.run(&read_tree, &[]);
            for (path, flag) in flagged {
                if again.is_err() || edits[&path].is_some() {
                    self.set_flag(&path, flag)?;
                }
            }
            again?;
        }
        Ok(notes)
    }

    /// Returns the absolute path of a path from the top.
    pub fn in_work_tree(&self, path: impl AsRef<Path>) -> PathBuf {
        self.top().join(path)
    }

    /// Returns those of these paths that git tracks, with the index flags of each.
    fn tracked(&self, paths: &[String]) -> Result<BTreeMap<String, Flag>, Error> {
        let said = self.run_within(&["ls-files", "-v", "-z"], paths)?;
        let wanted: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
        let mut tracked = BTreeMap::new();
        for entry in said.split(|byte| *byte == 0) {
            let entry = String::from_utf8_lossy(entry);
            let Some((tag, path)) = entry.split_once(' ').filter(|(_, path)| wanted.contains(path)) else {
                continue;
            };
            // `S` marks what is skipped; a small letter marks what is assumed unchanged.
            let flag = match (tag.eq_ignore_ascii_case("S"), tag.chars().any(char::is_lowercase)) {
                (true, true) => Flag::Both,
                (true, false) => Flag::SkipWorktree,
                (false, true) => Flag::AssumeUnchanged,
                (false, false) => Flag::None,
            };
            tracked.insert(path.to_owned(), flag);
        }
        Ok(tracked)
    }

    /// Returns the tracked files whose content differs from the index, although a
    /// flag hides the difference.
    fn hidden(&self, flagged: BTreeMap<String, Flag>) -> Result<BTreeMap<String, Flag>, Error> {
        if flagged.is_empty() {
            return Ok(flagged);
        }
        let folder = tempfile::tempdir().map_err(disk::io("create", &std::env::temp_dir()))?;
        let git = self.apart(folder.path())?;
        let paths: Vec<&[u8]> = flagged.keys().map(|path| path.as_bytes()).collect();
        for flag in ["--no-skip-worktree", "--no-assume-unchanged"] {
            git.run(&["update-index", flag, "-z", "--stdin"], &listed(&paths))?;
        }
        let names: Vec<String> = flagged.keys().cloned().collect();
        let differ = git.status(&names, Untracked::All)?;
        let differ: BTreeSet<String> = differ
            .into_iter()
            .filter(|line| line.in_work_tree)
            .filter_map(|line| String::from_utf8(line.path).ok())
            .collect();
        Ok(flagged
            .into_iter()
            .filter(|(path, _)| differ.contains(path))
            .collect())
    }

    /// Refreshes the index for tracked files whose content is unchanged. Clears flags
    /// that would hide the files, and returns them.
    fn refresh(
        &self,
        mut tracked: BTreeMap<String, Flag>,
        hidden: &BTreeMap<String, Flag>,
    ) -> Result<BTreeMap<String, Flag>, Error> {
        tracked.retain(|path, _| !hidden.contains_key(path) && self.in_work_tree(path).exists());
        let mut flagged = tracked.clone();
        flagged.retain(|_, flag| *flag != Flag::None);
        let list = |paths: &BTreeMap<String, Flag>| {
            let paths: Vec<&[u8]> = paths.keys().map(|path| path.as_bytes()).collect();
            listed(&paths)
        };
        if !flagged.is_empty() {
            for option in ["--no-skip-worktree", "--no-assume-unchanged"] {
                self.run(&["update-index", option, "-z", "--stdin"], &list(&flagged))?;
            }
        }
        self.run(&["update-index", "-z", "--stdin"], &list(&tracked))?;
        Ok(flagged)
    }

    fn set_flag(&self, path: &str, flag: Flag) -> Result<(), Error> {
        for option in flag.options() {
            self.run(
                &["update-index", option, "-z", "--stdin"],
                &listed(&[path.as_bytes()]),
            )?;
        }
        Ok(())
    }

    /// Updates the index entries of files whose own content a flag hides; the files
    /// and the flags stay.
    fn keep_hidden(&self, edits: &Edits, hidden: &BTreeMap<String, Flag>) -> Result<Vec<String>, Error> {
        let mut notes = Vec::new();
        for (path, flag) in hidden {
            let Some(Some(bytes)) = edits.get(path) else {
                continue;
            };
            let id = Oid::hash(self.format(), ObjectKind::Blob, bytes);
            self.run(
                &["update-index", "-z", "--index-info"],
                format!("100644 {id}\t{path}\0").as_bytes(),
            )?;
            self.set_flag(path, *flag)?;
            notes.push(format!(
                "`{path}` on disk stays as it was: the index has it as {}",
                flag.options().join(" ").replace("--", "")
            ));
        }
        Ok(notes)
    }
}

/// Changed files, by their path from the top: the new content, or `None` for a
/// removed file.
pub type Edits = BTreeMap<String, Option<Vec<u8>>>;

/// How the work tree follows a change.
#[derive(Debug, Default)]
pub struct Following {
    /// Files for which git would run a configured program.
    filtered: BTreeMap<String, Filter>,
    /// Files whose own content a flag of the index hides.
    hidden: BTreeMap<String, Flag>,
}

impl Following {
    /// The files that stay as they are on disk.
    pub(super) fn hidden(&self) -> impl Iterator<Item = &String> {
        self.hidden.keys()
    }
}

/// The flag of an index entry that hides changes of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    None,
    SkipWorktree,
    AssumeUnchanged,
    Both,
}

impl Flag {
    /// Returns the options of `git update-index` that set it.
    fn options(self) -> &'static [&'static str] {
        match self {
            Flag::None => &[],
            Flag::SkipWorktree => &["--skip-worktree"],
            Flag::AssumeUnchanged => &["--assume-unchanged"],
            Flag::Both => &["--skip-worktree", "--assume-unchanged"],
        }
    }
}
