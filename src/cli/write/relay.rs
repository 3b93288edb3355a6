//! `relay`: a machine records reviews that people gave on a Git host's page.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use clap::Args;

use super::given::read_file;
use crate::act::{self, HostReviews, RelayRequest};
use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::land::{Scope, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::{Ui, names};
use crate::exchange;
use crate::exchange::host_reviews;
use crate::record::kind::{Key, VersionId, cleaned_text};

/// `modelry relay`
#[derive(Debug, Args)]
#[command(
    after_help = "A relayed review counts only as far as the policy's `delegated` allows, and only for\npeople whose `accounts` list the account.\n\nExample:\n  gh api --paginate --slurp repos/OWNER/NAME/pulls/7/reviews |\n    modelry relay github - --base \"$BEFORE\" --push -m \"approved in pull request 7\"
  glab api projects/ID/merge_requests/7/approvals |
    modelry relay gitlab - --reviewed \"$HEAD\" --base \"$BEFORE\" --push -m \"approved in merge request 7\""
)]
pub struct RelayArgs {
    /// The host, by its name in the actors' `accounts`: github, gitlab, …
    host: Key,
    /// A file with the answer of the host's API: the list of reviews of GitHub or
    /// Forgejo, a `pull_request_review` event, the approvals of a GitLab merge
    /// request, or a merge request event; `-` reads standard input
    #[arg(value_name = "FILE|-")]
    file: String,
    /// The versions that were reviewed [default: those that the reviewed branch
    /// changes]
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    versions: Vec<VersionId>,
    /// The commit that the reviewed branch was to land on, as it was before the
    /// landing [default: the mainline's tip]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// The commit that was reviewed, if the host's answer names none; for GitLab's
    /// approvals it is the `sha` of the merge request
    #[arg(long, value_name = "COMMIT")]
    reviewed: Option<String>,
    /// Reject versions where changes were requested; without it, such a request only
    /// withdraws an approval
    #[arg(long)]
    reject: bool,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn run(args: &RelayArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let shown = if args.file == "-" {
        "standard input"
    } else {
        &args.file
    };
    let bytes = read_file(&args.file, global)?;
    let text = exchange::decoded(&bytes).ok_or_else(|| {
        Error::msg(format!("{shown} is not UTF-8")).hint("give what the host's API answers, unchanged")
    })?;
    let HostReviews { mut verdicts, whole } = host_reviews::read(args.host.as_str(), shown, &text)?;
    let workspace = args.write.open(global)?;
    let reviewed = args.reviewed.as_ref();
    let reviewed = reviewed.map(|name| workspace.repo.resolve(name)).transpose()?;
    if let Some(seen) = reviewed {
        for verdict in &mut verdicts {
            verdict.commit.get_or_insert(seen);
        }
    } else if !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.commit.is_none()) {
        return Err(
            Error::msg(format!("{shown} does not say which commit was reviewed")).hint(
                "name it: `--reviewed COMMIT`, the `sha` that the merge request had when it was approved",
            ),
        );
    }
    let base = match &args.base {
        Some(base) => workspace.repo.resolve(base)?,
        None => workspace.tip()?,
    };
    // The text may come from the host. One bad address must not block all reviews.
    let reason = args.write.reason.as_deref().map(cleaned_text);
    if let Some(Cow::Owned(_)) = reason {
        ui.note("the reason held an address with a login or a token: it is left out");
    }
    let (moved, touched) = (Cell::new(false), RefCell::default());
    let job = WriteCommand {
        draft: &|desk| {
            for id in &args.versions {
                desk.version(id)?;
            }
            act::has_account_on(desk.policy, &args.host)?;
            let request = RelayRequest {
                host: &args.host,
                verdicts: &verdicts,
                whole: whole.as_ref(),
                reviewed,
                versions: &args.versions,
                base,
                rejects: args.reject,
            };
            let mut draft = act::relay(desk, &request, reason.as_deref())?;
            if draft.edits.is_empty() {
                draft.notes.push("there is nothing to relay".to_owned());
            }
            touched.replace(draft.settle.clone());
            Ok(draft)
        },
        scope: match &args.versions[..] {
            [one] => Scope::of(&one.group),
            _ => Scope::Everything,
        },
        seen: None,
        moved: Some(&moved),
        reserve: None,
    };
    let outcome = land(&job, &args.write, global, ui)?;
    if outcome == Outcome::Fine && !moved.get() && !args.write.is_dry_run() && !ui.is_json() {
        for id in touched.take() {
            super::turn::say_turn(&id, &args.write, global, ui)?;
        }
    }
    Ok(outcome)
}
