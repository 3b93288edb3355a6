//! MR404 registry-identity: `registry.yaml` is gone, or its id changed.

use super::scene::{Findings, Step, in_policy};
use super::{Check, Rule};
use crate::change::ChangeKind;
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
    let change = step
        .changes()
        .iter()
        .find(|change| change.record == Some(RecordPath::Registry));
    let Some(change) = change else { return Ok(()) };
    if change.kind == ChangeKind::Removed {
        let finding = Finding::new(
            &RULE.info,
            Anchor::before("registry.yaml", ""),
            "`registry.yaml` is removed, and it never goes",
        )
        .help("restore the file");
        out.push(finding);
        return Ok(());
    }
    let id = |loaded: &Option<std::sync::Arc<crate::snapshot::Loaded>>| {
        loaded
            .as_ref()
            .and_then(|loaded| loaded.registry().map(|registry| registry.id.clone()))
    };
    let after = id(&change.after);
    // The policy in force knows the id, also where the file was broken before.
    let before = step.policy.map(|policy| policy.registry().id.clone());
    if before.is_none() || after.is_none() || before == after {
        return Ok(());
    }
    let finding = Finding::new(&RULE.info, in_policy("/id"), "the registry's `id` never changes")
        .related(Anchor::before("registry.yaml", "/id"), "it was this")
        .why("every signature names it, so that it fits no other registry")
        .help("restore the `id`");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
`registry.yaml` never goes, and its `id` never changes.

## Why it matters
The id is in every signature, so that it fits no other registry.

## Example
A copied registry with another id.

## How to fix
Restore it; `modelry init` makes a new registry.
"#;
