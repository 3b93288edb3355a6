//! MR409 quorum-unreachable: an approval needs more than there are.

use std::collections::BTreeSet;

use super::scene::{Findings, PolicyScene, has_key, in_policy, names};
use super::{Check, Rule};
use crate::error::Error;
use crate::finding::{Finding, RuleInfo};
use crate::model::{Action, ActorId, ActorKind, GroupName};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR409",
        name: "quorum-unreachable",
        summary: "an approval needs more than there are",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let groups = scene.step.next.groups()?;
    let mut told = BTreeSet::new();
    for (index, rule) in scene.registry().approvals.iter().enumerate() {
        // Groups that the rule matches today, and names that its globs spell out.
        let literal = rule
            .groups
            .iter()
            .filter_map(|glob| glob.replace('*', "x").parse::<GroupName>().ok());
        let matching = groups
            .iter()
            .cloned()
            .chain(literal)
            .filter(|group| scene.after.need(group).rules.contains(&index));
        for group in matching {
            let need = scene.after.need(&group);
            let able: Vec<ActorId> = scene
                .after
                .holders(Action::Approve, Some(group.as_str()), None)
                .into_iter()
                .filter(|id| has_key(scene.after, id))
                .filter(|id| {
                    need.machines
                        || scene
                            .after
                            .actor(id.as_str())
                            .is_some_and(|actor| actor.kind == ActorKind::Person)
                })
                .collect();
            let pointer = format!("/approvals/{index}");
            let required = rule.required.unwrap_or(1).max(1) as usize;
            if able.len() < required && told.insert((index, String::new())) {
                let finding = Finding::new(
                    &RULE.info,
                    in_policy(format!("{pointer}/required")),
                    format!(
                        "{required} approvals are needed in groups like `{group}`, and {} could be given",
                        able.len()
                    ),
                )
                .why(format!("{} may approve there", names(&able, "nobody")))
                .help("grant `approve` to more actors, or ask for fewer");
                out.push(finding);
            }
            for (team, count) in &rule.from {
                let members = able
                    .iter()
                    .filter(|id| scene.after.in_team(team.as_str(), id))
                    .count();
                if members < *count as usize && told.insert((index, team.to_string())) {
                    let finding = Finding::new(&RULE.info, in_policy(format!("{pointer}/from/{team}")), format!("{count} approvals of team `{team}` are needed in groups like `{group}`, and {members} could be given"))
                        .help(format!("add members to `{team}` and grant them `approve`, or ask for fewer"));
                    out.push(finding);
                }
            }
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
As many actors may approve as an approval needs, in every team too.

## Why it matters
A quorum that nobody can reach stops every release.

## Example
`required: 3` with two approvers.

## How to fix
Grant `approve` to more, or ask for fewer.
"#;
