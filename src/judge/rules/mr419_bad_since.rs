//! MR419 bad-since: the `since` of a revocation is not an earlier commit of the mainline, or
//! later than it was.

use super::scene::in_policy;
use super::{Check, Rule};
use crate::base::Oid;
use crate::judge::finding::{Anchor, Finding, RuleInfo};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR419",
        name: "bad-since",
        summary: "the `since` of a revocation is not an earlier commit of the mainline, or later than it was",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about the `since` of `revoked/INDEX`; `was` is the one in force.
pub fn bad_since(index: usize, since: Oid, was: Option<Oid>) -> Finding<Anchor> {
    let since = since.short();
    let what = match was {
        Some(was) => format!("`since` {since} is not earlier than it was, {}", was.short()),
        None => format!("`since` {since} is no commit of the mainline before this step"),
    };
    let finding = Finding::new(&RULE.info, in_policy(format!("/revoked/{index}/since")), what);
    match was {
        Some(was) => finding
            .why("`since` only moves back: a later one would trust what is not trusted now")
            .help(format!(
                "leave it at {}, or name an earlier commit: `git log --first-parent {was}~1` lists them",
                was.short()
            )),
        None => finding.help(
            "name the last mainline commit that the key is believed for: `git log --first-parent` lists them",
        ),
    }
}

const DOCS: &str = r#"
## What it checks
`since` is a first parent of the step that adds it, at or after the root. It only moves to an earlier commit, also between the policies of a merged branch.

## Why it matters
A `since` that names no commit of the mainline leaves open which changes are trusted.

## Example
`since` names a commit of a side branch.

## How to fix
Name a commit of the mainline.
"#;
