//! MR207 tombstone-changed: a tombstone changed, or something took its place.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR207",
        name: "tombstone-changed",
        summary: "a tombstone changed, or something took its place",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if scene.change.kind != ChangeKind::TombstoneChanged {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at(""),
        format!("`{}` is a tombstone and never changes", scene.change.path),
    )
    .related(Anchor::before(&scene.change.path, ""), "the tombstone")
    .why("numbers and names are never used again")
    .help(format!(
        "restore the file, and register under a new number: `modelry register {} -f FILE`",
        scene.change.group().unwrap_or_default()
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A tombstone never changes, and is never replaced.

## Why it matters
If a number were used again, an old approval could count for a new model.

## Example
A new `version.yaml` at a deleted number.

## How to fix
Restore the tombstone, and use a new number.
"#;
