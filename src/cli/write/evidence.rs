//! `evidence`, `annotate`: records that join a version later.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::artifact;
use crate::act::{self, AnnotateRequest, EvidenceRequest};
use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::land::{Scope, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::read::at::ReadArgs;
use crate::cli::{Ui, names};
use crate::record::kind::{Address, DatasetRef, Digest, Key, RecordName, ReportRef, VersionId};

/// `modelry evidence …`
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// Add an evaluation, or change one of your own
    #[command(
        after_help = "Example:\n  modelry evidence add fraud-detector/3 holdout --metric auc=0.905 --dataset s3://data/holdout.parquet"
    )]
    Add(Box<EvidenceArgs>),
    /// Show the evaluations of a version
    #[command(after_help = "Example:\n  modelry evidence show fraud-detector/3")]
    Show {
        /// The version
        #[arg(value_name = "GROUP/N", value_parser = names::version)]
        version: VersionId,
        /// Show only this evaluation [default: all]
        name: Option<RecordName>,
        #[command(flatten)]
        read: ReadArgs,
    },
}

/// `modelry evidence add`
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// The version
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    /// The evaluation's name
    name: RecordName,
    /// A measured value, as NAME=NUMBER; may be repeated
    #[arg(long = "metric", value_name = "NAME=NUMBER", value_parser = names::metric)]
    metrics: Vec<(Key, Value)>,
    /// The data set: a URI, or a local file or folder, which is hashed
    #[arg(long, value_name = "URI|PATH")]
    dataset: Option<Address>,
    /// The digest of a data set that is a URI
    #[arg(long, value_name = "sha256:…", requires = "dataset")]
    dataset_digest: Option<Digest>,
    /// The report: a URI, or a local file, which is hashed
    #[arg(long, value_name = "URI|PATH")]
    report: Option<Address>,
    /// The digest of a report that is a URI
    #[arg(long, value_name = "sha256:…", requires = "report")]
    report_digest: Option<Digest>,
    /// The report's media type
    #[arg(long, value_name = "TYPE", requires = "report")]
    report_type: Option<String>,
    /// Notes for people
    #[arg(long, allow_hyphen_values = true, value_parser = names::free_text)]
    notes: Option<String>,
    /// Record it as an observation: it was learnt after the approval, and is not
    /// covered by it
    #[arg(long)]
    observation: bool,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn evidence(command: &EvidenceCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let args = match command {
        EvidenceCommand::Show { version, name, read } => {
            return crate::cli::read::evidence::evidence(version, name.as_ref(), read, global, ui);
        }
        EvidenceCommand::Add(args) => args,
    };
    let dataset = args
        .dataset
        .as_ref()
        .map(|given| artifact::reference(given, "dataset", args.dataset_digest.as_ref(), global, ui))
        .transpose()?;
    let report = args
        .report
        .as_ref()
        .map(|given| artifact::reference(given, "report", args.report_digest.as_ref(), global, ui))
        .transpose()?;
    let request = EvidenceRequest {
        metrics: args.metrics.iter().cloned().collect(),
        dataset: dataset.map(|(uri, digest)| DatasetRef { uri, digest }),
        report: report.map(|(uri, digest)| ReportRef {
            uri,
            digest,
            content_type: args.report_type.clone(),
        }),
        notes: args.notes.clone(),
        observation: args.observation,
    };
    let job = WriteCommand {
        draft: &|desk| {
            act::add_evidence(
                desk,
                &args.version,
                &args.name,
                &request,
                args.write.reason.as_deref(),
            )
        },
        scope: Scope::of(&args.version.group),
        seen: None,
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}

/// `modelry annotate`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  modelry annotate fraud-detector/3 --label env=prod --annotation ticket=RISK-118 --label old-"
)]
pub struct AnnotateArgs {
    /// The version
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    /// The description; an empty text removes it
    #[arg(long, allow_hyphen_values = true, value_parser = names::free_text)]
    description: Option<String>,
    /// A label to set (KEY=VALUE) or to remove (KEY-); may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE|KEY-", value_parser = names::change)]
    labels: Vec<(Key, Option<String>)>,
    /// An annotation to set (KEY=VALUE) or to remove (KEY-); may be repeated
    #[arg(long = "annotation", value_name = "KEY=VALUE|KEY-", value_parser = names::change)]
    annotations: Vec<(Key, Option<String>)>,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn annotate(args: &AnnotateArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    if args.description.is_none() && args.labels.is_empty() && args.annotations.is_empty() {
        return Err(Error::msg("there is nothing to annotate: no option says what changes")
            .hint(format!("say what: `modelry annotate {} --description TEXT`, `--label KEY=VALUE` or `--annotation KEY=VALUE`", args.version)));
    }
    let request = AnnotateRequest {
        description: args.description.clone(),
        labels: args.labels.iter().cloned().collect(),
        annotations: args.annotations.iter().cloned().collect(),
    };
    let job = WriteCommand {
        draft: &|desk| act::annotate(desk, &args.version, &request, args.write.reason.as_deref()),
        scope: Scope::of(&args.version.group),
        seen: None,
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}
