//! `modelry group …`

use clap::{Args, Subcommand};

use crate::act::{self, GroupRequest};
use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::land::{Scope, Seen, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::read::at::ReadArgs;
use crate::cli::{Ui, names};
use crate::record::kind::{GroupName, Key};

/// `modelry group …`
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// Create a group
    #[command(
        after_help = "Example:\n  modelry group create fraud-detector --description \"card payments, online\" --label tier=1"
    )]
    Create(GroupArgs),
    /// Change a group's description, owners, labels and annotations
    #[command(
        after_help = "Example:\n  modelry group update fraud-detector --owner team:risk --label tier=2"
    )]
    Update(GroupArgs),
    /// Show a group
    #[command(after_help = "Example:\n  modelry group show fraud-detector")]
    Show {
        /// The group
        group: GroupName,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// List the groups
    #[command(after_help = "Example:\n  modelry group list")]
    List {
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Delete a group whose versions are all deleted; a tombstone keeps its name
    #[command(after_help = "Example:\n  modelry group delete old-model -m \"replaced\"")]
    Delete {
        /// The group
        group: GroupName,
        #[command(flatten)]
        write: WriteArgs,
    },
}

/// The fields of a group.
#[derive(Debug, Args)]
pub struct GroupArgs {
    /// The group
    group: GroupName,
    /// A description of what the model is for; an empty text removes it
    #[arg(long, allow_hyphen_values = true, value_parser = names::free_text)]
    description: Option<String>,
    /// An owner, to contact about the group: an actor, or team:NAME; may be repeated
    #[arg(long = "owner", value_name = "ACTOR|team:NAME")]
    owners: Vec<String>,
    /// A label to set (KEY=VALUE) or to remove (KEY-); may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE|KEY-", value_parser = names::change)]
    labels: Vec<(Key, Option<String>)>,
    /// An annotation to set (KEY=VALUE) or to remove (KEY-); may be repeated
    #[arg(long = "annotation", value_name = "KEY=VALUE|KEY-", value_parser = names::change)]
    annotations: Vec<(Key, Option<String>)>,
    #[command(flatten)]
    write: WriteArgs,
}

impl GroupArgs {
    fn request(&self) -> GroupRequest {
        GroupRequest {
            description: self.description.clone(),
            owners: self.owners.clone(),
            labels: self.labels.iter().cloned().collect(),
            annotations: self.annotations.iter().cloned().collect(),
        }
    }
}

pub fn run(command: &GroupCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        GroupCommand::Create(args) => {
            let (request, reason) = (args.request(), args.write.reason.as_deref());
            let job = WriteCommand {
                draft: &|desk| act::create_group(desk, &args.group, &request, reason),
                scope: Scope::of(&args.group),
                seen: None,
                moved: None,
                reserve: None,
            };
            land(&job, &args.write, global, ui)
        }
        GroupCommand::Update(args) => {
            let (request, reason) = (args.request(), args.write.reason.as_deref());
            let job = WriteCommand {
                draft: &|desk| act::update_group(desk, &args.group, &request, reason),
                scope: Scope::of(&args.group),
                seen: None,
                moved: None,
                reserve: None,
            };
            land(&job, &args.write, global, ui)
        }
        GroupCommand::Delete { group, write } => {
            let job = WriteCommand {
                draft: &|desk| act::delete_group(desk, group, write.reason.as_deref()),
                scope: Scope::of(group),
                seen: Some(Seen::unnamed()),
                moved: None,
                reserve: None,
            };
            land(&job, write, global, ui)
        }
        GroupCommand::Show { group, read } => {
            crate::cli::read::show::show(&names::Target::Group(group.clone()), read, global, ui)
        }
        GroupCommand::List { read } => crate::cli::read::list::groups(read, global, ui),
    }
}
