//! MR505 inverted-mainline: a commit that was on the mainline is now only on
//! the other side of a merge.

use super::{Check, Rule};
use crate::base::Oid;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR505",
        name: "inverted-mainline",
        summary: "a commit that was on the mainline is now only on the other side of a merge",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about `known`, which `what` names, and which `tip` reaches through
/// another parent than the first.
pub fn inverted_mainline(what: &str, known: Oid, tip: Oid) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "{what} {} is below {}, but not among its first parents",
            known.short(),
            tip.short()
        ),
    )
    .why("the mainline was merged into a branch, and the branch took its place: what was a side is now judged as the mainline")
    .help("reset the branch to the commit before, and merge the other way round: `git switch` to the mainline first, or `git pull --rebase` before a push")
}

const DOCS: &str = r#"
## What it checks
Every earlier tip of the mainline stays among the first parents of later tips.

## Why it matters
The chain of first parents is the order in which changes were judged. Merging the mainline into a branch and pushing the branch as the mainline reverses that order, and a side that was never judged becomes history.

## Example
`git pull` on a branch that is behind, and then `git push` to the mainline.

## How to fix
Reset the mainline to where it was, and merge the other way round. If it was intended, `--replay` proves the mainline from the root and remembers the new point.
"#;
