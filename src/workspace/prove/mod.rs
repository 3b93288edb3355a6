//! Proves the history of a tip, from the root or from the last point that this clone
//! verified.
//!
//! Each root, folder and mainline has its own point, in a file of the git directory.
//! It is not a reference, which a fetch could move. Where there is a remote, the
//! point is a commit of the remote, since local commits can still be dropped. The
//! file also lists the faulty steps before the point, which are judged again each
//! time, and what policies before it accept or distrust.

mod checkpoint;
mod file;
mod verified;

pub use checkpoint::{Comparison, Walk};
pub use file::{CheckpointFile, Moved, Signed};
pub use verified::Point;

use std::collections::{BTreeMap, HashMap};

use crate::base::{Error, Oid};
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history::{self, Faulty, JudgedStep, Prefetch, PrefetchGuard, Replay};
use crate::judge::rules::{self, Resolver};
use crate::object::{CachedObjects, Commit, Objects};
use crate::record::kind::VersionId;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::audit::{Confirmed, PriorKnowledge};
use crate::trust::Policy;
use crate::workspace::Workspace;

use verified::{Remembered, Verified};

/// The proof of a tip's history.
pub struct Proof {
    /// The policy in force at the tip.
    pub policy: Policy,
    /// The findings on the way.
    pub report: Report,
    /// The root.
    pub root: Oid,
    /// Whether the root is pinned.
    pub pinned: bool,
    /// The verified point that the proof started from, or `None` when it started from
    /// the root.
    pub from: Option<Oid>,
    /// The clone's earlier knowledge of the mainline.
    pub known: PriorKnowledge,
    /// The checkpoint that covers the steps up to `from`, if one was given.
    pub checkpoint: Option<Confirmed>,
    /// Versions whose approval rests on a key that was no longer trusted, with the
    /// key, unless somebody reaffirmed them.
    pub tainted: BTreeMap<VersionId, String>,
    /// The point to remember once the mainline is at the tip, if [`ProveOptions::later`] asked
    /// for it.
    pub point: Option<Point>,
}

impl Proof {
    /// The note that nobody pinned the root; none where it is pinned.
    pub fn on_trust(&self) -> Option<String> {
        (!self.pinned).then(|| {
            format!(
                "the root {} is not pinned in this clone, and was taken on trust: `modelry trust`",
                self.root.short()
            )
        })
    }
}

/// A verified point, and the commits after it.
type NewSteps = (Oid, Vec<Commit>);

/// Returns what the clone knows of the tip's history, and the steps after the verified
/// point if the proof may start there.
fn known_before(
    objects: &dyn Objects,
    remembered: Option<&Remembered>,
    tip: Oid,
    how: ProveOptions,
) -> Result<(PriorKnowledge, Option<NewSteps>), Error> {
    let point = remembered.and_then(|remembered| Oid::from_hex(&remembered.verified.commit));
    let Some(point) = point else {
        return Ok((PriorKnowledge::Nothing, None));
    };
    Ok(match history::chain_if(objects, point, tip)? {
        Some(_) if how.audit => (PriorKnowledge::Holds(point), None),
        Some(commits) => (PriorKnowledge::Holds(point), Some((point, commits))),
        None if how.mainline => (PriorKnowledge::Lost(point), None),
        // A branch may have left the mainline before that point.
        None => (PriorKnowledge::Nothing, None),
    })
}

/// Removes the versions that the policy reaffirms.
fn still_tainted(policy: &Policy, tainted: &mut BTreeMap<VersionId, String>) {
    tainted.retain(|id, key| !policy.reaffirms(key, id));
}

/// Options of a proof.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProveOptions {
    /// Whether the tip is the mainline's. Its point is then remembered, and an
    /// earlier point must be on the mainline.
    pub mainline: bool,
    /// Whether to start from the root, regardless of earlier proofs.
    pub replay: bool,
    /// Whether to start from the root and check that the earlier point is still on
    /// the way; nothing is remembered.
    pub audit: bool,
    /// Whether the clone's own mainline is not at the tip yet, so that nothing is
    /// remembered before [`Workspace::keep`].
    pub later: bool,
    /// The tip of the mainline on the remote, if it was just asked; else the last
    /// known one is used.
    pub remote: Option<Oid>,
}

impl Workspace {
    /// Proves the first-parent history of `tip`.
    ///
    /// # Errors
    /// History can't be read, or no policy comes into force.
    pub fn prove(
        &self,
        objects: &dyn Objects,
        records: &Records<'_>,
        tip: Oid,
        how: ProveOptions,
    ) -> Result<Proof, Error> {
        self.prove_watched(objects, records, tip, how, |_, _, _| {})
    }

