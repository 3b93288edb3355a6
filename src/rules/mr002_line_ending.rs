//! MR002 line-ending: a line does not end with a line feed alone.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

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

const DOCS: &str = "";
