//! `modelry events`

use clap::Args;

use super::audit::bar;
use super::fresh;
use super::proven::{on_mainline, start_on_mainline};
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::{Outcome, Output, report_format};
use crate::cli::read::at::FetchArgs;
use crate::exchange::cloudevents;
use crate::exchange::eventbridge::Account;
use crate::object::CachedObjects;
use crate::record::snapshot::Records;
use crate::report;
use crate::report::event::Event;
use crate::workspace::verdict::{self, Occurred};
use crate::workspace::{RootOf, Workspace};

/// `modelry events`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, json (one array: application/cloudevents-batch+json), cloudevents (one CloudEvents 1.0 object per line), eventbridge (input of `aws events put-events --cli-input-json`, one call per line).\n\nExit codes: 0 printed; 1 open findings, and no event is printed; 2 incomplete, as in a shallow clone.\n\nExamples:\n  modelry events\n  modelry events main~5..main -o cloudevents\n  modelry events 2026-03-01.. -o json   # of that day and later\n  modelry events main~1..main -o eventbridge --account 123456789012 --region eu-central-1"
)]
pub struct EventsArgs {
    /// The steps after A, up to B of the mainline; a day counts as a whole (UTC), as
    /// A and as B [default: from the root to the tip]
    #[arg(value_name = "A..B")]
    range: Option<String>,
    #[command(flatten)]
    fetch: FetchArgs,
    /// Trust the root of this clone although it is not pinned
    #[arg(long, help_heading = "Trust")]
    trust_root: bool,
    /// The AWS account in the ARNs of the models
    #[arg(long, value_name = "DIGITS", help_heading = "EventBridge")]
    account: Option<String>,
    /// The AWS region
    #[arg(long, value_name = "REGION", help_heading = "EventBridge")]
    region: Option<String>,
    /// The event bus [default: the account's own]
    #[arg(long, value_name = "NAME", help_heading = "EventBridge")]
    bus: Option<String>,
}

/// The output forms of events.
pub(crate) const FORMS: &[Output] = &[
    Output::Human,
    Output::Json,
    Output::Cloudevents,
    Output::Eventbridge,
];

/// Returns where entries for EventBridge go, or `None` for other forms.
fn account(args: &EventsArgs, ui: &Ui) -> Result<Option<Account>, Error> {
    let is_wanted = ui.output == Output::Eventbridge;
    match (&args.account, &args.region) {
        (Some(account), Some(region)) if is_wanted => {
            Account::new(account, region, args.bus.as_deref()).map(Some)
        }
        _ if is_wanted => Err(
            Error::msg("the names of models in AWS are made of an account and a region")
                .hint("give both: `--account 123456789012 --region eu-central-1`"),
        ),
        (None, None) if args.bus.is_none() => Ok(None),
        _ => Err(
            Error::msg("`--account`, `--region` and `--bus` are for entries of EventBridge")
                .hint("ask for those: `-o eventbridge`"),
        ),
    }
}

/// Splits a range into the ends that are named.
fn ends(range: Option<&str>) -> Result<(Option<&str>, Option<&str>), Error> {
    let Some(range) = range else {
        return Ok((None, None));
    };
    let (a, b) = super::diff::ends(range)?;
    let left_out = |end, side: Option<&str>| Some(end).filter(|_| side != Some(""));
    let halves = range.split_once("..");
    Ok((
        left_out(a, halves.map(|halves| halves.0)),
        left_out(b, halves.map(|halves| halves.1)),
    ))
}

pub fn run(args: &EventsArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let account = account(args, ui)?;
    let workspace = args.fetch.open(global, ui)?;
    let outcome =
        told(&workspace, args, account.as_ref(), ui).map_err(|error| workspace.incomplete(error))?;
    let (_, end) = ends(args.range.as_deref())?;
    let is_newest = end.is_none() && !args.fetch.fetch;
    fresh::told(&workspace, workspace.tip(), is_newest, Ok(outcome), ui)
}

fn told(
    workspace: &Workspace,
    args: &EventsArgs,
    account: Option<&Account>,
    ui: &Ui,
) -> Result<Outcome, Error> {
    let objects = workspace.repo.objects()?;
    let tip = workspace.tip()?;
    workspace.ensure_root(&objects, tip, RootOf::Clone, args.trust_root)?;
    let (from, to) = ends(args.range.as_deref())?;
    let to = on_mainline(workspace, &objects, tip, to, from)?.noted(ui);
    let from: Option<Oid> = match from {
        Some(from) => start_on_mainline(workspace, &objects, tip, from)?,
        None => None,
    };
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let bar = bar(ui);
    let occurred = verdict::occurred(workspace, &records, from, to, |all| {
        bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
        bar.inc(1);
    });
    bar.finish_and_clear();
    match occurred? {
        Occurred::Refused(report) => {
            ui.report(&report::report(&report, report_format(ui.output), &ui.style))?;
            ui.note("no event is told while the history up to there is faulty");
            Ok(Outcome::Findings)
        }
        Occurred::Events(events) => {
            match account {
                Some(account) => {
                    let mut out = Lines::new(ui);
                    let folder = &workspace.folder;
                    crate::exchange::entries(&records, folder, from, &events, account, |call| {
                        out.line(&call.to_string())
                    })?;
                    out.end()?;
                }
                None => print(&events, ui)?,
            }
            Ok(Outcome::Fine)
        }
    }
}

fn print(events: &[Event], ui: &Ui) -> Result<(), Error> {
    match ui.output {
        Output::Human => lines(events.iter().map(|event| report::event(event, &ui.style)), ui),
        Output::Json if events.is_empty() => ui.print("[]\n"),
        Output::Json => {
            let last = events.len() - 1;
            let element = |(index, event): (usize, &Event)| {
                let (open, close) = (
                    if index == 0 { "[" } else { "" },
                    if index == last { "]" } else { "," },
                );
                format!("{open}{}{close}", report::json_line(&cloudevents::event(event)))
            };
            lines(events.iter().enumerate().map(element), ui)
        }
        _ => lines(
            events
                .iter()
                .map(|event| report::json_line(&cloudevents::event(event))),
            ui,
        ),
    }
}

/// Prints lines to standard output, a few at a time.
struct Lines<'u> {
    ui: &'u Ui,
    text: String,
}

impl<'u> Lines<'u> {
    fn new(ui: &'u Ui) -> Lines<'u> {
        Lines {
            ui,
            text: String::new(),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        const AT_ONCE: usize = 1 << 16;
        self.text.push_str(line);
        self.text.push('\n');
        if self.text.len() < AT_ONCE {
            return Ok(());
        }
        self.ui.print(&std::mem::take(&mut self.text))
    }

    fn end(self) -> Result<(), Error> {
        match self.text.as_str() {
            "" => Ok(()),
            text => self.ui.print(text),
        }
    }
}

/// Prints all of these lines.
fn lines(all: impl Iterator<Item = String>, ui: &Ui) -> Result<(), Error> {
    let mut out = Lines::new(ui);
    for line in all {
        out.line(&line)?;
    }
    out.end()
}
