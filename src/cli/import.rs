//! `modelry import …`: versions of another registry are brought along. Each
//! format's command reads; what is done with what it read is the same for all.

use std::cell::RefCell;

use clap::{Args, Subcommand};
use serde_json::json;

use super::write::{Job, Scope, WriteArgs, land};
use super::{Global, Outcome, Ui, register};
use crate::act::{self, ImportPlan, ImportedGroup};
use crate::error::Error;
use crate::exchange::sagemaker;
use crate::model::GroupName;
use crate::render;

/// `modelry import …`
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Bring along groups and versions of SageMaker, from what the AWS CLI prints
    #[command(
        after_help = "Example:\n  aws sagemaker describe-model-package-group --model-package-group-name fraud >  fraud.json\n  aws sagemaker describe-model-package --model-package-name $ARN_OF_A_VERSION >> fraud.json\n  modelry import sagemaker fraud.json --dry-run"
    )]
    Sagemaker(SagemakerArgs),
}

/// `modelry import sagemaker`
#[derive(Debug, Args)]
pub struct SagemakerArgs {
    /// What `aws sagemaker describe-…` and `list-…` printed; `-` for standard input
    #[arg(value_name = "FILE|-", required = true)]
    files: Vec<String>,
    #[command(flatten)]
    import: ImportArgs,
}

/// What every import takes.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Bring the group along under this name
    #[arg(long = "as", value_name = "NAME")]
    name: Option<GroupName>,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn run(command: &ImportCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        ImportCommand::Sagemaker(args) => {
            let mut files = Vec::new();
            for name in &args.files {
                let shown = if name == "-" { "standard input" } else { name };
                files.push((shown.to_owned(), register::read_file(name)?));
            }
            let (from, groups) = sagemaker::read(&files)?;
            bring(&from, groups, &args.import, global, ui)
        }
    }
}

/// Brings along what a reader read from the registry `from`: the plan, and one
/// commit.
///
/// # Errors
/// When it can't be done; everything is as it was then.
pub(super) fn bring(
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
                    Error::told(format!("`--as` names one group, and there are {}", more.len()))
                        .hint("import them one by one"),
                );
            }
        }
    }
    let plan: RefCell<Option<ImportPlan>> = RefCell::default();
    let job = Job {
        draft: &|desk| {
            let (planned, draft) = act::import(desk, from, &groups, args.write.reason.as_deref())?;
            let value = render::import_plan_value(&planned);
            let nothing = draft.is_none();
            *plan.borrow_mut() = Some(planned);
            if nothing && ui.is_json() {
                ui.json(&json!({"changes": [], "plan": value}))?;
            }
            Ok(draft.map(|mut draft| {
                draft.facts.insert("plan".into(), value);
                draft
            }))
        },
        scope: Scope::Groups(groups.iter().map(|group| group.name.to_string()).collect()),
        decision: false,
        moved: None,
        reserve: None,
    };
    let outcome = land(&job, &args.write, global, ui)?;
    if let Some(plan) = plan.borrow().as_ref().filter(|_| !ui.is_json()) {
        ui.print(&render::import_plan(plan, &ui.style))?;
        if plan.groups.iter().all(|group| !group.created) && plan.new_versions() == 0 {
            ui.say("all of it is here already: nothing to do");
        }
    }
    Ok(outcome)
}
