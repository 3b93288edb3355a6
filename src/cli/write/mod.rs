//! One writing command is one commit: prove the base, draft, judge, ask, sign,
//! write, move the branch, bring the work tree up to date.

mod make;
mod tell;

use std::cell::Cell;
use std::collections::BTreeMap;

use self::make::make;
use self::tell::{done, dry_run, refused, show_decision};
use super::me::Me;
use super::{Global, Outcome, Ui, report_format};
use crate::access::{Carrier, Policy, Verdict};
use crate::act::{self, Desk, Draft};
use crate::change::ChangeKind;
use crate::error::Error;
use crate::finding::{Finding, Place, Report};
use crate::git::{AdvanceError, Head};
use crate::history::Replay;
use crate::model::GroupName;
use crate::proof::How;
use crate::raw::{Kept, Objects, Oid, Overlay};
use crate::render;
use crate::sign::Signer;
use crate::snapshot::Records;
use crate::subject::RECORD_NAMESPACE;
use crate::workspace::Workspace;
use clap::Args;

/// How often to start over when somebody else was faster.
const TRIES: usize = 8;

/// What every writing command takes.
#[derive(Clone, Debug, Args)]
pub struct WriteArgs {
    /// Why; goes into the record and the commit
    #[arg(short = 'm', long = "message", value_name = "REASON")]
    pub reason: Option<String>,
    /// Commit on this branch, from the mainline's tip if it is new, without touching the checkout
    #[arg(long, value_name = "NAME", help_heading = "Writing")]
    branch: Option<String>,
    /// Show the change and the verdict, and write nothing
    #[arg(long, help_heading = "Writing")]
    dry_run: bool,
    /// Do not ask before signing a decision
    #[arg(long, help_heading = "Writing")]
    yes: bool,
    /// Do not sign the record itself: the commit's signature alone says whose it is
    #[arg(long, help_heading = "Writing", conflicts_with = "no_commit_signature")]
    no_record_signature: bool,
    /// Do not sign the commit: the record's own signature says whose it is
    #[arg(long, help_heading = "Writing")]
    no_commit_signature: bool,
    /// Do not prove the history that the change builds on
    #[arg(long, help_heading = "Writing")]
    trust_base: bool,
    /// Prove it from the root, whatever this clone verified before
    #[arg(long, help_heading = "Writing", conflicts_with = "trust_base")]
    replay: bool,
}

/// What a command wants done.
pub struct Job<'j> {
    /// Makes the draft; none when there is nothing to do, which it has said.
    pub draft: &'j dyn Fn(&Desk<'_>) -> Result<Option<Draft>, Error>,
    /// What it concerns.
    pub scope: Scope,
    /// Whether a decision is signed, so that somebody should look first.
    pub decision: bool,
    /// Where to note that the commit moved a status.
    pub moved: Option<&'j Cell<bool>>,
}

/// What a command concerns: what is wrong there stops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The policy, which can be repaired whatever else is wrong.
    Policy,
    /// These groups, and the policy and the mainline under them.
    Groups(Vec<String>),
    /// All of the registry.
    Everything,
}

impl Scope {
    /// One group.
    pub fn of(group: &GroupName) -> Scope {
        Scope::Groups(vec![group.to_string()])
    }

    /// Whether a finding in this group (none: in the policy, or in the shape of
    /// the mainline) stops the command.
    pub fn is_stopped_by(&self, group: Option<&str>) -> bool {
        match (self, group) {
            (Scope::Policy, _) => false,
            (Scope::Everything, _) | (Scope::Groups(_), None) => true,
            (Scope::Groups(mine), Some(theirs)) => mine.iter().any(|group| group == theirs),
        }
    }
}

/// The branch to write to, its tip if it has one, and the commit to build on.
struct Target {
    branch: String,
    tip: Option<Oid>,
    base: Oid,
    is_mainline: bool,
}

impl Target {
    /// Whether the report only says that more administrators must agree, and
    /// the branch is one where they can: a proposal, not the mainline.
    fn proposes(&self, report: &Report) -> bool {
        !self.is_mainline && report.findings.iter().all(|finding| finding.rule.code == "MR403")
    }
}

