//! Who wrote what a merge brings: authors by provenance.
//!
//! A file that only the other side changed is traced to the commits that wrote
//! it. What both sides changed, or a value that neither had, or an older one,
//! is charged to the merge: nothing is ever merged within a record.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::graph::{Graph, Node, Sides};
use super::paths::Paths;
use crate::access::Charge;
use crate::change::Managed;
use crate::error::Error;
use crate::model::RecordPath;
use crate::raw::{self, FileChange, Mode, Objects, Oid};
use crate::snapshot::{Loaded, Records};

/// What stands at a path: a file, link or submodule.
type Value = Option<(Mode, Oid)>;

/// One value of a file replaced by another, and the commit that answers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The two values.
    pub file: FileChange,
    /// The commit that answers.
    pub commit: Oid,
    /// Why it is the merge, when it is.
    pub charge: Option<Charge>,
}

/// A merge of two parents, to be asked who wrote what it brings.
pub struct Merge<'g, 'a> {
    objects: &'a dyn Objects,
    graph: &'g Graph<'a>,
    id: Oid,
    first: Oid,
    second: Oid,
    sides: Sides,
    malformed: RefCell<BTreeSet<Malformed>>,
    asked: RefCell<Asked>,
}

/// The files that are asked about; which of them each commit wrote, left out
/// where it wrote none; and which of them the commits wrote that the first of
/// two commits descends from and not the other.
#[derive(Default)]
struct Asked {
    paths: Rc<Paths>,
    looked_at: HashMap<Oid, Option<Rc<HashSet<String>>>>,
    written: HashMap<(Oid, Oid), Rc<HashSet<String>>>,
}

/// Where a commit of the other side has its value of a file from.
enum Source {
    /// From this parent.
    Parent(Oid),
    /// From nobody: it wrote it in place of this parent's value, or chose it
    /// although this parent's side had changed the file.
    Itself(Option<Oid>, Option<Charge>),
}

/// A folder that the other side had, and that is not in strict form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Malformed {
    /// Its path from the repository's top.
    pub folder: String,
    /// What is wrong with it.
    pub what: String,
    /// The commit that has it.
    pub commit: Oid,
}

impl<'g, 'a> Merge<'g, 'a> {
    /// The merge `id` of these parents.
    ///
    /// # Errors
    /// When a commit below a parent is missing.
    pub fn new(
        objects: &'a dyn Objects,
        graph: &'g Graph<'a>,
        id: Oid,
        (first, second): (Oid, Oid),
    ) -> Result<Merge<'g, 'a>, Error> {
        Ok(Merge {
            objects,
            graph,
            id,
            first,
            second,
            sides: graph.sides(first, second)?,
            malformed: RefCell::default(),
            asked: RefCell::default(),
        })
    }

