//! MR008 duplicate-key: a mapping has a key twice.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR008",
        name: "duplicate-key",
        summary: "a mapping has a key twice",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::DuplicateKey),
    ),
};

const DOCS: &str = r#"
## What it checks
A mapping has each key once.

## Why it matters
Of two values with one key, some readers keep the first and some the last.

## Example
`status` on two lines of one file.

## How to fix
Keep one of them.
"#;
