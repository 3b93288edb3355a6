//! MR414 revocation-undone: a revocation is taken back.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;
use crate::trust::fingerprint;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR414",
        name: "revocation-undone",
        summary: "a revocation is taken back",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(before) = scene.before else { return Ok(()) };
    for (index, was) in before.registry().revoked.iter().enumerate() {
        let key = fingerprint(&was.key);
        let is = scene
            .registry()
            .revoked
            .iter()
            .find(|is| fingerprint(&is.key) == key);
        let what = match is {
            None => "is removed",
            Some(is) if was.since.is_some() && is.since.is_none() => "loses its `since`",
            Some(_) => continue,
        };
        let finding = Finding::new(
            &RULE.info,
            in_policy("/revoked").key(),
            format!("the revocation of {} {what}, and revocations only grow", was.key),
        )
        .related(
            Anchor::before(REGISTRY_FILE, format!("/revoked/{index}")),
            "the revocation",
        )
        .help("restore the revocation");
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Revocations only grow.

## Why it matters
A stolen key must not come back.

## Example
An entry of `revoked` deleted.

## How to fix
Restore it.
"#;
