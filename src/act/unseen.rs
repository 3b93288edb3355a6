//! Changes around a decision that its author did not see: reviews by others, and
//! everything else that is not signed with it.

use super::content;
use super::object::{Object, is_of_stage, reviews};
use crate::base::Error;
use crate::record::change::{self, Change, ChangeKind};
use crate::record::kind::{Action, ActorId, Decision, RecordKind, RecordPath, Status, VersionId};
use crate::record::snapshot::Snapshot;
use crate::trust::Policy;

/// Lists the approvals by others that these changes rest on and that the author did not
/// see: a move to Approved that others' reviews authorise too.
pub fn unseen_support(
    policy: &Policy,
    changes: &[Change],
    seen: &Snapshot<'_>,
    now: &Snapshot<'_>,
) -> Result<Vec<(VersionId, ActorId)>, Error> {
    let mut out = Vec::new();
    for change in changes {
        let ChangeKind::StatusMoved {
            to: Status::Approved, ..
        } = change.kind
        else {
            continue;
        };
        let Some(id) = change.record.as_ref().and_then(RecordPath::version) else {
            continue;
        };
        let Some(content) = content(policy.id(), now, id)? else {
            continue;
        };
        let is_own = |actor: &ActorId| {
            let path = RecordPath::Review(id.clone(), actor.clone());
            changes.iter().any(|other| other.record.as_ref() == Some(&path))
        };
        let known = reviews(seen, id)?;
        for (actor, review) in reviews(now, id)? {
            if review == (Decision::Approved, content.clone())
                && known.get(&actor) != Some(&review)
                && !is_own(&actor)
                && policy.may(&actor, Action::Approve, Some(id.group.as_str()), None)
            {
                out.push((id.clone(), actor));
            }
        }
    }
    Ok(out)
}

/// The side that a decision takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Favour {
    /// The version is to be used.
    For,
    /// The version is not to be used.
    Against,
}

/// The versions that these changes decide on, each with the side that they take.
fn favours(changes: &[Change]) -> Vec<(VersionId, Favour)> {
    let mut out: Vec<(VersionId, Favour)> = Vec::new();
    for change in changes {
        let version = || change.record.as_ref().and_then(RecordPath::version).cloned();
        let side = match (&change.kind, &change.record) {
            (ChangeKind::Reviewed { decision, .. }, _) => match decision {
                Decision::Approved => version().map(|id| (id, Favour::For)),
                Decision::Rejected => version().map(|id| (id, Favour::Against)),
                // The move of status that it leads to counts instead.
                Decision::Withdrawn => None,
            },
            (ChangeKind::StatusMoved { to, .. }, _) => {
                let favour = match to {
                    Status::Approved => Favour::For,
                    _ => Favour::Against,
                };
                version().map(|id| (id, favour))
            }
            (ChangeKind::Added(RecordKind::Archival) | ChangeKind::VersionDeleted, _) => {
                version().map(|id| (id, Favour::Against))
            }
            (ChangeKind::StageMoved { to: Some(number), .. }, Some(RecordPath::Stage(group, _))) => {
                let group = group.clone();
                let number = *number;
                Some((VersionId { group, number }, Favour::For))
            }
            _ => None,
        };
        out.extend(side.filter(|side| !out.contains(side)));
    }
    out
}

/// Lists the versions whose reviews by others contradict the decision, and did not when
/// they were seen. Against an approval these are rejections and withdrawn approvals;
/// against a rejection, approvals and withdrawn rejections. A version that was never seen
/// is not among them.
pub fn contradicting_reviews(
    changes: &[Change],
    seen: &Snapshot<'_>,
    now: &Snapshot<'_>,
) -> Result<Vec<Object>, Error> {
    let mut out = Vec::new();
    for (id, favour) in favours(changes) {
        if !seen.holds(&RecordPath::Version(id.clone()))? {
            continue;
        }
        let (before, after) = (reviews(seen, &id)?, reviews(now, &id)?);
        let (agrees, contradicts) = match favour {
            Favour::For => (Decision::Approved, Decision::Rejected),
            Favour::Against => (Decision::Rejected, Decision::Approved),
        };
        let is_own = |actor: &ActorId| {
            let path = RecordPath::Review(id.clone(), actor.clone());
            changes.iter().any(|change| change.record.as_ref() == Some(&path))
        };
        let turned = before
            .keys()
            .chain(after.keys())
            .filter(|actor| !is_own(actor))
            .any(|actor| {
                let said =
                    |reviews: &super::object::Reviews| reviews.get(actor).map(|(decision, _)| *decision);
                let (was, is) = (said(&before), said(&after));
                was != is && (is == Some(contradicts) || was == Some(agrees))
            });
        if turned && !out.contains(&Object::Reviews(id.clone())) {
            out.push(Object::Reviews(id));
        }
    }
    Ok(out)
}

/// Lists all changes around these objects since they were seen, signed or not: labels,
/// descriptions, observations and reviews of a version, its stages, the record of its
/// group, a deleted group as a whole, and reviews of a policy.
pub fn surroundings(
    objects: &[Object],
    seen: &Snapshot<'_>,
    now: &Snapshot<'_>,
) -> Result<Vec<Change>, Error> {
    let about = |change: &Change| {
        let Some(record) = &change.record else {
            return false;
        };
        objects.iter().any(|object| match object {
            Object::Version(id) => {
                record.version() == Some(id)
                    || is_of_stage(change, id)
                    || *record == RecordPath::Group(id.group.clone())
            }
            Object::Stage(group, stage) => *record == RecordPath::Stage(group.clone(), stage.clone()),
            Object::Group(group) => record.group() == Some(group),
            Object::Policy => matches!(record, RecordPath::PolicyReview(..)),
            Object::Reviews(_) | Object::Serving(_) | Object::Rules { .. } => false,
        })
    };
    let mut changes = change::diff(seen, now)?.changes;
    changes.retain(about);
    Ok(changes)
}
