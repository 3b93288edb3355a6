//! MR113 over-the-limit: a step changes more than is compared.

use super::scene::{Findings, Step};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR113",
        name: "over-the-limit",
        summary: "a step changes more of the registry, or of what `protect` names, than is compared",
        docs: DOCS,
    },
    check: Check::Step(check),
};

fn check(step: &Step<'_>, out: &mut Findings) -> Result<(), Error> {
    for (folder, what) in &step.differences.limits {
        let place = match folder.strip_prefix('/').unwrap_or(folder) {
            "" => "registry.yaml",
            place => place,
        };
        let compared = match folder.as_str() {
            "" => "the registry".to_owned(),
            folder => format!("folder `{folder}`"),
        };
        let finding = Finding::new(
            &RULE.info,
            Anchor::file(place),
            format!("{compared} was not compared to its end: {what}"),
        )
        .why("a file that was not compared is not judged")
        .choose("take the folder out of the registry, or land its files in several commits or merges");
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
What a step changes below `groups/` and `policy/`, and in the folders where `protect` may name
a file, is compared to its end: folders nested 64 deep, 1,000,000 names and 100,000 files at most.
Folders in which no glob of `protect` can match are not read. A merged branch is traced to its
end: it may give its files 100,000 values at most.

## Why it matters
A file that was not compared is not judged. A few folders that hold one another many times over make
a tree of countless paths, and no judge may be stalled by one.

## Example
`groups/fraud-detector/a/a/a/…`, 66 folders deep.

## How to fix
Take the folder out of the registry, or land its files in several commits. Merge a long branch in
several parts: some of its commits first. A step that has landed
can be accepted by an administrator, with `acknowledged` in `registry.yaml`.
"#;
