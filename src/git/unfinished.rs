//! Detects git operations that are in progress: a merge, a rebase, and similar ones.

use std::path::Path;

use git2::RepositoryState;

use super::Repo;
use crate::base::{Error, FullRef};

impl Repo {
    /// Refuses while git is in the middle of an operation that a commit would
    /// conclude or break, or while files are in conflict, as `git commit` does.
    ///
    /// # Errors
    /// An operation is in progress; the error names it and how to end it.
    pub fn check_finished(&self) -> Result<(), Error> {
        let (what, command) = match self.raw.state() {
            RepositoryState::Clean | RepositoryState::Bisect => return self.check_merged(),
            RepositoryState::Merge => ("merge", "git merge"),
            RepositoryState::Revert | RepositoryState::RevertSequence => ("revert", "git revert"),
            RepositoryState::CherryPick | RepositoryState::CherryPickSequence => {
                ("cherry-pick", "git cherry-pick")
            }
            RepositoryState::Rebase | RepositoryState::RebaseInteractive | RepositoryState::RebaseMerge => {
                ("rebase", "git rebase")
            }
            RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => {
                ("run of `git am`", "git am")
            }
        };
        Err(Error::msg(format!(
            "a {what} is not finished here, and a commit would get in its way"
        ))
        .hint(format!(
            "finish it with `{command} --continue`, or undo it with `{command} --abort`"
        )))
    }

    /// Refuses while the index has files in conflict, as after a `git stash pop`.
    fn check_merged(&self) -> Result<(), Error> {
        let Some(git) = self.program()? else { return Ok(()) };
        // Git must read an index in a form that libgit2 does not know (split,
        // sparse).
        if let Ok(index) = git2::Index::open(&self.index_file())
            && !index.has_conflicts()
        {
            return Ok(());
        }
        let said = git.run(&["ls-files", "--unmerged", "-z"], &[])?;
        let said = String::from_utf8_lossy(&said);
        let mut files: Vec<&str> = said
            .split('\0')
            .filter_map(|entry| Some(entry.split_once('\t')?.1))
            .collect();
        files.dedup();
        let Some(first) = files.first() else { return Ok(()) };
        Err(
            Error::msg(format!("files are in conflict: {}", files.join(", "))).hint(format!(
                "settle each one and run `git add` on it, or take HEAD's: `git checkout HEAD -- {}`",
                crate::base::shell_word(first)
            )),
        )
    }

    /// Whether a rebase of this work tree is moving the branch.
    pub fn is_rebasing(&self, branch: &FullRef) -> bool {
        is_rebasing(self.raw.path(), branch)
    }
}

/// Whether a rebase of the work tree with this git directory is moving the branch.
pub(super) fn is_rebasing(folder: &Path, branch: &FullRef) -> bool {
    let heads = ["rebase-merge/head-name", "rebase-apply/head-name"];
    heads.iter().any(|head| {
        let name = std::fs::read_to_string(folder.join(head));
        name.is_ok_and(|name| name.trim() == branch.as_str())
    })
}
