//! MR005 not-one-document: the file is not exactly one document.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR005",
        name: "not-one-document",
        summary: "the file is not exactly one document",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::NotOneDocument),
    ),
};

const DOCS: &str = r#"
## What it checks
The file holds exactly one document, with no directive.

## Why it matters
Some readers take the first document, some the last, some all.

## Example
Two documents with `---` between them.

## How to fix
Keep one record in a file.
"#;
