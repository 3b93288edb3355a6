//! Compares two trees and types the changes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::{Change, ChangeKind, Stray, files};
use crate::base::Error;
use crate::object::{self, Mode};
use crate::record::kind::{PathFault, Record, RecordPath, Status};
use crate::record::snapshot::{Loaded, Records, Snapshot};
use crate::record::subject::{self, FREE_FIELDS};

/// The differences between two snapshots.
#[derive(Debug, Default)]
pub struct Differences {
    /// The changes, in the order in which they are judged.
    pub changes: Vec<Change>,
    /// Trees that are not in strict form: folder and fault.
    pub malformed_trees: Vec<(String, String)>,
    /// Folders that were not compared completely, with the limit that stopped the
    /// comparison. A path from the repository's top starts with `/`.
    pub limits: Vec<(String, String)>,
}

/// Lists the changes that lead from one snapshot to the other.
pub fn diff(prior: &Snapshot<'_>, next: &Snapshot<'_>) -> Result<Differences, Error> {
    let files = files(prior, next)?;
    let links: Vec<Link<()>> = files.changes.into_iter().map(|file| (file, ())).collect();
    let changes = typed(next.records, links, &|path| prior.last_readable(path))?;
    Ok(Differences {
        // The counted changes come first, so that no limit drops them.
        changes: files
            .counted
            .into_iter()
            .chain(changes.into_iter().map(|(change, ())| change))
            .collect(),
        malformed_trees: files.malformed_trees,
        limits: files.limits,
    })
}

/// The replacement of one value of a file by another, with data of the caller.
pub type Link<T> = (object::FileChange, T);

/// Returns the last readable content of a path from before the step, if the path is
/// unreadable.
pub type LastReadable<'l> = &'l dyn Fn(&RecordPath) -> Result<Option<Arc<Loaded>>, Error>;

/// Types the changes of files and sorts them in the order in which they are judged. A
/// path may occur several times, one value after the other. Text that follows
/// unreadable text is compared with the last readable text; `earlier` returns it if
/// this step does not contain it.
pub fn typed<T: Clone>(
    records: &Records<'_>,
    links: Vec<Link<T>>,
    earlier: LastReadable<'_>,
) -> Result<Vec<(Change, T)>, Error> {
    let mut out: Vec<(Change, T)> = Vec::new();
    let mut deleted = BTreeSet::new();
    let mut last: HashMap<RecordPath, Arc<Loaded>> = HashMap::new();
    for (file, known) in links {
        let add = |change| (change, known.clone());
        let Ok(path) = String::from_utf8(file.path.clone()) else {
            if file.after.is_some() {
                let what = Stray::Name("is not UTF-8".into());
                out.push(add(stray(clean(&file.path), None, what)));
            }
            continue;
        };
        let record = match RecordPath::read(&path) {
            Ok(record) => record,
            Err(fault) => {
                let what = match (file.after, fault) {
                    (None, _) => Stray::Gone,
                    (Some(_), PathFault::Shape) => Stray::Path,
                    (Some(_), PathFault::Name(words)) => Stray::Name(words),
                };
                out.push(add(stray(path, None, what)));
                continue;
            }
        };
        let load = |side: Option<(Mode, crate::base::Oid)>| match side {
            Some((Mode::File, id)) => records.load(&record, id).map(Some),
            _ => Ok(None),
        };
        if let Some((mode, _)) = file.after
            && mode != Mode::File
        {
            if let Some(before) = load(file.before)?.filter(|before| before.record.is_some()) {
                last.insert(record.clone(), before);
            }
            out.push(add(stray(path, Some(record), Stray::Mode(mode_words(mode)))));
            continue;
        }
        let (mut before, after) = (load(file.before)?, load(file.after)?);
        let is_readable = |side: &Option<Arc<Loaded>>| side.as_ref().is_some_and(|it| it.record.is_some());
        if file.before.is_some() && is_readable(&after) && !is_readable(&before) {
            let known = match last.get(&record) {
                Some(known) => Some(known.clone()),
                None if record == RecordPath::Registry => None,
                None => earlier(&record)?,
            };
            before = known.or(before);
        }
        let newest = [&after, &before].into_iter().find(|side| is_readable(side));
        if let Some(newest) = newest.cloned().flatten() {
            last.insert(record.clone(), newest);
        }
        if let (RecordPath::Version(id), Some(Record::Tombstone(_))) =
            (&record, after.as_ref().and_then(|after| after.record.as_ref()))
        {
            deleted.insert(id.clone());
        }
        out.extend(file_changes(&record, before, after).into_iter().map(add));
    }
    // A file that is removed together with its version is part of that deletion. The
    // version itself is replaced by a tombstone, not removed.
    out.retain(|(change, _)| {
        let goes_with = |path: &RecordPath| {
            let beside = !matches!(path, RecordPath::Version(_));
            beside && path.version().is_some_and(|id| deleted.contains(id))
        };
        !(change.kind == ChangeKind::Removed && change.record.as_ref().is_some_and(goes_with))
    });
    // The values of one file keep their chronological order.
    out.sort_by(|(a, _), (b, _)| (order(&a.kind), &a.path).cmp(&(order(&b.kind), &b.path)));
    Ok(out)
}

