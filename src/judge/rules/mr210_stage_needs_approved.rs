//! MR210 stage-needs-approved: a version serves a stage that requires Approved, and is not.

use super::scene::{Findings, Scene, one_of};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{RecordPath, Status, VersionId};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR210",
        name: "stage-needs-approved",
        summary: "a version serves a stage that requires Approved, and is not",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (ChangeKind::StageMoved { to: Some(to), .. }, Some(RecordPath::Stage(group, stage))) =
        (&scene.change.kind, scene.record())
    else {
        return Ok(());
    };
    if scene
        .policy
        .registry()
        .stage(stage)
        .is_none_or(|stage| stage.requires.is_none())
    {
        return Ok(());
    }
    let id = VersionId {
        group: group.clone(),
        number: *to,
    };
    let path = RecordPath::Version(id.clone());
    let Some(version) = scene.step.says(&path)? else {
        return Ok(());
    };
    let Some(status) = version
        .version()
        .map(|version| version.status)
        .filter(|status| *status != Status::Approved)
    else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        scene.at("/version"),
        format!("{id} can't serve `{stage}`: it is {status}"),
    )
    .related(
        Anchor::after(path.to_string(), "/status"),
        format!("it is `{status}`"),
    )
    .why(format!("the policy lets only Approved versions serve `{stage}`"));
    let tally = scene.step.tally(scene.policy, &id, &version)?;
    out.push(match (status, &tally.could_approve[..]) {
        (Status::Pending, [_, ..]) => finding.help(format!(
            "have it approved first: ask {} to run `modelry approve {id} -m REASON`",
            one_of(&tally.could_approve, "nobody")
        )),
        (Status::Pending, []) => finding.choose(format!(
            "have it approved first: `modelry show {id}` says what is missing"
        )),
        _ => finding.choose(format!(
            "give the stage a version that is Approved: `modelry list {group} --status approved` shows them"
        )),
    });
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A stage with `requires: Approved` serves only Approved versions.

## Why it matters
The stage names the version that is in production.

## Example
A Pending version assigned to `production`.

## How to fix
Have it approved first.
"#;
