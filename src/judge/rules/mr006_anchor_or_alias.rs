//! MR006 anchor-or-alias: the file uses an anchor, an alias or a merge key.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR006",
        name: "anchor-or-alias",
        summary: "the file uses an anchor, an alias or a merge key",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::Anchor)),
};

const DOCS: &str = r#"
## What it checks
The file uses no anchor (`&`), alias (`*`) or merge key (`<<`).

## Why it matters
An alias hides a value far from where it counts, and a chain of them can grow without bound.

## Example
`status: *s`, with `&s` somewhere above.

## How to fix
Write each value out.
"#;
