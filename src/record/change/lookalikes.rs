//! Folders below the registry's that git would take for a repository.
//!
//! Git takes a folder for a bare repository if it has a file `HEAD` beside `objects` and
//! `refs`, which a file `commondir` may replace. A `HEAD` without any of these is a file
//! like others. An entry `.git` makes the folder around it a work tree.
//!
//! The folders that hold no records are searched for nothing else. Each pair of trees is
//! read once, however many paths lead to it. A tree that occurs in many pairs is searched
//! as a whole, so the cost follows the objects that the steps bring.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Change, ChangeKind, Stray};
use crate::base::{Error, Oid};
use crate::object::{Entry, Fruitless, LARGEST, Mode, Objects, Searched, Tree};
use crate::record::kind::is_in_entries;

/// The entries beside `HEAD` that git reads before it takes a folder for a repository,
/// and those that configure it.
const BESIDE: [&str; 8] = [
    "objects",
    "refs",
    "commondir",
    "config",
    "config.worktree",
    "gitdir",
    "packed-refs",
    "reftable",
];

/// The number of pairs after which a tree is searched as a whole.
const MOST_PAIRS: usize = 4;

/// The entries of folders that cost as much as one name that differs.
const ENTRIES_OF_ONE: usize = 64;

/// The most folders that are listed; the search ends there.
const MOST_LISTED: usize = 1_000;

/// The result of a search.
#[derive(Debug, Default)]
pub(super) struct Lookalikes {
    /// The files that make a folder look like a repository.
    pub(super) changes: Vec<Change>,
    /// The limit that ended the search.
    pub(super) limit: Option<(String, String)>,
}

/// Searches the folders of the registry that hold no records for those that look like a
/// repository after the step, and that the step changes.
pub(super) fn lookalikes(
    objects: &dyn Objects,
    before: Option<Oid>,
    after: Option<Oid>,
) -> Result<Lookalikes, Error> {
    let own = Fruitless::default();
    let known = objects.fruitless().unwrap_or(&own);
    known.trim();
    let mut search = Search {
        objects,
        known,
        folders: Vec::new(),
        seen: HashSet::new(),
        work: 0,
        found: Lookalikes::default(),
    };
    let mut open = Vec::new();
    if let Some(after) = after.filter(|_| before != after) {
        open.push((before, after, None));
    }
    while let Some((before, after, at)) = open.pop() {
        search.folder(before, after, at, &mut open)?;
        search.pay(WORTH_IT)?;
        if search.found.changes.len() >= MOST_LISTED {
            break;
        }
    }
    search.pay(0)?;
    Ok(search.found)
}

/// The names that are taken from the budget at once.
const WORTH_IT: usize = 4_096;

/// A folder to look into: its trees before and after, and its number, or `None` for the
/// registry's folder.
type Open = (Option<Oid>, Oid, Option<usize>);

struct Search<'s> {
    objects: &'s dyn Objects,
    /// The trees that are searched as a whole.
    known: &'s Fruitless,
    /// The folders that were reached: the folder around each, and its name.
    folders: Vec<(Option<usize>, Vec<u8>)>,
    seen: HashSet<(Option<Oid>, Oid)>,
    /// The names that were compared and are not paid yet.
    work: usize,
    found: Lookalikes,
}

