//! Proves the history of a tip from a checkpoint. The history that an audit found
//! clean is not judged again, and may be missing in the clone.

use std::collections::BTreeMap;

use super::{CheckpointFile, Moved, Proof, Signed, still_tainted};
use crate::base::{Error, Oid};
use crate::git::sign::Signer;
use crate::judge::checkpoint::{Checkpoint, Mainline};
use crate::judge::finding::{Finding, Place};
use crate::judge::history::{self, JudgedStep, Replay};
use crate::judge::rules::{self, Resolver};
use crate::object::{Commit, Objects};
use crate::record::kind::VersionId;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::audit::{Confirmed, PriorKnowledge};
use crate::trust::Policy;
use crate::workspace::Workspace;

/// The mainline as an audit read it, for the next checkpoint.
#[derive(Default)]
pub struct Walk {
    /// The steps, the root first.
    steps: Vec<Oid>,
    /// The versions whose approval a step invalidated, with the number of the step
    /// (the root is 1) and the key.
    taints: Vec<(u64, VersionId, String)>,
}

impl Walk {
    /// Adds the next step.
    pub fn enter(&mut self, commit: &Commit, step: &JudgedStep) {
        self.steps.push(commit.id);
        let place = self.steps.len() as u64;
        let taints = step.taints.iter().cloned();
        self.taints.extend(taints.map(|(id, key)| (place, id, key)));
    }

    /// Returns the versions that were tainted after this many steps, by the policy at
    /// that point.
    fn tainted(&self, size: u64, policy: &Policy) -> BTreeMap<VersionId, String> {
        let before = self.taints.iter().filter(|(place, ..)| *place <= size);
        let mut tainted = before.map(|(_, id, key)| (id.clone(), key.clone())).collect();
        still_tainted(policy, &mut tainted);
        tainted
    }
}

/// The result of comparing the mainline with a checkpoint.
pub struct Comparison {
    /// The checkpoint of the present mainline.
    pub next: Checkpoint,
    /// The policy at the earlier checkpoint's commit.
    then: Option<Policy>,
    /// The earlier checkpoint, if history continues from it.
    pub confirmed: Option<Confirmed>,
    /// The findings on the earlier checkpoint.
    pub findings: Vec<Finding<Place>>,
}

impl Comparison {
    /// Replaces the file; `policy` is the one in force now. Called only after a clean
    /// audit.
    pub fn advance(
        &self,
        file: &CheckpointFile,
        policy: &Policy,
        signer: Option<&dyn Signer>,
    ) -> Result<Moved, Error> {
        let then = self.then.as_ref().unwrap_or(policy);
        file.advance(&self.next, (then, policy), signer)
    }
}

impl Workspace {
    /// Compares the mainline that an audit read with the checkpoint of an earlier
    /// audit.
    pub fn compare(
        &self,
        objects: &dyn Objects,
        records: &Records<'_>,
        file: &CheckpointFile,
        walk: &Walk,
        proof: &Proof,
    ) -> Result<Comparison, Error> {
        let registry = proof.policy.id().parse().map_err(Error::msg)?;
        let mainline = Mainline {
            registry,
            folder: &self.folder,
            steps: &walk.steps,
        };
        let earlier = file.checkpoint();
        let on_it = earlier.filter(|earlier| walk.steps.contains(&earlier.commit));
        let then = match on_it {
            Some(earlier) => Some(self.policy_then(objects, records, earlier.commit)?.1),
            None => None,
        };
        let tainted_then = match (earlier, &then) {
            (Some(earlier), Some(then)) => walk.tainted(earlier.size, then),
            _ => BTreeMap::new(),
        };
        let (next, mismatch) = mainline.compare(objects, earlier, &tainted_then, &proof.tainted)?;
        let mut findings = Vec::new();
        if let (Some(earlier), Some(mismatch)) = (earlier, &mismatch) {
            let (snapshot, _) = self.policy_then(objects, records, next.commit)?;
            let finding = rules::checkpoint_mismatch(earlier, mismatch);
            findings.push(self.resolver(snapshot, next.commit).resolve(finding));
        }
        let mut signer = None;
        if on_it.is_some() {
            let (signed, finding) = self.judge_signature(objects, records, file)?;
            findings.extend(finding);
            if let Signed::By(verdict) = signed {
                signer = verdict.actor().cloned();
            }
        }
        let confirmed = earlier.filter(|_| findings.is_empty()).map(|earlier| Confirmed {
            size: earlier.size,
            commit: earlier.commit,
            signer,
        });
        Ok(Comparison {
            next,
            then,
            confirmed,
            findings,
        })
    }

