//! The objects of a decision, and whether they are still as somebody saw them.

use crate::change::{self, Change, ChangeKind};
use crate::error::Error;
use crate::model::{Decision, Digest, GroupName, RecordPath, StageName, Status, VersionId};
use crate::snapshot::Snapshot;
use crate::subject;

/// One object of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A version: its spec, card, evidence and status.
    Version(VersionId),
    /// A stage: the version that serves it.
    Stage(GroupName, StageName),
    /// A group's own record.
    Group(GroupName),
    /// The policy that is proposed.
    Policy,
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Object::Version(id) => write!(f, "{id}"),
            Object::Stage(group, stage) => write!(f, "{group}@{stage}"),
            Object::Group(group) => write!(f, "group {group}"),
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
                | ChangeKind::ArchivalGiven
                | ChangeKind::ArchivalChanged
                | ChangeKind::VersionDeleted,
                Some(path),
            ) => {
                if let Some(id) = path.version() {
                    add(Object::Version(id.clone()));
                }
            }
            _ => {}
        }
    }
    out
}

/// The versions whose content these changes speak for: what is reviewed, and what
/// will serve a stage; where there is neither, every version that they decide on.
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

/// The digest of a version's content, which a review names; none where there is
/// no such version.
///
/// # Errors
/// When an object can't be read.
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

/// Whether an object differs between what was seen and what is there now. The
/// proposed policy is compared by whoever knows where it stands.
///
/// # Errors
/// When an object can't be read.
pub fn has_moved(
    registry_id: &str,
    object: &Object,
    seen: &Snapshot<'_>,
    now: &Snapshot<'_>,
) -> Result<bool, Error> {
    let serving = |snapshot: &Snapshot<'_>, group: &GroupName, stage: &StageName| {
        let path = RecordPath::Stage(group.clone(), stage.clone());
        let loaded = snapshot.read(&path)?;
        Ok::<_, Error>(loaded.and_then(|loaded| loaded.stage().and_then(|stage| stage.version)))
    };
    Ok(match object {
        Object::Version(id) => version_state(registry_id, seen, id)? != version_state(registry_id, now, id)?,
        Object::Stage(group, stage) => serving(seen, group, stage)? != serving(now, group, stage)?,
        Object::Group(group) => {
            let path = RecordPath::Group(group.clone());
            let value = |snapshot: &Snapshot<'_>| {
                let loaded = snapshot.read(&path)?;
                Ok::<_, Error>(loaded.map(|loaded| loaded.value().clone()))
            };
            value(seen)? != value(now)?
        }
        Object::Policy => false,
    })
}

/// Lists the changes in these objects since they were seen.
///
/// # Errors
/// When an object can't be read.
pub fn moves(objects: &[Object], seen: &Snapshot<'_>, now: &Snapshot<'_>) -> Result<Vec<Change>, Error> {
    let about = |change: &Change| {
        let Some(record) = &change.record else {
            return false;
        };
        objects.iter().any(|object| match object {
            Object::Version(id) => record.version() == Some(id),
            Object::Stage(group, stage) => *record == RecordPath::Stage(group.clone(), stage.clone()),
            Object::Group(group) => *record == RecordPath::Group(group.clone()),
            Object::Policy => *record == RecordPath::Registry,
        })
    };
    let mut changes = change::diff(seen, now)?.changes;
    changes.retain(about);
    Ok(changes)
}

/// Whether taking a review back changes anything: once a version is decided,
/// only a rejection that could still move it does.
pub(super) fn withdrawal_matters(status: Status, before: Option<Decision>, may_reject: bool) -> bool {
    match status {
        Status::Pending => true,
        Status::Approved => before == Some(Decision::Rejected) && may_reject,
        _ => false,
    }
}
