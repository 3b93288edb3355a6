//! Sources of objects: a Git repository, a folder on disk, or memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Fruitless, Tree, read_tree};
use crate::base::{Error, ObjectFormat, ObjectKind, Oid};

/// A store of Git objects by id. The bytes that it returns hash to the id asked for.
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

    /// Returns the size of an object in bytes, where the store knows it without reading
    /// the object.
    fn size(&self, _id: Oid) -> Option<usize> {
        None
    }

    /// Reads and parses a tree.
    ///
    /// # Errors
    /// As [`Objects::read`]; and when its bytes are not a tree.
    fn tree(&self, id: Oid) -> Result<Arc<Tree>, Error> {
        read_tree(self, id).map(Arc::new)
    }

    /// The cache of trees, for other threads that read the same store; a new, empty one
    /// where the store has none.
    fn trees(&self) -> TreeCache {
        TreeCache::default()
    }

    /// The comparisons of folders in which nothing was found, if the store keeps them for
    /// the steps of a command.
    fn fruitless(&self) -> Option<&Fruitless> {
        None
    }

    /// Takes the names that were compared from the budget of the store, if it has one.
    ///
    /// # Errors
    /// The budget is used up.
    fn spend(&self, _names: usize) -> Result<(), Error> {
        Ok(())
    }
}

/// A cache of parsed trees, shared by threads. An id always means the same bytes, so an
/// entry is never stale. Entries that have not been used lately are dropped.
#[derive(Clone, Debug, Default)]
pub struct TreeCache(Arc<Mutex<GenerationalCache<Oid, Arc<Tree>>>>);

impl TreeCache {
    fn lately(&self) -> MutexGuard<'_, GenerationalCache<Oid, Arc<Tree>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the cached tree, or the one that `read` returns.
    fn or_read(&self, id: Oid, read: impl FnOnce() -> Result<Arc<Tree>, Error>) -> Result<Arc<Tree>, Error> {
        if let Some(tree) = self.lately().get(&id) {
            return Ok(tree);
        }
        let tree = read()?;
        self.lately().insert(id, tree.clone(), tree.weight());
        Ok(tree)
    }
}

/// A map that drops entries not used for a while, limited by number and by weight, so
/// that a push can't choose how much memory it takes.
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
    /// The number of new or used entries after which the older generation is dropped.
    const MOST: usize = 32_768;

    /// The bytes of one generation, approximately. The generation before it takes as much
    /// again.
    const HEAVIEST: usize = 32 << 20;

    /// Returns the value under `key`.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.now.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.before.remove_entry(key)?;
        self.insert(key, value.clone(), weight);
        Some(value)
    }

    /// Stores `value` under `key`; it takes about `weight` bytes. A value heavier than a
    /// whole generation is not stored.
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

/// A store that caches the trees it reads, and the comparisons in which nothing was found:
/// a walk along history asks for the same ones repeatedly.
pub struct CachedObjects<'a> {
    base: &'a dyn Objects,
    trees: TreeCache,
    fruitless: Fruitless,
}

impl<'a> CachedObjects<'a> {
    /// Wraps this store, with an empty cache.
    pub fn new(base: &'a dyn Objects) -> CachedObjects<'a> {
        CachedObjects::on(base, TreeCache::default())
    }

    /// Wraps this store, with a cache that others share.
    pub fn on(base: &'a dyn Objects, trees: TreeCache) -> CachedObjects<'a> {
        CachedObjects {
            base,
            trees,
            fruitless: Fruitless::default(),
        }
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
        self.trees.or_read(id, || self.base.tree(id))
    }

    fn trees(&self) -> TreeCache {
        self.trees.clone()
    }

    fn fruitless(&self) -> Option<&Fruitless> {
        Some(&self.fruitless)
    }

    fn spend(&self, names: usize) -> Result<(), Error> {
        self.base.spend(names)
    }
}

/// Objects in memory: for tests, and for trees that are not written yet.
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

    /// Lists a tree and all objects below it, for writing them elsewhere: blobs first, so
    /// that every reference is valid when it is written.
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

/// New objects in memory over a store that stays unchanged: a change before it is
/// written.
pub struct Overlay<'a> {
    /// The store below.
    pub base: &'a dyn Objects,
    /// The objects that the change adds.
    pub new: Memory,
    trees: TreeCache,
}

impl<'a> Overlay<'a> {
    /// Wraps `base`, with nothing new yet.
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

    fn fruitless(&self) -> Option<&Fruitless> {
        self.base.fruitless()
    }

    fn spend(&self, names: usize) -> Result<(), Error> {
        self.base.spend(names)
    }
}
