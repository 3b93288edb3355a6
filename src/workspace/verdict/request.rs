//! The one request for every judgement: files on disk, the index, steps of the
//! mainline, a branch as it would land, and a push.

use std::path::Path;

use super::base_trust::BaseTrust;
use super::judgement::{Judgement, Notice};
use super::push::{self, Update};
use super::{files, landing, staged, steps};
use crate::base::{Error, Oid};
use crate::git::Budget;
use crate::record::kind::Landing;
use crate::workspace::{Wanted, Workspace};

/// The object of a judgement, and how far the history before it is trusted.
#[derive(Clone, Copy)]
pub struct JudgeRequest<'r> {
    /// The object to judge.
    pub what: What<'r>,
    /// How far the history before it is trusted.
    pub base: BaseTrust,
    /// Whether a summary for people is wanted, of steps and landings.
    pub summary: bool,
}

impl<'r> JudgeRequest<'r> {
    /// Creates a request on a proven history, without a summary.
    pub fn of(what: What<'r>) -> JudgeRequest<'r> {
        JudgeRequest {
            what,
            base: BaseTrust::Verified,
            summary: false,
        }
    }
}

/// The object of a judgement.
#[derive(Clone, Copy)]
pub enum What<'r> {
    /// The files of the work tree, against HEAD.
    Files {
        /// The registry.
        workspace: &'r Workspace,
        /// The named path in the registry's folder; empty for the folder itself, and
        /// `None` if no path was named.
        within: Option<&'r str>,
    },
    /// The files of a folder without their history.
    Alone {
        /// The folder with `registry.yaml`.
        folder: &'r Path,
        /// A path in it, if only that is to be read.
        within: Option<&'r str>,
    },
    /// The index, against HEAD.
    Staged(&'r Wanted),
    /// The commits of a range, each by the policy before it.
    Range {
        /// The registry.
        workspace: &'r Workspace,
        /// The commit before the first one that is judged.
        from: Oid,
        /// The last one.
        tip: Oid,
    },
    /// Steps of the mainline, as a CI job sees them.
    Steps {
        /// The registry.
        workspace: &'r Workspace,
        /// The mainline's tip before, or `None` for all steps from the root.
        from: Option<Oid>,
        /// The last step.
        tip: Oid,
        /// Whether they are on the mainline already.
        landed: bool,
    },
    /// A branch as it would land.
    Landing {
        /// The registry.
        workspace: &'r Workspace,
        /// The commit of the mainline that it would land on.
        base: Oid,
        /// The branch's tip.
        tip: Oid,
        /// The way of landing, or `None` for each that the policy allows.
        way: Option<Landing>,
    },
    /// A branch whose commits the mainline has already, so that nothing would land.
    Landed {
        /// The registry.
        workspace: &'r Workspace,
        /// The mainline's commit that contains it.
        base: Oid,
        /// The branch's tip.
        tip: Oid,
    },
    /// A push to a guarded repository.
    Push {
        /// The options that locate the registry.
        wanted: &'r Wanted,
        /// The references that it moves.
        updates: &'r [Update],
        /// The limit on what may be read.
        budget: Budget,
        /// Whether the dates that the steps claim are asked for.
        dated: bool,
    },
}

/// Judges the object of the request.
///
/// # Errors
/// An object, a file or the configuration can't be read.
pub fn judge(request: &JudgeRequest<'_>) -> Result<Judgement, Error> {
    let JudgeRequest { what, base, summary } = *request;
    let mut judgement = match what {
        What::Files { workspace, within } => files::judge(workspace, within).map(Judgement::of)?,
        What::Alone { folder, within } => files::alone(folder, within).map(Judgement::of)?,
        What::Staged(wanted) => staged::judge(wanted)?,
        What::Range { workspace, from, tip } => steps::range(workspace, from, tip).map(Judgement::of)?,
        What::Steps {
            workspace,
            from,
            tip,
            landed,
        } => steps::judge(workspace, (from, tip), landed, base, summary)?,
        What::Landing {
            workspace,
            base: onto,
            tip,
            way,
        } => landing::judge(workspace, (onto, tip), way, base, summary)?,
        What::Landed {
            workspace,
            base: onto,
            tip,
        } => landing::landed(workspace, (onto, tip), base, summary)?,
        What::Push {
            wanted,
            updates,
            budget,
            dated,
        } => push::judge(wanted, updates, budget, dated)?,
    };
    if let What::Range { workspace, .. } | What::Landing { workspace, .. } = what {
        workspace.sign_again(&mut judgement.report);
    }
    judgement.note_elsewhere();
    let idle = match what {
        What::Range { .. } if judgement.report.checked.changes == 0 => {
            Notice::ForPeople("no commit of this range touches the registry")
        }
        What::Steps { .. } if judgement.is_idle() => Notice::Always("nothing of the registry changed".into()),
        What::Landing { .. } if judgement.is_idle() => {
            Notice::ForPeople("nothing of the registry would change")
        }
        _ => return Ok(judgement),
    };
    judgement.notes.push(idle);
    Ok(judgement)
}
