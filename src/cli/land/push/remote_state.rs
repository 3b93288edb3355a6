//! Looks at the remote, and decides what to build on.

use std::rc::Rc;

use super::super::Target;
use super::super::attempt::Attempt;
use super::super::commit::Signed;
use super::super::outcome::FaultyBase;
use super::super::prove::{Proved, prove};
use super::route::PushRoute;
use crate::base::{Error, FullRef, Oid, shell_word};
use crate::judge::history;

/// The base of a push: the state of the remote, and the commit to build on.
pub(super) struct PushBase {
    pub(super) target: Target,
    /// The branch's tip on the remote, or `None` when there is no such branch.
    pub(super) expected: Option<Oid>,
    /// The number of the clone's own commits that are pushed too.
    pub(super) along: usize,
}

/// The state of the remote.
pub(super) enum RemoteState {
    PushBase(Box<PushBase>),
    /// It has a commit whose push got no answer.
    AlreadyLanded(Unknown),
    /// Its history is faulty, so nothing may build on it.
    Faulty(FaultyBase),
    /// It did not answer.
    Unreachable(Error),
}

/// A commit whose push got no answer.
#[derive(Clone)]
pub(super) struct Unknown {
    pub(super) signed: Rc<Signed>,
    pub(super) reference: FullRef,
}

/// The answer of the remote.
struct Look {
    /// The branch's tip, or `None` when there is no such branch.
    tip: Option<Oid>,
    /// The mainline's tip, when the branch exists nowhere.
    mainline: Option<Oid>,
    /// A commit that was pushed to a branch of its own, and is there.
    there: Option<Unknown>,
}

/// Asks the remote.
fn look(attempt: &Attempt<'_>, route: &PushRoute, unknown: &[Unknown], is_here: bool) -> Result<Look, Error> {
    let repo = &attempt.workspace.repo;
    let mut look = Look {
        tip: None,
        mainline: None,
        there: None,
    };
    if route.named.is_none() {
        for sent in unknown {
            if repo.remote_tip(&route.remote, &sent.reference)? == Some(sent.signed.commit) {
                look.there = Some(sent.clone());
                return Ok(look);
            }
        }
    }
    if let Some(reserve) = attempt.job.reserve {
        reserve.look(attempt, &route.remote, route.named.as_ref())?;
    }
    if let Some(named) = &route.named {
        look.tip = repo.fetch_tip(&route.remote, named)?;
    }
    if look.tip.is_none() && !is_here {
        look.mainline = repo.fetch_tip(&route.remote, &route.mainline)?;
    }
    Ok(look)
}

/// Looks at the remote, and decides what to do.
pub(super) fn survey(
    attempt: &Attempt<'_>,
    route: &PushRoute,
    unknown: &[Unknown],
) -> Result<RemoteState, Error> {
    let repo = &attempt.workspace.repo;
    let local = match &route.local {
        Some(local) => repo.reference(local)?,
        None => None,
    };
    let look = match look(attempt, route, unknown, local.is_some()) {
        Ok(look) => look,
        Err(error) => return Ok(RemoteState::Unreachable(error)),
    };
    if let Some(there) = look.there {
        return Ok(RemoteState::AlreadyLanded(there));
    }
    if let Some(tip) = look.tip {
        let objects = repo.objects()?;
        for sent in unknown {
            // The search ends at the commit's base.
            let since = history::chain_if(&objects, sent.signed.base, tip)?;
            if since.is_some_and(|commits| commits.iter().any(|commit| commit.id == sent.signed.commit)) {
                return Ok(RemoteState::AlreadyLanded(sent.clone()));
            }
        }
    }
    let (base, along, on_mainline) = match (look.tip, local, look.mainline) {
        (Some(tip), local, _) => match own_commits(attempt, route, local, tip)? {
            Own::Sound { base, along } => (base, along, route.is_mainline()),
            Own::Faulty(base) => return Ok(RemoteState::Faulty(base)),
        },
        // The branch is new there.
        (None, Some(local), _) => (local, 0, route.is_mainline()),
        (None, None, Some(mainline)) => (mainline, 0, true),
        (None, None, None) => {
            return Err(Error::msg(format!(
                "`{}` has no branch `{}`",
                route.remote,
                route.mainline.short()
            ))
            .hint("name the mainline with `--mainline`, or push it first: `git push`"));
        }
    };
    let remote = look.tip.or(look.mainline);
    let target = target(attempt, route, (base, remote), on_mainline)?;
    Ok(RemoteState::PushBase(Box::new(PushBase {
        target,
        expected: look.tip,
        along,
    })))
}

