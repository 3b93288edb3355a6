//! `modelry notify`: sends events to a receiver or a program.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::base::{Error, Oid, shell_word};
use crate::cli::Ui;
use crate::cli::args::{Global, duration};
use crate::cli::output::{Outcome, report_format};
use crate::cli::read::at::FetchArgs;
use crate::cli::read::fresh;
use crate::cli::read::proven::start_on_mainline;
use crate::git::disk;
use crate::net::notify::{
    Allowed, Ended, Heard, Poster, Program, Receiver, RetryBudget, Round, Secrets, Sink, Start, Track,
};
use crate::object::CachedObjects;
use crate::record::kind::Address;
use crate::record::snapshot::Records;
use crate::report::{self, clean};
use crate::workspace::{RootOf, Workspace};

/// The environment variable with the secrets, used when no file is named.
const SECRET: &str = "MODELRY_WEBHOOK_SECRET";

/// The environment variable with the receiver's address, used when none is given.
const URL: &str = "MODELRY_WEBHOOK_URL";

/// The largest file of secrets, in bytes.
const LARGEST_SECRETS: usize = 16 << 10;

/// `modelry notify`
#[derive(Debug, Args)]
#[command(
    after_help = "Events are CloudEvents (JSON), sent in order. An event is sent again until the receiver accepts it, so a receiver must ignore ids that it has seen. Requests are signed as Standard Webhooks defines, with the secrets in MODELRY_WEBHOOK_SECRET or --secret-file (whsec_…; several during a rotation).\n\nUntil the first event is accepted, the command that creates the cursor may be repeated, also with another receiver.\n\nExit codes: 0 all events were delivered; 1 the mainline has findings, and no event was sent; 2 delivery failed, and the cursor records what was delivered.\n\nExamples:\n  modelry notify --to https://hooks.example.com/models --cursor ../cursor --since HEAD   # once\n  modelry notify --to https://hooks.example.com/models --cursor ../cursor\n  modelry notify --exec ./deploy.sh --cursor ../deployed -- --quiet"
)]
pub struct NotifyArgs {
    /// The receiver's address, an http(s) URL [default: $MODELRY_WEBHOOK_URL]
    #[arg(long, value_name = "URL", conflicts_with = "exec")]
    to: Option<Address>,
    /// Run this program for each event instead of a request: the event is its
    /// standard input, and MODELRY_EVENT_ID has the event's id. No shell is involved
    #[arg(long, value_name = "PROGRAM")]
    exec: Option<PathBuf>,
    /// The program's arguments
    #[arg(last = true, value_name = "ARG", requires = "exec", conflicts_with = "to")]
    arguments: Vec<OsString>,
    /// The file that records which events were delivered, outside the work tree;
    /// updated after each event
    #[arg(long, value_name = "FILE")]
    cursor: PathBuf,
    /// Create the cursor, and start after this commit, or on this day (UTC)
    #[arg(long, value_name = "REV|DATE", conflicts_with = "from_start")]
    since: Option<String>,
    /// Create the cursor, and start at the root
    #[arg(long)]
    from_start: bool,
    /// Keep the cursor although the receiver's address has changed
    #[arg(long)]
    moved: bool,
    /// The most time that one attempt may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    timeout: Duration,
    /// The time for which each event is tried again
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    patience: Duration,
    /// A file with the secrets that sign the requests [default:
    /// $MODELRY_WEBHOOK_SECRET]
    #[arg(long, value_name = "FILE", help_heading = "Receiver", conflicts_with = "exec")]
    secret_file: Option<PathBuf>,
    /// Allow a receiver at an address that is not public: this machine, a private
    /// network
    #[arg(long, help_heading = "Receiver", conflicts_with = "exec")]
    allow_private: bool,
    /// Allow http to a public address
    #[arg(long, help_heading = "Receiver", conflicts_with = "exec")]
    allow_http: bool,
    #[command(flatten)]
    fetch: FetchArgs,
    /// Trust the root of this clone although it is not pinned
    #[arg(long, help_heading = "Trust")]
    trust_root: bool,
}

pub fn run(args: &NotifyArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = args.fetch.open(global, ui)?;
    let sink = sink(args, global, ui)?;
    let mut told = Told::default();
    let ended =
        rounds(&workspace, &*sink, args, global, ui, &mut told).map_err(|error| workspace.incomplete(error));
    match (&ended, ui.is_json()) {
        (Ok(Outcome::Findings), _) => {}
        (_, true) => {
            let mut all = json!({"delivered": told.count, "done": ended.is_ok()});
            if let Some((id, why)) = &told.failed {
                all["failed"] = json!({"id": id, "why": why});
            }
            ui.json(&all)?;
        }
        (Ok(_), false) if told.count == 0 => ui.note("nothing new to tell"),
        (Err(_), false) if told.count == 0 => {}
        (_, false) => ui.note(&format!("{} delivered", crate::base::count(told.count, "event"))),
    }
    fresh::told(&workspace, workspace.tip(), !args.fetch.fetch, Ok(ended?), ui)
}

/// The result of a run.
#[derive(Default)]
struct Told {
    /// The number of delivered events.
    count: usize,
    /// The event that was not delivered: its id, and the reason.
    failed: Option<(String, String)>,
}

