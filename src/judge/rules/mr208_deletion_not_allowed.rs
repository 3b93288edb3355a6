//! MR208 deletion-not-allowed: a version or group is deleted that can't be.

use super::scene::{Findings, Scene, names};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{RecordKind, RecordPath, Status, VersionId};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR208",
        name: "deletion-not-allowed",
        summary: "a version or group is deleted that can't be",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (Some(path), next) = (scene.record(), &scene.step.next) else {
        return Ok(());
    };
    let mut refuse = |why: String, help: String| {
        out.push(
            Finding::new(
                &RULE.info,
                scene.at("/kind"),
                format!("{} can't be deleted: {why}", scene.change.target()),
            )
            .help(help),
        );
    };
    match (&scene.change.kind, path) {
        (ChangeKind::VersionDeleted, RecordPath::Version(id)) => {
            let Some(before) = scene.change.before.as_ref().and_then(|before| before.version()) else {
                refuse("it never was".into(), "remove the file".into());
                return Ok(());
            };
            if !matches!(before.status, Status::Rejected | Status::Archived) {
                refuse(
                    format!("it is {}, not Rejected or Archived", before.status),
                    format!(
                        "restore the files of its folder, and retire it first: `modelry {} {id} -m REASON`, then `modelry delete {id} -m REASON`",
                        if before.status == Status::Pending {
                            "reject"
                        } else {
                            "archive"
                        }
                    ),
                );
            }
            for stage in next.stages(&id.group)? {
                let stage_path = RecordPath::Stage(id.group.clone(), stage.clone());
                let assignment = scene.step.says(&stage_path)?;
                if assignment.and_then(|loaded| loaded.stage().and_then(|stage| stage.version))
                    == Some(id.number)
                {
                    refuse(
                        format!("it serves `{stage}`"),
                        format!(
                            "give the stage another version first, or empty it: `modelry rollback {} {stage} --empty -m REASON`",
                            id.group
                        ),
                    );
                }
            }
            let beside = next.names(&RecordKind::Version.folder(id))?;
            let left: Vec<_> = beside.iter().filter(|name| *name != "version.yaml").collect();
            if !left.is_empty() {
                refuse(
                    format!("{} stays beside the tombstone", names(&left, "")),
                    "remove everything beside `version.yaml`".into(),
                );
            }
        }
        (ChangeKind::GroupDeleted, RecordPath::Group(group)) => {
            if scene.change.before.is_none() {
                refuse("it never was".into(), "remove the file".into());
            }
            for number in next.versions(group)? {
                let id = VersionId {
                    group: group.clone(),
                    number,
                };
                if next
                    .read(&RecordPath::Version(id.clone()))?
                    .is_none_or(|version| version.tombstone().is_none())
                {
                    refuse(
                        format!("version {id} is not deleted"),
                        format!("delete its versions first: `modelry delete {id} -m REASON`"),
                    );
                    break;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Versions are deleted from Rejected or Archived, with all beside them, while they serve nothing; groups when all their versions are.

## Why it matters
A version that is in use or undecided must not vanish.

## Example
A tombstone in the place of an Approved version.

## How to fix
Retire it first.
"#;
