//! A three-way merge of trees, folder by folder: only folders that both sides changed are
//! read, however large the rest is.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::landing::{Clash, Plan, Planner, Value};
use crate::base::{Error, ObjectKind, Oid};
use crate::object::{self, Entry, FileChange, Mode, Objects, Tree};

/// Folders are put together no deeper.
const DEEPEST: usize = 64;

/// The most names of the registry that are merged.
const MOST_NAMES: usize = 1_000_000;

/// One folder or file at the base, on our side and on theirs.
type Three<T> = [T; 3];

/// The first judged file that each side adds, to which a renamed file may be matched.
type Added = [Option<Vec<u8>>; 2];

struct Merging<'m, 'p, 'a> {
    planner: &'m Planner<'p, 'a>,
    added: Added,
    /// How many more names of the registry are merged.
    left: usize,
    /// How many more names outside it.
    left_outside: usize,
    path: Vec<u8>,
    plan: &'m mut Plan,
}

impl Planner<'_, '_> {
    /// Merges two trees that come from `base`.
    pub(super) fn three_way(
        &self,
        base: Option<Oid>,
        ours: Oid,
        theirs: Oid,
        plan: &mut Plan,
    ) -> Result<Oid, Error> {
        if base == Some(ours) || ours == theirs {
            return Ok(theirs);
        }
        if base == Some(theirs) {
            return Ok(ours);
        }
        let side = object::diff(self.objects, base, Some(theirs), self.judged)?;
        if !side.faults.is_empty() {
            plan.malformed.extend(side.faults);
            return Ok(ours);
        }
        let mine = object::diff(self.objects, base, Some(ours), self.judged)?;
        // Git follows renames, and so does a host. A file that one side removes and the
        // other changes may be matched, with the change, to a file that the first one
        // added.
        let adds = |files: &[FileChange]| {
            let mut files = files.iter().filter(|file| file.before.is_none());
            files.next().map(|file| file.path.clone())
        };
        let mut merging = Merging {
            planner: self,
            added: [adds(&mine.changes), adds(&side.changes)],
            left: MOST_NAMES,
            left_outside: object::MOST_OUTSIDE,
            path: Vec::new(),
            plan,
        };
        // Where each side removes the other's files, nothing is left.
        let empty = || self.objects.new.insert(ObjectKind::Tree, Vec::new());
        let tree = merging.folder([base, Some(ours), Some(theirs)], 0)?;
        Ok(tree.unwrap_or_else(empty))
    }
}

impl Merging<'_, '_, '_> {
    fn folder(&mut self, three: Three<Option<Oid>>, depth: usize) -> Result<Option<Oid>, Error> {
        if let Some(taken) = taken(&three) {
            return Ok(taken);
        }
        if depth > DEEPEST || *self.left() == 0 {
            self.clash([None; 3], true);
            return Ok(three[2]);
        }
        let objects = self.planner.objects;
        let read = |id: Option<Oid>| id.map_or_else(|| Ok(Arc::<Tree>::default()), |id| objects.tree(id));
        let trees = [read(three[0])?, read(three[1])?, read(three[2])?];
        if let Some(tree) = trees.iter().find(|tree| !tree.faults.is_empty()) {
            let folder = String::from_utf8_lossy(&self.path).into_owned();
            let faults = tree.faults.iter().map(|what| (folder.clone(), what.clone()));
            self.plan.malformed.extend(faults);
            return Ok(three[1]);
        }
        let mut names: BTreeMap<&[u8], Three<Option<&Entry>>> = BTreeMap::new();
        for (side, tree) in trees.iter().enumerate() {
            for entry in &tree.entries {
                names.entry(&entry.name).or_default()[side] = Some(entry);
            }
        }
        let mut entries = Vec::new();
        for (name, sides) in names {
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
            for (mode, id) in self.name(sides, depth)?.into_iter().flatten() {
                entries.push(Entry {
                    mode,
                    name: name.to_vec(),
                    id,
                });
            }
            self.path.truncate(length);
        }
        if entries.is_empty() {
            return Ok(None);
        }
        Ok(Some(objects.new.insert(ObjectKind::Tree, Tree::write(&entries))))
    }

    /// The budget that the path's names are taken from.
    fn left(&mut self) -> &mut usize {
        match self.planner.judged.is_outside(&self.path) {
            true => &mut self.left_outside,
            false => &mut self.left,
        }
    }

    /// A name of the two sides: the file and the folder that it becomes.
    fn name(&mut self, sides: Three<Option<&Entry>>, depth: usize) -> Result<[Value; 2], Error> {
        let whole = sides.map(|side| side.map(|entry| (entry.mode, entry.id)));
        if let Some(taken) = taken(&whole) {
            return Ok([taken, None]);
        }
        let left = self.left();
        *left = left.saturating_sub(1);
        let folders = whole.map(|side| side.filter(|(mode, _)| *mode == Mode::Tree).map(|(_, id)| id));
        let files = whole.map(|side| side.filter(|(mode, _)| *mode != Mode::Tree));
        let folder = self.folder(folders, depth + 1)?.map(|id| (Mode::Tree, id));
        let file = match taken(&files) {
            Some(taken) => taken,
            None => match self.planner.text(files[0], files[1], files[2])? {
                Some(id) => Some((Mode::File, id)),
                None => {
                    self.clash(files, false);
                    files[2]
                }
            },
        };
        if file.is_some() && folder.is_some() {
            self.clash([None; 3], true);
            return Ok([whole[2], None]);
        }
        Ok([file, folder])
    }

    /// Notes a conflict at the path. In a path that is not judged, their side is kept.
    fn clash(&mut self, files: Three<Value>, is_folder: bool) {
        let path = self.path.clone();
        let judged = self.planner.judged;
        let file = FileChange {
            path: path.clone(),
            before: files[1],
            after: files[2],
        };
        if judged.holds(&file) || (is_folder && judged.enters(&path, None, None)) {
            self.plan.clashes.push(Clash { path, commit: None });
            return;
        }
        let removed = files[1..].iter().position(Option::is_none).filter(|_| !is_folder);
        if let Some(to) = removed.and_then(|side| self.added[side].clone()) {
            self.plan.renames.push((path.clone(), to));
        }
        self.plan.elsewhere.push(path);
    }
}

/// Returns the value that a merge takes without a look inside: of the side that changed
/// it, or the equal value of both sides.
fn taken<T: Copy + PartialEq>([base, ours, theirs]: &Three<T>) -> Option<T> {
    match () {
        () if base == ours || ours == theirs => Some(*theirs),
        () if base == theirs => Some(*ours),
        () => None,
    }
}
