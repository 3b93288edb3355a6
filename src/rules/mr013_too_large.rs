//! MR013 too-large: the file, its depth or one of its values is too large.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR013",
        name: "too-large",
        summary: "the file, its depth or one of its values is too large",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::TooLarge)),
};

const DOCS: &str = "";
