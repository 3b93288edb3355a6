//! MR308 quorum-not-reached: a version is approved by too few.

use super::scene::{Findings, Scene, ask, at_rules};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::Status;
use crate::trust::{Shortfall, Standing};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR308",
        name: "quorum-not-reached",
        summary: "a version is approved by too few",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some((id, tally)) = scene.tally_of_move(Status::Approved)? else {
        return Ok(());
    };
    let shortfall = tally.missing.iter().find_map(|shortfall| match shortfall {
        Shortfall::Approvals { have, need } => Some((*have, *need)),
        _ => None,
    });
    let Some((have, need)) = shortfall else {
        return Ok(());
    };
    let mut finding = Finding::new(
        &RULE.info,
        scene.at("/status"),
        match need {
            1 => format!("{id} has {have} of 1 approval that counts"),
            need => format!("{id} has {have} of {need} approvals that count"),
        },
    );
    // Only the rules with the highest number decide.
    let asks = |index: &usize| scene.policy.registry().approvals[*index].required.unwrap_or(1) == need;
    let rules: Vec<usize> = tally.need.rules.iter().copied().filter(asks).collect();
    finding = at_rules(finding, scene.policy, &rules, "required");
    for review in &tally.reviews {
        if let Standing::Not(why) = &review.standing {
            finding = finding.why(format!("the review of `{}` does not count: {why}", review.actor));
        }
    }
    out.push(ask(finding, &id, &tally.could_approve));
    Ok(())
}

const DOCS: &str = r#"
## What it checks
As many distinct actors approved this content as the policy before the step requires. With `fourEyes`, authors and their owners do not count.

## Why it matters
One person alone must not put a model into use.

## Example
One approval where two are needed.

## How to fix
Ask those whom the finding names.
"#;
