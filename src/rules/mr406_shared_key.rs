//! MR406 shared-key: a key belongs to two actors, or moved from one to another.

use std::collections::BTreeMap;

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::error::Error;
use crate::finding::{Finding, RuleInfo};
use crate::model::{ActorId, ActorKey};
use crate::verify::PublicKey;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR406",
        name: "shared-key",
        summary: "a key belongs to two actors, or moved from one to another",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let mut owners: BTreeMap<String, &ActorId> = BTreeMap::new();
    let before = scene.before.map(|policy| policy.registry());
    for (id, actor) in before.into_iter().flat_map(|registry| &registry.actors) {
        for key in actor.keys.iter().filter_map(ActorKey::ssh) {
            if let Ok(key) = PublicKey::parse(key) {
                owners.entry(key.fingerprint()).or_insert(id);
            }
        }
    }
    for (id, actor) in &scene.registry().actors {
        for (index, key) in actor.keys.iter().enumerate() {
            let Some(Ok(key)) = key.ssh().map(PublicKey::parse) else {
                continue;
            };
            let owner = owners.entry(key.fingerprint()).or_insert(id);
            if *owner != id {
                let finding = Finding::new(
                    &RULE.info,
                    in_policy(format!("/actors/{id}/keys/{index}")),
                    format!("this key belongs to `{owner}`, for good"),
                )
                .related(in_policy(format!("/actors/{owner}")).key(), "whose key it is")
                .why(format!(
                    "key {}; keys are compared by their material",
                    key.fingerprint()
                ))
                .help(format!("make a new key for `{id}`"));
                out.push(finding);
            }
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A key belongs to one actor, for good, compared by its material.

## Why it matters
One key in two names is two votes of one person.

## Example
The same key under `risk-1` and `risk-2`.

## How to fix
Make a key for each.
"#;
