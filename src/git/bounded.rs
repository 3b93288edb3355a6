//! Objects within a budget: whoever pushes must not choose how much a server
//! reads.

use std::cell::Cell;

use super::GitObjects;
use crate::error::Error;
use crate::raw::{ObjectFormat, ObjectKind, Objects, Oid};

/// How much may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Objects, each time that one is read.
    pub objects: usize,
    /// Bytes of them all, unpacked.
    pub bytes: usize,
}

/// A store that is read until the budget is used up.
pub struct Bounded<'r> {
    objects: GitObjects<'r>,
    budget: Budget,
    left: Cell<Budget>,
}

impl<'r> Bounded<'r> {
    /// These objects, within `budget`.
    pub fn new(objects: GitObjects<'r>, budget: Budget) -> Bounded<'r> {
        Bounded {
            objects,
            budget,
            left: Cell::new(budget),
        }
    }

    /// Takes one object of this size from what is left.
    fn spend(&self, size: usize) -> Result<(), Error> {
        let left = self.left.get();
        let Some(objects) = left.objects.checked_sub(1) else {
            return Err(Error::told(format!(
                "judging this push takes more than {} objects",
                self.budget.objects
            ))
            .hint(
                "push fewer commits at once; whoever runs the server can raise `modelry.hook.maxObjects`",
            ));
        };
        let Some(bytes) = left.bytes.checked_sub(size) else {
            return Err(Error::told(format!(
                "judging this push takes more than {} bytes of objects",
                self.budget.bytes
            ))
            .hint("push fewer or smaller files; whoever runs the server can raise `modelry.hook.maxBytes`"));
        };
        self.left.set(Budget { objects, bytes });
        Ok(())
    }
}

impl Objects for Bounded<'_> {
    fn format(&self) -> ObjectFormat {
        self.objects.format()
    }

    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        // What can't be told is told by reading it.
        self.spend(self.objects.size(id).unwrap_or_default())?;
        self.objects.read(id, kind)
    }

    fn size(&self, id: Oid) -> Option<usize> {
        self.objects.size(id)
    }
}
