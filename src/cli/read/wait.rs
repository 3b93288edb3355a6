//! `modelry wait`: until a version has a status.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::fresh;
use super::proven::{TrustArgs, proven};
use super::resolve::nothing;
use crate::base::{Error, FullRef, Oid};
use crate::cli::args::{Global, duration};
use crate::cli::output::Outcome;
use crate::cli::read::at::{FetchArgs, ReadArgs};
use crate::cli::{Ui, names};
use crate::git::kept_as;
use crate::record::kind::{Address, RecordPath, Registry, Status, VersionId};
use crate::workspace::Workspace;

/// `modelry wait`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry wait fraud-detector/3 --for Approved --timeout 30m\n  modelry wait fraud-detector/3 --for Approved,Rejected --remote origin"
)]
pub struct WaitArgs {
    /// The version; it may not exist yet
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    /// The statuses that end the wait
    #[arg(long = "for", value_name = "STATUS", required = true, value_delimiter = ',')]
    wanted: Vec<Status>,
    /// Watch this remote (a name or an address) instead of the clone; new commits are
    /// fetched
    #[arg(long, value_name = "REMOTE")]
    remote: Option<Address>,
    /// Give up after this time: 90s, 30m, 2h
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    timeout: Duration,
    /// Look at this interval [default: 1s, on a remote 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    interval: Option<Duration>,
    #[command(flatten)]
    fetch: FetchArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Whether a version of this status can still reach one of the wanted statuses.
fn can_reach(policy: &Registry, from: Status, wanted: &[Status]) -> bool {
    let mut open = vec![from];
    let mut seen = Vec::new();
    while let Some(status) = open.pop() {
        if wanted.contains(&status) {
            return true;
        }
        if !seen.contains(&status) {
            seen.push(status);
            open.extend(policy.next(status));
        }
    }
    false
}

/// Returns the branch's present tip. Reads and fetches no object, so it is cheap.
fn look(workspace: &Workspace, remote: Option<&str>, branch: &FullRef) -> Result<Option<Oid>, Error> {
    match remote {
        Some(remote) => workspace.repo.remote_tip(remote, branch),
        None => workspace.repo.reference(&workspace.mainline),
    }
}

pub fn run(args: &WaitArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let remote = args.remote.as_ref().map(Address::expose);
    let mut workspace = match remote {
        Some(remote) => Workspace::open_asking(&global.wanted(), Some(remote))?,
        None => args.fetch.open_as(&args.trust.wanted(global), ui)?,
    };
    let branch = workspace.remote_mainline();
    let end = Instant::now() + args.timeout;
    let interval = args
        .interval
        .unwrap_or(Duration::from_secs(if remote.is_some() { 10 } else { 1 }));
    let wanted: Vec<&str> = args.wanted.iter().map(|status| status.as_str()).collect();
    let (mut last, mut is_absent) = (None, false);
    loop {
        let tip = look(&workspace, remote, &branch)?;
        if tip.is_some() && tip != last {
            last = tip;
            if let Some(remote) = remote {
                let into = kept_as(remote, &branch);
                workspace.repo.fetch(remote, &branch, &into)?;
                workspace.mainline = into;
                if args.fetch.fetch {
                    workspace.repo.bring_promised()?;
                    workspace.complete(tip.as_slice())?;
                }
            }
            let was_absent = is_absent;
            if let Some(outcome) = judge(&workspace, args, &mut is_absent, global, ui)? {
                return noted(&workspace, args, outcome, ui);
            }
            if is_absent && !was_absent {
                ui.note(&format!(
                    "there is no version {} yet: waiting for it",
                    args.version
                ));
            }
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let (id, seconds) = (&args.version, args.timeout.as_secs());
            let why = match is_absent {
                true => format!("there is no version {id} after {seconds}s"),
                false => format!("{id} is not {} after {seconds}s", wanted.join(" or ")),
            };
            let outcome = nothing(&why, ui)?;
            return noted(&workspace, args, outcome, ui);
        }
        std::thread::sleep(interval.min(left));
    }
}

/// Returns the options for reading: with a remote, the mainline is fetched.
fn asked(args: &WaitArgs) -> ReadArgs {
    ReadArgs {
        at: None,
        fetch: FetchArgs {
            fetch: args.fetch.fetch || args.remote.is_some(),
        },
    }
}

/// Ends the wait, with a note where the clone is behind.
fn noted(workspace: &Workspace, args: &WaitArgs, outcome: Outcome, ui: &Ui) -> Result<Outcome, Error> {
    fresh::told(
        workspace,
        workspace.tip(),
        asked(args).is_newest(),
        Ok(outcome),
        ui,
    )
}

/// Returns how the wait ends by the version's status, or `None` to wait on.
fn judge(
    workspace: &Workspace,
    args: &WaitArgs,
    is_absent: &mut bool,
    global: &Global,
    ui: &Ui,
) -> Result<Option<Outcome>, Error> {
    let id = &args.version;
    let mut waits = false;
    let outcome = proven(
        workspace,
        &id.group,
        (&asked(args), &args.trust),
        global,
        ui,
        |proven| {
            let loaded = proven.snapshot.read(&RecordPath::Version(id.clone()))?;
            *is_absent = loaded.is_none();
            let Some(loaded) = loaded else {
                waits = true;
                return Ok(Outcome::Nothing);
            };
            let Some(status) = loaded.version().map(|version| version.status) else {
                return nothing(&format!("{id} is deleted, or can't be read"), ui);
            };
            if args.wanted.contains(&status) {
                if let Some(key) = proven
                    .proof
                    .tainted
                    .get(id)
                    .filter(|_| status == Status::Approved)
                {
                    return nothing(
                        &format!("the approval of {id} rests on key {key}, which was not believed any more"),
                        ui,
                    );
                }
                if ui.is_json() {
                    ui.json(&json!({"version": id.to_string(), "status": status.as_str(), "commit": proven.commit.to_string()}))?;
                } else {
                    ui.print(&format!("{id} is {status}\n"))?;
                }
                return Ok(Outcome::Fine);
            }
            if !can_reach(proven.proof.policy.registry(), status, &args.wanted) {
                return nothing(
                    &format!("{id} is {status}, and nothing leads from there to what is waited for"),
                    ui,
                );
            }
            waits = true;
            Ok(Outcome::Nothing)
        },
    )?;
    Ok((!waits).then_some(outcome))
}
