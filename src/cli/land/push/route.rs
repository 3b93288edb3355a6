//! Chooses the branch of the remote that a change goes to: the checked-out branch,
//! the mainline, or a new branch.

use super::super::attempt::Attempt;
use super::super::preview::Proposal;
use super::super::{local_branch, request};
use crate::base::{Error, FullRef, Oid};
use crate::git::Head;

/// The route of a push.
pub(super) struct PushRoute {
    pub(super) remote: String,
    /// The mainline's full name on the remote.
    pub(super) mainline: FullRef,
    /// The branch's full name on the remote, or `None` when the change determines it.
    pub(super) named: Option<FullRef>,
    /// The branch of this clone that follows.
    pub(super) local: Option<FullRef>,
}

impl PushRoute {
    pub(super) fn choose(attempt: &Attempt<'_>) -> Result<PushRoute, Error> {
        let repo = &attempt.workspace.repo;
        let own_mainline = attempt.workspace.remote_mainline();
        let (_, mainline) = repo.push_place(&own_mainline)?;
        let wanted = attempt.args.branch.as_ref();
        let wanted = wanted.map(|name| local_branch(repo, name)).transpose()?;
        if attempt.args.pr {
            let local = wanted;
            let (remote, named) = match &local {
                Some(local) => {
                    let (remote, named) = repo.push_place(local)?;
                    (remote, Some(named))
                }
                None => (repo.push_place(&own_mainline)?.0, None),
            };
            if named.as_ref() == Some(&mainline) {
                return Err(
                    Error::msg("a pull request needs a branch of its own, and this is the mainline")
                        .hint("leave `--branch` away, or push to the mainline with `--push`"),
                );
            }
            check_finished(attempt, local.as_ref())?;
            return Ok(PushRoute {
                remote,
                mainline,
                named,
                local,
            });
        }
        let local = match wanted {
            Some(local) => local,
            None => match repo.head()? {
                Head::Branch { name, .. } => name,
                // A pipeline checks out a commit, and means the mainline.
                Head::Detached(_) => {
                    check_finished(attempt, None)?;
                    own_mainline
                }
            },
        };
        check_finished(attempt, Some(&local))?;
        let (remote, named) = repo.push_place(&local)?;
        Ok(PushRoute {
            remote,
            mainline,
            named: Some(named),
            local: Some(local),
        })
    }

    /// Whether it pushes to the mainline itself.
    pub(super) fn is_mainline(&self) -> bool {
        self.named.as_ref() == Some(&self.mainline)
    }

    /// Returns the pull request from a branch.
    pub(super) fn as_request<'a>(&'a self, reference: &'a FullRef) -> request::Request<'a> {
        request::Request {
            remote: &self.remote,
            branch: reference.short(),
            mainline: self.mainline.short(),
        }
    }

    /// Returns the branch's full name on the remote.
    pub(super) fn reference(&self, attempt: &Attempt<'_>, made: &Proposal, commit: Option<Oid>) -> FullRef {
        if let Some(named) = &self.named {
            return named.clone();
        }
        if let Some(reserve) = attempt.job.reserve
            && let Some(number) = reserve.number.get()
        {
            return reserve.branch(number);
        }
        let id = commit.map_or_else(|| "ID".to_owned(), |commit| commit.short().to_string());
        FullRef::of_branch(&format!("modelry/{}-{id}", request::slug(made.subject())))
    }
}

/// Refuses while a git operation on the checked-out branch is unfinished: it may move
/// the branch, whose commits would be pushed too. Another branch is not affected.
fn check_finished(attempt: &Attempt<'_>, local: Option<&FullRef>) -> Result<(), Error> {
    let repo = &attempt.workspace.repo;
    let concerns = match local {
        Some(local) => repo.is_checked_out(local)? || repo.is_rebasing(local),
        None => repo.workdir().is_some(),
    };
    match concerns {
        true => repo.check_finished(),
        false => Ok(()),
    }
}
