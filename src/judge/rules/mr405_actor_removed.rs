//! MR405 actor-removed: an actor is removed or changes kind.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR405",
        name: "actor-removed",
        summary: "an actor is removed or changes kind",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(before) = scene.before else { return Ok(()) };
    for (id, was) in &before.registry().actors {
        let at = Anchor::before(REGISTRY_FILE, format!("/actors/{id}")).key();
        match scene.registry().actors.get(id) {
            None => out.push(
                Finding::new(
                    &RULE.info,
                    in_policy("/actors").key(),
                    format!("actor `{id}` is removed, and actors never go"),
                )
                .related(at, "the actor")
                .help(match was.retired {
                    true => "restore the actor, which is retired already".to_owned(),
                    false => {
                        format!("restore the file, and retire it: `modelry actor retire {id} -m REASON`")
                    }
                }),
            ),
            Some(is) if is.kind != was.kind => out.push(
                Finding::new(
                    &RULE.info,
                    in_policy(format!("/actors/{id}/kind")),
                    format!("actor `{id}` was a {} and never becomes a {}", was.kind, is.kind),
                )
                .related(at, "the actor")
                .help(format!(
                    "write `kind: {}`, and add an actor of the other kind under another name",
                    was.kind
                )),
            ),
            Some(_) => {}
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Actors are never removed, renamed or changed in kind.

## Why it matters
History refers to them by name.

## Example
An actor deleted because they left.

## How to fix
Retire the actor.
"#;
