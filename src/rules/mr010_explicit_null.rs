//! MR010 explicit-null: a value is null or empty.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR010",
        name: "explicit-null",
        summary: "a value is null or empty",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::ExplicitNull),
    ),
};

const DOCS: &str = "";
