//! MR506 checkpoint-mismatch: the mainline does not continue from a checkpoint.

use super::{Check, Rule};
use crate::judge::checkpoint::{Checkpoint, Mismatch};
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR506",
        name: "checkpoint-mismatch",
        summary: "the mainline does not continue from a checkpoint",
        docs: DOCS,
    },
    check: Check::History,
};

fn steps(count: u64) -> String {
    match count {
        1 => "1 step".to_owned(),
        count => format!("{count} steps"),
    }
}

/// Returns the message, the reason and the remedy for a mismatch.
fn words(checkpoint: &Checkpoint, how: &Mismatch) -> (String, String, String) {
    let then = format!(
        "the checkpoint of {}, up to {}",
        steps(checkpoint.size),
        checkpoint.commit.short()
    );
    let keep = format!(
        "keep what was: `git branch before-the-rewrite {}`; then find out who moved the mainline",
        checkpoint.commit
    );
    let look = "find out who moved the mainline; whoever has a clone of then still has the history";
    match how {
        Mismatch::Registry(ours) => (
            format!("{then}, is of the registry `{}`, and this is `{ours}`", checkpoint.registry),
            "a checkpoint speaks of one registry".to_owned(),
            "name the checkpoint of this registry".to_owned(),
        ),
        Mismatch::Root { root, folder } => {
            let place = |folder: &str| match folder {
                "" => String::new(),
                folder => format!(":{folder}"),
            };
            (
                format!(
                    "{then}, starts at the root {}{}, and the mainline at {}{}",
                    checkpoint.root.short(),
                    place(&checkpoint.folder),
                    root.short(),
                    place(folder)
                ),
                "another root is another history".to_owned(),
                "find out which root is meant: `modelry trust` shows the one of this clone".to_owned(),
            )
        }
        Mismatch::Truncated { steps: count, tip, .. } => (
            format!(
                "the mainline ends after {}, at {}, and {then}, says that there was more",
                steps(*count),
                tip.short()
            ),
            format!("{} that were found clean are not on it any more", steps(checkpoint.size - count)),
            format!("is this clone behind? `git fetch`, and audit again; if not, {keep}"),
        ),
        Mismatch::Rewritten { common: Some((count, last)), .. } => (
            format!(
                "the mainline was rewritten after {}: it is not what {then}, says",
                last.short()
            ),
            format!(
                "the first {} are the same, up to {last}; {} that were found clean after it are not on the mainline any more",
                steps(*count),
                steps(checkpoint.size.saturating_sub(*count))
            ),
            keep,
        ),
        Mismatch::Rewritten { common: None, .. } => (
            format!("the mainline was rewritten from its first step on: it is not what {then}, says"),
            "the two have no step in common".to_owned(),
            keep,
        ),
        Mismatch::Gone { steps: count } => (
            format!("the mainline is not what {then}, says"),
            format!(
                "the mainline has {}, and commit {} is not in this repository, so nothing tells where the two part",
                steps(*count),
                checkpoint.commit
            ),
            format!("is this clone behind? `git fetch`, and audit again; if not, {look}"),
        ),
        Mismatch::Altered(what) => (
            format!("{then}, does not fit the mainline, though its commit is on it: {what}"),
            "the mainline up to a commit is given by the commit, so the checkpoint itself was altered".to_owned(),
            "restore the checkpoint from a copy; if there is none, make a new one once you know who changed it".to_owned(),
        ),
    }
}

/// Builds the finding about a mainline that does not match the checkpoint.
pub fn checkpoint_mismatch(checkpoint: &Checkpoint, how: &Mismatch) -> Finding<Anchor> {
    let (message, why, help) = words(checkpoint, how);
    let finding = Finding::new(&RULE.info, Anchor::file(REGISTRY_FILE), message)
        .why(why)
        .help(help);
    let (lost, common) = match how {
        Mismatch::Truncated { steps, lost, .. } => (lost, *steps),
        Mismatch::Rewritten { common, lost } => (lost, common.map_or(0, |(count, _)| count)),
        _ => return finding,
    };
    let all = checkpoint.size.saturating_sub(common);
    let finding = lost.iter().fold(finding, |finding, step| {
        let day = step.day.as_deref().unwrap_or("no date");
        finding.why(format!("lost: {}, {day}: {}", step.commit.short(), step.subject))
    });
    match all.saturating_sub(lost.len() as u64) {
        0 => finding,
        more => finding.why(format!("and {} before them", steps(more))),
    }
}

const DOCS: &str = r#"
## What it checks
`modelry audit --checkpoint FILE` compares the mainline with the values that an earlier audit wrote into the file: the registry, the root, the number of steps, the last commit, and the hash of the log over all of them (RFC 6962).

## Why it matters
Signatures prove who made a change, and nothing about changes that were dropped. A person who can move the mainline can leave out a rejection or a revocation and sign the rest again. A checkpoint that is kept elsewhere shows it.

## Example
`git commit --amend` of an old step, and `git push --force`.

## How to fix
Keep the old history under a branch of its own, and find out who moved the mainline. A clone that is behind gets the same finding: fetch first. If the rewrite was intended and announced, start a new file with `--new-checkpoint`.
"#;