    /// Says which files will be asked about, so that each commit is looked at
    /// once for all of them.
    pub fn expect<'p>(&self, paths: impl IntoIterator<Item = &'p str>) {
        *self.asked.borrow_mut() = Asked {
            paths: Rc::new(Paths::of(paths)),
            ..Asked::default()
        };
    }

    /// Whether the parents share any history.
    pub fn is_related(&self) -> bool {
        !self.sides.shared.is_empty()
    }

    fn value(&self, tree: Oid, path: &str) -> Result<Value, Error> {
        let entry = raw::lookup(self.objects, tree, path)?;
        Ok(entry
            .filter(|entry| entry.mode != Mode::Tree)
            .map(|entry| (entry.mode, entry.id)))
    }

    fn value_at(&self, commit: Oid, path: &str) -> Result<Value, Error> {
        let tree = self.graph.node(commit)?.tree;
        if self.sides.second.contains(&commit) {
            self.look_at_folders(commit, tree, path)?;
        }
        self.value(tree, path)
    }

    /// Notes the folders on the way to a file that are not in strict form. What
    /// one reader does not see there, whoever comes next seems to write.
    fn look_at_folders(&self, commit: Oid, top: Oid, path: &str) -> Result<(), Error> {
        let mut at = top;
        let mut folder = String::new();
        for part in path.split('/') {
            let tree = self.objects.tree(at)?;
            for what in &tree.faults {
                self.malformed.borrow_mut().insert(Malformed {
                    folder: folder.clone(),
                    what: what.clone(),
                    commit,
                });
            }
            match tree.get(part).filter(|entry| entry.mode == Mode::Tree) {
                Some(entry) => at = entry.id,
                None => break,
            }
            if !folder.is_empty() {
                folder.push('/');
            }
            folder.push_str(part);
        }
        Ok(())
    }

    /// The folders that are not in strict form, among those that were looked
    /// at so far to say who wrote what.
    pub fn malformed(&self) -> Vec<Malformed> {
        self.malformed.borrow().iter().cloned().collect()
    }

    /// Which of the files that are asked about a commit wrote; none for none.
    fn written_by(&self, commit: Oid) -> Result<Option<Rc<HashSet<String>>>, Error> {
        if let Some(known) = self.asked.borrow().looked_at.get(&commit) {
            return Ok(known.clone());
        }
        let paths = self.asked.borrow().paths.clone();
        let mut written = HashSet::new();
        let node = self.graph.node(commit)?;
        paths.written(self.objects, self.graph, &node, &mut written)?;
        let written = (!written.is_empty()).then(|| Rc::new(written));
        self.asked.borrow_mut().looked_at.insert(commit, written.clone());
        Ok(written)
    }

    /// Whether a commit changed the file that `of` descends from and `not_of`
    /// does not, even if it was changed back.
    fn changed(&self, of: Oid, not_of: Oid, path: &str) -> Result<bool, Error> {
        if !self.asked.borrow().paths.holds(path) {
            self.expect([path]);
        }
        if let Some(written) = self.asked.borrow().written.get(&(of, not_of)) {
            return Ok(written.contains(path));
        }
        let gather = |side: &mut dyn Iterator<Item = &Oid>| -> Result<_, Error> {
            let mut written = HashSet::new();
            for commit in side {
                if let Some(own) = self.written_by(*commit)? {
                    written.extend(own.iter().cloned());
                }
            }
            Ok(Rc::new(written))
        };
        let written = if (of, not_of) == (self.first, self.second) {
            gather(&mut self.sides.first.iter())?
        } else {
            // Who asks of one side asks of the other as well.
            let between = self.graph.sides(of, not_of)?;
            let other = gather(&mut between.second.iter())?;
            self.asked.borrow_mut().written.insert((not_of, of), other);
            gather(&mut between.first.iter())?
        };
        let is_written = written.contains(path);
        self.asked.borrow_mut().written.insert((of, not_of), written);
        Ok(is_written)
    }

    /// Where a commit of the other side has its value from. A merge there is
    /// asked as this one is: what only one parent's side changed is inherited
    /// from that parent; to keep a value that another parent's side replaced is
    /// the merge's own doing.
    fn source(&self, node: &Node, value: &Value, path: &str) -> Result<Source, Error> {
        let (mut same, mut other) = (Vec::new(), Vec::new());
        for parent in &node.parents {
            let is_same = self.value_at(*parent, path)? == *value;
            if is_same && !self.sides.second.contains(parent) {
                return Ok(Source::Parent(*parent));
            }
            if is_same {
                same.push(*parent);
            } else {
                other.push(*parent);
            }
        }
        let mut charge = None;
        for kept in &same {
            let against = |left: &Oid| -> Result<Option<Charge>, Error> {
                let by_kept = self.changed(*kept, *left, path)?;
                Ok(match self.changed(*left, *kept, path)? {
                    true if by_kept => Some(Charge::BothSides),
                    false if by_kept => None,
                    _ => Some(Charge::OlderValue),
                })
            };
            let mut why = None;
            for left in &other {
                why = why.or(against(left)?);
            }
            match why {
                None => return Ok(Source::Parent(*kept)),
                Some(why) => charge = charge.or(Some(why)),
            }
        }
        // Who resolves while bringing the mainline in starts from the mainline.
        let shared = other.iter().find(|id| !self.sides.second.contains(*id));
        Ok(Source::Itself(shared.or(other.first()).copied(), charge))
    }

    /// The values that the other side gave the file, oldest first, each with
    /// the commit that wrote it; and the value that they started from.
    fn trace(&self, path: &str) -> Result<(Vec<Written>, Value), Error> {
        let mut written = Vec::new();
        let mut at = self.second;
        let mut value = self.value_at(at, path)?;
        while self.sides.second.contains(&at) {
            let node = self.graph.node(at)?;
            let (before_at, charge) = match self.source(&node, &value, path)? {
                Source::Parent(parent) => {
                    at = parent;
                    continue;
                }
                Source::Itself(before_at, charge) => (before_at, charge),
            };
            let before = match before_at {
                Some(parent) => self.value_at(parent, path)?,
                None => None,
            };
            if before != value {
                written.push(Written {
                    file: FileChange {
                        path: path.as_bytes().to_vec(),
                        before,
                        after: value,
                    },
                    commit: at,
                    charge,
                });
            }
            value = before;
            match before_at {
                Some(parent) => at = parent,
                None => break,
            }
        }
        written.reverse();
        Ok((written, value))
    }

    /// Who wrote what the merge changes in one file.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn written(&self, file: &FileChange) -> Result<Vec<Written>, Error> {
        let charged = |charge| {
            Ok(vec![Written {
                file: file.clone(),
                commit: self.id,
                charge: Some(charge),
            }])
        };
        // A name that is no text is a finding whoever brings it.
        let Ok(path) = std::str::from_utf8(&file.path) else {
            return charged(Charge::NewValue);
        };
        if !self.is_related() {
            return charged(Charge::Shape);
        }
        if self.value_at(self.second, path)? != file.after {
            return charged(Charge::NewValue);
        }
        let (written, start) = self.trace(path)?;
        if written.is_empty() {
            return charged(Charge::OlderValue);
        }
        if self.changed(self.first, self.second, path)? {
            return charged(Charge::BothSides);
        }
        if start != file.before {
            return charged(Charge::OlderValue);
        }
        Ok(written)
    }

    /// The files that the other side wrote, of which the merge keeps nothing:
    /// those of the registry in `folder` that are at the merge as at its first parent.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn dropped(&self, folder: &str) -> Result<Vec<String>, Error> {
        let tree = |id| self.graph.node(id).map(|node| node.tree);
        let (first, second, merge) = (tree(self.first)?, tree(self.second)?, tree(self.id)?);
        let mut kept = Vec::new();
        let managed = Managed::below(folder);
        for file in raw::diff(self.objects, Some(first), Some(second), &managed)?.changes {
            let Ok(path) = String::from_utf8(file.path) else {
                continue;
            };
            if self.value(merge, &path)? == file.before {
                kept.push(path);
            }
        }
        self.expect(kept.iter().map(String::as_str));
        let mut dropped = Vec::new();
        for path in kept {
            if !self.trace(&path)?.0.is_empty() {
                dropped.push(path);
            }
        }
        Ok(dropped)
    }
}

