//! Reads a registry at a commit or a day, for every reading command.

use std::cell::Cell;

use clap::Args;

use super::fresh;
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::git::{GitObjects, Head};
use crate::judge::history::{self, Dated, Dates, Past};
use crate::object::CachedObjects;
use crate::record::kind::{REGISTRY_FILE, RecordPath, VersionId};
use crate::record::snapshot::{Loaded, Records, Snapshot};
use crate::trust::{self, Policy, Tally};
use crate::workspace::prove::ProveOptions;
use crate::workspace::{Wanted, Workspace};

/// Whether to fetch before reading.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FetchArgs {
    /// Fetch first: read the mainline as its remote has it now. In a partial clone,
    /// fetch the missing objects of the registry too
    #[arg(long, help_heading = "Where to look")]
    pub fetch: bool,
}

impl FetchArgs {
    /// Finds the registry, after the fetch where one is asked for.
    pub fn open(self, global: &Global, ui: &Ui) -> Result<Workspace, Error> {
        self.open_as(&global.wanted(), ui)
    }

    /// Finds the registry that is wanted, after the fetch where one is asked for.
    pub fn open_as(self, wanted: &Wanted, ui: &Ui) -> Result<Workspace, Error> {
        if !self.fetch {
            return Workspace::open(wanted);
        }
        let (workspace, note) = Workspace::open_fetched(wanted)?;
        if let Some(note) = note {
            ui.note(&note);
        }
        Ok(workspace)
    }
}

/// The state that a reading command reads.
#[derive(Clone, Debug, Default, Args)]
pub struct ReadArgs {
    /// Read the registry as it was at this commit, or on this day
    #[arg(long, value_name = "REV|DATE")]
    pub at: Option<String>,
    #[command(flatten)]
    pub fetch: FetchArgs,
}

impl ReadArgs {
    /// Whether neither a commit nor a fetch was asked for.
    pub fn is_newest(&self) -> bool {
        self.at.is_none() && !self.fetch.fetch
    }
}

/// A registry at one commit.
pub struct Reading<'r> {
    /// The workspace that holds it.
    pub workspace: &'r Workspace,
    /// The object store.
    pub objects: &'r GitObjects<'r>,
    /// The registry.
    pub snapshot: Snapshot<'r>,
    /// The commit that is read.
    pub commit: Oid,
    /// The serial of the policy in force, if it was asked for and the text there was
    /// refused.
    refused: Cell<Option<u64>>,
}

