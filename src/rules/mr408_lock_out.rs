//! MR408 lock-out: nobody could change this policy again.

use super::scene::{Findings, PolicyScene, has_key, in_policy, names};
use super::{Check, Rule};
use crate::error::Error;
use crate::finding::{Finding, RuleInfo};
use crate::model::Action;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR408",
        name: "lock-out",
        summary: "nobody could change this policy again",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let able: Vec<_> = scene
        .after
        .holders(Action::Administer, None, None)
        .into_iter()
        .filter(|id| has_key(scene.after, id))
        .collect();
    let need = scene.registry().policy_change.required.max(1) as usize;
    if able.len() >= need {
        return Ok(());
    }
    let at = if scene.registry().policy_change.required > 1 {
        "/policyChange/required"
    } else {
        "/grants"
    };
    let finding = Finding::new(
        &RULE.info,
        in_policy(at),
        format!(
            "this policy needs {need} administrators to change it, and has {}",
            able.len()
        ),
    )
    .why(format!(
        "administrators with a key in force: {}",
        names(&able, "nobody")
    ))
    .help("grant `administer` to more persons with keys, or ask for fewer");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Enough administrators with keys in force are left to change the policy again.

## Why it matters
A policy that nobody can change is a registry that nobody can repair.

## Example
`policyChange: {required: 2}` with one administrator.

## How to fix
Grant `administer` to more persons.
"#;
