//! Determines which commit answers for each value that a step adds.

use std::collections::BTreeSet;

use modelry::testing::base::Oid;

use super::objects::{History, reachable, value};

/// One value of a file replaced by another, and the commit that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub path: String,
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
    pub commit: Oid,
}

/// The fault in the shape of a step that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Plain,
    Octopus,
    Unrelated,
}

fn at(history: &History, commit: Oid, path: &str) -> Option<Vec<u8>> {
    history[&commit].files.get(path).cloned()
}

/// Whether a commit gave a file a value that none of its parents had.
fn wrote(history: &History, commit: Oid, path: &str) -> bool {
    let value = at(history, commit, path);
    let parents = &history[&commit].parents;
    match parents[..] {
        [] => value.is_some(),
        _ => parents.iter().all(|parent| at(history, *parent, path) != value),
    }
}

/// The shape of a commit's parents.
pub fn shape(history: &History, commit: Oid) -> Shape {
    match history[&commit].parents[..] {
        [] | [_] => Shape::Plain,
        [first, second] => match reachable(history, first).is_disjoint(&reachable(history, second)) {
            true => Shape::Unrelated,
            false => Shape::Plain,
        },
        _ => Shape::Octopus,
    }
}

/// The commits reachable from one commit and not from the other.
fn alone(history: &History, of: Oid, not_of: Oid) -> BTreeSet<Oid> {
    let others = reachable(history, not_of);
    reachable(history, of).difference(&others).copied().collect()
}

/// Whether a side changed a record: any commit reachable from that parent and
/// not from the other did, even if it was changed back.
fn changed(history: &History, of: Oid, not_of: Oid, path: &str) -> bool {
    alone(history, of, not_of)
        .iter()
        .any(|commit| wrote(history, *commit, path))
}

/// Whether a change of a file leaves what the record says.
pub fn reformats(link: &Link) -> bool {
    let means = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(value);
    link.before.is_some() && means(&link.before) == means(&link.after)
}

/// Returns the changes of a commit in one file against its first parent, and the
/// commit that answers for each. With one parent that is the commit itself; with two,
/// the author's commit on the other side, or the merge.
pub fn links(history: &History, commit: Oid, path: &str) -> Vec<Link> {
    let parents = &history[&commit].parents;
    let before = parents.first().and_then(|first| at(history, *first, path));
    let after = at(history, commit, path);
    if before == after {
        return Vec::new();
    }
    let charged = vec![Link {
        path: path.to_owned(),
        before: before.clone(),
        after: after.clone(),
        commit,
    }];
    let [first, second] = parents[..] else {
        return charged;
    };
    if at(history, second, path) != after {
        return charged;
    }
    let only_theirs: BTreeSet<Oid> = alone(history, second, first);
    if changed(history, first, second, path) {
        return charged;
    }
    let traced = trace(history, &only_theirs, second, path);
    // The change must start from the state on the mainline.
    match traced.first() {
        Some(link) if link.before == before => traced,
        _ => charged,
    }
}

/// The values of a file on the way to `tip`, oldest first, as long as only the
/// other side has the commits.
fn trace(history: &History, side: &BTreeSet<Oid>, tip: Oid, path: &str) -> Vec<Link> {
    if !side.contains(&tip) {
        return Vec::new();
    }
    let value = at(history, tip, path);
    let parents = &history[&tip].parents;
    let (same, other): (Vec<Oid>, Vec<Oid>) = parents
        .iter()
        .copied()
        .partition(|id| at(history, *id, path) == value);
    // A value that is on the mainline already is not new.
    if same.iter().any(|id| !side.contains(id)) {
        return Vec::new();
    }
    // A merge within the side is asked like the merge itself: a record is a parent's
    // when that parent's side changed it, and no other's did.
    let is_from = |parent: &Oid| {
        other
            .iter()
            .all(|other| changed(history, *parent, *other, path) && !changed(history, *other, *parent, path))
    };
    if let Some(parent) = same.iter().find(|parent| is_from(parent)) {
        return trace(history, side, *parent, path);
    }
    // A new value, or a choice. It is judged against the mainline, where the
    // commit has it for a parent, else against the first parent of another value.
    let predecessor = other.iter().find(|id| !side.contains(*id)).or(other.first());
    let mut links = predecessor.map_or_else(Vec::new, |id| trace(history, side, *id, path));
    links.push(Link {
        path: path.to_owned(),
        before: predecessor.and_then(|id| at(history, *id, path)),
        after: value,
        commit: tip,
    });
    links
}

/// Returns the commit that gave a record its meaning at `tip`. A change of bytes
/// without meaning does not count.
pub fn bringer(history: &History, tip: Oid, path: &str) -> Option<Oid> {
    let value = at(history, tip, path)?;
    let Some(first) = history[&tip].parents.first() else {
        return Some(tip);
    };
    if at(history, *first, path).as_ref() == Some(&value) {
        return bringer(history, *first, path);
    }
    let brought = links(history, tip, path);
    match brought.iter().rev().find(|link| !reformats(link)) {
        Some(link) => Some(link.commit),
        None => bringer(history, *first, path),
    }
}
