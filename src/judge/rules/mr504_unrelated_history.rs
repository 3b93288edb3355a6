//! MR504 unrelated-history: a merge adds registry files of another history.

use super::{Check, Rule};
use crate::judge::finding::{Anchor, Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR504",
        name: "unrelated-history",
        summary: "a merge touches the registry with a history that shares no commit with it",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about a merge of unrelated parents that changes `path`.
pub fn unrelated_history(path: &str) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(path),
        "the merged side shares no commit with the mainline, and touches the registry",
    )
    .why("what was written elsewhere was written of another registry")
    .help("make the changes anew on a branch that starts on the mainline")
}

const DOCS: &str = r#"
## What it checks
Both sides of a merge that touches the registry come from one history.

## Why it matters
Records of another history belong to another registry, under another policy.

## Example
`git merge --allow-unrelated-histories` of a copy of the registry.

## How to fix
Make the changes again on a branch that starts on the mainline.
"#;
