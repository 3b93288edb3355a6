//! Trees made from trees: some paths written or removed, all others unchanged.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Entry, Mode, Objects, Overlay, Tree};
use crate::base::{Error, ObjectKind, Oid};

/// The depth of nested folders that are built, which bounds the recursion here. The
/// differ looks less deep, and reports deeper folders as a finding.
pub(super) const DEEPEST_WRITTEN: usize = 256;

/// The new content of a path.
#[derive(Clone, Copy, Debug)]
enum Leaf<'e> {
    /// A plain file of these bytes.
    Bytes(&'e [u8]),
    /// An object that is there already.
    Object(Mode, Oid),
}

type Edits<'e> = BTreeMap<&'e [u8], Option<Leaf<'e>>>;

/// Returns the tree with these paths written as plain files, or removed. A written path
/// replaces everything in its way; a removed path removes nothing else. Empty folders
/// vanish. New objects go into the overlay. Returns `None` when nothing is left.
///
/// # Errors
/// The paths can't be written: a name that no tree may hold, a file that would also be a
/// folder, or a name that the tree has twice already.
pub fn edit(
    objects: &Overlay<'_>,
    root: Option<Oid>,
    edits: &BTreeMap<String, Option<Vec<u8>>>,
) -> Result<Option<Oid>, Error> {
    let edits = edits
        .iter()
        .map(|(path, content)| (path.as_bytes(), content.as_deref().map(Leaf::Bytes)))
        .collect();
    edit_folder(objects, root, &edits, 0)
}

/// Returns the tree with these paths set to these objects, or removed; otherwise as
/// [`edit`].
pub fn place(
    objects: &Overlay<'_>,
    root: Option<Oid>,
    values: &BTreeMap<Vec<u8>, Option<(Mode, Oid)>>,
) -> Result<Option<Oid>, Error> {
    let leaf = |(mode, id): (Mode, Oid)| Leaf::Object(mode, id);
    let edits = values
        .iter()
        .map(|(path, value)| (path.as_slice(), value.map(leaf)))
        .collect();
    edit_folder(objects, root, &edits, 0)
}

fn edit_folder(
    objects: &Overlay<'_>,
    root: Option<Oid>,
    edits: &Edits<'_>,
    depth: usize,
) -> Result<Option<Oid>, Error> {
    if depth > DEEPEST_WRITTEN {
        return Err(Error::msg(format!(
            "folders can't be nested more than {DEEPEST_WRITTEN} deep"
        )));
    }
    let mut here: Edits<'_> = BTreeMap::new();
    let mut below: BTreeMap<&[u8], Edits<'_>> = BTreeMap::new();
    for (path, leaf) in edits {
        match path.iter().position(|byte| *byte == b'/') {
            Some(at) => {
                let (folder, rest) = (&path[..at], &path[at + 1..]);
                below.entry(folder).or_default().insert(rest, *leaf);
            }
            None => {
                here.insert(path, *leaf);
            }
        }
    }
    let tree = root.map_or_else(|| Ok(Arc::<Tree>::default()), |id| objects.tree(id))?;
    let mut by_name: HashMap<&[u8], Vec<&Entry>> = HashMap::new();
    for entry in &tree.entries {
        by_name.entry(&entry.name).or_default().push(entry);
    }
    let named = |name: &[u8]| by_name.get(name).map_or(&[][..], Vec::as_slice);
    for name in here.keys().chain(below.keys()) {
        let shown = || crate::base::printable(&String::from_utf8_lossy(name));
        if matches!(*name, b"" | b"." | b"..") || name.contains(&0) || name.eq_ignore_ascii_case(b".git") {
            return Err(Error::msg(format!("`{}` can't stand in a path", shown())));
        }
        if named(name).len() > 1 {
            return Err(Error::msg(format!("`{}` stands twice in its folder", shown())));
        }
    }
    // A file has nothing below it, so nothing is to be removed there.
    below.retain(|name, edits| {
        let leaf = named(name).iter().any(|entry| entry.mode != Mode::Tree);
        !leaf || edits.values().any(Option::is_some)
    });
    let mut entries: Vec<Entry> = tree
        .entries
        .iter()
        .filter(|entry| {
            !here.contains_key(entry.name.as_slice()) && !below.contains_key(entry.name.as_slice())
        })
        .cloned()
        .collect();
    for (name, leaf) in &here {
        let Some(leaf) = leaf else { continue };
        let (mode, id) = match leaf {
            Leaf::Bytes(bytes) => (Mode::File, objects.new.insert(ObjectKind::Blob, bytes.to_vec())),
            Leaf::Object(mode, id) => (*mode, *id),
        };
        entries.push(Entry {
            mode,
            name: name.to_vec(),
            id,
        });
    }
    for (name, edits) in &below {
        let folders = named(name);
        let folder = folders.iter().find(|entry| entry.mode == Mode::Tree);
        let Some(id) = edit_folder(objects, folder.map(|folder| folder.id), edits, depth + 1)? else {
            continue;
        };
        if here.get(name).is_some_and(Option::is_some) {
            return Err(Error::msg(format!(
                "`{}` can't be a file and a folder",
                crate::base::printable(&String::from_utf8_lossy(name))
            )));
        }
        entries.push(Entry {
            mode: Mode::Tree,
            name: name.to_vec(),
            id,
        });
    }
    if entries.is_empty() {
        return Ok(None);
    }
    Ok(Some(objects.new.insert(ObjectKind::Tree, Tree::write(&entries))))
}