fn target(workspace: &Workspace, args: &WriteArgs) -> Result<Target, Error> {
    let repo = &workspace.repo;
    let branch = match &args.branch {
        Some(name) if name.starts_with("refs/") => name.clone(),
        Some(name) => format!("refs/heads/{name}"),
        None => match repo.head()? {
            Head::Branch { name, .. } => name,
            Head::Detached(_) => {
                return Err(
                    Error::told("HEAD is detached, so there is no branch to commit to")
                        .hint("switch to one: `git switch main`, or name it: `--branch NAME`"),
                );
            }
        },
    };
    if let Some(place) = repo.checked_out_elsewhere(&branch) {
        return Err(Error::told(format!(
            "`{}` is checked out at {}",
            short(&branch),
            place.display()
        ))
        .hint(format!(
            "run the command there: `modelry -C {} …`",
            place.display()
        )));
    }
    let tip = repo.reference(&branch)?;
    let base = match tip {
        Some(tip) => tip,
        None => workspace.tip()?,
    };
    Ok(Target {
        is_mainline: branch == workspace.mainline,
        branch,
        tip,
        base,
    })
}

fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

/// Does a job: one commit, or nothing at all.
///
/// # Errors
/// When it can't be done; everything is as it was then.
pub fn land(job: &Job<'_>, args: &WriteArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = Workspace::open(&global.wanted())?;
    for _ in 0..TRIES {
        if let Some(outcome) = attempt(&workspace, job, args, ui)? {
            return Ok(outcome);
        }
    }
    Err(Error::told("others move the branch faster than this command can follow").hint("try again"))
}

fn attempt(
    workspace: &Workspace,
    job: &Job<'_>,
    args: &WriteArgs,
    ui: &Ui,
) -> Result<Option<Outcome>, Error> {
    let repo = &workspace.repo;
    let target = target(workspace, args)?;
    let git_objects = repo.objects()?;
    let policy = match prove(workspace, &git_objects, &target, job, args, ui)? {
        Ok(policy) => policy,
        Err(outcome) => return Ok(Some(outcome)),
    };
    let me = Me::configured(repo.directory())?;
    let actor = me.actor(&policy)?;
    let verdict = match args.no_commit_signature {
        true => Verdict::Unsigned,
        false => Verdict::Actor {
            id: actor.clone(),
            key: me.fingerprint.clone(),
        },
    };
    let carrier = Carrier::new(None, verdict);
    let sign_record = |bytes: &[u8]| me.signer.sign(RECORD_NAMESPACE, bytes);
    let asks = job.decision && !args.yes && !args.dry_run && ui.can_ask();
    // Before anything is signed, the whole change is judged as it would be.
    if (asks || args.dry_run) && !args.no_commit_signature {
        let overlay = Overlay::new(&git_objects);
        let made = make(workspace, &overlay, &policy, &actor, None, &carrier, job, &target)?;
        let Some(made) = made else {
            return Ok(Some(Outcome::Fine));
        };
        if !made.report.findings.is_empty() && !target.proposes(&made.report) {
            return refused(&made.report, ui).map(Some);
        }
        if args.dry_run {
            return dry_run(&made, ui).map(Some);
        }
        show_decision(&made, ui);
        if !ui.ask(&format!("Sign this as {actor}?"))? {
            return Err(Error::told("not signed, and nothing was written"));
        }
    }
    let overlay = Overlay::new(&git_objects);
    let signer: Option<act::RecordSigner<'_>> = if args.no_record_signature {
        None
    } else {
        Some(&sign_record)
    };
    let made = make(
        workspace, &overlay, &policy, &actor, signer, &carrier, job, &target,
    )?;
    let Some(mut made) = made else {
        return Ok(Some(Outcome::Fine));
    };
    if !made.report.findings.is_empty() && !target.proposes(&made.report) {
        return refused(&made.report, ui).map(Some);
    }
    if args.dry_run {
        return dry_run(&made, ui).map(Some);
    }
    if asks {
        // They were told before the question.
        made.notes.clear();
    }
    let checked_out = repo.is_checked_out(&target.branch)?;
    let edits: BTreeMap<String, Option<Vec<u8>>> = made
        .edits
        .iter()
        .map(|(path, content)| (workspace.from_top(path), content.clone()))
        .collect();
    if checked_out {
        repo.check_clean(edits.keys())?;
    }
    let buffer = repo.commit_buffer(made.top, &[target.base], &made.message)?;
    let signature = match args.no_commit_signature {
        true => None,
        false => Some(me.sign_commit(&policy, &actor, &buffer)?),
    };
    let objects = overlay.new.reachable(made.top);
    let mut ids: Vec<Oid> = objects.iter().map(|(id, ..)| *id).collect();
    repo.write_objects(objects.into_iter())?;
    let commit = repo.store_commit(&buffer, signature.as_deref())?;
    ids.push(commit);
    repo.sync_objects(&ids)?;
    let log = format!("modelry: {}", made.message.lines().next().unwrap_or_default());
    match repo.advance(&target.branch, target.tip, commit, &log) {
        Ok(()) => {}
        Err(AdvanceError::Moved) => return Ok(None),
        Err(AdvanceError::Locked(path)) => {
            return Err(Error::told(format!(
                "`{}` is locked by another process: {}",
                short(&target.branch),
                path.display()
            ))
            .hint("wait for it to end, and try again; if none is running, remove that file"));
        }
        Err(AdvanceError::Other(error)) => return Err(error),
    }
    if checked_out {
        repo.update_worktree(&edits)?;
    }
    if target.is_mainline && !args.trust_base && target.tip.is_some() {
        let policy = made
            .changes
            .iter()
            .any(|change| change.kind == ChangeKind::PolicyChanged);
        workspace.advance_verified(target.base, commit, policy);
    }
    if let Some(moved) = job.moved {
        moved.set(
            made.changes
                .iter()
                .any(|change| matches!(change.kind, ChangeKind::StatusMoved { .. })),
        );
    }
    if !made.report.findings.is_empty() {
        let branch = short(&target.branch);
        ui.note(&format!(
            "this is a proposal: {}; `modelry policy show {branch}` tells who may agree",
            made.report.findings[0].message
        ));
    }
    done(&made, commit, short(&target.branch), ui)?;
    Ok(Some(Outcome::Fine))
}