/// Runs rounds until there is nothing new. A process that finds the cursor taken
/// exits, and relies on this run to deliver its events.
fn rounds(
    workspace: &Workspace,
    sink: &dyn Sink,
    args: &NotifyArgs,
    global: &Global,
    ui: &Ui,
    told: &mut Told,
) -> Result<Outcome, Error> {
    let cursor = global.located(&args.cursor);
    let mut last: Option<Oid> = None;
    loop {
        let Some(mut track) = Track::open(&workspace.repo, &cursor)? else {
            if last.is_some() {
                return Ok(Outcome::Fine);
            }
            return Err(Error::msg(format!(
                "another `modelry notify` is at work with the cursor `{}`",
                cursor.display()
            ))
            .hint("it tells what is new as well; should it hang, its `--timeout` and `--patience` end it"));
        };
        let objects = workspace.repo.objects()?;
        let tip = workspace.tip()?;
        workspace.ensure_root(&objects, tip, RootOf::Clone, args.trust_root)?;
        let start = match (&args.since, args.from_start) {
            _ if last.is_some() => None,
            (Some(since), _) => {
                let commit = start_on_mainline(workspace, &objects, tip, since)?;
                Some(commit.map_or(Start::Root, Start::Since))
            }
            (None, true) => Some(Start::Root),
            (None, false) => None,
        };
        let kept = CachedObjects::new(&objects);
        let records = Records::new(&kept);
        let round = Round {
            workspace,
            records: &records,
            tip,
            sink,
            patience: RetryBudget(args.patience),
            start,
            moved: args.moved,
        };
        let ended = round.run(&mut track, &mut |heard| match heard {
            Heard::Again(what, wait) => ui.note(&format!(
                "`{}`: {what}; trying again in {:.1} s",
                sink.shown(),
                wait.as_secs_f64()
            )),
            Heard::Note(what) => ui.note(&what),
            Heard::Failed(event, why) => told.failed = Some((event.id.clone(), why.to_owned())),
            Heard::Taken(event) => {
                told.count += 1;
                if !ui.is_json() {
                    // The reader of standard output may have gone away; the receiver
                    // has not.
                    let _ = writeln!(std::io::stdout(), "{}  {}", event.id, clean(&event.change));
                }
            }
        })?;
        if let Ended::Findings(report) = ended {
            ui.report(&report::report(&report, report_format(ui.output), &ui.style))?;
            return Ok(Outcome::Findings);
        }
        drop(track);
        last = Some(tip);
        if workspace.tip()? == tip {
            return Ok(Outcome::Fine);
        }
    }
}

/// Returns the receiver or program that events go to.
fn sink(args: &NotifyArgs, global: &Global, ui: &Ui) -> Result<Box<dyn Sink>, Error> {
    if args.timeout.is_zero() {
        return Err(Error::msg("`--timeout` leaves no time at all"));
    }
    if let Some(program) = &args.exec {
        let directory = global.directory();
        let folder = std::path::absolute(&directory).map_err(disk::io("read", &directory))?;
        let program = Program::new(program, &args.arguments, &folder, args.timeout)
            .map_err(|error| Error::msg(format!("no signal can be listened for: {error}")))?;
        return Ok(Box::new(program));
    }
    let url = args.to.clone().or_else(|| variable(URL).map(Address::from));
    let url = url.ok_or_else(|| {
        Error::msg("nothing says who is to be told").hint(format!(
            "a receiver: `--to URL`, or {URL}; or a program: `--exec PROGRAM`"
        ))
    })?;
    let receiver = Receiver::read(&url)?;
    let secrets = secrets(
        args.secret_file
            .as_deref()
            .map(|path| global.located(path))
            .as_deref(),
        ui,
    )?;
    let allowed = Allowed {
        private: args.allow_private,
        plain: args.allow_http,
    };
    Ok(Box::new(Poster::new(receiver, secrets, allowed, args.timeout)?))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn no_secrets(path: &Path) -> Error {
    let error = Error::msg(format!("there is no `{}`", path.display()));
    let error = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let folder = shell_word(&folder.to_string_lossy());
            error.hint(format!("make the folder: `mkdir -p {folder}`"))
        }
        _ => error,
    };
    error.hint(format!(
        "put a secret there that the receiver knows, or a new one: `(umask 077 && echo \"whsec_$(openssl rand -base64 32)\" > {})`",
        shell_word(&path.to_string_lossy())
    ))
}

/// Reads the secrets from a file, or from the environment.
fn secrets(file: Option<&Path>, ui: &Ui) -> Result<Secrets, Error> {
    let (text, place) = match file {
        Some(path) => {
            let bytes = disk::read_at_most(path, LARGEST_SECRETS)?.ok_or_else(|| no_secrets(path))?;
            if disk::is_world_readable(path) {
                ui.note(&format!(
                    "everybody on this machine can read the secrets in `{0}`: `chmod 600 {0}`",
                    path.display()
                ));
            }
            (
                String::from_utf8_lossy(&bytes).into_owned(),
                format!("`{}`", path.display()),
            )
        }
        None => {
            match variable(SECRET) {
                Some(text) => (text, SECRET.to_owned()),
                None => {
                    return Err(Error::msg("there is no secret to sign with")
                    .hint(format!("put one that the receiver knows into {SECRET}, or into a file: `--secret-file FILE`"))
                    .hint("a new one: `echo \"whsec_$(openssl rand -base64 32)\"`"));
                }
            }
        }
    };
    Secrets::read(&text).map_err(|what| {
        Error::msg(format!("{place} can't be used: {what}")).hint(
            "a secret is `whsec_` and 24 to 64 bytes in base64: `echo \"whsec_$(openssl rand -base64 32)\"`",
        )
    })
}
