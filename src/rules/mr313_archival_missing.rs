//! MR313 archival-missing: a version is Archived without an Archival.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::error::Error;
use crate::finding::{Finding, RuleInfo};
use crate::model::{RecordPath, Status};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR313",
        name: "archival-missing",
        summary: "a version is Archived without an Archival",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !scene.moves()?.iter().any(|(_, to)| *to == Status::Archived) {
        return Ok(());
    }
    let Some(id) = scene.version_id() else {
        return Ok(());
    };
    let archival = scene.step.next.read(&RecordPath::Archival(id.clone()))?;
    if archival.is_some_and(|archival| archival.archival().is_some()) {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/status"),
        format!("{id} is Archived, and nobody signed its retirement"),
    )
    .why("who retires a version says so in `archival.yaml`")
    .help(format!("retire it with `modelry archive {id} -m REASON`"));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A version becomes Archived with an Archival of someone with `archive`.

## Why it matters
Who retired it, and why, must be told.

## Example
`status: Archived` alone.

## How to fix
Use `modelry archive`.
"#;
