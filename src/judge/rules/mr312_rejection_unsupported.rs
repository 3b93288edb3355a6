//! MR312 rejection-unsupported: a version is Rejected without a rejection by an actor who
//! may.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::Status;
use crate::trust::Standing;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR312",
        name: "rejection-unsupported",
        summary: "a version is Rejected without a rejection by an actor who may",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some((id, tally)) = scene.tally_of_move(Status::Rejected)? else {
        return Ok(());
    };
    if tally.rejections().next().is_some() {
        return Ok(());
    }
    let mut finding = Finding::new(
        &RULE.info,
        scene.at("/status"),
        format!("no rejection of {id} stands behind this"),
    );
    for review in &tally.reviews {
        if let Standing::Not(why) = &review.standing {
            finding = finding.why(format!("the review of `{}` does not count: {why}", review.actor));
        }
    }
    out.push(finding.help(format!(
        "write `status: Pending`, and let the command move it: `modelry reject {id} -m REASON`"
    )));
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A version becomes Rejected by a rejection of this content, by an actor with `reject` or by its own author.

## Why it matters
A status needs an actor who decided it.

## Example
`status: Rejected` without a review.

## How to fix
Use `modelry reject`.
"#;
