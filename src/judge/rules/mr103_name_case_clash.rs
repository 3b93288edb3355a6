//! MR103 name-case-clash: two groups have the same name but for case.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{GroupName, RecordPath};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR103",
        name: "name-case-clash",
        summary: "two groups have the same name but for case",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (ChangeKind::GroupCreated, Some(RecordPath::Group(group))) = (&scene.change.kind, scene.record())
    else {
        return Ok(());
    };
    let clash = |other: &&GroupName| *other != group && other.as_str().eq_ignore_ascii_case(group.as_str());
    let groups = scene.step.next.groups()?;
    let Some(other) = groups.iter().find(clash) else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        scene.at("/name"),
        format!("group `{group}` has the name of `{other}` but for case"),
    )
    .why("on a disk that ignores case the two are one folder")
    .choose("take another name");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
No two groups have names that differ in case alone.

## Why it matters
On a disk that ignores case they are one folder.

## Example
`Churn` beside `churn`.

## How to fix
Choose another name.
"#;
