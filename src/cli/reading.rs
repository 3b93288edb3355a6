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
    match end_of(at) {
        Some(seconds) => at_time(workspace, objects, seconds, at),
        None => workspace.repo.resolve(at),
    }
}

/// The end of a day, or a moment, in seconds; none when the text is no date.
fn end_of(text: &str) -> Option<i64> {
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
    {
        let end = date.at(23, 59, 59, 0);
        return jiff::tz::Offset::UTC
            .to_timestamp(end)
            .ok()
            .map(|moment| moment.as_second());
    }
    text.parse::<jiff::Timestamp>()
        .ok()
        .map(|moment| moment.as_second())
}

/// The mainline's last commit that was made by then, as its committer says.
fn at_time(workspace: &Workspace, objects: &GitObjects<'_>, seconds: i64, shown: &str) -> Result<Oid, Error> {
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
            return Ok(id);
        }
        at = commit.parents.first().copied();
    }
    let error = Error::told(format!(
        "`{}` has no commit as old as {shown}",
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
