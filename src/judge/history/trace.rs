//! Traces the files of a merged branch to the commits that wrote them, all files
//! at once: the branch's commits are visited once, children before parents, and
//! each is compared with its parents where they differ.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::crossings::{Crossings, Walk};
use super::graph::{Graph, Node, Sides};
use super::paths::{Compared, Differs, File, Paths, Read, Value};
use super::provenance::{Malformed, Written};
use crate::base::{Error, Oid};
use crate::object::{FileChange, Objects, Tree};
use crate::trust::MergeCharge;

/// The most values of a branch's files that are kept.
const MOST_WRITTEN: usize = 100_000;

/// The most commits, and files of a commit, that are examined for the merges of a branch.
const MOST_LOOKED_AT: usize = 4_000_000;

/// The most malformed folders that are named; after that, one of each path.
const MOST_MALFORMED: usize = 1_000;

/// The history of one file on the branch.
#[derive(Default)]
pub(super) struct Traced {
    /// The value at the branch's tip.
    pub(super) tip: Value,
    /// The values that the branch gave it, oldest first.
    pub(super) written: Vec<Written>,
    /// The value that they started from.
    pub(super) start: Value,
    /// Whether that is all. Otherwise a limit was met first.
    pub(super) is_whole: bool,
}

/// The history of some files on a branch.
pub(super) struct Trace {
    /// The files, by number.
    pub(super) files: Vec<Traced>,
    /// The folders that are not in strict form, on the way to the files.
    pub(super) malformed: Vec<Malformed>,
    /// The limit that was met.
    pub(super) limit: Option<String>,
}

/// The source of a commit's value of a file, on the branch.
enum Source {
    /// From this parent.
    Parent(Oid),
    /// Itself: it wrote the value in place of this parent's, or chose it although this
    /// parent's side had changed the file.
    Itself(Option<usize>, Option<MergeCharge>),
}

/// Traces some files on one side of a merge.
pub(super) struct Tracer<'t, 'a> {
    objects: &'a dyn Objects,
    graph: &'t Graph<'a>,
    sides: &'t Sides,
    paths: &'t Paths,
    /// The files that a commit wrote: those with a value that none of its parents has.
    wrote: RefCell<HashMap<Oid, Rc<[File]>>>,
    /// Files by the pair of commits of which the first descends from a commit
    /// that wrote them, and the other does not; of one merge at a time.
    between: RefCell<HashMap<(Oid, Oid), HashSet<File>>>,
    /// The files that merges of the branch's main line added, computed on demand.
    crossings: OnceCell<Crossings>,
    left: Cell<usize>,
}

impl<'t, 'a> Tracer<'t, 'a> {
    /// Traces these files on the second side.
    pub(super) fn new(
        objects: &'a dyn Objects,
        graph: &'t Graph<'a>,
        sides: &'t Sides,
        paths: &'t Paths,
    ) -> Tracer<'t, 'a> {
        Tracer {
            objects,
            graph,
            sides,
            paths,
            wrote: RefCell::default(),
            between: RefCell::default(),
            crossings: OnceCell::new(),
            left: Cell::new(MOST_LOOKED_AT),
        }
    }

    /// Takes from the budget.
    fn spend(&self, count: usize) {
        self.left.set(self.left.get().saturating_sub(count));
    }

    fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// Traces the files from the tip of the second side. A file whose value there is not
    /// `of_interest` is not traced further.
    pub(super) fn trace(&self, tip: Oid, of_interest: impl Fn(File, &Value) -> bool) -> Result<Trace, Error> {
        let mut malformed = MalformedFolders::default();
        let mut files = self.at_tip(tip, &mut malformed)?;
        let mut open: HashMap<Oid, BTreeSet<File>> = HashMap::new();
        let traced = (0..).zip(&files).filter(|(file, at)| of_interest(*file, &at.tip));
        if self.sides.second.contains(&tip) {
            open.insert(tip, traced.map(|(file, _)| file).collect());
        }
        let mut written = 0;
        let mut limit = None;
        'commits: for id in &self.sides.order {
            let Some(mut here) = open.remove(id).filter(|here| !here.is_empty()) else {
                continue;
            };
            let node = self.graph.node(*id)?;
            let home = self.home(&node);
            self.between.borrow_mut().clear();
            for (file, at_parents) in self.differing(*id, &node, &here, &mut malformed)? {
                let traced = &mut files[file as usize];
                let source = self.source(*id, &node, &traced.start, &at_parents, file)?;
                if self.is_spent() {
                    limit = Some(format!(
                        "more than {MOST_LOOKED_AT} commits and files had to be looked at for the merges of the merged branch"
                    ));
                    let _ = open.insert(*id, here);
                    break 'commits;
                }
                let next = match source {
                    Source::Parent(parent) => Some(parent),
                    Source::Itself(parent, charge) => {
                        let before = parent.and_then(|parent| at_parents[parent]);
                        if before != traced.start {
                            written += 1;
                            traced.written.push(Written {
                                file: FileChange {
                                    path: self.paths.files()[file as usize].clone().into_bytes(),
                                    before,
                                    after: traced.start,
                                },
                                commit: *id,
                                charge,
                            });
                        }
                        traced.start = before;
                        parent.map(|parent| node.parents[parent])
                    }
                };
                if next != home {
                    here.remove(&file);
                    if let Some(next) = next.filter(|next| self.sides.second.contains(next)) {
                        open.entry(next).or_default().insert(file);
                    }
                }
            }
            if written > MOST_WRITTEN {
                limit = Some(format!(
                    "the merged branch gave its files more than {MOST_WRITTEN} values"
                ));
                let _ = open.insert(*id, here);
                break 'commits;
            }
            if let Some(home) = home.filter(|home| self.sides.second.contains(home)) {
                join(open.entry(home).or_default(), here);
            }
        }
        self.objects.spend(MOST_LOOKED_AT - self.left.get())?;
        for traced in &mut files {
            traced.written.reverse();
            traced.is_whole = true;
        }
        for file in open.into_values().flatten() {
            files[file as usize].is_whole = false;
        }
        Ok(Trace {
            files,
            malformed: malformed.named(),
            limit,
        })
    }

    /// Reads the files' values at the tip.
    fn at_tip(&self, tip: Oid, malformed: &mut MalformedFolders) -> Result<Vec<Traced>, Error> {
        let mut files: Vec<Traced> = self.paths.files().iter().map(|_| Traced::default()).collect();
        let mut found = Found::of(None);
        let tree = self.graph.node(tip)?.tree;
        self.paths
            .compare(self.objects, tree, &[], Differs::FromAny, &mut found)?;
        if self.sides.second.contains(&tip) {
            for folder in &found.malformed {
                malformed.add(folder, tip);
            }
        }
        for (file, value, _) in found.files {
            let traced = &mut files[file as usize];
            (traced.tip, traced.start) = (value, value);
        }
        Ok(files)
    }

    /// Lists those of these files in which a commit differs from one of its parents, with
    /// their values at the parents.
    fn differing(
        &self,
        id: Oid,
        node: &Node,
        wanted: &BTreeSet<File>,
        malformed: &mut MalformedFolders,
    ) -> Result<Vec<(File, Vec<Value>)>, Error> {
        let mut found = Found::of(Some(wanted));
        let parents = self.trees(&node.parents)?;
        self.paths
            .compare(self.objects, node.tree, &parents, Differs::FromAny, &mut found)?;
        for folder in &found.malformed {
            let commit = match folder.of.checked_sub(1) {
                None => id,
                Some(parent) if self.is_asked(node, parent, folder, &found.files) => node.parents[parent],
                Some(_) => continue,
            };
            malformed.add(folder, commit);
        }
        Ok(found
            .files
            .into_iter()
            .map(|(file, _, parents)| (file, parents))
            .collect())
    }

    /// Whether a parent is on the branch, and traced for one of the files that may be in
    /// the folder. A file that equals the one at a parent outside the branch is not
    /// traced further.
    fn is_asked(&self, node: &Node, parent: usize, folder: &MalformedFolder, files: &[Differing]) -> bool {
        let is_outside = |parent: &usize| !self.sides.second.contains(&node.parents[*parent]);
        let before: Vec<usize> = (0..parent).filter(is_outside).collect();
        let differs = |(file, own, parents): &Differing| {
            folder.files.contains(file) && before.iter().all(|parent| parents[*parent] != *own)
        };
        !is_outside(&parent) && (before.is_empty() || files.iter().any(differs))
    }

    fn trees(&self, commits: &[Oid]) -> Result<Vec<Oid>, Error> {
        let tree = |id: &Oid| self.graph.node(*id).map(|node| node.tree);
        commits.iter().map(tree).collect()
    }

    /// Returns the parent from which a commit has the files that are the same at each
    /// parent, or `None` outside the branch, where no file is traced further.
    fn home(&self, node: &Node) -> Option<Oid> {
        let first = node.parents.first().copied()?;
        let is_inside = |id: &Oid| self.sides.second.contains(id);
        node.parents.iter().all(is_inside).then_some(first)
    }

    /// Returns the source of a value in a commit of the branch that differs from a
    /// parent's.
    ///
    /// A merge there follows the rules of the branch's own merge. A file that only one
    /// parent's side changed is inherited from that parent. To keep a value that another
    /// parent's side replaced is the merge's own change.
    fn source(
        &self,
        id: Oid,
        node: &Node,
        value: &Value,
        at_parents: &[Value],
        file: File,
    ) -> Result<Source, Error> {
        if node.parents.len() < 2 {
            return Ok(Source::Itself((!node.parents.is_empty()).then_some(0), None));
        }
        self.spend(at_parents.len() - 1);
        let is_outside = |parent: &usize| !self.sides.second.contains(&node.parents[*parent]);
        let (same, other): (Vec<usize>, Vec<usize>) =
            (0..node.parents.len()).partition(|parent| at_parents[*parent] == *value);
        if let Some(parent) = same.iter().find(|parent| is_outside(parent)) {
            return Ok(Source::Parent(node.parents[*parent]));
        }
        let mut charge = None;
        for kept in &same {
            let mut why = None;
            for left in &other {
                why = why.or(self.against(id, node.parents[*kept], node.parents[*left], file)?);
                if self.is_spent() {
                    break;
                }
            }
            match why {
                None => return Ok(Source::Parent(node.parents[*kept])),
                Some(why) => charge = charge.or(Some(why)),
            }
        }
        // A merge that resolves while it takes the mainline in starts from the mainline.
        let shared = other.iter().find(|parent| is_outside(parent));
        Ok(Source::Itself(shared.or(other.first()).copied(), charge))
    }

    /// Returns why a merge answers for a file that equals the one at `kept` and not the
    /// one at `left`, or `None` when only the side of `kept` changed it.
    fn against(&self, merge: Oid, kept: Oid, left: Oid, file: File) -> Result<Option<MergeCharge>, Error> {
        let by_kept = self.changed(merge, kept, left, file)?;
        Ok(match self.changed(merge, left, kept, file)? {
            true if by_kept => Some(MergeCharge::BothSides),
            false if by_kept => None,
            _ => Some(MergeCharge::OlderValue),
        })
    }

    /// Whether a commit wrote the file that parent `of` of a merge descends from and
    /// parent `not_of` does not, even if it was changed back.
    fn changed(&self, merge: Oid, of: Oid, not_of: Oid, file: File) -> Result<bool, Error> {
        if let Some(changed) = self.crossings()?.changed(merge, of, not_of, file) {
            return Ok(changed);
        }
        if let Some(files) = self.between.borrow().get(&(of, not_of)) {
            return Ok(files.contains(&file));
        }
        let sides = self.graph.sides(of, not_of)?;
        self.spend(16);
        for (pair, commits) in [((of, not_of), &sides.first), ((not_of, of), &sides.order)] {
            let mut files = HashSet::new();
            for commit in commits {
                let wrote = self.wrote(*commit)?;
                self.spend(1 + wrote.len());
                if self.is_spent() {
                    return Ok(false);
                }
                files.extend(wrote.iter().copied());
            }
            self.between.borrow_mut().insert(pair, files);
        }
        let between = self.between.borrow();
        Ok(between
            .get(&(of, not_of))
            .is_some_and(|files| files.contains(&file)))
    }

    fn crossings(&self) -> Result<&Crossings, Error> {
        if let Some(crossings) = self.crossings.get() {
            return Ok(crossings);
        }
        let spend = |count| {
            self.spend(count);
            !self.is_spent()
        };
        let crossings = Crossings::of(&Walk {
            graph: self.graph,
            sides: self.sides,
            wrote: &|commit| self.wrote(commit),
            spend: &spend,
        })?;
        Ok(self.crossings.get_or_init(|| crossings))
    }

    /// Lists the files that a commit wrote.
    pub(super) fn wrote(&self, commit: Oid) -> Result<Rc<[File]>, Error> {
        if let Some(wrote) = self.wrote.borrow().get(&commit) {
            return Ok(wrote.clone());
        }
        let wrote: Rc<[File]> = self.written_by(commit, None)?.into();
        self.wrote.borrow_mut().insert(commit, wrote.clone());
        Ok(wrote)
    }

    fn written_by(&self, commit: Oid, wanted: Option<&BTreeSet<File>>) -> Result<Vec<File>, Error> {
        let node = self.graph.node(commit)?;
        let mut found = Found::of(wanted);
        let parents = self.trees(&node.parents)?;
        self.paths
            .compare(self.objects, node.tree, &parents, Differs::FromEach, &mut found)?;
        Ok(found.files.into_iter().map(|(file, ..)| file).collect())
    }

    /// Returns those of these files that a commit of the first side wrote.
    pub(super) fn written_on_first(&self, files: &BTreeSet<File>) -> Result<BTreeSet<File>, Error> {
        let mut left = files.clone();
        for commit in &self.sides.first {
            if left.is_empty() {
                break;
            }
            for file in self.written_by(*commit, Some(&left))? {
                left.remove(&file);
            }
        }
        Ok(files.difference(&left).copied().collect())
    }
}

