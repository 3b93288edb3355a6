//! MR014 schema-mismatch: the document is not what its kind asks for.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR014",
        name: "schema-mismatch",
        summary: "the document is not what its kind asks for",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Schema(_))),
};

const DOCS: &str = r#"
## What it checks
The document fits the JSON Schema of its kind; all that does not is told at once.

## Why it matters
A field that is mistyped would silently mean nothing.

## Example
`statuss: Pending`.

## How to fix
Do what the finding says; `modelry schema KIND` prints the schema.
"#;
