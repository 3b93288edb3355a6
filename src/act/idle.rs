//! Reviews that would not count: they are refused before they are signed, with the reason
//! and a remedy.

use super::object::withdrawal_matters;
use crate::base::Error;
use crate::judge::history::Past;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{Action, ActorId, ActorKind, Decision, RecordPath, StageName, Status, VersionId};
use crate::record::snapshot::{Loaded, Snapshot};
use crate::trust::{self, Policy, Shortfall, Standing, Tally};

/// The reason for which an act is not signed, and the remedies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub why: String,
    /// The remedies, one line each.
    pub remedies: Vec<String>,
}

/// Returns why the review that `actor` gives among these changes would not count; `None`
/// if it counts, or if there is no such review.
pub fn idle_review(
    policy: &Policy,
    actor: &ActorId,
    (prior, next): (&Snapshot<'_>, &Snapshot<'_>),
    changes: &[Change],
    past: &Past<'_>,
) -> Result<Option<Refusal>, Error> {
    let moves = |id: &VersionId| {
        changes.iter().any(|change| {
            matches!(change.kind, ChangeKind::StatusMoved { .. })
                && change.record.as_ref().and_then(RecordPath::version) == Some(id)
        })
    };
    for change in changes {
        let (ChangeKind::Reviewed { before, decision }, Some(RecordPath::Review(id, of))) =
            (&change.kind, &change.record)
        else {
            continue;
        };
        let reported = change.after.as_ref().and_then(|after| after.review());
        if of != actor || reported.is_some_and(trust::is_reported) {
            continue;
        }
        let Some(version) = next.read(&RecordPath::Version(id.clone()))? else {
            continue;
        };
        if *decision == Decision::Approved {
            let tally = trust::tally(policy, prior, next, id, &version, past)?;
            if let Some(refusal) = rejected(id, &tally) {
                return Ok(Some(refusal));
            }
        }
        if moves(id) {
            continue;
        }
        let status = version.version().map_or(Status::Pending, |it| it.status);
        let refusal = match decision {
            Decision::Withdrawn => {
                let may_reject = policy.registry().allows(status, Status::Rejected);
                let serves = next.bound_stages(policy.registry(), id)?;
                (!withdrawal_matters(status, *before, may_reject))
                    .then(|| decided(policy, actor, id, status, &serves))
            }
            _ => {
                let tally = trust::tally(policy, prior, next, id, &version, past)?;
                idle(policy, (id, &version), actor, *decision, &tally, next)?
            }
        };
        if refusal.is_some() {
            return Ok(refusal);
        }
    }
    Ok(None)
}

/// Explains that no approval helps while the same content is rejected.
fn rejected(id: &VersionId, tally: &Tally) -> Option<Refusal> {
    let by: Vec<&ActorId> = tally.rejections().map(|review| &review.actor).collect();
    if by.is_empty() {
        return None;
    }
    let names: Vec<String> = by.iter().map(|actor| format!("`{actor}`")).collect();
    Some(Refusal {
        why: format!(
            "{id} is rejected by {}, and no approval helps while that stands",
            names.join(" and ")
        ),
        remedies: vec![
            format!("make it Rejected, as the reviews say: `modelry settle {id}`"),
            format!(
                "or ask {} to take it back: `modelry withdraw {id} -m REASON`",
                names.join(" and ")
            ),
        ],
    })
}

/// Returns why a withdrawal does not count, with the actor's alternatives.
fn decided(
    policy: &Policy,
    actor: &ActorId,
    id: &VersionId,
    status: Status,
    serves: &[StageName],
) -> Refusal {
    let lines = super::archive::lines(id, serves);
    let may = |action| policy.may(actor, action, Some(id.group.as_str()), None);
    let mut remedies = Vec::new();
    if status == Status::Approved {
        if policy.registry().allows(status, Status::Rejected) && may(Action::Reject) {
            remedies.push(format!("reject it: `modelry reject {id} -m REASON`"));
        }
        if policy.registry().allows(status, Status::Archived) && may(Action::Archive) {
            remedies.push(format!("retire it: {lines}"));
        }
        if remedies.is_empty() {
            let who = policy.able(Action::Archive, Some(id.group.as_str()), None);
            let who: Vec<String> = who.iter().map(|who| format!("`{who}`")).collect();
            remedies.push(match who.is_empty() {
                true => "nobody may reject or retire it: `modelry policy show` lists the grants".to_owned(),
                false => format!("ask {} to retire it: {lines}", who.join(" or ")),
            });
        }
    }
    Refusal {
        why: format!("{id} is {status}, and taking a review back does not change that"),
        remedies,
    }
}

/// Returns why this actor's review, counted in `tally`, does not count.
fn idle(
    policy: &Policy,
    (id, version): (&VersionId, &Loaded),
    actor: &ActorId,
    decision: Decision,
    tally: &Tally,
    next: &Snapshot<'_>,
) -> Result<Option<Refusal>, Error> {
    if decision == Decision::Approved
        && let Some(refusal) = unfit(id, tally)
    {
        return Ok(Some(refusal));
    }
    let Some(review) = tally.reviews.iter().find(|review| review.actor == *actor) else {
        return Ok(None);
    };
    let fault = match decision {
        Decision::Approved => trust::approval_fault(policy, tally, id, actor),
        _ => match &review.standing {
            Standing::Counts => None,
            Standing::Not(why) => {
                return Ok(Some(Refusal {
                    why: format!("this review of {id} would not count: {why}"),
                    remedies: vec![format!("`modelry show {id}` shows the reviews")],
                }));
            }
        },
    };
    let why = match fault {
        Some(fault) => fault_words(policy, (id, version), actor, &fault, tally, next)?,
        None => match trust::dominated_by(policy, tally, actor) {
            Some(other) => format!(
                "the approval of `{other}` counts already, and `{actor}` shares an owner with it: the two count as one"
            ),
            None => return Ok(None),
        },
    };
    let others: Vec<&ActorId> = tally
        .could_approve
        .iter()
        .filter(|other| *other != actor)
        .collect();
    let remedies = match others.is_empty() {
        false => vec![format!(
            "ask {}: `modelry approve {id} -m REASON`",
            or_words(&others)
        )],
        true => policy_remedies(policy, id, actor, tally),
    };
    Ok(Some(Refusal {
        why: format!("this approval of {id} would not count: {why}"),
        remedies,
    }))
}

