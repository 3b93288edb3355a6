//! MR509 mainline-deleted: a push would delete the mainline.

use super::{Check, Rule};
use crate::base::Oid;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR509",
        name: "mainline-deleted",
        summary: "a push would delete the mainline",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about a push that deletes `mainline`; `tip` is its present commit.
pub fn mainline_deleted(mainline: &str, tip: Option<Oid>) -> Finding<Anchor> {
    let now = tip.map_or_else(String::new, |tip| format!(", which is at {}", tip.short()));
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!("the push would delete `{mainline}`{now}"),
    )
    .why("the mainline is the registry's history, and history only grows")
    .help(format!("leave `{mainline}` out of the push"))
}

const DOCS: &str = r#"
## What it checks
No push deletes the mainline of a guarded repository.

## Why it matters
The mainline is the proof of every decision. After a deletion, another mainline can be pushed that lacks a rejection, or a revocation.

## Example
`git push origin :main`, or `git push --mirror` from a clone without that branch.

## How to fix
Leave the mainline out of the push. To retire a registry, archive the repository on the server.
"#;
