//! What a CI system says of the job that it runs: which commits are to be
//! judged, and as what.
//!
//! An event that is about no change (a schedule, a run by hand, a trigger) is
//! about what the job runs on.
//!
//! One rule holds for every event: what stands on the mainline is judged step
//! by step, and everything else as it would land there, whatever branch it is
//! meant for. A host hangs the verdict on a commit, so a commit must not get a
//! kinder one by way of a tag, or of a pull request to a branch that its author
//! made.

use serde_json::Value;

use crate::base::{Error, Oid};

/// The CI systems whose jobs can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// GitHub Actions: an event's name, and a file that tells it.
    GitHub,
    /// GitLab CI: variables.
    GitLab,
}

/// What a job is to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The mainline's full name: `refs/heads/main`.
    pub mainline: String,
    /// What is to be judged.
    pub task: Task,
    /// Where the remote keeps what is to be judged, for a clone that lacks it:
    /// `refs/pull/7/head`.
    pub source: Option<String>,
}

/// What is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// A commit that may land on the mainline.
    Landing(Oid),
    /// The steps after `from` up to `to`, first parent by first parent: pushed to
    /// the mainline, or made by a queue that is about to push them.
    Steps {
        /// The mainline's tip before; for a queue, what it builds on.
        from: Oid,
        /// The tip after.
        to: Oid,
        /// They are on the mainline already.
        landed: bool,
    },
    /// The same where the event names no tip before, as of a new branch: every
    /// step from the root.
    Whole(Oid),
}

impl Task {
    /// The commit that the verdict is about.
    pub fn tip(&self) -> Oid {
        match self {
            Task::Landing(tip) | Task::Whole(tip) | Task::Steps { to: tip, .. } => *tip,
        }
    }
}

/// `main`, `refs/heads/main`: the full name of a branch.
fn branch(name: &str) -> String {
    match name.starts_with("refs/") {
        true => name.to_owned(),
        false => format!("refs/heads/{name}"),
    }
}

/// The commit that a text names; none for the zeroes that stand for no commit.
fn commit(text: Option<&str>, what: &str) -> Result<Option<Oid>, Error> {
    let wrong = || {
        Error::told(format!("the event tells no commit as `{what}`"))
            .hint("judge by hand: `modelry validate --onto BASE TIP`, or `modelry validate A..B`")
    };
    let id = text.and_then(Oid::from_hex).ok_or_else(wrong)?;
    Ok(id.as_bytes().iter().any(|byte| *byte != 0).then_some(id))
}

fn no_mainline() -> Error {
    Error::told("nothing says which branch is the mainline").hint("name it: `--mainline main`")
}

/// What was put on a reference.
fn pushed(mainline: String, reference: &str, before: Option<Oid>, after: Option<Oid>) -> Result<Job, Error> {
    let Some(after) = after else {
        return Err(Error::told(format!("`{reference}` was deleted, so there is nothing to judge"))
            .hint("let the job run for pushes that bring commits; only a server's hook keeps a branch from being deleted: `modelry hook install --server`"));
    };
    let task = match before {
        _ if reference != mainline => Task::Landing(after),
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
        source: Some(reference.to_owned()),
    })
}

