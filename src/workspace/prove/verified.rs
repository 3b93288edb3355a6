//! The verified points of a clone. Each root, folder and mainline has a file of its
//! own, so that proofs of different mainlines do not overwrite each other. Each user
//! of a clone has files of their own, and trusts no others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::Oid;
use crate::git::{UserKey, disk};
use crate::judge::history::{Acknowledged, Faulty, Reaffirmed, Replay};
use crate::record::canonical::sha256;
use crate::workspace::Workspace;

const FORMAT: &str = "modelry-verified/v4";

/// The most points that are kept; the least recently used one is removed first.
const MOST: usize = 256;

/// The last point that a clone verified.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Verified {
    format: String,
    pub(super) root: String,
    folder: String,
    mainline: String,
    pub(super) commit: String,
    /// The commit that put the policy into force.
    pub(super) policy: String,
    pub(super) faulty: Vec<VerifiedFault>,
    pub(super) acknowledged: Vec<Acknowledged>,
    #[serde(default)]
    pub(super) reaffirmed: Vec<Reaffirmed>,
    pub(super) tainted: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifiedFault {
    pub(super) commit: String,
    pub(super) policy: Option<String>,
}

/// A point that is not stored yet.
pub struct Point {
    next: Verified,
    /// The commit of the point that it continues from.
    before: Option<String>,
    anew: bool,
}

/// A stored point, with its file.
pub(super) struct Remembered {
    pub(super) verified: Verified,
    path: PathBuf,
}

impl Remembered {
    /// Marks the point as just used.
    pub(super) fn keep(&self) {
        disk::touch(&self.path);
    }
}

fn read(key: &UserKey, path: &Path) -> Option<Verified> {
    serde_json::from_slice(&key.read(path)?).ok()
}

impl Workspace {
    pub(super) fn verified_folder(&self) -> PathBuf {
        self.repo.common_dir().join("modelry").join("verified")
    }

    /// Returns the prefix of the file names for this folder and mainline. Their names
    /// are hashed, since the repository chooses them.
    fn verified_prefix(&self) -> String {
        let key = format!("{}\0{}", self.folder, self.mainline);
        let digest = sha256(key.as_bytes()).to_string();
        format!("{}-", digest.trim_start_matches("sha256:"))
    }

    fn verified_file(&self, key: &UserKey, root: &str) -> PathBuf {
        let name = format!("{}{root}-{}", self.verified_prefix(), key.name());
        self.verified_folder().join(name)
    }

    fn is_ours(&self, verified: &Verified) -> bool {
        verified.folder == self.folder
            && verified.mainline == self.mainline.as_str()
            && self.root.is_none_or(|root| root.to_string() == verified.root)
    }

    /// Returns the commit up to which this clone verified the history, and the commit that
    /// put the policy there into force.
    pub fn verified(&self) -> Option<(Oid, Oid)> {
        let Remembered { verified, .. } = self.remembered()?;
        Some((Oid::from_hex(&verified.commit)?, Oid::from_hex(&verified.policy)?))
    }

    /// Whether this clone has a verified point of this registry and mainline.
    pub fn has_point(&self) -> bool {
        self.remembered().is_some()
    }

    /// Returns the last point of this registry and mainline; without a pinned root,
    /// the most recently used one.
    pub(super) fn remembered(&self) -> Option<Remembered> {
        let key = self.user_key.as_ref()?;
        let path = match self.root {
            Some(root) => self.verified_file(key, &root.to_string()),
            None => {
                let (prefix, suffix) = (self.verified_prefix(), format!("-{}", key.name()));
                let mut all = disk::files_by_age(&self.verified_folder()).into_iter();
                all.rfind(|path| {
                    let name = path.file_name().and_then(|name| name.to_str());
                    name.is_some_and(|name| name.starts_with(&prefix) && name.ends_with(&suffix))
                })?
            }
        };
        let verified = read(key, &path)?;
        let fits = verified.format == FORMAT && self.is_ours(&verified);
        fits.then_some(Remembered { verified, path })
    }

    /// Moves the verified point to a commit that this program just judged and created
    /// on it. A commit that changes the policy leaves the point where it is.
    pub fn advance_verified(&self, base: Oid, commit: Oid, brings_policy: bool) {
        let Some(mut remembered) = self
            .remembered()
            .filter(|remembered| remembered.verified.commit == base.to_string())
        else {
            return;
        };
        // The next proof finds out what the policy acknowledges or distrusts.
        if brings_policy {
            return;
        }
        remembered.verified.commit = commit.to_string();
        self.write_verified(&remembered.verified, |now| {
            now.is_some_and(|now| now == base.to_string())
        });
    }

    /// Returns the point for history that is proven up to here, from the earlier
    /// point `before`. With `anew`, it replaces whatever another proof stored
    /// meanwhile.
    pub(super) fn point(
        &self,
        root: Oid,
        commit: Oid,
        replay: &Replay<'_>,
        before: Option<&Remembered>,
        anew: bool,
    ) -> Option<Point> {
        let policy = replay.policy_from?;
        let fault = |faulty: &Faulty| VerifiedFault {
            commit: faulty.commit.to_string(),
            policy: faulty.policy.map(|policy| policy.to_string()),
        };
        let next = Verified {
            format: FORMAT.into(),
            root: root.to_string(),
            folder: self.folder.clone(),
            mainline: self.mainline.to_string(),
            commit: commit.to_string(),
            policy: policy.to_string(),
            faulty: replay.faulty.iter().map(fault).collect(),
            acknowledged: replay.acknowledged.clone(),
            reaffirmed: replay.reaffirmed.clone(),
            tainted: replay
                .tainted
                .iter()
                .map(|(id, key)| (id.to_string(), key.clone()))
                .collect(),
        };
        let before = before.map(|before| before.verified.commit.clone());
        Some(Point { next, before, anew })
    }

    /// Stores a point.
    pub fn keep(&self, point: &Point) {
        let before = point.before.as_deref();
        self.write_verified(&point.next, |now| point.anew || now == before);
    }

    /// Stores a point if `may` allows it for the commit that is stored now, so that a
    /// slower proof does not undo a faster one. A clone that can't be written proves
    /// everything again each time.
    fn write_verified(&self, verified: &Verified, may: impl FnOnce(Option<&str>) -> bool) {
        let Some(key) = &self.user_key else {
            return;
        };
        let path = self.verified_file(key, &verified.root);
        let folder = self.verified_folder();
        let Ok(content) = serde_json::to_vec(verified) else {
            return;
        };
        let Some(bytes) = key.sealed(&path, &content) else {
            return;
        };
        if std::fs::create_dir_all(&folder).is_err() {
            return;
        }
        let _lock = disk::lock_folder(&path);
        let now = read(key, &path).filter(|now| now.format == FORMAT && self.is_ours(now));
        if !may(now.as_ref().map(|now| now.commit.as_str())) || disk::write_file(&path, &bytes).is_err() {
            return;
        }
        let all = disk::files_by_age(&folder);
        let others = all.iter().filter(|other| **other != path);
        for other in others.take(all.len().saturating_sub(MOST)) {
            let _ = std::fs::remove_file(other);
        }
    }
}
