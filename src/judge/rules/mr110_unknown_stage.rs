//! MR110 unknown-stage: a stage is assigned that the policy does not list.

use super::scene::{Findings, Scene, names, one_of};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{REGISTRY_FILE, RecordPath};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR110",
        name: "unknown-stage",
        summary: "a stage is assigned that the policy does not list",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (ChangeKind::StageMoved { .. }, Some(RecordPath::Stage(_, stage))) =
        (&scene.change.kind, scene.record())
    else {
        return Ok(());
    };
    let stages = &scene.policy.registry().stages;
    if stages.iter().any(|known| known.name == *stage) {
        return Ok(());
    }
    let known: Vec<_> = stages.iter().map(|stage| &stage.name).collect();
    let finding = Finding::new(
        &RULE.info,
        scene.at("/stage"),
        format!("the policy has no stage `{stage}`"),
    )
    .related(Anchor::before(REGISTRY_FILE, "/stages"), "the stages")
    .why(format!("its stages are {}", names(&known, "none")))
    .choose(format!(
        "name a stage of the policy ({}), or have an administrator add this one to `registry.yaml` first",
        one_of(&known, "it has none")
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A stage that is assigned is in the policy.

## Why it matters
A stage without a rule has no requirement to keep.

## Example
`stages/prod.yaml` where the policy says `production`.

## How to fix
Use the policy's name, or have the stage added.
"#;
