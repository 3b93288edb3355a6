//! The commits that a Git host would make when it lands a branch: a merge, one squashed
//! commit, or its commits rebased. The host's signature proves no actor, so these commits
//! have no signer.

use std::collections::{HashMap, HashSet};

use super::effort::{Effort, InConflict};
use super::graph::Graph;
use super::read_commit;
use crate::base::{Error, ObjectKind, Oid};
use crate::object::{Commit, Look, Mode, Objects, Overlay};
use crate::record::kind::Landing;

/// Merges three texts line by line as git does (base, ours, theirs); `None` when they are
/// in conflict.
pub type MergeText<'m> = &'m dyn Fn(&[u8], &[u8], &[u8]) -> Result<Option<Vec<u8>>, Error>;

pub(super) type Value = Option<(Mode, Oid)>;

/// A file that both sides changed, and that git can't merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The file, from the repository's top.
    pub path: Vec<u8>,
    /// The commit that can't be rebased.
    pub commit: Option<Oid>,
}

/// A branch as one way of landing would leave it.
#[derive(Debug, Default)]
pub struct Plan {
    /// The commits that come after the mainline's tip, oldest first; unsigned.
    pub commits: Vec<Commit>,
    /// Why it can't land this way as it is.
    pub clashes: Vec<Clash>,
    /// Folders that are not in Git's strict form, with the fault: a host's result can't
    /// be predicted.
    pub malformed: Vec<(String, String)>,
    /// Files that one side removes and the other changes, with a judged file that
    /// the first one adds: where renames are followed, the change lands in there.
    pub renames: Vec<(Vec<u8>, Vec<u8>)>,
    /// Files in conflict that are not judged; they stay as on the branch.
    pub elsewhere: Vec<Vec<u8>>,
    /// How many there are that the lists above do not name.
    pub more: More,
    /// The cost that the merges of this plan may still have.
    pub(super) effort: Effort,
}

/// The number of conflicts that a plan does not name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct More {
    /// Clashes.
    pub clashes: u64,
    /// Renames.
    pub renames: u64,
    /// Files in conflict that are not judged.
    pub elsewhere: u64,
}

impl Plan {
    fn is_possible(&self) -> bool {
        self.clashes.is_empty() && self.malformed.is_empty() && self.renames.is_empty()
    }
}

/// Plans landings of one branch on one tip of the mainline.
pub struct Planner<'p, 'a> {
    /// Where the commits of the plan go.
    pub objects: &'p Overlay<'a>,
    /// The commits on both sides.
    pub graph: &'p Graph<'p>,
    /// Merges texts.
    pub merge_text: MergeText<'p>,
    /// The files that are judged, by their paths from the repository's top.
    pub judged: &'p dyn Look,
}

/// The merge bases that a plan needed, and their cost. Each pair of commits is computed
/// once, since branches that crossed at each of n places have exponentially many paths.
#[derive(Default)]
struct Bases {
    of: HashMap<(Oid, Oid), Option<Oid>>,
    spent: usize,
    effort: Effort,
}

impl Bases {
    /// Counts a merge of two bases, and the commits that were walked for it.
    fn spend(&mut self, depth: usize, commits: usize) -> Result<(), Error> {
        /// Crosses of crosses are followed no deeper.
        const DEEPEST: usize = 200;
        /// The most commits that are walked for one plan.
        const MOST: usize = 1 << 21;
        /// A merge of two trees, in the same measure.
        const MERGE: usize = 1 << 8;
        self.spent = self.spent.saturating_add(commits).saturating_add(MERGE);
        if depth < DEEPEST && self.spent <= MOST {
            return Ok(());
        }
        Err(
            Error::msg("the mainline and the branch crossed too often to say what a merge of them comes to")
                .hint(
                    "merge the mainline into the branch, and look again: then they have one commit in common",
                ),
        )
    }
}

impl Planner<'_, '_> {
    /// Returns the commits that `way` would make of `tip` on `base`.
    pub fn plan(&self, way: Landing, base: Oid, tip: Oid) -> Result<Plan, Error> {
        match way {
            Landing::Merge => self.at_once(base, &[base, tip], tip),
            Landing::Squash => self.at_once(base, &[base], tip),
            Landing::Rebase => self.one_by_one(base, tip),
        }
    }

    fn tree(&self, commit: Oid) -> Result<Oid, Error> {
        Ok(self.graph.node(commit)?.tree)
    }

