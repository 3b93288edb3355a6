//! MR102 bad-name: a name in a path is not allowed.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::{ChangeKind, Stray};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR102",
        name: "bad-name",
        summary: "a name in a path is not allowed",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let path = &scene.change.path;
    let message = match &scene.change.kind {
        ChangeKind::Stray {
            what: Stray::Name(why),
        } => format!("`{path}` is no record: {why}"),
        ChangeKind::Stray {
            what: Stray::Names(count),
        } => format!("{count} more files below `{path}` have names that are not UTF-8"),
        _ => return Ok(()),
    };
    let finding = Finding::new(&RULE.info, Anchor::file(path), message).choose("rename the file or folder");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Every name in a path follows the pattern of its kind, and is not the name of a Windows device.

## Why it matters
A name that can't exist on some disks, or that looks like another, is a trap.

## Example
`groups/fraud_detector/group.yaml`.

## How to fix
Rename the file or folder.
"#;
