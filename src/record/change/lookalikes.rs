//! Folders below the registry's that git would take for a repository.
//!
//! Git takes a folder for a bare repository if it has a file `HEAD` beside `objects` and
//! `refs`, which a file `commondir` may replace. Without `HEAD` it takes none, so that
//! name decides. An entry `.git` makes the folder around it a work tree.
//!
//! The folders that hold no records are searched for nothing else. Each pair of trees is
//! read once, however many paths lead to it, so the cost follows the objects that a step
//! brings.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Change, ChangeKind, Stray};
use crate::base::{Error, Oid};
use crate::object::{Entry, Mode, Objects, Tree};
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

/// The most names that are compared.
const MOST_NAMES: usize = 1_000_000;

/// The largest folder that is read, in bytes: it has a million names or more.
const LARGEST: usize = 48 << 20;

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
    let mut search = Search {
        objects,
        folders: Vec::new(),
        seen: HashSet::new(),
        left: MOST_NAMES,
        found: Lookalikes::default(),
    };
    let mut open = Vec::new();
    if let Some(after) = after.filter(|_| before != after) {
        open.push((before, after, None));
    }
    while let Some((before, after, at)) = open.pop() {
        search.folder(before, after, at, &mut open)?;
        if search.left == 0 || search.found.changes.len() >= MOST_LISTED {
            break;
        }
    }
    Ok(search.found)
}

/// A folder to look into: its trees before and after, and its number, or `None` for the
/// registry's folder.
type Open = (Option<Oid>, Oid, Option<usize>);

struct Search<'s> {
    objects: &'s dyn Objects,
    /// The folders that were reached: the folder around each, and its name.
    folders: Vec<(Option<usize>, Vec<u8>)>,
    seen: HashSet<(Option<Oid>, Oid)>,
    left: usize,
    found: Lookalikes,
}

impl Search<'_> {
    /// Notes the limit that is met in a folder; the first one counts.
    fn limit(&mut self, at: Option<usize>, what: String) {
        let folder = self.path(at, b"");
        self.found.limit.get_or_insert((folder, what));
    }

    fn folder(
        &mut self,
        before: Option<Oid>,
        after: Oid,
        at: Option<usize>,
        open: &mut Vec<Open>,
    ) -> Result<(), Error> {
        let sizes = [before, Some(after)].map(|id| id.and_then(|id| self.objects.size(id)));
        if sizes.into_iter().flatten().any(|size| size > LARGEST) {
            self.limit(at, format!("the folder alone is more than {LARGEST} bytes"));
            return Ok(());
        }
        let new = self.objects.tree(after)?;
        let old = before.map_or_else(|| Ok(Arc::<Tree>::default()), |id| self.objects.tree(id))?;
        let known: HashSet<&Entry> = old.entries.iter().collect();
        // A new `HEAD` of the registry's own folder is compared as a record.
        let mut heads = new.entries.iter().filter(|entry| is_head(entry));
        let head = heads.find(|head| at.is_some() || known.contains(head));
        let mut is_reported = false;
        for entry in &new.entries {
            if known.contains(entry) {
                continue;
            }
            if self.left == 0 {
                self.limit(at, format!("more than {MOST_NAMES} names differ"));
                return Ok(());
            }
            self.left -= 1;
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
                let mut olds = old.entries.iter();
                let was = olds.find(|was| was.name == entry.name && was.mode == Mode::Tree);
                let was = was.map(|was| was.id);
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