    /// Proves as [`Workspace::prove`] does. `seen` is called for each step as it is
    /// judged, with the number of steps, the commit and the judgement.
    pub fn prove_watched(
        &self,
        objects: &dyn Objects,
        records: &Records<'_>,
        tip: Oid,
        how: ProveOptions,
        mut seen: impl FnMut(usize, &Commit, &JudgedStep),
    ) -> Result<Proof, Error> {
        let remembered = if how.replay { None } else { self.remembered() };
        let root = match (self.root, &remembered) {
            (Some(root), _) => root,
            (None, Some(remembered)) => Oid::from_hex(&remembered.verified.root).unwrap_or(tip),
            (None, None) => history::find_root(objects, &self.folder, tip)?,
        };
        let (known, new_steps) = known_before(objects, remembered.as_ref(), tip, how)?;
        let mut earlier = Report::default();
        let (mut replay, commits, from) = match (&remembered, new_steps) {
            (Some(Remembered { verified, .. }), Some((point, commits))) => {
                let replay = self.resume(objects, records, verified, &mut earlier)?;
                (replay, commits, Some(point))
            }
            _ => (
                Replay::from_root(records, &self.folder),
                self.whole(objects, root, tip)?,
                None,
            ),
        };
        let gone = match known {
            PriorKnowledge::Lost(point) => Some(point),
            _ => None,
        };
        let remembers = how.mainline && !how.audit && gone.is_none();
        let settled = match remembers {
            true => self.settled(objects, &commits, from, how.remote),
            false => commits.len(),
        };
        let (shared, own) = commits.split_at(settled);
        let mut report = self.run(&mut replay, shared, |commit, step| {
            seen(commits.len(), commit, step)
        })?;
        let point = match shared.last() {
            Some(last) if remembers => self.point(root, last.id, &replay, remembered.as_ref(), how.replay),
            _ => None,
        };
        if !own.is_empty() {
            let rest = self.run(&mut replay, own, |commit, step| seen(commits.len(), commit, step))?;
            report.findings.extend(rest.findings);
            report.notes.extend(rest.notes);
            report.checked = rest.checked;
        }
        report.findings.splice(0..0, earlier.findings);
        replay.mark(&mut report);
        let Some(policy) = replay.policy.clone() else {
            return Err(self.no_policy(objects, (root, tip), &report)?);
        };
        let mut later = None;
        match gone {
            Some(point) => {
                report
                    .findings
                    .insert(0, self.lost_point(objects, records, tip, point)?);
            }
            None => match (point, &remembered) {
                (Some(point), _) if !how.later => self.keep(&point),
                (Some(point), _) => later = Some(point),
                (None, Some(remembered)) if remembers => remembered.keep(),
                (None, _) => {}
            },
        }
        let mut tainted = std::mem::take(&mut replay.tainted);
        still_tainted(&policy, &mut tainted);
        Ok(Proof {
            policy,
            report,
            root,
            pinned: self.root.is_some(),
            from,
            known,
            checkpoint: None,
            tainted,
            point: later,
        })
    }

    /// Returns the finding about a verified point that the mainline has left.
    fn lost_point(
        &self,
        objects: &dyn Objects,
        records: &Records<'_>,
        tip: Oid,
        point: Oid,
    ) -> Result<Finding<Place>, Error> {
        let snapshot = Snapshot::at(records, history::read_commit(objects, tip)?.tree, &self.folder)?;
        let resolver = Resolver {
            prior: snapshot,
            next: snapshot,
            folder: &self.folder,
            before: Some(tip),
            after: Some(tip),
        };
        let finding = match history::reaches(objects, tip, point)? {
            true => {
                let what = format!("the verified tip of `{}`", self.mainline_name());
                rules::inverted_mainline(&what, point, tip)
            }
            false => rules::rewritten_mainline(self.mainline_name(), point, tip),
        };
        Ok(resolver.resolve(finding))
    }

    /// Returns the error for a history that brings no policy into force.
    fn no_policy(
        &self,
        objects: &dyn Objects,
        (root, tip): (Oid, Oid),
        report: &Report,
    ) -> Result<Error, Error> {
        let why = report
            .findings
            .first()
            .map_or_else(String::new, |finding| format!(": {}", finding.message));
        if why.is_empty() {
            return self.no_registry(objects, tip);
        }
        Ok(Error::msg(format!(
            "the root {} brings no policy into force{why}",
            root.short()
        ))
        .hint("pin another root with `modelry trust`"))
    }

