//! Remotes, through the git program: its credentials, proxies and ssh
//! configuration are the user's.

use std::process::Stdio;

use super::Repo;
use crate::error::Error;
use crate::raw::Oid;

impl Repo {
    fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let output = self
            .git()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| Error::Io {
                action: "run",
                path: "git".into(),
                source,
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(
            Error::told(format!("git {} failed: {}", arguments[0], said.trim()))
                .hint(format!("try it by hand: git {}", arguments.join(" "))),
        )
    }

    /// What a branch points to on a remote; none when it is not there. One
    /// round trip, and no objects.
    ///
    /// # Errors
    /// When the remote can't be asked.
    pub fn remote_tip(&self, remote: &str, reference: &str) -> Result<Option<Oid>, Error> {
        let listed = self.run(&["ls-remote", "--", remote, reference])?;
        let named = |line: &str| {
            let (id, name) = line.split_once('\t')?;
            (name == reference).then(|| Oid::from_hex(id)).flatten()
        };
        Ok(listed.lines().find_map(named))
    }

    /// Brings a branch of a remote into a reference of this clone.
    ///
    /// # Errors
    /// When it can't be fetched.
    pub fn fetch(&self, remote: &str, reference: &str, into: &str) -> Result<(), Error> {
        let refspec = format!("+{reference}:{into}");
        self.run(&["fetch", "--quiet", "--no-tags", "--", remote, &refspec])
            .map(|_| ())
    }
}
