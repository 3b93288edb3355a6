//! The files that each side of a merge within a branch wrote, for all merges on the
//! branch's main line at once. A branch that merges the mainline again and again is
//! walked once, and not once for each merge.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::graph::{Graph, Sides};
use super::paths::File;
use crate::base::{Error, Oid};

/// The files that a commit wrote.
pub(super) type Wrote<'w> = &'w dyn Fn(Oid) -> Result<Rc<[File]>, Error>;

/// The longest line of parents from a branch's tip on the branch, and the commit of the
/// line with which each other commit of the branch came in.
#[derive(Default)]
pub(super) struct Crossings {
    /// The line, oldest first.
    line: Vec<Oid>,
    /// For each commit of the branch, the place in the line of the first commit that
    /// descends from it, or is it.
    came_in: HashMap<Oid, usize>,
    /// For each file, the places at which commits of the branch came in that wrote it, in
    /// order.
    inside: HashMap<File, Vec<usize>>,
    /// The same for commits outside the branch, after the first place.
    outside: HashMap<File, Vec<usize>>,
    /// By merge of the line, and other parent.
    brought: HashMap<(Oid, Oid), Brought>,
}

/// The files that another parent adds to the line.
#[derive(Default)]
struct Brought {
    /// The files that its own commits wrote.
    files: HashSet<File>,
    /// The last place at which other commits of the branch came in that it has.
    since: Option<usize>,
    /// The last commit of the line that it has.
    joins: Option<usize>,
    /// The files that commits outside the branch wrote, which the line has and the branch
    /// has not, if the line has nothing of the branch before its own commits.
    lost: HashSet<File>,
}

/// The inputs of one walk.
pub(super) struct Walk<'w, 'a> {
    /// The commits.
    pub(super) graph: &'w Graph<'a>,
    /// The branch is the second side.
    pub(super) sides: &'w Sides,
    /// The files that each commit wrote.
    pub(super) wrote: Wrote<'w>,
    /// Takes from the budget; false when it is used up.
    pub(super) spend: &'w dyn Fn(usize) -> bool,
}

impl Crossings {
    /// Walks a branch. The result is incomplete when the budget is used up.
    pub(super) fn of(walk: &Walk<'_, '_>) -> Result<Crossings, Error> {
        let mut found = Crossings::default();
        // The longest line, so that most merges are on it.
        let mut longest: HashMap<Oid, (usize, Option<Oid>)> = HashMap::new();
        for id in walk.sides.order.iter().rev() {
            let node = walk.graph.node(*id)?;
            let lengths = node.parents.iter().rev();
            let lengths = lengths.filter_map(|parent| Some((longest.get(parent)?.0, *parent)));
            let next = lengths.max_by_key(|(length, _)| *length);
            longest.insert(
                *id,
                (
                    next.map_or(1, |(length, _)| length + 1),
                    next.map(|(_, parent)| parent),
                ),
            );
        }
        let mut next = walk.sides.order.first().copied();
        while let Some(id) = next {
            found.line.push(id);
            next = longest.get(&id).and_then(|(_, next)| *next);
        }
        found.line.reverse();
        // The last commits outside the branch that the line descends from so far.
        let mut known: Vec<Oid> = Vec::new();
        for (at, id) in found.line.clone().into_iter().enumerate() {
            let before = at.checked_sub(1).map(|before| found.line[before]);
            let mut new = Vec::new();
            for parent in &walk.graph.node(id)?.parents {
                if Some(*parent) == before {
                    continue;
                }
                if before.is_none() {
                    new.push(*parent);
                    continue;
                }
                let (brought, outside) = found.bring(walk, *parent, at, &known)?;
                found.brought.insert((id, *parent), brought);
                new.extend(outside);
            }
            match before {
                None => known = new,
                Some(_) if new.is_empty() => {}
                Some(_) => {
                    let beyond = walk.graph.beyond(&new, &mut known)?;
                    (walk.spend)(beyond.walked);
                }
            }
            found.came_in.insert(id, at);
            if !(walk.spend)(1) {
                return Ok(found);
            }
        }
        for (id, at) in &found.came_in {
            let wrote = (walk.wrote)(*id)?;
            if !(walk.spend)(1 + wrote.len()) {
                break;
            }
            for file in wrote.iter() {
                found.inside.entry(*file).or_default().push(*at);
            }
        }
        for places in found.inside.values_mut() {
            places.sort_unstable();
        }
        Ok(found)
    }

