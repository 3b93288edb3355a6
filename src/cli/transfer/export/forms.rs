//! `modelry export mlbom` and `export mlflow`: one text about a version.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::names::{self, Target};
use crate::cli::output::{Outcome, Output};
use crate::cli::read::at::{ReadArgs, Reading};
use crate::cli::read::resolve::{TrustArgs, answer, nothing, parse_target};
use crate::cli::read::show;
use crate::exchange::mlbom::{self, Bill};
use crate::exchange::mlflow::{self, Registered};
use crate::judge::history;
use crate::record::kind::{ModelVersion, RecordPath, VersionId};
use crate::record::snapshot::Loaded;
use crate::report::{self, clean};

/// The version to export, and the file to write.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The version
    #[arg(value_name = "GROUP/N | GROUP@STAGE | GROUP@latest")]
    target: Target,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// `modelry export mlbom`
pub fn mlbom(args: &ExportArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    export(args, global, ui, &|reading, id| {
        Ok(report::json_text(&bill(reading, id)?))
    })
}

/// `modelry export mlflow`
pub fn mlflow(args: &ExportArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    export(args, global, ui, &|reading, id| {
        registered(reading, id, |version| {
            for note in version.notes() {
                ui.note(&note);
            }
            match ui.output {
                Output::Json => Ok(report::json_text(&version.data()?)),
                _ => mlflow::script(version),
            }
        })
    })
}

/// Renders a text about a version whose history is verified, and writes it where it
/// was asked for.
fn export(
    args: &ExportArgs,
    global: &Global,
    ui: &Ui,
    make: &dyn Fn(&Reading<'_>, &VersionId) -> Result<String, Error>,
) -> Result<Outcome, Error> {
    let (group, _) = parse_target(&args.target)?;
    answer(&group, &args.read, &args.trust, global, ui, |proven| {
        let id = names::resolve(&args.target, &proven.snapshot).map_err(|error| proven.missing(error))?;
        if let Some(key) = proven.proof.tainted.get(&id) {
            return nothing(&format!("{id} rests on the key {key}, which is revoked"), ui);
        }
        let commit = proven.commit.to_string();
        Reading::of(proven.workspace, Some(&commit), ui, |reading| {
            let text = make(reading, &id).map_err(|error| proven.missing(error))?;
            match &args.to {
                None => ui.print(&text)?,
                Some(path) => {
                    ui.file(&global.located(path), &text)?;
                    ui.say(&clean(&format!("{id} is in {}", path.display())));
                }
            }
            Ok(Outcome::Fine)
        })
    })
}

/// Returns the error for a record of a version that can't be used.
fn unreadable(what: &str, id: &VersionId) -> Error {
    Error::msg(format!("{what} of {id} can't be read")).hint("`modelry validate` says why")
}

/// Returns the version, or an error if there is none.
fn version_of<'l>(loaded: &'l Loaded, id: &VersionId) -> Result<&'l ModelVersion, Error> {
    match (loaded.version(), loaded.tombstone()) {
        (Some(version), _) => Ok(version),
        (None, Some(_)) => Err(Error::msg(format!("version {id} is deleted"))
            .hint("`--at REV` looks at a commit before the deletion")),
        (None, None) => Err(unreadable("the file", id)),
    }
}

fn registered(
    reading: &Reading<'_>,
    id: &VersionId,
    make: impl FnOnce(&Registered<'_>) -> Result<String, Error>,
) -> Result<String, Error> {
    let loaded = reading.version(id)?;
    let version = version_of(&loaded, id)?;
    let group = reading.snapshot.read(&RecordPath::Group(id.group.clone()))?;
    let group = group.as_ref().and_then(|group| group.group());
    let group = group.ok_or_else(|| unreadable("the group", id))?;
    let policy = reading.policy()?;
    let tally = reading.tally(&policy, id, &loaded)?;
    let imported = version.imported.as_ref();
    make(&Registered {
        imported: imported.map(|imported| imported.words(&version.by)),
        registry: policy.id(),
        id,
        group,
        version,
        approved_by: tally.counting().map(|review| review.voice()).collect(),
        stages: show::serves(reading, id)?,
        subject: tally.subject.to_string(),
        commit: reading.commit.to_string(),
    })
}

fn bill(reading: &Reading<'_>, id: &VersionId) -> Result<Value, Error> {
    let loaded = reading.version(id)?;
    let version = version_of(&loaded, id)?;
    let card = reading.snapshot.read(&RecordPath::Card(id.clone()))?;
    let card = match &card {
        Some(loaded) => Some(loaded.card().ok_or_else(|| unreadable("the card", id))?),
        None => None,
    };
    let policy = reading.policy()?;
    let tally = reading.tally(&policy, id, &loaded)?;
    let evidence = show::evidence_records(reading, id, false)?;
    let observations = show::evidence_records(reading, id, true)?;
    let seconds = history::read_commit(reading.objects, reading.commit)?
        .committer
        .map(|committer| committer.seconds);
    let timestamp = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    Ok(mlbom::render(&Bill {
        registry: policy.id(),
        registry_name: &policy.registry().name,
        id,
        version,
        card,
        evidence: evidence.iter().filter_map(|(_, it)| it.evaluation()).collect(),
        observations: observations
            .iter()
            .filter_map(|(_, it)| it.evaluation())
            .collect(),
        approved_by: tally.counting().map(|review| review.voice()).collect(),
        rejected_by: tally.rejections().map(|review| review.voice()).collect(),
        stages: show::serves(reading, id)?,
        subject: tally.subject.to_string(),
        commit: reading.commit.to_string(),
        timestamp: timestamp.map(|moment| moment.to_string()),
    }))
}
