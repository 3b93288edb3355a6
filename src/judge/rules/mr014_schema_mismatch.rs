//! MR014 schema-mismatch: the document does not fit the schema of its kind.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR014",
        name: "schema-mismatch",
        summary: "the document does not fit the schema of its kind",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Schema(_))),
};

const DOCS: &str = r#"
## What it checks
The document fits the JSON Schema of its kind. All faults are reported at once.

## Why it matters
A mistyped field would be ignored silently.

## Example
`statuss: Pending`.

## How to fix
Do what the finding says; `modelry schema KIND` prints the schema.
"#;