/// Why no review could approve this content.
fn unfit(id: &VersionId, tally: &Tally) -> Option<Refusal> {
    let missing = |wanted: fn(&Shortfall) -> bool| -> Option<String> {
        let words: Vec<String> = tally
            .missing
            .iter()
            .filter(|shortfall| wanted(shortfall))
            .map(trust::shortfall_words)
            .collect();
        (!words.is_empty()).then(|| words.join("; "))
    };
    if let Some(lacks) = missing(|it| matches!(it, Shortfall::Undigested(_) | Shortfall::Hollow)) {
        return Some(Refusal {
            why: format!("{id} can't be approved as it is, whoever reviews it: it lacks {lacks}"),
            remedies: vec![format!(
                "register it again with digests: `modelry register {} --artifact FILE`",
                id.group
            )],
        });
    }
    let lacks = missing(|it| matches!(it, Shortfall::Card(_)))?;
    Some(Refusal {
        why: format!(
            "the policy asks for more of the card of {id} than it says: it lacks {lacks}; a card that is filled later voids the reviews before it"
        ),
        remedies: vec![format!(
            "have its author fill the card: `modelry card set {id} -f FILE`"
        )],
    })
}

/// Returns the rules with a requirement, by number and globs.
fn rules_words(policy: &Policy, rules: &[usize]) -> String {
    let words: Vec<String> = rules
        .iter()
        .map(|index| {
            let globs = policy.registry().approvals[*index].groups.join("`, `");
            format!("rule {} for `{globs}`", index + 1)
        })
        .collect();
    words.join(" and ")
}

/// Returns the rules of a version under which machines do not count.
fn machine_rules(policy: &Policy, tally: &Tally) -> Vec<usize> {
    let rules = tally.need.rules.iter().copied();
    rules
        .filter(|index| !policy.registry().approvals[*index].machines.unwrap_or(false))
        .collect()
}

/// Returns the rules of a version that require four eyes.
fn four_eyes_rules(policy: &Policy, tally: &Tally) -> Vec<usize> {
    let rules = tally.need.rules.iter().copied();
    rules
        .filter(|index| policy.registry().approvals[*index].four_eyes.unwrap_or(true))
        .collect()
}

fn fault_words(
    policy: &Policy,
    (id, version): (&VersionId, &Loaded),
    actor: &ActorId,
    fault: &trust::ApprovalFault,
    tally: &Tally,
    next: &Snapshot<'_>,
) -> Result<String, Error> {
    Ok(match fault {
        trust::ApprovalFault::NotGranted => format!("`{actor}` may not approve in `{}`", id.group),
        trust::ApprovalFault::Machine => match &machine_rules(policy, tally)[..] {
            [] => format!(
                "`{actor}` is a machine, and no rule for `{}` lets machines count",
                id.group
            ),
            rules => format!(
                "`{actor}` is a machine, and machines do not count in {}",
                rules_words(policy, rules)
            ),
        },
        trust::ApprovalFault::FourEyes(author) => {
            let did = authorship(id, author, version, next)?;
            let asks = match &four_eyes_rules(policy, tally)[..] {
                [] => String::new(),
                rules => format!(" ({})", rules_words(policy, rules)),
            };
            match author == actor {
                true => format!("four eyes{asks}: you, `{actor}`, {did}"),
                false => format!("four eyes{asks}: `{author}`, who {did}, shares an owner with `{actor}`"),
            }
        }
    })
}

/// Describes how an actor became an author of a version's content.
fn authorship(
    id: &VersionId,
    author: &ActorId,
    version: &Loaded,
    next: &Snapshot<'_>,
) -> Result<String, Error> {
    if version.by() == Some(author) {
        return Ok("registered it".into());
    }
    for name in next.evidence(id)? {
        let loaded = next.read(&RecordPath::Evidence(id.clone(), name.clone()))?;
        if loaded.is_some_and(|loaded| loaded.by() == Some(author)) {
            return Ok(format!("added the evidence `{name}`"));
        }
    }
    Ok("wrote its card".into())
}

/// The policy changes that would help, if no actor can approve instead.
fn policy_remedies(policy: &Policy, id: &VersionId, actor: &ActorId, tally: &Tally) -> Vec<String> {
    let mut remedies = vec![format!(
        "have an administrator let somebody else approve: `modelry grant add ACTOR --allow approve --groups {}`",
        id.group
    )];
    let machine = policy
        .actor(actor.as_str())
        .is_some_and(|who| who.kind == ActorKind::Machine);
    if machine && !tally.need.machines {
        let rules = machine_rules(policy, tally);
        remedies.push(match rules.is_empty() {
            true => format!(
                "or write a rule with `machines: true` for `{}` under `approvals` of `registry.yaml`",
                id.group
            ),
            false => format!(
                "or write `machines: true` in {} of `registry.yaml`",
                rules_words(policy, &rules)
            ),
        });
    }
    remedies
}

fn or_words(actors: &[&ActorId]) -> String {
    let words: Vec<String> = actors.iter().map(|actor| format!("`{actor}`")).collect();
    words.join(" or ")
}
