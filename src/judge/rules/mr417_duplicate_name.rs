//! MR417 duplicate-name: two stages, or two gates of one rule, have one name.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR417",
        name: "duplicate-name",
        summary: "two stages, or two gates of one rule, have one name",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let registry = scene.registry();
    let mut twice = |at: &dyn Fn(usize) -> String, names: Vec<&str>, what: &str| {
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                let finding = Finding::new(
                    &RULE.info,
                    in_policy(at(index)),
                    format!("there are two {what}s `{name}`"),
                )
                .choose("rename one of them");
                out.push(finding);
            }
        }
    };
    twice(
        &|index| format!("/stages/{index}/name"),
        registry.stages.iter().map(|stage| stage.name.as_str()).collect(),
        "stage",
    );
    for (rule, approval) in registry.approvals.iter().enumerate() {
        let at = |index| format!("/approvals/{rule}/gates/{index}/name");
        twice(
            &at,
            approval.gates.iter().map(|gate| gate.name.as_str()).collect(),
            "gate",
        );
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Stages, and the gates of one rule, have names of their own.

## Why it matters
A name that two share is ambiguous.

## Example
`production` twice under `stages`.

## How to fix
Rename one.
"#;
