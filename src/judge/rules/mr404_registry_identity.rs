//! MR404 registry-identity: `registry.yaml` is gone, or its id changed.

use super::moved::{moved, reverted};
use super::place::FROM_TOP;
use super::scene::{Findings, Step, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{REGISTRY_FILE, RecordPath};

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
    // A merged branch may have several changes, one after the other.
    let changes = || {
        let all = step.changes().iter();
        all.filter(|change| change.record == Some(RecordPath::Registry))
    };
    if changes().any(|change| change.kind == ChangeKind::Removed) {
        out.push(removed(step)?);
        return Ok(());
    }
    // The policy in force has the id, even if the file was unreadable before.
    let Some(policy) = step.policy else { return Ok(()) };
    let is_another = |change: &Change| {
        let after = change.after.as_ref().and_then(|after| after.registry());
        after.is_some_and(|after| after.id != policy.registry().id)
    };
    if !changes().any(is_another) {
        return Ok(());
    }
    let finding = Finding::new(&RULE.info, in_policy("/id"), "the registry's `id` never changes")
        .related(Anchor::before(REGISTRY_FILE, "/id"), "it was this")
        .why("every signature names it, so that it fits no other registry")
        .help(format!("write `id: {}`", policy.registry().id));
    out.push(finding);
    Ok(())
}

fn removed(step: &Step<'_>) -> Result<Finding<Anchor>, Error> {
    let at = Anchor::before(REGISTRY_FILE, "");
    if let Some(moved) = moved(step)? {
        let to = match moved.to.as_str() {
            "" => "the repository's top".to_owned(),
            to => format!("`{to}`"),
        };
        let words = format!("the registry is moved to {to}, and a registry can't be moved");
        return Ok(Finding::new(&RULE.info, at, words)
            .label("it was here")
            .why("the root pins its folder, and each record's path is part of what was signed")
            .help(moved.put_back(step)));
    }
    let line = reverted(step, |change| change.record == Some(RecordPath::Registry));
    let finding = Finding::new(&RULE.info, at, "`registry.yaml` is removed, and it never goes")
        .label("it was here")
        .why("the root pins its folder too, so that a registry can't be moved or renamed")
        .help(match line {
            Some(line) => format!("restore it: {line}"),
            None => format!(
                "restore it: `git restore --staged --worktree --source=HEAD -- {FROM_TOP}registry.yaml`"
            ),
        });
    Ok(finding)
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
Restore it; move the folder back (`git mv NEW OLD`, or `git revert -S` of the commit that moved it).
A signed step that puts back exactly what was there is clean. `modelry init` makes a new registry.
"#;
