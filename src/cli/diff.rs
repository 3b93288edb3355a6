//! `modelry diff`

use clap::Args;
use serde_json::{Value, json};

use super::{Global, Outcome, Ui};
use crate::access::{self, Policy};
use crate::change::{self, Change, ChangeKind};
use crate::error::Error;
use crate::history;
use crate::render::{clean, paint};
use crate::snapshot::{Records, Snapshot};
use crate::workspace::Workspace;

/// `modelry diff`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  modelry diff main..topic\n  modelry diff HEAD~1..HEAD")]
pub struct DiffArgs {
    /// Two commits
    #[arg(value_name = "A..B")]
    range: String,
}

/// The two ends of `A..B`; what is left out is HEAD.
pub fn ends(range: &str) -> Result<(&str, &str), Error> {
    let (a, b) = range
        .split_once("..")
        .ok_or_else(|| Error::told(format!("`{range}` is no range")).hint("write A..B"))?;
    if b.starts_with('.') {
        return Err(
            Error::told("a range with three dots names no single start").hint(format!(
                "write {}..{}",
                a,
                b.trim_start_matches('.')
            )),
        );
    }
    let or_head = |end: &'_ str| -> &'static str { if end.is_empty() { "HEAD" } else { "" } };
    Ok((
        if a.is_empty() { or_head(a) } else { a },
        if b.is_empty() { or_head(b) } else { b },
    ))
}

/// One value on one line.
fn short(value: Option<&Value>) -> String {
    let text = match value {
        None => return "absent".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let first = text.lines().next().unwrap_or_default();
    let cut: String = first.chars().take(80).collect();
    if cut.len() < text.trim_end().len() {
        format!("{cut}…")
    } else {
        cut
    }
}

/// What changed inside the record, as lines.
fn details(change: &Change) -> Vec<(String, String, String)> {
    let shows = matches!(
        change.kind,
        ChangeKind::PolicyChanged
            | ChangeKind::GroupUpdated
            | ChangeKind::CardChanged
            | ChangeKind::EvidenceChanged
            | ChangeKind::ObservationChanged
            | ChangeKind::FrozenChanged { .. }
            | ChangeKind::VersionAnnotated { .. }
    );
    let (Some(before), Some(after)) = (change.before.as_ref(), change.after.as_ref()) else {
        return Vec::new();
    };
    if !shows {
        return Vec::new();
    }
    let pointers = match &change.kind {
        ChangeKind::FrozenChanged { pointers } | ChangeKind::VersionAnnotated { pointers } => {
            pointers.clone()
        }
        _ => change::differing_pointers(before.value(), after.value()),
    };
    fields(before.value(), after.value(), pointers)
}

/// The members at these pointers, before and after, but for those that only
/// count or sign.
pub fn fields(before: &Value, after: &Value, pointers: Vec<String>) -> Vec<(String, String, String)> {
    let quiet = |pointer: &String| !matches!(pointer.as_str(), "/revision" | "/signature" | "/status");
    let at = |value: &Value, pointer: &str| short(value.pointer(pointer));
    pointers
        .into_iter()
        .filter(quiet)
        .map(|pointer| {
            let (old, new) = (at(before, &pointer), at(after, &pointer));
            (pointer.trim_start_matches('/').replace('/', "."), old, new)
        })
        .collect()
}

pub fn run(args: &DiffArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = Workspace::open(&global.wanted())?;
    let (a, b) = ends(&args.range)?;
    let (a, b) = (workspace.repo.resolve(a)?, workspace.repo.resolve(b)?);
    let objects = workspace.repo.objects()?;
    let records = Records::new(&objects);
    let at = |commit| -> Result<Snapshot<'_>, Error> {
        Snapshot::at(
            &records,
            history::read_commit(&objects, commit)?.tree,
            &workspace.folder,
        )
    };
    let (prior, next) = (at(a)?, at(b)?);
    let changes = change::diff(&prior, &next)?.changes;
    // Where there is no policy before, as at the root, nothing asks for gates.
    let gates = match prior.registry()?.and_then(Policy::new) {
        Some(policy) => access::gates_of_changes(&policy, &prior, &next, &changes)?,
        None => Vec::new(),
    };
    if ui.is_json() {
        let values: Vec<Value> = changes
            .iter()
            .map(|change| {
                let fields: Vec<Value> =
                    details(change).into_iter().map(|(field, old, new)| json!({"field": field, "before": old, "after": new})).collect();
                json!({"change": change.trailer(), "phrase": change.phrase(), "path": workspace.from_top(&change.path), "group": change.group(), "fields": fields})
            })
            .collect();
        let gates: serde_json::Map<String, Value> = gates
            .iter()
            .map(|(id, results)| (id.to_string(), super::gates::values(results)))
            .collect();
        ui.json(&json!({"from": a.to_string(), "to": b.to_string(), "changes": values, "gates": gates}))?;
        return Ok(Outcome::Fine);
    }
    if changes.is_empty() {
        ui.say("nothing of the registry changes");
        return Ok(Outcome::Fine);
    }
    let mut out = String::new();
    let mut heading = String::new();
    for change in &changes {
        let group = change.group().unwrap_or("policy").to_owned();
        if group != heading {
            out.push_str(&format!("{}\n", paint(&clean(&group), "1", &ui.style)));
            heading = group;
        }
        out.push_str(&format!("  {}\n", clean(&change.phrase())));
        for (field, old, new) in details(change) {
            let (old, new) = (
                paint(&clean(&old), "31", &ui.style),
                paint(&clean(&new), "32", &ui.style),
            );
            out.push_str(&format!("    {}: {old} -> {new}\n", clean(&field)));
        }
    }
    for (id, results) in &gates {
        out.push_str(&format!(
            "\n{}\n",
            paint(&format!("gates of {id}"), "1", &ui.style)
        ));
        out.push_str(&super::gates::table(results).render(&ui.style));
    }
    ui.print(&out)?;
    Ok(Outcome::Fine)
}
