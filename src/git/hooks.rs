//! What hooks ask of a repository: where hooks live, what a reference's name
//! leads to, and what is staged.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Head, Repo};
use crate::base::{Error, Oid};

impl Repo {
    /// The folder that git runs this repository's hooks from; `core.hooksPath`
    /// counts.
    ///
    /// # Errors
    /// When git can't say.
    pub fn hooks_folder(&self) -> Result<PathBuf, Error> {
        let said = self.run(&["rev-parse", "--path-format=absolute", "--git-path", "hooks"])?;
        Ok(PathBuf::from(said.trim_end_matches('\n')))
    }

    /// Whether a folder belongs to this repository alone: it is in its git
    /// directory or in its work tree.
    pub fn owns(&self, folder: &std::path::Path) -> bool {
        // What does not exist yet is where its parent is.
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

    /// The name of the reference that a push to `name` would move: a symbolic
    /// reference leads to another.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn real_name(&self, name: &str) -> Result<String, Error> {
        /// As far as git itself follows.
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
            Error::told(format!("`{name}` leads from name to name without end"))
                .hint("whoever runs the server can repair it: `git symbolic-ref`"),
        )
    }

    /// Every `registry.yaml` that is staged or was at HEAD, as paths from the
    /// top, each once.
    ///
    /// # Errors
    /// When git can't read the index.
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
        // Before the first commit nothing can be gone.
        let gone = match self.head()? {
            Head::Branch { tip: None, .. } => String::new(),
            _ => self.look(&gone)?,
        };
        let paths = staged.split('\0').chain(gone.split('\0'));
        Ok(paths.filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    /// What is staged, as a tree. The index is the one that git's environment
    /// names, as for `git commit FILE`; the tree's objects are written, as the
    /// commit would write them.
    ///
    /// # Errors
    /// When the index can't be made a tree, as during a conflict.
    pub fn staged_tree(&self) -> Result<Oid, Error> {
        let said = self.look(&["write-tree"])?;
        Oid::from_hex(said.trim()).ok_or_else(|| Error::told("git write-tree named no tree"))
    }

    /// Runs git on the index without the programs that the repository's configuration
    /// names: the file system monitor, and hooks of the index.
    fn look(&self, arguments: &[&str]) -> Result<String, Error> {
        let settings = ["core.fsmonitor=false", "core.hooksPath=/dev/null"];
        self.run_with(&settings, arguments)
    }

    /// Whether the next commit concludes a merge.
    pub fn is_merging(&self) -> bool {
        self.raw.path().join("MERGE_HEAD").exists()
    }

    /// Whether the disk can't tell names apart that differ by case alone.
    pub fn ignores_case(&self) -> bool {
        let config = self.raw.config();
        config.is_ok_and(|config| config.get_bool("core.ignorecase").unwrap_or(false))
    }
}
