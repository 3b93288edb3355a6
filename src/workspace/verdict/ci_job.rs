//! Judges a CI job: completes the clone, finds the commits, and judges them.

use super::base_trust::BaseTrust;
use super::event::{Job, System, Task};
use super::judgement::Judgement;
use super::request::{JudgeRequest, What, judge};
use crate::base::{Error, FullRef, Oid};
use crate::git::{Fetch, Repo};
use crate::judge::history::{self, Graph};
use crate::record::kind::Landing;
use crate::workspace::{RootOf, Wanted, Workspace};

/// The name of the project's remote in both systems.
const REMOTE: &str = "origin";

/// A job, from its system and the command line.
pub struct CiRequest<'r> {
    /// The options that locate the registry.
    pub wanted: &'r Wanted,
    /// The system.
    pub system: System,
    /// The job in the words of the system.
    pub job: Job,
    /// The commit that the system claims to have checked out; only for GitLab.
    pub checked_out: &'r str,
    /// Whether to fetch what the clone lacks.
    pub fetches: bool,
    /// The commit of the mainline to land on, or `None` for the remote's tip.
    pub base: Option<&'r str>,
}

/// A job whose commits are in the clone.
pub struct CiJob {
    /// A note on an option without effect in this job.
    pub note: Option<String>,
    workspace: Workspace,
    task: Task,
    /// The mainline's commit to land on.
    base: Oid,
    tip: Oid,
    /// The fetch that brings the rest of the history.
    fetch: Option<Fetch>,
}

impl CiJob {
    /// Finds the commits of the job, after a fetch if one is wanted.
    ///
    /// # Errors
    /// The job is about nothing, or the clone lacks a commit of it.
    pub fn open(request: CiRequest<'_>) -> Result<CiJob, Error> {
        let CiRequest { wanted, job, .. } = request;
        // The clone may be kept from job to job, so its configuration does not decide
        // which branch is the mainline.
        let mut repo = Repo::open(&wanted.directory)?;
        if request.system == System::GitLab {
            is_checked_out(&repo, job.task.tip(), request.checked_out)?;
        }
        if request.fetches
            && let Some(fetch) = lacking(&repo, &job, true)?
        {
            repo.carry_out(&fetch)?;
            repo = Repo::open(&wanted.directory)?;
        }
        let fetch = lacking(&repo, &job, false)?;
        let tip = tip(&repo, &job, request.fetches, fetch.as_ref())?;
        let found = mainline_tip(&repo, &job, tip, fetch.as_ref())?;
        let is_landing = matches!(job.task, Task::Landing(_));
        let (base, note) = match request.base {
            None => (found, None),
            Some(named) if is_landing => (on_mainline(&repo, named, found, &job.mainline)?, None),
            Some(named) => {
                let words = format!(
                    "`--base {named}` is for what may land; this job is about what the mainline takes"
                );
                (found, Some(words))
            }
        };
        let at = if is_landing { base } else { tip };
        let workspace = Workspace::at(wanted, repo, job.mainline.clone(), Some(at))
            .map_err(|error| cut_off(error, fetch.as_ref()))?;
        if request.fetches {
            workspace.repo.bring_promised()?;
            workspace.complete(&[at, tip])?;
        }
        Ok(CiJob {
            note,
            workspace,
            task: job.task,
            base,
            tip,
            fetch,
        })
    }

    /// Judges the job: commits of the mainline step by step, any other commit as it
    /// would land there.
    ///
    /// # Errors
    /// The root is neither pinned nor trusted, or an object can't be read.
    pub fn judge(
        &self,
        way: Option<Landing>,
        base: BaseTrust,
        summary: bool,
        root_on_trust: bool,
    ) -> Result<Judgement, Error> {
        let judged = self
            .what(way, root_on_trust)
            .and_then(|what| judge(&JudgeRequest { what, base, summary }));
        judged
            .map_err(|error| cut_off(error, self.fetch.as_ref()))
            .map_err(|error| self.workspace.incomplete(error))
    }

    /// Returns the request that answers the job, once the root is trusted.
    fn what(&self, way: Option<Landing>, root_on_trust: bool) -> Result<What<'_>, Error> {
        let CiJob {
            workspace, base, tip, ..
        } = self;
        let (base, tip) = (*base, *tip);
        let objects = workspace.repo.objects()?;
        let at = match self.task {
            Task::Landing(_) => base,
            _ => tip,
        };
        workspace.ensure_root(&objects, at, RootOf::Job, root_on_trust)?;
        Ok(match self.task {
            Task::Landing(_) if Graph::new(&objects, None).sides(base, tip)?.second.is_empty() => {
                What::Landed { workspace, base, tip }
            }
            Task::Landing(_) => What::Landing {
                workspace,
                base,
                tip,
                way,
            },
            Task::Steps { from, landed, .. } => What::Steps {
                workspace,
                from: Some(from),
                tip,
                landed,
            },
            Task::Whole(_) => What::Steps {
                workspace,
                from: None,
                tip,
                landed: true,
            },
        })
    }
}

