//! MR001 not-utf8: the file is not UTF-8, or starts with a byte order mark.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR001",
        name: "not-utf8",
        summary: "the file is not UTF-8, or starts with a byte order mark",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::NotUtf8)),
};

const DOCS: &str = r#"
## What it checks
The file is UTF-8 without a byte order mark.

## Why it matters
Programs that guess an encoding guess differently, so a reviewer and a consumer would read different texts.

## Example
A file saved as UTF-16, or with the bytes `ef bb bf` at its start.

## How to fix
Save the file as UTF-8 without a byte order mark.
"#;
