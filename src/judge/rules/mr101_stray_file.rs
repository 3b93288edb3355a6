//! MR101 stray-file: a file below `groups/` or `policy/` is not a record.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::{ChangeKind, Stray};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR101",
        name: "stray-file",
        summary: "a file below `groups/` or `policy/` is not a record",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let path = &scene.change.path;
    let message = match &scene.change.kind {
        ChangeKind::Stray { what: Stray::Path } => format!("no record lives at `{path}`"),
        ChangeKind::Stray {
            what: Stray::Paths(count),
        } => format!("{count} more files below `{path}` are no records"),
        _ => return Ok(()),
    };
    let finding = match path.eq_ignore_ascii_case("HEAD") {
        true => Finding::new(
            &RULE.info,
            Anchor::file(path),
            format!("`{path}` makes the registry's folder look like a bare repository"),
        )
        .help("remove the file; give it another name if its content is needed"),
        false => Finding::new(&RULE.info, Anchor::file(path), message)
            .help("move the file out of the registry's folders, or to the path of the record that it is"),
    };
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Below `groups/` and `policy/` there are records and nothing else. The registry's
folder has no file `HEAD`, by which git knows a bare repository.

## Why it matters
A file that no rule reads can smuggle content past a review. A folder that git takes for a
repository has a configuration and a history of its own, chosen by the person who pushed it.

Of one group, 99 such files are listed at most; the others are counted in one more finding.

## Example
`groups/fraud-detector/notes.txt`.

## How to fix
Move it out of the registry's folders.
"#;
