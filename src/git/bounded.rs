//! Objects within a budget: a pusher must not choose how much a server reads.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::sync::Arc;

use super::GitObjects;
use crate::base::{Error, ObjectFormat, ObjectKind, Oid};
use crate::object::{Fruitless, Objects, Tree, TreeCache};

/// The limits of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The number of distinct objects.
    pub objects: usize,
    /// The bytes of these objects, unpacked.
    pub bytes: usize,
    /// The names that are compared, each time that they are.
    pub names: usize,
}

/// An object store that can be read until its budget is used up.
pub struct Bounded<'r> {
    objects: GitObjects<'r>,
    budget: Budget,
    left: Cell<Budget>,
    charged: RefCell<HashSet<Oid>>,
}

impl<'r> Bounded<'r> {
    /// Limits the reading of these objects to `budget`.
    pub fn new(objects: GitObjects<'r>, budget: Budget) -> Bounded<'r> {
        Bounded {
            objects,
            budget,
            left: Cell::new(budget),
            charged: RefCell::default(),
        }
    }

    /// Charges an object to the budget, the first time that it is read.
    fn spend(&self, id: Oid) -> Result<(), Error> {
        if self.charged.borrow().contains(&id) {
            return Ok(());
        }
        // A missing object has no size; reading it reports that.
        let size = self.objects.size(id).unwrap_or_default();
        let left = self.left.get();
        let Some(objects) = left.objects.checked_sub(1) else {
            return Err(Error::msg(format!(
                "judging this push takes more than {} objects",
                self.budget.objects
            ))
            .hint(
                "push fewer commits at once; whoever runs the server can raise `modelry.hook.maxObjects`",
            ));
        };
        let Some(bytes) = left.bytes.checked_sub(size) else {
            return Err(Error::msg(format!(
                "judging this push takes more than {} bytes of objects",
                self.budget.bytes
            ))
            .hint("push fewer or smaller files; whoever runs the server can raise `modelry.hook.maxBytes`"));
        };
        self.left.set(Budget {
            objects,
            bytes,
            ..left
        });
        self.charged.borrow_mut().insert(id);
        Ok(())
    }
}

impl Objects for Bounded<'_> {
    fn format(&self) -> ObjectFormat {
        self.objects.format()
    }

    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        self.spend(id)?;
        self.objects.read(id, kind)
    }

    fn size(&self, id: Oid) -> Option<usize> {
        self.objects.size(id)
    }

    fn spend(&self, names: usize) -> Result<(), Error> {
        let left = self.left.get();
        let Some(names) = left.names.checked_sub(names) else {
            return Err(Error::msg(format!(
                "judging this push takes a comparison of more than {} names",
                self.budget.names
            ))
            .hint("push fewer commits at once; whoever runs the server can raise `modelry.hook.maxNames`"));
        };
        self.left.set(Budget { names, ..left });
        Ok(())
    }
}

/// The most names that are compared for commits that have not landed.
const MOST_NAMES: usize = 10_000_000;

/// An object store in which a command may compare a number of names. What it reads and
/// keeps is the store's below.
pub struct Metered<'a> {
    objects: &'a dyn Objects,
    left: Cell<usize>,
}

impl<'a> Metered<'a> {
    /// Limits the names that are compared in this store.
    pub fn new(objects: &'a dyn Objects) -> Metered<'a> {
        Metered {
            objects,
            left: Cell::new(MOST_NAMES),
        }
    }
}

impl Objects for Metered<'_> {
    fn format(&self) -> ObjectFormat {
        self.objects.format()
    }

    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        self.objects.read(id, kind)
    }

    fn size(&self, id: Oid) -> Option<usize> {
        self.objects.size(id)
    }

    fn tree(&self, id: Oid) -> Result<Arc<Tree>, Error> {
        self.objects.tree(id)
    }

    fn trees(&self) -> TreeCache {
        self.objects.trees()
    }

    fn fruitless(&self) -> Option<&Fruitless> {
        self.objects.fruitless()
    }

    fn spend(&self, names: usize) -> Result<(), Error> {
        let left = self.left.get().checked_sub(names).ok_or_else(|| {
            Error::msg(format!(
                "judging these commits takes a comparison of more than {MOST_NAMES} names"
            ))
            .hint(
                "judge fewer of them at once: `modelry validate A..B` of a shorter range, or land the branch in several parts",
            )
        })?;
        self.left.set(left);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Memory;

    #[test]
    fn names_are_counted_over_all_steps_of_a_command() {
        let memory = Memory::new(ObjectFormat::Sha1);
        let metered = Metered::new(&memory);
        metered.spend(MOST_NAMES).expect("the budget");
        let error = metered.spend(1).expect_err("nothing is left");
        assert!(error.to_string().contains("more than 10000000 names"), "{error}");
    }
}
