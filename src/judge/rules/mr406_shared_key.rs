//! MR406 shared-key: a key belongs to two actors, or moved from one to another.

use std::collections::BTreeMap;

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::ActorId;
use crate::trust::Credential;

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
        for credential in actor.keys.iter().filter_map(|key| Credential::of(key).ok()) {
            for (_, material) in credential.keys() {
                owners.entry(material).or_insert(id);
            }
        }
    }
    for (id, actor) in &scene.registry().actors {
        for (index, key) in actor.keys.iter().enumerate() {
            let Ok(credential) = Credential::of(key) else {
                continue;
            };
            for (fingerprint, material) in credential.keys() {
                let owner = owners.entry(material).or_insert(id);
                if *owner == id {
                    continue;
                }
                let finding = Finding::new(
                    &RULE.info,
                    in_policy(format!("/actors/{id}/keys/{index}")),
                    format!("this key belongs to `{owner}`, for good"),
                )
                .related(in_policy(format!("/actors/{owner}")).key(), "whose key it is")
                .why(format!("key {fingerprint}; keys are compared by their material"))
                .choose(format!("give `{id}` a key of its own"));
                out.push(finding);
            }
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A key belongs to one actor for ever, compared by its material.

## Why it matters
One key under two names gives one person two votes.

## Example
The same key under `risk-1` and `risk-2`.

## How to fix
Make a key for each.
"#;
