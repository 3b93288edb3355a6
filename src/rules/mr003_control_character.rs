//! MR003 control-character: the file holds a character that is not seen as it is.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

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

const DOCS: &str = "";
