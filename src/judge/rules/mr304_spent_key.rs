//! MR304 spent-key: a change is signed by a retired or revoked key or actor.

use super::scene::{Findings, Scene, at_author, needs_author, sign_command};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR304",
        name: "spent-key",
        summary: "a change is signed by a retired or revoked key or actor",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !needs_author(scene) {
        return Ok(());
    }
    let (Verdict::Retired { .. } | Verdict::Revoked(_)) = &scene.author.verdict else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        at_author(scene),
        format!("the key proves nothing any more: {}", scene.change.phrase()),
    )
    .why(scene.author.verdict.words())
    .help(format!(
        "sign it with a key that is in force (`modelry whoami` shows yours): {}",
        sign_command(scene.author)
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
The key, and its actor, are in force: neither retired nor revoked.

## Why it matters
A person who left, or who stole the key, must not act. The position in history decides, not a time stamp.

## Example
A commit by a key that was revoked one step before.

## How to fix
Sign with a key that is in force.
"#;
