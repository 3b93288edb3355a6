//! `approve`, `reject`, `withdraw`, `archive`, `delete`, `settle`

use std::cell::Cell;

use clap::Args;

use crate::act::{self, Draft};
use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::land::{Scope, Seen, SeenArgs, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::{Ui, names};
use crate::record::kind::{Decision, RecordPath, Status, VersionId};

/// A decision on one version.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  modelry approve fraud-detector/3 -m \"meets performance and bias criteria\""
)]
pub struct DecideArgs {
    /// The version
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    #[command(flatten)]
    seen: SeenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl DecideArgs {
    fn reason(&self, verb: &str) -> Result<Option<&str>, Error> {
        match self.write.reason.as_deref().map(str::trim) {
            None | Some("") => Err(
                Error::msg(format!("say why: a decision to {verb} carries its reason"))
                    .hint(format!("modelry {verb} {} -m \"…\"", self.version)),
            ),
            reason => Ok(reason),
        }
    }
}

pub fn review(args: &DecideArgs, decision: Decision, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let verb = decision.verb();
    let reason = args.reason(verb)?;
    let id = &args.version;
    let moved = Cell::new(false);
    let job = WriteCommand {
        draft: &|desk| act::review(desk, id, decision, reason),
        scope: match decision {
            Decision::Approved => Scope::of(&id.group),
            Decision::Rejected | Decision::Withdrawn => Scope::removal(&id.group),
        },
        seen: Some(Seen::of(&args.seen)),
        moved: Some(&moved),
        reserve: None,
    };
    let outcome = land(&job, &args.write, global, ui)?;
    if outcome == Outcome::Fine && decision == Decision::Approved && !moved.get() && !ui.is_json() {
        match args.write.is_dry_run() {
            true => super::turn::say_never(id, global, ui)?,
            false => super::turn::say_turn(id, &args.write, global, ui)?,
        }
    }
    Ok(outcome)
}

pub fn archive(args: &DecideArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let reason = args.reason("archive")?;
    let id = &args.version;
    let job = WriteCommand {
        draft: &|desk| act::archive(desk, id, reason),
        scope: Scope::removal(&id.group),
        seen: Some(Seen::of(&args.seen)),
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}

pub fn delete(args: &DecideArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let reason = args.reason("delete")?;
    let id = &args.version;
    let job = WriteCommand {
        draft: &|desk| act::delete_version(desk, id, reason),
        scope: Scope::removal(&id.group),
        seen: Some(Seen::of(&args.seen)),
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}

/// `modelry settle`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  modelry settle fraud-detector/3")]
pub struct SettleArgs {
    /// The version [default: every version whose change is authorised]
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: Option<VersionId>,
    #[command(flatten)]
    seen: SeenArgs,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn settle(args: &SettleArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let scope = args
        .version
        .as_ref()
        .map_or(Scope::Everything, |id| Scope::of(&id.group));
    let job = WriteCommand {
        draft: &|desk| {
            let wanted = match &args.version {
                Some(id) => {
                    desk.version(id)?;
                    vec![id.clone()]
                }
                None => open_versions(desk)?,
            };
            let mut draft = Draft::new("", args.write.reason.as_deref());
            let mut moved = Vec::new();
            let looked = wanted.clone();
            for id in wanted {
                if let Some((to, text)) = act::settle(desk, &desk.snapshot, &id)? {
                    draft
                        .edits
                        .insert(RecordPath::Version(id.clone()).to_string(), Some(text));
                    moved.push(format!("{id} as {to}"));
                }
            }
            if moved.is_empty() {
                draft.notes.push(nothing_settles(desk, &looked)?);
                draft.looked_at.extend(args.version.clone());
            }
            draft.subject = format!("Settle {}", moved.join(", "));
            Ok(draft)
        },
        scope,
        seen: Some(Seen::of(&args.seen)),
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}

/// Says that no version moves, with the commands that show what the Pending ones lack.
fn nothing_settles(desk: &act::WriteContext<'_>, looked: &[VersionId]) -> Result<String, Error> {
    /// The most versions that are named.
    const NAMED: usize = 3;
    let mut pending = Vec::new();
    for id in looked {
        let status = desk.version(id)?.version().map(|version| version.status);
        if status == Some(Status::Pending) {
            pending.push(format!("`modelry show {id}`"));
        }
    }
    let more = match pending.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and of {more} more as well"),
    };
    pending.truncate(NAMED);
    Ok(match pending.is_empty() {
        true => "no reviews on hand authorise a move: no version with a review is Pending".to_owned(),
        false => format!(
            "no reviews on hand authorise a move; {} tells what is missing{more}",
            pending.join(", ")
        ),
    })
}

fn open_versions(desk: &act::WriteContext<'_>) -> Result<Vec<VersionId>, Error> {
    let mut open = Vec::new();
    for group in desk.snapshot.groups()? {
        for number in desk.snapshot.versions(&group)? {
            let id = VersionId {
                group: group.clone(),
                number,
            };
            let loaded = desk.snapshot.read(&RecordPath::Version(id.clone()))?;
            let status = loaded.and_then(|loaded| loaded.version().map(|version| version.status));
            if matches!(status, Some(Status::Pending | Status::Approved))
                && !desk.snapshot.reviewers(&id)?.is_empty()
            {
                open.push(id);
            }
        }
    }
    Ok(open)
}
