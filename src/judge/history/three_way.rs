//! A three-way merge of trees, folder by folder: only folders that both sides changed are
//! read, however large the rest is. Three folders that occur at many places are merged
//! once.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::effort::{InConflict, LEAST_BYTES};
use super::landing::{Clash, Plan, Planner, Value};
use crate::base::{Error, ObjectKind, Oid};
use crate::object::{self, Entry, FileChange, Look, Mode, Objects, Tree};

/// Folders are put together no deeper.
const DEEPEST: usize = 64;

/// One folder or file at the base, on our side and on theirs.
type Three<T> = [T; 3];

/// The first judged file that each side adds, to which a renamed file may be matched.
type Added = [Option<Vec<u8>>; 2];

/// The result of a merge of three folders.
#[derive(Clone, Copy)]
struct Merged {
    tree: Option<Oid>,
    below: Below,
}

/// The conflicts below a folder.
#[derive(Clone, Copy, Default)]
struct Below {
    all: u64,
    /// Those of files that one side removed, by that side.
    removed: [u64; 2],
}

struct Merging<'m, 'p, 'a> {
    planner: &'m Planner<'p, 'a>,
    in_conflict: InConflict,
    added: Added,
    path: Vec<u8>,
    below: Below,
    /// The merges so far, in folders of which all files are judged (`true`) or none.
    folders: HashMap<(bool, Three<Option<Oid>>), Merged>,
    texts: HashMap<Three<Value>, Option<Oid>>,
    plan: &'m mut Plan,
}

/// Looks for the first file that a side adds, and for malformed folders. A pair of
/// folders of which all files are judged is read once.
struct Adds<'l> {
    judged: &'l dyn Look,
    first: RefCell<Option<Vec<u8>>>,
    seen: RefCell<HashSet<(Option<Oid>, Option<Oid>)>>,
}

impl Look for Adds<'_> {
    fn scope(&self) -> Option<Vec<u8>> {
        let judged = self.judged.scope()?;
        Some([b"added and ", &judged[..]].concat())
    }

    fn enters(&self, folder: &[u8], before: Option<Oid>, after: Option<Oid>) -> bool {
        self.judged.enters(folder, before, after)
            && (self.judged.holds_below(folder).is_none() || self.seen.borrow_mut().insert((before, after)))
    }

    fn holds(&self, file: &FileChange) -> bool {
        let is_added = file.before.is_none() && self.judged.holds(file);
        let mut first = self.first.borrow_mut();
        if is_added && first.as_ref().is_none_or(|first| file.path < *first) {
            *first = Some(file.path.clone());
        }
        is_added
    }

    fn state(&self, folder: &[u8]) -> Option<Vec<u16>> {
        self.judged.state(folder)
    }

    fn is_outside(&self, path: &[u8]) -> bool {
        self.judged.is_outside(path)
    }
}

impl Planner<'_, '_> {
    /// Merges two trees (ours and theirs) that come from `base`.
    pub(super) fn three_way(
        &self,
        base: Option<Oid>,
        [ours, theirs]: [Oid; 2],
        in_conflict: InConflict,
        plan: &mut Plan,
    ) -> Result<Oid, Error> {
        if base == Some(ours) || ours == theirs {
            return Ok(theirs);
        }
        if base == Some(theirs) {
            return Ok(ours);
        }
        let (faults, added_there) = self.added(base, theirs)?;
        if !faults.is_empty() {
            plan.malformed.extend(faults);
            return Ok(ours);
        }
        // Git follows renames, and so does a host. A file that one side removes and the
        // other changes may be matched, with the change, to a file that the first one
        // added.
        let (_, added_here) = self.added(base, ours)?;
        let mut merging = Merging {
            planner: self,
            in_conflict,
            added: [added_here, added_there],
            path: Vec::new(),
            below: Below::default(),
            folders: HashMap::new(),
            texts: HashMap::new(),
            plan,
        };
        // Where each side removes the other's files, nothing is left.
        let empty = || self.objects.new.insert(ObjectKind::Tree, Vec::new());
        let tree = merging.folder([base, Some(ours), Some(theirs)], 0)?;
        Ok(tree.unwrap_or_else(empty))
    }

