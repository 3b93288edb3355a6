//! MR008 duplicate-key: a key stands twice in one mapping.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR008",
        name: "duplicate-key",
        summary: "a key stands twice in one mapping",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::DuplicateKey),
    ),
};

const DOCS: &str = "";
