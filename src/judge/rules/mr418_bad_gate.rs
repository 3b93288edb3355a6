//! MR418 bad-gate: a gate's condition can't be judged.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::trust::compile_gate;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR418",
        name: "bad-gate",
        summary: "a gate's condition can't be judged",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    for (rule, approval) in scene.registry().approvals.iter().enumerate() {
        for (index, gate) in approval.gates.iter().enumerate() {
            let Err(fault) = compile_gate(gate) else { continue };
            let mut finding = Finding::new(
                &RULE.info,
                in_policy(format!("/approvals/{rule}/gates/{index}/require")),
                format!("gate `{}` can't be judged: {}", gate.name, fault.message),
            );
            if let Some(part) = fault.span.and_then(|span| gate.require.get(span)) {
                finding = finding.why(format!("at `{part}`"));
            }
            out.push(finding.choose(
                "write a condition that can be judged: conditions are CEL over metrics, evidence, card, spec and champion: comparison, arithmetic, logic, `in`, `has`, `size`, `exists`, `all`",
            ));
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Every gate compiles, names only members that exist, and is small enough to be judged at once.

## Why it matters
A gate that can't be judged is never met, so no version could be approved any more.

## Example
`require: metrics.auc >= ` or `require: card.text.matches("a+")`.

## How to fix
Correct the condition; the finding names the place in it.
"#;
