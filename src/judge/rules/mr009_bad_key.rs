//! MR009 bad-key: a key is not text.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR009",
        name: "bad-key",
        summary: "a key is not text",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::BadKey)),
};

const DOCS: &str = r#"
## What it checks
Every key is text to every reader, and on one line with its colon.

## Why it matters
`no`, `1` or a list as a key is something else to half of the readers. Some find
no key whose colon is on another line, or more than 1024 characters away.

## Example
`labels: {no: x}`.

## How to fix
Put the key in double quotes, on one line.
"#;
