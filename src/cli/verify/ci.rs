//! `modelry validate --ci`: what the CI system says is to be judged.

use clap::ValueEnum;
use serde_json::Value;

use super::onto;
use super::validate::ValidateArgs;
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::git::{Fetch, Repo};
use crate::judge::finding::{Note, Report};
use crate::judge::history::{self, Graph, Past};
use crate::object::{CachedObjects, Objects};
use crate::record::change;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::summary::{self, Ask};
use crate::report::{self, Page};
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::prove::How;
use crate::workspace::verdict::{self, Job, Ruling, System, Task};

/// CI systems, as the command line spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// GitHub Actions: GITHUB_EVENT_NAME and GITHUB_EVENT_PATH; GITHUB_REF and GITHUB_SHA on a schedule or by hand
    Github,
    /// GitLab CI: the variables that begin with CI_
    Gitlab,
}

impl From<Ci> for System {
    fn from(ci: Ci) -> System {
        match ci {
            Ci::Github => System::GitHub,
            Ci::Gitlab => System::GitLab,
        }
    }
}

/// Both systems call the repository of the job's project so.
const REMOTE: &str = "origin";

/// A variable of the environment; an empty one is none.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The job that this process runs in.
fn job(system: System, mainline: Option<&str>) -> Result<Job, Error> {
    match system {
        System::GitLab => verdict::gitlab(&variable, mainline),
        System::GitHub => {
            let needed = |name: &str| {
                variable(name).ok_or_else(|| {
                    Error::told(format!(
                        "`{name}` is not set, so this is no job of GitHub Actions"
                    ))
                    .hint("elsewhere: `modelry validate --onto BASE TIP`, or `modelry validate A..B`")
                })
            };
            let (event, path) = (needed("GITHUB_EVENT_NAME")?, needed("GITHUB_EVENT_PATH")?);
            let path = std::path::PathBuf::from(path);
            let bytes = std::fs::read(&path).map_err(|source| Error::Io {
                action: "read",
                path: path.clone(),
                source,
            })?;
            let payload: Value = serde_json::from_slice(&bytes)
                .map_err(|error| Error::told(format!("{} is no JSON: {error}", path.display())))?;
            verdict::github(&event, &payload, &variable, mainline)
        }
    }
}

/// Where the clone keeps what the remote's mainline is; a bare one is a mirror.
fn kept_at(repo: &Repo, mainline: &str) -> String {
    match (repo.workdir(), mainline.strip_prefix("refs/heads/")) {
        (Some(_), Some(name)) => format!("refs/remotes/{REMOTE}/{name}"),
        _ => mainline.to_owned(),
    }
}

/// What must be fetched before the job can be judged; `anew` also what may have
/// moved on.
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

