//! MR401 serial-not-raised: the policy changed and its serial did not go up, or leapt.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::{MAX_RISE, REGISTRY_FILE};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR401",
        name: "serial-not-raised",
        summary: "the policy changed and its serial did not go up, or leapt",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(before) = scene.before else { return Ok(()) };
    let (old, new) = (before.registry().serial, scene.registry().serial);
    if new > old.saturating_add(MAX_RISE) {
        let finding = Finding::new(
            &RULE.info,
            in_policy("/serial"),
            format!("`serial` leaps from {old} to {new}, by more than {MAX_RISE}"),
        )
        .why("once the largest number is used, the policy could never change again")
        .help(format!("write `serial: {}`", old + 1));
        out.push(finding);
        return Ok(());
    }
    if new > old {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        in_policy("/serial"),
        format!("`serial` must be above {old}, since the policy changed"),
    )
    .related(Anchor::before(REGISTRY_FILE, "/serial"), "it was this")
    .help(format!("write `serial: {}`", old + 1));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
`serial` goes up with every change of the policy, by at most 100,000.

## Why it matters
Otherwise an older policy, with its old rights, could come back.

## Example
A grant added, and the serial as it was.

## How to fix
Write the next number.
"#;