    /// Notes the files that `parent` adds to the line at this place, and the commits
    /// outside the branch that they come from.
    fn bring(
        &mut self,
        walk: &Walk<'_, '_>,
        parent: Oid,
        at: usize,
        known: &[Oid],
    ) -> Result<(Brought, Vec<Oid>), Error> {
        let mut brought = Brought::default();
        let mut outside = Vec::new();
        if !(walk.spend)(0) {
            return Ok((brought, outside));
        }
        let mut own = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![parent];
        while let Some(id) = open.pop() {
            match self.came_in.get(&id) {
                _ if !seen.insert(id) => {}
                _ if !walk.sides.second.contains(&id) => outside.push(id),
                Some(place) if *place < at => {
                    brought.since = brought.since.max(Some(*place));
                    if self.line[*place] == id {
                        brought.joins = brought.joins.max(Some(*place));
                    }
                }
                _ => {
                    own.push(id);
                    self.came_in.insert(id, at);
                    open.extend(walk.graph.node(id)?.parents.iter().copied());
                }
            }
        }
        let files = |commits: &[Oid]| -> Result<HashSet<File>, Error> {
            let mut files = HashSet::new();
            for id in commits {
                let wrote = (walk.wrote)(*id)?;
                if !(walk.spend)(1 + wrote.len()) {
                    break;
                }
                files.extend(wrote.iter().copied());
            }
            Ok(files)
        };
        brought.files = files(&own)?;
        if !outside.is_empty() {
            let beyond = walk.graph.beyond(&outside, &mut known.to_vec())?;
            (walk.spend)(beyond.walked);
            let new = files(&beyond.commits)?;
            for file in &new {
                self.outside.entry(*file).or_default().push(at);
            }
            brought.files.extend(new);
        }
        if brought.since.is_none() {
            let beyond = walk.graph.beyond(known, &mut outside.clone())?;
            (walk.spend)(beyond.walked);
            brought.lost = files(&beyond.commits)?;
        }
        Ok((brought, outside))
    }

    /// Whether a commit wrote the file that parent `of` of a merge descends from, and
    /// parent `not_of` does not, or `None` if the walk does not know.
    pub(super) fn changed(&self, merge: Oid, of: Oid, not_of: Oid, file: File) -> Option<bool> {
        let before = self.came_in.get(&merge)?.checked_sub(1)?;
        let own = self.line[before];
        if self.line.get(before + 1) != Some(&merge) {
            return None;
        }
        if not_of == own {
            return Some(self.brought.get(&(merge, of))?.files.contains(&file));
        }
        if of != own {
            return None;
        }
        let brought = self.brought.get(&(merge, not_of))?;
        let after = |all: &HashMap<File, Vec<usize>>, place: Option<usize>| {
            let first = place.map_or(0, |place| place + 1);
            let places = all.get(&file).map_or(&[][..], Vec::as_slice);
            let next = places.get(places.partition_point(|place| *place < first));
            next.is_some_and(|place| *place <= before)
        };
        if brought.since.is_none() {
            return Some(after(&self.inside, None) || brought.lost.contains(&file));
        }
        // The other parent lacks each commit that came in after its last one.
        if after(&self.inside, brought.since) {
            return Some(true);
        }
        // It has everything that the line had where it last left the line.
        let left = brought.joins?;
        let may_be = after(&self.inside, Some(left)) || after(&self.outside, Some(left));
        (!may_be).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::base::{ObjectFormat, ObjectKind};
    use crate::object::{Memory, Overlay, edit};

    const FILES: usize = 3;

    /// A commit: its parents, counted back from it, and the files that it gives a value.
    type Step = (Vec<usize>, Vec<(usize, u8)>);

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let parents = proptest::collection::vec(prop_oneof![3 => 1..3usize, 1 => 1..12usize], 1..4);
        let files = proptest::collection::vec((0..FILES, 0..3u8), 0..2);
        proptest::collection::vec((parents, files), 4..24)
    }

