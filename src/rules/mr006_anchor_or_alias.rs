//! MR006 anchor-or-alias: the file uses an anchor, an alias or a merge key.

use super::{Check, Rule};
use crate::finding::RuleInfo;
use crate::snapshot::ReadFault;
use crate::source::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR006",
        name: "anchor-or-alias",
        summary: "the file uses an anchor, an alias or a merge key",
        docs: DOCS,
    },
    check: Check::Fault(|fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::Anchor)),
};

const DOCS: &str = "";
