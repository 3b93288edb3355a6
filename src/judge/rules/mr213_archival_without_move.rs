//! MR213 archival-without-move: a version has an Archival and is not Archived.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{RecordKind, RecordPath, Status};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR213",
        name: "archival-without-move",
        summary: "a version has an Archival and is not Archived",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !matches!(
        scene.change.kind,
        ChangeKind::Added(RecordKind::Archival) | ChangeKind::Changed(RecordKind::Archival)
    ) {
        return Ok(());
    }
    let Some(id) = scene.version_id() else {
        return Ok(());
    };
    let Some(version) = scene.step.says(&RecordPath::Version(id.clone()))? else {
        return Ok(());
    };
    if scene.change.kind == ChangeKind::Changed(RecordKind::Archival) {
        let finding = Finding::new(
            &RULE.info,
            scene.at(""),
            format!("the archival of {id} never changes"),
        )
        .related(Anchor::before(&scene.change.path, ""), "as it was given")
        .help("restore the file");
        out.push(finding);
        return Ok(());
    }
    let Some(status) = version
        .version()
        .map(|version| version.status)
        .filter(|status| *status != Status::Archived)
    else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        scene.at(""),
        format!("{id} has an archival and is {status}"),
    )
    .related(
        Anchor::after(RecordPath::Version(id.clone()).to_string(), "/status"),
        format!("it is `{status}`"),
    )
    .help(match status {
        Status::Pending => format!(
            "remove the file; what is Pending is rejected first: `modelry reject {id} -m REASON`, then `modelry archive {id} -m REASON`"
        ),
        _ => format!("remove the file, and retire it in one commit: `modelry archive {id} -m REASON`"),
    });
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
An Archival comes with the move to Archived, and never changes.

## Why it matters
A reader of that file alone would believe that the version is retired.

## Example
`archival.yaml` beside an Approved version.

## How to fix
Use `modelry archive`.
"#;
