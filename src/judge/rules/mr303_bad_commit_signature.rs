//! MR303 bad-commit-signature: a commit's signature is not valid.

use super::scene::{Findings, Scene, at_author, needs_author};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR303",
        name: "bad-commit-signature",
        summary: "a commit's signature is not valid",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !needs_author(scene) {
        return Ok(());
    }
    let (Verdict::Bad(why), false) = (&scene.author.verdict, scene.author.by_record) else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        at_author(scene),
        format!(
            "the commit's signature does not hold ({why}): {}",
            scene.change.phrase()
        ),
    )
    .why(scene.author.verdict.words())
    .help("sign the commit again: `git commit --amend --no-edit -S`; a signature can't be taken from another commit");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A commit's signature is valid over its stored bytes, in Git's namespace, by a strong enough algorithm.

## Why it matters
A signature that was copied from another commit proves nothing about this one.

## Example
A signed commit that was amended by hand.

## How to fix
Make the commit again and sign it.
"#;
