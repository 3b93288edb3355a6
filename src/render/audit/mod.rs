//! An audit for people, programs and browsers.

mod human;
mod json;

pub use human::render as human;
pub use json::{SCHEMA_NAME, render as json, schema};

use super::count;
use crate::audit::{Approval, Audit, GateOutcome, Live, State};
use crate::finding::Report;

/// The versions at the tip, on one line: "3 versions in 2 groups: 1 Approved, 2 Pending".
fn census(audit: &Audit) -> String {
    let census = audit.census();
    let versions: usize = census.iter().map(|(_, count)| count).sum();
    let groups = audit.groups.len();
    let words: Vec<String> = census
        .iter()
        .map(|(state, count)| format!("{count} {}", state.as_str()))
        .collect();
    let rest = match words.is_empty() {
        true => String::new(),
        false => format!(": {}", words.join(", ")),
    };
    format!(
        "{} in {}{rest}",
        count(versions, "version"),
        count(groups, "group")
    )
}

/// The steps on one line.
fn steps(audit: &Audit) -> String {
    let range = &audit.range;
    let of_registry = range.steps - range.links;
    format!(
        "{} from the root to the tip: {of_registry} of the registry, {} beside it",
        count(range.steps, "step"),
        range.links
    )
}

/// The commits on one line.
fn commits(audit: &Audit) -> String {
    let range = &audit.range;
    let behind = match range.side_commits {
        0 => String::new(),
        side => format!(", {side} of them behind merges"),
    };
    format!(
        "{} after the root asked for a signature{behind}",
        count(range.commits, "commit")
    )
}

/// The verdict in a sentence.
fn verdict(report: &Report) -> String {
    let open = report.open().count();
    let accepted = match report.findings.len() - open {
        0 => String::new(),
        accepted => format!("; {} acknowledged", count(accepted, "finding")),
    };
    match open {
        0 => {
            format!("every change was legal, and made by somebody who was allowed to make it then{accepted}")
        }
        _ => format!("{} decide against it{accepted}", count(open, "open finding")),
    }
}

/// Which rules of the policy applied.
fn rules(approval: &Approval) -> String {
    let rules: Vec<String> = approval
        .rules
        .iter()
        .map(|rule| format!("rule {} for {}", rule.index + 1, rule.groups.join(", ")))
        .collect();
    match rules.is_empty() {
        true => "no rule matches the group".to_owned(),
        false => rules.join(" and "),
    }
}

/// What the policy asked for.
fn need(approval: &Approval) -> String {
    let mut words = vec![count(
        usize::try_from(approval.required).unwrap_or(usize::MAX),
        "approval",
    )];
    words.extend(
        approval
            .from
            .iter()
            .map(|(team, count)| format!("{count} from team {team}")),
    );
    words.extend(approval.four_eyes.then(|| "four eyes".to_owned()));
    words.extend(approval.machines.then(|| "machines count".to_owned()));
    if !approval.card.is_empty() {
        words.push(format!("card: {}", approval.card.join(", ")));
    }
    words.join("; ")
}

/// What a gate said.
fn gate(gate: &GateOutcome) -> String {
    let verb = if gate.met { "held" } else { "was not met" };
    let mut words = format!("`{}` {verb}", gate.require);
    let mut seen: Vec<String> = Vec::new();
    if !gate.seen.is_empty() {
        seen.push(gate.seen.clone());
    }
    seen.extend(
        gate.champion
            .as_ref()
            .map(|champion| format!("champion is {champion}")),
    );
    seen.extend(gate.reason.clone());
    if !seen.is_empty() {
        words.push_str(&format!(" ({})", seen.join("; ")));
    }
    words
}

/// A version in use, and what for: "Approved, serves production".
fn use_of(live: &Live) -> String {
    let status = live
        .status
        .map_or(State::Unreadable.as_str(), |status| status.as_str());
    let stages: Vec<&str> = live.serves.iter().map(|serving| serving.stage.as_str()).collect();
    match stages.is_empty() {
        true => status.to_owned(),
        false => format!("{status}, serves {}", stages.join(", ")),
    }
}
