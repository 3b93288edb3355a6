//! MR502 rewritten-mainline: a commit that this clone verified is no longer on the mainline.

use super::{Check, Rule};
use crate::base::{FullRef, Oid, shell_word};
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR502",
        name: "rewritten-mainline",
        summary: "a commit that this clone verified is no longer on the mainline",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about a verified commit that is gone from the mainline.
pub fn rewritten_mainline(mainline: &str, verified: Oid, tip: Oid) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "commit {} was verified as the tip of `{mainline}`, and is not among the first parents of {}",
            verified.short(),
            tip.short()
        ),
    )
    .why("history that was there is gone: it was rewritten, or the branch was reset")
    .help("find out who moved the branch; when it was meant, prove it anew with `--replay`")
}

/// Builds the finding about a push that takes `tip` for the mainline, and leaves out
/// commits that are there.
pub fn rewound_mainline(mainline: &str, known: Oid, tip: Oid) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "commit {} is the tip of `{mainline}` here, and is not among the first parents of {}",
            known.short(),
            tip.short()
        ),
    )
    .why("the push would take away history that is there: the mainline only grows")
    .help(format!(
        "put your commits on top of it: `git pull --rebase`, then push `{mainline}` without force"
    ))
}

/// Builds the finding after a push that removed the mainline's tip.
pub fn replaced_mainline(mainline: &str, before: Oid, after: Oid) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "commit {} was the tip of `{mainline}` before, and is not among the first parents of {}",
            before.short(),
            after.short()
        ),
    )
    .why("the push took away history that was there: the mainline only grows")
    .help(format!(
        "find out who pushed, and put it back: `git push {} origin {}`",
        shell_word(&format!("--force-with-lease={mainline}:{after}")),
        shell_word(&format!("{before}:{}", FullRef::of_branch(mainline)))
    ))
}

/// Builds the finding about a commit whose events were delivered and that is gone from
/// the mainline.
pub fn told_mainline(mainline: &str, told: Oid, tip: Oid) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "events of `{mainline}` were delivered up to commit {}, which is not among the first parents of {}",
            told.short(),
            tip.short()
        ),
    )
    .why("history that others were told of is gone: it was rewritten, or the branch was reset")
    .help("find out who moved the branch; when it was meant, remove the cursor and say where to start: `--since COMMIT`")
}

const DOCS: &str = r#"
## What it checks
The last point that this clone verified is still among the first parents of the mainline's tip. On a guarded server, and in CI: the mainline's tip is still there after a push. For `notify`: so is the commit in its cursor.

## Why it matters
History only grows. A rewrite can drop a rejection, or a revocation.

## Example
`git push --force` of an older commit.

## How to fix
Find out who moved the branch. If it was intended, for example to undo a local commit, `--replay` proves the mainline from the root and remembers the new point.
"#;
