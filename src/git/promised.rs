//! Fetches the objects that a partial clone lacks and its remote promised, by id.
//!
//! Nothing is fetched unless [`Repo::bring_promised`] was called: without it, a
//! verdict that needs a missing object is incomplete.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use super::Repo;
use crate::base::{Error, Oid};

impl Repo {
    /// Returns the remote that has a partial clone's missing objects, or `None` for a
    /// complete clone.
    pub fn promisor(&self) -> Result<Option<String>, Error> {
        if let Some(remote) = self.config("extensions.partialclone") {
            return Ok(Some(remote));
        }
        for remote in self.remotes()? {
            if self.flag(&format!("remote.{remote}.promisor"))? == Some(true) {
                return Ok(Some(remote));
            }
        }
        Ok(None)
    }

    /// Turns on fetching: each promised object is fetched when it is read. Returns
    /// whether the clone is partial.
    pub fn bring_promised(&self) -> Result<bool, Error> {
        let promisor = self.promisor()?;
        let is_partial = promisor.is_some();
        self.promised.replace(promisor);
        Ok(is_partial)
    }

    /// Whether promised objects are fetched when they are read.
    pub fn brings_promised(&self) -> bool {
        self.promised.borrow().is_some()
    }

    /// Fetches those of these objects that are promised and missing, without the
    /// objects that they lead to. Returns how many were fetched.
    ///
    /// # Errors
    /// The remote can't be reached, or does not send them.
    pub fn bring(&self, ids: impl IntoIterator<Item = Oid>) -> Result<usize, Error> {
        self.bring_filtered(ids, "tree:0")
    }

    /// Fetches this folder and all folders below it, without their files.
    pub fn bring_folders(&self, tree: Oid) -> Result<usize, Error> {
        self.bring_filtered([tree], "blob:none")
    }

    fn bring_filtered(&self, ids: impl IntoIterator<Item = Oid>, filter: &str) -> Result<usize, Error> {
        let Some(remote) = self.promised.borrow().clone() else {
            return Ok(0);
        };
        let lacking: BTreeSet<Oid> = ids.into_iter().filter(|id| !self.has(*id)).collect();
        if lacking.is_empty() {
            return Ok(0);
        }
        // Git itself requests promised objects like this; the filter leaves out what
        // they lead to.
        let filter = format!("--filter={filter}");
        let arguments = [
            "-c",
            "fetch.negotiationAlgorithm=noop",
            "fetch",
            &remote,
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--recurse-submodules=no",
            "--no-auto-maintenance",
            &filter,
            "--stdin",
        ];
        let list: String = lacking.iter().map(|id| format!("{id}\n")).collect();
        self.give(&arguments, list.as_bytes())
            .map_err(|error| error.hint(format!("`git fetch {remote} ID` shows whether `{remote}` gives single objects; a server that does not says so by `uploadpack.allowAnySHA1InWant`")))?;
        Ok(lacking.len())
    }

    fn has(&self, id: Oid) -> bool {
        let id = git2::Oid::from_bytes(id.as_bytes());
        let odb = self.raw.odb();
        id.is_ok_and(|id| odb.is_ok_and(|odb| odb.exists_ext(id, git2::OdbLookupFlags::NO_REFRESH)))
    }

    /// Returns the commits that these lead to, without those up to `root`, and the
    /// parents at which the walk ended.
    pub fn commits_after(&self, root: Option<Oid>, tips: &[Oid]) -> Result<Vec<Oid>, Error> {
        let tips: Vec<String> = tips.iter().map(ToString::to_string).collect();
        let before = root.map(|root| format!("^{root}^@"));
        let mut arguments = vec!["rev-list", "--boundary"];
        arguments.extend(tips.iter().map(String::as_str));
        arguments.extend(before.as_deref());
        let listed = self.run(&arguments)?;
        let ids = listed
            .lines()
            .map(|line| Oid::from_hex(line.trim_start_matches('-')));
        Ok(ids.flatten().collect())
    }

    /// Runs git with this standard input.
    fn give(&self, arguments: &[&str], input: &[u8]) -> Result<(), Error> {
        let io = |source| Error::Io {
            action: "run",
            path: "git".into(),
            source,
        };
        let mut git = self.git();
        self.share(&mut git);
        let mut child = git
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(io)?;
        // Git reads all input before it writes; if it ended early, its exit status
        // says so.
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input);
        }
        let output = child.wait_with_output().map_err(io)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).replace('\r', "");
        Err(Error::msg(format!(
            "objects that this partial clone lacks can't be fetched: {}",
            said.trim()
        )))
    }
}
