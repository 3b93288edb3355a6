//! `modelry audit`

use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::resolve::{believe_root, on_mainline};
use super::{Global, Outcome, Output, Ui};
use crate::audit::{Audit, Ending, Ledger};
use crate::error::Error;
use crate::history;
use crate::proof::How;
use crate::raw::{Kept, Oid};
use crate::render;
use crate::snapshot::{Records, Snapshot};
use crate::workspace::Workspace;

/// `modelry audit`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, json, html (one page that stands alone), sarif.\n\nExit codes: 0 clean; 1 open findings; 2 incomplete, as in a shallow clone.\n\nExamples:\n  modelry audit --root 5e1f…:models\n  modelry audit -o html > audit.html\n  modelry audit --at 2026-03-31 -o json"
)]
pub struct AuditArgs {
    /// As it was at this commit of the mainline, or on this day
    #[arg(long, value_name = "REV|DATE")]
    at: Option<String>,
    /// Take the root that this clone shows on trust: it is not pinned
    #[arg(long, help_heading = "Trust")]
    trust_root: bool,
}

pub fn run(args: &AuditArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = Workspace::open(&global.wanted())?;
    let audit = audited(&workspace, args, ui).map_err(|error| workspace.incomplete(error))?;
    ui.print(&match ui.output {
        Output::Json => render::audit_json(&audit),
        Output::Html => render::audit_html(&audit),
        Output::Sarif => render::report(&audit.report, render::Format::Sarif, &ui.style),
        _ => render::audit_human(&audit, &ui.style),
    })?;
    Ok(match audit.report.is_clean() {
        true => Outcome::Fine,
        false => Outcome::Findings,
    })
}

/// Judges every step from the root, and enters it in the ledger.
fn audited(workspace: &Workspace, args: &AuditArgs, ui: &Ui) -> Result<Audit, Error> {
    let objects = workspace.repo.objects()?;
    let tip = workspace.tip()?;
    believe_root(workspace, &objects, tip, args.trust_root)?;
    let commit = on_mainline(workspace, &objects, tip, args.at.as_deref())?;
    let kept = Kept::new(&objects);
    let records = Records::new(&kept);
    let how = How {
        mainline: commit == tip,
        audit: true,
        ..How::default()
    };
    let mut ledger = Ledger::new(&workspace.folder, workspace.root.is_some());
    let bar = bar(ui);
    let proof = workspace.prove_watched(&kept, &records, commit, how, |all, commit, step| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        ledger.enter(commit, step);
        bar.inc(1);
    });
    bar.finish_and_clear();
    let proof = proof?;
    let snapshot = at(&records, commit, &workspace.folder)?;
    ledger.close(Ending {
        objects: &kept,
        snapshot: &snapshot,
        policy: &proof.policy,
        root: proof.root,
        pinned: proof.pinned,
        tip: commit,
        mainline: workspace.mainline_name(),
        report: proof.report,
        known: proof.known,
        tainted: &proof.tainted,
    })
}

fn at<'r>(records: &'r Records<'r>, commit: Oid, folder: &str) -> Result<Snapshot<'r>, Error> {
    let top = history::read_commit(records.objects(), commit)?.tree;
    Snapshot::at(records, top, folder)
}

/// A bar where somebody watches: standard error, and nothing at all when that
/// is no terminal.
fn bar(ui: &Ui) -> ProgressBar {
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
