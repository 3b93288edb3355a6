//! MR420 shared-account: two actors list one account on a Git host.

use std::collections::BTreeMap;

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::{ActorId, Key};
use crate::record::yaml::pointer_step;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR420",
        name: "shared-account",
        summary: "two actors list one account on a Git host",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let mut holders: BTreeMap<(String, &str), (&ActorId, &Key)> = BTreeMap::new();
    for (id, actor) in &scene.registry().actors {
        for (host, account) in &actor.accounts {
            // Two spellings are one host.
            let key = (host.as_str().to_ascii_lowercase(), account.as_str());
            let (holder, spelling) = *holders.entry(key).or_insert((id, host));
            if holder == id {
                continue;
            }
            let pointer = |actor: &ActorId, host: &Key| {
                format!("/actors/{actor}/accounts/{}", pointer_step(host.as_str()))
            };
            let finding = Finding::new(
                &RULE.info,
                in_policy(pointer(id, host)),
                format!("account {account} on `{}` is `{holder}`'s already", host.as_str()),
            )
            .related(in_policy(pointer(holder, spelling)), "who lists it too")
            .why("one account would give the reviews of two people")
            .choose(format!("remove it from `{id}` or from `{holder}`"));
            out.push(finding);
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
An account on a Git host, by its immutable id, is listed under `accounts` of one actor. The host's name is the same in upper and lower case.

## Why it matters
A review on a host's page is reported for the person who lists the account: one account of two people would be two votes.

## Example
`accounts: {github: "1234567"}` under `risk-1` and under `risk-2`.

## How to fix
Leave it with the person who holds the account.
"#;