/// Judges what the CI system's job is about.
///
/// # Errors
/// When it is about nothing, or the clone lacks what it takes.
pub fn judge(system: System, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Report, Error> {
    let mut repo = Repo::open(&global.directory())?;
    // The clone may be kept from job to job, so its configuration has no say in
    // which branch counts.
    let job = job(system, global.mainline.as_deref())?;
    if system == System::GitLab {
        is_checked_out(&repo, job.task.tip())?;
    }
    if args.fetch.fetch
        && let Some(fetch) = lacking(&repo, &job, true)?
    {
        repo.carry_out(&fetch)?;
        repo = Repo::open(&global.directory())?;
    }
    let fetch = lacking(&repo, &job, false)?;
    let bring = |error: Error| match &fetch {
        Some(fetch) => error.hint(format!("fetch it: `{fetch}`")),
        None => error,
    };
    let tip = job.task.tip();
    if !is_here(&repo, tip) {
        let error = Error::told(format!("commit {tip}, which the job is about, is not here"));
        return Err(match args.fetch.fetch {
            true => error.hint("what was pushed has moved on since: the job of what it is now decides"),
            false => bring(error),
        });
    }
    let tip = repo.resolve(&tip.to_string())?;
    let base = match repo.reference(&kept_at(&repo, &job.mainline))? {
        None if matches!(job.task, Task::Landing(_)) => {
            return Err(bring(Error::told(format!(
                "what `{}` is on the remote is not here: the clone has a single branch",
                job.mainline.trim_start_matches("refs/heads/")
            ))));
        }
        base => base.unwrap_or(tip),
    };
    let base = match (&args.base, &job.task) {
        (None, _) => base,
        (Some(named), Task::Landing(_)) => on_mainline(&repo, named, base, &job.mainline)?,
        (Some(named), _) => {
            ui.note(&format!(
                "`--base {named}` is for what may land; this job is about what the mainline takes"
            ));
            base
        }
    };
    let at = match job.task {
        Task::Landing(_) => base,
        _ => tip,
    };
    let cut_off = |error: Error| match (error, &fetch) {
        (Error::MissingObject { id, kind }, Some(fetch)) => Error::Incomplete {
            what: format!("{} {id} is not here: this clone is shallow", kind.as_str()),
            hints: vec![format!("fetch the whole history: `{fetch}`")],
        },
        (error, _) => error,
    };
    let workspace = Workspace::at(&global.wanted(), repo, job.mainline.clone(), Some(at)).map_err(cut_off)?;
    if args.fetch.fetch {
        workspace.repo.bring_promised()?;
        workspace.complete(&[at, tip])?;
    }
    let judged = believed(&workspace, at, args).and_then(|()| match job.task {
        Task::Landing(_) => landing(&workspace, base, tip, args, global, ui),
        Task::Steps { from, landed, .. } => steps(&workspace, Some(from), tip, landed, args, global, ui),
        Task::Whole(_) => steps(&workspace, None, tip, true, args, global, ui),
    });
    judged
        .map_err(cut_off)
        .map_err(|error| workspace.incomplete(error))
}

/// Refuses a GitLab job whose variables name other commits than its runner
/// checked out: whoever starts a pipeline may give variables of their own, which
/// take the place of GitLab's.
fn is_checked_out(repo: &Repo, tip: Oid) -> Result<(), Error> {
    let head = repo.resolve("HEAD")?;
    let wrong = |what: &str, id: &str| {
        let told = format!("{what} is {id}, and the runner checked {head} out");
        Err(Error::told(told).hint(
            "let nobody give variables to a pipeline: Settings > CI/CD > Variables, minimum role to use pipeline variables",
        ))
    };
    let named = variable("CI_COMMIT_SHA").unwrap_or_default();
    if Oid::from_hex(&named) != Some(head) {
        return wrong("`CI_COMMIT_SHA`", &named);
    }
    // Of merged results the tip is one of the parents.
    let commit = history::read_commit(&repo.objects()?, head)?;
    match tip == head || commit.parents.contains(&tip) {
        true => Ok(()),
        false => wrong("what is to be judged", &tip.to_string()),
    }
}

/// The commit of the mainline that is named as what something lands on. Another
/// one would be judged by a policy that somebody could have made for it.
fn on_mainline(repo: &Repo, named: &str, tip: Oid, mainline: &str) -> Result<Oid, Error> {
    let base = repo.resolve(named)?;
    if base == tip || history::chain_if(&repo.objects()?, base, tip)?.is_some() {
        return Ok(base);
    }
    Err(Error::told(format!(
        "`{named}` is commit {}, which is no commit of `{}` from first parent to first parent",
        base.short(),
        mainline.trim_start_matches("refs/heads/")
    ))
    .hint("name a commit of the mainline as `base`, or none: then it is the mainline as the remote has it"))
}

/// Refuses to judge without a pinned root: whoever rewrote the history would
/// have chosen it.
fn believed(workspace: &Workspace, at: Oid, args: &ValidateArgs) -> Result<(), Error> {
    if workspace.root.is_some() || args.trust_root {
        return Ok(());
    }
    let root = history::find_root(&workspace.repo.objects()?, &workspace.folder, at)?;
    let pin = workspace.pin(root);
    Err(
        Error::told("no root is pinned, so nothing says that this is the registry that you mean")
            .hint(format!(
                "the root of this one is {root}: compare it with what an administrator tells you by another way, and write it into the job: `--root {pin}`"
            ))
            .hint("or take it on trust: `--trust-root`"),
    )
}

/// What may land; a branch that the mainline has all of changes nothing.
fn landing(
    workspace: &Workspace,
    base: Oid,
    tip: Oid,
    args: &ValidateArgs,
    global: &Global,
    ui: &Ui,
) -> Result<Report, Error> {
    let objects = workspace.repo.objects()?;
    if !Graph::new(&objects, None).sides(base, tip)?.second.is_empty() {
        return onto::landing(args, workspace, base, tip, global, ui);
    }
    // It landed already, so it gets no kinder verdict than the mainline that has it.
    let mut report = Report::default();
    let proven = onto::proven(args, workspace, &Records::new(&objects), base, ui)?.1;
    report.findings = proven.findings;
    report.findings.retain(|finding| finding.acknowledged.is_none());
    let message = format!(
        "nothing would land: `{}` at {} has all of {}",
        workspace.mainline_name(),
        base.short(),
        tip.short()
    );
    ui.note(&message);
    report.notes.push(Note {
        message,
        path: None,
        commit: None,
    });
    let records = Records::new(&objects);
    write_page(args, global, ui, || {
        page(&records, workspace, Some(base), base, &report)
    })?;
    Ok(report)
}

/// The steps of the mainline after `from`, or from the root.
fn steps(
    workspace: &Workspace,
    from: Option<Oid>,
    tip: Oid,
    landed: bool,
    args: &ValidateArgs,
    global: &Global,
    ui: &Ui,
) -> Result<Report, Error> {
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let ruling = match from {
        Some(from) => {
            let how = How {
                replay: args.replay,
                ..How::default()
            };
            if args.trust_base {
                ui.note("the history before was not proven (--trust-base)");
            }
            verdict::stepped(
                workspace,
                &records,
                (from, tip),
                landed,
                (!args.trust_base).then_some(how),
            )?
        }
        None => {
            ui.note("the event names no commit before, so every step from the root was judged");
            let how = How {
                replay: true,
                ..How::default()
            };
            let report = workspace.prove(&kept, &records, tip, how)?.report;
            Ruling {
                report,
                ..Ruling::default()
            }
        }
    };
    if ruling.elsewhere > 0 {
        ui.note(&format!(
            "{} in other groups of the mainline: `modelry audit` tells more",
            crate::base::count(ruling.elsewhere, "finding")
        ));
    }
    let report = ruling.report;
    if report.checked.changes == 0 && report.is_clean() {
        ui.note("nothing of the registry changed");
    }
    // After a force push what was there before may be gone.
    let from = from.filter(|from| objects.read(*from, crate::base::ObjectKind::Commit).is_ok());
    write_page(args, global, ui, || page(&records, workspace, from, tip, &report))?;
    Ok(report)
}

/// Writes the page for people, where it was asked for.
fn write_page(
    args: &ValidateArgs,
    global: &Global,
    ui: &Ui,
    page: impl FnOnce() -> Result<String, Error>,
) -> Result<(), Error> {
    match &args.summary {
        Some(path) => ui.file(&global.located(path), &page()?),
        None => Ok(()),
    }
}

/// The page for people: what the change means.
fn page(
    records: &Records<'_>,
    workspace: &Workspace,
    from: Option<Oid>,
    to: Oid,
    report: &Report,
) -> Result<String, Error> {
    let objects = records.objects();
    let folder = &workspace.folder;
    let tree = |commit| history::read_commit(objects, commit).map(|commit| commit.tree);
    let before = from.map(tree).transpose()?;
    let prior = match before {
        Some(tree) => Snapshot::at(records, tree, folder)?,
        None => Snapshot::empty(records),
    };
    let after = tree(to)?;
    let next = Snapshot::at(records, after, folder)?;
    let policy = prior.registry()?.and_then(Policy::new);
    let past = Past::new(objects, folder, from);
    let mut changes = change::diff(&prior.seeing(&past), &next)?.changes;
    if let Some(policy) = &policy {
        let protected = history::protected_changes(objects, policy, folder, (before, Some(after)))?;
        changes.extend(protected);
    }
    let proposed = Past::new(objects, folder, Some(to));
    let summary = summary::summarise(&Ask {
        policy: policy.as_ref(),
        prior,
        next,
        changes: &changes,
        outside: &past,
        proposed: &proposed,
    })?;
    let first = from.map_or_else(|| "the root".to_owned(), |from| from.short().to_string());
    Ok(report::summary_markdown(&Page {
        summary: &summary,
        report: Some(report),
        folder,
        range: (&first, &to.short().to_string()),
        caution: None,
    }))
}
