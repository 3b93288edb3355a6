//! Retiring versions, and deleting versions and groups.

use serde_json::json;

use super::{Draft, WriteContext, members};
use crate::base::Error;
use crate::record::kind::{GroupName, Kind, RecordKind, RecordPath, StageName, Status, VersionId};
use crate::record::subject;
use crate::record::yaml::Edit;

/// Retires a version.
///
/// # Errors
/// The version does not exist.
pub fn archive(desk: &WriteContext<'_>, id: &VersionId, reason: Option<&str>) -> Result<Draft, Error> {
    let version = desk.version(id)?;
    let mut draft = Draft::new(format!("Archive {id}"), reason);
    if version
        .version()
        .is_some_and(|version| version.status == Status::Archived)
    {
        draft.notes.push(format!("{id} is Archived already"));
        draft.existing.push(RecordPath::Version(id.clone()));
        return Ok(draft);
    }
    let path = RecordPath::Archival(id.clone());
    let record = members([
        ("group", Some(json!(id.group))),
        ("version", Some(json!(id.number))),
        ("by", Some(json!(desk.actor))),
        ("reason", draft.reason.as_ref().map(|reason| json!(reason))),
    ]);
    draft.put(&path, desk.new_record(Kind::Archival, &path, record)?);
    let path = RecordPath::Version(id.clone());
    let edit = Edit::Set {
        pointer: "/status".into(),
        value: json!("Archived"),
    };
    draft.put(&path, desk.edited(&path, &version, vec![edit])?);
    Ok(draft)
}

/// The lines that retire a version, in order: a stage that requires Approved must stop
/// serving it first.
pub(super) fn lines(id: &VersionId, serves: &[StageName]) -> String {
    let group = &id.group;
    let empty = serves
        .iter()
        .map(|stage| format!("`modelry rollback {group} {stage} --empty -m REASON`, then "));
    format!("{}`modelry archive {id} -m REASON`", empty.collect::<String>())
}

/// Replaces a version and all its files by its tombstone.
///
/// # Errors
/// The version does not exist.
pub fn delete_version(desk: &WriteContext<'_>, id: &VersionId, reason: Option<&str>) -> Result<Draft, Error> {
    let path = RecordPath::Version(id.clone());
    if desk
        .snapshot
        .read(&path)?
        .is_some_and(|it| it.tombstone().is_some())
    {
        let mut draft = Draft::new("", reason);
        draft.notes.push(format!("{id} is deleted already"));
        draft.existing.push(path);
        return Ok(draft);
    }
    let version = desk.version(id)?;
    let subject = subject::version_subject(desk.policy.id(), id, &version, &desk.snapshot)?;
    let mut draft = Draft::new(format!("Delete {id}"), reason);
    let folder = RecordKind::Version.folder(id);
    for name in desk.snapshot.names(&folder)? {
        let path = format!("{folder}/{name}");
        let inside = desk.snapshot.names(&path)?;
        if inside.is_empty() {
            draft.edits.insert(path, None);
        } else {
            draft
                .edits
                .extend(inside.into_iter().map(|file| (format!("{path}/{file}"), None)));
        }
    }
    let path = RecordPath::Version(id.clone());
    let record = members([
        ("group", Some(json!(id.group))),
        ("version", Some(json!(id.number))),
        ("subject", Some(json!(subject))),
        ("by", Some(json!(desk.actor))),
        ("reason", draft.reason.as_ref().map(|reason| json!(reason))),
    ]);
    draft.put(&path, desk.new_record(Kind::Tombstone, &path, record)?);
    Ok(draft)
}

/// Replaces a group by its tombstone.
///
/// # Errors
/// The group does not exist.
pub fn delete_group(desk: &WriteContext<'_>, name: &GroupName, reason: Option<&str>) -> Result<Draft, Error> {
    let path = RecordPath::Group(name.clone());
    let there = desk.snapshot.read(&path)?;
    if there.is_none_or(|there| there.tombstone().is_some()) {
        return Err(crate::record::snapshot::unknown_group(
            &desk.snapshot.groups()?,
            name.as_str(),
        ));
    }
    let mut draft = Draft::new(format!("Delete group {name}"), reason);
    let record = members([
        ("group", Some(json!(name))),
        ("by", Some(json!(desk.actor))),
        ("reason", draft.reason.as_ref().map(|reason| json!(reason))),
    ]);
    draft.put(&path, desk.new_record(Kind::Tombstone, &path, record)?);
    Ok(draft)
}
