//! MR016 wrong-kind: `kind` is not one that lives at this path.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR016",
        name: "wrong-kind",
        summary: "`kind` is not one that lives at this path",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Kind { .. })),
};

const DOCS: &str = r#"
## What it checks
`kind` is one that lives at this path.

## Why it matters
The path is the identity: a Review in the place of a version is neither.

## Example
`kind: Review` in `version.yaml`.

## How to fix
Move the file to its own path.
"#;
