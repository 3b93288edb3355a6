//! The proof of a registry's history, for the commands that answer by it: `resolve`,
//! `wait`, `pull`, `export`.

use std::path::PathBuf;

use clap::Args;

use super::at::{AsOf, ReadArgs, commit_at, commit_before};
use super::fresh;
use crate::base::{Error, Oid, count};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::land::Scope;
use crate::cli::output::{Outcome, report_format};
use crate::git::GitObjects;
use crate::judge::checkpoint::Checkpoint;
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history;
use crate::object::{CachedObjects, Objects};
use crate::record::kind::GroupName;
use crate::record::snapshot::{Records, Snapshot, unknown_group};
use crate::report;
use crate::report::resolve::{CheckpointView, ProvenView};
use crate::workspace::prove::{CheckpointFile, Proof, ProveOptions, Signed};
use crate::workspace::{PinnedBy, RootOf, Wanted, Workspace};

/// Options for what a command believes of a clone.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// Trust the root of this clone although it is not pinned
    #[arg(long, help_heading = "Trust")]
    pub trust_root: bool,
    /// Verify the history from the root, regardless of what this clone verified
    /// before
    #[arg(long, help_heading = "Trust")]
    pub replay: bool,
    /// Trust the history up to this checkpoint of `modelry audit`; a clone of depth 1
    /// is then enough
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Trust",
        conflicts_with_all = ["trust_root", "replay"]
    )]
    pub checkpoint: Option<PathBuf>,
}

impl TrustArgs {
    /// Returns the options that locate the registry. The folder comes from the
    /// checkpoint if there is one, so no file of the history has to be found for it.
    pub fn wanted(&self, global: &Global) -> Wanted {
        let folder = |path: &PathBuf| CheckpointFile::folder_of(&global.located(path));
        Wanted {
            checkpoint: self.checkpoint.as_ref().and_then(folder),
            ..global.wanted()
        }
    }
}

/// A registry whose history up to a commit is verified.
pub struct Proven<'p> {
    /// The workspace that holds it.
    pub workspace: &'p Workspace,
    /// The registry at the commit.
    pub snapshot: Snapshot<'p>,
    /// The commit that was read.
    pub commit: Oid,
    /// The proof of the history.
    pub proof: &'p Proof,
    /// The number of open findings that do not concern the answer.
    pub elsewhere: usize,
    /// Whether neither a commit nor a fetch was asked for.
    is_newest: bool,
}

impl Proven<'_> {
    /// Adds the commit that was read to the error that something was not found.
    pub fn missing(&self, error: Error) -> Error {
        match self.is_newest {
            true => fresh::missing(self.workspace, self.commit, error),
            false => error,
        }
    }

    /// Returns the proof as an answer holds it.
    pub fn view(&self) -> ProvenView<'_> {
        ProvenView {
            mainline: self.workspace.mainline_name(),
            root: self.proof.root,
            root_pinned: self.proof.pinned,
            root_pinned_by: self.workspace.pinned_by.map(PinnedBy::origin),
            from: self.proof.from.unwrap_or(self.proof.root),
            from_root: self.proof.from.is_none(),
            checkpoint: self.proof.checkpoint.as_ref().map(CheckpointView::of),
            steps: self.proof.report.checked.steps,
            findings_elsewhere: self.elsewhere,
        }
    }
}

/// Returns the mainline's tip, or the commit or the last commit of the day that is
/// named. With `since`, the day is the end of a range.
///
/// # Errors
/// The named commit is not on the mainline.
pub fn on_mainline(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    tip: Oid,
    at: Option<&str>,
    since: Option<&str>,
) -> Result<AsOf, Error> {
    let as_of = match at {
        None => tip.into(),
        Some(at) => commit_at(workspace, objects, at, since)?,
    };
    ensure_on_mainline(workspace, objects, tip, as_of.commit)?;
    Ok(as_of)
}

/// Returns the mainline's commit after which a range starts, for a revision or for a
/// day that the range includes, or `None` when the mainline began later.
///
/// # Errors
/// The named commit is not on the mainline.
pub fn start_on_mainline(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    tip: Oid,
    start: &str,
) -> Result<Option<Oid>, Error> {
    let commit = commit_before(workspace, objects, start)?;
    if let Some(commit) = commit {
        ensure_on_mainline(workspace, objects, tip, commit)?;
    }
    Ok(commit)
}

fn ensure_on_mainline(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    tip: Oid,
    commit: Oid,
) -> Result<(), Error> {
    if commit != tip && history::chain_if(objects, commit, tip)?.is_none() {
        return Err(Error::msg(format!(
            "commit {} is not on `{}`",
            commit.short(),
            workspace.mainline_name()
        ))
        .hint("only what the mainline holds is in force: `git log --first-parent` lists it"));
    }
    Ok(())
}

