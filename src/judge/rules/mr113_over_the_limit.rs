//! MR113 over-the-limit: a step changes more of the registry, or of protected files, than is
//! compared.

use super::place::in_folder;
use super::scene::{Findings, Step};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR113",
        name: "over-the-limit",
        summary: "a step changes more of the registry, or of protected files, than is compared",
        docs: DOCS,
    },
    check: Check::Step(check),
};

fn check(step: &Step<'_>, out: &mut Findings) -> Result<(), Error> {
    for (folder, what) in &step.differences.limits {
        let anchor = match folder.strip_prefix('/') {
            Some("") => Anchor::file(REGISTRY_FILE),
            Some(place) => Anchor::file(place),
            None if folder.is_empty() => Anchor::file(REGISTRY_FILE),
            None => in_folder(folder),
        };
        let compared = match folder.as_str() {
            "" => "the registry".to_owned(),
            folder => format!("folder `{folder}`"),
        };
        let finding = Finding::new(
            &RULE.info,
            anchor,
            format!("{compared} was not compared to its end: {what}"),
        )
        .why("a file that was not compared is not judged")
        .choose(match folder.starts_with('/') {
            true => "land its files in several commits or merges, or let the policy's `protect` name fewer of them",
            false => "take the folder out of the registry, or land its files in several commits or merges",
        });
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A step's changes below `groups/` and `policy/`, and in the folders where `protect` may name a file,
are compared completely: folders nested 64 deep, 1,000,000 names (250,000 outside the registry)
and 100,000 files at most. Folders that repeat one in which nothing was found cost nothing.
Folders in which no glob of `protect` can match are not read. A merged branch is traced
completely: it may give its files 100,000 values at most.

## Why it matters
A file that was not compared is not judged. A few folders that contain one another many times make
a tree of countless paths, and such a tree must not stall a judge.

## Example
`groups/fraud-detector/a/a/a/…`, 66 folders deep.

## How to fix
Take the folder out of the registry, or land its files in several commits. Merge a long branch in
several parts: some of its commits first. A step that has landed
can be accepted by an administrator, with `acknowledged` in `registry.yaml`.
"#;
