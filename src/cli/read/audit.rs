//! `modelry audit`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::fresh;
use super::proven::on_mainline;
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::{Outcome, Output};
use crate::cli::read::at::{AsOf, ReadArgs};
use crate::git::sign::{GitSigner, Signer};
use crate::judge::checkpoint::Checkpoint;
use crate::judge::finding::Note;
use crate::judge::history::{self, Dated, Dates};
use crate::object::CachedObjects;
use crate::record::snapshot::{Records, Snapshot};
use crate::report;
use crate::report::audit::{Again, Audit, Ending, Ledger, PriorKnowledge};
use crate::trust::Policy;
use crate::workspace::prove::{CheckpointFile, Comparison, Moved, ProveOptions, Walk};
use crate::workspace::{PinnedBy, RootOf, Workspace};

/// `modelry audit`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, concise, json, html (a single page), sarif, github (annotations), gitlab (code quality), junit.\n\nExit codes: 0 clean; 1 open findings; 2 incomplete, as in a shallow clone.\n\nExamples:\n  modelry audit --root 5e1f…:models\n  modelry audit -o html > audit.html\n  modelry audit --at 2026-03-31 -o json\n  modelry audit --checkpoint ../checkpoint --new-checkpoint   # the first time\n  modelry audit --checkpoint ../checkpoint --sign             # every night"
)]
pub struct AuditArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// Trust the root of this clone although it is not pinned
    #[arg(long, help_heading = "Trust")]
    trust_root: bool,
    /// Add to the report what this clone verified before, and which configuration
    /// pins its root; without it, two clones of one tip give the same report
    #[arg(long, help_heading = "Trust")]
    with_clone: bool,
    /// Verify that history only grew since this checkpoint file was written; keep it
    /// outside the repository. A clean audit updates it
    #[arg(long, value_name = "FILE", help_heading = "Checkpoint", conflicts_with = "at")]
    checkpoint: Option<PathBuf>,
    /// Create the checkpoint file, which must not exist yet
    #[arg(
        long,
        help_heading = "Checkpoint",
        requires = "checkpoint",
        conflicts_with = "at"
    )]
    new_checkpoint: bool,
    /// Sign the checkpoint as git is configured to sign, into FILE.sig
    #[arg(
        long,
        help_heading = "Checkpoint",
        requires = "checkpoint",
        conflicts_with = "at"
    )]
    sign: bool,
}

pub fn run(args: &AuditArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = args.read.fetch.open(global, ui)?;
    let file = match &args.checkpoint {
        Some(path) => {
            let path = global.located(path);
            Some(CheckpointFile::open(&workspace.repo, &path, args.new_checkpoint)?)
        }
        None => None,
    };
    // A missing key must fail before the work, not after it.
    let signer = match args.sign {
        true => Some(GitSigner::from_config(
            &workspace.repo.settings().signing(),
            workspace.repo.directory(),
        )?),
        false => None,
    };
    let (audit, policy, compared) =
        audited(&workspace, args, file.as_ref(), ui).map_err(|error| workspace.incomplete(error))?;
    ui.print(&match ui.output {
        Output::Json => report::audit_json(&audit),
        Output::Html => report::audit_html(&audit),
        Output::Human => report::audit_human(&audit, &ui.style),
        form => report::report(&audit.report, crate::cli::output::report_format(form), &ui.style),
    })?;
    if let Some(by) = workspace.pinned_by {
        ui.note(&format!("the root is pinned by {}", by.words()));
    }
    let is_newest = args.read.is_newest();
    fresh::told(&workspace, workspace.tip(), is_newest, Ok(Outcome::Fine), ui)?;
    if !audit.report.is_clean() {
        return Ok(Outcome::Findings);
    }
    if let (Some(file), Some(compared)) = (&file, &compared) {
        let signer = signer.as_ref().map(|signer| signer as &dyn Signer);
        tell(compared.advance(file, &policy, signer)?, &compared.next, ui);
    }
    Ok(Outcome::Fine)
}

