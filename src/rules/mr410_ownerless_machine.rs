//! MR410 ownerless-machine: a machine has no living owner.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::error::Error;
use crate::finding::{Finding, RuleInfo};
use crate::model::{ActorId, ActorKind};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR410",
        name: "ownerless-machine",
        summary: "a machine has no living owner",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let registry = scene.registry();
    for (id, actor) in &registry.actors {
        if actor.kind != ActorKind::Machine || actor.retired {
            continue;
        }
        let living = |owner: &ActorId| {
            registry
                .actors
                .get(owner)
                .is_some_and(|owner| owner.kind == ActorKind::Person && !owner.retired)
        };
        if actor.owners.iter().any(living) {
            continue;
        }
        let finding = Finding::new(
            &RULE.info,
            in_policy(format!("/actors/{id}")).key(),
            format!("machine `{id}` has no living owner"),
        )
        .why("a machine stands for the persons who own it; without one, nobody answers for it")
        .help(format!(
            "name a person under `owners`, or retire it: `modelry actor retire {id}`"
        ));
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Every machine has an owner who is a person and not retired.

## Why it matters
A machine stands for its owners; without one nobody answers for it.

## Example
The only owner of `trainer` retires.

## How to fix
Name another owner, or retire the machine.
"#;
