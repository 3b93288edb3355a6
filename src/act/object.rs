//! The objects of a decision, and whether they have changed since they were seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::Error;
use crate::record::change::{self, Change, ChangeKind};
use crate::record::kind::{
    Action, ActorId, Decision, Digest, GroupName, RecordKind, RecordPath, StageName, Status, VersionId,
    VersionNumber,
};
use crate::record::snapshot::{Loaded, Snapshot};
use crate::record::subject;
use crate::trust::{self, ApprovalNeed, Credential, Policy};

/// One object of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A version: its spec, card, evidence and status.
    Version(VersionId),
    /// A stage: the version that serves it.
    Stage(GroupName, StageName),
    /// A group's own record.
    Group(GroupName),
    /// The reviews of a version by others: if they alone authorise the move of its
    /// status, or contradict the decision.
    Reviews(VersionId),
    /// The stages that a version serves, for a decision that takes it out of service.
    Serving(VersionId),
    /// The part of the policy that decides on these versions and stages of a group.
    Rules {
        /// The group.
        group: GroupName,
        /// The numbers of the versions.
        versions: Vec<VersionNumber>,
        /// The stages.
        stages: Vec<StageName>,
    },
    /// The policy that is proposed.
    Policy,
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Object::Version(id) => write!(f, "{id}"),
            Object::Stage(group, stage) => write!(f, "{group}@{stage}"),
            Object::Group(group) => write!(f, "group {group}"),
            Object::Reviews(id) => write!(f, "the reviews of {id}"),
            Object::Serving(id) => write!(f, "the stages that {id} serves"),
            Object::Rules { group, .. } => write!(f, "the policy for {group}"),
            Object::Policy => f.write_str("the proposed policy"),
        }
    }
}

/// The objects that these changes decide on, each once.
pub fn objects(changes: &[Change]) -> Vec<Object> {
    let mut out: Vec<Object> = Vec::new();
    let mut add = |object: Object| {
        if !out.contains(&object) {
            out.push(object);
        }
    };
    for change in changes {
        match (&change.kind, &change.record) {
            (ChangeKind::StageMoved { from, to }, Some(RecordPath::Stage(group, stage))) => {
                if let Some(number) = to.or(*from) {
                    let group = group.clone();
                    add(Object::Version(VersionId { group, number }));
                }
                add(Object::Stage(group.clone(), stage.clone()));
            }
            (ChangeKind::GroupDeleted, Some(RecordPath::Group(group))) => add(Object::Group(group.clone())),
            (ChangeKind::PolicyReviewed { .. }, _) => add(Object::Policy),
            (
                ChangeKind::Reviewed { .. }
                | ChangeKind::StatusMoved { .. }
                | ChangeKind::Added(RecordKind::Archival)
                | ChangeKind::Changed(RecordKind::Archival)
                | ChangeKind::VersionDeleted,
                Some(path),
            ) => {
                if let Some(id) = path.version() {
                    add(Object::Version(id.clone()));
                    if leaves_service(&change.kind) {
                        add(Object::Serving(id.clone()));
                    }
                }
            }
            _ => {}
        }
    }
    for change in changes {
        if let ChangeKind::StatusMoved { .. } = change.kind
            && let Some(id) = change.record.as_ref().and_then(RecordPath::version)
            && !changes.iter().any(|other| is_review_of(other, id))
        {
            out.push(Object::Reviews(id.clone()));
        }
    }
    let mut groups: BTreeMap<GroupName, (Vec<VersionNumber>, Vec<StageName>)> = BTreeMap::new();
    for object in &out {
        match object {
            Object::Version(id) => groups.entry(id.group.clone()).or_default().0.push(id.number),
            Object::Stage(group, stage) => groups.entry(group.clone()).or_default().1.push(stage.clone()),
            _ => {}
        }
    }
    let rules = groups.into_iter();
    out.extend(rules.map(|(group, (versions, stages))| Object::Rules {
        group,
        versions,
        stages,
    }));
    out
}

/// Whether a change makes a version unfit for every stage.
fn leaves_service(kind: &ChangeKind) -> bool {
    match kind {
        ChangeKind::Added(RecordKind::Archival) | ChangeKind::VersionDeleted => true,
        ChangeKind::StatusMoved { to, .. } => *to != Status::Approved,
        _ => false,
    }
}

fn is_review_of(change: &Change, id: &VersionId) -> bool {
    matches!(change.kind, ChangeKind::Reviewed { .. })
        && change.record.as_ref().and_then(RecordPath::version) == Some(id)
}

