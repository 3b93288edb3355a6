//! MR305 bad-record-signature: a record's own signature is not valid.

use super::scene::{Findings, Scene, at_author, needs_author};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR305",
        name: "bad-record-signature",
        summary: "a record's own signature is not valid",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !needs_author(scene) {
        return Ok(());
    }
    let (Verdict::Bad(why), true) = (&scene.author.verdict, scene.author.by_record) else {
        return Ok(());
    };
    let finding = Finding::new(&RULE.info, at_author(scene), format!("the record's signature does not hold ({why}): {}", scene.change.phrase()))
        .why(scene.author.verdict.words())
        .help("remove `signature` and let its author sign the commit, or let the author write the record again with the `modelry` command, or sign the file as it is now (as `modelry explain MR305` shows): an edit breaks the signature of a signed record");
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A record's own signature is valid over the record as it is, for this registry and path.

## Why it matters
A signature that does not verify is a false claim, whoever commits it.

## Example
A reason edited in a signed review.

## How to fix
Let the author make the record again with the `modelry` command. By hand, its
`signature` is what this prints, each line indented:

    printf %s '{"path":…,"record":…,"registry":…}' | ssh-keygen -Y sign -n modelry -f KEY

where `path` is the record's path in the registry, `record` the record without
its `signature`, and `registry` the `id` in `registry.yaml`, as canonical JSON
(RFC 8785: keys sorted, no spaces). Of a version, `status`, `description`,
`labels` and `annotations` are left out too. The comment on a pull request shows
the whole line for each review that is missing.
"#;
