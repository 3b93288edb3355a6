//! MR015 unknown-format: `apiVersion` names a format that this version does not know.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR015",
        name: "unknown-format",
        summary: "`apiVersion` names a format that this version does not know",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Format { .. })),
};

const DOCS: &str = r#"
## What it checks
`apiVersion` is `modelry/v1`.

## Why it matters
A newer format may have fields that this program does not know. To ignore them would be to pass them.

## Example
`apiVersion: modelry/v2`.

## How to fix
Use a newer Modelry.
"#;
