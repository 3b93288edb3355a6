//! MR011 ambiguous-scalar: a value reads differently in YAML 1.1 and 1.2.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR011",
        name: "ambiguous-scalar",
        summary: "a value reads differently in YAML 1.1 and 1.2",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::AmbiguousScalar),
    ),
};

const DOCS: &str = "";
