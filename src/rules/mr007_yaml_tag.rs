//! MR007 yaml-tag: the file uses a YAML tag.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR007",
        name: "yaml-tag",
        summary: "the file uses a YAML tag",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::Tag)),
};

const DOCS: &str = "";
