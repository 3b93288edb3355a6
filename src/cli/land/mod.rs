//! Lands a change: one writing command makes one commit. It proves the base,
//! previews, asks, signs, writes, moves the branch and updates the work tree; or it
//! pushes instead, and starts over when another push was faster.

mod agree;
mod attempt;
mod commit;
mod contents;
mod fetched;
mod outcome;
mod prepare;
mod preview;
mod prove;
mod push;
mod request;
mod reserve;
mod retry;
mod seen;
mod tell;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use clap::Args;

use self::attempt::Attempt;
use self::outcome::{Done, Landing};
use self::prepare::{Prepared, prepare};
pub use self::reserve::Reserve;
pub use self::seen::{PolicySeen, Seen, SeenArgs};
pub use self::tell::refused;
use super::args::duration;
use super::{Global, Outcome, Ui};
use crate::act::{Draft, WriteContext};
use crate::base::{Error, FullRef, Oid, shell_word};
use crate::cli::names;
use crate::git::{AdvanceError, Head, Move, Moving, Repo};
use crate::judge::finding::Report;
pub use crate::judge::finding::Scope;
use crate::judge::history;
use crate::workspace::Workspace;

/// The most attempts on a local branch that others move.
const TRIES: usize = 8;

/// Options of every writing command.
#[derive(Clone, Debug, Args)]
pub struct WriteArgs {
    /// The reason for the change; it goes into the record and the commit
    #[arg(short = 'm', long = "message", value_name = "REASON", allow_hyphen_values = true, value_parser = names::free_text)]
    pub reason: Option<String>,
    /// Commit on this branch without touching the checkout; a new branch starts at
    /// the remote's branch of that name, else at the mainline's tip
    #[arg(long, value_name = "NAME", help_heading = "Writing")]
    branch: Option<String>,
    /// Make the commit on the tip of the remote's branch, and push it; start over if
    /// another push lands first
    #[arg(long, help_heading = "Writing", group = "to-remote")]
    push: bool,
    /// Push the commit to a branch of its own, and open a pull request, or print the
    /// page that opens one
    #[arg(long, help_heading = "Writing", group = "to-remote")]
    pr: bool,
    /// With --push or --pr: keep starting over for this time while other pushes land
    /// first [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "to-remote", help_heading = "Writing", hide_short_help = true)]
    patience: Option<Duration>,
    /// Show the change and the verdict, and write nothing
    #[arg(long, help_heading = "Writing")]
    dry_run: bool,
    /// Do not ask before signing a decision
    #[arg(long, help_heading = "Writing")]
    yes: bool,
    /// Do not sign the record itself; its author is then the signer of the commit
    #[arg(long, help_heading = "Writing", conflicts_with = "no_commit_signature")]
    no_record_signature: bool,
    /// Do not sign the commit; its author is then the signer of the record
    #[arg(long, help_heading = "Writing")]
    no_commit_signature: bool,
    /// Do not verify the history that the change builds on
    #[arg(long, help_heading = "Writing")]
    trust_base: bool,
    /// Verify that history from the root, regardless of what this clone verified
    /// before
    #[arg(long, help_heading = "Writing", conflicts_with = "trust_base")]
    replay: bool,
}

impl WriteArgs {
    /// Whether nothing is written, so that no next step is worth printing.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether the change lands on a remote, where others build on it.
    pub fn is_remote(&self) -> bool {
        self.push || self.pr
    }

    /// Opens the registry. For a change that goes to a remote, the remote names the
    /// mainline if the clone does not.
    pub fn open(&self, global: &Global) -> Result<Workspace, Error> {
        match self.is_remote() {
            true => Workspace::open_asking(&global.wanted(), None),
            false => Workspace::open(&global.wanted()),
        }
    }
}

/// A change that a writing command asks for.
pub struct WriteCommand<'j> {
    /// Drafts the change.
    pub draft: &'j dyn Fn(&WriteContext<'_>) -> Result<Draft, Error>,
    /// The part of the registry that the judge looks at.
    pub scope: Scope,
    /// The state that the decision is held to: it must have been seen in this clone,
    /// or be named by its digest. `None` for a change that is not a decision.
    pub seen: Option<Seen<'j>>,
    /// Set when there is no next step to print: the commit changed a status, or it
    /// landed where this clone does not show it.
    pub moved: Option<&'j Cell<bool>>,
    /// The numbers of versions that branches of a remote reserve.
    pub reserve: Option<&'j Reserve>,
}

/// The branch to write to, its tip if it has one, and the commit to build on.
struct Target {
    branch: FullRef,
    tip: Option<Oid>,
    base: Oid,
    is_mainline: bool,
    /// Whether the base is the mainline's tip, so that its history is judged as the
    /// mainline's.
    on_mainline: bool,
    /// Whether the mainline of this clone is at the base.
    is_here: bool,
    /// The tip of the remote's branch, as just asked or as this clone last saw it.
    remote: Option<Oid>,
    /// Whether a work tree follows the branch.
    follows: bool,
}