    /// Returns the malformed folders of one side, and the first judged file that it adds.
    fn added(&self, base: Option<Oid>, side: Oid) -> Result<(Faults, Option<Vec<u8>>), Error> {
        let adds = Adds {
            judged: self.judged,
            first: RefCell::default(),
            seen: RefCell::default(),
        };
        let found = object::diff(self.objects, base, Some(side), &adds)?;
        Ok((found.faults, adds.first.into_inner()))
    }
}

/// Malformed folders, and what is wrong with each.
type Faults = Vec<(String, String)>;

impl Merging<'_, '_, '_> {
    /// Merges three folders, or takes the merge from before where no path below them
    /// matters.
    fn folder(&mut self, three: Three<Option<Oid>>, depth: usize) -> Result<Option<Oid>, Error> {
        if let Some(taken) = taken(&three) {
            return Ok(taken);
        }
        let Some(is_judged) = self.planner.judged.holds_below(&self.path) else {
            return self.merged(three, depth);
        };
        if let Some(known) = self.folders.get(&(is_judged, three)).copied() {
            self.count(known.below, is_judged);
            return Ok(known.tree);
        }
        let before = self.below;
        let tree = self.merged(three, depth)?;
        let below = Below {
            all: self.below.all.saturating_sub(before.all),
            removed: [0, 1].map(|side| self.below.removed[side].saturating_sub(before.removed[side])),
        };
        self.folders.insert((is_judged, three), Merged { tree, below });
        Ok(tree)
    }

    fn merged(&mut self, three: Three<Option<Oid>>, depth: usize) -> Result<Option<Oid>, Error> {
        let objects = self.planner.objects;
        let is_over = depth > DEEPEST || self.plan.effort.names == 0 || self.plan.effort.entries == 0;
        if is_over {
            let is_judged = self.over_the_limit();
            let theirs = three[2].map(|id| (Mode::Tree, id));
            return Ok(self.in_conflict(is_judged, theirs).map(|(_, id)| id));
        }
        let read = |id: Option<Oid>| id.map_or_else(|| Ok(Arc::<Tree>::default()), |id| objects.tree(id));
        let trees = [read(three[0])?, read(three[1])?, read(three[2])?];
        if let Some(tree) = trees.iter().find(|tree| !tree.faults.is_empty()) {
            let folder = String::from_utf8_lossy(&self.path).into_owned();
            let faults = tree.faults.iter().map(|what| (folder.clone(), what.clone()));
            self.plan.malformed.extend(faults);
            return Ok(three[1]);
        }
        let read: usize = trees.iter().map(|tree| tree.entries.len()).sum();
        self.plan.effort.entries = self.plan.effort.entries.saturating_sub(read);
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

    /// A name of the two sides: the file and the folder that it becomes.
    fn name(&mut self, sides: Three<Option<&Entry>>, depth: usize) -> Result<[Value; 2], Error> {
        let whole = sides.map(|side| side.map(|entry| (entry.mode, entry.id)));
        if let Some(taken) = taken(&whole) {
            return Ok([taken, None]);
        }
        self.plan.effort.names = self.plan.effort.names.saturating_sub(1);
        let folders = whole.map(|side| side.filter(|(mode, _)| *mode == Mode::Tree).map(|(_, id)| id));
        let files = whole.map(|side| side.filter(|(mode, _)| *mode != Mode::Tree));
        let folder = self.folder(folders, depth + 1)?.map(|id| (Mode::Tree, id));
        let file = match taken(&files) {
            Some(taken) => taken,
            // No judgement needs the text that git makes of it.
            None if is_text(&files) && !self.is_judged(files) => files[2],
            None => match self.text(files)? {
                Some(id) => Some((Mode::File, id)),
                None => {
                    let is_judged = self.clash(files, false);
                    self.in_conflict(is_judged, files[2])
                }
            },
        };
        if file.is_some() && folder.is_some() {
            let is_judged = self.clash([None; 3], true);
            return Ok([self.in_conflict(is_judged, whole[2]), None]);
        }
        Ok([file, folder])
    }

    fn in_conflict(&self, is_judged: bool, theirs: Value) -> Value {
        theirs.filter(|_| !is_judged || self.in_conflict == InConflict::Theirs)
    }

    /// Merges three files line by line, within what the plan may cost.
    fn text(&mut self, files: Three<Value>) -> Result<Option<Oid>, Error> {
        if let Some(known) = self.texts.get(&files) {
            return Ok(*known);
        }
        if self.plan.effort.bytes == 0 {
            return Ok(None);
        }
        let objects = self.planner.objects;
        let sizes = files.iter().flatten().filter_map(|(_, id)| objects.size(*id));
        let bytes = sizes.fold(0, usize::saturating_add).max(LEAST_BYTES);
        self.plan.effort.bytes = self.plan.effort.bytes.saturating_sub(bytes);
        let merged = match self.plan.effort.bytes {
            0 => None,
            _ => self.planner.text(files, &mut self.plan.effort)?,
        };
        self.texts.insert(files, merged);
        Ok(merged)
    }

    /// Whether the file at the path is judged.
    fn is_judged(&self, files: Three<Value>) -> bool {
        self.planner.judged.holds(&FileChange {
            path: self.path.clone(),
            before: files[1],
            after: files[2],
        })
    }

    /// Notes a conflict at the path, and returns whether the path is judged. In a path
    /// that is not, their side is kept.
    fn clash(&mut self, files: Three<Value>, is_folder: bool) -> bool {
        self.below.all = self.below.all.saturating_add(1);
        if self.is_judged(files) || (is_folder && self.planner.judged.enters(&self.path, None, None)) {
            self.name_clash();
            return true;
        }
        let removed = files[1..].iter().position(Option::is_none).filter(|_| !is_folder);
        if let Some(side) = removed {
            self.below.removed[side] = self.below.removed[side].saturating_add(1);
            if let Some(to) = self.added[side].clone() {
                match self.plan.effort.names_path(self.plan.renames.len(), &self.path) {
                    true => self.plan.renames.push((self.path.clone(), to)),
                    false => self.plan.more.renames += 1,
                }
            }
        }
        match self.plan.effort.names_path(self.plan.elsewhere.len(), &self.path) {
            true => self.plan.elsewhere.push(self.path.clone()),
            false => self.plan.more.elsewhere += 1,
        }
        false
    }

    /// Notes a folder that is not merged to its end. A file in it that one side renamed
    /// into a judged one is not found, so that is a conflict wherever a side adds one.
    /// Returns whether the folder is judged.
    fn over_the_limit(&mut self) -> bool {
        if self.added.iter().all(Option::is_none) {
            return self.clash([None; 3], true);
        }
        self.below.all = self.below.all.saturating_add(1);
        self.name_clash();
        self.planner.judged.enters(&self.path, None, None)
    }

    fn name_clash(&mut self) {
        match self.plan.effort.names_path(self.plan.clashes.len(), &self.path) {
            true => self.plan.clashes.push(Clash {
                path: self.path.clone(),
                commit: None,
            }),
            false => self.plan.more.clashes += 1,
        }
    }

    /// Counts the conflicts of a folder that was merged before, at another path.
    fn count(&mut self, below: Below, is_judged: bool) {
        self.below.all = self.below.all.saturating_add(below.all);
        let more = &mut self.plan.more;
        if is_judged {
            more.clashes = more.clashes.saturating_add(below.all);
            return;
        }
        more.elsewhere = more.elsewhere.saturating_add(below.all);
        for side in [0, 1] {
            let removed = below.removed[side];
            self.below.removed[side] = self.below.removed[side].saturating_add(removed);
            if self.added[side].is_some() {
                more.renames = more.renames.saturating_add(removed);
            }
        }
    }
}

/// Whether these are three plain files.
fn is_text(files: &Three<Value>) -> bool {
    files.iter().all(|file| matches!(file, Some((Mode::File, _))))
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
