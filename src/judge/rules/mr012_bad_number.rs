//! MR012 bad-number: a number is not finite, or too large to be kept exactly.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR012",
        name: "bad-number",
        summary: "a number is not finite, or too large to be kept exactly",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::Number)),
};

const DOCS: &str = r#"
## What it checks
Numbers are finite, whole numbers are within 2^53, and a number with a fraction or an
exponent is one that a double keeps: not `9007199254740993.5`, whose whole part is
rounded, and not `1.0e-400`, which is zero.

## Why it matters
Beyond that, readers round, and a signature would cover another number.

## Example
`size: 99999999999999999999`.

## How to fix
Write it as text, or in a larger unit.
"#;
