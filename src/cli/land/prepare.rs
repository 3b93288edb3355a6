//! Prepares a commit on a base: proves, previews, asks, signs and stores. No
//! reference leads to it yet.

use super::agree::{agree, disagrees};
use super::attempt::{Attempt, Base};
use super::commit::{Signed, commit};
use super::outcome::{FaultyBase, Refused};
use super::preview::{Existing, Preview, Proposal, preview};
use super::prove::{Proved, Sound, of_mainline, prove};
use super::{Scope, Target};
use crate::base::Error;
use crate::cli::read::fresh;
use crate::judge::finding::Report;
use crate::judge::history;
use crate::workspace::identity::Identity;

/// The result of preparing.
pub(super) enum Prepared {
    /// A commit that may land.
    Signed(Box<Signed>),
    /// A dry run would succeed.
    Dry(Box<Proposal>),
    /// The base already has what was asked for.
    Existing(Existing),
    /// It was refused.
    Refused(Refused),
}

/// Proves the base, previews the change, asks, and commits.
///
/// # Errors
/// The change can't be made; nothing is written then.
pub(super) fn prepare(attempt: &Attempt<'_>, target: &Target) -> Result<Prepared, Error> {
    let objects = &attempt.workspace.repo.objects()?;
    let Sound { policy, point, open } = match prove(attempt, objects, target)? {
        Proved::Sound(sound) => *sound,
        Proved::Faulty(base) => return Ok(Prepared::Refused(Refused::Faulty(base))),
    };
    let me = Identity::configured(&attempt.workspace.repo)?;
    let actor = me.actor(&policy)?;
    attempt.ui.is_for(&actor);
    let mainline = match attempt.job.scope == Scope::Policy && !target.is_mainline {
        true => of_mainline(attempt, objects)?,
        false => None,
    };
    let base = Base {
        objects,
        policy,
        me,
        actor,
        mainline,
    };
    let previewed = preview(attempt, &base, target);
    // Commits that were fetched may hold what is not there, or allow what is refused.
    let behind = match (&previewed, attempt.args.is_remote()) {
        (Ok(Preview::Ready(_)), _) | (_, true) => None,
        _ => fresh::built_on(attempt.workspace, target.base),
    };
    let previewed = match (previewed, behind) {
        (Err(error @ Error::Message { .. }), Some(words)) => Err(error.hint(words)),
        (previewed, Some(words)) => {
            attempt.ui.note(&words);
            previewed
        }
        (previewed, None) => previewed,
    };
    let mut proposal = match previewed? {
        Preview::Existing(there) => {
            return Ok(match disagrees(attempt, &there) {
                Some(refused) => Prepared::Refused(refused),
                None => Prepared::Existing(there),
            });
        }
        Preview::Refused(report) => return Ok(Prepared::Refused(Refused::Findings(report))),
        Preview::Idle(refusal) => return Ok(Prepared::Refused(Refused::declined(refusal))),
        Preview::Ready(proposal) => proposal,
    };
    if let Some(base) = rests_on(&proposal, attempt, open) {
        return Ok(Prepared::Refused(Refused::Faulty(base)));
    }
    if let Some(refused) = agree(attempt, &base, target, &mut proposal)? {
        return Ok(Prepared::Refused(refused));
    }
    if attempt.args.dry_run {
        return Ok(Prepared::Dry(proposal));
    }
    let signed = commit(attempt, &base, target, *proposal, point)?;
    Ok(Prepared::Signed(Box::new(signed)))
}

/// Returns the findings of the past that a change which takes versions out of use rests
/// on after all: it puts such a version into a stage.
fn rests_on(proposal: &Proposal, attempt: &Attempt<'_>, mut open: Report) -> Option<FaultyBase> {
    if !matches!(attempt.job.scope, Scope::Removal { .. }) {
        return None;
    }
    let scope = history::scope_of(&proposal.changes)?;
    open.findings.retain(|finding| scope.is_stopped_by(finding));
    let own = Vec::new();
    (!open.findings.is_empty()).then_some(FaultyBase { report: open, own })
}
