//! MR105 not-a-plain-file: a record is a link, a program or a submodule.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::{ChangeKind, Stray};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR105",
        name: "not-a-plain-file",
        summary: "a record is a link, a program or a submodule",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let ChangeKind::Stray {
        what: Stray::Mode(what),
    } = &scene.change.kind
    else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        Anchor::file(&scene.change.path),
        format!(
            "`{}` is {what}, and a record is a plain file (mode 100644)",
            scene.change.path
        ),
    )
    .help(match what.contains("100755") {
        true => format!("make it a plain file: `chmod 644 {}`", scene.change.path),
        false => "restore the file, or remove it: what it leads to is no record".to_owned(),
    });
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Records are plain files of mode 100644.

## Why it matters
A link can be pointed elsewhere after the review.

## Example
`version.yaml` as a symbolic link.

## How to fix
Put a plain file there: `chmod 644`.
"#;