/// Adds the smaller set to the larger one.
fn join(into: &mut BTreeSet<File>, mut files: BTreeSet<File>) {
    if into.len() < files.len() {
        std::mem::swap(into, &mut files);
    }
    into.append(&mut files);
}

/// A file that differs: its value, and that at each parent.
type Differing = (File, Value, Vec<Value>);

/// The results of one comparison.
struct Found<'f> {
    /// The files that are searched; all of them when `None`.
    wanted: Option<&'f BTreeSet<File>>,
    malformed: Vec<MalformedFolder>,
    files: Vec<Differing>,
}

/// A folder that is not in strict form.
struct MalformedFolder {
    path: String,
    files: Range<File>,
    of: usize,
    id: Oid,
    tree: Arc<Tree>,
}

impl<'f> Found<'f> {
    fn of(wanted: Option<&'f BTreeSet<File>>) -> Found<'f> {
        Found {
            wanted,
            malformed: Vec::new(),
            files: Vec::new(),
        }
    }
}

impl Compared for Found<'_> {
    fn wants(&self, files: &Range<File>) -> bool {
        let in_range = |wanted: &BTreeSet<File>| wanted.range(files.clone()).next().is_some();
        self.wanted.is_none_or(in_range)
    }

    fn folder(&mut self, folder: Read<'_>) {
        if !folder.tree.faults.is_empty() {
            self.malformed.push(MalformedFolder {
                path: folder.path.to_owned(),
                files: folder.files.clone(),
                of: folder.of,
                id: folder.id,
                tree: folder.tree.clone(),
            });
        }
    }

