//! The `git fetch` that gets what a clone lacks, to be run or to be shown as a
//! command.

use std::fmt;

use super::Repo;
use crate::base::{Error, shell_word};

/// A fetch from a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The remote's name.
    pub remote: String,
    /// The refspecs to fetch: `+refs/heads/main:refs/remotes/origin/main`.
    pub refspecs: Vec<String>,
    /// Whether to fetch the history that a shallow clone lacks, too.
    pub unshallow: bool,
}

impl Fetch {
    fn arguments(&self) -> Vec<&str> {
        let mut all = vec!["fetch"];
        all.extend(self.unshallow.then_some("--unshallow"));
        all.push(&self.remote);
        all.extend(self.refspecs.iter().map(String::as_str));
        all
    }
}

impl fmt::Display for Fetch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("git")?;
        for word in self.arguments() {
            write!(out, " {}", shell_word(word))?;
        }
        Ok(())
    }
}

impl Repo {
    /// Runs a fetch.
    ///
    /// # Errors
    /// The remote can't be reached, or has no such reference.
    pub fn carry_out(&self, fetch: &Fetch) -> Result<(), Error> {
        let mut arguments = fetch.arguments();
        arguments.splice(
            1..1,
            [
                "--quiet",
                "--no-tags",
                "--no-recurse-submodules",
                "--no-auto-maintenance",
            ],
        );
        let output = self.ask(&arguments)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).replace('\r', "");
        Err(Error::msg(format!("git fetch failed: {}", said.trim()))
            .hint(format!("try it by hand: `{fetch}`")))
    }
}
