//! MR510 forbidden-reference: a push touches a reference that makes Git show another history.

use super::{Check, Rule};
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR510",
        name: "forbidden-reference",
        summary: "a push touches a reference that makes Git show another history",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about a push to the reference `name`; `why` describes its effect.
pub fn forbidden_reference(name: &str, why: &str) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!("the push would touch `{name}`"),
    )
    .why(why)
    .help(format!("leave `{name}` out of the push"))
}

const DOCS: &str = r#"
## What it checks
A push to a guarded repository touches nothing below `refs/replace/`, no other spelling of the mainline's name where the server's disk can't tell them apart, and no name that git could take for the mainline's: `refs/tags/main`, `refs/heads/refs/heads/main`, `refs/heads/heads/main`. One of these that is there already can be deleted.

## Why it matters
A replace reference makes `git log` and `git show` put one object in another's place, in every clone that fetches it. Modelry ignores them, but people rely on git's output. If a tag is called `main` too, `git show main` shows the tag, and `git push origin main` is refused as ambiguous.

## Example
`git push origin 'refs/replace/*'`.

## How to fix
Leave the reference out of the push: `git push origin main`. Delete local ones with `git replace -d`.
"#;
