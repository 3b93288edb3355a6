//! An audit as text for people, as JSON for programs, and as a page for browsers.

mod html;
mod human;
mod json;
mod json_types;
mod range;
mod timeline;

use crate::base::count;
use crate::judge::finding::Report;
use crate::report::audit::{Approval, Audit, GateOutcome, Import, Live, State};
pub use html::render as html;
pub use human::render as human;
pub use json::{render as json, schema};

/// The number of versions at the tip, on one line: "3 versions in 2 groups: 1 Approved,
/// 2 Pending".
fn census(audit: &Audit) -> String {
    let census = audit.census();
    let versions: usize = census.iter().map(|(_, count)| count).sum();
    let groups = audit.groups.iter().filter(|group| group.exists).count();
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

/// The number of steps, on one line.
fn steps(audit: &Audit) -> String {
    let range = &audit.range;
    let beside = match range.links {
        0 => "all of the registry".to_owned(),
        links => format!("{links} of them beside the registry"),
    };
    format!(
        "{} from the root to the tip, {beside}",
        count(range.steps, "step")
    )
}

/// The number of commits, on one line.
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

/// The verdict, in one sentence.
fn verdict(report: &Report) -> String {
    let open = report.open().count();
    let accepted = report.findings.len() - open;
    match (open, accepted) {
        (0, 0) => "every change was legal, and made by somebody who was allowed to make it then".to_owned(),
        (0, _) => format!(
            "but for {}, every change was legal, and made by somebody who was allowed to make it then",
            count(accepted, "acknowledged finding")
        ),
        (1, 0) => "1 open finding decides against it".to_owned(),
        (_, 0) => format!("{open} open findings decide against it"),
        (1, _) => format!("1 open finding decides against it; {accepted} acknowledged"),
        (_, _) => format!("{open} open findings decide against it; {accepted} acknowledged"),
    }
}

/// The rules of the policy that applied.
fn rules(approval: &Approval) -> String {
    let rules: Vec<String> = approval
        .rules
        .iter()
        .map(|rule| {
            let groups: Vec<String> = rule.groups.iter().map(|glob| format!("`{glob}`")).collect();
            format!("rule {} for {}", rule.index + 1, groups.join(", "))
        })
        .collect();
    match rules.is_empty() {
        true => "no rule matches the group".to_owned(),
        false => rules.join(" and "),
    }
}

/// The requirements of the policy.
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

/// The values that a gate used, and the reason if it has no result.
fn seen(gate: &GateOutcome) -> String {
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
    seen.join("; ")
}

/// Describes the import that made a version Approved without reviews in this registry.
fn import_words(import: &Import) -> String {
    let words = import.imported.words(&import.by);
    match import.granted {
        true => words,
        false => format!("not authorised: {words}"),
    }
}

/// The status of a version in use, and its purpose: "Approved, serves production".
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
