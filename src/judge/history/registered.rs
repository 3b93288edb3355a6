//! When versions were registered.

use std::collections::{BTreeSet, HashMap};

use super::read_commit;
use crate::base::{Error, Oid};
use crate::object::{self, Objects};
use crate::record::kind::{GROUPS_FOLDER, RecordPath, VersionId};

/// Returns the registration time of each of these versions, as the committer claims: the
/// first of the unbroken run of commits, backwards from `from` along the first parents,
/// that hold it. Versions that do not exist at `from` are left out.
pub fn registered(
    objects: &dyn Objects,
    folder: &str,
    from: Oid,
    mut versions: BTreeSet<VersionId>,
) -> Result<HashMap<VersionId, i64>, Error> {
    let mut times = HashMap::new();
    let mut since: HashMap<VersionId, Option<i64>> = HashMap::new();
    let mut looked_at = None;
    let mut at = Some(from);
    while let Some(id) = at.filter(|_| !versions.is_empty()) {
        let commit = read_commit(objects, id)?;
        at = commit.parents.first().copied();
        let time = commit.committer.as_ref().map(|committer| committer.seconds);
        let groups = match folder {
            "" => GROUPS_FOLDER.to_owned(),
            folder => format!("{folder}/{GROUPS_FOLDER}"),
        };
        let tree = object::lookup(objects, commit.tree, &groups)?.map(|entry| entry.id);
        let is_same = tree.is_some() && tree == looked_at;
        looked_at = tree;
        let mut gone = Vec::new();
        for version in &versions {
            let path = RecordPath::Version(version.clone()).to_string();
            let path = path.strip_prefix("groups/").unwrap_or(&path);
            let is_there = is_same
                || match tree {
                    Some(tree) => object::lookup(objects, tree, path)?.is_some(),
                    None => false,
                };
            if is_there {
                since.insert(version.clone(), time);
            } else {
                gone.push(version.clone());
            }
        }
        for version in gone {
            versions.remove(&version);
        }
    }
    for (version, time) in since {
        if let Some(time) = time {
            times.insert(version, time);
        }
    }
    Ok(times)
}
