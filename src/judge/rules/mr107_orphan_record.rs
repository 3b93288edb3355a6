//! MR107 orphan-record: a record exists without its group or version.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::RecordPath;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR107",
        name: "orphan-record",
        summary: "a record exists without its group or version",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(path) = scene.record() else { return Ok(()) };
    let Some(after) = &scene.change.after else {
        return Ok(());
    };
    if scene.change.kind == ChangeKind::TombstoneChanged {
        return Ok(());
    }
    let Some(group) = path.group() else { return Ok(()) };
    let next = &scene.step.next;
    // A file that a side branch wrote and then replaced is not in the result.
    if next.read(path)?.is_none_or(|here| here.id != after.id) {
        return Ok(());
    }
    if !matches!(path, RecordPath::Group(_)) {
        let home = next.read(&RecordPath::Group(group.clone()))?;
        let what = match home {
            None => format!("there is no group `{group}`"),
            Some(home) if home.tombstone().is_some() => format!("group `{group}` is deleted"),
            Some(_) => String::new(),
        };
        // A version's tombstone may be in a deleted group: it was there before.
        if !what.is_empty() && scene.change.kind != ChangeKind::VersionDeleted {
            let finding = Finding::new(
                &RULE.info,
                scene.at(""),
                format!("{} stands alone: {what}", scene.change.path),
            )
            .help(format!("create the group first: `modelry group create {group}`"));
            out.push(finding);
            return Ok(());
        }
    }
    let Some(id) = path.version() else { return Ok(()) };
    if matches!(path, RecordPath::Version(_)) {
        return Ok(());
    }
    let what = match next.read(&RecordPath::Version(id.clone()))? {
        None => format!("there is no version {id}"),
        Some(version) if version.tombstone().is_some() => format!("version {id} is deleted"),
        Some(_) => return Ok(()),
    };
    let finding = Finding::new(
        &RULE.info,
        scene.at(""),
        format!("{} stands alone: {what}", scene.change.path),
    )
    .help("remove the file, or register the version that it belongs to");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A record belongs to a group that exists and a version that exists.

## Why it matters
A card without its version does not count, and a reader could believe that it does.

## Example
`reviews/risk-1.yaml` where there is no `version.yaml`.

## How to fix
Register the version, or remove the file.
"#;