/// A job of GitHub Actions: the event's name (`GITHUB_EVENT_NAME`), what its file
/// (`GITHUB_EVENT_PATH`) says, and for an event about no change the variables
/// `GITHUB_REF` and `GITHUB_SHA`. The mainline is the default branch, unless
/// another one is named.
///
/// # Errors
/// When the event tells of no commits, or not of those that it should.
pub fn github(
    event: &str,
    payload: &Value,
    variable: &dyn Fn(&str) -> Option<String>,
    mainline: Option<&str>,
) -> Result<Job, Error> {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let id = |pointer: &str| commit(text(pointer), pointer.trim_start_matches('/'));
    let some = |pointer: &str| {
        id(pointer)?.ok_or_else(|| Error::told(format!("the event tells no commit as `{pointer}`")))
    };
    let reference = variable("GITHUB_REF");
    // The file of a schedule names no repository; it runs on the default branch.
    let default = match event {
        "schedule" => text("/repository/default_branch").or(reference.as_deref()),
        _ => text("/repository/default_branch"),
    };
    let mainline = mainline.or(default).map(branch).ok_or_else(no_mainline)?;
    match event {
        "pull_request" | "pull_request_target" | "pull_request_review" => {
            let number = payload.pointer("/pull_request/number").and_then(Value::as_u64);
            Ok(Job {
                mainline,
                task: Task::Landing(some("/pull_request/head/sha")?),
                source: number.map(|number| format!("refs/pull/{number}/head")),
            })
        }
        "merge_group" => {
            let (from, to) = (some("/merge_group/base_sha")?, some("/merge_group/head_sha")?);
            // The queue's branch is what the mainline will be, commit for commit.
            let task = match text("/merge_group/base_ref") == Some(mainline.as_str()) {
                true => Task::Steps { from, to, landed: false },
                false => Task::Landing(to),
            };
            Ok(Job {
                mainline,
                task,
                source: text("/merge_group/head_ref").map(str::to_owned),
            })
        }
        "push" => {
            let reference = text("/ref").ok_or_else(|| Error::told("the event does not tell what was pushed to"))?;
            pushed(mainline, reference, id("/before")?, id("/after")?)
        }
        "schedule" | "workflow_dispatch" | "repository_dispatch" | "workflow_run" => {
            let missing = |name| Error::told(format!("`{name}` is not set, so nothing says what the job runs on"));
            let reference = reference.ok_or_else(|| missing("GITHUB_REF"))?;
            let sha = variable("GITHUB_SHA").ok_or_else(|| missing("GITHUB_SHA"))?;
            pushed(mainline, &reference, None, commit(Some(&sha), "GITHUB_SHA")?)
        }
        other => Err(Error::told(format!("an event `{other}` brings no commits to judge")).hint(
            "run the job on pull_request or pull_request_target, merge_group and push; on schedule or workflow_dispatch it judges the whole mainline",
        )),
    }
}

/// The pipelines of GitLab CI that no push started, and that run on a branch or a
/// tag all the same.
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

/// A job of GitLab CI, by its variables. The mainline is the default branch,
/// unless another one is named.
///
/// # Errors
/// When the pipeline was started by something that brings no commits, or runs in
/// a fork.
pub fn gitlab(variable: &dyn Fn(&str) -> Option<String>, mainline: Option<&str>) -> Result<Job, Error> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let id = |name: &str| commit(variable(name).as_deref(), name);
    let some = |name: &str| id(name)?.ok_or_else(|| Error::told(format!("`{name}` names no commit")));
    let default = variable("CI_DEFAULT_BRANCH");
    let mainline = mainline
        .or(default.as_deref())
        .map(branch)
        .ok_or_else(no_mainline)?;
    if let Some(number) = variable("CI_MERGE_REQUEST_IID") {
        let (target, here) = (variable("CI_MERGE_REQUEST_PROJECT_ID"), variable("CI_PROJECT_ID"));
        if target != here {
            return Err(Error::told("this pipeline runs in a fork, whose branches are not the registry's")
                .hint("a member of the registry's project runs it there: in the merge request, Pipelines, Run pipeline"));
        }
        let source = Some(format!("refs/merge-requests/{number}/head"));
        // The mainline will be what the train made, commit for commit; what it
        // builds on may be another car.
        let on_mainline = variable("CI_MERGE_REQUEST_TARGET_BRANCH_NAME").map(|name| branch(&name));
        if variable("CI_MERGE_REQUEST_EVENT_TYPE").as_deref() == Some("merge_train")
            && on_mainline.as_deref() == Some(mainline.as_str())
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
        // Of merged results it is one of the parents, otherwise the commit itself.
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
        (Some(name), _) => format!("refs/heads/{name}"),
        (None, Some(tag)) => format!("refs/tags/{tag}"),
        (None, None) => String::new(),
    };
    match started.as_str() {
        "push" if !reference.is_empty() => {
            pushed(mainline, &reference, id("CI_COMMIT_BEFORE_SHA")?, id("CI_COMMIT_SHA")?)
        }
        started if ON_A_REFERENCE.contains(&started) && !reference.is_empty() => {
            pushed(mainline, &reference, None, id("CI_COMMIT_SHA")?)
        }
        _ => Err(Error::told(format!("a pipeline by `{started}` brings no commits to judge")).hint(
            "run the job for merge requests and for pushes; on a schedule or started by hand it judges the whole mainline",
        )),
    }
}
