//! `modelry explain`

use clap::Args;
use serde_json::json;

use super::concepts::{self, Concept};
use crate::act;
use crate::base::Error;
use crate::cli::Ui;
use crate::cli::output::Outcome;
use crate::judge::rules;
use crate::report::{Cell, CellStyle, Table, paint};

/// `modelry explain`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry explain MR203\n  modelry explain four-eyes\n  modelry explain            # all rules and concepts, in tables"
)]
pub struct ExplainArgs {
    /// A rule's code or name, or a concept: four-eyes, quorum, champion, landing, pin
    /// [default: list all rules and concepts]
    #[arg(value_name = "RULE|CONCEPT")]
    wanted: Option<String>,
}

/// Lists the rules and the concepts.
fn list(ui: &Ui) -> Result<Outcome, Error> {
    if ui.is_json() {
        let rules: Vec<_> = rules::RULES
            .iter()
            .map(|rule| json!({"code": rule.info.code, "name": rule.info.name, "summary": rule.info.summary}))
            .collect();
        let concepts: Vec<_> = concepts::CONCEPTS
            .iter()
            .map(|concept| json!({"name": concept.name, "summary": concept.summary}))
            .collect();
        ui.json(&json!({"rules": rules, "concepts": concepts}))?;
        return Ok(Outcome::Fine);
    }
    let mut table = Table::new(["CODE", "NAME", "FIRES WHEN"]);
    for rule in rules::RULES {
        table.row([
            Cell::styled(rule.info.code, CellStyle::Strong),
            rule.info.name.into(),
            rule.info.summary.into(),
        ]);
    }
    let mut words = Table::new(["CONCEPT", "IS"]);
    for concept in concepts::CONCEPTS {
        words.row([
            Cell::styled(concept.name, CellStyle::Strong),
            concept.summary.into(),
        ]);
    }
    ui.print(&format!(
        "{}\n{}",
        table.render(&ui.style),
        words.render(&ui.style)
    ))?;
    Ok(Outcome::Fine)
}

fn explain_concept(concept: &Concept, ui: &Ui) -> Result<Outcome, Error> {
    if ui.is_json() {
        ui.json(&json!({"name": concept.name, "summary": concept.summary, "docs": concept.docs.trim(), "rules": concept.rules, "page": concept.page()}))?;
        return Ok(Outcome::Fine);
    }
    let mut out = format!(
        "{}: {}\n\n{}\n",
        paint(concept.name, "1", &ui.style),
        concept.summary,
        concept.docs.trim()
    );
    if !concept.rules.is_empty() {
        out.push_str(&format!("\nRules: {}\n", concept.rules.join(", ")));
    }
    out.push_str(&format!("\nPage: {}\n", concept.page()));
    ui.print(&out)?;
    Ok(Outcome::Fine)
}

pub fn run(args: &ExplainArgs, ui: &Ui) -> Result<Outcome, Error> {
    let Some(wanted) = &args.wanted else {
        return list(ui);
    };
    if let Some(concept) = concepts::find(wanted) {
        return explain_concept(concept, ui);
    }
    let Some(rule) = rules::find(wanted) else {
        let names: Vec<&str> = rules::RULES
            .iter()
            .flat_map(|rule| [rule.info.code, rule.info.name])
            .chain(concepts::CONCEPTS.iter().map(|concept| concept.name))
            .collect();
        let error = Error::msg(format!("there is no rule and no concept `{wanted}`"));
        return Err(match act::nearest(&names, wanted) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`modelry explain` lists them all"),
        });
    };
    let info = &rule.info;
    if ui.is_json() {
        ui.json(&json!({"code": info.code, "name": info.name, "summary": info.summary, "docs": info.docs, "page": info.page()}))?;
        return Ok(Outcome::Fine);
    }
    let mut out = format!(
        "{} {}\n\n{}.\n\n",
        paint(info.code, "1", &ui.style),
        info.name,
        info.summary
    );
    for line in info.docs.trim().lines() {
        match line.strip_prefix("## ") {
            Some(heading) => out.push_str(&format!("{}\n", paint(heading, "1", &ui.style))),
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out.push_str(&format!("\nPage: {}\n", info.page()));
    ui.print(&out)?;
    Ok(Outcome::Fine)
}
