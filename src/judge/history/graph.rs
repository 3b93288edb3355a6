//! Ancestry for merges: which commits belong to one side alone.

use std::cell::RefCell;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

use super::provenance::KnownOrigins;
use super::read_commit;
use crate::base::{Error, Oid};
use crate::object::{Commit, Objects};

/// The part of a commit that the graph keeps.
#[derive(Debug)]
pub struct Node {
    /// The tree.
    pub tree: Oid,
    /// The parents.
    pub parents: Vec<Oid>,
}

/// The commits that only one parent of a merge has.
#[derive(Debug, Default)]
pub struct Sides {
    /// Reachable from the first parent, and not from the second.
    pub first: Vec<Oid>,
    /// Reachable from the second parent, and not from the first.
    pub second: HashSet<Oid>,
    /// The commits of `second`, children before parents.
    pub order: Vec<Oid>,
    /// The merge bases: commits that both have, and that no other such commit descends
    /// from. Empty when the parents share no history.
    pub shared: Vec<Oid>,
}

/// The commits below the mainline, read on demand. It ignores commit-graphs, dates and
/// grafts: ancestry is read from the commits alone.
pub struct Graph<'a> {
    objects: &'a dyn Objects,
    nodes: RefCell<HashMap<Oid, Rc<Node>>>,
    ranks: RefCell<Ranks>,
    /// The known authors of merged changes.
    pub(super) origins: RefCell<KnownOrigins>,
}

/// A number for each known commit, above those of all its parents.
#[derive(Default)]
struct Ranks {
    of: HashMap<Oid, u32>,
    /// The commit before which history is left out, until a side leads there.
    floor: Option<Oid>,
}