    fn file(&mut self, file: File, own: Value, parents: Vec<Value>) {
        self.files.push((file, own, parents));
    }
}

/// Folders of the branch that are not in strict form. A file that one
/// reader does not see there seems to be written by the next commit.
#[derive(Default)]
struct MalformedFolders {
    /// The faults of each tree, by path, and the oldest commit that was seen to have the folder.
    of: BTreeMap<String, HashMap<Oid, (Vec<String>, Oid)>>,
    count: usize,
    /// The first folder that was not named.
    more: Option<(String, Oid)>,
}

impl MalformedFolders {
    fn add(&mut self, folder: &MalformedFolder, commit: Oid) {
        let MalformedFolder { path, id, tree, .. } = folder;
        let is_full = self.count >= MOST_MALFORMED;
        match self.of.get_mut(path.as_str()) {
            Some(trees) => match trees.get_mut(id) {
                Some((_, oldest)) => *oldest = commit,
                None if is_full => self.more = Some((path.clone(), commit)),
                None => {
                    trees.insert(*id, (tree.faults.clone(), commit));
                    self.count += 1;
                }
            },
            None => {
                let faults = match is_full {
                    true => tree.faults.iter().take(1).cloned().collect(),
                    false => tree.faults.clone(),
                };
                let trees = HashMap::from([(*id, (faults, commit))]);
                self.of.insert(path.clone(), trees);
                self.count += 1;
            }
        }
    }

    fn named(self) -> Vec<Malformed> {
        let mut all = Vec::new();
        for (folder, trees) in self.of {
            for (faults, commit) in trees.into_values() {
                all.extend(faults.into_iter().map(|what| Malformed {
                    folder: folder.clone(),
                    what,
                    commit,
                }));
            }
        }
        all.extend(self.more.map(|(folder, commit)| Malformed {
            folder,
            what: "more folders are malformed, and are not listed".to_owned(),
            commit,
        }));
        all.sort();
        all
    }
}
