//! MR108 number-too-high: a version's number is far above the group's highest.

use super::place::FROM_TOP;
use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::MAX_VERSION_GAP;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR108",
        name: "number-too-high",
        summary: "a version's number is far above the group's highest",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (ChangeKind::VersionRegistered, Some(id)) = (&scene.change.kind, scene.version_id()) else {
        return Ok(());
    };
    let highest = scene.step.prior.versions(&id.group)?.last().copied().unwrap_or(0);
    if id.number <= highest.saturating_add(MAX_VERSION_GAP) {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/version"),
        format!(
            "version number {} is more than {MAX_VERSION_GAP} above the highest of `{}`",
            id.number, id.group
        ),
    )
    .why(format!("the highest number so far is {highest}"))
    .help(format!(
        "move its folder to `{FROM_TOP}groups/{}/versions/{n}`, and write `version: {n}`",
        id.group,
        n = highest + 1
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A new version's number is at most 100,000 above the group's highest.

## Why it matters
One large number would use up all those below it, which are never given out again.

## Example
Version 9007199254740992 in a group of three.

## How to fix
Use the next number: `modelry register` does.
"#;
