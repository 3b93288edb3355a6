//! The answer of `resolve` as a value, and its renderings for people.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use super::Answer;
use crate::base::{Oid, count};
use crate::record::kind::{
    ActorId, Address, Artifact, Container, Digest, GroupName, Imported, ModelVersion, Status, VersionId,
    VersionNumber,
};
use crate::report::audit::{Confirmed, PinOrigin};
use crate::report::{Style, clean, paint};

/// A version that qualifies, with the proof of its history: `resolve -o json`.
#[derive(Debug, Serialize)]
pub struct ResolvedView<'a> {
    /// The version's name.
    #[serde(serialize_with = "as_text")]
    pub version: &'a VersionId,
    /// Its group.
    pub group: &'a GroupName,
    /// Its number.
    pub number: VersionNumber,
    /// Its status.
    pub status: Status,
    /// The address of the first artifact.
    pub artifact: Option<&'a Address>,
    /// The digest of the first artifact.
    pub digest: Option<&'a Digest>,
    /// The first image.
    pub image: Option<&'a Address>,
    /// All artifacts.
    pub artifacts: Vec<&'a Artifact>,
    /// All containers.
    pub containers: Vec<&'a Container>,
    /// The import that it comes from.
    pub imported: Option<ImportedView<'a>>,
    /// The commit that was read.
    #[serde(serialize_with = "as_text")]
    pub commit: Oid,
    /// The proof.
    pub proven: ProvenView<'a>,
}

/// The origin of an imported version.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedView<'a> {
    from: &'a str,
    r#as: Status,
    imported_by: &'a ActorId,
    decided_by: Option<&'a str>,
    decided_at: Option<&'a str>,
    words: String,
}

impl ImportedView<'_> {
    fn of<'a>(imported: &'a Imported, by: &'a ActorId) -> ImportedView<'a> {
        ImportedView {
            from: &imported.from,
            r#as: imported.status.status(),
            imported_by: by,
            decided_by: imported.by.as_deref(),
            decided_at: imported.at.as_deref(),
            words: imported.words(by),
        }
    }
}

/// The proof of the history behind an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenView<'a> {
    /// The mainline's name.
    pub mainline: &'a str,
    /// The root.
    #[serde(serialize_with = "as_text")]
    pub root: Oid,
    /// Whether the root is pinned.
    pub root_pinned: bool,
    /// The origin of the pin.
    pub root_pinned_by: Option<PinOrigin>,
    /// The commit from which the proof started.
    #[serde(serialize_with = "as_text")]
    pub from: Oid,
    /// Whether it started from the root.
    pub from_root: bool,
    /// The checkpoint that covers the steps before `from`.
    pub checkpoint: Option<CheckpointView<'a>>,
    /// The number of steps that were judged.
    pub steps: usize,
    /// The number of open findings that do not concern the answer.
    pub findings_elsewhere: usize,
}

/// A checkpoint that a proof starts from.
#[derive(Debug, Serialize)]
pub struct CheckpointView<'a> {
    size: u64,
    #[serde(serialize_with = "as_text")]
    commit: Oid,
    signed: bool,
    signer: Option<&'a ActorId>,
}

impl CheckpointView<'_> {
    /// Describes a checkpoint that the mainline continues.
    pub fn of(confirmed: &Confirmed) -> CheckpointView<'_> {
        CheckpointView {
            size: confirmed.size,
            commit: confirmed.commit,
            signed: confirmed.signer.is_some(),
            signer: confirmed.signer.as_ref(),
        }
    }
}

fn as_text<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

impl<'a> ResolvedView<'a> {
    /// The names of the values in `-o env` and `-o github`, in order.
    pub const NAMES: [&'static str; 9] = [
        "version", "group", "number", "status", "artifact", "digest", "image", "commit", "root",
    ];

