//! Objects within a budget: a pusher must not choose how much a server reads.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::GitObjects;
use crate::base::{Error, ObjectFormat, ObjectKind, Oid};
use crate::object::Objects;

/// The limits of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The number of distinct objects.
    pub objects: usize,
    /// The bytes of these objects, unpacked.
    pub bytes: usize,
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
        self.left.set(Budget { objects, bytes });
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
}
