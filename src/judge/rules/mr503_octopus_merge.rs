//! MR503 octopus-merge: a step with more than two parents touches the registry.

use super::{Check, Rule};
use crate::judge::finding::{Anchor, Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR503",
        name: "octopus-merge",
        summary: "a merge of more than two parents touches the registry",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about a merge of this many parents that changes `path`.
pub fn octopus_merge(parents: usize, path: &str) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(path),
        format!("a merge of {parents} parents touches the registry"),
    )
    .why("two parents tell who wrote what; of more, no reader agrees with another")
    .help("merge the branches one after the other")
}

const DOCS: &str = r#"
## What it checks
A step that touches the registry has at most two parents.

## Why it matters
With two parents, the author of each change can be determined. With more, readers disagree.

## Example
`git merge feature-1 feature-2`, each of which registers a version.

## How to fix
Merge the branches one after the other.
"#;
