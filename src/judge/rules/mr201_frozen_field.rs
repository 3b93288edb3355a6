//! MR201 frozen-field: something frozen at registration changed.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR201",
        name: "frozen-field",
        summary: "something frozen at registration changed",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let ChangeKind::FrozenChanged { pointers } = &scene.change.kind else {
        return Ok(());
    };
    for pointer in pointers {
        let finding = Finding::new(
            &RULE.info,
            scene.at(pointer),
            format!(
                "`{}` of {} is frozen since its registration",
                dotted(pointer),
                scene.change.target()
            ),
        )
        .label("this step changes it")
        .related(
            Anchor::before(&scene.change.path, pointer.as_str()),
            "as registered",
        )
        .help(format!(
            "restore the file, and register what differs as a new version: `modelry register {} -f FILE`",
            scene.change.group().unwrap_or_default()
        ));
        out.push(finding);
    }
    Ok(())
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

const DOCS: &str = r#"
## What it checks
`spec`, `group`, `version`, `by` and `signature` stay as they were registered.

## Why it matters
An approval is worth nothing if the approved bytes can change later.

## Example
Another digest in `spec` of version 3.

## How to fix
Restore it, and register a new version. Once the step has landed, a signed `git revert` of it is clean: it returns the group to the bytes before.
"#;