/// Reports what happened to the checkpoint.
fn tell(moved: Moved, next: &Checkpoint, ui: &Ui) {
    let steps = crate::base::count(usize::try_from(next.size).unwrap_or(usize::MAX), "step");
    let what = format!("{steps}, up to {}", next.commit.short());
    match moved {
        Moved::Not => {}
        Moved::Written => ui.note(&format!("the checkpoint is now of {what}")),
        Moved::Signed => ui.note(&format!("the checkpoint is now of {what}, and signed")),
        Moved::Kept => ui.note(&format!(
            "the checkpoint is signed, and stays where it is: with `--sign` it moves to {what}"
        )),
    }
}

/// Judges every step from the root, and adds it to the ledger.
fn audited(
    workspace: &Workspace,
    args: &AuditArgs,
    file: Option<&CheckpointFile>,
    ui: &Ui,
) -> Result<(Audit, Policy, Option<Comparison>), Error> {
    let objects = workspace.repo.objects()?;
    let tip = workspace.tip()?;
    workspace.ensure_root(&objects, tip, RootOf::Clone, args.trust_root)?;
    let AsOf { commit, note, later } = on_mainline(workspace, &objects, tip, args.read.at.as_deref(), None)?;
    let again = match (file.is_some() || args.with_clone, &args.read.at) {
        (true, _) => Again::Never,
        (false, Some(day)) if later.is_some() || note.is_some() => Again::OnDay {
            day: day.clone(),
            mainline: tip,
        },
        (false, _) => Again::Anywhere,
    };
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let how = ProveOptions {
        mainline: commit == tip,
        audit: true,
        ..ProveOptions::default()
    };
    let mut ledger = Ledger::new(&workspace.folder, workspace.root.is_some());
    let mut walk = Walk::default();
    let bar = bar(ui);
    let proof = workspace.prove_watched(&kept, &records, commit, how, |all, commit, step| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        ledger.enter(commit, step);
        walk.enter(commit, step);
        bar.inc(1);
    });
    bar.finish_and_clear();
    let mut proof = proof?;
    let dates = Dates::of(&records, &workspace.folder, Some(proof.root), commit)?;
    let left_out = later.into_iter().chain(note).chain(backdated(&dates));
    proof.report.notes.extend(left_out.map(|message| Note {
        message,
        path: None,
        commit: None,
    }));
    let compared = match file {
        Some(file) => Some(workspace.compare(&kept, &records, file, &walk, &proof)?),
        None => None,
    };
    if let Some(compared) = &compared {
        let findings = compared.findings.iter().cloned();
        proof.report.findings.splice(0..0, findings);
    }
    let snapshot = at(&records, commit, &workspace.folder)?;
    let audit = ledger.close(Ending {
        objects: &kept,
        snapshot: &snapshot,
        policy: &proof.policy,
        root: proof.root,
        pinned: proof.pinned,
        pinned_by: workspace
            .pinned_by
            .filter(|_| args.with_clone)
            .map(PinnedBy::origin),
        tip: commit,
        mainline: workspace.branch_name()?,
        dates: &dates,
        report: proof.report,
        known: match proof.known {
            PriorKnowledge::Holds(_) if !args.with_clone => PriorKnowledge::Nothing,
            known => known,
        },
        confirmed: compared.as_ref().and_then(|compared| compared.confirmed.clone()),
        tainted: &proof.tainted,
        again,
    })?;
    Ok((audit, proof.policy, compared))
}

/// Names the steps that claim an earlier date than one before them.
fn backdated(dates: &Dates) -> Option<String> {
    /// The most steps that are named; the rest have both dates in `-o json`.
    const MOST: usize = 10;
    let steps = dates.backdated();
    let count = match steps.len() {
        0 => return None,
        1 => "1 step claims an earlier date than one before it, and counts from that one's on".to_owned(),
        more => {
            format!("{more} steps claim an earlier date than one before them, and count from that one's on")
        }
    };
    let named: Vec<String> = steps.iter().take(MOST).map(Dated::words).collect();
    let more = match steps.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Some(format!("{count}: {}{more}", named.join("; ")))
}

fn at<'r>(records: &'r Records<'r>, commit: Oid, folder: &str) -> Result<Snapshot<'r>, Error> {
    let top = history::read_commit(records.objects(), commit)?.tree;
    Snapshot::at(records, top, folder)
}

/// Creates a progress bar on standard error; hidden when that is not a terminal.
pub(crate) fn bar(ui: &Ui) -> ProgressBar {
    if ui.is_json() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("judging {bar:30} step {pos} of {len} {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
