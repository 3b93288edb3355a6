//! Which commit answers for each value that a step brings.

use std::collections::BTreeSet;

use modelry::raw::Oid;

use super::objects::{History, reachable};

/// One value of a file replaced by another, and the commit that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub path: String,
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
    pub commit: Oid,
}

/// What is wrong with the shape of a step that changes something.
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

/// What a commit changes in one file against its first parent, and who answers
/// for it: by one parent the commit itself; by two, whoever wrote it on the
/// other side, or the merge.
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
    let (ours, theirs) = (reachable(history, first), reachable(history, second));
    let only_ours: BTreeSet<Oid> = ours.difference(&theirs).copied().collect();
    let only_theirs: BTreeSet<Oid> = theirs.difference(&ours).copied().collect();
    if only_ours.iter().any(|commit| wrote(history, *commit, path)) {
        return charged;
    }
    let traced = trace(history, &only_theirs, second, path);
    // What was written must start from what stood on the mainline.
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
    let same: Vec<Oid> = parents
        .iter()
        .copied()
        .filter(|id| at(history, *id, path) == value)
        .collect();
    // A value that the mainline has already is no news.
    if same.iter().any(|id| !side.contains(id)) {
        return Vec::new();
    }
    if let Some(parent) = same.first() {
        return trace(history, side, *parent, path);
    }
    // A new value. It is judged against the mainline, where the commit has it
    // for a parent, else against the first parent.
    let predecessor = parents.iter().find(|id| !side.contains(*id)).or(parents.first());
    let mut links = predecessor.map_or_else(Vec::new, |id| trace(history, side, *id, path));
    links.push(Link {
        path: path.to_owned(),
        before: predecessor.and_then(|id| at(history, *id, path)),
        after: value,
        commit: tip,
    });
    links
}

/// The commit that gave a file the value that it has at `tip`.
pub fn bringer(history: &History, tip: Oid, path: &str) -> Option<Oid> {
    let value = at(history, tip, path)?;
    match history[&tip].parents.first() {
        Some(first) if at(history, *first, path).as_ref() == Some(&value) => bringer(history, *first, path),
        _ => links(history, tip, path).last().map(|link| link.commit),
    }
}
