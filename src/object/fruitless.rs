//! Comparisons of folders in which nothing was found, kept for all steps of a command.
//!
//! A step's limit of names must not depend on the steps that were compared before it. So
//! each comparison keeps the number of its own names and the comparisons inside it, and a
//! later step counts them as if it had made them.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::base::Oid;

/// The scope of the look, two trees, their depth, and the state of their folder.
pub(super) type Comparison = (usize, Option<Oid>, Option<Oid>, usize, Vec<u16>);

/// The most comparisons and links between them that are kept from one step to the next.
const MOST: usize = 1 << 17;

/// The number of a comparison.
pub(super) type Number = usize;

/// Comparisons in which nothing was found.
#[derive(Debug, Default)]
pub struct Fruitless(RefCell<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The scopes of looks, by number.
    scopes: HashMap<Vec<u8>, usize>,
    numbers: HashMap<Comparison, Number>,
    rows: Vec<Row>,
    links: usize,
    /// The trees that are searched as a whole, or how often each was visited.
    searched: HashMap<Oid, Searched>,
}

/// The result of searching a tree, whatever it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched {
    /// Not searched yet, and visited so many times.
    Visited(usize),
    /// There is nothing in it.
    Empty,
    /// There is something in it.
    Found,
}

/// The cost of one comparison.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// The names that differ in the folder itself.
    pub(super) names: usize,
    /// The comparisons of the folders in it.
    pub(super) inside: Vec<Number>,
}

impl Fruitless {
    /// Forgets everything when it is too much, at the start of a step.
    pub fn trim(&self) {
        let mut kept = self.0.borrow_mut();
        if kept.rows.len() + kept.links + kept.scopes.len() + kept.searched.len() > MOST {
            *kept = Kept::default();
        }
    }

    /// Starts a step. Returns the number of the look's scope.
    pub(super) fn start(&self, scope: Vec<u8>) -> usize {
        self.trim();
        let mut kept = self.0.borrow_mut();
        let next = kept.scopes.len();
        *kept.scopes.entry(scope).or_insert(next)
    }

    /// Returns what is known of a tree in which something is searched.
    pub fn searched(&self, tree: Oid) -> Searched {
        let kept = self.0.borrow();
        kept.searched.get(&tree).copied().unwrap_or(Searched::Visited(0))
    }

    /// Keeps what is known of a tree in which something is searched.
    pub fn set_searched(&self, tree: Oid, searched: Searched) {
        self.0.borrow_mut().searched.insert(tree, searched);
    }

    pub(super) fn number(&self, comparison: &Comparison) -> Option<Number> {
        self.0.borrow().numbers.get(comparison).copied()
    }

    pub(super) fn insert(&self, comparison: Comparison, row: Row) -> Number {
        let mut kept = self.0.borrow_mut();
        let number = kept.rows.len();
        kept.links += row.inside.len();
        kept.rows.push(row);
        kept.numbers.insert(comparison, number);
        number
    }

    /// Returns a comparison and those inside it that are not in `seen`, with the number
    /// of their names; `None` when they have more than `most`.
    pub(super) fn unseen(
        &self,
        number: Number,
        seen: &HashSet<Number>,
        most: usize,
    ) -> Option<(HashSet<Number>, usize)> {
        let kept = self.0.borrow();
        let mut found = HashSet::from([number]);
        let mut open = vec![number];
        let mut names = 0;
        while let Some(row) = open.pop().and_then(|number| kept.rows.get(number)) {
            names += row.names;
            if names > most {
                return None;
            }
            for inside in &row.inside {
                if !seen.contains(inside) && found.insert(*inside) {
                    open.push(*inside);
                }
            }
        }
        Some((found, names))
    }
}

#[cfg(test)]
mod tests {
    use super::super::walk::{Look, MOST_OUTSIDE, diff};
    use super::super::{CachedObjects, Entry, FileChange, Memory, Mode, Tree};
    use crate::base::{ObjectFormat, ObjectKind, Oid};

    /// Looks for a file that does not exist.
    struct Nothing;

    impl Look for Nothing {
        fn enters(&self, _: &[u8], _: Option<Oid>, _: Option<Oid>) -> bool {
            true
        }

        fn holds(&self, file: &FileChange) -> bool {
            file.path.ends_with(b"Dockerfile")
        }

        fn state(&self, _: &[u8]) -> Option<Vec<u16>> {
            Some(Vec::new())
        }

        fn scope(&self) -> Option<Vec<u8>> {
            Some(Vec::new())
        }

        fn is_outside(&self, _: &[u8]) -> bool {
            true
        }
    }

    #[test]
    fn a_limit_of_a_step_does_not_depend_on_the_steps_before() {
        const COUNT: usize = 64;
        let memory = Memory::new(ObjectFormat::Sha1);
        let tree = |mode: Mode, inside: &[Oid]| {
            let entries: Vec<Entry> = inside
                .iter()
                .enumerate()
                .map(|(n, id)| Entry {
                    mode,
                    name: format!("{n:03}").into_bytes(),
                    id: *id,
                })
                .collect();
            memory.insert(ObjectKind::Tree, Tree::write(&entries))
        };
        let folders = |text: &str| -> Vec<Oid> {
            (0..COUNT)
                .map(|n| {
                    let blob = memory.insert(ObjectKind::Blob, format!("{text} {n}").into_bytes());
                    tree(Mode::File, &[blob; COUNT])
                })
                .collect()
        };
        let (old, new) = (folders("old"), folders("new"));
        let tops = |count: usize| {
            let lines = |of: &dyn Fn(usize) -> Oid| {
                let lines: Vec<Oid> = (0..count).map(of).collect();
                Some(tree(Mode::Tree, &lines))
            };
            (
                lines(&|n| tree(Mode::Tree, &[old[n]; COUNT])),
                lines(&|_| tree(Mode::Tree, &new)),
            )
        };
        let shared = CachedObjects::new(&memory);
        let mut limits = Vec::new();
        for count in [40, 30, 40, 61, 64, 50] {
            let (before, after) = tops(count);
            let alone = CachedObjects::new(&memory);
            let first = diff(&alone, before, after, &Nothing).expect("a difference");
            let later = diff(&shared, before, after, &Nothing).expect("a difference");
            assert_eq!(first.limits, later.limits, "{count}");
            limits.push((count, !first.limits.is_empty()));
        }
        let met = |count: usize| count * COUNT * COUNT + count * COUNT + count >= MOST_OUTSIDE;
        assert!(
            limits.iter().all(|(count, is_met)| met(*count) == *is_met),
            "{limits:?}"
        );
        assert!(limits.iter().any(|(_, is_met)| *is_met));
    }
}