impl Target {
    /// Whether the report only says that more administrators must agree, and the
    /// branch is a proposal on which they can.
    fn proposes(&self, report: &Report) -> bool {
        !self.is_mainline && report.findings.iter().all(|finding| finding.rule.code == "MR403")
    }

    /// Takes the finding that more administrators must agree out of a report with others,
    /// where the branch is the proposal on which they can.
    fn leave_proposing(&self, report: &mut Report) {
        if !self.is_mainline && !self.proposes(report) {
            report.findings.retain(|finding| finding.rule.code != "MR403");
        }
    }
}

fn target(workspace: &Workspace, args: &WriteArgs) -> Result<Target, Error> {
    let repo = &workspace.repo;
    let branch = match &args.branch {
        Some(name) => local_branch(repo, name)?,
        None => match repo.head()? {
            Head::Branch { name, .. } => name,
            Head::Detached(_) => {
                // A rebase detaches HEAD, and `git switch` refuses to end one.
                repo.check_finished()?;
                return Err(Error::msg("HEAD is detached, so there is no branch to commit to")
                    .hint("switch to one: `git switch main`, or name it: `--branch NAME`"));
            }
        },
    };
    if let Some(place) = repo.checked_out_elsewhere(&branch) {
        return Err(Error::msg(format!(
            "`{}` is checked out at {}",
            branch.short(),
            place.display()
        ))
        .hint(format!(
            "run the command there: `modelry -C {} …`",
            place.display()
        )));
    }
    let follows = repo.is_checked_out(&branch)?;
    if follows || repo.is_rebasing(&branch) {
        repo.check_finished()?;
    }
    let tip = repo.reference(&branch)?;
    let remote = repo.upstream_tip(&branch);
    let base = match (tip, remote) {
        (Some(tip), _) => tip,
        // `git switch` creates it like this.
        (None, Some(remote)) => remote,
        (None, None) => workspace.tip()?,
    };
    let is_mainline = branch == workspace.mainline;
    Ok(Target {
        is_mainline,
        on_mainline: is_mainline,
        is_here: true,
        remote,
        follows,
        branch,
        tip,
        base,
    })
}

/// Returns the full name of the branch that `--branch` means: a branch of this clone,
/// not a remote-tracking one.
///
/// # Errors
/// The name is that of a remote's branch, or of another reference.
fn local_branch(repo: &Repo, name: &str) -> Result<FullRef, Error> {
    let full = FullRef::meant(name);
    let kept = full.tracked().unwrap_or(name);
    let remotes = repo.remotes()?;
    let there = remotes.iter().find_map(|remote| {
        let own = kept.strip_prefix(remote.as_str())?.strip_prefix('/')?;
        Some((remote, own)).filter(|(_, own)| !own.is_empty())
    });
    let is_here = full.is_branch() && repo.reference(&full)?.is_some();
    match there {
        Some((remote, own)) if !is_here => Err(Error::msg(format!(
            "`{kept}` is what this clone knows of branch `{own}` of `{remote}`, and no commit is made on that"
        ))
        .hint(format!(
            "name the branch itself: `--branch {}`; it starts from the remote's, and `--push` lands it there",
            shell_word(own)
        ))),
        _ => Ok(full),
    }
}

/// Makes one commit, or nothing at all.
///
/// # Errors
/// The change can't be made; nothing has changed then.
pub fn land(job: &WriteCommand<'_>, args: &WriteArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = args.open(global)?;
    let attempt = Attempt {
        workspace: &workspace,
        job,
        args,
        ui,
        agreed: RefCell::default(),
        told: RefCell::default(),
        seen: Cell::new(job.seen.as_ref().and_then(|_| seen::shown(&workspace, args))),
    };
    let to = args
        .branch
        .as_deref()
        .map(|name| local_branch(&workspace.repo, name));
    let to = to.transpose()?;
    let leaves = args.pr || to.is_some_and(|to| to != workspace.mainline);
    if args.no_record_signature && leaves {
        ui.note("without a signature of its own, the record lands by a merge only: a squash or a rebase leaves the commit's signature behind (MR301)");
    }
    let landing = match args.is_remote() {
        true => push::land(&attempt).map_err(|error| workspace.incomplete(error))?,
        false => land_here(&attempt)?,
    };
    let outcome = tell::landing(&landing, args.dry_run, ui)?;
    if let Landing::Done(done) = &landing
        && done.sent.is_some()
    {
        workspace.repo.maintain();
    }
    Ok(outcome)
}

