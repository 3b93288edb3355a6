//! The registry's files that differ between two trees. A limit bounds the list.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::lookalikes::lookalikes;
use super::{Change, ChangeKind, Stray};
use crate::base::{Error, Oid};
use crate::object::{self, Counter, FileChange, Look, Objects};
use crate::record::kind::{
    GROUPS_FOLDER, PathFault, RecordPath, is_in_entries, is_managed, leads_to_records,
};
use crate::record::snapshot::Snapshot;

/// The most strays (files that are not records) listed for one group, while the step
/// has fewer than [`MOST_STRAYS`].
const MOST_OF_GROUP: usize = 99;

/// The most strays listed for one step. Beyond it, one stray of each group is listed.
const MOST_STRAYS: usize = 1_000;

/// The registry's files that differ between two snapshots.
#[derive(Debug, Default)]
pub struct Files {
    /// The files, by path from the registry's folder.
    pub changes: Vec<FileChange>,
    /// Trees that are not in strict form: folder and fault.
    pub malformed_trees: Vec<(String, String)>,
    /// Folders that were not compared completely, with the limit that stopped the
    /// comparison.
    pub limits: Vec<(String, String)>,
    /// Strays that are counted instead of listed, as changes of their folder, and files
    /// that make a folder without records look like a repository.
    pub counted: Vec<Change>,
}

/// Compares the registry's files of two snapshots.
pub fn files(prior: &Snapshot<'_>, next: &Snapshot<'_>) -> Result<Files, Error> {
    if prior.tree == next.tree {
        return Ok(Files::default());
    }
    let objects = next.records.objects();
    let managed = Managed::below("");
    let mut all = object::diff(objects, prior.tree, next.tree, &managed)?;
    all.faults
        .retain(|(folder, _)| folder.is_empty() || is_managed(folder));
    let mut counted = managed.counted(objects)?;
    let found = lookalikes(objects, prior.tree, next.tree)?;
    counted.extend(found.changes);
    all.limits.extend(found.limit);
    Ok(Files {
        changes: all.changes,
        malformed_trees: all.faults,
        limits: all.limits,
        counted,
    })
}

/// Selects the files that belong to the registry.
pub struct Managed {
    /// The registry's folder with a trailing slash; empty for the top.
    folder: Vec<u8>,
    strays: RefCell<Strays>,
}

/// The strays: files that are not records.
#[derive(Default)]
struct Strays {
    all: usize,
    of: BTreeMap<Vec<u8>, OfGroup>,
}

/// The strays of one group.
#[derive(Default)]
struct OfGroup {
    listed: usize,
    plain: u64,
    odd: u64,
    skipped: Vec<(Vec<u8>, Option<Oid>, Option<Oid>)>,
}

impl Strays {
    fn is_full(&self, group: &[u8]) -> bool {
        let listed = self.of.get(group).map_or(0, |of| of.listed);
        listed >= MOST_OF_GROUP || (self.all >= MOST_STRAYS && listed > 0)
    }
}

impl Managed {
    /// Selects the registry's files in this folder, a path from the top of the trees.
    pub fn below(folder: &str) -> Managed {
        let folder = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        Managed {
            folder: folder.into_bytes(),
            strays: RefCell::default(),
        }
    }

    /// Counts the strays that were not listed.
    fn counted(self, objects: &dyn Objects) -> Result<Vec<Change>, Error> {
        let mut counter = Counter::default();
        let mut counted = Vec::new();
        for (group, of) in self.strays.into_inner().of {
            let (mut plain, mut odd, mut more) = (of.plain, of.odd, false);
            for (folder, before, after) in of.skipped {
                let count = counter.count(objects, before, after)?;
                let (clean, unclean) = match std::str::from_utf8(&folder) {
                    Ok(_) => (count.plain, count.odd),
                    Err(_) => (0, count.plain.saturating_add(count.odd)),
                };
                plain = plain.saturating_add(clean);
                odd = odd.saturating_add(unclean);
                more |= count.more;
            }
            let path = String::from_utf8_lossy(&group).into_owned();
            let at_least = if more { "at least " } else { "" };
            let change = |what| Change {
                kind: ChangeKind::Stray { what },
                path: path.clone(),
                record: None,
                before: None,
                after: None,
            };
            if plain > 0 || more {
                counted.push(change(Stray::Paths(format!("{at_least}{plain}"))));
            }
            if odd > 0 {
                counted.push(change(Stray::Names(format!("{at_least}{odd}"))));
            }
        }
        Ok(counted)
    }
}

impl Look for Managed {
    fn enters(&self, folder: &[u8], before: Option<Oid>, after: Option<Oid>) -> bool {
        let Some(own) = folder.strip_prefix(&self.folder[..]) else {
            return self
                .folder
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with(b"/"));
        };
        let parts: Vec<&[u8]> = own.split(|byte| *byte == b'/').collect();
        if !std::str::from_utf8(parts[0]).is_ok_and(is_in_entries) {
            return false;
        }
        if leads_to_records(&parts) {
            return true;
        }
        let mut strays = self.strays.borrow_mut();
        let group = group_of(&parts);
        if !strays.is_full(&group) {
            return true;
        }
        if after.is_some() {
            let of = strays.of.entry(group).or_default();
            of.skipped.push((own.to_vec(), before, after));
        }
        false
    }

    fn holds(&self, file: &FileChange) -> bool {
        let Some(own) = file.path.strip_prefix(&self.folder[..]) else {
            return false;
        };
        let parts: Vec<&[u8]> = own.split(|byte| *byte == b'/').collect();
        if !std::str::from_utf8(parts[0]).is_ok_and(is_in_entries) && !own.eq_ignore_ascii_case(b"HEAD") {
            return false;
        }
        let text = std::str::from_utf8(own);
        let is_placed = |path: &str| !matches!(RecordPath::read(path), Err(PathFault::Shape));
        if text.is_ok_and(is_placed) {
            return true;
        }
        let mut strays = self.strays.borrow_mut();
        let group = group_of(&parts);
        let is_full = strays.is_full(&group);
        if !is_full {
            strays.all += 1;
        }
        let of = strays.of.entry(group).or_default();
        match (is_full, file.after.is_some(), text.is_ok()) {
            (false, ..) => of.listed += 1,
            (true, true, true) => of.plain += 1,
            (true, true, false) => of.odd += 1,
            (true, false, _) => {}
        }
        !is_full
    }
}

/// Returns the folder whose strays are counted together: a group's, or `policy`.
fn group_of(parts: &[&[u8]]) -> Vec<u8> {
    match parts {
        [first, group, ..] if *first == GROUPS_FOLDER.as_bytes() => [*first, *group].join(&b'/'),
        [first, ..] => first.to_vec(),
        [] => Vec::new(),
    }
}