/// Returns the remote-tracking branch of the mainline; a bare clone is a mirror.
fn kept_at(repo: &Repo, mainline: &FullRef) -> FullRef {
    match (repo.workdir(), mainline.branch()) {
        (Some(_), Some(name)) => FullRef::tracking(REMOTE, name),
        _ => mainline.clone(),
    }
}

/// Returns the fetch without which the job can't be judged; with `anew`, also of
/// what may have moved on.
fn lacking(repo: &Repo, job: &Job, anew: bool) -> Result<Option<Fetch>, Error> {
    let mut refspecs = Vec::new();
    if let Task::Landing(_) = job.task {
        let at = kept_at(repo, &job.mainline);
        if anew || repo.reference(&at)?.is_none() {
            refspecs.push(format!("+{}:{at}", job.mainline));
        }
    }
    if let Some(source) = job.source.as_ref().filter(|_| !is_here(repo, job.task.tip())) {
        refspecs.push(format!("+{source}:refs/modelry/fetched/ci"));
    }
    let fetch = Fetch {
        remote: REMOTE.into(),
        unshallow: repo.is_shallow(),
        refspecs,
    };
    Ok((fetch.unshallow || !fetch.refspecs.is_empty()).then_some(fetch))
}

fn is_here(repo: &Repo, commit: Oid) -> bool {
    repo.resolve(&commit.to_string()).is_ok()
}

/// Returns the commit that the job is about, in this clone.
fn tip(repo: &Repo, job: &Job, has_fetched: bool, fetch: Option<&Fetch>) -> Result<Oid, Error> {
    let tip = job.task.tip();
    if is_here(repo, tip) {
        return repo.resolve(&tip.to_string());
    }
    let error = Error::msg(format!("commit {tip}, which the job is about, is not here"));
    Err(match has_fetched {
        true => error.hint("what was pushed has moved on since: the job of what it is now decides"),
        false => brought_by(error, fetch),
    })
}

/// Returns the mainline's tip on the remote; or the job's own tip, where nothing is
/// to land and the remote's is unknown.
fn mainline_tip(repo: &Repo, job: &Job, tip: Oid, fetch: Option<&Fetch>) -> Result<Oid, Error> {
    match repo.reference(&kept_at(repo, &job.mainline))? {
        None if matches!(job.task, Task::Landing(_)) => Err(brought_by(
            Error::msg(format!(
                "what `{}` is on the remote is not here: the clone has a single branch",
                job.mainline.short()
            )),
            fetch,
        )),
        base => Ok(base.unwrap_or(tip)),
    }
}

/// Adds the fetch of missing commits to an error.
fn brought_by(error: Error, fetch: Option<&Fetch>) -> Error {
    match fetch {
        Some(fetch) => error.hint(format!("fetch it: `{fetch}`")),
        None => error,
    }
}

/// Adds the fetch of the missing history to an error, where the clone is shallow.
fn cut_off(error: Error, fetch: Option<&Fetch>) -> Error {
    match (error, fetch) {
        (Error::MissingObject { id, kind }, Some(fetch)) => Error::Incomplete {
            what: format!("{} {id} is not here: this clone is shallow", kind.as_str()),
            hints: vec![format!("fetch the whole history: `{fetch}`")],
        },
        (error, _) => error,
    }
}

/// Refuses a GitLab job whose variables name another commit than its runner checked
/// out. A user who starts a pipeline may set variables that replace GitLab's.
fn is_checked_out(repo: &Repo, tip: Oid, named: &str) -> Result<(), Error> {
    let head = repo.resolve("HEAD")?;
    let wrong = |what: &str, id: &str| {
        let told = format!("{what} is {id}, and the runner checked {head} out");
        Err(Error::msg(told).hint(
            "let nobody give variables to a pipeline: Settings > CI/CD > Variables, minimum role to use pipeline variables",
        ))
    };
    if Oid::from_hex(named) != Some(head) {
        return wrong("`CI_COMMIT_SHA`", named);
    }
    // For merged results the tip is one of the parents.
    let commit = history::read_commit(&repo.objects()?, head)?;
    match tip == head || commit.parents.contains(&tip) {
        true => Ok(()),
        false => wrong("what is to be judged", &tip.to_string()),
    }
}

/// Returns the commit of the mainline that is named to land on. A commit elsewhere
/// would be judged by a policy that somebody could have made for it.
fn on_mainline(repo: &Repo, named: &str, tip: Oid, mainline: &FullRef) -> Result<Oid, Error> {
    let base = repo.resolve(named)?;
    if base == tip || history::chain_if(&repo.objects()?, base, tip)?.is_some() {
        return Ok(base);
    }
    Err(Error::msg(format!(
        "`{named}` is commit {}, which is no commit of `{}` from first parent to first parent",
        base.short(),
        mainline.short()
    ))
    .hint("name a commit of the mainline as `base`, or none: then it is the mainline as the remote has it"))
}
