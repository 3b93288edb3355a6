//! Prints the result of a writing command: refused, dry, or done.

use serde_json::{Map, Value, json};

use super::super::Ui;
use super::super::output::{Outcome, report_format};
use super::outcome::{Destination, Done, FaultyBase, Landing, Refused};
use super::preview::{Existing, Proposal};
use crate::act::Refusal;
use crate::base::{Error, Oid, count};
use crate::cli::read::gates;
use crate::judge::finding::Report;
use crate::record::change::Change;
use crate::record::kind::{Digest, VersionId};
use crate::report::event::{PullRequest, WriteResult};
use crate::report::{self, paint};
use crate::trust::GateResult;

/// Prints the end of the command.
///
/// # Errors
/// Standard output can't be written.
pub(super) fn landing(landing: &Landing, is_dry: bool, ui: &Ui) -> Result<Outcome, Error> {
    match landing {
        Landing::Refused(Refused::Faulty(base)) => faulty(base, ui),
        Landing::Refused(Refused::Findings(report)) => refused(report, ui),
        Landing::Refused(Refused::Declined(refusal, facts)) => declined(refusal, facts, ui),
        Landing::Refused(Refused::NotSigned) => not_signed(ui),
        Landing::Dry(made, to) => dry_run(made, to.as_ref(), ui),
        Landing::Existing(there) => existing(there, is_dry, ui),
        Landing::Done(landed) => {
            propose(&landed.signed.made, &landed.branch, ui);
            done(landed, ui)?;
            for note in &landed.unpushed {
                ui.note(note);
            }
            Ok(Outcome::Fine)
        }
    }
}

/// Reports that no change may build on the history, and how to handle the unpushed
/// commits.
fn faulty(base: &FaultyBase, ui: &Ui) -> Result<Outcome, Error> {
    const SAID: &str = "the history that it would build on is faulty";
    let mend = |commit: &Oid| {
        format!(
            "commit {} is not pushed: mend it (`git commit --amend`, `git rebase -i {1}`), or drop it with all after it: `git reset --keep {1}`",
            commit.short(),
            format_args!("{}~1", commit.short())
        )
    };
    let remedies: Vec<String> = base.own.iter().map(mend).collect();
    if ui.is_json() {
        ui.json(&WriteResult::refused_by(SAID, &remedies, &base.report).to_value())?;
    } else {
        ui.print(&report::report(&base.report, report_format(ui.output), &ui.style))?;
    }
    ui.note(&format!("nothing was written: {SAID}"));
    remedies.iter().for_each(|remedy| ui.note(remedy));
    Ok(Outcome::Findings)
}

/// Reports the findings that prevented the change.
pub fn refused(report: &Report, ui: &Ui) -> Result<Outcome, Error> {
    if ui.is_json() {
        let why = format!("the rules refuse it: {}", count(report.findings.len(), "finding"));
        ui.json(&WriteResult::refused_by(&why, &[], report).to_value())?;
        return Ok(Outcome::Findings);
    }
    ui.print(&report::report(report, report_format(ui.output), &ui.style))?;
    ui.say(&format!(
        "{} nothing was written",
        paint("refused:", "1;31", &ui.side)
    ));
    Ok(Outcome::Findings)
}

/// Reports why a change was not signed, and what to do instead; `more` is for JSON
/// output.
fn declined(refusal: &Refusal, more: &Map<String, Value>, ui: &Ui) -> Result<Outcome, Error> {
    let Refusal { why, remedies } = refusal;
    if ui.is_json() {
        let mut value = WriteResult::refused(why, remedies).to_value();
        extend(&mut value["refused"], more);
        ui.json(&value)?;
        return Ok(Outcome::Findings);
    }
    let mut text = format!(
        "{} nothing was signed or written: {}",
        paint("refused:", "1;31", &ui.side),
        report::clean(why)
    );
    for remedy in remedies {
        text.push_str(&format!(
            "\n     {} {}",
            paint("do:", "1;33", &ui.side),
            report::clean(remedy)
        ));
    }
    ui.say(&text);
    Ok(Outcome::Findings)
}

/// Reports that the answer to the question was no.
fn not_signed(ui: &Ui) -> Result<Outcome, Error> {
    const SAID: &str = "not signed, and nothing was written";
    if ui.is_json() {
        ui.json(&WriteResult::refused(SAID, &[]).to_value())?;
    } else {
        ui.say(SAID);
    }
    Ok(Outcome::Findings)
}

/// Reports that the registry already has what was asked for.
fn existing(there: &Existing, dry_run: bool, ui: &Ui) -> Result<Outcome, Error> {
    if ui.is_json() {
        let result = WriteResult {
            dry_run,
            ..WriteResult::existing(&there.records)
        };
        let mut value = result.to_value();
        extend(&mut value, &there.facts);
        ui.json(&value)?;
        return Ok(Outcome::Fine);
    }
    let more = there.notes.split_last().map_or(&[][..], |(_, more)| more);
    for note in more {
        ui.note(note);
    }
    ui.print(&format!(
        "nothing was written: {}\n",
        report::clean(there.words())
    ))?;
    Ok(Outcome::Fine)
}

fn change_lines(made: &Proposal, ui: &Ui) -> String {
    let line = |change: &Change| format!("  {}\n", paint(&report::clean(&change.trailer()), "2", &ui.style));
    made.changes.iter().map(line).collect()
}

