//! Finds the registries of a repository by the name of their file.

use std::collections::HashMap;

use super::load;
use crate::base::{Error, ObjectKind, Oid};
use crate::object::{Mode, Objects};
use crate::record::kind::{REGISTRY_FILE, RecordPath};

/// The depth beyond which folders are not searched.
const DEEPEST: usize = 64;

/// The size in bytes beyond which a file is not read to check whether it is a registry.
const LARGEST: usize = 16 << 20;

/// The most files of this name that are read.
const MOST: usize = 100;

/// Lists the folders below a tree whose `registry.yaml` parses as a registry. If there
/// are none, lists those that have a file of that name. A tree that occurs at many
/// places is read once.
pub fn registries(objects: &dyn Objects, tree: Oid) -> Result<Vec<String>, Error> {
    let mut search = Search {
        objects,
        leads: HashMap::new(),
        found: Vec::new(),
    };
    if search.leads(tree, 0)? {
        search.list(tree, &mut String::new(), 0)?;
    }
    let mut known = HashMap::new();
    let mut registries = Vec::new();
    for (folder, blob) in &search.found {
        let is_registry = match known.get(blob) {
            Some(known) => *known,
            None => {
                let is_registry = reads_as_registry(objects, *blob)?;
                known.insert(*blob, is_registry);
                is_registry
            }
        };
        if is_registry {
            registries.push(folder.clone());
        }
    }
    if registries.is_empty() {
        registries = search.found.into_iter().map(|(folder, _)| folder).collect();
    }
    Ok(registries)
}

struct Search<'s> {
    objects: &'s dyn Objects,
    /// Whether a tree, at any depth, has a file of the name.
    leads: HashMap<Oid, bool>,
    found: Vec<(String, Oid)>,
}

impl Search<'_> {
    fn leads(&mut self, id: Oid, depth: usize) -> Result<bool, Error> {
        if let Some(known) = self.leads.get(&id) {
            return Ok(*known);
        }
        if depth > DEEPEST {
            return Ok(false);
        }
        let tree = self.objects.tree(id)?;
        let mut leads = false;
        for entry in &tree.entries {
            leads |= match entry.mode {
                Mode::Tree => self.leads(entry.id, depth + 1)?,
                _ => entry.name == REGISTRY_FILE.as_bytes(),
            };
        }
        self.leads.insert(id, leads);
        Ok(leads)
    }

    fn list(&mut self, id: Oid, path: &mut String, depth: usize) -> Result<(), Error> {
        let tree = self.objects.tree(id)?;
        for entry in &tree.entries {
            if self.found.len() >= MOST {
                return Ok(());
            }
            let length = path.len();
            match entry.mode {
                Mode::Tree if depth < DEEPEST && self.leads(entry.id, depth + 1)? => {
                    if !path.is_empty() {
                        path.push('/');
                    }
                    path.push_str(&String::from_utf8_lossy(&entry.name));
                    self.list(entry.id, path, depth + 1)?;
                    path.truncate(length);
                }
                Mode::Tree => {}
                _ if entry.name == REGISTRY_FILE.as_bytes() => self.found.push((path.clone(), entry.id)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a file claims to be a registry, even if it is broken. A blob that the clone
/// lacks counts as one.
fn reads_as_registry(objects: &dyn Objects, blob: Oid) -> Result<bool, Error> {
    if objects.size(blob).is_some_and(|size| size > LARGEST) {
        return Ok(false);
    }
    let bytes = match objects.read(blob, ObjectKind::Blob) {
        Ok(bytes) => bytes,
        Err(Error::MissingObject { .. }) => return Ok(true),
        Err(Error::CorruptObject { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let loaded = load(&RecordPath::Registry, blob, &bytes)?;
    Ok(match &loaded.document {
        Some(document) => document.value()["kind"] == "Registry",
        None => String::from_utf8_lossy(&bytes)
            .lines()
            .any(|line| line.trim() == "kind: Registry"),
    })
}
