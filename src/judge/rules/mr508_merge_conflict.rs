//! MR508 merge-conflict: the mainline and a branch that is to land changed one file, and git
//! can't merge it.

use super::{Check, Rule};
use crate::judge::finding::{Anchor, Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR508",
        name: "merge-conflict",
        summary: "the mainline and a branch that is to land changed one file, and git can't merge it",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about a file that both sides changed; `ours` and `theirs` describe
/// its authors on the mainline and on the branch.
pub fn merge_conflict(
    path: &str,
    pointer: &str,
    ours: &str,
    theirs: &str,
    mainline: &str,
) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::after(path, pointer),
        format!("`{path}` is in conflict: `{mainline}` and the branch both changed it"),
    )
    .label("the branch has this")
    .related(Anchor::before(path, pointer), format!("`{mainline}` has this"))
    .why(format!("on `{mainline}`: {ours}"))
    .why(format!("on the branch: {theirs}"))
    .help(format!(
        "start from the tip of `{mainline}` and make the change anew there; who resolves a conflict by hand signs it as their own"
    ))
}

/// Builds the finding about a file outside the registry that one side removes and the
/// other changes, while the first one adds a file that is judged: `from` from the
/// repository's top, `to` from the registry's folder.
pub fn renamed_into(from: &str, to: &str, mainline: &str) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::after(to, ""),
        format!("`{from}` is removed on one side and changed on the other, where `{to}` is added"),
    )
    .why("git and hosts follow renames: the change could land inside of what was added, and nobody would have judged it")
    .help(format!(
        "start from the tip of `{mainline}` and make the change anew there"
    ))
}

const DOCS: &str = r#"
## What it checks
A branch that is to land can be merged with the mainline. No record was changed on both sides in lines that git can't reconcile. No file that one side removes and the other changes could be taken, by rename detection, for a judged file.

## Why it matters
A conflict is resolved by hand, and the person who resolves it answers for the result. No signature of either side covers it.

## Example
Two branches that register the same number, or two people who review under one actor's name.

## How to fix
Start from the mainline's tip and make the change again: `register` takes the next number, `approve` reviews the present content.
"#;
