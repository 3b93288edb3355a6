//! MR111 unknown-version: a stage is given a version that does not exist.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{RecordPath, VersionId};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR111",
        name: "unknown-version",
        summary: "a stage is given a version that does not exist",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (ChangeKind::StageMoved { to: Some(to), .. }, Some(RecordPath::Stage(group, _))) =
        (&scene.change.kind, scene.record())
    else {
        return Ok(());
    };
    let id = VersionId {
        group: group.clone(),
        number: *to,
    };
    let what = match scene.step.next.read(&RecordPath::Version(id.clone()))? {
        None => "does not exist",
        Some(version) if version.tombstone().is_some() => "is deleted",
        Some(_) => return Ok(()),
    };
    let finding = Finding::new(&RULE.info, scene.at("/version"), format!("version {id} {what}")).choose(
        format!("name a version of `{group}`: `modelry list {group}` shows them"),
    );
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A stage is given a version that exists and is not deleted.

## Why it matters
A deployment of that stage would find no version.

## Example
`version: 99` in `stages/production.yaml`.

## How to fix
Name a version of the group.
"#;
