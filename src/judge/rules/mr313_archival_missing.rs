//! MR313 archival-missing: a version is Archived without an Archival.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{Action, RecordPath, Status};
use crate::trust;

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
    let why = match unsupported(scene, &RecordPath::Archival(id.clone()))? {
        None => return Ok(()),
        Some(why) => why,
    };
    let finding = Finding::new(
        &RULE.info,
        scene.at("/status"),
        format!("{id} is Archived, and nobody signed its retirement"),
    )
    .why(why)
    .help(match scene.change.kind {
        ChangeKind::StatusMoved {
            from: from @ Status::Pending,
            ..
        } if scene.change.before.is_some() => format!(
            "write `status: {from}`, and let the commands move it: `modelry reject {id} -m REASON`, then `modelry archive {id} -m REASON`"
        ),
        ChangeKind::StatusMoved { from, .. } if scene.change.before.is_some() => {
            format!("write `status: {from}`, and let the command move it: `modelry archive {id} -m REASON`")
        }
        _ => format!("retire it with `modelry archive {id} -m REASON`"),
    });
    out.push(finding);
    Ok(())
}

/// Returns why the Archival does not support the move, or `None` when it does. An Archival
/// that the step itself adds is judged as any other change.
fn unsupported(scene: &Scene<'_>, path: &RecordPath) -> Result<Option<String>, Error> {
    let loaded = scene.step.next.read(path)?;
    let Some((loaded, by)) = loaded.as_ref().and_then(|loaded| Some((loaded, loaded.by()?))) else {
        return Ok(Some("who retires a version says so in `archival.yaml`".into()));
    };
    let prior = &scene.step.prior;
    if prior.read(path)?.is_none_or(|before| before.id != loaded.id) {
        return Ok(None);
    }
    let group = scene.change.group();
    if !scene.policy.may(by, Action::Archive, group, None) {
        return Ok(Some(format!("`{by}`, of `archival.yaml`, may not archive here")));
    }
    let outside = scene.step.outside;
    let unproven = trust::unproven(scene.policy, prior, path, loaded, by, outside)?;
    Ok(unproven.map(|why| format!("`archival.yaml` does not count: {why}")))
}

const DOCS: &str = r#"
## What it checks
A version becomes Archived with an Archival by an actor with `archive`.

## Why it matters
The record must say who retired the version, and why.

## Example
`status: Archived` alone.

## How to fix
Use `modelry archive`.
"#;
