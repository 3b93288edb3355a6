//! MR306 author-mismatch: a record names another author than its signer.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::RecordPath;
use crate::trust::is_authored;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR306",
        name: "author-mismatch",
        summary: "a record names another author than its signer",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !is_authored(&scene.change.kind) {
        return Ok(());
    }
    let (Some(by), Some(signer)) = (
        scene.change.after.as_ref().and_then(|after| after.by()),
        scene.author.verdict.actor(),
    ) else {
        return Ok(());
    };
    if by == signer {
        return Ok(());
    }
    let finding = Finding::new(
        &RULE.info,
        scene.at("/by"),
        format!("`by` says `{by}`, and `{signer}` signed"),
    )
    .label(format!("says `{by}`"))
    .why(if scene.author.by_record {
        "the record's own signature decides whose it is"
    } else {
        "without a signature of its own, a record is its commit signer's"
    })
    .help(match scene.record() {
        // Its path names the author too.
        Some(RecordPath::Review(id, _)) => format!(
            "remove the file, and let `{by}` run `modelry {} {id} -m REASON`",
            scene
                .change
                .after
                .as_ref()
                .and_then(|after| after.review())
                .map_or("approve", |review| review.decision.verb())
        ),
        _ => format!("write `by: {signer}`, or let `{by}` sign it"),
    });
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
`by` names the signer.

## Why it matters
An actor must not sign in another's name.

## Example
A review with `by: risk-2`, in a commit signed by risk-1.

## How to fix
Let the named author sign.
"#;
