//! `modelry diff`

use clap::Args;
use serde_json::{Value, json};

use super::fresh;
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::{Outcome, Output};
use crate::cli::read::at::FetchArgs;
use crate::judge::history::{self, Past};
use crate::record::change;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::summary::{self, Ask, fields_of};
use crate::report::{self, Page};
use crate::trust::{self, Policy};
use crate::workspace::Workspace;

/// `modelry diff`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry diff main..topic\n  modelry diff HEAD~1..HEAD\n  modelry diff origin/main..HEAD -o markdown   # for a comment on a pull request"
)]
pub struct DiffArgs {
    /// The two commits, as A..B; a missing one is HEAD
    #[arg(value_name = "A..B")]
    range: String,
    #[command(flatten)]
    fetch: FetchArgs,
}

/// Splits `A..B` into its two ends; a missing end is HEAD.
pub fn ends(range: &str) -> Result<(&str, &str), Error> {
    let (a, b) = range
        .split_once("..")
        .ok_or_else(|| Error::msg(format!("`{range}` is no range")).hint("write A..B"))?;
    if b.starts_with('.') {
        return Err(
            Error::msg("a range with three dots names no single start").hint(format!(
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

pub fn run(args: &DiffArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = args.fetch.open(global, ui)?;
    let (a, b) = ends(&args.range)?;
    let (a, b) = (workspace.resolve(a)?, workspace.resolve(b)?);
    let outcome = between(&workspace, (a, b), ui)?;
    // The user chose another commit, so its age is not worth a note.
    match workspace.tip() {
        Ok(tip) if [a, b].contains(&tip) => {
            fresh::told(&workspace, Ok(tip), !args.fetch.fetch, Ok(outcome), ui)
        }
        _ => Ok(outcome),
    }
}

/// Prints how the registry differs between two commits.
fn between(workspace: &Workspace, (a, b): (Oid, Oid), ui: &Ui) -> Result<Outcome, Error> {
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
    if prior.registry()?.is_none() && next.registry()?.is_none() {
        return Err(workspace.no_registry(&objects, b)?);
    }
    let mut changes = change::diff(&prior, &next)?.changes;
    // Before the root there is no policy, and so there are no gates.
    let policy = prior.registry()?.and_then(Policy::new);
    if let Some(policy) = &policy {
        let tree = |commit| history::read_commit(&objects, commit).map(|commit| commit.tree);
        let trees = (Some(tree(a)?), Some(tree(b)?));
        let protected = history::protected_changes(&objects, policy, &workspace.folder, trees)?;
        changes.extend(protected);
    }
    let past = Past::new(&objects, &workspace.folder, Some(a));
    let proposed = Past::new(&objects, &workspace.folder, Some(b));
    let summary = summary::summarise(&Ask {
        policy: policy.as_ref(),
        prior,
        next,
        changes: &changes,
        outside: &past,
        proposed: &proposed,
    })?;
    if ui.is_json() {
        let gates = match &policy {
            Some(policy) => trust::gates_of_changes(policy, &prior, &next, &changes)?,
            None => Vec::new(),
        };
        let values: Vec<Value> = changes
            .iter()
            .map(|change| {
                json!({"change": change.trailer(), "phrase": change.phrase(), "path": workspace.from_top(&change.path), "group": change.group(), "fields": fields_of(change)})
            })
            .collect();
        let gates: serde_json::Map<String, Value> = gates
            .iter()
            .map(|(id, results)| (id.to_string(), super::gates::values(results)))
            .collect();
        ui.json(&json!({"from": a.to_string(), "to": b.to_string(), "changes": values, "gates": gates, "summary": summary}))?;
        return Ok(Outcome::Fine);
    }
    let (from, to) = (a.short(), b.short());
    let page = Page {
        summary: &summary,
        report: None,
        folder: &workspace.folder,
        range: (&from.to_string(), &to.to_string()),
        caution: None,
    };
    if ui.output == Output::Markdown {
        ui.print(&report::summary_markdown(&page))?;
        return Ok(Outcome::Fine);
    }
    if changes.is_empty() {
        ui.say("nothing of the registry changes");
        return Ok(Outcome::Fine);
    }
    let mut out = report::changes(&changes, &ui.style);
    out.push_str(&report::summary_terminal(&page, &ui.style));
    ui.print(&out)?;
    Ok(Outcome::Fine)
}
