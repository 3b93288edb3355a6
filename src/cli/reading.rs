//! The ground of every reading command: a registry at a commit or a day.

use super::{Global, Outcome};
use crate::access::{self, Policy, Tally};
use crate::act;
use crate::error::Error;
use crate::git::{GitObjects, Head};
use crate::history::{self, Past};
use crate::model::{RecordPath, VersionId};
use crate::raw::Oid;
use crate::snapshot::{Loaded, Records, Snapshot};
use crate::workspace::Workspace;

/// A registry at one commit, to be read.
pub struct Reading<'r> {
    /// Where it is.
    pub workspace: &'r Workspace,
    /// The object store.
    pub objects: &'r GitObjects<'r>,
    /// The registry.
    pub snapshot: Snapshot<'r>,
    /// The commit.
    pub commit: Oid,
}

impl Reading<'_> {
    /// Opens the registry at a commit or day (by default at the current
    /// branch's tip), and reads it.
    ///
    /// # Errors
    /// When there is nothing to read, or what `read` says.
    pub fn with(
        at: Option<&str>,
        global: &Global,
        read: impl FnOnce(&Reading<'_>) -> Result<Outcome, Error>,
    ) -> Result<Outcome, Error> {
        Reading::of(&Workspace::open(&global.wanted())?, at, read)
    }

    /// As [`Reading::with`], of a registry that was found.
    ///
    /// # Errors
    /// As [`Reading::with`].
    pub fn of(
        workspace: &Workspace,
        at: Option<&str>,
        read: impl FnOnce(&Reading<'_>) -> Result<Outcome, Error>,
    ) -> Result<Outcome, Error> {
        let objects = workspace.repo.objects()?;
        let commit = match at {
            None => current(workspace)?,
            Some(at) => commit_at(workspace, &objects, at)?,
        };
        let records = Records::new(&objects);
        let top = history::read_commit(&objects, commit)?.tree;
        let snapshot = Snapshot::at(&records, top, &workspace.folder)?;
        read(&Reading {
            workspace,
            objects: &objects,
            snapshot,
            commit,
        })
    }

    /// The policy at that commit.
    ///
    /// # Errors
    /// When there is none.
    pub fn policy(&self) -> Result<Policy, Error> {
        history::policy_at(&self.snapshot, &format!("commit {}", self.commit.short()))
    }

    /// The reviews of a version as they would count now.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn tally(&self, policy: &Policy, id: &VersionId, version: &Loaded) -> Result<Tally, Error> {
        let past = Past::new(self.objects, &self.workspace.folder, Some(self.commit));
        access::tally(policy, &self.snapshot, &self.snapshot, id, version, &past)
    }

    /// The version's file, or the nearest name.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn version(&self, id: &VersionId) -> Result<std::sync::Arc<Loaded>, Error> {
        match self.snapshot.read(&RecordPath::Version(id.clone()))? {
            Some(loaded) => Ok(loaded),
            None => Err(act::unknown_version(&self.snapshot, id)?),
        }
    }
}

/// The commit that people look at: the current branch's tip, or the mainline's.
fn current(workspace: &Workspace) -> Result<Oid, Error> {
    if workspace.repo.workdir().is_none() {
        return workspace.tip();
    }
    match workspace.repo.head()? {
        Head::Branch { tip: Some(tip), .. } | Head::Detached(tip) => Ok(tip),
        Head::Branch { tip: None, .. } => workspace.tip(),
    }
}

/// The commit that a revision names, or the mainline's last one of a day.
///
/// # Errors
/// When there is none.
pub fn commit_at(workspace: &Workspace, objects: &GitObjects<'_>, at: &str) -> Result<Oid, Error> {
    let seconds = match Moment::of(at) {
        Some(Moment::Day(seconds)) => seconds.saturating_add(DAY - 1),
        Some(Moment::Second(seconds)) => seconds,
        None => return resolve(workspace, at),
    };
    let first = match at_time(workspace, objects, seconds)? {
        Found::At(id) => return Ok(id),
        Found::None { first } => first,
    };
    let error = Error::told(format!(
        "`{}` has no commit as old as {at}",
        workspace.mainline_name()
    ));
    Err(match first {
        Some((id, seconds)) => {
            let day = jiff::Timestamp::from_second(seconds)
                .map(|moment| moment.strftime("%Y-%m-%d").to_string())
                .unwrap_or_default();
            error.hint(format!("its first is {}, of {day}", id.short()))
        }
        None => error,
    })
}

/// The commit after which a range starts: the one that a revision names, or the
/// mainline's last one before a day, so that the day itself is told, or of a
/// moment. None when the mainline began later: all of it is meant.
///
/// # Errors
/// When a revision names none.
pub fn commit_before(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    start: &str,
) -> Result<Option<Oid>, Error> {
    let seconds = match Moment::of(start) {
        Some(Moment::Day(seconds)) => seconds.saturating_sub(1),
        Some(Moment::Second(seconds)) => seconds,
        None => return resolve(workspace, start).map(Some),
    };
    Ok(match at_time(workspace, objects, seconds)? {
        Found::At(id) => Some(id),
        Found::None { .. } => None,
    })
}

/// The seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// A time that is named, in seconds since 1970-01-01T00:00:00Z.
enum Moment {
    /// A day, by its first second.
    Day(i64),
    /// A second.
    Second(i64),
}

impl Moment {
    /// None when the text is no date.
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

/// What was looked for by time.
enum Found {
    /// This commit.
    At(Oid),
    /// No commit is that old: the first one, and when it was made.
    None { first: Option<(Oid, i64)> },
}

/// The mainline's last commit that was made by then, as its committer says.
fn at_time(workspace: &Workspace, objects: &GitObjects<'_>, seconds: i64) -> Result<Found, Error> {
    let mut at = Some(workspace.tip()?);
    let mut first = None;
    while let Some(id) = at {
        let commit = history::read_commit(objects, id)?;
        first = commit.committer.as_ref().map(|committer| (id, committer.seconds));
        if commit
            .committer
            .as_ref()
            .is_some_and(|committer| committer.seconds <= seconds)
        {
            return Ok(Found::At(id));
        }
        at = commit.parents.first().copied();
    }
    Ok(Found::None { first })
}

/// The commit that a revision names; what is no revision may be a day that was
/// mistyped, or a CI system's word for nothing.
fn resolve(workspace: &Workspace, text: &str) -> Result<Oid, Error> {
    workspace.repo.resolve(text).map_err(|error| {
        if text.len() >= 40 && text.bytes().all(|byte| byte == b'0') {
            return Error::told(format!("`{text}` names no commit: there was none before"))
                .hint("a CI system says so at the first push of a branch; start at the root: `..main` (events), `--from-start` (notify)");
        }
        match is_like_a_day(text) {
            true => Error::told(format!("there is no day `{text}`"))
                .hint("write a day that the calendar has as YYYY-MM-DD, in UTC: 2026-03-01"),
            false => error,
        }
    })
}

/// Three numbers, one of four digits at an end: `2026-02-30`, `30/11/2026`.
fn is_like_a_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let [first, _, last] = parts[..] else { return false };
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().all(is_number) && (first.len() == 4 || last.len() == 4)
}
