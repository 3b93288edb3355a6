//! MR003 control-character: the file has a character that is invisible or looks like another.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR003",
        name: "control-character",
        summary: "the file has a character that is invisible or looks like another",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::ControlCharacter),
    ),
};

const DOCS: &str = r#"
## What it checks
The file has no control character, bidirectional override or zero-width mark, written plainly or as an escape. Tabs count too.

## Why it matters
Such characters make a reviewer see another text than a program reads.

## Example
A reason that holds U+202E, so that its text shows backwards.

## How to fix
Remove the character; write `\t` in double quotes for a tab.
"#;
