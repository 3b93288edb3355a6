//! MR310 card-incomplete: a version is approved whose card lacks a required section.

use super::scene::{Findings, Scene, at_rules, names, one_of};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::{Action, Status};
use crate::trust::Shortfall;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR310",
        name: "card-incomplete",
        summary: "a version is approved whose card lacks a required section",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some((id, tally)) = scene.tally_of_move(Status::Approved)? else {
        return Ok(());
    };
    let missing: Vec<_> = tally
        .missing
        .iter()
        .filter_map(|shortfall| match shortfall {
            Shortfall::Card(section) => Some(section),
            _ => None,
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/status"),
        format!("the card of {id} lacks {}", names(&missing, "nothing")),
    );
    let finding = at_rules(finding, scene.policy, &tally.need.rules, "card");
    let holders = scene
        .policy
        .able(Action::AddEvidence, Some(id.group.as_str()), None);
    let sections: String = missing
        .iter()
        .map(|section| format!(" --set {section}=TEXT"))
        .collect();
    out.push(finding.help(format!(
        "write `status: Pending`, and ask {} to fill the card before the decision: `modelry card set {id}{sections}`",
        one_of(&holders, "an actor with `add-evidence`")
    )));
    Ok(())
}

const DOCS: &str = r#"
## What it checks
The card has the sections that the policy requires.

## Why it matters
An approval without intended uses approves every use.

## Example
No `limitations` in the card.

## How to fix
Fill the sections before the decision.
"#;
