//! MR412 too-much-power: a forge or a machine is granted a right that it can't have.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::{Action, ActorId, ActorKind};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR412",
        name: "too-much-power",
        summary: "a forge or a machine is granted a right that it can't have",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let registry = scene.registry();
    for (index, id) in registry.policy_change.recovery.iter().enumerate() {
        if let Some(actor) = registry
            .actors
            .get(id)
            .filter(|actor| actor.kind != ActorKind::Person)
        {
            let finding = Finding::new(
                &RULE.info,
                in_policy(format!("/policyChange/recovery/{index}")),
                format!("`{id}` is a {} and can't stand in for administrators", actor.kind),
            )
            .why("the policy is changed by persons")
            .help("name a person whose key is kept in a safe");
            out.push(finding);
        }
    }
    for (index, grant) in registry.grants.iter().enumerate() {
        for (place, action) in grant.allow.iter().enumerate() {
            let too_much = |kind: ActorKind| match kind {
                ActorKind::Person => false,
                ActorKind::Machine => *action == Action::Administer,
                ActorKind::Forge => !matches!(
                    action,
                    Action::Annotate | Action::CreateGroup | Action::UpdateGroup
                ),
            };
            let meant = |id: &&ActorId| grant.to.iter().any(|to| scene.after.is_meant(to, id));
            let holder = registry
                .actors
                .iter()
                .find(|(id, actor)| too_much(actor.kind) && meant(id));
            if let Some((id, actor)) = holder {
                let finding = Finding::new(
                    &RULE.info,
                    in_policy(format!("/grants/{index}/allow/{place}")),
                    format!("`{id}` is a {} and can't hold `{action}`", actor.kind),
                )
                .why(match actor.kind {
                    ActorKind::Forge => "a forge can hold only annotate, create-group and update-group",
                    _ => "the policy is changed by persons",
                })
                .help(format!("take `{action}` out of what is granted to `{id}`"));
                out.push(finding);
            }
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A forge holds at most annotate, create-group and update-group; a machine never administers. Neither is named under `policyChange.recovery`.

## Why it matters
The operators of a Git host hold its key.

## Example
`approve` granted to the host.

## How to fix
Take the action away.
"#;
