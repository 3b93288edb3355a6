//! MR209 undigested-approval: a version is approved whose bytes are not fixed.

use super::scene::{Findings, Scene, registrars};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::Status;
use crate::trust::Shortfall;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR209",
        name: "undigested-approval",
        summary: "a version is approved whose bytes are not fixed",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    // A version imported as Approved is approved too.
    let is_import = scene.change.kind
        == ChangeKind::VersionImported {
            status: Status::Approved,
        };
    let counted = match (is_import, scene.version_id(), &scene.change.after) {
        (true, Some(id), Some(after)) => Some((id.clone(), scene.step.tally(scene.policy, id, after)?)),
        _ => scene.tally_of_move(Status::Approved)?,
    };
    let Some((id, tally)) = counted else {
        return Ok(());
    };
    for shortfall in &tally.missing {
        let finding = match shortfall {
            Shortfall::Undigested(pointer) => Finding::new(
                &RULE.info,
                scene.at(pointer),
                format!(
                    "{id} can't be approved: `{}` has no digest",
                    pointer.trim_start_matches('/').replace('/', ".")
                ),
            )
            .why("an approval is bound to bytes, and without a digest these can be exchanged unseen"),
            Shortfall::Hollow => Finding::new(
                &RULE.info,
                scene.at("/spec"),
                format!("{id} can't be approved: there is nothing to be loaded or run"),
            ),
            _ => continue,
        };
        let first = match scene.change.before {
            Some(_) => "write `status: Pending`",
            None => "remove the file",
        };
        out.push(finding.help(format!(
            "{first}, and ask {} to register it with its digests: `modelry register {} -f FILE`",
            registrars(scene.policy, id.group.as_str()),
            id.group
        )));
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
A version to be approved has a digest for every artifact, has every image pinned by `@sha256:`, and has an artifact or image to load or run.

## Why it matters
An approval is bound to bytes, and without digests there are none.

## Example
Approving a version whose artifact is only a URI.

## How to fix
Register it again with digests.
"#;
