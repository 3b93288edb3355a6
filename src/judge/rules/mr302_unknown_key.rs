//! MR302 unknown-key: a change is signed by a key that is not an actor's.

use super::scene::{Findings, Scene, ask_administrator, at_author, needs_author};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR302",
        name: "unknown-key",
        summary: "a change is signed by a key that is not an actor's",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !needs_author(scene) {
        return Ok(());
    }
    let Verdict::UnknownKey(key) = &scene.author.verdict else {
        return Ok(());
    };
    let finding = Finding::new(&RULE.info, at_author(scene), format!("key {key} belongs to no actor: {}", scene.change.phrase()))
        .why(scene.author.verdict.words())
        .help(format!(
            "sign with a key that the policy lists, or {} to add this one: `modelry actor add-key ACTOR --key FILE`",
            ask_administrator(scene.policy)
        ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
The key belongs to an actor of the policy before the step.

## Why it matters
A valid signature by a stranger proves only that a stranger signed.

## Example
A commit signed by a key that is not in the policy.

## How to fix
Have an administrator add the key first.
"#;
