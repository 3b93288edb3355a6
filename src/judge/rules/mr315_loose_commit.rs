//! MR315 loose-commit: a commit that is not in strict form proves no actor.

use super::scene::{Findings, Scene, at_author, needs_author};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR315",
        name: "loose-commit",
        summary: "a commit that is not in strict form proves no actor",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !needs_author(scene) {
        return Ok(());
    }
    let Verdict::NotStrict(faults) = &scene.author.verdict else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        at_author(scene),
        format!(
            "the commit is not in strict form ({}): {}",
            faults.join("; "),
            scene.change.phrase()
        ),
    )
    .why(scene.author.verdict.words())
    .help("let git itself make the commit again: `git commit --amend --no-edit -S`");
    out.push(finding);
    Ok(())
}

/// Builds the finding about a commit in which readers may see another tree or other
/// parents, even if it changes nothing here.
pub fn ambiguous_commit(faults: &[String]) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "the commit is not in strict form ({}): its readers may see different trees or parents",
            faults.join("; ")
        ),
    )
    .choose(
        "an administrator compares what it changed, and accepts it with `acknowledged` in `registry.yaml`",
    )
}

const DOCS: &str = r#"
## What it checks
A commit whose signature counts is in strict form: known headers in order, one signature, UTF-8, nothing hidden, at most two parents.
A commit of the mainline that names two trees, or a parent out of order, is a finding whatever it changes.

## Why it matters
One reader of a loose commit skips the bytes that another believes.

## Example
A commit with two `gpgsig` headers.

## How to fix
Make it again with git itself.
"#;
