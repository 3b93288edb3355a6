//! Queries of hooks: the folder of hooks, the target of a reference's name, and the
//! staged files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Head, Repo};
use crate::base::{Error, Oid};

impl Repo {
    /// Returns the folder that git runs this repository's hooks from, with
    /// `core.hooksPath`.
    pub fn hooks_folder(&self) -> Result<PathBuf, Error> {
        let said = self.run(&["rev-parse", "--path-format=absolute", "--git-path", "hooks"])?;
        Ok(PathBuf::from(said.trim_end_matches('\n')))
    }

    /// Whether a folder belongs to this repository alone: it is in its git
    /// directory or in its work tree.
    pub fn owns(&self, folder: &std::path::Path) -> bool {
        // A path that does not exist yet is resolved through its parent.
        let real = |path: &std::path::Path| {
            path.ancestors().find_map(|at| {
                let rest = path.strip_prefix(at).ok()?;
                Some(at.canonicalize().ok()?.join(rest))
            })
        };
        let Some(folder) = real(folder) else { return false };
        let homes = [Some(self.common_dir()), Some(self.raw.path()), self.workdir()];
        let mut homes = homes.into_iter().flatten();
        homes.any(|home| real(home).is_some_and(|home| folder.starts_with(home)))
    }

    /// Returns the name of the reference that a push to `name` would move. A symbolic
    /// reference leads to another.
    ///
    /// # Errors
    /// The reference leads nowhere.
    pub fn real_name(&self, name: &str) -> Result<String, Error> {
        /// Git's own limit.
        const DEEPEST: usize = 5;
        let mut at = name.to_owned();
        for _ in 0..DEEPEST {
            let found = self.raw.find_reference(&at).ok();
            let next = found.and_then(|found| found.symbolic_target().ok().flatten().map(str::to_owned));
            match next {
                Some(next) => at = next,
                None => return Ok(at),
            }
        }
        Err(
            Error::msg(format!("`{name}` leads from name to name without end"))
                .hint("whoever runs the server can repair it: `git symbolic-ref`"),
        )
    }

    /// Returns the path of every `registry.yaml` that is staged or was at HEAD, from
    /// the top, each once.
    pub fn staged_registries(&self) -> Result<BTreeSet<String>, Error> {
        const REGISTRY: &str = ":(top,glob)**/registry.yaml";
        let staged = self.look(&["ls-files", "-z", "--full-name", "--cached", "--", REGISTRY])?;
        let gone = [
            "diff-index",
            "-z",
            "--cached",
            "--name-only",
            "HEAD",
            "--",
            REGISTRY,
        ];
        // Before the first commit, no file can have been removed.
        let gone = match self.head()? {
            Head::Branch { tip: None, .. } => String::new(),
            _ => self.look(&gone)?,
        };
        let paths = staged.split('\0').chain(gone.split('\0'));
        Ok(paths.filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    /// Writes the staged files as a tree. The index is the one that git's environment
    /// names, as for `git commit FILE`. The tree's objects are written, as the commit
    /// would write them.
    ///
    /// # Errors
    /// The index can't become a tree, as during a conflict.
    pub fn staged_tree(&self) -> Result<Oid, Error> {
        let said = self.look(&["write-tree"])?;
        Oid::from_hex(said.trim()).ok_or_else(|| Error::msg("git write-tree named no tree"))
    }

    /// Runs git on the index without programs that the repository's configuration
    /// names: the file system monitor, and hooks of the index.
    fn look(&self, arguments: &[&str]) -> Result<String, Error> {
        let settings = ["core.fsmonitor=false", "core.hooksPath=/dev/null"];
        self.run_with(&settings, arguments)
    }

    /// Whether the next commit concludes a merge.
    pub fn is_merging(&self) -> bool {
        self.raw.path().join("MERGE_HEAD").exists()
    }

    /// Whether the file system ignores case.
    pub fn ignores_case(&self) -> bool {
        let config = self.raw.config();
        config.is_ok_and(|config| config.get_bool("core.ignorecase").unwrap_or(false))
    }
}
