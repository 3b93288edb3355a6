//! MR419 bad-since: the `since` of a revocation is not a commit of the mainline before
//! it, or later than it was.

use super::scene::in_policy;
use super::{Check, Rule};
use crate::judge::finding::{Anchor, Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR419",
        name: "bad-since",
        summary: "the `since` of a revocation is no earlier commit of the mainline, or later than it was",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about the `since` of `revoked/INDEX`.
pub fn bad_since(index: usize, what: &str) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        in_policy(format!("/revoked/{index}/since")),
        what.to_owned(),
    )
    .help("name the last mainline commit that the key is believed for: `git log --first-parent` lists them")
}

const DOCS: &str = r#"
## What it checks
`since` is a first parent of the step that brings it, at or after the root, and only moves to an earlier commit, also from one policy to the next behind a merge.

## Why it matters
A `since` that names nothing believes nothing or everything.

## Example
`since` names a commit of a side branch.

## How to fix
Name a commit of the mainline.
"#;
