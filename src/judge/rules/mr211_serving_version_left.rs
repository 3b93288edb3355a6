//! MR211 serving-version-left: a version leaves Approved while it serves a stage that requires it.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{RecordPath, Status};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR211",
        name: "serving-version-left",
        summary: "a version leaves Approved while it serves a stage that requires it",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (
        ChangeKind::StatusMoved {
            from: Status::Approved,
            to,
        },
        Some(id),
    ) = (&scene.change.kind, scene.version_id())
    else {
        return Ok(());
    };
    for stage in &scene.policy.registry().stages {
        if stage.requires.is_none() {
            continue;
        }
        let path = RecordPath::Stage(id.group.clone(), stage.name.clone());
        let Some(assignment) = scene.step.says(&path)? else {
            continue;
        };
        if assignment.stage().and_then(|stage| stage.version) != Some(id.number) {
            continue;
        }
        let finding = Finding::new(
            &RULE.info,
            scene.at("/status"),
            format!("{id} can't become {to}: it serves `{}`", stage.name),
        )
        .related(Anchor::after(path.to_string(), "/version"), "it serves here")
        .why(format!(
            "the policy lets only Approved versions serve `{}`",
            stage.name
        ))
        .help(format!(
            "put another version there first, or empty it: `modelry rollback {} {} --empty -m REASON`",
            id.group, stage.name
        ));
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A version does not leave Approved while it serves a stage that requires it.

## Why it matters
Production would serve a version that was just revoked.

## Example
Archiving the version that serves `production`.

## How to fix
Put another version there first; one commit may do both.
"#;
