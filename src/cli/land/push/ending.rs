//! The end of a push: the clone follows the remote, or the result is unknown.

use std::rc::Rc;

use super::super::attempt::Attempt;
use super::super::commit::Signed;
use super::super::outcome::{Done, Landing, Sent};
use super::super::request;
use super::remote_state::Unknown;
use super::route::PushRoute;
use crate::base::{Error, FullRef, shell_word};
use crate::git::{AdvanceError, Move};
use crate::judge::history;

/// Ends a push whose commit was found on the remote after a lost answer.
pub(super) fn found(
    attempt: &Attempt<'_>,
    route: &PushRoute,
    there: Unknown,
    tries: usize,
) -> Result<Landing, Error> {
    attempt.ui.note(&format!(
        "the answer to the push was lost; `{}` has the commit",
        route.remote
    ));
    landed(attempt, route, there.signed, &there.reference, tries)
}

/// Returns the error for a push whose result is unknown.
pub(super) fn lost(route: &PushRoute, unknown: &Unknown, why: &str) -> Error {
    let commit = unknown.signed.commit;
    Error::msg(format!(
        "the push to `{}` broke off, and whether commit {} landed is not known: {why}",
        route.remote,
        commit.short()
    ))
    .hint(format!(
        "look before you run the command again: `git fetch {} {} && git merge-base --is-ancestor {commit} FETCH_HEAD`",
        shell_word(&route.remote),
        shell_word(unknown.reference.short()),
    ))
}

/// Ends a push that landed: the clone follows, as far as it safely can.
pub(super) fn landed(
    attempt: &Attempt<'_>,
    route: &PushRoute,
    signed: Rc<Signed>,
    reference: &FullRef,
    tries: usize,
) -> Result<Landing, Error> {
    let Attempt {
        workspace, args, ui, ..
    } = *attempt;
    let repo = &workspace.repo;
    repo.note_remote_tip(&route.remote, reference, signed.commit);
    if let Some(local) = &route.local
        && let Err(error) = follow(attempt, local, &signed)
    {
        let hints = error.hints();
        let then = hints
            .first()
            .map_or("`git pull --ff-only` brings it up to date", String::as_str);
        ui.note(&format!(
            "`{}` of this clone stays where it was: {error}; {then}",
            local.short()
        ));
    }
    // A proposal may be the tip of this clone's mainline, and be dropped again.
    let shown = route.is_mainline() && repo.reference(&workspace.mainline)? == Some(signed.commit);
    if shown && !args.trust_base {
        if let Some(point) = &signed.point {
            workspace.keep(point);
        }
        workspace.advance_verified(signed.base, signed.commit, signed.made.brings_policy());
    }
    if let Some(moved) = attempt.job.moved {
        moved.set(!shown || signed.made.moves_status());
    }
    if let Some(reserve) = attempt.job.reserve.filter(|_| route.is_mainline()) {
        reserve.tell_crossing(attempt, &route.remote, &signed);
    }
    let page = match args.pr {
        true => request::open(attempt, route.as_request(reference), &signed.made)?,
        false => None,
    };
    Ok(Landing::Done(Box::new(Done {
        signed,
        branch: reference.short().to_owned(),
        sent: Some(Sent {
            remote: route.remote.clone(),
            tries,
            page,
        }),
        unpushed: Vec::new(),
    })))
}

/// Moves the clone's branch forward to the remote's tip.
fn follow(attempt: &Attempt<'_>, local: &FullRef, signed: &Signed) -> Result<(), Error> {
    let repo = &attempt.workspace.repo;
    let tip = repo.reference(local)?;
    if let Some(tip) = tip
        && repo.ahead_behind(tip, signed.commit)?.0 > 0
    {
        return Err(Error::msg("it has moved in the meantime"));
    }
    if tip.is_none() && attempt.args.branch.is_none() {
        // The user did not ask for a local branch of that name.
        return Ok(());
    }
    if let Some(place) = repo.checked_out_elsewhere(local) {
        return Err(Error::msg(format!("it is checked out at {}", place.display())));
    }
    if repo.is_rebasing(local) {
        return Err(Error::msg("a rebase is moving it")
            .hint("`git rebase --continue` finishes the rebase, and `git pull --rebase` follows"));
    }
    if repo.is_checked_out(local)? {
        let objects = repo.objects()?;
        let tree = |commit| history::read_commit(&objects, commit).map(|commit| commit.tree);
        return repo.fast_forward(&Move {
            branch: local,
            old: tip,
            new: signed.commit,
            from: tip.map(tree).transpose()?,
            to: tree(signed.commit)?,
        });
    }
    match repo.advance_alone(local, tip, signed.commit, &signed.log()) {
        Ok(()) => Ok(()),
        Err(AdvanceError::Moved) => Err(Error::msg("it has moved in the meantime")),
        Err(AdvanceError::Locked(path)) => Err(Error::msg(format!(
            "{} is held by another process",
            path.display()
        ))),
        Err(AdvanceError::Other(error)) => Err(error),
    }
}