/// The policy in force at the base, once its history is proven.
fn prove(
    workspace: &Workspace,
    objects: &dyn Objects,
    target: &Target,
    job: &Job<'_>,
    args: &WriteArgs,
    ui: &Ui,
) -> Result<Result<Policy, Outcome>, Error> {
    let objects = &Kept::new(objects);
    let records = Records::new(objects);
    if args.trust_base {
        ui.note("the history that this builds on was not proven (--trust-base)");
        return Ok(Ok(Replay::after(&records, &workspace.folder, target.base)?
            .policy
            .ok_or_else(|| Error::told("no policy"))?));
    }
    let proof = workspace.prove(
        objects,
        &records,
        target.base,
        How {
            mainline: target.is_mainline,
            replay: args.replay,
            audit: false,
        },
    )?;
    if !proof.pinned {
        ui.note(&format!(
            "the root {} is not pinned in this clone, and was taken on trust: `modelry trust`",
            proof.root.short()
        ));
    }
    let blocks = |finding: &Finding<Place>| job.scope.is_stopped_by(finding.group.as_deref());
    let mut report = proof.report;
    report.findings.retain(|finding| finding.acknowledged.is_none());
    let others = report.findings.iter().filter(|finding| !blocks(finding)).count();
    report.findings.retain(blocks);
    if !report.findings.is_empty() {
        ui.print(&render::report(&report, report_format(ui.output), &ui.style))?;
        ui.note("nothing was written: the history that it would build on is faulty");
        return Ok(Err(Outcome::Findings));
    }
    if others > 0 {
        ui.note(&format!(
            "{} elsewhere in the history: `modelry audit` tells more",
            render::count(others, "finding")
        ));
    }
    Ok(Ok(proof.policy))
}
