//! MR003 control-character: the file holds a character that is not seen as it is.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR003",
        name: "control-character",
        summary: "the file holds a character that is not seen as it is",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::ControlCharacter),
    ),
};

const DOCS: &str = r#"
## What it checks
No control character, bidirectional override or zero-width mark stands in the file, nor behind an escape; tabs count too.

## Why it matters
Such characters make a reviewer see something else than what a program reads.

## Example
A reason that holds U+202E, so that its text shows backwards.

## How to fix
Remove the character; write `\t` in double quotes for a tab.
"#;