fn stray(path: String, record: Option<RecordPath>, what: Stray) -> Change {
    Change {
        kind: ChangeKind::Stray { what },
        path,
        record,
        before: None,
        after: None,
    }
}

fn clean(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

fn mode_words(mode: Mode) -> String {
    match mode {
        Mode::Executable => "a program (mode 100755)".into(),
        Mode::Symlink => "a symbolic link".into(),
        Mode::Gitlink => "a submodule".into(),
        Mode::File => "a file".into(),
        Mode::Tree => "a folder".into(),
        Mode::Other(mode) => format!("of mode {mode:06o}"),
    }
}

/// The order in which the changes of one step are judged.
fn order(kind: &ChangeKind) -> u8 {
    match kind {
        ChangeKind::Unreadable | ChangeKind::Stray { .. } => 0,
        ChangeKind::RegistryCreated | ChangeKind::PolicyChanged | ChangeKind::PolicyReviewed { .. } => 1,
        ChangeKind::GroupCreated | ChangeKind::GroupUpdated => 2,
        ChangeKind::VersionRegistered
        | ChangeKind::VersionImported { .. }
        | ChangeKind::FrozenChanged { .. } => 3,
        ChangeKind::VersionAnnotated { .. } => 4,
        ChangeKind::Added(kind) | ChangeKind::Changed(kind) => kind.row().order,
        ChangeKind::Reviewed { .. } => 6,
        ChangeKind::StatusMoved { .. } => 7,
        ChangeKind::StageMoved { .. } => 8,
        ChangeKind::VersionDeleted | ChangeKind::GroupDeleted | ChangeKind::TombstoneChanged => 10,
        ChangeKind::Reformatted | ChangeKind::Removed | ChangeKind::ProtectedChanged => 11,
    }
}

/// Lists the changes within one file.
fn file_changes(path: &RecordPath, before: Option<Arc<Loaded>>, after: Option<Arc<Loaded>>) -> Vec<Change> {
    let kinds = match (&before, &after) {
        (None, None) => Vec::new(),
        (Some(_), None) => vec![ChangeKind::Removed],
        (_, Some(after)) if after.record.is_none() => vec![ChangeKind::Unreadable],
        // A file that was never readable counts as absent; a finding reported it then.
        (before, Some(after)) => {
            let readable = before.as_deref().filter(|before| before.record.is_some());
            kinds(path, readable, after, before.is_none())
        }
    };
    let change = |kind| Change {
        kind,
        path: path.to_string(),
        record: Some(path.clone()),
        before: before.clone(),
        after: after.clone(),
    };
    kinds.into_iter().map(change).collect()
}

fn kinds(path: &RecordPath, before: Option<&Loaded>, after: &Loaded, is_new: bool) -> Vec<ChangeKind> {
    let record = after.record.as_ref();
    if matches!(path, RecordPath::Registry) {
        return vec![if before.is_none() {
            ChangeKind::RegistryCreated
        } else {
            ChangeKind::PolicyChanged
        }];
    }
    if before.is_some_and(|before| before.tombstone().is_some()) {
        return vec![ChangeKind::TombstoneChanged];
    }
    if before.is_some_and(|before| before.same_content(after)) {
        return vec![ChangeKind::Reformatted];
    }
    let added_or =
        |added: ChangeKind, changed: ChangeKind| vec![if before.is_none() { added } else { changed }];
    match (path, record) {
        (RecordPath::PolicyReview(..), Some(Record::Review(review))) => {
            vec![ChangeKind::PolicyReviewed {
                decision: review.decision,
            }]
        }
        (RecordPath::Review(..), Some(Record::Review(review))) => vec![ChangeKind::Reviewed {
            before: before.and_then(Loaded::review).map(|review| review.decision),
            decision: review.decision,
        }],
        (RecordPath::Group(_), Some(Record::Tombstone(_))) => vec![ChangeKind::GroupDeleted],
        (RecordPath::Group(_), _) => added_or(ChangeKind::GroupCreated, ChangeKind::GroupUpdated),
        (RecordPath::Stage(..), Some(Record::Stage(stage))) => vec![ChangeKind::StageMoved {
            from: before.and_then(Loaded::stage).and_then(|stage| stage.version),
            to: stage.version,
        }],
        (RecordPath::Version(_), Some(Record::Tombstone(_))) => vec![ChangeKind::VersionDeleted],
        (RecordPath::Version(_), _) => version_kinds(before, after, is_new),
        (path, _) if path.kind().words().is_some() => {
            let kind = path.kind();
            added_or(ChangeKind::Added(kind), ChangeKind::Changed(kind))
        }
        // A record of another type can't occur: the reader refuses it.
        _ => vec![ChangeKind::Unreadable],
    }
}

fn version_kinds(before: Option<&Loaded>, after: &Loaded, is_new: bool) -> Vec<ChangeKind> {
    let Some(next) = after.version() else {
        return vec![ChangeKind::Unreadable];
    };
    let mut kinds = Vec::new();
    let free = |key: &str| FREE_FIELDS.contains(&key);
    let members = |value: &Value, wanted: &dyn Fn(&str) -> bool| -> Vec<(String, Value)> {
        let members = value.as_object().into_iter().flatten();
        members
            .filter(|(key, _)| wanted(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let (old, from) = match before {
        Some(before) => (
            before.value().clone(),
            before.version().map_or(Status::Pending, |version| version.status),
        ),
        None => {
            kinds.push(ChangeKind::VersionRegistered);
            // An unreadable file already had a status, and an import does not replace a
            // status.
            let imported = next.imported.as_ref().filter(|_| is_new);
            let imported = imported.map(|imported| imported.status.status());
            kinds.extend(imported.map(|status| ChangeKind::VersionImported { status }));
            (Value::Null, imported.unwrap_or(Status::Pending))
        }
    };
    if before.is_some() {
        let frozen = |key: &str| !free(key) && key != "status";
        let pointers = differing(&members(&old, &frozen), &members(after.value(), &frozen));
        if !pointers.is_empty() {
            kinds.push(ChangeKind::FrozenChanged { pointers });
        }
    }
    let mut pointers = differing(&members(&old, &free), &members(after.value(), &free));
    // A version that lost all of its labels between registration and now was annotated.
    if let (None, Some(given)) = (before, &next.registered_with)
        && pointers.is_empty()
        && *given != subject::notes_digest(after.value())
    {
        pointers.push("/registeredWith".to_owned());
    }
    if !pointers.is_empty() {
        kinds.push(ChangeKind::VersionAnnotated { pointers });
    }
    if from != next.status {
        kinds.push(ChangeKind::StatusMoved {
            from,
            to: next.status,
        });
    }
    kinds
}

/// Lists the JSON pointers at which two lists of members differ, as deep as both are
/// mappings.
fn differing(before: &[(String, Value)], after: &[(String, Value)]) -> Vec<String> {
    let as_map = |members: &[(String, Value)]| Value::Object(members.iter().cloned().collect());
    let mut out = Vec::new();
    differ(&as_map(before), &as_map(after), &mut String::new(), &mut out);
    out
}

/// Collects the pointers at which two values differ.
pub(super) fn differ(before: &Value, after: &Value, at: &mut String, out: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let length = at.len();
                at.push('/');
                at.push_str(&key.replace('~', "~0").replace('/', "~1"));
                match (old.get(key), new.get(key)) {
                    (Some(old), Some(new)) => differ(old, new, at, out),
                    _ => out.push(at.clone()),
                }
                at.truncate(length);
            }
        }
        (old, new) if old != new => out.push(at.clone()),
        _ => {}
    }
}

/// Lists the JSON pointers at which two values differ, as deep as both are mappings.
pub fn differing_pointers(before: &Value, after: &Value) -> Vec<String> {
    let mut out = Vec::new();
    differ(before, after, &mut String::new(), &mut out);
    out
}
