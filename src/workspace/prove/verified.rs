//! What a clone remembers of its proofs: for each root, folder and mainline the
//! point that it verified last, each in a file of its own, so that no proof of
//! one mainline forgets another, at whatever time they run. Each user of a clone
//! has files of their own, and believes no others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::Oid;
use crate::git::{UserKey, disk};
use crate::judge::history::{Acknowledged, Faulty, Reaffirmed, Replay};
use crate::record::canonical::sha256;
use crate::workspace::Workspace;

const FORMAT: &str = "modelry-verified/v4";

/// So many points are kept; the one that was not used for longest goes first.
const MOST: usize = 256;

/// A point that a clone verified last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Verified {
    format: String,
    pub(super) root: String,
    folder: String,
    mainline: String,
    pub(super) commit: String,
    /// The commit that brought the policy in force.
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

/// A point that is not kept yet.
pub struct Point {
    next: Verified,
    /// The commit of the point that it goes on from.
    before: Option<String>,
    anew: bool,
}

/// A point, and where it is kept.
pub(super) struct Remembered {
    pub(super) verified: Verified,
    path: PathBuf,
}

impl Remembered {
    /// It was used, and goes no sooner than others.
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

    /// How the names of this folder's and mainline's points begin. What they
    /// are called is the repository's to say, and no name of a file.
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
            && verified.mainline == self.mainline
            && self.root.is_none_or(|root| root.to_string() == verified.root)
    }

    /// Whether this clone remembers a verified point of this registry and mainline.
    pub fn has_point(&self) -> bool {
        self.remembered().is_some()
    }

    /// The last point of this registry and mainline. Where no root is pinned,
    /// the one that was used last.
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

    /// Remembers a commit that this program just judged and made on the last
    /// verified point; `policy` when it brought one into force.
    pub fn advance_verified(&self, base: Oid, commit: Oid, brings_policy: bool) {
        let Some(mut remembered) = self
            .remembered()
            .filter(|remembered| remembered.verified.commit == base.to_string())
        else {
            return;
        };
        // Who acknowledges or distrusts what is for the next proof to find out.
        if brings_policy {
            return;
        }
        remembered.verified.commit = commit.to_string();
        self.write_verified(&remembered.verified, |now| {
            now.is_some_and(|now| now == base.to_string())
        });
    }

    /// That history is proven up to here, from the point that was remembered
    /// `before`; `anew` whatever another proof remembers meanwhile.
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
            mainline: self.mainline.clone(),
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

    /// Remembers a point.
    pub fn keep(&self, point: &Point) {
        let before = point.before.as_deref();
        self.write_verified(&point.next, |now| point.anew || now == before);
    }

    /// Writes a point where `may` says so of the commit that stands there now:
    /// a slower proof takes nothing back of what a faster one remembered. A
    /// clone that can't be written proves everything anew each time, and that
    /// is all.
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
