//! MR011 ambiguous-scalar: a value reads differently in YAML 1.1 and 1.2.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR011",
        name: "ambiguous-scalar",
        summary: "a value reads differently in YAML 1.1 and 1.2",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::AmbiguousScalar),
    ),
};

const DOCS: &str = r#"
## What it checks
No plain value is read differently by YAML 1.1 and 1.2.

## Why it matters
`no` is false, `017` is fifteen and `12:30` is 750 to a YAML 1.1 reader.

## Example
`labels: {region: no}`.

## How to fix
Write the spelling that the finding shows: quotes for text.
"#;
