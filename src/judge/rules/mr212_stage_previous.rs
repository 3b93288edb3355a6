//! MR212 stage-previous: `previous` is not what served before.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR212",
        name: "stage-previous",
        summary: "`previous` is not what served before",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let ChangeKind::StageMoved { from, to } = &scene.change.kind else {
        return Ok(());
    };
    let stage = |loaded: &Option<std::sync::Arc<crate::record::snapshot::Loaded>>| {
        loaded.as_ref().and_then(|loaded| loaded.stage().cloned())
    };
    let Some(after) = stage(&scene.change.after) else {
        return Ok(());
    };
    let before = stage(&scene.change.before);
    // A new reason for the version that serves already keeps `previous`: else the version
    // before could be lost.
    let expected = match before {
        Some(before) if from == to => before.previous,
        _ => *from,
    };
    if after.previous == expected {
        return Ok(());
    }
    let say = |version: Option<u64>| version.map_or_else(|| "absent".to_owned(), |n| format!("`{n}`"));
    let finding = Finding::new(
        &RULE.info,
        scene.at("/previous"),
        format!("`previous` must be {}, what served before", say(expected)),
    )
    .why("a rollback without history goes back to `previous`")
    .help(match expected {
        Some(from) => format!("write `previous: {from}`"),
        None => "remove `previous`".to_owned(),
    });
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
`previous` of a stage is the version that served before this revision.

## Why it matters
A rollback in a clone without history goes to that version.

## Example
`previous: 1` where version 2 served.

## How to fix
Write the version that served before.
"#;
