//! MR010 explicit-null: a value is null or empty.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR010",
        name: "explicit-null",
        summary: "a value is null or empty",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::ExplicitNull),
    ),
};

const DOCS: &str = r#"
## What it checks
No value is null: not `null`, not `~`, and not empty.

## Why it matters
Absent and null would have to mean the same, and they sign differently.

## Example
`description:` without a value.

## How to fix
Leave the key out, or write `""`.
"#;
