//! Who descends from whom, for merges: which commits belong to one side alone.

use std::cell::RefCell;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::rc::Rc;

use super::read_commit;
use crate::error::Error;
use crate::raw::{Objects, Oid};

/// What the graph keeps of a commit.
#[derive(Debug)]
pub struct Node {
    /// The tree.
    pub tree: Oid,
    /// The parents.
    pub parents: Vec<Oid>,
}

/// The commits that only one parent of a merge brings.
#[derive(Debug, Default)]
pub struct Sides {
    /// Reachable from the first parent, and not from the second.
    pub first: Vec<Oid>,
    /// Reachable from the second parent, and not from the first.
    pub second: HashSet<Oid>,
    /// Whether the parents share any history.
    pub related: bool,
}

/// The commits below the mainline, read as they are needed. No commit-graph,
/// no date and no graft is believed: what descends from what is read from the
/// commits alone.
pub struct Graph<'a> {
    objects: &'a dyn Objects,
    nodes: RefCell<HashMap<Oid, Rc<Node>>>,
    ranks: RefCell<Ranks>,
}

/// A number for each known commit, above those of all its parents.
#[derive(Default)]
struct Ranks {
    of: HashMap<Oid, u32>,
    /// What lies before this commit is left out, until a side leads there.
    floor: Option<Oid>,
}

impl<'a> Graph<'a> {
    /// Nothing read yet. What lies before `floor` is read only when a side
    /// branch started there.
    pub fn new(objects: &'a dyn Objects, floor: Option<Oid>) -> Graph<'a> {
        Graph {
            objects,
            nodes: RefCell::default(),
            ranks: RefCell::new(Ranks {
                of: HashMap::new(),
                floor,
            }),
        }
    }

    /// One commit.
    ///
    /// # Errors
    /// When it can't be read.
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

    /// Ranks `tip` and all that it descends from.
    fn rank(&self, ranks: &mut Ranks, tip: Oid) -> Result<(), Error> {
        let mut open = vec![(tip, false)];
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
                open.extend(node.parents.iter().map(|parent| (*parent, false)));
            }
        }
        Ok(())
    }

    /// What each parent of a merge brings alone.
    ///
    /// # Errors
    /// When a commit is missing: then nobody can say who wrote what.
    pub fn sides(&self, first: Oid, second: Oid) -> Result<Sides, Error> {
        let mut ranks = self.ranks.borrow_mut();
        loop {
            self.rank(&mut ranks, first)?;
            let mut sides = Sides::default();
            let mut shared = Vec::new();
            let mut open = vec![second];
            let mut reaches_a_start = false;
            while let Some(id) = open.pop() {
                if ranks.of.contains_key(&id) {
                    shared.push(id);
                    continue;
                }
                if !sides.second.insert(id) {
                    continue;
                }
                let node = self.node(id)?;
                reaches_a_start |= node.parents.is_empty();
                open.extend(node.parents.iter().copied());
            }
            // The side may have left before the floor: then that must be known too.
            if reaches_a_start && ranks.floor.take().is_some() {
                ranks.of.clear();
                continue;
            }
            sides.related = !shared.is_empty();
            sides.first = self.only_first(&ranks, first, shared)?;
            return Ok(sides);
        }
    }

    /// The ranked commits that `first` descends from and none of `shared` does.
    fn only_first(&self, ranks: &Ranks, first: Oid, shared: Vec<Oid>) -> Result<Vec<Oid>, Error> {
        // Highest rank first, so that all that descends from a commit was seen
        // before it.
        let mut open: BinaryHeap<(u32, Oid)> = BinaryHeap::new();
        let mut is_shared: HashMap<Oid, bool> = HashMap::new();
        let mut ours_open = 0usize;
        let mut found = Vec::new();
        let reach = |id: Oid,
                     shared: bool,
                     open: &mut BinaryHeap<(u32, Oid)>,
                     is_shared: &mut HashMap<Oid, bool>,
                     ours_open: &mut usize| {
            let Some(rank) = ranks.of.get(&id) else { return };
            match is_shared.get_mut(&id) {
                None => {
                    is_shared.insert(id, shared);
                    open.push((*rank, id));
                    *ours_open += usize::from(!shared);
                }
                Some(was) if shared && !*was => {
                    *was = true;
                    *ours_open -= 1;
                }
                Some(_) => {}
            }
        };
        reach(first, false, &mut open, &mut is_shared, &mut ours_open);
        for id in shared {
            reach(id, true, &mut open, &mut is_shared, &mut ours_open);
        }
        while ours_open > 0 {
            let Some((_, id)) = open.pop() else { break };
            let shared = is_shared.get(&id).copied().unwrap_or(true);
            if !shared {
                ours_open -= 1;
                found.push(id);
            }
            for parent in &self.node(id)?.parents {
                reach(*parent, shared, &mut open, &mut is_shared, &mut ours_open);
            }
        }
        Ok(found)
    }
}
