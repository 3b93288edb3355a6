//! `modelry explain`

use clap::Args;
use serde_json::json;

use super::{Outcome, Ui};
use crate::error::Error;
use crate::render::{Cell, Table, Tone, paint};
use crate::{act, rules};

/// `modelry explain`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry explain MR203\n  modelry explain            every rule, in a table"
)]
pub struct ExplainArgs {
    /// A rule's code or name [default: a table of all]
    rule: Option<String>,
}

pub fn run(args: &ExplainArgs, ui: &Ui) -> Result<Outcome, Error> {
    let Some(wanted) = &args.rule else {
        if ui.is_json() {
            let rules: Vec<_> = rules::RULES
                .iter()
                .map(|rule| json!({"code": rule.info.code, "name": rule.info.name, "summary": rule.info.summary}))
                .collect();
            ui.json(&json!({"rules": rules}))?;
            return Ok(Outcome::Fine);
        }
        let mut table = Table::new(["CODE", "NAME", "FIRES WHEN"]);
        for rule in rules::RULES {
            table.row([
                Cell::toned(rule.info.code, Tone::Strong),
                rule.info.name.into(),
                rule.info.summary.into(),
            ]);
        }
        ui.print(&table.render(&ui.style))?;
        return Ok(Outcome::Fine);
    };
    let Some(rule) = rules::find(wanted) else {
        let names: Vec<&str> = rules::RULES
            .iter()
            .flat_map(|rule| [rule.info.code, rule.info.name])
            .collect();
        let error = Error::told(format!("there is no rule `{wanted}`"));
        return Err(match act::nearest(&names, wanted) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`modelry explain` lists them all"),
        });
    };
    let info = &rule.info;
    if ui.is_json() {
        ui.json(&json!({"code": info.code, "name": info.name, "summary": info.summary, "docs": info.docs}))?;
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
    ui.print(&out)?;
    Ok(Outcome::Fine)
}
