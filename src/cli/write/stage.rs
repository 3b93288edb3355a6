//! `promote`, `rollback`

use clap::Args;

use crate::act::{self, Rollback, RollbackTo};
use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::land::{Scope, Seen, SeenArgs, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::{Ui, names};
use crate::record::kind::{GroupName, StageName, VersionId, VersionNumber};

/// `modelry promote`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry promote fraud-detector/3 production -m \"champion of the third quarter\"\n  modelry promote fraud-detector/3 churn/7 staging production --archive-previous -m \"release 12\""
)]
pub struct PromoteArgs {
    /// Versions, each of another group, then the stages that all of them serve from
    /// now on
    #[arg(value_name = "GROUP/N | STAGE", required = true, num_args = 2..)]
    names: Vec<String>,
    /// Archive the versions that served the stages before
    #[arg(long)]
    archive_previous: bool,
    #[command(flatten)]
    seen: SeenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl PromoteArgs {
    /// Splits the names: those with a slash are versions, the rest are stages.
    fn read(&self) -> Result<(Vec<VersionId>, Vec<StageName>), Error> {
        let (mut versions, mut stages) = (Vec::new(), Vec::new());
        for name in &self.names {
            if name.contains('/') {
                versions.push(names::version(name).map_err(Error::msg)?);
            } else {
                stages.push(name.parse().map_err(|why: String| Error::msg(why))?);
            }
        }
        let usage = "modelry promote GROUP/N… STAGE…";
        match (versions.is_empty(), stages.is_empty()) {
            (true, _) => Err(Error::msg("no version is named").hint(usage)),
            (_, true) => Err(Error::msg("no stage is named").hint(usage)),
            _ => Ok((versions, stages)),
        }
    }
}

pub fn promote(args: &PromoteArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (versions, stages) = args.read()?;
    let reason = args.write.reason.as_deref();
    let groups = versions.iter().map(|id| id.group.to_string()).collect();
    let job = WriteCommand {
        draft: &|desk| act::promote(desk, &versions, &stages, args.archive_previous, reason),
        scope: Scope::Removal {
            groups,
            puts: Vec::new(),
        },
        seen: Some(Seen::of(&args.seen)),
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}

/// `modelry rollback`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry rollback fraud-detector production -m \"alerts since noon\"\n  modelry rollback fraud-detector production --to 2 --archive -m \"3 leaks memory\""
)]
pub struct RollbackArgs {
    /// The group
    group: GroupName,
    /// The stage
    stage: StageName,
    /// The version to return to [default: the one that served before]
    #[arg(long, value_name = "N", conflicts_with = "empty")]
    to: Option<VersionNumber>,
    /// Empty the stage, so that no version serves it
    #[arg(long)]
    empty: bool,
    /// Archive the version that served, in the same commit
    #[arg(long, conflicts_with = "reject")]
    archive: bool,
    /// Reject the version that served, in the same commit
    #[arg(long)]
    reject: bool,
    #[command(flatten)]
    seen: SeenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn rollback(args: &RollbackArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let request = Rollback {
        group: args.group.clone(),
        stage: args.stage.clone(),
        to: match (args.to, args.empty) {
            (Some(number), _) => RollbackTo::Version(number),
            (None, true) => RollbackTo::Empty,
            (None, false) => RollbackTo::Before,
        },
        archive: args.archive,
        reject: args.reject,
    };
    let job = WriteCommand {
        draft: &|desk| act::rollback(desk, &request, args.write.reason.as_deref()),
        scope: Scope::removal(&args.group),
        seen: Some(Seen::of(&args.seen)),
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}
