//! MR314 author-replaced: an evaluation is changed by another than its author.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::RecordKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR314",
        name: "author-replaced",
        summary: "an evaluation is changed by another than its author",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !matches!(
        scene.change.kind,
        ChangeKind::Changed(RecordKind::Evidence | RecordKind::Observation)
    ) {
        return Ok(());
    }
    let by = |loaded: &Option<std::sync::Arc<crate::record::snapshot::Loaded>>| {
        loaded.as_ref().and_then(|loaded| loaded.by().cloned())
    };
    let (Some(old), Some(new)) = (by(&scene.change.before), by(&scene.change.after)) else {
        return Ok(());
    };
    if old == new {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/by"),
        format!("this evaluation is `{old}`'s, and `{new}` changes it"),
    )
    .related(Anchor::before(&scene.change.path, "/by"), "its author")
    .help(format!(
        "restore the file, and add an evaluation of your own: `modelry evidence add {} NAME --metric NAME=NUMBER`",
        scene.change.target()
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
An evaluation is changed only by its author.

## Why it matters
A measured value must stay as it was measured.

## Example
A reviewer corrects the pipeline's metrics.

## How to fix
Add an evaluation of your own.
"#;
