//! Checks that a registry's root is pinned, or trusted on request.

use super::Workspace;
use crate::base::{Error, Oid};
use crate::judge::history;
use crate::object::Objects;

/// The place where a root is required, which decides how it is pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootOf {
    /// In a person's clone.
    Clone,
    /// In a CI job.
    Job,
    /// On a server that guards a registry.
    Server,
}

impl Workspace {
    /// Refuses to continue without a root that is pinned or trusted: an attacker who
    /// rewrote the history would have chosen it.
    ///
    /// # Errors
    /// The root is neither; the hint says how to pin it.
    pub fn ensure_root(
        &self,
        objects: &dyn Objects,
        tip: Oid,
        of: RootOf,
        on_trust: bool,
    ) -> Result<(), Error> {
        if self.root.is_some() || on_trust {
            return Ok(());
        }
        let root = history::find_root(objects, &self.folder, tip)?;
        let pin = self.pin(root);
        Err(match of {
            RootOf::Clone => Error::msg(
                "the root is not pinned in this clone, so nothing says that this is the registry that you mean",
            )
            .hint(format!(
                "compare it with what an administrator tells you by another way, then: `modelry trust {pin}`"
            ))
            .hint("or take it on trust this once: `--trust-root`"),
            RootOf::Job => Error::msg(
                "no root is pinned, so nothing says that this is the registry that you mean",
            )
            .hint(format!(
                "the root of this one is {root}: compare it with what an administrator tells you by another way, and write it into the job: `--root {pin}`"
            ))
            .hint("or take it on trust: `--trust-root`"),
            RootOf::Server => Error::msg(
                "no root is pinned on the server, so nothing says which registry it guards",
            )
            .hint(format!(
                "the root of this one is {root}: compare it with what an administrator tells you by another way, then on the server `git config modelry.root {pin}`"
            )),
        })
    }
}
