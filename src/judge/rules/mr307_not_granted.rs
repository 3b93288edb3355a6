//! MR307 not-granted: an actor made a change that the policy does not grant.

use super::scene::{Findings, Scene, ask_administrator, at_author, names};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{Action, ActorId, ActorKind, Decision, REGISTRY_FILE, RecordPath, StageName};
use crate::trust::{self, needed_action};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR307",
        name: "not-granted",
        summary: "an actor made a change that the policy does not grant",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(actor) = scene.author.verdict.actor() else {
        return Ok(());
    };
    let Some((action, stage)) = needed_action(scene.change) else {
        return Ok(());
    };
    let group = scene.change.group();
    let may = |action| scene.policy.may(actor, action, group, stage.as_ref());
    let excused = match scene.change.kind {
        // First labels belong to the registration, when the author signed the commit.
        ChangeKind::VersionAnnotated { .. } if scene.step.registers(&scene.change.path) => {
            scene.change.after.as_ref().and_then(|after| after.by()) == Some(actor)
        }
        // An author may always withdraw their own version by rejecting it.
        ChangeKind::Reviewed {
            decision: Decision::Rejected,
            ..
        } => scene
            .version()?
            .is_some_and(|version| version.by() == Some(actor)),
        // An actor may always end its own keys and rights, by a review too. A recovery
        // actor declares in a review that it acts for administrators.
        ChangeKind::PolicyReviewed {
            decision: Decision::Approved,
        } => {
            let review = scene.change.after.as_ref();
            scene.policy.is_recovery(actor)
                || review.is_some_and(|review| scene.step.ends_only_own(scene.policy, actor, review))
        }
        ChangeKind::Reformatted => {
            matches!(scene.record(), Some(RecordPath::Review(..))) && may(Action::Reject)
        }
        _ => false,
    };
    if excused || may(action) {
        return Ok(());
    }
    let place = match (group, &stage) {
        (Some(group), Some(stage)) => format!(" on stage `{stage}` of `{group}`"),
        (Some(group), None) => format!(" in `{group}`"),
        _ => String::new(),
    };
    let holders = scene.policy.able(action, group, stage.as_ref());
    let finding = Finding::new(
        &RULE.info,
        at_author(scene),
        format!(
            "`{actor}` has no grant to `{action}`{place}: {}",
            scene.change.phrase()
        ),
    )
    .related(Anchor::before(REGISTRY_FILE, "/grants").key(), "the grants")
    .why(format!("{} may", names(&holders, "nobody")));
    let (barred, holders) = match barred(scene, actor, action) {
        Some(barred) => (Some(barred), holders),
        None => match approval(scene, actor, action)? {
            Some((barred, could)) => (barred, could),
            None => (None, holders),
        },
    };
    if let Some(barred) = barred {
        let mut finding = finding.why(barred.why);
        let ways = holders
            .first()
            .map(|holder| format!("let `{holder}` do it instead"));
        let ways: Vec<String> = ways.into_iter().chain(barred.cure).collect();
        finding = match ways.is_empty() {
            true => finding.choose(format!(
                "{} for a grant to somebody who may hold it",
                ask_administrator(scene.policy)
            )),
            false => finding.choose(ways.join(", or ")),
        };
        out.push(finding);
        return Ok(());
    }
    let unlisted = stage
        .as_ref()
        .filter(|stage| scene.policy.registry().stage(stage).is_none());
    out.push(match unlisted {
        Some(stage) => finding.choose(format!("name a stage of the policy, which has no `{stage}`")),
        None => finding.help(grant(scene, actor, action, stage.as_ref(), holders.first())),
    });
    Ok(())
}

/// The reason for which no grant helps an actor, and the cure beside another author.
struct Barred {
    why: String,
    cure: Option<String>,
}

/// Returns why no grant of this action helps the actor, or `None` where one does.
fn barred(scene: &Scene<'_>, actor: &ActorId, action: Action) -> Option<Barred> {
    let who = scene.policy.actor(actor.as_str())?;
    match who.kind {
        ActorKind::Machine if action == Action::Administer => Some(Barred {
            why: "only persons administer".to_owned(),
            cure: None,
        }),
        ActorKind::Machine if !scene.policy.has_living_owner(who) => Some(Barred {
            why: format!("machine `{actor}` has no living owner (MR410), so no grant gives it anything"),
            cure: Some(format!(
                "{} to name a person who is not retired under `owners` of `{actor}` in `registry.yaml`",
                ask_administrator(scene.policy)
            )),
        }),
        ActorKind::Forge
            if !matches!(
                action,
                Action::Annotate | Action::CreateGroup | Action::UpdateGroup
            ) =>
        {
            Some(Barred {
                why: "a forge may only annotate, and make and update groups".to_owned(),
                cure: None,
            })
        }
        _ => None,
    }
}

/// Who could approve, and why the actor could not.
type Approvers = (Option<Barred>, Vec<ActorId>);

/// For an approval: returns why the actor's would not count even with a grant, and the
/// actors whose approval could. The author of a version may hold the grant and can't.
fn approval(scene: &Scene<'_>, actor: &ActorId, action: Action) -> Result<Option<Approvers>, Error> {
    let Some(id) = scene.version_id().filter(|_| action == Action::Approve) else {
        return Ok(None);
    };
    let Some(version) = scene.version()? else {
        return Ok(None);
    };
    let tally = scene.step.tally(scene.policy, id, &version)?;
    let fault = trust::fault_with_grant(scene.policy, &tally, actor);
    let barred = fault.map(|fault| Barred {
        why: format!("no grant helps: {}", fault.words(actor, &id.group)),
        cure: None,
    });
    Ok(Some((barred, tally.could_approve.clone())))
}

/// How the actor comes to hold the action, or `holder` does it.
fn grant(
    scene: &Scene<'_>,
    actor: &ActorId,
    action: Action,
    stage: Option<&StageName>,
    holder: Option<&ActorId>,
) -> String {
    let group = scene.change.group();
    let mut words = format!("modelry grant add {actor} --allow {action}");
    if let Some(group) = group {
        words.push_str(&format!(" --groups {group}"));
    }
    if let Some(stage) = stage {
        words.push_str(&format!(" --stages {stage}"));
    }
    let asked = ask_administrator(scene.policy);
    match holder {
        Some(holder) => format!("let `{holder}` do it instead, or {asked} for the grant: `{words}`"),
        None => format!("{asked} for the grant: `{words}`"),
    }
}

const DOCS: &str = r#"
## What it checks
The author has a grant for this action, in that group, on that stage.

## Why it matters
Actions that no grant names are not allowed.

## Example
The training pipeline approves its own version.

## How to fix
Ask a holder, or an administrator for the grant. No grant helps a machine without a living owner (MR410): name one first.
"#;