impl<'a> Graph<'a> {
    /// Builds an empty graph. History before `floor` is read only when a side branch
    /// started there.
    pub fn new(objects: &'a dyn Objects, floor: Option<Oid>) -> Graph<'a> {
        Graph {
            objects,
            nodes: RefCell::default(),
            ranks: RefCell::new(Ranks {
                of: HashMap::new(),
                floor,
            }),
            origins: RefCell::default(),
        }
    }

    /// Keeps a commit that was read already.
    pub fn know(&self, commit: &Commit) {
        self.nodes.borrow_mut().entry(commit.id).or_insert_with(|| {
            Rc::new(Node {
                tree: commit.tree,
                parents: commit.parents.clone(),
            })
        });
    }

    /// Returns one commit.
    pub fn node(&self, id: Oid) -> Result<Rc<Node>, Error> {
        if let Some(node) = self.nodes.borrow().get(&id) {
            return Ok(node.clone());
        }
        let commit = read_commit(self.objects, id)?;
        let node = Rc::new(Node {
            tree: commit.tree,
            parents: commit.parents,
        });
        self.nodes.borrow_mut().insert(id, node.clone());
        Ok(node)
    }

    /// Ranks `tip` and all its ancestors. Returns whether it met a commit without parents
    /// that is not the floor.
    fn rank(&self, ranks: &mut Ranks, tip: Oid) -> Result<bool, Error> {
        let mut open = vec![(tip, false)];
        let mut reaches_a_start = false;
        while let Some((id, parents_done)) = open.pop() {
            if ranks.of.contains_key(&id) {
                continue;
            }
            if parents_done {
                let rank = u32::try_from(ranks.of.len()).unwrap_or(u32::MAX);
                ranks.of.insert(id, rank);
                continue;
            }
            open.push((id, true));
            if ranks.floor != Some(id) {
                let node = self.node(id)?;
                reaches_a_start |= node.parents.is_empty();
                open.extend(node.parents.iter().map(|parent| (*parent, false)));
            }
        }
        Ok(reaches_a_start)
    }

    /// Returns the commits that each parent of a merge has alone.
    ///
    /// # Errors
    /// A commit is missing, so the authors can't be determined.
    pub fn sides(&self, first: Oid, second: Oid) -> Result<Sides, Error> {
        let mut ranks = self.ranks.borrow_mut();
        let mut reaches_a_start = self.rank(&mut ranks, first)?;
        reaches_a_start |= self.rank(&mut ranks, second)?;
        // The side may have left before the floor: then that part is read too.
        if reaches_a_start && ranks.floor.take().is_some() {
            ranks.of.clear();
            self.rank(&mut ranks, first)?;
            self.rank(&mut ranks, second)?;
        }
        let mut painter = Painter::new(&ranks);
        painter.reach(first, Paint::FIRST);
        painter.reach(second, Paint::SECOND);
        let mut sides = Sides::default();
        while painter.undecided > 0 {
            let Some((id, mut paint)) = painter.take() else {
                break;
            };
            if paint.is_shared() {
                if !paint.below {
                    sides.shared.push(id);
                }
                paint.below = true;
            } else if paint.first {
                sides.first.push(id);
            } else {
                sides.second.insert(id);
                sides.order.push(id);
            }
            if ranks.floor != Some(id) {
                for parent in &self.node(id)?.parents {
                    painter.reach(*parent, paint);
                }
            }
        }
        Ok(sides)
    }

    /// Lists the commits that `tips` descend from and `known` do not, with those of
    /// `tips` themselves. An earlier [`Graph::sides`] must know them all. Afterwards
    /// `known` has the last commits of both.
    pub(super) fn beyond(&self, tips: &[Oid], known: &mut Vec<Oid>) -> Result<Beyond, Error> {
        let ranks = self.ranks.borrow();
        let mut painter = Painter::new(&ranks);
        for id in known.iter() {
            painter.reach(*id, Paint::FIRST);
        }
        for id in tips {
            painter.reach(*id, Paint::SECOND);
        }
        let mut beyond = Beyond {
            commits: Vec::new(),
            walked: 0,
        };
        while painter.undecided > 0 {
            let Some((id, mut paint)) = painter.take() else {
                break;
            };
            beyond.walked += 1;
            paint.below |= paint.is_shared();
            if !paint.first {
                beyond.commits.push(id);
            }
            if ranks.floor != Some(id) {
                for parent in &self.node(id)?.parents {
                    painter.reach(*parent, paint);
                }
            }
        }
        let paint = |id: &Oid| painter.paint.get(id).copied().unwrap_or_default();
        known.retain(|id| !paint(id).second || tips.contains(id));
        let new = tips.iter().filter(|id| !paint(id).first);
        known.extend(new);
        Ok(beyond)
    }
}

/// The commits that some commits descend from and others do not.
pub(super) struct Beyond {
    /// The commits.
    pub(super) commits: Vec<Oid>,
    /// How many commits were walked.
    pub(super) walked: usize,
}

/// From which sides a commit was reached.
#[derive(Clone, Copy, Debug, Default)]
struct Paint {
    first: bool,
    second: bool,
    /// Through a commit that both sides have.
    below: bool,
}

impl Paint {
    const FIRST: Paint = Paint {
        first: true,
        second: false,
        below: false,
    };
    const SECOND: Paint = Paint {
        first: false,
        second: true,
        below: false,
    };

    fn is_shared(self) -> bool {
        self.first && self.second
    }
}

/// A walk from two commits down, highest rank first, so that all that descends
/// from a commit was seen before it.
struct Painter<'r> {
    ranks: &'r Ranks,
    open: BinaryHeap<(u32, Oid)>,
    paint: HashMap<Oid, Paint>,
    /// Commits in `open` that are not known to be below a shared one.
    undecided: usize,
}

impl<'r> Painter<'r> {
    fn new(ranks: &'r Ranks) -> Painter<'r> {
        Painter {
            ranks,
            open: BinaryHeap::new(),
            paint: HashMap::new(),
            undecided: 0,
        }
    }
}

impl Painter<'_> {
    fn reach(&mut self, id: Oid, with: Paint) {
        let Some(rank) = self.ranks.of.get(&id) else {
            return;
        };
        match self.paint.get_mut(&id) {
            None => {
                self.paint.insert(id, with);
                self.open.push((*rank, id));
                self.undecided += usize::from(!with.below);
            }
            Some(paint) => {
                let was_below = paint.below;
                paint.first |= with.first;
                paint.second |= with.second;
                paint.below |= with.below;
                self.undecided -= usize::from(paint.below && !was_below);
            }
        }
    }

    fn take(&mut self) -> Option<(Oid, Paint)> {
        let (_, id) = self.open.pop()?;
        let paint = self.paint.get(&id).copied().unwrap_or_default();
        self.undecided -= usize::from(!paint.below);
        Some((id, paint))
    }
}
