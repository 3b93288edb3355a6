//! MR415 unusable-key: a key of the policy can't be used.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::ActorKey;
use crate::trust::Credential;

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
        for (index, key) in actor.keys.iter().enumerate() {
            // A build that reads no certificates can't judge them.
            if key.openpgp().is_some() && !cfg!(feature = "openpgp") {
                continue;
            }
            let why = match Credential::of(key) {
                Err(why) => Some(why),
                Ok(key) => key.weakness(),
            };
            if let Some(why) = why {
                let help = match key {
                    ActorKey::OpenPgp(_) => {
                        "write what `gpg --armor --export --export-options export-minimal FINGERPRINT` prints: ed25519, ecdsa on a NIST curve, or RSA of 2048 bits and more, that signs and is bound with SHA-256 or better"
                    }
                    _ => {
                        "write one line as in a `.pub` file: ed25519, ecdsa, a security key's, or RSA of 3072 bits and more"
                    }
                };
                let finding = Finding::new(
                    &RULE.info,
                    in_policy(format!("/actors/{id}/keys/{index}")),
                    format!("this key of `{id}` can't be used: {why}"),
                );
                out.push(finding.choose(help));
            }
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Every key can be used: one OpenSSH line of a supported kind, RSA of 3072 bits or more; or one OpenPGP certificate without secret keys and with a key that can sign, RSA of 2048 bits or more, bound by signatures with SHA-256 or better.

## Why it matters
An actor whose key proves nothing can't sign.

## Example
An RSA key of 2048 bits.

## How to fix
Make a key: `ssh-keygen -t ed25519`.
"#;
