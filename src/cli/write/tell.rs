//! What a writing command says of its change: refused, as it would be, and
//! done.

use serde_json::json;

use super::super::{Outcome, Ui, gates, report_format};
use super::make::Made;
use crate::access::GateResult;
use crate::change::Change;
use crate::error::Error;
use crate::finding::Report;
use crate::model::VersionId;
use crate::raw::Oid;
use crate::render::{self, paint};

pub(super) fn refused(report: &Report, ui: &Ui) -> Result<Outcome, Error> {
    ui.print(&render::report(report, report_format(ui.output), &ui.style))?;
    if !ui.is_json() {
        ui.say(&format!(
            "{} nothing was written",
            paint("refused:", "1;31", &ui.side)
        ));
    }
    Ok(Outcome::Findings)
}

fn change_lines(made: &Made, ui: &Ui) -> String {
    let line = |change: &Change| format!("  {}\n", paint(&render::clean(&change.trailer()), "2", &ui.style));
    made.changes.iter().map(line).collect()
}

/// Every gate of what is decided, with its result.
fn gate_lines(made: &Made, ui: &Ui) -> String {
    let table = |(id, results): &(VersionId, Vec<GateResult>)| {
        let heading = paint(&format!("gates of {id}"), "1", &ui.style);
        format!("{heading}\n{}", gates::table(results).render(&ui.style))
    };
    made.gates.iter().map(table).collect()
}

fn subject_line(made: &Made) -> String {
    render::clean(made.message.lines().next().unwrap_or_default()).into_owned()
}

pub(super) fn dry_run(made: &Made, ui: &Ui) -> Result<Outcome, Error> {
    tell(made, ui);
    if ui.is_json() {
        let changes: Vec<String> = made.changes.iter().map(Change::trailer).collect();
        let gates: serde_json::Map<String, serde_json::Value> = made
            .gates
            .iter()
            .map(|(id, results)| (id.to_string(), gates::values(results)))
            .collect();
        ui.json(&json!({"dryRun": true, "message": made.message, "changes": changes, "gates": gates, "findings": []}))?;
        return Ok(Outcome::Fine);
    }
    ui.print(&format!(
        "{} (dry run: nothing was written)\n{}{}",
        subject_line(made),
        change_lines(made, ui),
        gate_lines(made, ui)
    ))?;
    Ok(Outcome::Fine)
}

/// The choices that were made.
fn tell(made: &Made, ui: &Ui) {
    for note in &made.notes {
        ui.note(note);
    }
}

pub(super) fn show_decision(made: &Made, ui: &Ui) {
    tell(made, ui);
    ui.say(&paint(&subject_line(made), "1", &ui.side));
    for change in &made.changes {
        ui.say(&format!("  {}", render::clean(&change.trailer())));
        if let Some(review) = change.after.as_ref().and_then(|after| after.review()) {
            ui.say(&format!("  content {}…", review.subject.short()));
        }
    }
    let gates = gate_lines(made, ui);
    if !gates.is_empty() {
        ui.say(gates.trim_end());
    }
}

pub(super) fn done(made: &Made, commit: Oid, branch: &str, ui: &Ui) -> Result<(), Error> {
    tell(made, ui);
    if ui.is_json() {
        let changes: Vec<String> = made.changes.iter().map(Change::trailer).collect();
        return ui.json(&json!({"commit": commit.to_string(), "branch": branch, "changes": changes}));
    }
    let place = paint(&format!("[{branch} {}]", commit.short()), "33", &ui.style);
    ui.print(&format!(
        "{place} {}\n{}",
        subject_line(made),
        change_lines(made, ui)
    ))
}
