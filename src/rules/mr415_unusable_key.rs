//! MR415 unusable-key: a key of the policy can't be used.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::error::Error;
use crate::finding::{Finding, RuleInfo};
use crate::verify::PublicKey;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR415",
        name: "unusable-key",
        summary: "a key of the policy can't be used",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    for (id, actor) in &scene.registry().actors {
        for (index, line) in actor
            .keys
            .iter()
            .enumerate()
            .filter_map(|(index, key)| Some((index, key.ssh()?)))
        {
            let why = match PublicKey::parse(line) {
                Err(why) => Some(why),
                Ok(key) => key.weakness(),
            };
            if let Some(why) = why {
                let finding = Finding::new(&RULE.info, in_policy(format!("/actors/{id}/keys/{index}")), format!("this key of `{id}` can't be used: {why}"))
                    .help("write one line as in a `.pub` file: ed25519, ecdsa, a security key's, or RSA of 3072 bits and more");
                out.push(finding);
            }
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Every key can be used: one OpenSSH line of a supported kind, RSA of 3072 bits or more.

## Why it matters
A key that proves nothing leaves its actor without a voice.

## Example
An RSA key of 2048 bits.

## How to fix
Make a key: `ssh-keygen -t ed25519`.
"#;
