//! MR204 decided-content-changed: a card or evidence changed after the decision.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::{RecordPath, Status};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR204",
        name: "decided-content-changed",
        summary: "a card or evidence changed after the decision",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    if !scene.change.kind.is_of_approved() {
        return Ok(());
    }
    let Some(id) = scene.version_id() else {
        return Ok(());
    };
    let path = RecordPath::Version(id.clone());
    let Some(prior) = scene.step.prior.read(&path)? else {
        return Ok(());
    };
    let Some(status) = prior
        .version()
        .map(|version| version.status)
        .filter(|status| *status != Status::Pending)
    else {
        return Ok(());
    };
    let finding = Finding::new(
        &RULE.info,
        scene.at(""),
        format!("the card and the evidence of {id} are fixed: it is {status}"),
    )
    .related(
        Anchor::before(path.to_string(), "/status"),
        "decided before this step",
    )
    .why("they are part of what was decided")
    .help(format!(
        "restore the file; what is learnt later is an observation: `modelry evidence add {id} NAME --observation --metric NAME=NUMBER`"
    ));
    out.push(finding);
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Card and evidence change only while the version is Pending.

## Why it matters
They are part of the decision.

## Example
A better metric in `evidence/holdout.yaml` of an Approved version.

## How to fix
Add an observation instead.
"#;
