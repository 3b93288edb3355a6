//! MR002 line-ending: a line does not end with a line feed alone.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR002",
        name: "line-ending",
        summary: "a line does not end with a line feed alone",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::LineEnding),
    ),
};

const DOCS: &str = r#"
## What it checks
Lines end with a line feed alone: no carriage return, NEL, U+2028 or U+2029.

## Why it matters
Digests and edits work on bytes, and readers disagree on where a line ends.

## Example
A file saved with Windows line ends.

## How to fix
Convert the line ends, and set `*.yaml text eol=lf` in `.gitattributes`.
"#;
