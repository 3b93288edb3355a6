//! Where objects come from: a Git repository, a folder on disk, or memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Tree, read_tree};
use crate::base::{Error, ObjectFormat, ObjectKind, Oid};

/// A store of Git objects by id. What it returns hashes to the id asked for.
pub trait Objects {
    /// The hash that names this store's objects.
    fn format(&self) -> ObjectFormat;

    /// The object's bytes.
    ///
    /// # Errors
    /// [`Error::MissingObject`] when the store lacks it (a shallow or partial
    /// clone); [`Error::CorruptObject`] when it is of another kind or does not
    /// hash to its id.
    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error>;

    /// The size of an object in bytes, where the store tells it without reading the
    /// object.
    fn size(&self, _id: Oid) -> Option<usize> {
        None
    }

    /// A tree, parsed.
    ///
    /// # Errors
    /// As [`Objects::read`]; and when its bytes are no tree.
    fn tree(&self, id: Oid) -> Result<Arc<Tree>, Error> {
        read_tree(self, id).map(Arc::new)
    }

    /// Where trees are kept, for other threads that read the same store; an
    /// empty place of their own where none are.
    fn shelf(&self) -> TreeCache {
        TreeCache::default()
    }
}

/// Trees that were read, kept for whoever asks next, in this thread or another.
/// An id means the same bytes for good. Of what was not asked for lately,
/// nothing is kept.
#[derive(Clone, Debug, Default)]
pub struct TreeCache(Arc<Mutex<GenerationalCache<Oid, Arc<Tree>>>>);

impl TreeCache {
    fn lately(&self) -> MutexGuard<'_, GenerationalCache<Oid, Arc<Tree>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree that is kept, or that `read` gives.
    fn or_read(&self, id: Oid, read: impl FnOnce() -> Result<Arc<Tree>, Error>) -> Result<Arc<Tree>, Error> {
        if let Some(tree) = self.lately().get(&id) {
            return Ok(tree);
        }
        let tree = read()?;
        self.lately().insert(id, tree.clone(), tree.weight());
        Ok(tree)
    }
}

/// A map that forgets what nobody asked for in a while, by number and by weight: a
/// push must not choose how much is kept.
#[derive(Debug)]
pub struct GenerationalCache<K, V> {
    now: HashMap<K, (V, usize)>,
    before: HashMap<K, (V, usize)>,
    /// The weight of `now`, in bytes.
    weight: usize,
}

impl<K, V> Default for GenerationalCache<K, V> {
    fn default() -> Self {
        GenerationalCache {
            now: HashMap::new(),
            before: HashMap::new(),
            weight: 0,
        }
    }
}

impl<K: Eq + Hash, V: Clone> GenerationalCache<K, V> {
    /// So many are new or asked for before the others are forgotten.
    const MOST: usize = 4096;

    /// So many bytes, about. As much again is kept of what came before.
    const HEAVIEST: usize = 32 << 20;

    /// What is kept under `key`.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.now.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.before.remove_entry(key)?;
        self.insert(key, value.clone(), weight);
        Some(value)
    }

    /// Keeps `value` under `key`; it takes about `weight` bytes. What is heavier than
    /// all the others may be is not kept.
    pub fn insert(&mut self, key: K, value: V, weight: usize) {
        if weight > Self::HEAVIEST {
            return;
        }
        if self.now.len() >= Self::MOST || self.weight + weight > Self::HEAVIEST {
            self.before = std::mem::take(&mut self.now);
            self.weight = 0;
        }
        self.weight += weight;
        self.now.insert(key, (value, weight));
    }
}

/// Keeps the trees that were read: a walk along history asks for the same ones
/// again and again.
pub struct CachedObjects<'a> {
    base: &'a dyn Objects,
    shelf: TreeCache,
}

impl<'a> CachedObjects<'a> {
    /// Over this store, with nothing kept yet.
    pub fn new(base: &'a dyn Objects) -> CachedObjects<'a> {
        CachedObjects::on(base, TreeCache::default())
    }

    /// Over this store, with what others keep too.
    pub fn on(base: &'a dyn Objects, shelf: TreeCache) -> CachedObjects<'a> {
        CachedObjects { base, shelf }
    }
}

impl Objects for CachedObjects<'_> {
    fn format(&self) -> ObjectFormat {
        self.base.format()
    }

    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        self.base.read(id, kind)
    }

