//! MR007 yaml-tag: the file uses a YAML tag.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR007",
        name: "yaml-tag",
        summary: "the file uses a YAML tag",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::Tag)),
};

const DOCS: &str = r#"
## What it checks
The file uses no tag (`!`).

## Why it matters
A tag makes readers build another value than the one that is written.

## Example
`version: !!str 3`.

## How to fix
Remove the tag; quote the value if it is text.
"#;