/// Makes the commit on a branch of this clone; starts over when others move it.
fn land_here(attempt: &Attempt<'_>) -> Result<Landing, Error> {
    for _ in 0..TRIES {
        if let Some(landing) = try_once(attempt)? {
            return Ok(landing);
        }
    }
    Err(Error::msg("others move the branch faster than this command can follow").hint("try again"))
}

/// Makes one attempt; returns `None` when somebody else moved the branch meanwhile.
fn try_once(attempt: &Attempt<'_>) -> Result<Option<Landing>, Error> {
    let Attempt { workspace, ui, .. } = *attempt;
    let repo = &workspace.repo;
    let target = target(workspace, attempt.args)?;
    let signed = match prepare(attempt, &target)? {
        Prepared::Signed(signed) => signed,
        Prepared::Dry(made) => return Ok(Some(Landing::Dry(made, None))),
        Prepared::Existing(there) => return Ok(Some(Landing::Existing(there))),
        Prepared::Refused(refused) => return Ok(Some(Landing::Refused(refused))),
    };
    let objects = repo.objects()?;
    let tree = |commit| history::read_commit(&objects, commit).map(|commit| commit.tree);
    let moving = match &signed.following {
        Some(following) => repo.begin_move(
            &Move {
                branch: &target.branch,
                old: target.tip,
                new: signed.commit,
                from: Some(tree(signed.base)?),
                to: tree(signed.commit)?,
            },
            &signed.edits,
            following,
        )?,
        None => None,
    };
    let advanced = match moving {
        Some(_) => repo.advance(&target.branch, target.tip, signed.commit, &signed.log()),
        None => repo.advance_alone(&target.branch, target.tip, signed.commit, &signed.log()),
    };
    match advanced {
        Ok(()) => {}
        Err(AdvanceError::Moved) => return Ok(None),
        Err(AdvanceError::Locked(path)) => {
            return Err(Error::msg(format!(
                "`{}` is locked by another process: {}",
                target.branch.short(),
                path.display()
            ))
            .hint("wait for it to end, and try again; if none is running, remove that file"));
        }
        Err(AdvanceError::Other(error)) => return Err(error),
    }
    if target.tip.is_none() && target.remote == Some(target.base) {
        ui.note(&format!(
            "`{}` is new in this clone, and starts where the remote has it",
            target.branch.short()
        ));
    }
    for note in moving.map_or_else(|| Ok(Vec::new()), Moving::finish)? {
        ui.note(&note);
    }
    // Commits that a remote lacks can still be dropped.
    let is_settled = target.remote.is_none() && !repo.may_be_ahead();
    if target.is_mainline && !attempt.args.trust_base && target.tip.is_some() && is_settled {
        workspace.advance_verified(target.base, signed.commit, signed.made.brings_policy());
    }
    if let Some(moved) = attempt.job.moved {
        moved.set(signed.made.moves_status());
    }
    let mut unpushed = Vec::new();
    // The commit exists, so a failed note is not an error of the command.
    let _ = note_unpushed(attempt, &target, signed.commit, &mut unpushed);
    Ok(Some(Landing::Done(Box::new(Done {
        branch: target.branch.short().to_owned(),
        signed: Rc::from(signed),
        sent: None,
        unpushed,
    }))))
}

/// Notes who does not have the commit yet, with the command that pushes it.
fn note_unpushed(
    attempt: &Attempt<'_>,
    target: &Target,
    commit: Oid,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let workspace = attempt.workspace;
    let repo = &workspace.repo;
    let branch = target.branch.short();
    if !target.is_mainline {
        notes.push(match workspace.tip() {
            Ok(_) => format!(
                "the mainline `{}` knows nothing of this until `{branch}` lands there",
                workspace.mainline_name()
            ),
            Err(missing) => format!("{missing}; {}", missing.hints().join(", ")),
        });
    }
    if repo.remotes()?.is_empty() {
        return Ok(());
    }
    // Without a chosen remote there is no single command to print.
    let Ok((remote, reference)) = repo.push_place(&target.branch) else {
        return Ok(());
    };
    let to = match reference == target.branch {
        true => branch.to_owned(),
        false => format!("{branch}:{}", reference.short()),
    };
    let push = format!("git push {} {}", shell_word(&remote), shell_word(&to));
    let words = match target.remote {
        Some(tip) => match repo.ahead_behind(commit, tip)? {
            (ahead, 0) => format!(
                "`{branch}` is {} ahead of `{remote}`, where others see it once it is pushed: `{push}`",
                crate::base::count(ahead, "commit")
            ),
            (ahead, behind) => format!(
                "`{branch}` is {} ahead of `{remote}` and {behind} behind: it lands after `git pull --rebase --gpg-sign` by `{push}`",
                crate::base::count(ahead, "commit")
            ),
        },
        None => format!("`{branch}` is in this clone alone until it is pushed: `{push}`"),
    };
    notes.push(words);
    Ok(())
}