    /// Writes the commits; their ids.
    fn history(memory: &Memory, steps: &[Step]) -> Vec<Oid> {
        let mut ids: Vec<Oid> = Vec::new();
        let mut states: Vec<BTreeMap<usize, u8>> = Vec::new();
        for (number, (back, files)) in steps.iter().enumerate() {
            let parents: Vec<usize> = back.iter().filter_map(|back| number.checked_sub(*back)).collect();
            let mut state = parents
                .first()
                .map(|first| states[*first].clone())
                .unwrap_or_default();
            state.extend(files.iter().copied());
            let overlay = Overlay::new(memory);
            let mut edits = BTreeMap::from([("x".to_owned(), Some(Vec::new()))]);
            edits.extend(
                state
                    .iter()
                    .map(|(file, value)| (format!("f{file}"), Some(vec![*value]))),
            );
            let tree = edit(&overlay, None, &edits).expect("a tree").expect("files");
            for (_, kind, bytes) in overlay.new.reachable(tree) {
                memory.insert(kind, bytes);
            }
            let mut text = format!("tree {tree}\n");
            for parent in &parents {
                text.push_str(&format!("parent {}\n", ids[*parent]));
            }
            text.push_str(&format!(
                "author x <x> {number} +0000\ncommitter x <x> {number} +0000\n\nx\n"
            ));
            ids.push(memory.insert(ObjectKind::Commit, text.into_bytes()));
            states.push(state);
        }
        ids
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_said_of_a_merge_is_what_its_sides_wrote(steps in steps(), other in 0..24usize) {
            let memory = Memory::new(ObjectFormat::Sha1);
            let ids = history(&memory, &steps);
            let graph = Graph::new(&memory, None);
            let (first, second) = (ids[other % ids.len()], ids[ids.len() - 1]);
            let sides = graph.sides(first, second).expect("sides");
            let names: Vec<String> = (0..FILES).map(|file| format!("f{file}")).collect();
            let paths = super::super::paths::Paths::of(names.iter().map(String::as_str));
            let tracer = super::super::trace::Tracer::new(&memory, &graph, &sides, &paths);
            let left = Cell::new(usize::MAX);
            let spend = |count: usize| {
                left.set(left.get() - count);
                true
            };
            let found = Crossings::of(&Walk {
                graph: &graph,
                sides: &sides,
                wrote: &|commit| tracer.wrote(commit),
                spend: &spend,
            })
            .expect("crossings");
            for merge in &sides.order {
                let parents = graph.node(*merge).expect("a commit").parents.clone();
                let pairs = parents.iter().flat_map(|of| parents.iter().map(move |not_of| (*of, *not_of)));
                for (of, not_of) in pairs.filter(|(of, not_of)| of != not_of) {
                    let between = graph.sides(of, not_of).expect("sides").first;
                    let wrote: Vec<File> =
                        between.iter().flat_map(|id| tracer.wrote(*id).expect("files").to_vec()).collect();
                    for file in (0..FILES).filter_map(|file| File::try_from(file).ok()) {
                        if let Some(changed) = found.changed(*merge, of, not_of, file) {
                            prop_assert_eq!(changed, wrote.contains(&file));
                        }
                    }
                }
            }
        }
    }
}