    /// Describes the answer, as it was read from `commit`.
    pub fn of(
        answer: &'a Answer,
        version: &'a ModelVersion,
        commit: Oid,
        proven: ProvenView<'a>,
    ) -> ResolvedView<'a> {
        let artifacts = version.spec.all_artifacts().into_iter();
        let artifacts: Vec<&Artifact> = artifacts.map(|(_, artifact)| artifact).collect();
        let containers = version.spec.containers().into_iter();
        let containers: Vec<&Container> = containers.map(|(_, container)| container).collect();
        let main = artifacts.first().copied();
        let imported = version.imported.as_ref();
        ResolvedView {
            version: &answer.id,
            group: &answer.id.group,
            number: answer.id.number,
            status: answer.status,
            artifact: main.map(|artifact| &artifact.uri),
            digest: main.and_then(|artifact| artifact.digest.as_ref()),
            image: containers.iter().find_map(|container| container.image.as_ref()),
            artifacts,
            containers,
            imported: imported.map(|imported| ImportedView::of(imported, &version.by)),
            commit,
            proven,
        }
    }

    /// Returns the values for `-o env` and `-o github`, with their names. A value that
    /// the version lacks is empty.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let exact = |address: Option<&Address>| address.map_or("", Address::expose).to_owned();
        let values = [
            self.version.to_string(),
            self.group.to_string(),
            self.number.to_string(),
            self.status.to_string(),
            exact(self.artifact),
            self.digest.map(ToString::to_string).unwrap_or_default(),
            exact(self.image),
            self.commit.to_string(),
            self.proven.root.to_string(),
        ];
        ResolvedView::NAMES.into_iter().zip(values).collect()
    }

    /// Lists the addresses to load from, one on each line; the image where there is no
    /// artifact, and nothing where there is neither.
    pub fn uris(&self) -> String {
        let artifacts = self.artifacts.iter().map(|artifact| &artifact.uri);
        let image = self.image.filter(|_| self.artifacts.is_empty());
        let lines = artifacts.chain(image);
        lines.map(|uri| format!("{}\n", clean(uri.expose()))).collect()
    }

    /// Renders the answer for people.
    pub fn for_people(&self, style: &Style) -> String {
        let mut out = format!(
            "{}  {}\n",
            paint(&self.version.to_string(), "1", style),
            paint(self.status.as_str(), "32", style)
        );
        let mut line = |key: &str, value: &str| out.push_str(&format!("  {key:<9} {value}\n"));
        for artifact in &self.artifacts {
            line("artifact", &clean(&artifact.uri.to_string()));
            match &artifact.digest {
                Some(digest) => line("", &digest.to_string()),
                None => line("", "no digest"),
            }
        }
        let images = self
            .containers
            .iter()
            .filter_map(|container| container.image.as_ref());
        for image in images {
            line("image", &clean(&image.to_string()));
        }
        if let Some(ImportedView { words, .. }) = &self.imported {
            line(
                "imported",
                &clean(words.strip_prefix("imported ").unwrap_or(words)),
            );
        }
        line("commit", &self.commit.to_string());
        line("proven", &self.proven.words(self.commit));
        out
    }
}

impl ProvenView<'_> {
    /// Names the steps that were proven up to `commit`, and the origin of the root.
    fn words(&self, commit: Oid) -> String {
        let steps = count(self.steps, "step");
        let by = match self.checkpoint {
            Some(_) => "by the checkpoint",
            None => "verified before",
        };
        let steps = match self.from {
            _ if self.from_root => format!("{steps} from the root"),
            from if from == commit => format!("up to here, {by}"),
            from => format!("{steps} after {}, {by}", from.short()),
        };
        let origin = match self.root_pinned_by {
            Some(by) => format!("pinned by {}", by.words),
            None if self.checkpoint.is_some() => "named by the checkpoint".to_owned(),
            None => "taken on trust".to_owned(),
        };
        format!("{steps}; root {} {origin}", self.root.short())
    }
}
