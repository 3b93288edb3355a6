//! MR004 yaml-syntax: the file is not YAML.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR004",
        name: "yaml-syntax",
        summary: "the file is not YAML",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::Syntax)),
};

const DOCS: &str = r#"
## What it checks
The file is YAML, and a mapping.

## Why it matters
A file that can't be read can't be judged.

## Example
A list that is never closed.

## How to fix
Correct the place that the finding points at.
"#;
