//! MR305 bad-record-signature: a record's own signature does not hold.

use super::scene::{Findings, Scene, at_author, needs_author};
use super::{Check, Rule};
use crate::access::Verdict;
use crate::error::Error;
use crate::finding::{Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR305",
        name: "bad-record-signature",
        summary: "a record's own signature does not hold",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !needs_author(scene) {
        return Ok(());
    }
    let (Verdict::Bad(why), true) = (&scene.author.verdict, scene.author.by_record) else {
        return Ok(());
    };
    let finding = Finding::new(&RULE.info, at_author(scene), format!("the record's signature does not hold ({why}): {}", scene.change.phrase()))
        .why(scene.author.verdict.words())
        .help("let its author make the record anew with the `modelry` command; whoever edits a signed record breaks it");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A record's own signature holds over the record as it is, for this registry and path.

## Why it matters
A signature that does not verify is a lie, whoever carries it.

## Example
A reason edited in a signed review.

## How to fix
Let the author make the record anew.
"#;
