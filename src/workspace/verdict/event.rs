//! Reads a CI system's job: which commits are to be judged, and as what.
//!
//! An event without a change (a schedule, a run by hand, a trigger) concerns the
//! commit that the job runs on.
//!
//! One rule holds for every event: commits on the mainline are judged step by step,
//! and everything else as it would land there, regardless of its target branch. A
//! host attaches the verdict to a commit, so a commit must not get a kinder one
//! through a tag, or through a pull request to a branch that its author made.

use serde_json::Value;

use crate::base::{Error, FullRef, Oid};

/// The supported CI systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions: an event's name, and a file that describes it.
    GitHub,
    /// GitLab CI: environment variables.
    GitLab,
}

/// The task of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The mainline's full name: `refs/heads/main`.
    pub mainline: FullRef,
    /// The commits to judge.
    pub task: Task,
    /// The remote's reference with these commits, for a clone that lacks them:
    /// `refs/pull/7/head`.
    pub source: Option<FullRef>,
}

/// The commits to judge, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// A commit that may land on the mainline.
    Landing(Oid),
    /// The steps after `from` up to `to`, along first parents: pushed to the
    /// mainline, or made by a queue that is about to push them.
    Steps {
        /// The mainline's tip before; for a queue, the commit that it builds on.
        from: Oid,
        /// The tip after.
        to: Oid,
        /// Whether they are on the mainline already.
        landed: bool,
    },
    /// Every step from the root up to a commit: the event names no tip before, as for
    /// a new branch.
    Whole(Oid),
}

impl Task {
    /// Returns the commit that the verdict is about.
    pub fn tip(&self) -> Oid {
        match self {
            Task::Landing(tip) | Task::Whole(tip) | Task::Steps { to: tip, .. } => *tip,
        }
    }
}

/// Parses a commit's id; `None` for the zeroes that mean no commit.
fn commit(text: Option<&str>, what: &str) -> Result<Option<Oid>, Error> {
    let wrong = || {
        Error::msg(format!("the event tells no commit as `{what}`"))
            .hint("judge by hand: `modelry validate --onto BASE TIP`, or `modelry validate A..B`")
    };
    let id = text.and_then(Oid::from_hex).ok_or_else(wrong)?;
    Ok(id.as_bytes().iter().any(|byte| *byte != 0).then_some(id))
}

fn no_mainline() -> Error {
    Error::msg("nothing says which branch is the mainline").hint("name it: `--mainline main`")
}

/// Returns the task for a push to a reference.
fn pushed(mainline: FullRef, reference: &str, before: Option<Oid>, after: Option<Oid>) -> Result<Job, Error> {
    let Some(after) = after else {
        return Err(Error::msg(format!("`{reference}` was deleted, so there is nothing to judge"))
            .hint("let the job run for pushes that bring commits; only a server's hook keeps a branch from being deleted: `modelry hook install --server`"));
    };
    let task = match before {
        _ if reference != mainline.as_str() => Task::Landing(after),
        Some(from) => Task::Steps {
            from,
            to: after,
            landed: true,
        },
        None => Task::Whole(after),
    };
    Ok(Job {
        mainline,
        task,
        source: FullRef::new(reference),
    })
}

/// Reads a job of GitHub Actions: the event's name (`GITHUB_EVENT_NAME`), its file
/// (`GITHUB_EVENT_PATH`), and for an event without a change the variables
/// `GITHUB_REF` and `GITHUB_SHA`. The mainline is the default branch, unless another
/// one is named.
///
/// # Errors
/// The event names no commits, or not those that it should.
pub fn github(
    event: &str,
    payload: &Value,
    variable: &dyn Fn(&str) -> Option<String>,
    mainline: Option<&str>,
) -> Result<Job, Error> {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let id = |pointer: &str| commit(text(pointer), pointer.trim_start_matches('/'));
    let some = |pointer: &str| {
        id(pointer)?.ok_or_else(|| Error::msg(format!("the event tells no commit as `{pointer}`")))
    };
    let reference = variable("GITHUB_REF");
    // The file of a schedule names no repository; the schedule runs on the default
    // branch.
    let default = match event {
        "schedule" => text("/repository/default_branch").or(reference.as_deref()),
        _ => text("/repository/default_branch"),
    };
    let mainline = mainline.or(default).map(FullRef::meant).ok_or_else(no_mainline)?;
    match event {
        "pull_request" | "pull_request_target" | "pull_request_review" => {
            let number = payload.pointer("/pull_request/number").and_then(Value::as_u64);
            Ok(Job {
                mainline,
                task: Task::Landing(some("/pull_request/head/sha")?),
                source: number.and_then(|number| FullRef::new(&format!("refs/pull/{number}/head"))),
            })
        }
        "merge_group" => {
            let (from, to) = (some("/merge_group/base_sha")?, some("/merge_group/head_sha")?);
            // The queue's branch becomes the mainline, commit for commit.
            let task = match text("/merge_group/base_ref") == Some(mainline.as_str()) {
                true => Task::Steps { from, to, landed: false },
                false => Task::Landing(to),
            };
            Ok(Job {
                mainline,
                task,
                source: text("/merge_group/head_ref").and_then(FullRef::new),
            })
        }
        "push" => {
            let reference = text("/ref").ok_or_else(|| Error::msg("the event does not tell what was pushed to"))?;
            pushed(mainline, reference, id("/before")?, id("/after")?)
        }
        "schedule" | "workflow_dispatch" | "repository_dispatch" | "workflow_run" => {
            let missing = |name| Error::msg(format!("`{name}` is not set, so nothing says what the job runs on"));
            let reference = reference.ok_or_else(|| missing("GITHUB_REF"))?;
            let sha = variable("GITHUB_SHA").ok_or_else(|| missing("GITHUB_SHA"))?;
            pushed(mainline, &reference, None, commit(Some(&sha), "GITHUB_SHA")?)
        }
        other => Err(Error::msg(format!("an event `{other}` brings no commits to judge")).hint(
            "run the job on pull_request or pull_request_target, merge_group and push; on schedule or workflow_dispatch it judges the whole mainline",
        )),
    }
}

