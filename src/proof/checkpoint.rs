//! Proving the history of a tip from a checkpoint: what an audit found clean
//! is not judged again, and need not be in the clone.

use super::{CheckpointFile, Proof, Signed, still_tainted};
use crate::audit::{Checkpoint, Known};
use crate::error::Error;
use crate::finding::{Finding, Place};
use crate::history::{self, Replay};
use crate::raw::{Objects, Oid};
use crate::rules::{self, Resolver};
use crate::snapshot::{Records, Snapshot};
use crate::workspace::Workspace;

impl Workspace {
    /// Who signed a checkpoint, by the policy at its commit, and what is wrong
    /// with that.
    ///
    /// # Errors
    /// When there is no policy to be read at that commit.
    pub fn judge_signature(
        &self,
        objects: &dyn Objects,
        records: &Records<'_>,
        file: &CheckpointFile,
    ) -> Result<(Signed, Option<Finding<Place>>), Error> {
        let Some(checkpoint) = file.checkpoint() else {
            return Ok((Signed::No, None));
        };
        let at = checkpoint.commit;
        let snapshot = Snapshot::at(records, history::read_commit(objects, at)?.tree, &self.folder)?;
        let policy = history::policy_at(&snapshot, &format!("commit {}", at.short()))?;
        let signed = file.signed(&policy);
        let finding = match &signed {
            Signed::By(verdict) if verdict.actor().is_none() => {
                let resolver = Resolver {
                    prior: snapshot,
                    next: snapshot,
                    folder: &self.folder,
                    before: Some(at),
                    after: Some(at),
                };
                Some(resolver.resolve(rules::bad_checkpoint_signature(checkpoint, verdict)))
            }
            Signed::By(_) | Signed::No => None,
        };
        Ok((signed, finding))
    }

    /// Proves the first-parent history of `tip` after a checkpoint, which is
    /// taken as given. Nothing of it is remembered.
    ///
    /// # Errors
    /// When the checkpoint is of another registry or root, when its commit is
    /// not among the first parents of the tip, or when history after it can't be
    /// read.
    pub fn prove_after(
        &self,
        objects: &dyn Objects,
        records: &Records<'_>,
        tip: Oid,
        checkpoint: &Checkpoint,
    ) -> Result<Proof, Error> {
        let point = checkpoint.commit;
        let pinned = self.root.is_some_and(|root| root != checkpoint.root);
        if pinned || self.folder != checkpoint.folder {
            let place = |root: &str, folder: &str| match folder {
                "" => root.to_owned(),
                folder => format!("{root}:{folder}"),
            };
            let ours = self
                .root
                .map_or("the registry".to_owned(), |root| root.to_string());
            return Err(Error::told(format!(
                "the checkpoint is of the root {}, and here it is {}",
                place(&checkpoint.root.to_string(), &checkpoint.folder),
                place(&ours, &self.folder)
            ))
            .hint("name the checkpoint of this registry, or its folder with `--path`"));
        }
        let apart = |why: &str| {
            Error::told(format!(
                "the checkpoint ends at commit {point}, and `{}` is at {tip}: {why}",
                self.mainline_name()
            ))
        };
        let commits = match history::chain_if(objects, point, tip) {
            Ok(Some(commits)) => commits,
            Ok(None) => {
                return Err(apart("the one is not among the first parents of the other")
                    .hint("is the clone behind the checkpoint? fetch: `git fetch --unshallow`, or `git fetch`")
                    .hint("if not, the mainline was rewritten: `modelry audit --checkpoint FILE` in a whole clone tells where"));
            }
            Err(Error::MissingObject { .. }) => {
                return Err(apart("the history between the two is not in this clone")
                    .hint("fetch it: `git fetch --unshallow`, or some of it: `git fetch --deepen 100`")
                    .hint("or fetch the checkpoint of a newer audit"));
            }
            Err(error) => return Err(error),
        };
        let top = history::read_commit(objects, point)?.tree;
        let snapshot = Snapshot::at(records, top, &self.folder)?;
        let policy = history::policy_at(&snapshot, &format!("commit {}", point.short()))?;
        if policy.id() != checkpoint.registry.as_str() {
            return Err(Error::told(format!(
                "the checkpoint is of the registry {}, and commit {} holds {}",
                checkpoint.registry,
                point.short(),
                policy.id()
            ))
            .hint("name the checkpoint of this registry"));
        }
        let mut replay = Replay::after(records, &self.folder, point)?.with_floor(point);
        replay.tainted.clone_from(&checkpoint.tainted);
        let mut report = replay.run(&commits, |_, _| {})?;
        replay.mark(&mut report);
        let policy = replay.policy.clone().unwrap_or(policy);
        let mut tainted = std::mem::take(&mut replay.tainted);
        still_tainted(&policy, &mut tainted);
        Ok(Proof {
            policy,
            report,
            root: checkpoint.root,
            pinned: self.root.is_some(),
            from: Some(point),
            known: Known::Nothing,
            checkpoint: Some(checkpoint.size),
            tainted,
        })
    }
}
