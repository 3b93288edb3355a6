//! MR215 import-not-granted: a version is imported with its status by an actor who may not.

use super::scene::{Findings, Scene, names};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR215",
        name: "import-not-granted",
        summary: "a version is imported with its status by an actor who may not",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let ChangeKind::VersionImported { status } = scene.change.kind else {
        return Ok(());
    };
    let group = scene.change.group().unwrap_or_default();
    let id = scene.change.target();
    let message = match scene.author.verdict.actor() {
        Some(actor) if scene.policy.may_import(actor, group) => return Ok(()),
        Some(actor) => format!("`{actor}` may not import {id} as {status}"),
        // Accepting an unsigned registration does not accept a status with it.
        None => format!("nobody vouches for {id}, imported as {status}"),
    };
    let mut finding = Finding::new(&RULE.info, scene.at("/imported"), message);
    if !scene.policy.registry().imports.is_empty() {
        finding = finding.related(Anchor::before(REGISTRY_FILE, "/imports").key(), "who may import");
    }
    let importers = scene.policy.importers(group);
    out.push(
        finding
            .why(format!(
                "{} may, by the policy's `imports`",
                names(&importers, "nobody")
            ))
            .help("write `status: Pending`, remove `imported` and have it reviewed, or ask an administrator for an entry under `imports`"),
    );
    Ok(())
}

const DOCS: &str = r#"
## What it checks
The author of a version with `imported` is an actor whom the policy lists under `imports` for that group.

## Why it matters
A status from another registry rests on reviews that can't be checked here. The policy names in advance the actors who may import one.

## Example
A pipeline registers its own model with `imported: {status: Approved}`.

## How to fix
Import it as Pending, or have the actor listed under `imports` first.
"#;
