//! Assigns the findings of a step to its changes.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::report::{Event, Flag};
use crate::base::Oid;
use crate::judge::finding::Report;
use crate::judge::history::JudgedStep;
use crate::record::change::{Change, ChangeKind};

/// The path of a change from the repository's top, for a registry in `folder`.
pub fn from_top(folder: &str, change: &Change) -> String {
    match (folder, &change.kind) {
        ("", _) | (_, ChangeKind::ProtectedChanged) => change.path.clone(),
        (folder, _) => format!("{folder}/{}", change.path),
    }
}

/// Whether this change concerns the member at the pointer.
fn is_about(change: &Change, pointer: &str) -> bool {
    match &change.kind {
        ChangeKind::StatusMoved { .. } => pointer == "/status",
        ChangeKind::VersionImported { .. } => pointer == "/imported",
        ChangeKind::FrozenChanged { pointers } | ChangeKind::VersionAnnotated { pointers } => {
            pointers.iter().any(|one| one == pointer)
        }
        _ => false,
    }
}

/// Returns the findings of each change of a step, in the same order. A file can change
/// in several ways at once. A finding goes to the change whose member it points to, or
/// else to the first.
pub fn flags(step: &JudgedStep, folder: &str) -> Vec<Vec<Flag>> {
    let mut flags = vec![Vec::new(); step.changes.len()];
    if step.findings.is_empty() {
        return flags;
    }
    let mut of_path: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, change) in step.changes.iter().enumerate() {
        of_path.entry(from_top(folder, change)).or_default().push(index);
    }
    for finding in &step.findings {
        let at = &finding.primary.at;
        let Some(changes) = of_path.get(&at.path) else {
            continue;
        };
        let meant = changes
            .iter()
            .find(|index| is_about(&step.changes[**index], &at.pointer));
        let Some(index) = meant.or(changes.first()) else {
            continue;
        };
        let flag = Flag {
            code: finding.rule.code,
            name: finding.rule.name,
            acknowledged: false,
        };
        if !flags[*index].contains(&flag) {
            flags[*index].push(flag);
        }
    }
    flags
}

/// Marks the findings that a later policy acknowledged.
pub(super) fn acknowledge(events: &mut BTreeMap<Option<String>, Vec<Event>>, report: &Report) {
    let accepted: HashSet<(Oid, &str)> = report
        .findings
        .iter()
        .filter(|finding| finding.acknowledged.is_some())
        .filter_map(|finding| Some((finding.step?, finding.rule.code)))
        .collect();
    for event in events.values_mut().flatten() {
        for flag in &mut event.flags {
            flag.acknowledged = accepted.contains(&(event.mainline, flag.code));
        }
    }
}
