//! MR205 revision-not-raised: a record changed and its revision did not go up, or leapt.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::MAX_RISE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR205",
        name: "revision-not-raised",
        summary: "a record changed and its revision did not go up, or leapt",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(after) = scene.change.after.as_ref() else {
        return Ok(());
    };
    if scene.change.kind == ChangeKind::Reformatted {
        return Ok(());
    }
    let old = scene.change.before.as_ref().and_then(|before| before.revision());
    if let Some(new) = after.revision()
        && new > old.unwrap_or(0).saturating_add(MAX_RISE)
    {
        let finding = Finding::new(
            &RULE.info,
            scene.at("/revision"),
            format!(
                "`revision` leaps from {} to {new}, by more than {MAX_RISE}",
                old.unwrap_or(0)
            ),
        )
        .why("once the largest number is used, the record could never change again")
        .help(format!(
            "write `revision: {}` and sign the record anew",
            old.unwrap_or(0) + 1
        ));
        out.push(finding);
        return Ok(());
    }
    // A merge that takes neither side's record must have a higher revision than both.
    if let (Some(beside), Some(path), Some(new)) = (scene.step.beside, scene.record(), after.revision())
        && let (Some(theirs), Some(here)) = (beside.read(path)?, scene.step.next.read(path)?)
        && here.id == after.id
        && !theirs.same_content(after)
        && let Some(old) = theirs.revision().filter(|old| *old >= new)
    {
        let finding = Finding::new(
            &RULE.info,
            scene.at("/revision"),
            format!("`revision` must be above {old}, which the merged side has"),
        )
        .why("a merge that takes neither side's record would bring back what its author has changed since")
        .help(format!(
            "take the record of the merged side, or write `revision: {}` and sign it anew",
            old + 1
        ));
        out.push(finding);
        return Ok(());
    }
    let Some(before) = scene.change.before.as_ref() else {
        return Ok(());
    };
    let (Some(old), Some(new)) = (before.revision(), after.revision()) else {
        return Ok(());
    };
    if new > old {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/revision"),
        format!("`revision` must be above {old}, since the record changed"),
    )
    .related(Anchor::before(&scene.change.path, "/revision"), "it was this")
    .why("a revision that goes up keeps old signed bytes from coming back")
    .help(format!("write `revision: {}` and sign the record anew", old + 1));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A card, evaluation, review or stage that changes has a higher `revision`, by at most 100,000; at a merge that takes neither side's record, higher than on both sides.

## Why it matters
Otherwise old bytes with an old, good signature could be put back.

## Example
An earlier approval restored after it was withdrawn.

## How to fix
Raise the revision and sign again: the commands do both.
"#;
