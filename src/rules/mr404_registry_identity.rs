//! MR404 registry-identity: `registry.yaml` is gone, or its id changed.

use super::scene::{Findings, Step, in_policy};
use super::{Check, Rule};
use crate::change::{Change, ChangeKind};
use crate::error::Error;
use crate::finding::{Anchor, Finding, RuleInfo};
use crate::model::RecordPath;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR404",
        name: "registry-identity",
        summary: "`registry.yaml` is gone, or its id changed",
        docs: DOCS,
    },
    check: Check::Step(check),
};

fn check(step: &Step<'_>, out: &mut Findings) -> Result<(), Error> {
    // Behind a merge there may be several changes, one after the other.
    let changes = || {
        let all = step.changes().iter();
        all.filter(|change| change.record == Some(RecordPath::Registry))
    };
    if changes().any(|change| change.kind == ChangeKind::Removed) {
        let finding = Finding::new(
            &RULE.info,
            Anchor::before("registry.yaml", ""),
            "`registry.yaml` is removed, and it never goes",
        )
        .why("the root pins its folder too, so that a registry can't be moved or renamed")
        .help("restore the file; where its folder was moved, move it back");
        out.push(finding);
        return Ok(());
    }
    // The policy in force knows the id, also where the file was broken before.
    let Some(policy) = step.policy else { return Ok(()) };
    let is_another = |change: &Change| {
        let after = change.after.as_ref().and_then(|after| after.registry());
        after.is_some_and(|after| after.id != policy.registry().id)
    };
    if !changes().any(is_another) {
        return Ok(());
    }
    let finding = Finding::new(&RULE.info, in_policy("/id"), "the registry's `id` never changes")
        .related(Anchor::before("registry.yaml", "/id"), "it was this")
        .why("every signature names it, so that it fits no other registry")
        .help(format!("write `id: {}`", policy.registry().id));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
`registry.yaml` never goes, its folder never moves, and its `id` never changes.

## Why it matters
The id is in every signature, so that it fits no other registry. The folder is
part of the pinned root and of every record's path: a registry that could move
could leave its history behind.

## Example
A copied registry with another id.

## How to fix
Restore it; move the folder back (`git mv NEW OLD`). `modelry init` makes a new registry.
"#;