/// Whether one value of a file replaced by another says the same.
pub(super) type Reformats<'r> = &'r dyn Fn(&FileChange) -> Result<bool, Error>;

/// The commit that gave a file the value that it has at `tip`, by provenance;
/// none when there is no such file. A change that `reformats` is nobody's
/// authorship: whoever gave the value before is asked for.
///
/// # Errors
/// When an object can't be read.
pub fn author_of(
    objects: &dyn Objects,
    graph: &Graph<'_>,
    tip: Oid,
    path: &str,
    reformats: Reformats<'_>,
) -> Result<Option<Oid>, Error> {
    let value = |commit: Oid| -> Result<Value, Error> {
        let entry = raw::lookup(objects, graph.node(commit)?.tree, path)?;
        Ok(entry
            .filter(|entry| entry.mode != Mode::Tree)
            .map(|entry| (entry.mode, entry.id)))
    };
    let mut at = tip;
    let mut here = value(at)?;
    if here.is_none() {
        return Ok(None);
    }
    loop {
        let node = graph.node(at)?;
        let Some(first) = node.parents.first().copied() else {
            return Ok(Some(at));
        };
        let before = value(first)?;
        if before == here {
            at = first;
            continue;
        }
        let file = FileChange {
            path: path.as_bytes().to_vec(),
            before,
            after: here,
        };
        let written = match node.parents[..] {
            [first, second] => Merge::new(objects, graph, at, (first, second))?.written(&file)?,
            _ => vec![Written {
                file,
                commit: at,
                charge: None,
            }],
        };
        for written in written.iter().rev() {
            if !reformats(&written.file)? {
                return Ok(Some(written.commit));
            }
        }
        (at, here) = (first, before);
    }
}

/// Returns the last readable record that a file held at or before `tip`; none
/// when it held none since it appeared. At a merge, the values that the other
/// side gave the file count as they do in its judgement.
///
/// # Errors
/// When a commit or an object is missing or can't be read.
pub fn last_readable(
    records: &Records<'_>,
    graph: &Graph<'_>,
    folder: &str,
    tip: Oid,
    path: &RecordPath,
) -> Result<Option<Arc<Loaded>>, Error> {
    let objects = records.objects();
    let full = match folder {
        "" => path.to_string(),
        folder => format!("{folder}/{path}"),
    };
    let value = |commit: Oid| -> Result<Value, Error> {
        let entry = raw::lookup(objects, graph.node(commit)?.tree, &full)?;
        Ok(entry
            .filter(|entry| entry.mode != Mode::Tree)
            .map(|entry| (entry.mode, entry.id)))
    };
    let readable = |value: Value| -> Result<Option<Arc<Loaded>>, Error> {
        Ok(match value {
            Some((Mode::File, id)) => Some(records.load(path, id)?).filter(|it| it.record.is_some()),
            _ => None,
        })
    };
    let mut at = tip;
    let mut here = value(at)?;
    while here.is_some() {
        if let Some(found) = readable(here)? {
            return Ok(Some(found));
        }
        let node = graph.node(at)?;
        let Some(first) = node.parents.first().copied() else {
            break;
        };
        let before = value(first)?;
        if let [first, second] = node.parents[..]
            && before != here
        {
            let file = FileChange {
                path: full.clone().into_bytes(),
                before,
                after: here,
            };
            let written = Merge::new(objects, graph, at, (first, second))?.written(&file)?;
            for written in written.iter().rev() {
                if let Some(found) = readable(written.file.before)? {
                    return Ok(Some(found));
                }
            }
        }
        (at, here) = (first, before);
    }
    Ok(None)
}
