//! MR318 bad-delegation: a review is reported without the right to report it.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::REGISTRY_FILE;
use crate::trust::{delegation_fault, is_reported};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR318",
        name: "bad-delegation",
        summary: "a review is reported without the right to report it",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let is_policy = matches!(scene.change.kind, ChangeKind::PolicyReviewed { .. });
    if !is_policy && !matches!(scene.change.kind, ChangeKind::Reviewed { .. }) {
        return Ok(());
    }
    let Some(after) = scene.change.after.as_ref() else {
        return Ok(());
    };
    let Some(review) = after.review().filter(|review| is_reported(review)) else {
        return Ok(());
    };
    if is_policy {
        let pointer = if review.on_behalf_of.is_some() {
            "/onBehalfOf"
        } else {
            "/host"
        };
        let finding = Finding::new(
            &RULE.info,
            scene.at(pointer),
            "nobody reports a review of a policy for another",
        )
        .help("remove the file, and let the administrator review it: `modelry policy approve -m REASON`");
        out.push(finding);
        return Ok(());
    }
    let Some(id) = scene.version_id() else {
        return Ok(());
    };
    if let Some(fault) = delegation_fault(scene.policy, id, review) {
        let finding = Finding::new(&RULE.info, scene.at(fault.pointer), fault.message)
            .related(
                Anchor::before(REGISTRY_FILE, "/actors").key(),
                "the actors and their accounts",
            )
            .why("a machine that may decide here reports for persons who list their account on that host")
            .help(fault.help);
        out.push(finding);
    }
    let own = scene
        .change
        .before
        .as_ref()
        .filter(|before| before.review().is_some_and(|review| !is_reported(review)));
    if let (Some(_), Some(person)) = (own, &review.on_behalf_of) {
        let finding = Finding::new(
            &RULE.info,
            scene.at("/by"),
            format!(
                "`{person}` has given this review, and `{}` replaces it",
                review.by
            ),
        )
        .related(Anchor::before(&scene.change.path, "/by"), "whose it was")
        .why("what a machine reports never takes the place of what a person signed")
        .help(format!(
            "restore the file, and let `{person}` decide again: `modelry approve {id} -m REASON`"
        ));
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A review with `onBehalfOf` is written by a machine that may approve (or reject) in the group, and names in `host` the host where it was given. Its person is not retired and lists an account on that host under `accounts`.

It never replaces a review that the person signed: if one tries to, the signed review counts in that step. Reviews of a policy are never reported.

## Why it matters
A review on a Git host's page is not signed. The machine that reports it is trusted only within the policy's limit (`delegated`), and only for the persons who list that account. A thief of its key can't approve for others.

## Example
`onBehalfOf: risk-2` by the machine `relay`, and risk-2 has no `accounts`.

## How to fix
List the account with `modelry actor add-account`, or let the person approve with a key.
"#;
