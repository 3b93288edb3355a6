//! MR301 unsigned-change: a change is not signed.

use super::scene::{Findings, Scene, at_author, needs_author, sign_command};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR301",
        name: "unsigned-change",
        summary: "a change is not signed",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !needs_author(scene) {
        return Ok(());
    }
    let (Verdict::Unsigned | Verdict::Nobody | Verdict::Host) = scene.author.verdict else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        at_author(scene),
        format!("nobody signed: {}", scene.change.phrase()),
    )
    .why(scene.author.verdict.words())
    .help(format!(
        "use the `modelry` command for it, or sign it with an actor's key: {}",
        sign_command(scene.author)
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A change that needs a particular author is signed.

## Why it matters
An unsigned commit proves no author. It may contain records with a signature of their own, and nothing else that needs an author.

## Example
A label edited in an unsigned commit.

## How to fix
Sign the commit, or use the `modelry` command.
"#;