    fn size(&self, id: Oid) -> Option<usize> {
        self.base.size(id)
    }

    fn tree(&self, id: Oid) -> Result<Arc<Tree>, Error> {
        self.shelf.or_read(id, || self.base.tree(id))
    }

    fn shelf(&self) -> TreeCache {
        self.shelf.clone()
    }
}

/// Objects in memory: tests, and trees that are not written yet.
#[derive(Default, Debug)]
pub struct Memory {
    format: ObjectFormat,
    objects: RefCell<HashMap<Oid, (ObjectKind, Vec<u8>)>>,
}

impl Memory {
    /// An empty store.
    pub fn new(format: ObjectFormat) -> Memory {
        Memory {
            format,
            objects: RefCell::default(),
        }
    }

    /// Keeps the bytes and returns their id.
    pub fn insert(&self, kind: ObjectKind, bytes: Vec<u8>) -> Oid {
        let id = Oid::hash(self.format, kind, &bytes);
        self.objects.borrow_mut().insert(id, (kind, bytes));
        id
    }

    /// What is kept of a tree and all below it, for writing it elsewhere:
    /// blobs first, so that nothing refers to what is not there yet.
    pub fn reachable(&self, tree: Oid) -> Vec<(Oid, ObjectKind, Vec<u8>)> {
        let mut found = Vec::new();
        let mut wanted = vec![tree];
        let mut seen = std::collections::HashSet::new();
        while let Some(id) = wanted.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some((kind, bytes)) = self.objects.borrow().get(&id).cloned() else {
                continue;
            };
            if kind == ObjectKind::Tree
                && let Ok(tree) = super::Tree::parse(self.format, &bytes)
            {
                wanted.extend(tree.entries.iter().map(|entry| entry.id));
            }
            found.push((id, kind, bytes));
        }
        found.reverse();
        found
    }

    fn get(&self, id: Oid, kind: ObjectKind) -> Option<Result<Vec<u8>, Error>> {
        let objects = self.objects.borrow();
        let (found, bytes) = objects.get(&id)?;
        Some(if *found == kind {
            Ok(bytes.clone())
        } else {
            Err(Error::CorruptObject { id, expected: kind })
        })
    }
}

impl Objects for Memory {
    fn format(&self) -> ObjectFormat {
        self.format
    }

    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        self.get(id, kind)
            .unwrap_or(Err(Error::MissingObject { id, kind }))
    }

    fn size(&self, id: Oid) -> Option<usize> {
        self.objects.borrow().get(&id).map(|(_, bytes)| bytes.len())
    }
}

/// New objects in memory over a store that stays as it is: a change before it
/// is written.
pub struct Overlay<'a> {
    /// What was there before.
    pub base: &'a dyn Objects,
    /// What the change adds.
    pub new: Memory,
    trees: TreeCache,
}

impl<'a> Overlay<'a> {
    /// Nothing new yet over `base`.
    pub fn new(base: &'a dyn Objects) -> Overlay<'a> {
        Overlay {
            new: Memory::new(base.format()),
            base,
            trees: TreeCache::default(),
        }
    }
}

impl Objects for Overlay<'_> {
    fn format(&self) -> ObjectFormat {
        self.base.format()
    }

    fn read(&self, id: Oid, kind: ObjectKind) -> Result<Vec<u8>, Error> {
        self.new.get(id, kind).unwrap_or_else(|| self.base.read(id, kind))
    }

    fn size(&self, id: Oid) -> Option<usize> {
        self.new.size(id).or_else(|| self.base.size(id))
    }

    fn tree(&self, id: Oid) -> Result<Arc<Tree>, Error> {
        self.trees
            .or_read(id, || match self.new.get(id, ObjectKind::Tree) {
                Some(_) => read_tree(self, id).map(Arc::new),
                None => self.base.tree(id),
            })
    }
}