/// Lists every gate of the decided versions, with its result.
fn gate_lines(made: &Proposal, ui: &Ui) -> String {
    let table = |(id, results): &(VersionId, Vec<GateResult>)| {
        let heading = paint(&format!("gates of {id}"), "1", &ui.style);
        format!("{heading}\n{}", gates::table(results).render(&ui.style))
    };
    made.gates.iter().map(table).collect()
}

/// Lists the content that a decision covers.
fn content_lines(made: &Proposal) -> Vec<String> {
    let line = |(name, digest): &(String, Digest)| match &made.contents[..] {
        [_] => format!("  content {}…", digest.short()),
        _ => format!("  content of {name} {}…", digest.short()),
    };
    made.contents.iter().map(line).collect()
}

fn subject_line(made: &Proposal) -> String {
    report::clean(made.message.lines().next().unwrap_or_default()).into_owned()
}

/// Adds members to a mapping.
fn extend(value: &mut serde_json::Value, members: &Map<String, Value>) {
    if let Some(mapping) = value.as_object_mut() {
        mapping.extend(members.clone());
    }
}

fn dry_run(made: &Proposal, to: Option<&Destination>, ui: &Ui) -> Result<Outcome, Error> {
    tell(made, ui);
    if ui.is_json() {
        let gates: Map<String, Value> = made
            .gates
            .iter()
            .map(|(id, results)| (id.to_string(), gates::values(results)))
            .collect();
        let result = WriteResult {
            dry_run: true,
            remote: to.map(|to| to.remote.clone()),
            branch: to.map(|to| to.branch.clone()),
            ..WriteResult::of(&made.changes)
        };
        let mut value = result.to_value();
        value["message"] = json!(made.message);
        value["gates"] = json!(gates);
        value["findings"] = json!([]);
        if !made.contents.is_empty() {
            value["subjects"] = json!(made.content_values());
        }
        extend(&mut value, &made.facts);
        if let Some(to) = to {
            value["onto"] = json!(to.onto.to_string());
        }
        ui.json(&value)?;
        return Ok(Outcome::Fine);
    }
    let nothing = match to {
        Some(to) => format!(
            "nothing was written or pushed; it would go to branch {} of {}, on {}",
            report::clean(&to.branch),
            report::clean(&to.remote),
            to.onto.short()
        ),
        None => "nothing was written".to_owned(),
    };
    let contents: String = content_lines(made)
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    ui.print(&format!(
        "{} (dry run: {nothing})\n{}{contents}{}",
        subject_line(made),
        change_lines(made, ui),
        gate_lines(made, ui)
    ))?;
    Ok(Outcome::Fine)
}

/// Notes that it is a proposal, if others must agree to it.
fn propose(made: &Proposal, branch: &str, ui: &Ui) {
    if let Some(finding) = made.report.findings.first() {
        ui.note(&format!(
            "this is a proposal: {}; `modelry policy show {branch}` tells who may agree",
            finding.message
        ));
    }
}

/// Prints notes on the choices that were made.
fn tell(made: &Proposal, ui: &Ui) {
    for note in &made.notes {
        ui.note(note);
    }
}

pub(super) fn show_decision(made: &Proposal, ui: &Ui) {
    tell(made, ui);
    ui.say(&paint(&subject_line(made), "1", &ui.side));
    for change in &made.changes {
        ui.say(&format!("  {}", report::clean(&change.trailer())));
    }
    for line in content_lines(made) {
        ui.say(&line);
    }
    let gates = gate_lines(made, ui);
    if !gates.is_empty() {
        ui.say(gates.trim_end());
    }
}

/// Reports the commit.
fn done(landed: &Done, ui: &Ui) -> Result<(), Error> {
    let Done {
        signed, branch, sent, ..
    } = landed;
    let (made, commit, sent) = (&signed.made, signed.commit, sent.as_ref());
    tell(made, ui);
    if ui.is_json() {
        let page = sent.and_then(|sent| sent.page.as_ref());
        let result = WriteResult {
            commit: Some(commit.to_string()),
            branch: Some(branch.clone()),
            remote: sent.map(|sent| sent.remote.clone()),
            pushed: sent.is_some(),
            tries: sent.map(|sent| sent.tries),
            pull_request: page.map(|page| PullRequest {
                url: page.url.clone(),
                opened: page.opened,
            }),
            ..WriteResult::of(&made.changes)
        };
        let mut value = result.to_value();
        extend(&mut value, &made.facts);
        return ui.json(&value);
    }
    let place = paint(&format!("[{branch} {}]", commit.short()), "33", &ui.style);
    let mut text = format!("{place} {}\n{}", subject_line(made), change_lines(made, ui));
    if let Some(sent) = sent {
        let again = match sent.tries {
            1 => String::new(),
            tries => format!(", at try {tries}"),
        };
        text.push_str(&format!(
            "  pushed to branch {} of {}{again}\n",
            report::clean(branch),
            report::clean(&sent.remote)
        ));
        match &sent.page {
            Some(page) if page.opened => text.push_str(&format!("  pull request: {}\n", page.url)),
            Some(page) => text.push_str(&format!("  open a pull request: {}\n", page.url)),
            None => {}
        }
    }
    ui.print(&text)
}