impl Search<'_> {
    /// Takes what was compared from the budget, if that is more than `most`.
    fn pay(&mut self, most: usize) -> Result<(), Error> {
        if self.work > most {
            self.objects.spend(std::mem::take(&mut self.work))?;
        }
        Ok(())
    }

    /// Notes the limit that is met in a folder; the first one counts.
    fn limit(&mut self, at: Option<usize>, what: String) {
        let folder = self.path(at, b"");
        self.found.limit.get_or_insert((folder, what));
    }

    fn is_too_large(&self, id: Oid) -> bool {
        self.objects.size(id).is_some_and(|size| size > LARGEST)
    }

    /// Whether there is nothing to find in a tree, whatever it was before. A tree is
    /// searched for that when it was compared often.
    fn is_empty(&mut self, tree: Oid) -> Result<bool, Error> {
        match self.known.searched(tree) {
            Searched::Empty => return Ok(true),
            Searched::Found => return Ok(false),
            Searched::Visited(times) if times < MOST_PAIRS => {
                self.known.set_searched(tree, Searched::Visited(times + 1));
                return Ok(false);
            }
            Searched::Visited(_) => {}
        }
        let mut seen = HashSet::from([tree]);
        let mut open = vec![tree];
        while let Some(id) = open.pop() {
            let holds_one = match self.is_too_large(id) {
                true => true,
                false => {
                    let tree = self.objects.tree(id)?;
                    self.work += 1 + tree.entries.len() / ENTRIES_OF_ONE;
                    self.pay(WORTH_IT)?;
                    for entry in tree.entries.iter().filter(|entry| entry.mode == Mode::Tree) {
                        if self.known.searched(entry.id) != Searched::Empty && seen.insert(entry.id) {
                            open.push(entry.id);
                        }
                    }
                    holds_one(&tree)
                }
            };
            if holds_one {
                self.known.set_searched(tree, Searched::Found);
                return Ok(false);
            }
        }
        for id in seen {
            self.known.set_searched(id, Searched::Empty);
        }
        Ok(true)
    }

    fn folder(
        &mut self,
        before: Option<Oid>,
        after: Oid,
        at: Option<usize>,
        open: &mut Vec<Open>,
    ) -> Result<(), Error> {
        if at.is_some() && self.is_empty(after)? {
            return Ok(());
        }
        if before.into_iter().chain([after]).any(|id| self.is_too_large(id)) {
            self.limit(at, format!("the folder alone is more than {LARGEST} bytes"));
            return Ok(());
        }
        let new = self.objects.tree(after)?;
        let old = before.map_or_else(|| Ok(Arc::<Tree>::default()), |id| self.objects.tree(id))?;
        self.work += (new.entries.len() + old.entries.len()) / ENTRIES_OF_ONE;
        let known: HashSet<&Entry> = old.entries.iter().collect();
        let mut folders: HashMap<&[u8], Oid> = HashMap::new();
        for entry in old.entries.iter().filter(|entry| entry.mode == Mode::Tree) {
            folders.entry(&entry.name).or_insert(entry.id);
        }
        // A new `HEAD` of the registry's own folder is compared as a record.
        let mut heads = new.entries.iter().filter(|entry| is_head(entry));
        let head = heads.find(|head| at.is_some() || known.contains(head));
        let head = head.filter(|_| new.entries.iter().any(is_beside));
        let mut is_reported = false;
        for entry in &new.entries {
            if known.contains(entry) {
                continue;
            }
            self.work += 1;
            let is_text = std::str::from_utf8(&entry.name);
            if at.is_none() && is_text.is_ok_and(is_in_entries) {
                continue;
            }
            // In the registry's own folder, this is a fault of its tree.
            if at.is_some() && entry.name.eq_ignore_ascii_case(b".git") {
                self.report(at, &entry.name);
            }
            if let Some(head) = head.filter(|_| !is_reported)
                && (is_head(entry) || is_beside(entry))
            {
                is_reported = true;
                self.report(at, &head.name);
            }
            if entry.mode == Mode::Tree {
                let was = folders.get(&entry.name[..]).copied();
                if self.seen.insert((was, entry.id)) {
                    self.folders.push((at, entry.name.clone()));
                    open.push((was, entry.id, Some(self.folders.len() - 1)));
                }
            }
        }
        Ok(())
    }

    fn report(&mut self, at: Option<usize>, name: &[u8]) {
        let path = self.path(at, name);
        self.found.changes.push(Change {
            kind: ChangeKind::Stray {
                what: Stray::Repository,
            },
            path,
            record: None,
            before: None,
            after: None,
        });
    }

    /// The path of a name in a folder; of the folder itself if the name is empty.
    fn path(&self, mut at: Option<usize>, name: &[u8]) -> String {
        let mut names = vec![name];
        while let Some((around, name)) = at.map(|at| &self.folders[at]) {
            names.push(name);
            at = *around;
        }
        names.reverse();
        let path = String::from_utf8_lossy(&names.join(&b'/')).into_owned();
        path.trim_end_matches('/').to_owned()
    }
}

/// Whether git may read an entry as the file `HEAD`. Many disks take `head` for it.
fn is_head(entry: &Entry) -> bool {
    entry.name.eq_ignore_ascii_case(b"HEAD") && !matches!(entry.mode, Mode::Tree | Mode::Gitlink)
}

fn is_beside(entry: &Entry) -> bool {
    BESIDE
        .iter()
        .any(|name| entry.name.eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether git takes the folder, or the one in which it is, for a repository.
fn holds_one(tree: &Tree) -> bool {
    let is_git = |entry: &Entry| entry.name.eq_ignore_ascii_case(b".git");
    let entries = &tree.entries;
    entries.iter().any(is_git) || (entries.iter().any(is_head) && entries.iter().any(is_beside))
}
