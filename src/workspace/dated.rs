//! The dates of the mainline's steps, cached in the clone so that each commit is read
//! only once for them. Deleting the file loses nothing.

use serde::{Deserialize, Serialize};

use super::Workspace;
use crate::base::{Error, Oid};
use crate::git::disk;
use crate::judge::history::Dates;
use crate::record::canonical::sha256;
use crate::record::snapshot::Records;

const FORMAT: &str = "modelry-dates/v1";

/// The number of new commits from which the cache is written again.
const WORTH_IT: usize = 256;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    format: String,
    /// The last commit that was read.
    tip: String,
    /// The registry steps up to that commit, oldest first, with the dates that they
    /// claim.
    steps: Vec<(String, Option<i64>)>,
}

impl Workspace {
    /// Returns the dates of the steps up to `tip`, with the help of the cache.
    ///
    /// # Errors
    /// An object is missing, as in a shallow clone.
    pub fn dates(&self, records: &Records<'_>, tip: Oid) -> Result<Dates, Error> {
        let known = self.remembered_dates();
        let (dates, read) = Dates::after(records, &self.folder, self.root, tip, known)?;
        if read >= WORTH_IT && self.repo.reference(&self.mainline)? == Some(tip) {
            self.remember_dates(tip, &dates);
        }
        Ok(dates)
    }

    fn dates_file(&self) -> Option<std::path::PathBuf> {
        let user = self.user_key.as_ref()?.name();
        let root = self.root.map_or_else(String::new, |root| root.to_string());
        let key = sha256(format!("{}\0{}\0{root}", self.folder, self.mainline).as_bytes()).to_string();
        let name = format!("{}-{user}", key.trim_start_matches("sha256:"));
        Some(self.repo.common_dir().join("modelry").join("dates").join(name))
    }

    fn remembered_dates(&self) -> Option<(Oid, Dates)> {
        let bytes = self.user_key.as_ref()?.read(&self.dates_file()?)?;
        let remembered: Remembered = serde_json::from_slice(&bytes).ok()?;
        let tip = Oid::from_hex(&remembered.tip).filter(|_| remembered.format == FORMAT)?;
        let step = |(commit, claimed): &(String, Option<i64>)| Some((Oid::from_hex(commit)?, *claimed));
        let steps: Option<Vec<_>> = remembered.steps.iter().map(step).collect();
        Some((tip, steps?.into_iter().collect()))
    }

    /// A clone that can't be written reads all commits each time.
    fn remember_dates(&self, tip: Oid, dates: &Dates) {
        let steps = dates.steps().iter();
        let remembered = Remembered {
            format: FORMAT.into(),
            tip: tip.to_string(),
            steps: steps
                .map(|step| (step.commit.to_string(), step.claimed))
                .collect(),
        };
        let (Some(key), Some(path)) = (&self.user_key, self.dates_file()) else {
            return;
        };
        let content = serde_json::to_vec(&remembered).unwrap_or_default();
        if let Some(bytes) = key.sealed(&path, &content) {
            let _ = disk::write_file(&path, &bytes);
        }
    }
}
