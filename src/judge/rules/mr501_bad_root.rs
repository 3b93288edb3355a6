//! MR501 bad-root: the root holds more than a first policy.

use super::scene::{Findings, Step};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::REGISTRY_FILE;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR501",
        name: "bad-root",
        summary: "the root holds more than a first policy",
        docs: DOCS,
    },
    check: Check::Step(check),
};

fn check(step: &Step<'_>, out: &mut Findings) -> Result<(), Error> {
    if step.policy.is_some() {
        return Ok(());
    }
    for change in step.changes() {
        match (
            &change.kind,
            change.after.as_ref().and_then(|after| after.registry()),
        ) {
            (ChangeKind::RegistryCreated, Some(registry)) if registry.serial != 1 => {
                let finding = Finding::new(
                    &RULE.info,
                    Anchor::after(REGISTRY_FILE, "/serial"),
                    "a new registry's policy has `serial: 1`",
                )
                .help("write `serial: 1`");
                out.push(finding);
            }
            (ChangeKind::RegistryCreated, _) => {}
            _ => {
                let finding = Finding::new(
                    &RULE.info,
                    Anchor::file(&change.path),
                    format!("the root holds `registry.yaml` alone, and not `{}`", change.path),
                )
                .why("nothing judges the root but the pin outside, so it may bring nothing else into force")
                .help("make the root with `modelry init`, and add the rest after it");
                out.push(finding);
            }
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
The root holds a first policy, of serial 1, and nothing else of the registry.

## Why it matters
The root is judged by the pin alone, which is outside the repository.

## Example
A registry whose first commit contains approved versions.

## How to fix
Make the root with `modelry init`.
"#;