/// Lists the versions whose content these changes affirm: reviewed ones, and those that
/// will serve a stage. If there are neither, it lists every version that the changes
/// decide on.
pub fn spoken_for(changes: &[Change]) -> Vec<VersionId> {
    let mut out: Vec<VersionId> = Vec::new();
    for change in changes {
        let id = match (&change.kind, &change.record) {
            (ChangeKind::Reviewed { .. }, Some(path)) => path.version().cloned(),
            (ChangeKind::StageMoved { to: Some(number), .. }, Some(RecordPath::Stage(group, _))) => {
                Some(VersionId {
                    group: group.clone(),
                    number: *number,
                })
            }
            _ => None,
        };
        out.extend(id.filter(|id| !out.contains(id)));
    }
    if out.is_empty() {
        out.extend(objects(changes).into_iter().filter_map(|object| match object {
            Object::Version(id) => Some(id),
            _ => None,
        }));
    }
    out
}

/// Returns the digest of a version's content, which a review names, or `None` if the version
/// does not exist.
pub fn content(registry_id: &str, snapshot: &Snapshot<'_>, id: &VersionId) -> Result<Option<Digest>, Error> {
    let loaded = snapshot.read(&RecordPath::Version(id.clone()))?;
    match loaded.filter(|loaded| loaded.version().is_some()) {
        Some(version) => subject::version_subject(registry_id, id, &version, snapshot).map(Some),
        None => Ok(None),
    }
}

/// A version as far as a decision rests on it.
type VersionState = Option<(Digest, Status)>;

fn version_state(registry_id: &str, snapshot: &Snapshot<'_>, id: &VersionId) -> Result<VersionState, Error> {
    let loaded = snapshot.read(&RecordPath::Version(id.clone()))?;
    let status = loaded.and_then(|loaded| loaded.version().map(|version| version.status));
    Ok(content(registry_id, snapshot, id)?.zip(status))
}

/// The reviews of a version: each actor's decision, and the content that it is about.
pub(super) type Reviews = BTreeMap<ActorId, (Decision, Digest)>;

pub(super) fn reviews(snapshot: &Snapshot<'_>, id: &VersionId) -> Result<Reviews, Error> {
    let mut out = Reviews::new();
    for actor in snapshot.reviewers(id)? {
        let loaded = snapshot.read(&RecordPath::Review(id.clone(), actor.clone()))?;
        if let Some(review) = loaded.as_ref().and_then(|loaded| loaded.review()) {
            out.insert(actor, (review.decision, review.subject.clone()));
        }
    }
    Ok(out)
}

/// Whether two policies decide alike in a group, and on these stages; `authors` made the
/// content that is decided on.
fn decide_alike(
    a: &Policy,
    b: &Policy,
    group: &GroupName,
    stages: &[StageName],
    authors: &BTreeSet<ActorId>,
) -> bool {
    let (one, other) = (a.need(group), b.need(group));
    let gates = |need: &ApprovalNeed| -> Vec<_> {
        let gates = need.gates.iter().map(|placed| &placed.gate);
        gates
            .map(|gate| (gate.name.clone(), gate.champion.clone(), gate.require.clone()))
            .collect()
    };
    let sides = |policy: &Policy| {
        let registry = policy.registry();
        let teams: Vec<_> = one
            .from
            .keys()
            .map(|team| registry.teams.get(team).cloned())
            .collect();
        let requires: Vec<_> = stages
            .iter()
            .map(|name| {
                let stage = registry.stages.iter().find(|stage| stage.name == *name);
                stage.map(|stage| stage.requires)
            })
            .collect();
        (teams, requires, registry.lifecycle.clone())
    };
    // The actors whose review counts, as a person's or a machine's.
    let reviewers = |policy: &Policy| {
        [Action::Approve, Action::Reject].map(|action| {
            let holders = policy.holders(action, Some(group.as_str()), None).into_iter();
            let kind = |id: &ActorId| policy.actor(id.as_str()).map(|actor| actor.kind);
            holders
                .map(|id| (kind(&id), policy.principals(&id), id))
                .collect::<Vec<_>>()
        })
    };
    // The persons who count as one with a reviewer, and their valid keys.
    let persons = |policy: &Policy| -> Vec<_> {
        let authors = authors.iter();
        authors
            .map(|id| {
                let is_retired = policy.actor(id.as_str()).is_none_or(|actor| actor.retired);
                (policy.principals(id), is_retired, revoked_keys(policy, id))
            })
            .collect()
    };
    reviewers(a) == reviewers(b)
        && persons(a) == persons(b)
        && (one.required, one.four_eyes, one.machines, one.delegated)
            == (other.required, other.four_eyes, other.machines, other.delegated)
        && (&one.from, &one.card) == (&other.from, &other.card)
        && gates(&one) == gates(&other)
        && sides(a) == sides(b)
}

