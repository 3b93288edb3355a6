//! MR410 ownerless-machine: a machine has no active owner.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::ActorKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR410",
        name: "ownerless-machine",
        summary: "a machine has no active owner",
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
        if scene.after.has_living_owner(actor) {
            continue;
        }
        let message = format!("machine `{id}` has no living owner");
        let had_none = scene.before.is_some_and(|before| {
            let was = before.actor(id.as_str());
            was.is_some_and(|was| !was.retired && !before.has_living_owner(was))
        });
        if scene.only_ends || had_none {
            out.note(
                format!("{message} (MR410): it may do nothing until a person who is not retired owns it"),
                None,
            );
            continue;
        }
        let finding = Finding::new(&RULE.info, in_policy(format!("/actors/{id}")).key(), message)
            .why("a machine stands for the persons who own it; without one, nobody answers for it")
            .help(format!(
                "write `retired: true` under `{id}`, or name a person under its `owners`"
            ));
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Every machine has an owner who is a person and not retired. The retirement of the last owner is never refused for this: it is a note then, and the machine has no rights until it has another owner.

## Why it matters
A machine's owners answer for it.

## Example
The only owner of `trainer` retires.

## How to fix
Name another owner, or retire the machine.
"#;
