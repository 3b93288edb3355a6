//! MR402 policy-mixed: a step changes the policy and the groups together.

use super::scene::{Findings, Step, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::group_in;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR402",
        name: "policy-mixed",
        summary: "a step changes the policy and the groups together",
        docs: DOCS,
    },
    check: Check::Step(check),
};

fn check(step: &Step<'_>, out: &mut Findings) -> Result<(), Error> {
    // Removed records may be put back; a root is judged as one.
    let changes = |kind: &ChangeKind| match kind {
        ChangeKind::PolicyChanged => true,
        ChangeKind::RegistryCreated => step.policy.is_some(),
        _ => false,
    };
    if !step.changes().iter().any(|change| changes(&change.kind)) {
        return Ok(());
    }
    let Some(other) = step
        .changes()
        .iter()
        .find(|change| group_in(&change.path).is_some())
    else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        in_policy("/serial"),
        "the policy changes in a step of its own",
    )
    .label("the policy changes")
    .related(
        Anchor::file(&other.path),
        format!("and so does this: {}", other.phrase()),
    )
    .why("a change is judged by the policy before it, and a reviewer must see a policy change alone")
    .help("commit `registry.yaml` first, alone; then the rest");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A step changes the policy or the groups, not both.

## Why it matters
A change is judged by the policy before it, and a reviewer must see a policy change alone.

## Example
A new approver and their first approval in one commit.

## How to fix
Land the policy first.
"#;