impl Reading<'_> {
    /// Opens the registry at a commit or day (by default at the current branch's
    /// tip), and reads it.
    ///
    /// # Errors
    /// There is nothing to read, or `read` fails.
    pub fn with(
        args: &ReadArgs,
        global: &Global,
        ui: &Ui,
        read: impl FnOnce(&Reading<'_>) -> Result<Outcome, Error>,
    ) -> Result<Outcome, Error> {
        let workspace = args.fetch.open(global, ui)?;
        let answered = Reading::of(&workspace, args.at.as_deref(), ui, read);
        fresh::told(&workspace, current(&workspace), args.is_newest(), answered, ui)
    }

    /// Reads a registry that was already found, as [`Reading::with`] does.
    pub fn of(
        workspace: &Workspace,
        at: Option<&str>,
        ui: &Ui,
        read: impl FnOnce(&Reading<'_>) -> Result<Outcome, Error>,
    ) -> Result<Outcome, Error> {
        Reading::at(workspace, at, ui, read).map_err(|error| workspace.incomplete(error))
    }

    fn at(
        workspace: &Workspace,
        at: Option<&str>,
        ui: &Ui,
        read: impl FnOnce(&Reading<'_>) -> Result<Outcome, Error>,
    ) -> Result<Outcome, Error> {
        let objects = workspace.repo.objects()?;
        let commit = match at {
            None => current(workspace)?,
            Some(at) => commit_at(workspace, &objects, at, None)?.noted(ui),
        };
        let records = Records::new(&objects);
        let top = history::read_commit(&objects, commit)?.tree;
        let snapshot = Snapshot::at(&records, top, &workspace.folder)?;
        if snapshot.registry()?.is_none() {
            return Err(workspace.no_registry(&objects, commit)?);
        }
        let reading = Reading {
            workspace,
            objects: &objects,
            snapshot,
            commit,
            refused: Cell::new(None),
        };
        let answered = read(&reading);
        if let Some(serial) = reading.refused.get() {
            ui.note(&reading.refused_words(serial));
        }
        if let Some(words) = unreadable(workspace, &records.unreadable()) {
            ui.note(&words);
        }
        answered
    }

    /// Whether some file that was read is not a valid record.
    pub fn is_incomplete(&self) -> bool {
        !self.snapshot.records.unreadable().is_empty()
    }

    /// Returns the policy in force at that commit, without a proof of its history.
    ///
    /// # Errors
    /// The commit has no policy.
    pub fn policy(&self) -> Result<Policy, Error> {
        let (folder, place) = (&self.workspace.folder, format!("commit {}", self.commit.short()));
        let (policy, is_refused) = history::policy_in_force(
            self.snapshot.records,
            folder,
            self.commit,
            &place,
            self.workspace.verified(),
        )?;
        self.refused.set(is_refused.then_some(policy.registry().serial));
        Ok(policy)
    }

    fn refused_words(&self, serial: u64) -> String {
        format!(
            "the text of `{}` in commit {} was refused: this is policy {serial}, which stays in force; `modelry audit` tells why",
            self.workspace.from_top(REGISTRY_FILE),
            self.commit.short(),
        )
    }

    /// Returns the policy in force at that commit. Where the text there was refused by the
    /// judgement of history, a note says so, and the policy before it stays. A history
    /// that can't be proven here decides nothing.
    ///
    /// # Errors
    /// The commit has no policy.
    pub fn policy_in_force(&self, ui: &Ui) -> Result<Policy, Error> {
        let there = self.policy();
        let how = ProveOptions::default();
        let Ok(proof) = self
            .workspace
            .prove(self.objects, self.snapshot.records, self.commit, how)
        else {
            return there;
        };
        let text = self.snapshot.registry()?;
        if text.is_some_and(|text| text.id == proof.policy.source.id) {
            return there;
        }
        ui.note(&self.refused_words(proof.policy.registry().serial));
        self.refused.set(None);
        Ok(proof.policy)
    }

    /// Returns the reviews of a version as they would count now.
    pub fn tally(&self, policy: &Policy, id: &VersionId, version: &Loaded) -> Result<Tally, Error> {
        let past = Past::new(self.objects, &self.workspace.folder, Some(self.commit));
        trust::tally(policy, &self.snapshot, &self.snapshot, id, version, &past)
    }

    /// Returns the version's file.
    ///
    /// # Errors
    /// There is no such version; the hint has the nearest name.
    pub fn version(&self, id: &VersionId) -> Result<std::sync::Arc<Loaded>, Error> {
        match self.snapshot.read(&RecordPath::Version(id.clone()))? {
            Some(loaded) => Ok(loaded),
            None => Err(crate::record::snapshot::unknown_version(&self.snapshot, id)?),
        }
    }
}

/// Names the files that can't be read, so that an answer without them does not look
/// complete.
fn unreadable(workspace: &Workspace, paths: &[String]) -> Option<String> {
    /// The most files that are named.
    const MOST: usize = 5;
    let count = match paths.len() {
        0 => return None,
        1 => "1 file can't be read, and is not part of this answer".to_owned(),
        more => format!("{more} files can't be read, and are not part of this answer"),
    };
    let named = paths.iter().take(MOST);
    let named: Vec<String> = named
        .map(|path| format!("`{}`", workspace.from_top(path)))
        .collect();
    let more = match paths.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!(
        "{count}: {}{more}; `modelry validate` says why",
        named.join(", ")
    ))
}

/// Returns the commit that people look at: the current branch's tip, or the
/// mainline's.
pub(crate) fn current(workspace: &Workspace) -> Result<Oid, Error> {
    if workspace.repo.workdir().is_none() || workspace.fetched {
        return workspace.tip();
    }
    match workspace.repo.head()? {
        Head::Branch { tip: Some(tip), .. } | Head::Detached(tip) => Ok(tip),
        Head::Branch { tip: None, .. } => workspace.tip(),
    }
}

/// The commit that holds a past state.
pub struct AsOf {
    /// The commit.
    pub commit: Oid,
    /// A note on how the day was found.
    pub note: Option<String>,
    /// Words on the content of the mainline after that day.
    pub later: Option<String>,
}

impl AsOf {
    /// Prints the note, and returns the commit.
    pub fn noted(self, ui: &Ui) -> Oid {
        if let Some(note) = &self.note {
            ui.note(note);
        }
        self.commit
    }
}

impl From<Oid> for AsOf {
    fn from(commit: Oid) -> AsOf {
        AsOf {
            commit,
            note: None,
            later: None,
        }
    }
}

/// Returns the commit that a revision names, or the last step of the mainline whose
/// effective date is on or before a day. Notes the steps that claim a date from
/// `since` up to that day and are nevertheless left out.
///
/// # Errors
/// There is no such commit.
pub fn commit_at(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    at: &str,
    since: Option<&str>,
) -> Result<AsOf, Error> {
    let Some(end) = Moment::of(at).map(Moment::end) else {
        return resolve(workspace, at).map(AsOf::from);
    };
    let dates = dates(workspace, objects)?;
    let Some(step) = dates.at(end) else {
        let error = Error::msg(format!(
            "`{}` has no commit as old as {at}",
            workspace.mainline_name()
        ));
        let error = match dates.steps().first() {
            Some(first) => error.hint(format!(
                "its first is {}, of {}",
                first.commit.short(),
                history::moment(first.date)
            )),
            None => error,
        };
        let claimed = dates.left_out(since.and_then(Moment::of).map(Moment::first), end);
        return Err(match left_out(&claimed) {
            Some(words) => error.hint(words),
            None => error,
        });
    };
    let later = dates.later(end);
    let later = later.first().map(|next| {
        let steps = match later.len() {
            1 => "1 step".to_owned(),
            more => format!("{more} steps"),
        };
        format!(
            "nothing after {at} is looked at: {steps} of the mainline, the next of them {} of {}",
            next.commit.short(),
            history::moment(next.date)
        )
    });
    Ok(AsOf {
        later,
        commit: step.commit,
        note: left_out(&dates.left_out(since.and_then(Moment::of).map(Moment::first), end)),
    })
}

/// Returns the commit after which a range starts. For a revision, that is its commit.
/// For a day or a moment, it is the mainline's last step before it, so that the range
/// includes the day. Returns `None` when the mainline began later: the range is then
/// the whole mainline.
///
/// # Errors
/// The revision names no commit.
pub fn commit_before(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    start: &str,
) -> Result<Option<Oid>, Error> {
    let Some(last) = Moment::of(start).map(Moment::last_before) else {
        return resolve(workspace, start).map(Some);
    };
    let dates = dates(workspace, objects)?;
    Ok(dates.at(last).map(|step| step.commit))
}

/// Returns the dates of the mainline's steps.
pub fn dates(workspace: &Workspace, objects: &GitObjects<'_>) -> Result<Dates, Error> {
    let kept = CachedObjects::new(objects);
    workspace.dates(&Records::new(&kept), workspace.tip()?)
}

/// Names the steps that a day leaves out although they claim a date of it.
fn left_out(steps: &[Dated]) -> Option<String> {
    /// The most steps that are named.
    const MOST: usize = 5;
    let count = match steps.len() {
        0 => return None,
        1 => "1 step claims a date up to then, and counts from a later one on".to_owned(),
        more => format!("{more} steps claim a date up to then, and count from a later one on"),
    };
    let named: Vec<String> = steps.iter().take(MOST).map(Dated::words).collect();
    let more = match steps.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    Some(format!("{count}: {}{more}", named.join("; ")))
}

/// The seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// A day or moment, in seconds since 1970-01-01T00:00:00Z.
enum Moment {
    /// A day, by its first second.
    Day(i64),
    /// A second.
    Second(i64),
}

impl Moment {
    /// Returns its first second.
    fn first(self) -> i64 {
        match self {
            Moment::Day(seconds) | Moment::Second(seconds) => seconds,
        }
    }

    /// Returns its last second.
    fn end(self) -> i64 {
        match self {
            Moment::Day(seconds) => seconds.saturating_add(DAY - 1),
            Moment::Second(seconds) => seconds,
        }
    }

    /// Returns the last second that a range from it leaves out. A range from a moment
    /// starts after the step of that moment.
    fn last_before(self) -> i64 {
        match self {
            Moment::Day(seconds) => seconds.saturating_sub(1),
            Moment::Second(seconds) => seconds,
        }
    }

    /// Parses a date, or `None` when the text is not a date.
    fn of(text: &str) -> Option<Moment> {
        if let Ok(date) = text.parse::<jiff::civil::Date>()
            && text.len() == 10
        {
            let start = jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0));
            return start.ok().map(|moment| Moment::Day(moment.as_second()));
        }
        let moment = text.parse::<jiff::Timestamp>().ok()?;
        Some(Moment::Second(moment.as_second()))
    }
}

/// Resolves a revision. For a text that is not a revision, the hint considers a
/// mistyped day and a CI system's placeholder for "no commit".
fn resolve(workspace: &Workspace, text: &str) -> Result<Oid, Error> {
    workspace.resolve(text).map_err(|error| {
        if text.len() >= 40 && text.bytes().all(|byte| byte == b'0') {
            return Error::msg(format!("`{text}` names no commit: there was none before"))
                .hint("a CI system says so at the first push of a branch; start at the root: `..main` (events), `--from-start` (notify)");
        }
        match is_like_a_day(text) {
            true => Error::msg(format!("there is no day `{text}`"))
                .hint("write a day that the calendar has as YYYY-MM-DD, in UTC: 2026-03-01"),
            false => error,
        }
    })
}

/// Whether the text is three numbers, with one of four digits at an end:
/// `2026-02-30`, `30/11/2026`.
fn is_like_a_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let [first, _, last] = parts[..] else { return false };
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().all(is_number) && (first.len() == 4 || last.len() == 4)
}
