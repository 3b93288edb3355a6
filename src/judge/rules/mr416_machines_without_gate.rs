//! MR416 machines-without-gate: machines may approve, and there is no gate.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR416",
        name: "machines-without-gate",
        summary: "machines may approve, and there is no gate",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    for (index, rule) in scene.registry().approvals.iter().enumerate() {
        if rule.machines == Some(true) && rule.gates.is_empty() {
            let finding = Finding::new(
                &RULE.info,
                in_policy(format!("/approvals/{index}/machines")),
                "machines may approve here, and no gate says on what ground",
            )
            .why(
                "automated approval rests on gates; without one a machine would approve whatever it is given",
            )
            .help("remove `machines`, or add a gate to the rule");
            out.push(finding);
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A rule under which machines approve has a gate.

## Why it matters
Automated approval rests on conditions. Without one, a machine approves everything that it is given.

## Example
`machines: true` and no `gates`.

## How to fix
Add a gate.
"#;