/// Verifies the mainline up to its tip, or to the commit or day `at`, and reads it.
/// Fails on open findings that concern `group`.
///
/// # Errors
/// The root is neither pinned nor trusted, or the registry can't be read.
pub fn proven(
    workspace: &Workspace,
    group: &GroupName,
    (asked, trust): (&ReadArgs, &TrustArgs),
    global: &Global,
    ui: &Ui,
    read: impl FnOnce(&Proven<'_>) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let answered = prove_and_read(workspace, group, (asked, trust), global, ui, read);
    answered.map_err(|error| match workspace.incomplete(error) {
        Error::Incomplete { what, mut hints } if trust.checkpoint.is_none() => {
            hints.push("or take the history up to a checkpoint of `modelry audit` as given: `--checkpoint FILE`, for which a clone of depth 1 is enough".into());
            Error::Incomplete { what, hints }
        }
        error => error,
    })
}

/// Opens the registry that these options name, and proves it as [`proven`] does. A
/// note says how far the clone is behind.
pub fn answer(
    group: &GroupName,
    asked: &ReadArgs,
    trust: &TrustArgs,
    global: &Global,
    ui: &Ui,
    read: impl FnOnce(&Proven<'_>) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let workspace = asked.fetch.open_as(&trust.wanted(global), ui)?;
    let outcome = proven(&workspace, group, (asked, trust), global, ui, read)?;
    fresh::told(&workspace, workspace.tip(), asked.is_newest(), Ok(outcome), ui)
}

fn prove_and_read(
    workspace: &Workspace,
    group: &GroupName,
    (asked, trust): (&ReadArgs, &TrustArgs),
    global: &Global,
    ui: &Ui,
    read: impl FnOnce(&Proven<'_>) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let objects = workspace.repo.objects()?;
    let tip = workspace.tip()?;
    let checkpoint = match &trust.checkpoint {
        Some(path) => Some(CheckpointFile::open(
            &workspace.repo,
            &global.located(path),
            false,
        )?),
        None => None,
    };
    // A checkpoint names its root.
    let on_trust = trust.trust_root || checkpoint.is_some();
    workspace.ensure_root(&objects, tip, RootOf::Clone, on_trust)?;
    let commit = on_mainline(workspace, &objects, tip, asked.at.as_deref(), None)?.noted(ui);
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let how = ProveOptions {
        mainline: commit == tip,
        replay: trust.replay,
        ..ProveOptions::default()
    };
    let given = checkpoint
        .as_ref()
        .and_then(|file| Some((file, file.checkpoint()?)));
    let proof = match given {
        None => workspace.prove(&kept, &records, commit, how)?,
        Some((file, checkpoint)) => {
            match prove_after(workspace, &kept, &records, commit, (file, checkpoint))? {
                Ok(proof) => proof,
                Err(finding) => {
                    let report = Report {
                        findings: vec![*finding],
                        ..Report::default()
                    };
                    ui.report(&report::report(&report, report_format(ui.output), &ui.style))?;
                    return Ok(Outcome::Findings);
                }
            }
        }
    };
    note_checkpoint(&proof, ui);
    if is_stopped(group, &proof, ui)? {
        return Ok(Outcome::Findings);
    }
    let elsewhere = proof.report.open().count();
    let top = history::read_commit(&objects, commit)?.tree;
    let proven = Proven {
        workspace,
        snapshot: Snapshot::at(&records, top, &workspace.folder)?,
        commit,
        proof: &proof,
        elsewhere,
        is_newest: asked.is_newest(),
    };
    let groups = proven.snapshot.groups()?;
    if !groups.contains(group) {
        return Err(proven.missing(unknown_group(&groups, group.as_str())));
    }
    if elsewhere > 0 {
        ui.note(&format!(
            "{} elsewhere in the history: `modelry audit` tells more",
            count(elsewhere, "finding")
        ));
    }
    read(&proven)
}

/// Proves the history after a checkpoint, and judges the checkpoint's signature. Returns
/// the finding about the signature if there is one.
fn prove_after(
    workspace: &Workspace,
    objects: &dyn Objects,
    records: &Records<'_>,
    commit: Oid,
    (file, checkpoint): (&CheckpointFile, &Checkpoint),
) -> Result<Result<Proof, Box<Finding<Place>>>, Error> {
    let mut proof = workspace.prove_after(objects, records, commit, checkpoint)?;
    let (signed, finding) = workspace.judge_signature(objects, records, file)?;
    if let (Some(given), Signed::By(verdict)) = (&mut proof.checkpoint, signed) {
        given.signer = verdict.actor().cloned();
    }
    Ok(match finding {
        Some(finding) => Err(Box::new(finding)),
        None => Ok(proof),
    })
}

/// Notes the checkpoint that a proof starts from.
fn note_checkpoint(proof: &Proof, ui: &Ui) {
    let Some(given) = &proof.checkpoint else { return };
    let steps = count(usize::try_from(given.size).unwrap_or(usize::MAX), "step");
    let signed = match &given.signer {
        Some(actor) => format!("signed by `{actor}`"),
        None => "which nobody signed".to_owned(),
    };
    ui.note(&format!(
        "the history up to {} is taken from the checkpoint of {steps}, {signed}",
        given.commit.short()
    ));
}

/// Whether open findings of the history concern the group. Prints them, and notes those
/// that the policy accepts.
fn is_stopped(group: &GroupName, proof: &Proof, ui: &Ui) -> Result<bool, Error> {
    let scope = Scope::of(group);
    let mut report = Report {
        notes: Vec::new(),
        ..proof.report.clone()
    };
    for finding in &report.findings {
        if let Some(words) = &finding.acknowledged
            && finding.is_in(group.as_str())
        {
            let (code, message) = (finding.rule.code, &finding.message);
            ui.note(&format!("{code} in `{group}` was accepted ({message}): {words}"));
        }
    }
    report
        .findings
        .retain(|finding| finding.acknowledged.is_none() && scope.is_stopped_by(finding));
    if report.findings.is_empty() {
        return Ok(false);
    }
    ui.report(&report::report(&report, report_format(ui.output), &ui.style))?;
    ui.note(&format!(
        "nothing of `{group}` is answered while its history is faulty"
    ));
    Ok(true)
}
