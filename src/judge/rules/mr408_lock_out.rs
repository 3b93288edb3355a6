//! MR408 lock-out: this policy could never be changed again.

use super::scene::{Findings, PolicyScene, in_policy, names};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::ActorId;
use crate::trust::Policy;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR408",
        name: "lock-out",
        summary: "this policy could never be changed again",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

/// Returns how many administrators a change of this policy needs, and those with a key in
/// force.
fn needed(policy: &Policy) -> (usize, Vec<ActorId>) {
    (policy.policy_quorum(), policy.administrators())
}

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (need, able) = needed(scene.after);
    let before = scene.before.map(needed);
    let recovery = scene.after.recovery();
    if able.len() >= need {
        // Only the policy that uses up the slack gets the note, and not each after it. A
        // first policy has one administrator.
        let is_new = before.is_some_and(|(was, able)| able.len() != was || need > was);
        if able.len() == need && is_new && recovery.is_empty() {
            out.note(no_slack(need, &able), None);
        }
        return Ok(());
    }
    let message = format!(
        "this policy needs {need} {} to change it, and has {}",
        if need == 1 {
            "administrator"
        } else {
            "administrators"
        },
        able.len()
    );
    if !recovery.is_empty() {
        let who = names(&recovery, "nobody").replace(" and ", " or ");
        out.note(
            format!(
                "{message}: until there are more, {who} must stand behind a change for those who are missing"
            ),
            None,
        );
        return Ok(());
    }
    if scene.only_ends {
        out.note(
            format!("{message} (MR408): no change of it can land any more but revocations and retirements"),
            None,
        );
        return Ok(());
    }
    let at = if scene.registry().policy_change.required > 1 {
        "/policyChange/required"
    } else {
        "/grants"
    };
    let finding = Finding::new(&RULE.info, in_policy(at), message)
        .why(format!(
            "administrators with a key in force: {}",
            names(&able, "nobody")
        ))
        .choose("grant `administer` to more persons with keys, or ask for fewer");
    out.push(finding);
    Ok(())
}

/// Builds the note for a policy that has exactly as many administrators as it needs.
fn no_slack(need: usize, able: &[ActorId]) -> String {
    let who = names(able, "nobody");
    let who = match need {
        1 => format!("{who} alone can change this policy from now on"),
        _ => format!("all of {who} are needed to change this policy from now on"),
    };
    format!(
        "{who}: when one key is lost, nobody can; keep a key in a safe and name its actor under `policyChange.recovery`"
    )
}

const DOCS: &str = r#"
## What it checks
Enough administrators with keys in force are left to change the policy again, or an actor of `policyChange.recovery` can replace them.

A change that only revokes keys, retires actors or keys, or reaffirms versions is never refused for this: then it is a note. Exactly as many administrators as are needed, without a recovery key, are a note too.

## Why it matters
If the policy can't be changed, the registry can't be repaired.

## Example
`policyChange: {required: 2}` with one administrator.

## How to fix
Grant `administer` to more persons. Before keys are lost: name an actor whose key is in a safe, `policyChange: {required: 2, recovery: [recovery]}`.
"#;
