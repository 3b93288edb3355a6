//! Changes as `diff` prints them: a phrase for each, with the changed values.

use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{CardSection, RecordKind};
use crate::report::summary::{Field, PolicyLine, fields_of};
use crate::report::{Style, clean, number, paint};

/// Lists the changes under a heading for each group.
pub fn changes(changes: &[Change], style: &Style) -> String {
    told(changes, style, |_| None)
}

/// Lists the changes with the content of new evidence and cards.
pub fn changes_in_full(changes: &[Change], style: &Style) -> String {
    told(changes, style, arrival)
}

/// The content of a new evaluation or card.
fn arrival(change: &Change) -> Option<String> {
    let after = change.after.as_ref()?;
    match change.kind {
        ChangeKind::Added(kind @ (RecordKind::Evidence | RecordKind::Observation)) => {
            let evaluation = after.evaluation()?;
            let what = match kind {
                RecordKind::Evidence => "Evidence",
                _ => "Observation",
            };
            let mut line = format!("{what} added: {} by {}", evaluation.name, evaluation.by);
            let metrics = evaluation.metrics.iter();
            let metrics: Vec<String> = metrics
                .map(|(name, value)| format!("{name} {}", number(*value)))
                .collect();
            if !metrics.is_empty() {
                line.push_str(&format!(": {}", metrics.join(", ")));
            }
            if let Some(notes) = &evaluation.notes {
                line.push_str(&format!("; {notes}"));
            }
            Some(line)
        }
        ChangeKind::Added(RecordKind::Card) => {
            let card = after.card()?;
            let filled: Vec<String> = CardSection::ALL
                .iter()
                .filter(|section| card.filled(**section))
                .map(ToString::to_string)
                .collect();
            Some(match filled.is_empty() {
                true => "Card added; it fills nothing".to_owned(),
                false => format!("Card added; it fills {}", filled.join(", ")),
            })
        }
        _ => None,
    }
}

fn told(changes: &[Change], style: &Style, more: impl Fn(&Change) -> Option<String>) -> String {
    let mut out = String::new();
    let mut heading = String::new();
    for change in changes {
        let group = change.group().unwrap_or("policy").to_owned();
        if group != heading {
            out.push_str(&format!("{}\n", paint(&clean(&group), "1", style)));
            heading = group;
        }
        out.push_str(&format!("  {}\n", clean(&change.phrase())));
        if let Some(more) = more(change) {
            out.push_str(&format!("    {}\n", clean(&more)));
        }
        // The lines of a policy change are printed elsewhere.
        let fields = match change.kind {
            ChangeKind::PolicyChanged => Vec::new(),
            _ => fields_of(change),
        };
        for Field { field, before, after } in fields {
            let (old, new) = (
                paint(&clean(&before), "31", style),
                paint(&clean(&after), "32", style),
            );
            out.push_str(&format!("    {}: {old} -> {new}\n", clean(&field)));
        }
    }
    out
}

/// Formats one line of a policy change, with a warning if it weakens the policy.
pub fn policy_line(line: &PolicyLine, style: &Style) -> String {
    let warning = match (line.weakens, line.unsure) {
        (false, _) => String::new(),
        (true, true) => format!("{} ", paint("may ask for less:", "1;33", style)),
        (true, false) => format!("{} ", paint("asks for less, or allows more:", "1;33", style)),
    };
    let text = match (&line.before, &line.after) {
        (Some(before), Some(after)) => format!("{} {before} -> {after}", line.what),
        (Some(before), None) => format!("gone: {} {before}", line.what),
        (None, Some(after)) => format!("new: {} {after}", line.what),
        (None, None) => line.what.clone(),
    };
    format!("    {warning}{}\n", clean(&text))
}
