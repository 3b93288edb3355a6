//! MR403 policy-unauthorised: too few administrators agreed to a policy.

use super::scene::{Findings, PolicyScene, in_policy, names};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR403",
        name: "policy-unauthorised",
        summary: "too few administrators agreed to a policy",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (Some(before), Some(tally)) = (scene.before, scene.tally()?) else {
        return Ok(());
    };
    if tally.is_enough() {
        return Ok(());
    }
    let mut finding = Finding::new(
        &RULE.info,
        in_policy("/serial"),
        format!(
            "{} of {} administrators stand behind this policy",
            tally.counted.len(),
            tally.required
        ),
    )
    .related(
        Anchor::before(REGISTRY_FILE, "/policyChange"),
        "what a change needs",
    );
    for (actor, why) in &tally.not_counted {
        finding = finding.why(format!("the review of `{actor}` does not count: {why}"));
    }
    let holders = before.administrators();
    let finding = finding.why(format!("administrators are {}", names(&holders, "nobody")));
    let is_open = !tally.could_agree.is_empty();
    if is_open
        && scene.carrier.verdict == Verdict::Unsigned
        && tally.counted.len() + 1 >= tally.required as usize
    {
        out.push(finding.help(format!(
            "let an administrator sign it: {}",
            match scene.carrier.commit {
                Some(_) => "`git commit --amend --no-edit -S`",
                None => "`git commit -a -S -m REASON`",
            }
        )));
        return Ok(());
    }
    let Some(holder) = tally.could_agree.first() else {
        let why = tally.blocked.clone().unwrap_or_default();
        out.push(finding.choose(format!(
            "blocked: nobody can give what is missing: {why}; only revocations and retirements can land"
        )));
        return Ok(());
    };
    let first = match scene.only_ends {
        true => "leave `reaffirmed` out, since one administrator alone may revoke, and reaffirm after it: ",
        false => "",
    };
    out.push(finding.help(format!(
        "{first}propose it on a branch, with `--branch NAME`, and ask `{holder}` to run `modelry policy approve -m REASON` there; reviews are below `policy/{}/`",
        scene.registry().serial
    )));
    Ok(())
}

const DOCS: &str = r#"
## What it checks
As many administrators of the policy before agree to the new one as the policy before requires.

## Why it matters
A person who could change the rules alone could do anything.

## Example
A contributor grants themselves `approve`.

## How to fix
Ask an administrator to sign, or to review it under `policy/`.
"#;
