//! Records by blob. Each is read once for all snapshots of a store.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Loaded, load, read};
use crate::base::{Error, ObjectKind, Oid};
use crate::object::{GenerationalCache, Objects};
use crate::record::kind::RecordPath;

/// Documents that other threads have parsed, by blob and path.
pub type ReadAhead = Arc<Mutex<HashMap<(Oid, RecordPath), Arc<Loaded>>>>;

/// Records by blob, shared by all snapshots over one store.
pub struct Records<'a> {
    pub(super) objects: &'a dyn Objects,
    loaded: RefCell<GenerationalCache<(Oid, RecordPath), Arc<Loaded>>>,
    /// Every document that was read, by its hash.
    read: RefCell<HashSet<u64>>,
    /// The paths of files that are not records.
    pub(super) unreadable: RefCell<BTreeSet<String>>,
    ahead: ReadAhead,
}

impl<'a> Records<'a> {
    /// Starts with no record read.
    pub fn new(objects: &'a dyn Objects) -> Records<'a> {
        Records {
            objects,
            loaded: RefCell::default(),
            read: RefCell::default(),
            unreadable: RefCell::default(),
            ahead: ReadAhead::default(),
        }
    }

    /// The map in which other threads leave documents that they parsed. Each is taken
    /// from it once.
    pub fn ahead(&self) -> ReadAhead {
        self.ahead.clone()
    }

    /// The store.
    pub fn objects(&self) -> &'a dyn Objects {
        self.objects
    }

    /// The number of documents read so far.
    pub fn documents(&self) -> usize {
        self.read.borrow().len()
    }

    /// The paths, below the registry's folder, of files that were read and are not
    /// records: broken documents, and links or folders in a file's place.
    pub fn unreadable(&self) -> Vec<String> {
        self.unreadable.borrow().iter().cloned().collect()
    }

    /// A substitute text for an object that a tree lists as a file and that is a tree,
    /// a commit or a tag. The text never parses as a record.
    fn instead_of_blob(&self, id: Oid) -> Option<Vec<u8>> {
        let kinds = [ObjectKind::Tree, ObjectKind::Commit, ObjectKind::Tag];
        let is_other = kinds.iter().any(|kind| self.objects.read(id, *kind).is_ok());
        is_other.then(|| b"\xff".to_vec())
    }

    /// Loads the file with this content at this path.
    ///
    /// # Errors
    /// Schema and types disagree on the document.
    pub fn load(&self, path: &RecordPath, id: Oid) -> Result<Arc<Loaded>, Error> {
        let key = (id, path.clone());
        if let Some(loaded) = self.loaded.borrow_mut().get(&key) {
            return Ok(loaded);
        }
        let read = || match read(self.objects, path, id) {
            Err(error @ Error::CorruptObject { .. }) => {
                let bytes = self.instead_of_blob(id).ok_or(error)?;
                Ok(Arc::new(load(path, id, &bytes)?))
            }
            read => read.map(Arc::new),
        };
        let ahead = self
            .ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key);
        let loaded = ahead.map_or_else(read, Ok)?;
        if loaded.record.is_none() {
            self.unreadable.borrow_mut().insert(path.to_string());
        }
        let mut hash = DefaultHasher::new();
        key.hash(&mut hash);
        self.read.borrow_mut().insert(hash.finish());
        let weight = loaded.weight();
        self.loaded.borrow_mut().insert(key, loaded.clone(), weight);
        Ok(loaded)
    }
}
