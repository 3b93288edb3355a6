//! Groups whose folder has another name after a step: one fault, regardless of the
//! content.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::objects::{Files, value};
use super::provenance::Link;

/// A folder that was renamed.
pub struct Renamed {
    from: String,
    to: String,
    /// The files that are the same in both, by path in the folder.
    same: BTreeSet<String>,
}

impl Renamed {
    /// Whether a file is only moved by it, on either side.
    pub fn moves(&self, path: &str) -> bool {
        [&self.from, &self.to].into_iter().any(|group| {
            let inside = path.strip_prefix(&format!("groups/{group}/"));
            inside.is_some_and(|inside| self.same.contains(inside))
        })
    }
}

/// The files of each group.
fn groups(files: &Files) -> BTreeMap<&str, BTreeMap<&str, &Vec<u8>>> {
    let mut out: BTreeMap<&str, BTreeMap<&str, &Vec<u8>>> = BTreeMap::new();
    for (path, bytes) in files {
        let inside = path.strip_prefix("groups/").and_then(|rest| rest.split_once('/'));
        if let Some((group, inside)) = inside {
            out.entry(group).or_default().insert(inside, bytes);
        }
    }
    out
}

/// Whether two records say the same of two groups, but for the groups' names.
fn is_same(inside: &str, (from, old): (&str, &[u8]), (to, new): (&str, &[u8])) -> bool {
    if old == new {
        return true;
    }
    let (mut old, mut new) = (value(old), value(new));
    let of_group = inside == "group.yaml" && old["kind"] != "Tombstone";
    let key = if of_group { "name" } else { "group" };
    let name = new[key].clone();
    for record in [&mut old, &mut new] {
        if let Some(members) = record.as_object_mut() {
            members.remove(key);
        }
    }
    old == new && [json!(from), json!(to)].contains(&name) && name != Value::Null
}

/// Returns the groups that a step renames: the old one is gone, the new one is new,
/// and one commit removes and adds the same content.
pub fn renamed(prior: &Files, next: &Files, links: &[Link]) -> Vec<Renamed> {
    let (before, after) = (groups(prior), groups(next));
    let by = |path: String| {
        links
            .iter()
            .find(|link| link.path == path)
            .map(|link| link.commit)
    };
    let mut out = Vec::new();
    for (from, old) in &before {
        if after.contains_key(from) || !old.contains_key("group.yaml") {
            continue;
        }
        let mut best: Option<Renamed> = None;
        for (to, new) in after.iter().filter(|(to, _)| !before.contains_key(*to)) {
            let mut same = BTreeSet::new();
            for (inside, bytes) in new {
                let Some(was) = old.get(inside) else { continue };
                let moved = by(format!("groups/{from}/{inside}")) == by(format!("groups/{to}/{inside}"));
                if moved && is_same(inside, (from, was), (to, bytes)) {
                    same.insert((*inside).to_owned());
                }
            }
            let tells = same
                .iter()
                .any(|inside| inside == "group.yaml" || inside.ends_with("/version.yaml"));
            if tells && best.as_ref().is_none_or(|best| best.same.len() < same.len()) {
                best = Some(Renamed {
                    from: (*from).to_owned(),
                    to: (*to).to_owned(),
                    same,
                });
            }
        }
        out.extend(best);
    }
    out
}
