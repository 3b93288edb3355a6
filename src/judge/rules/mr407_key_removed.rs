//! MR407 key-removed: a key is taken from its actor.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::{ActorKey, REGISTRY_FILE};
use crate::trust::Credential;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR407",
        name: "key-removed",
        summary: "a key is taken from its actor",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(before) = scene.before else { return Ok(()) };
    for (id, was) in &before.registry().actors {
        let Some(is) = scene.registry().actors.get(id) else {
            continue;
        };
        for (index, key) in was.keys.iter().enumerate() {
            let there: Vec<String> = is.keys.iter().flat_map(materials).collect();
            let kept = materials(key).iter().all(|material| there.contains(material));
            if !kept {
                let finding = Finding::new(
                    &RULE.info,
                    in_policy(format!("/actors/{id}")).key(),
                    format!("a key of `{id}` is removed, and keys never go"),
                )
                .related(
                    Anchor::before(REGISTRY_FILE, format!("/actors/{id}/keys/{index}")),
                    "the key",
                )
                .why("a key belongs to one actor for good, so that nobody else can bring it back")
                .help("restore the key; `retired: true` beside it ends it");
                out.push(finding);
            }
        }
    }
    Ok(())
}

/// Returns the material of every key in it; the text itself if it can't be read. An
/// OpenPGP certificate may be updated, and keeps its keys.
fn materials(key: &ActorKey) -> Vec<String> {
    match Credential::of(key) {
        Ok(credential) => credential
            .keys()
            .into_iter()
            .map(|(_, material)| material)
            .collect(),
        Err(_) => vec![key.text().split_whitespace().collect()],
    }
}

const DOCS: &str = r#"
## What it checks
A key is never removed from its actor; it is retired or revoked. An OpenPGP certificate may be updated in its place, if it keeps every key that signs.

## Why it matters
Another actor could add it again under another name.

## Example
A key line deleted.

## How to fix
Write `{key: …, retired: true}`.
"#;
