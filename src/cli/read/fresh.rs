//! Notes on the age of the commit that a reading command reads. They go to standard
//! error, and no verdict depends on them.

use std::time::SystemTime;

use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::output::Outcome;
use crate::judge::history;
use crate::workspace::Workspace;

/// Ends a reading command that read the commit `read`. Adds a note where the remote's
/// branch is known to be ahead. If something was not found, the error names the
/// commit that was read. Adds nothing unless the newest commit of
/// this clone was asked for, without `--at` and `--fetch`.
///
/// # Errors
/// The error of the command itself.
pub fn told(
    workspace: &Workspace,
    read: Result<Oid, Error>,
    is_newest: bool,
    answered: Result<Outcome, Error>,
    ui: &Ui,
) -> Result<Outcome, Error> {
    let Ok(commit) = read else { return answered };
    if !is_newest {
        return answered;
    }
    match answered {
        Err(error) => Err(missing(workspace, commit, error)),
        Ok(outcome) => {
            if let Some(words) = behind(workspace, commit) {
                ui.note(&words);
            } else if outcome == Outcome::Nothing {
                nothing_at(workspace, commit, ui);
            }
            Ok(outcome)
        }
    }
}

/// Adds the commit that was read to the error that something was not found.
pub fn missing(workspace: &Workspace, commit: Oid, error: Error) -> Error {
    if !matches!(error, Error::Message { .. }) {
        return error;
    }
    match behind(workspace, commit).or_else(|| age(workspace, commit)) {
        Some(words) => error.hint(words),
        None => error,
    }
}

/// Notes in which commit nothing was found, unless another note says that the commit
/// is behind.
pub fn nothing_at(workspace: &Workspace, commit: Oid, ui: &Ui) {
    if behind(workspace, commit).is_none()
        && let Some(words) = age(workspace, commit)
    {
        ui.note(&words);
    }
}

/// Returns words on a commit that a change builds on and that is behind the remote's
/// mainline as last fetched.
pub(in crate::cli) fn built_on(workspace: &Workspace, commit: Oid) -> Option<String> {
    let words = lacks(workspace, commit)?;
    Some(format!(
        "{words}: `git pull --ff-only` brings it up to date, and `--push` builds on what the remote has"
    ))
}

/// Returns a note on a commit that is behind the remote's mainline as last fetched,
/// or `None` where that can't be found out.
fn behind(workspace: &Workspace, commit: Oid) -> Option<String> {
    let words = lacks(workspace, commit)?;
    Some(format!("{words}: `--fetch` brings it up to date"))
}

fn lacks(workspace: &Workspace, commit: Oid) -> Option<String> {
    let (name, tip) = workspace.kept_mainline().ok()??;
    let tip = tip.filter(|tip| *tip != commit)?;
    let (_, lacks) = workspace.repo.ahead_behind(commit, tip).ok()?;
    if lacks == 0 {
        return None;
    }
    let name = name.shown();
    Some(format!(
        "read at {}, which is {} behind `{name}`; {}",
        named(workspace, commit)?,
        crate::base::count(lacks, "commit"),
        last_fetch(workspace)
    ))
}

/// Returns a note on the commit that is read and on the last fetch, or `None` without
/// a remote.
fn age(workspace: &Workspace, commit: Oid) -> Option<String> {
    workspace.kept_mainline().ok()??;
    Some(format!(
        "read at {}; {}: `--fetch` reads what the remote has now",
        named(workspace, commit)?,
        last_fetch(workspace)
    ))
}

/// Formats a commit with its date.
fn named(workspace: &Workspace, commit: Oid) -> Option<String> {
    let objects = workspace.repo.objects().ok()?;
    let read = history::read_commit(&objects, commit).ok()?;
    let date = read
        .committer
        .as_ref()
        .map(|by| format!(" of {}", history::moment(by.seconds)));
    Some(format!("{}{}", commit.short(), date.unwrap_or_default()))
}

/// Formats the age of the last fetch.
fn last_fetch(workspace: &Workspace) -> String {
    let Some(time) = workspace.repo.last_fetch() else {
        return "never fetched since the clone".to_owned();
    };
    let seconds = SystemTime::now()
        .duration_since(time)
        .map_or(0, |age| age.as_secs());
    let (number, unit) = match seconds {
        0..60 => return "last fetch less than a minute ago".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    format!("last fetch {} ago", crate::base::count(number, unit))
}