/// The pipelines of GitLab CI that start without a push, and still run on a branch or
/// a tag.
const ON_A_REFERENCE: [&str; 9] = [
    "schedule",
    "web",
    "api",
    "trigger",
    "pipeline",
    "parent_pipeline",
    "chat",
    "webide",
    "security_orchestration_policy",
];

/// Reads a job of GitLab CI from its variables. The mainline is the default branch,
/// unless another one is named.
///
/// # Errors
/// The pipeline's source has no commits, or it runs in a fork.
pub fn gitlab(variable: &dyn Fn(&str) -> Option<String>, mainline: Option<&str>) -> Result<Job, Error> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let id = |name: &str| commit(variable(name).as_deref(), name);
    let some = |name: &str| id(name)?.ok_or_else(|| Error::msg(format!("`{name}` names no commit")));
    let default = variable("CI_DEFAULT_BRANCH");
    let mainline = mainline
        .or(default.as_deref())
        .map(FullRef::meant)
        .ok_or_else(no_mainline)?;
    if let Some(number) = variable("CI_MERGE_REQUEST_IID") {
        let (target, here) = (variable("CI_MERGE_REQUEST_PROJECT_ID"), variable("CI_PROJECT_ID"));
        if target != here {
            return Err(Error::msg("this pipeline runs in a fork, whose branches are not the registry's")
                .hint("a member of the registry's project runs it there: in the merge request, Pipelines, Run pipeline"));
        }
        let source = FullRef::new(&format!("refs/merge-requests/{number}/head"));
        // The merge train's commits become the mainline, one by one; the train may
        // build on another merge request.
        let on_mainline = variable("CI_MERGE_REQUEST_TARGET_BRANCH_NAME").map(|name| FullRef::meant(&name));
        if variable("CI_MERGE_REQUEST_EVENT_TYPE").as_deref() == Some("merge_train")
            && on_mainline.as_ref() == Some(&mainline)
        {
            let from = some("CI_MERGE_REQUEST_TARGET_BRANCH_SHA")?;
            let to = some("CI_COMMIT_SHA")?;
            return Ok(Job {
                mainline,
                task: Task::Steps {
                    from,
                    to,
                    landed: false,
                },
                source,
            });
        }
        // For merged results the source is one of the parents, otherwise the commit
        // itself.
        let tip = match variable("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") {
            Some(_) => some("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")?,
            None => some("CI_COMMIT_SHA")?,
        };
        return Ok(Job {
            mainline,
            task: Task::Landing(tip),
            source,
        });
    }
    let started = variable("CI_PIPELINE_SOURCE").unwrap_or_default();
    let reference = match (variable("CI_COMMIT_BRANCH"), variable("CI_COMMIT_TAG")) {
        (Some(name), _) => FullRef::of_branch(&name).to_string(),
        (None, Some(tag)) => FullRef::of_tag(&tag).to_string(),
        (None, None) => String::new(),
    };
    match started.as_str() {
        "push" if !reference.is_empty() => {
            pushed(mainline, &reference, id("CI_COMMIT_BEFORE_SHA")?, id("CI_COMMIT_SHA")?)
        }
        started if ON_A_REFERENCE.contains(&started) && !reference.is_empty() => {
            pushed(mainline, &reference, None, id("CI_COMMIT_SHA")?)
        }
        _ => Err(Error::msg(format!("a pipeline by `{started}` brings no commits to judge")).hint(
            "run the job for merge requests and for pushes; on a schedule or started by hand it judges the whole mainline",
        )),
    }
}
