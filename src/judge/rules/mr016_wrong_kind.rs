//! MR016 wrong-kind: `kind` does not belong at this path.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR016",
        name: "wrong-kind",
        summary: "`kind` does not belong at this path",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Kind { .. })),
};

const DOCS: &str = r#"
## What it checks
`kind` is the one that belongs at this path.

## Why it matters
The path is the identity: a Review at the path of a version is neither.

## Example
`kind: Review` in `version.yaml`.

## How to fix
Move the file to its own path.
"#;
