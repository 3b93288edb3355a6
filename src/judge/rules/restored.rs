//! Restorations: a step restores a registry, group or version that an earlier step
//! removed against the rules, or a group that the last step changed against the rules, in
//! exactly the bytes that the mainline had last.

use std::collections::BTreeSet;

use super::scene::{Renamed, Step};
use crate::base::{Error, Oid};
use crate::judge::finding::{Anchor, Finding};
use crate::object;
use crate::record::kind::{ENTRIES, GROUPS_FOLDER, REGISTRY_FILE, Record, RecordPath, is_in_entries};
use crate::record::snapshot::Snapshot;
use crate::trust::{Gone, Policy, Verdict};

/// The folders and files that a step restores.
#[derive(Default)]
pub(super) struct Restored {
    /// Folders below the registry's, each with its earlier content; `.` for all of the
    /// registry.
    folders: BTreeSet<String>,
    /// The groups that a rename removed, by their new name.
    renames: BTreeSet<String>,
}

impl Restored {
    /// Whether the step restores the policy in force, in place of a text that never came
    /// into force.
    pub(super) fn is_of_policy(&self) -> bool {
        self.folders.contains(".")
    }

    /// Whether the finding is only about the restored content.
    pub(super) fn excuses(&self, finding: &Finding<Anchor>) -> bool {
        let path = &finding.primary.at.path;
        if finding.rule.code == "MR216" {
            return finding
                .group
                .as_ref()
                .is_some_and(|group| self.renames.contains(group));
        }
        let is_own = |folder: &String| match folder.as_str() {
            "." => is_in_entries(path),
            folder => path
                .strip_prefix(folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        self.folders.iter().any(is_own)
    }
}

fn id_of(snapshot: &Snapshot<'_>, tree: Option<Oid>, path: &str) -> Result<Option<Oid>, Error> {
    let Some(tree) = tree else { return Ok(None) };
    let found = object::lookup(snapshot.records.objects(), tree, path)?;
    Ok(found.map(|entry| entry.id))
}

/// Finds the content that the step restores, if it has findings: history is not read
/// otherwise.
pub(super) fn restored(
    step: &Step<'_>,
    findings: &[Finding<Anchor>],
    renames: &[Renamed],
) -> Result<Restored, Error> {
    let mut restored = Restored::default();
    let Some(policy) = step.policy.filter(|_| !findings.is_empty()) else {
        return Ok(restored);
    };
    if step.prior.registry()?.is_none() && step.next.registry()?.is_some() {
        if is_whole(step, policy.source.id)? {
            restored.folders.insert(".".to_owned());
        }
        return Ok(restored);
    }
    let mut looked = BTreeSet::new();
    if let Some(folder) = undone(step, policy)? {
        restored.folders.insert(folder);
        return Ok(restored);
    }
    for finding in findings {
        let Some(folder) = new_folder(step, &finding.primary.at.path)? else {
            continue;
        };
        if !looked.insert(folder.clone()) {
            continue;
        }
        let Some(gone) = step.outside.gone(&folder)? else {
            continue;
        };
        let now = id_of(&step.next, step.next.tree, &folder)?;
        let was = id_of(&step.next, gone.before, &folder)?;
        let inside = format!("{folder}/");
        if now != was || !is_signed(step, |path| path.starts_with(&inside)) || !is_record(step, &folder)? {
            continue;
        }
        let renamed = renames
            .iter()
            .filter(|renamed| format!("{GROUPS_FOLDER}/{}", renamed.to()) == folder);
        for renamed in renamed {
            if is_undone(step, renamed, &gone)? {
                restored.renames.insert(renamed.from().to_owned());
            }
        }
        restored.folders.insert(folder);
    }
    Ok(restored)
}

/// Returns the folder of the group that the step changes, if that alone undoes the last
/// change of the group: it was refused, and no policy accepted it. The whole group is as it
/// was before, so nothing that came since rests on another state.
fn undone(step: &Step<'_>, policy: &Policy) -> Result<Option<String>, Error> {
    let mut groups = step.changes().iter().map(|change| change.group());
    let Some(Some(group)) = groups.next() else {
        return Ok(None);
    };
    let folder = format!("{GROUPS_FOLDER}/{group}");
    let is_alone = groups.all(|other| other == Some(group));
    let is_there = id_of(&step.prior, step.prior.tree, &folder)?.is_some();
    let now = id_of(&step.next, step.next.tree, &folder)?;
    let Some(now) = now.filter(|_| is_alone && is_there && is_signed(step, |_| true)) else {
        return Ok(None);
    };
    let by = step.outside.undone(&folder, now)?;
    Ok(by.filter(|by| !is_accepted(policy, *by)).map(|_| folder))
}

/// Whether the policy accepts faults of this step.
fn is_accepted(policy: &Policy, by: Oid) -> bool {
    let by = by.to_string();
    let mut accepted = policy.registry().acknowledged.iter();
    accepted.any(|entry| entry.commit.as_str() == by)
}

/// Whether the whole registry is as the mainline had it last, under the policy in force.
fn is_whole(step: &Step<'_>, policy: Oid) -> Result<bool, Error> {
    let Some(gone) = step.outside.gone(REGISTRY_FILE)? else {
        return Ok(false);
    };
    for name in ENTRIES {
        let now = id_of(&step.next, step.next.tree, name)?;
        if now != id_of(&step.next, gone.before, name)? || (name == REGISTRY_FILE && now != Some(policy)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether actors of the registry sign all changes of these paths.
fn is_signed(step: &Step<'_>, is_of: impl Fn(&str) -> bool) -> bool {
    let changes = step.changes().iter().enumerate();
    changes
        .filter(|(_, change)| is_of(&change.path))
        .all(|(index, _)| matches!(step.carriers.of(index).verdict, Verdict::Actor { .. }))
}

/// Returns the folder of the group, or of the version, that a path is in and that the
/// step adds.
fn new_folder(step: &Step<'_>, path: &str) -> Result<Option<String>, Error> {
    let parts: Vec<&str> = path.split('/').collect();
    for (depth, length) in [(3, 2), (5, 4)] {
        if parts.first() != Some(&GROUPS_FOLDER) || parts.len() < depth {
            return Ok(None);
        }
        let folder = parts[..length].join("/");
        if id_of(&step.prior, step.prior.tree, &folder)?.is_none() {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Whether the folder has the record that no step may remove: only stray files go.
fn is_record(step: &Step<'_>, folder: &str) -> Result<bool, Error> {
    let parts: Vec<&str> = folder.split('/').collect();
    let file = if parts.len() == 2 {
        "group.yaml"
    } else {
        "version.yaml"
    };
    let Some(path) = RecordPath::parse(&format!("{folder}/{file}")) else {
        return Ok(false);
    };
    let loaded = step.next.read(&path)?;
    Ok(match loaded.as_ref().and_then(|loaded| loaded.record.as_ref()) {
        Some(Record::Group(group)) => parts.get(1) == Some(&group.name.as_str()),
        Some(Record::Version(version)) => parts.get(1) == Some(&version.group.as_str()),
        Some(Record::Tombstone(_)) => true,
        _ => false,
    })
}

/// Whether the step undoes the very rename that removed the group: the other name came
/// with it, has not been changed since, and the rename was not accepted.
fn is_undone(step: &Step<'_>, renamed: &Renamed, gone: &Gone) -> Result<bool, Error> {
    let other = format!("{GROUPS_FOLDER}/{}", renamed.from());
    let now = id_of(&step.prior, step.prior.tree, &other)?;
    let is_accepted = step.policy.is_some_and(|policy| is_accepted(policy, gone.by));
    let changes = step
        .changes()
        .iter()
        .filter(|change| change.path.starts_with(&format!("{other}/")));
    let is_signed = is_signed(step, |path| path.starts_with(&format!("{other}/")));
    Ok(changes.count() > 0
        && is_signed
        && !is_accepted
        && id_of(&step.prior, gone.before, &other)?.is_none()
        && now == id_of(&step.prior, gone.after, &other)?)
}
