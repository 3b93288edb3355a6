//! MR106 malformed-tree: a folder of the registry, or on the way to it or to a
//! protected file, is not in Git's strict form.

use super::scene::{Findings, Step};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR106",
        name: "malformed-tree",
        summary: "a folder of the registry, or on the way to it or to a protected file, is not in Git's strict form",
        docs: DOCS,
    },
    check: Check::Step(check),
};

fn check(step: &Step<'_>, out: &mut Findings) -> Result<(), Error> {
    for (folder, what) in &step.differences.malformed_trees {
        out.push(malformed_tree(folder, what));
    }
    Ok(())
}

/// Builds the finding about a folder, by its path from the registry's, or with a `/`
/// before it, from the repository's top.
pub fn malformed_tree(folder: &str, what: &str) -> Finding<Anchor> {
    let place = match folder.strip_prefix('/').unwrap_or(folder) {
        "" => REGISTRY_FILE,
        place => place,
    };
    Finding::new(
        &RULE.info,
        Anchor::file(place),
        format!("folder `{folder}` is malformed in Git: {what}"),
    )
    .help("write the tree anew with git itself (`git add`, `git commit`); look with `git fsck --strict`")
}

const DOCS: &str = r#"
## What it checks
Trees are in Git's strict form: sorted, no name twice, no padded mode. The rule looks at the registry's folders, at those that lead to it, and at those that lead to files under `protect`.

## Why it matters
Two readers of a malformed tree can see two different registries, or two different protected files.

## Example
A folder that lists `registry.yaml` twice.

## How to fix
Make the tree again with git itself.
"#;
