//! MR013 too-large: the file, its depth or one of its values is too large.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR013",
        name: "too-large",
        summary: "the file, its depth or one of its values is too large",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::TooLarge)),
};

const DOCS: &str = r#"
## What it checks
File, nesting, number of values and length of a value keep within bounds: 256 KiB for a record, 1 MiB for card and policy.

## Why it matters
A verifier that can be exhausted can be blinded.

## Example
A card with a report pasted into it.

## How to fix
Keep the file elsewhere, and name it by URI and digest.
"#;
