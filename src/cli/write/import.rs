//! `modelry import …`: imports versions from another registry. Each format has its
//! own reader; the rest of the work is the same for all.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::given;
use crate::act::{self, ImportPlan, ImportedGroup};
use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::land::{Scope, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::exchange::{mlflow, sagemaker};
use crate::net::fetch;
use crate::record::kind::{Address, GroupName};

/// `modelry import …`
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Import groups and versions from SageMaker, from the output of the AWS CLI
    #[command(
        after_help = "Example:\n  aws sagemaker describe-model-package-group --model-package-group-name fraud >  fraud.json\n  aws sagemaker describe-model-package --model-package-name $ARN_OF_A_VERSION >> fraud.json\n  modelry import sagemaker fraud.json --dry-run"
    )]
    Sagemaker(SagemakerArgs),
    /// Import registered models from MLflow, from its server or from a folder
    ///
    /// Reads from a server's address, as in MLFLOW_TRACKING_URI, or from a folder
    /// that mlflow-export-import wrote. A server gets the login that MLflow's own
    /// client uses: MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or
    /// MLFLOW_TRACKING_TOKEN. MLflow has no approvals and no digests, so versions
    /// arrive Pending, with artifacts of unknown digest.
    #[command(
        after_help = "Examples:\n  modelry import mlflow http://localhost:5000 --dry-run\n  modelry import mlflow https://mlflow.example.com --model \"Fraud Detector\" --as fraud-detector\n  modelry import mlflow ./export --rename \"Fraud Detector=fraud-detector\""
    )]
    Mlflow(MlflowArgs),
}

/// `modelry import sagemaker`
#[derive(Debug, Args)]
pub struct SagemakerArgs {
    /// Files with the output of `aws sagemaker describe-…` and `list-…`; `-` reads
    /// standard input
    #[arg(value_name = "FILE|-", required = true)]
    files: Vec<String>,
    #[command(flatten)]
    import: ImportArgs,
}

/// `modelry import mlflow`
#[derive(Debug, Args)]
pub struct MlflowArgs {
    /// The server's address, or a folder that mlflow-export-import wrote
    #[arg(value_name = "URL|DIR")]
    place: Address,
    /// Import only this model; may be repeated
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    #[command(flatten)]
    import: ImportArgs,
}

/// Parses `OLD=NEW`; any text is valid as the old name.
fn renamed(text: &str) -> Result<(String, GroupName), String> {
    let (old, new) = text
        .rsplit_once('=')
        .ok_or_else(|| format!("`{text}` is no OLD=NEW"))?;
    Ok((old.to_owned(), new.parse()?))
}

/// Options that every import takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Import the group under this name
    #[arg(long = "as", value_name = "NAME", conflicts_with = "renames")]
    name: Option<GroupName>,
    /// Import a model or group (by its name or ARN) as this group; may be repeated
    #[arg(long = "rename", value_name = "OLD=NEW", value_parser = renamed)]
    renames: Vec<(String, GroupName)>,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn run(command: &ImportCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        ImportCommand::Sagemaker(args) => {
            let mut files = Vec::new();
            for name in &args.files {
                let shown = if name == "-" { "standard input" } else { name };
                files.push((shown.to_owned(), given::read_file(name, global)?));
            }
            let renames = args.import.renames.iter().cloned().collect();
            let (from, groups) = sagemaker::read(&files, &renames)?;
            bring(&from, groups, &args.import, global, ui)
        }
        ImportCommand::Mlflow(args) => {
            let folder = global.located(Path::new(args.place.expose().trim_start_matches("file://")));
            let bar = bar(ui);
            let found = fetch::mlflow::registered(&args.place, &folder, &args.models, &mut |count, all| {
                bar.set_length(all as u64);
                bar.set_position(count as u64);
            });
            bar.finish_and_clear();
            let found = found?;
            let mut renames: BTreeMap<String, GroupName> = args.import.renames.iter().cloned().collect();
            // The name applies when the source has one model.
            if let (Some(name), [one]) = (&args.import.name, &found.models[..])
                && let Some(old) = one["name"].as_str()
            {
                renames.insert(old.to_owned(), name.clone());
            }
            let brought = mlflow::groups(&found, &renames)?;
            let outcome = bring(&found.from, brought.groups, &args.import, global, ui)?;
            for note in &brought.notes {
                ui.note(note);
            }
            Ok(outcome)
        }
    }
}

/// Creates a progress bar on standard error; hidden when that is not a terminal.
fn bar(ui: &Ui) -> ProgressBar {
    if ui.is_json() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("reading {bar:30} run {pos} of {len} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// Imports what a reader read from the registry `from`: prints the plan, and makes
/// one commit.
///
/// # Errors
/// The import is refused; nothing is changed then.
pub(crate) fn bring(
    from: &str,
    mut groups: Vec<ImportedGroup>,
    args: &ImportArgs,
    global: &Global,
    ui: &Ui,
) -> Result<Outcome, Error> {
    if let Some(name) = &args.name {
        match &mut groups[..] {
            [one] => one.name = name.clone(),
            more => {
                return Err(
                    Error::msg(format!("`--as` names one group, and there are {}", more.len()))
                        .hint("name each of them: `--rename OLD=NEW`, or import them one by one"),
                );
            }
        }
    }
    let plan: RefCell<Option<ImportPlan>> = RefCell::default();
    let job = WriteCommand {
        draft: &|desk| {
            let (planned, mut draft) = act::import(desk, from, &groups, args.write.reason.as_deref())?;
            let value = crate::exchange::import_plan_value(&planned);
            *plan.borrow_mut() = Some(planned);
            draft.facts.insert("plan".into(), value);
            Ok(draft)
        },
        scope: Scope::Groups(groups.iter().map(|group| group.name.to_string()).collect()),
        seen: None,
        moved: None,
        reserve: None,
    };
    let outcome = land(&job, &args.write, global, ui)?;
    if let Some(plan) = plan.borrow().as_ref().filter(|_| !ui.is_json()) {
        ui.print(&crate::exchange::import_plan(plan, &ui.style))?;
    }
    Ok(outcome)
}
