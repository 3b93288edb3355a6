//! MR203 illegal-transition: a version's status moves where no edge leads.

use super::scene::{Findings, Scene, names, registrars};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::Status;
use crate::record::lifecycle::graph;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR203",
        name: "illegal-transition",
        summary: "a version's status moves where no edge leads",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    for (from, to) in scene.moves()? {
        let registry = scene.policy.registry();
        if registry.allows(from, to) {
            continue;
        }
        let mut finding = Finding::new(
            &RULE.info,
            scene.at("/status"),
            format!("{} cannot go from `{from}` to `{to}`", scene.change.target()),
        )
        .label(format!(
            "this step sets `{}`",
            scene.version_after().map_or(to, |version| version.status)
        ));
        if scene.change.before.is_some() {
            finding = finding.related(
                Anchor::before(&scene.change.path, "/status"),
                format!("it was `{from}`"),
            );
        }
        let next = registry.next(from);
        let id = scene.change.target();
        finding = finding.why(format!(
            "from `{from}` the policy allows {}",
            names(&next, "no move")
        ));
        let group = scene.change.group().unwrap_or_default();
        let help = match (from, to) {
            (Status::Archived, _)
            | (Status::Rejected, Status::Approved | Status::Pending)
            | (Status::Approved, Status::Pending) => {
                format!(
                    "write `status: {from}`, and ask {} to register it again: `modelry register {group} --allow-duplicate -f FILE`",
                    registrars(scene.policy, group)
                )
            }
            (Status::Pending, Status::Archived) => format!(
                "write `status: Pending`, and decide first: `modelry reject {id} -m REASON`, then `modelry archive {id} -m REASON`"
            ),
            _ => format!("write `status: {from}`"),
        };
        out.push(finding.help(help));
    }
    Ok(())
}

const DOCS: &str = concat!(
    r#"
## What it checks
The status moves along `"#,
    graph!(),
    r#"`, and the edges that the policy adds.

## Why it matters
A rejected version must not come back without a new review.

## Example
`Rejected` to `Approved`.

## How to fix
Restore the status; register again to try again. Once the step has landed, a signed `git revert` of it is clean: it returns the group to the bytes before.
"#
);
