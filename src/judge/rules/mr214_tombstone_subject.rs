//! MR214 tombstone-subject: a tombstone keeps another subject than the version had.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::RecordPath;
use crate::record::subject;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR214",
        name: "tombstone-subject",
        summary: "a tombstone keeps another subject than the version had",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (ChangeKind::VersionDeleted, Some(id)) = (&scene.change.kind, scene.version_id()) else {
        return Ok(());
    };
    let (Some(before), Some(after)) = (scene.change.before.as_ref(), scene.change.after.as_ref()) else {
        return Ok(());
    };
    if before.version().is_none() {
        return Ok(());
    }
    // A version that came and went on a side branch was never here with its card, and
    // neither was an approval of it.
    let prior = &scene.step.prior;
    let Some(stood) = prior.read(&RecordPath::Version(id.clone()))? else {
        return Ok(());
    };
    if stood.version().is_none() {
        return Ok(());
    }
    let subject = subject::version_subject(scene.policy.id(), id, &stood, prior)?;
    if after.tombstone().and_then(|tombstone| tombstone.subject.as_ref()) == Some(&subject) {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/subject"),
        format!("the tombstone of {id} must keep the subject that the version had"),
    )
    .why(format!("the subject was {subject}"))
    .help(format!(
        "write `subject: {subject}`, or use `modelry delete {id} -m REASON`"
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A tombstone keeps the subject digest that the version had.

## Why it matters
An old approval can be checked against nothing else.

## Example
A tombstone with an invented subject.

## How to fix
Use `modelry delete`.
"#;
