//! Files counted without a visit to each path.

use std::collections::HashMap;
use std::sync::Arc;

use super::Objects;
use super::walk::{DEEPEST, MOST_NAMES, by_name, folder, leaf, take};
use crate::base::{Error, Oid};

/// The number of files below a folder that are new or differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Files whose path is UTF-8.
    pub plain: u64,
    /// Files whose path is not.
    pub odd: u64,
    /// Whether there are more: the count ended at a limit.
    pub more: bool,
}

impl Count {
    fn add(&mut self, other: Count, is_odd: bool) {
        let (plain, odd) = match is_odd {
            true => (0, other.plain.saturating_add(other.odd)),
            false => (other.plain, other.odd),
        };
        self.plain = self.plain.saturating_add(plain);
        self.odd = self.odd.saturating_add(odd);
        self.more |= other.more;
    }
}

/// Counts the files that differ between folders without visiting each path: a pair of
/// trees that occurs at many places is counted once.
#[derive(Default)]
pub struct Counter {
    known: HashMap<(Option<Oid>, Option<Oid>), Count>,
    spent: usize,
}

impl Counter {
    /// Counts the files below `after` that are not the same below `before`.
    pub fn count(
        &mut self,
        objects: &dyn Objects,
        before: Option<Oid>,
        after: Option<Oid>,
    ) -> Result<Count, Error> {
        let spent = self.spent;
        let count = self.below(objects, before, after, 0)?;
        objects.spend(self.spent - spent)?;
        Ok(count)
    }

    fn below(
        &mut self,
        objects: &dyn Objects,
        before: Option<Oid>,
        after: Option<Oid>,
        depth: usize,
    ) -> Result<Count, Error> {
        if after.is_none() || before == after {
            return Ok(Count::default());
        }
        if let Some(known) = self.known.get(&(before, after)) {
            return Ok(*known);
        }
        let mut count = Count::default();
        if depth > DEEPEST {
            count.more = true;
            return Ok(count);
        }
        let read = |id: Option<Oid>| id.map_or_else(|| Ok(Arc::default()), |id| objects.tree(id));
        let (old, new) = (read(before)?, read(after)?);
        let (old, new) = (by_name(&old), by_name(&new));
        let (mut old, mut new) = (&old[..], &new[..]);
        while let Some(name) = new.first().map(|entry| &entry.name) {
            self.spent += 1;
            if self.spent > MOST_NAMES {
                count.more = true;
                break;
            }
            old = &old[old.iter().take_while(|entry| entry.name < *name).count()..];
            let (old, new) = (take(&mut old, name), take(&mut new, name));
            let is_odd = std::str::from_utf8(name).is_err();
            count.add(self.below(objects, folder(old), folder(new), depth + 1)?, is_odd);
            if let Some(leaf) = leaf(new).map(Some).filter(|file| *file != leaf(old)) {
                let one = Count {
                    plain: u64::from(leaf.is_some()),
                    ..Count::default()
                };
                count.add(one, is_odd);
            }
        }
        self.known.insert((before, after), count);
        Ok(count)
    }
}
