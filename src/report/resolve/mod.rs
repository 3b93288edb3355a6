//! Resolution: the version that a name refers to, if it qualifies for deployment.

pub(crate) mod text;
mod view;

pub use view::{CheckpointView, ProvenView, ResolvedView};

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Error;
use crate::record::kind::{GroupName, RecordPath, StageName, Status, VersionId, VersionNumber};
use crate::record::snapshot::{Loaded, Snapshot, unknown_version};

/// The way in which a version of a group is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The version with this number.
    Number(VersionNumber),
    /// The version that serves a stage.
    Stage(StageName),
    /// The highest number that is Approved.
    Latest,
}

/// The result.
#[derive(Debug)]
pub enum Resolved {
    /// The version.
    Version(Box<Answer>),
    /// No version, for this reason.
    Nothing(String),
}

/// A version that qualifies.
#[derive(Debug)]
pub struct Answer {
    /// The version's name.
    pub id: VersionId,
    /// The version's status.
    pub status: Status,
    /// The version's file.
    pub loaded: Arc<Loaded>,
}

/// Resolves the version that a name refers to. It qualifies if it is Approved, or if it
/// serves a stage that does not require approval, and if its approval depends on no
/// distrusted key. `tainted` lists the versions whose approval does, with the key.
///
/// # Errors
/// The group does not exist, or the policy does not list the stage.
pub fn resolve(
    snapshot: &Snapshot<'_>,
    group: &GroupName,
    which: &Which,
    tainted: &BTreeMap<VersionId, String>,
) -> Result<Resolved, Error> {
    let id = |number| VersionId {
        group: group.clone(),
        number,
    };
    match which {
        Which::Number(number) => judged(snapshot, id(*number), true, tainted),
        Which::Stage(stage) => {
            crate::record::snapshot::known(snapshot, group, Some(stage))?;
            let record = snapshot.read(&RecordPath::Stage(group.clone(), stage.clone()))?;
            match record.and_then(|record| record.stage().and_then(|stage| stage.version)) {
                Some(number) => judged(snapshot, id(number), false, tainted),
                None => Ok(Resolved::Nothing(format!(
                    "nothing serves `{stage}` in `{group}`"
                ))),
            }
        }
        Which::Latest => {
            let mut passed = Vec::new();
            for &number in snapshot.versions(group)?.iter().rev() {
                match judged(snapshot, id(number), true, tainted)? {
                    Resolved::Nothing(why) if tainted.contains_key(&id(number)) => passed.push(why),
                    Resolved::Nothing(_) => {}
                    found => return Ok(found),
                }
            }
            passed.insert(0, format!("no version of `{group}` is Approved"));
            Ok(Resolved::Nothing(passed.join("; ")))
        }
    }
}

fn judged(
    snapshot: &Snapshot<'_>,
    id: VersionId,
    must_be_approved: bool,
    tainted: &BTreeMap<VersionId, String>,
) -> Result<Resolved, Error> {
    let nothing = |why: String| Ok(Resolved::Nothing(why));
    let Some(loaded) = snapshot.read(&RecordPath::Version(id.clone()))? else {
        return Err(unknown_version(snapshot, &id)?);
    };
    let Some(status) = loaded.version().map(|version| version.status) else {
        return match loaded.tombstone() {
            Some(_) => nothing(format!("{id} is deleted")),
            None => nothing(format!("{id} can't be read")),
        };
    };
    if must_be_approved && status != Status::Approved {
        return nothing(format!("{id} is {status}"));
    }
    if let Some(key) = tainted.get(&id) {
        return nothing(format!(
            "the approval of {id} rests on key {key}, which was not believed any more"
        ));
    }
    Ok(Resolved::Version(Box::new(Answer { id, status, loaded })))
}
