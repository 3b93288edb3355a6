//! MR202 record-removed: a record is gone without a deletion.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{RecordPath, Status};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR202",
        name: "record-removed",
        summary: "a record is gone without a deletion",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if scene.change.kind != ChangeKind::Removed || scene.record() == Some(&RecordPath::Registry) {
        return Ok(());
    }
    let help = match scene.record() {
        Some(RecordPath::Review(id, _)) => {
            let status = scene.step.next.read(&RecordPath::Version(id.clone()))?;
            let status = status.and_then(|loaded| loaded.version().map(|version| version.status));
            match status {
                Some(Status::Pending) => {
                    format!("restore the file; take a decision back with `modelry withdraw {id} -m REASON`")
                }
                _ => "restore the file: the decision rests on it".to_owned(),
            }
        }
        Some(RecordPath::Version(id)) => {
            let before = scene.change.before.as_ref().and_then(|before| before.version());
            let first = match before.map(|version| version.status) {
                Some(Status::Pending) => format!("`modelry reject {id} -m REASON`, then "),
                Some(Status::Approved) => format!("`modelry archive {id} -m REASON`, then "),
                _ => String::new(),
            };
            format!(
                "restore the files of its folder; delete a version with {first}`modelry delete {id} -m REASON`"
            )
        }
        Some(RecordPath::Group(group)) => {
            format!(
                "restore the files of its folder; delete a group, once its versions are deleted, with `modelry group delete {group} -m REASON`"
            )
        }
        _ => "restore the file: records go only with their version, by its deletion".to_owned(),
    };
    let finding = Finding::new(
        &RULE.info,
        Anchor::before(&scene.change.path, ""),
        format!("`{}` is removed", scene.change.path),
    )
    .label("it was here")
    .help(help);
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Records go only with their version, by its deletion.

## Why it matters
A review or a rejection that can vanish was never a record.

## Example
`reviews/risk-1.yaml` deleted.

## How to fix
Restore it; `modelry withdraw` takes a decision back.
"#;