/// The keys of an actor that the policy revokes.
fn revoked_keys(policy: &Policy, id: &ActorId) -> BTreeSet<String> {
    let keys = policy.actor(id.as_str()).map_or(&[][..], |actor| &actor.keys[..]);
    let revoked = |key: &String| {
        let mut entries = policy.registry().revoked.iter();
        entries.any(|entry| trust::fingerprint(&entry.key) == *key)
    };
    keys.iter()
        .filter_map(|key| Credential::of(key).ok())
        .flat_map(|credential| credential.keys())
        .map(|(key, _)| key)
        .filter(revoked)
        .collect()
}

/// Whether an object differs between what was seen and what is there now. The caller
/// compares the proposed policy, since the caller knows its path.
pub fn has_moved(
    registry_id: &str,
    object: &Object,
    seen: &Snapshot<'_>,
    now: &Snapshot<'_>,
) -> Result<bool, Error> {
    let serves = |snapshot: &Snapshot<'_>, group: &GroupName, stage: &StageName| {
        let path = RecordPath::Stage(group.clone(), stage.clone());
        let loaded = snapshot.read(&path)?;
        Ok::<_, Error>(loaded.and_then(|loaded| loaded.stage().and_then(|stage| stage.version)))
    };
    Ok(match object {
        Object::Version(id) => version_state(registry_id, seen, id)? != version_state(registry_id, now, id)?,
        Object::Stage(group, stage) => serves(seen, group, stage)? != serves(now, group, stage)?,
        Object::Group(group) => {
            let path = RecordPath::Group(group.clone());
            let value = |snapshot: &Snapshot<'_>| {
                let loaded = snapshot.read(&path)?;
                Ok::<_, Error>(loaded.map(|loaded| loaded.value().clone()))
            };
            value(seen)? != value(now)?
        }
        Object::Reviews(id) => reviews(seen, id)? != reviews(now, id)?,
        // A stage that it no longer serves makes the decision easier.
        Object::Serving(id) => {
            let before = serving(seen, id)?;
            !serving(now, id)?.is_subset(&before)
        }
        Object::Rules {
            group,
            versions,
            stages,
        } => {
            let mut authors = BTreeSet::new();
            for &number in versions {
                let id = VersionId {
                    group: group.clone(),
                    number,
                };
                if let Some(version) = now.read(&RecordPath::Version(id.clone()))? {
                    authors.extend(trust::authors(&id, &version, now)?);
                }
            }
            let policy = |snapshot: &Snapshot<'_>| Ok::<_, Error>(snapshot.registry()?.and_then(Policy::new));
            match (policy(seen)?, policy(now)?) {
                (Some(seen), Some(now)) => !decide_alike(&seen, &now, group, stages, &authors),
                _ => false,
            }
        }
        Object::Policy => false,
    })
}

/// The stages that a version serves.
fn serving(snapshot: &Snapshot<'_>, id: &VersionId) -> Result<BTreeSet<StageName>, Error> {
    let mut out = BTreeSet::new();
    for name in snapshot.stages(&id.group)? {
        let stage = snapshot.read(&RecordPath::Stage(id.group.clone(), name.clone()))?;
        if serves_version(stage.as_ref(), id) {
            out.insert(name);
        }
    }
    Ok(out)
}

fn serves_version(stage: Option<&Arc<Loaded>>, id: &VersionId) -> bool {
    stage
        .and_then(|loaded| loaded.stage())
        .is_some_and(|stage| stage.version == Some(id.number))
}

/// Lists the changes in these objects since they were seen.
pub fn moves(objects: &[Object], seen: &Snapshot<'_>, now: &Snapshot<'_>) -> Result<Vec<Change>, Error> {
    let about = |change: &Change| {
        let Some(record) = &change.record else {
            return false;
        };
        objects.iter().any(|object| match object {
            Object::Version(id) => record.version() == Some(id),
            Object::Stage(group, stage) => *record == RecordPath::Stage(group.clone(), stage.clone()),
            Object::Group(group) => *record == RecordPath::Group(group.clone()),
            Object::Reviews(id) => record.version() == Some(id) && matches!(record, RecordPath::Review(..)),
            Object::Serving(id) => is_of_stage(change, id),
            Object::Policy | Object::Rules { .. } => *record == RecordPath::Registry,
        })
    };
    let mut changes = change::diff(seen, now)?.changes;
    changes.retain(about);
    Ok(changes)
}

/// Whether the change is of a stage that the version serves, or served.
pub(super) fn is_of_stage(change: &Change, id: &VersionId) -> bool {
    match &change.record {
        Some(RecordPath::Stage(group, _)) => {
            *group == id.group
                && (serves_version(change.before.as_ref(), id) || serves_version(change.after.as_ref(), id))
        }
        _ => false,
    }
}

/// Whether withdrawing a review has an effect: once a version is decided, only a
/// rejection that could still move it does.
pub(super) fn withdrawal_matters(status: Status, before: Option<Decision>, may_reject: bool) -> bool {
    match status {
        Status::Pending => true,
        Status::Approved => before == Some(Decision::Rejected) && may_reject,
        _ => false,
    }
}