    fn at_once(&self, base: Oid, parents: &[Oid], tip: Oid) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        let tree = self.merged(base, tip, &mut plan)?;
        if plan.is_possible() {
            let subject = read_commit(self.objects, tip)?.subject().to_owned();
            plan.commits.push(self.commit(tree, parents, &subject)?);
        }
        Ok(plan)
    }

    /// Rebases commits that are not merges, parents first, each on the one before;
    /// commits that change nothing any more are left out.
    fn one_by_one(&self, base: Oid, tip: Oid) -> Result<Plan, Error> {
        let mut plan = Plan::default();
        let side = self.graph.sides(base, tip)?.second;
        let mut on = base;
        let mut tree = self.tree(base)?;
        for id in self.in_order(tip, &side)? {
            let node = self.graph.node(id)?;
            let before = match node.parents[..] {
                [parent] => Some(self.tree(parent)?),
                [] => None,
                _ => continue,
            };
            let first = plan.clashes.len();
            let next = self.three_way(before, [tree, node.tree], InConflict::Theirs, &mut plan)?;
            for clash in &mut plan.clashes[first..] {
                clash.commit = Some(id);
            }
            if !plan.is_possible() {
                break;
            }
            if next != tree {
                let commit = self.commit(next, &[on], read_commit(self.objects, id)?.subject())?;
                (on, tree) = (commit.id, next);
                plan.commits.push(commit);
            }
        }
        Ok(plan)
    }

    /// The commits of a side, parents before children.
    fn in_order(&self, tip: Oid, side: &HashSet<Oid>) -> Result<Vec<Oid>, Error> {
        let mut order = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![(tip, false)];
        while let Some((id, parents_done)) = open.pop() {
            if parents_done {
                order.push(id);
            } else if side.contains(&id) && seen.insert(id) {
                open.push((id, true));
                let parents = &self.graph.node(id)?.parents;
                open.extend(parents.iter().rev().map(|parent| (*parent, false)));
            }
        }
        Ok(order)
    }

    /// Builds a commit of a host: unsigned, without an actor.
    fn commit(&self, tree: Oid, parents: &[Oid], subject: &str) -> Result<Commit, Error> {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        for role in ["author", "committer"] {
            text.push_str(&format!("{role} host <host@localhost> 0 +0000\n"));
        }
        text.push_str(&format!("\n{subject}\n"));
        let bytes = text.into_bytes();
        let id = self.objects.new.insert(ObjectKind::Commit, bytes.clone());
        Commit::parse(id, &bytes)
    }

    /// The tree of a merge of two commits.
    fn merged(&self, ours: Oid, theirs: Oid, plan: &mut Plan) -> Result<Oid, Error> {
        let mut known = Bases {
            effort: std::mem::take(&mut plan.effort),
            ..Bases::default()
        };
        let base = self.base(ours, theirs, &mut known, 0)?;
        plan.effort = known.effort;
        let trees = [self.tree(ours)?, self.tree(theirs)?];
        self.three_way(base, trees, InConflict::Theirs, plan)
    }

    /// Returns the tree of the merge base of two commits. If there are several, they are
    /// merged first, as git does; conflicting files there have no base.
    fn base(&self, ours: Oid, theirs: Oid, known: &mut Bases, depth: usize) -> Result<Option<Oid>, Error> {
        if let Some(tree) = known.of.get(&(ours, theirs)) {
            return Ok(*tree);
        }
        let sides = self.graph.sides(ours, theirs)?;
        let Some((first, others)) = sides.shared.split_first() else {
            return Ok(None);
        };
        let mut tree = self.tree(*first)?;
        for other in others {
            let theirs = self.tree(*other)?;
            // Identical trees merge to themselves regardless of the base.
            if tree == theirs {
                continue;
            }
            known.spend(depth, sides.first.len() + sides.second.len())?;
            let under = self.base(*first, *other, known, depth + 1)?;
            let mut inner = Plan {
                effort: std::mem::take(&mut known.effort),
                ..Plan::default()
            };
            tree = self.three_way(under, [tree, theirs], InConflict::Neither, &mut inner)?;
            known.effort = inner.effort;
        }
        known.of.insert((ours, theirs), Some(tree));
        Ok(Some(tree))
    }

    /// Plain files that both sides changed, merged as git merges lines.
    pub(super) fn text(
        &self,
        [base, ours, theirs]: [Value; 3],
        effort: &mut Effort,
    ) -> Result<Option<Oid>, Error> {
        let (Some((Mode::File, base)), Some((Mode::File, ours)), Some((Mode::File, theirs))) =
            (base, ours, theirs)
        else {
            return Ok(None);
        };
        let read = |id| self.objects.read(id, ObjectKind::Blob);
        let (base, ours, theirs) = (read(base)?, read(ours)?, read(theirs)?);
        if !effort.merges([&base, &ours, &theirs]) {
            return Ok(None);
        }
        let merged = (self.merge_text)(&base, &ours, &theirs)?;
        Ok(merged.map(|bytes| self.objects.new.insert(ObjectKind::Blob, bytes)))
    }
}
