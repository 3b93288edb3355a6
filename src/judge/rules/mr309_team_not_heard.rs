//! MR309 team-not-heard: a version is approved without a team that must agree.

use super::scene::{Findings, Scene, ask, at_rules};
use super::{Check, Rule};
use crate::base::{Error, count};
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::Status;
use crate::trust::Shortfall;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR309",
        name: "team-not-heard",
        summary: "a version is approved without a team that must agree",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some((id, tally)) = scene.tally_of_move(Status::Approved)? else {
        return Ok(());
    };
    for shortfall in &tally.missing {
        let Shortfall::Team { team, have, need } = shortfall else {
            continue;
        };
        let finding = Finding::new(
            &RULE.info,
            scene.at("/status"),
            format!(
                "{id} has {have} of {} from team `{team}`",
                count(*need as usize, "approval")
            ),
        );
        let finding = at_rules(finding, scene.policy, &tally.need.rules, &format!("from/{team}"));
        let members = tally
            .could_approve
            .iter()
            .filter(|it| scene.policy.in_team(team.as_str(), it));
        out.push(ask(finding, &id, &members.cloned().collect::<Vec<_>>()));
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A member of each team that the policy names has approved.

## Why it matters
Some risks are seen only by the team whose work it is.

## Example
Two approvals, neither by a member of team `risk`.

## How to fix
Ask a member of the team.
"#;
