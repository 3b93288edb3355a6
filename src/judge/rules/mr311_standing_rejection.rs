//! MR311 standing-rejection: a version is approved although it is rejected too.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::Status;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR311",
        name: "standing-rejection",
        summary: "a version is approved although it is rejected too",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some((id, tally)) = scene.tally_of_move(Status::Approved)? else {
        return Ok(());
    };
    for review in tally.rejections() {
        let finding = Finding::new(
            &RULE.info,
            scene.at("/status"),
            format!("`{}` rejected {id}, and that stands", review.actor),
        )
        .related(
            Anchor::after(review.path.to_string(), "/decision"),
            "the rejection",
        )
        .help(format!(
            "ask `{}` to withdraw it: `modelry withdraw {id} -m REASON`",
            review.actor
        ));
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
No reviewer rejects the same content.

## Why it matters
One expert's rejection must not be outvoted silently.

## Example
Two approvals beside a rejection.

## How to fix
Ask that reviewer to withdraw it, or register a better version.
"#;