    /// Returns the registry at a commit, and the policy in its tree.
    fn policy_then<'r>(
        &self,
        objects: &dyn Objects,
        records: &'r Records<'r>,
        commit: Oid,
    ) -> Result<(Snapshot<'r>, Policy), Error> {
        let top = history::read_commit(objects, commit)?.tree;
        let snapshot = Snapshot::at(records, top, &self.folder)?;
        let policy = history::policy_at(&snapshot, &format!("commit {}", commit.short()))?;
        Ok((snapshot, policy))
    }

    fn resolver<'r>(&'r self, snapshot: Snapshot<'r>, at: Oid) -> Resolver<'r> {
        Resolver {
            prior: snapshot,
            next: snapshot,
            folder: &self.folder,
            before: Some(at),
            after: Some(at),
        }
    }

    /// Verifies the signature of a checkpoint by the policy at its commit. Returns
    /// the signer, or a finding.
    ///
    /// # Errors
    /// The commit has no readable policy.
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
        let (snapshot, policy) = self.policy_then(objects, records, at)?;
        let signed = file.signed(&policy);
        let finding = match &signed {
            Signed::By(verdict) if verdict.actor().is_none() => {
                let finding = rules::bad_checkpoint_signature(checkpoint, verdict);
                Some(self.resolver(snapshot, at).resolve(finding))
            }
            // Removing the signature does not turn a signed checkpoint into an
            // unsigned one.
            Signed::No if checkpoint.signed => {
                let finding = rules::lost_checkpoint_signature(checkpoint);
                Some(self.resolver(snapshot, at).resolve(finding))
            }
            Signed::By(_) | Signed::No => None,
        };
        Ok((signed, finding))
    }

    /// Proves the first-parent history of `tip` after a checkpoint, which is trusted.
    /// [`Workspace::judge_signature`] verifies its signature. Nothing is remembered.
    ///
    /// # Errors
    /// The checkpoint is of another registry or root, its commit is not among the
    /// first parents of the tip, or the history after it can't be read.
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
            return Err(Error::msg(format!(
                "the checkpoint is of the root {}, and here it is {}",
                place(&checkpoint.root.to_string(), &checkpoint.folder),
                place(&ours, &self.folder)
            ))
            .hint("name the checkpoint of this registry, or its folder with `--path`"));
        }
        let apart = |why: &str| {
            Error::msg(format!(
                "the checkpoint ends at commit {point}, and what is asked for is at {tip}: {why}"
            ))
        };
        let missing = |error| match error {
            Error::MissingObject { .. } => apart("the history between the two is not in this clone")
                .hint("fetch it: `git fetch --unshallow`, or some of it: `git fetch --deepen 100`")
                .hint("or fetch the checkpoint of a newer audit"),
            error => error,
        };
        let commits = match history::chain_if(objects, point, tip) {
            Ok(Some(commits)) => commits,
            Ok(None) => {
                return Err(apart("the one is not among the first parents of the other")
                    .hint("is the clone behind the checkpoint? fetch: `git fetch --unshallow`, or `git fetch`")
                    .hint("if not, the mainline was rewritten: `modelry audit --checkpoint FILE` in a whole clone tells where"));
            }
            Err(error) => return Err(missing(error)),
        };
        let (_, policy) = self.policy_then(objects, records, point).map_err(missing)?;
        if policy.id() != checkpoint.registry.as_str() {
            return Err(Error::msg(format!(
                "the checkpoint is of the registry {}, and commit {} holds {}",
                checkpoint.registry,
                point.short(),
                policy.id()
            ))
            .hint("name the checkpoint of this registry"));
        }
        let mut replay = Replay::after(records, &self.folder, point)?.with_floor(point);
        replay.tainted.clone_from(&checkpoint.tainted);
        let mut report = replay.run(&commits, None, |_, _| {})?;
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
            known: PriorKnowledge::Nothing,
            checkpoint: Some(Confirmed {
                size: checkpoint.size,
                commit: point,
                signer: None,
            }),
            tainted,
            point: None,
        })
    }
}
