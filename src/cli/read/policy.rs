//! `modelry policy show`: the policy in force.

use serde::Serialize;
use serde_json::Value;

use super::at::{ReadArgs, Reading};
use crate::base::{Error, count, listed};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::record::kind::{ActorId, ApprovalRule, POLICY_FOLDER, Registry, Status};
use crate::record::snapshot::Snapshot;
use crate::report::{Style, clean, paint};

pub fn show(read: &ReadArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        let policy = reading.policy_in_force(ui)?;
        let view = PolicyView {
            commit: reading.commit.to_string(),
            policy: policy.source.value(),
            administrators: policy.administrators(),
            proposals_reviewed: open_reviews(&reading.snapshot, policy.registry().serial)?,
            registry: policy.registry(),
            recovery: policy.recovery(),
        };
        match ui.is_json() {
            true => ui.json(&view)?,
            false => ui.print(&view.for_people(&ui.style))?,
        }
        Ok(Outcome::Fine)
    })
}

/// The policy in force, and the reviews of the next: `policy show -o json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyView<'p> {
    commit: String,
    /// The policy as it is written.
    policy: &'p Value,
    administrators: Vec<ActorId>,
    proposals_reviewed: Vec<ReviewOfProposal>,
    /// The policy as it is read.
    #[serde(skip)]
    registry: &'p Registry,
    /// The actors who stand in for missing administrators.
    #[serde(skip)]
    recovery: Vec<ActorId>,
}

/// A review of a policy that is not in force yet.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct ReviewOfProposal {
    serial: u64,
    by: ActorId,
}

/// Lists the reviews of policies after this one.
fn open_reviews(snapshot: &Snapshot<'_>, serial: u64) -> Result<Vec<ReviewOfProposal>, Error> {
    let mut open = Vec::new();
    for name in snapshot.names(POLICY_FOLDER)? {
        let Some(later) = name.parse::<u64>().ok().filter(|other| *other > serial) else {
            continue;
        };
        let reviewers = snapshot.policy_reviewers(later)?.into_iter();
        open.extend(reviewers.map(|by| ReviewOfProposal { serial: later, by }));
    }
    open.sort();
    Ok(open)
}

impl PolicyView<'_> {
    fn for_people(&self, style: &Style) -> String {
        let name = paint(&clean(&self.registry.name), "1", style);
        let mut out = format!("{name}  policy {}\n", self.registry.serial);
        for (key, value) in self.facts() {
            let gap = " ".repeat(16usize.saturating_sub(key.len()));
            out.push_str(&format!("  {}{gap} {}\n", paint(key, "2", style), clean(&value)));
        }
        out.push_str("\nMore: modelry actor list, modelry grant list\n");
        out
    }

    /// Lists what the policy says, each fact with its key; a fact without a value is left
    /// out.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let registry = self.registry;
        let mut facts = vec![
            ("id", registry.id.to_string()),
            ("administrators", listed(&self.administrators)),
            (
                "to change it",
                format!("{} of them", registry.policy_change.required),
            ),
        ];
        if !self.recovery.is_empty() {
            let names = listed(&self.recovery);
            facts.push(("stand-ins", format!("{names}, when too few of them are left")));
        }
        facts.extend(registry.stages.iter().map(|stage| match stage.requires {
            Some(_) => ("stage", format!("{}, only Approved versions", stage.name)),
            None => ("stage", stage.name.to_string()),
        }));
        let moves = Status::ALL.map(|from| (from, registry.next(from)));
        let moves = moves.iter().filter(|(_, to)| !to.is_empty());
        facts.extend(moves.map(|(from, to)| ("transition", format!("{from} to {}", listed(to)))));
        facts.extend(registry.approvals.iter().map(|rule| {
            let words = format!("{}: {}", rule.groups.join(", "), rule_words(rule));
            ("approval", words)
        }));
        facts.extend(registry.protect.iter().map(|glob| ("protected", glob.clone())));
        facts.extend(registry.revoked.iter().map(|entry| match &entry.since {
            Some(since) => ("revoked", format!("{}, since {since}", entry.key)),
            None => ("revoked", entry.key.clone()),
        }));
        facts.extend(registry.acknowledged.iter().map(|entry| {
            let words = format!("{} in {}", entry.codes.join(", "), entry.commit);
            ("acknowledged", words)
        }));
        facts.extend(self.proposals_reviewed.iter().map(|review| {
            let words = format!("policy {}, reviewed by {}", review.serial, review.by);
            ("proposed", words)
        }));
        facts.retain(|(_, value)| !value.is_empty());
        facts
    }
}

/// Formats a rule of approval on one line.
fn rule_words(rule: &ApprovalRule) -> String {
    let mut words = vec![count(rule.required.unwrap_or(1) as usize, "approval")];
    words.extend(rule.from.iter().map(|(team, n)| format!("{n} from team {team}")));
    if rule.four_eyes.unwrap_or(true) {
        words.push("four eyes".into());
    }
    if !rule.card.is_empty() {
        words.push(format!("card: {}", listed(&rule.card)));
    }
    words.extend(rule.gates.iter().map(|gate| format!("gate {}", gate.name)));
    if rule.machines.unwrap_or(false) {
        words.push("machines count".into());
    }
    words.join("; ")
}