/// Returns the target for a commit on `base`; `remote` is the tip of the remote's
/// branch.
fn target(
    attempt: &Attempt<'_>,
    route: &PushRoute,
    (base, remote): (Oid, Option<Oid>),
    on_mainline: bool,
) -> Result<Target, Error> {
    Ok(Target {
        branch: route.local.as_ref().unwrap_or(&route.mainline).clone(),
        tip: None,
        base,
        is_mainline: route.is_mainline(),
        on_mainline,
        is_here: attempt.workspace.repo.reference(&attempt.workspace.mainline)? == Some(base),
        remote,
        follows: false,
    })
}

/// The commit to build on, with the clone's own commits that the remote lacks.
enum Own {
    /// The base, and the number of own commits that are pushed too.
    Sound { base: Oid, along: usize },
    /// There is none: the remote's history is faulty.
    Faulty(FaultyBase),
}

/// Returns the commit to build on where the clone has the branch too: the remote's
/// tip, or the clone's own when that is ahead, with the number of commits ahead.
fn own_commits(attempt: &Attempt<'_>, route: &PushRoute, local: Option<Oid>, tip: Oid) -> Result<Own, Error> {
    let Some(local) = local.filter(|local| *local != tip) else {
        return Ok(Own::Sound { base: tip, along: 0 });
    };
    let repo = &attempt.workspace.repo;
    let name = route.named.as_ref().map(FullRef::short).unwrap_or_default();
    let objects = repo.objects()?;
    match repo.ahead_behind(local, tip)? {
        (0, _) => Ok(Own::Sound { base: tip, along: 0 }),
        (along, 0) => {
            if history::chain_if(&objects, tip, local)?.is_none() {
                return Err(Error::msg(format!(
                    "`{name}` of `{}` was merged into your branch, so it would become a side of it",
                    route.remote
                ))
                .hint(format!(
                    "merge the other way round: your branch into `{name}` of `{}`",
                    route.remote
                )));
            }
            Ok(Own::Sound { base: local, along })
        }
        (along, behind) => {
            // A rewritten remote history is the more important fault.
            let noted = match &route.named {
                Some(named) => repo.noted_remote_tip(&route.remote, named)?,
                None => None,
            };
            let grown = match noted {
                Some(noted) => history::chain_if(&objects, noted, tip)?.is_some(),
                None => false,
            };
            let target = target(attempt, route, (tip, Some(tip)), route.is_mainline())?;
            if !grown && let Proved::Faulty(base) = prove(attempt, &objects, &target)? {
                return Ok(Own::Faulty(base));
            }
            Err(Error::msg(format!(
                "`{}` and `{name}` of `{}` have gone apart: {} here, {} there",
                route.local.as_ref().map(FullRef::short).unwrap_or_default(),
                route.remote,
                crate::base::count(along, "commit"),
                crate::base::count(behind, "commit"),
            ))
            .hint(format!(
                "when those here are yours, put them away (`git branch mine`, `git reset --keep {}`), and make them anew with `--replay`",
                shell_word(&format!("{}/{name}", route.remote))
            ))
            .hint("when they are not, the remote's branch was rewritten: find out by whom"))
        }
    }
}
