//! Whether a mainline only grew since a checkpoint.

use std::collections::{BTreeMap, HashMap};

use super::log::{MerkleTree, log};
use crate::base::{Error, Oid};
use crate::judge::checkpoint::Checkpoint;
use crate::judge::history::read_commit;
use crate::object::{Commit, Objects};
use crate::record::kind::{RegistryId, VersionId};
use crate::trust::fingerprint;

/// The way in which a mainline differs from a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is of this other registry.
    Registry(RegistryId),
    /// It starts at this other root.
    Root {
        /// The root.
        root: Oid,
        /// Its folder.
        folder: String,
    },
    /// It ends before the checkpoint's commit.
    Truncated {
        /// Its steps.
        steps: u64,
        /// The last of them.
        tip: Oid,
        /// The steps after it.
        lost: Vec<Lost>,
    },
    /// It goes another way.
    Rewritten {
        /// The number of steps that are the same, and the last of them, or `None` if there
        /// is no such step.
        common: Option<(u64, Oid)>,
        /// The steps after it.
        lost: Vec<Lost>,
    },
    /// The checkpoint's history is not on it, and not in the repository.
    Gone {
        /// The mainline's steps.
        steps: u64,
    },
    /// It has the checkpoint's commit, and another part of the checkpoint does not match;
    /// in words.
    Altered(String),
}

/// A step that is not on the mainline any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The commit.
    pub commit: Oid,
    /// The day of its commit, in UTC, as its committer claims.
    pub day: Option<String>,
    /// Its subject.
    pub subject: String,
}

impl Lost {
    /// The most lost steps that are listed, counted from the end.
    const MOST: usize = 10;

    fn of(commit: &Commit) -> Lost {
        let seconds = commit.committer.as_ref().map(|committer| committer.seconds);
        let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        Lost {
            commit: commit.id,
            day: moment.map(|moment| moment.strftime("%Y-%m-%d").to_string()),
            subject: commit.subject().to_owned(),
        }
    }
}

/// The same with each key's fingerprint in its one form.
fn fingerprints(tainted: &BTreeMap<VersionId, String>) -> BTreeMap<VersionId, String> {
    let one_form = |(id, key): (&VersionId, &String)| (id.clone(), fingerprint(key));
    tainted.iter().map(one_form).collect()
}

/// The mainline as an audit sees it.
pub struct Mainline<'m> {
    /// The registry.
    pub registry: RegistryId,
    /// The registry's folder.
    pub folder: &'m str,
    /// Its steps, the root first.
    pub steps: &'m [Oid],
}

impl Mainline<'_> {
    /// Returns the checkpoint of the whole, and how the mainline differs from an earlier
    /// one. `tainted_then` are the versions that were tainted at that one's size,
    /// `tainted` those that are now.
    ///
    /// # Errors
    /// The mainline has no step.
    pub fn compare(
        &self,
        objects: &dyn Objects,
        earlier: Option<&Checkpoint>,
        tainted_then: &BTreeMap<VersionId, String>,
        tainted: &BTreeMap<VersionId, String>,
    ) -> Result<(Checkpoint, Option<Mismatch>), Error> {
        let (Some(root), Some(tip)) = (self.steps.first(), self.steps.last()) else {
            return Err(Error::msg("a mainline has at least its root"));
        };
        let size = earlier.map_or(0, |earlier| earlier.size);
        let (tree, then) = log(objects, &self.registry, self.steps, size)?;
        let mismatch = match earlier {
            None => None,
            Some(earlier) if earlier.registry != self.registry => {
                Some(Mismatch::Registry(self.registry.clone()))
            }
            Some(earlier) if earlier.root != *root || earlier.folder != self.folder => Some(Mismatch::Root {
                root: *root,
                folder: self.folder.to_owned(),
            }),
            Some(earlier) if then == Some(earlier.root_hash) && self.at(size) == Some(earlier.commit) => {
                let same = earlier.tainted == fingerprints(tainted_then);
                (!same).then(|| Mismatch::Altered("the versions that it calls tainted are others".into()))
            }
            Some(earlier) => Some(self.parted(objects, earlier)?),
        };
        Ok((self.checkpoint(&tree, *root, *tip, tainted), mismatch))
    }

    fn checkpoint(
        &self,
        tree: &MerkleTree,
        root: Oid,
        commit: Oid,
        tainted: &BTreeMap<VersionId, String>,
    ) -> Checkpoint {
        Checkpoint {
            registry: self.registry.clone(),
            size: tree.size(),
            root_hash: tree.root_hash(),
            commit,
            root,
            folder: self.folder.to_owned(),
            signed: false,
            tainted: fingerprints(tainted),
        }
    }

    /// Returns the last step of the first `size` ones.
    fn at(&self, size: u64) -> Option<Oid> {
        let index = usize::try_from(size).ok()?.checked_sub(1)?;
        self.steps.get(index).copied()
    }

    /// Finds the place at which the checkpoint's history and the mainline diverge.
    fn parted(&self, objects: &dyn Objects, earlier: &Checkpoint) -> Result<Mismatch, Error> {
        let places: HashMap<Oid, u64> = self.steps.iter().copied().zip(1..).collect();
        let steps = self.steps.len() as u64;
        if let Some(place) = places.get(&earlier.commit) {
            return Ok(Mismatch::Altered(match *place == earlier.size {
                true => "the root hash is another one".to_owned(),
                false => format!("that commit is step {place}"),
            }));
        }
        let mut at = earlier.commit;
        let mut lost = Vec::new();
        loop {
            let commit = match read_commit(objects, at) {
                Ok(commit) => commit,
                // Git deletes rewritten history in time.
                Err(Error::MissingObject { .. }) => return Ok(Mismatch::Gone { steps }),
                Err(error) => return Err(error),
            };
            if lost.len() < Lost::MOST {
                lost.push(Lost::of(&commit));
            }
            let Some(parent) = commit.parents.first() else {
                return Ok(Mismatch::Rewritten { common: None, lost });
            };
            at = *parent;
            match places.get(&at) {
                Some(place) if *place == steps && earlier.size > steps => {
                    return Ok(Mismatch::Truncated { steps, tip: at, lost });
                }
                Some(place) => {
                    return Ok(Mismatch::Rewritten {
                        common: Some((*place, at)),
                        lost,
                    });
                }
                None => {}
            }
        }
    }
}