    /// Counts the commits that the remote has: local commits may still be dropped, so
    /// they can't be remembered. Counts all commits where there is no remote, and
    /// none where the remote's tip is unknown or lacks earlier commits too.
    fn settled(
        &self,
        objects: &dyn Objects,
        commits: &[Commit],
        from: Option<Oid>,
        remote: Option<Oid>,
    ) -> usize {
        let Some(last) = commits.last() else { return 0 };
        let heard = || {
            [
                self.repo.upstream_tip(&self.mainline),
                self.repo.namesake_tip(&self.mainline),
            ]
        };
        let remotes: Vec<Oid> = match remote {
            Some(remote) => vec![remote],
            None => heard().into_iter().flatten().collect(),
        };
        if remotes.is_empty() && !self.repo.may_be_ahead() {
            return commits.len();
        }
        if !remotes.is_empty() && remotes.iter().all(|remote| *remote == last.id) {
            return commits.len();
        }
        let places: HashMap<Oid, usize> = commits
            .iter()
            .zip(1..)
            .map(|(commit, n)| (commit.id, n))
            .collect();
        // The position of the last commit that a remote has.
        let place = |remote: Oid| {
            let mut at = Some(remote);
            while let Some(id) = at.filter(|id| Some(*id) != from) {
                if let Some(place) = places.get(&id) {
                    return *place;
                }
                // An unreadable commit counts as missing on the remote.
                let commit = history::read_commit(objects, id).ok();
                at = commit.and_then(|commit| commit.parents.first().copied());
            }
            0
        };
        remotes.into_iter().map(place).min().unwrap_or(0)
    }

    /// Judges the commits in order, in parallel: one thread judges, and the others
    /// read and verify ahead of it. The report does not depend on the number of
    /// threads.
    pub fn run<'c>(
        &self,
        replay: &mut Replay<'c>,
        commits: &'c [Commit],
        seen: impl FnMut(&Commit, &JudgedStep),
    ) -> Result<Report, Error> {
        /// The number of steps from which further threads are worth starting.
        const WORTH_IT: usize = 64;
        let registry_id = replay.registry_id(commits)?;
        let helpers = self.threads.get() - 1;
        let (Some(registry_id), true) = (registry_id, helpers > 0 && commits.len() >= WORTH_IT) else {
            return replay.run(commits, None, seen);
        };
        let ahead = Prefetch::new(commits, replay, registry_id);
        let door = self.repo.door();
        let trees = replay.trees();
        std::thread::scope(|scope| {
            let _ending = PrefetchGuard(&ahead);
            for _ in 0..helpers {
                scope.spawn(|| {
                    // A thread that can't open the repository does nothing, and the
                    // judge does the work.
                    if let Ok(repo) = door.open()
                        && let Ok(objects) = repo.objects()
                    {
                        ahead.work(&CachedObjects::on(&objects, trees.clone()));
                    }
                });
            }
            replay.run(commits, Some(&ahead), seen)
        })
    }

    /// Returns the commits from the root to the tip, with the root.
    fn whole(&self, objects: &dyn Objects, root: Oid, tip: Oid) -> Result<Vec<Commit>, Error> {
        let Some(mut commits) = history::chain_if(objects, root, tip)? else {
            if let Ok(Some(_)) = history::chain_if(objects, tip, root) {
                return Err(Error::msg(format!(
                    "commit {} is older than the registry, which begins at its root {}",
                    tip.short(),
                    root.short()
                ))
                .hint(format!("name the root, or a commit after it: {root}")));
            }
            return Err(Error::msg(format!(
                "the root {root} is not among the first parents of {}: this is not the registry that was pinned, or its history was rewritten",
                tip.short()
            ))
            .hint("trust nothing here before you know why: compare with another clone, and ask whoever told you the root"));
        };
        commits.insert(0, history::read_commit(objects, root)?);
        Ok(commits)
    }

    /// Restores the state at the verified point; the faulty steps before it are
    /// judged again.
    fn resume<'r>(
        &'r self,
        objects: &dyn Objects,
        records: &'r Records<'r>,
        verified: &Verified,
        earlier: &mut Report,
    ) -> Result<Replay<'r>, Error> {
        let oid = |text: &str| {
            Oid::from_hex(text).ok_or_else(|| {
                Error::msg(format!("{} is damaged", self.verified_folder().display()))
                    .hint("remove the folder: the next proof makes it anew")
            })
        };
        for fault in &verified.faulty {
            let mut replay = match &fault.policy {
                Some(policy) => Replay::after(records, &self.folder, oid(policy)?)?,
                None => Replay::from_root(records, &self.folder),
            };
            let step = replay.step(&history::read_commit(objects, oid(&fault.commit)?)?)?;
            earlier.findings.extend(step.findings);
        }
        let mut replay = Replay::after(records, &self.folder, oid(&verified.policy)?)?;
        replay.acknowledged.clone_from(&verified.acknowledged);
        // Points of older programs do not record reaffirmed versions.
        if !verified.reaffirmed.is_empty() {
            replay.reaffirmed.clone_from(&verified.reaffirmed);
        }
        for fault in &verified.faulty {
            replay.faulty.push(Faulty {
                commit: oid(&fault.commit)?,
                policy: fault.policy.as_deref().map(oid).transpose()?,
            });
        }
        for (id, key) in &verified.tainted {
            if let Ok(id) = id.parse::<VersionId>() {
                replay.tainted.insert(id, key.clone());
            }
        }
        Ok(replay)
    }
}
