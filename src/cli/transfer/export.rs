//! `modelry export …`: exports a version in the format of another program. The
//! history is verified first, as by `resolve`.

mod sagemaker;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use self::sagemaker::SagemakerArgs;
use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::names::{self, Target};
use crate::cli::output::{Outcome, Output};
use crate::cli::read::at::{ReadArgs, Reading};
use crate::cli::read::proven::{TrustArgs, answer};
use crate::cli::read::resolve::{nothing, parse_target};
use crate::cli::read::{evidence, show};
use crate::exchange::mlbom::{self, Bill};
use crate::exchange::mlflow::{self, Registered};
use crate::judge::history;
use crate::record::kind::{ModelVersion, RecordPath, VersionId};
use crate::record::snapshot::Loaded;
use crate::report;

/// `modelry export …`
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// Export a version for SageMaker, as one document or as files for the AWS CLI
    ///
    /// Prints one JSON document, or writes a file for each AWS call:
    /// CreateModelPackageGroup, CreateModelPackage, UpdateModelPackage and
    /// CreateModel. UpdateModelPackage takes the ApprovalDescription, and needs the
    /// ARN that CreateModelPackage returns. The document also lists what AWS would
    /// refuse, and what AWS has no field for.
    #[command(
        after_help = "Example:\n  modelry export sagemaker fraud-detector/3 --role arn:aws:iam::111122223333:role/serving --to out\n  aws sagemaker create-model-package --cli-input-json file://out/create-model-package.json"
    )]
    Sagemaker(SagemakerArgs),
    /// Export a machine-learning bill of materials (CycloneDX 1.6)
    ///
    /// Contains the model with its card, artifacts, images, data and licences, and
    /// who approved it. The same commit always gives the same bytes.
    #[command(
        after_help = "Examples:\n  modelry export mlbom fraud-detector/3 --to bom.json\n  modelry export mlbom fraud-detector@production --at 2026-03-03"
    )]
    Mlbom(ExportArgs),
    /// Export a Python program that registers the version in MLflow, with MLflow's
    /// own client
    ///
    /// The program creates the registered model if there is none, one version of it
    /// with the status, digest and labels as tags, and an alias for each stage that
    /// the version serves. When run again, it updates them. It needs
    /// MLFLOW_TRACKING_URI, or `--local`. `-o json` prints what the program writes.
    #[command(
        after_help = "Examples:\n  modelry export mlflow fraud-detector@production | MLFLOW_TRACKING_URI=https://mlflow.example.com python3 -\n  modelry export mlflow fraud-detector/3 -o json"
    )]
    Mlflow(ExportArgs),
}

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

impl ExportCommand {
    /// Returns the forms of output that the format has; the first is its default.
    pub fn forms(&self) -> &'static [Output] {
        match self {
            ExportCommand::Sagemaker(_) => &[Output::Human, Output::Json],
            ExportCommand::Mlbom(_) => &[Output::Json],
            ExportCommand::Mlflow(_) => &[Output::Python, Output::Json],
        }
    }
}

pub fn run(command: &ExportCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        ExportCommand::Sagemaker(args) => sagemaker::run(args, global, ui),
        ExportCommand::Mlbom(args) => mlbom(args, global, ui),
        ExportCommand::Mlflow(args) => mlflow(args, global, ui),
    }
}

fn mlbom(args: &ExportArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    export(args, global, ui, &|reading, id| {
        Ok(report::json_text(&bill(reading, id)?))
    })
}

fn mlflow(args: &ExportArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
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
            ui.page(args.to.as_deref(), global, &text, &id.to_string())?;
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
    let evidence = evidence::evidence_records(reading, id, false)?;
    let observations = evidence::evidence_records(reading, id, true)?;
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
