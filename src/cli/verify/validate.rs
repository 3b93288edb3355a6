//! `modelry validate`

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};

use super::ci::{self, Ci};
use super::notes;
use super::onto::{self, Way};
use crate::base::{Error, shell_word};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::{Outcome, Output, report_format};
use crate::cli::read::at::FetchArgs;
use crate::cli::read::diff;
use crate::git::Repo;
use crate::record::kind::{Landing, REGISTRY_FILE};
use crate::report::{self, Style};
use crate::workspace::verdict::{self, BaseTrust, CiJob, CiRequest, JudgeRequest, Judgement, System, What};
use crate::workspace::{Wanted, Workspace};

/// `modelry validate`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, concise, json, sarif, github (annotations), gitlab (code quality), junit.\n\nExamples:\n  modelry validate                       # the files on disk, against HEAD\n  modelry validate main~5..main          # each commit, by the policy before it\n  modelry validate --onto origin/main    # this branch, as each way of landing would leave it\n  modelry validate --onto origin/main --summary ../summary.md\n  modelry validate --ci github --fetch --root 5e1f… -o github --report sarif=modelry.sarif"
)]
#[command(group(ArgGroup::new("landing_on").args(["onto", "ci"])))]
pub struct ValidateArgs {
    /// A folder or file on disk, judged against HEAD; or a range of commits; or, with
    /// --onto, the tip of a branch [default: the registry's folder; HEAD]
    #[arg(value_name = "PATH | A..B | TIP")]
    what: Option<String>,
    /// Read the files of a folder without any history, in a repository or not: each
    /// file is checked, and no change is judged
    #[arg(long, conflicts_with_all = ["landing_on", "fetch"])]
    pub(in crate::cli) no_history: bool,
    /// Judge a pull request: the result of landing the branch on this one
    #[arg(long, value_name = "BASE", help_heading = "Pull requests")]
    onto: Option<String>,
    /// Judge only this way of landing [default: those that the policy allows]
    #[arg(
        long,
        value_enum,
        value_name = "WAY",
        requires = "landing_on",
        help_heading = "Pull requests"
    )]
    landing: Option<Way>,
    /// Do not verify the history that it would land on
    #[arg(long, requires = "landing_on", help_heading = "Pull requests")]
    trust_base: bool,
    /// Verify that history from the root, regardless of what this clone verified
    /// before
    #[arg(
        long,
        requires = "landing_on",
        conflicts_with = "trust_base",
        help_heading = "Pull requests"
    )]
    replay: bool,
    /// Also write a summary of the change into this file, as Markdown for a comment
    #[arg(
        long,
        value_name = "FILE",
        requires = "landing_on",
        help_heading = "Pull requests"
    )]
    summary: Option<PathBuf>,
    /// Judge the commits of this CI job, from the system's event or variables:
    /// commits on the mainline step by step, anything else as it would land there
    #[arg(
        long,
        value_enum,
        value_name = "SYSTEM",
        conflicts_with = "what",
        help_heading = "CI"
    )]
    ci: Option<Ci>,
    #[command(flatten)]
    fetch: FetchArgs,
    /// The commit of the mainline to land on [default: the remote's tip of the
    /// mainline]
    #[arg(
        long,
        value_name = "REV",
        requires = "ci",
        conflicts_with_all = ["what", "onto", "no_history"],
        help_heading = "CI"
    )]
    base: Option<String>,
    /// Trust the root of this clone although it is not pinned
    #[arg(
        long,
        requires = "ci",
        conflicts_with_all = ["what", "onto", "no_history"],
        help_heading = "CI"
    )]
    trust_root: bool,
    /// Also write the report into this file, in another form: sarif=FILE,
    /// gitlab=FILE, junit=FILE …
    #[arg(long, value_name = "FORM=FILE", value_parser = form_and_file)]
    report: Vec<(Output, PathBuf)>,
}

/// Parses `sarif=modelry.sarif`.
fn form_and_file(text: &str) -> Result<(Output, PathBuf), String> {
    let (form, file) = text
        .split_once('=')
        .filter(|(_, file)| !file.is_empty())
        .ok_or("write FORM=FILE")?;
    let form = Output::from_str(form, false)
        .ok()
        .filter(|form| FORMS.contains(form));
    let names: Vec<String> = FORMS.iter().map(|form| form.name()).collect();
    let form = form.ok_or_else(|| format!("the forms are {}", names.join(", ")))?;
    Ok((form, PathBuf::from(file)))
}

/// The forms of a report.
pub(crate) const FORMS: &[Output] = &[
    Output::Human,
    Output::Concise,
    Output::Json,
    Output::Sarif,
    Output::Github,
    Output::Gitlab,
    Output::Junit,
];

impl ValidateArgs {
    /// Returns the request with these options.
    fn request<'r>(&self, what: What<'r>) -> JudgeRequest<'r> {
        JudgeRequest {
            what,
            base: self.base_trust(),
            summary: self.summary.is_some(),
        }
    }

    fn base_trust(&self) -> BaseTrust {
        match (self.trust_base, self.replay) {
            (true, _) => BaseTrust::Given,
            (_, true) => BaseTrust::Replay,
            _ => BaseTrust::Verified,
        }
    }
}

pub fn run(args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let judgement = judged(args, global, ui)?;
    notes::tell(&judgement.notes, ui);
    if let (Some(path), Some(page)) = (&args.summary, &judgement.summary) {
        ui.file(&global.located(path), page)?;
    }
    let report = judgement.report;
    for (form, path) in &args.report {
        let text = report::report(&report, report_format(*form), &Style::PLAIN);
        ui.file(&global.located(path), &text)?;
    }
    ui.print(&report::report(&report, report_format(ui.output), &ui.style))?;
    // These forms can't say that nothing was judged, so a silent job could hide a
    // mistake.
    let is_silent = matches!(
        ui.output,
        Output::Sarif | Output::Github | Output::Gitlab | Output::Junit
    );
    if is_silent && report.is_clean() {
        ui.say(&report::looked(&report, &ui.side));
    }
    Ok(if report.is_clean() {
        Outcome::Fine
    } else {
        Outcome::Findings
    })
}

/// Judges what the command line names.
fn judged(args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Judgement, Error> {
    match args.what.as_deref() {
        _ if let Some(system) = args.ci => ci_job(system.into(), args, global, ui),
        tip if let Some(onto) = &args.onto => landing(onto, tip.unwrap_or("HEAD"), args, global, ui),
        what if args.no_history => plain(what, global),
        Some(what) if what.contains("..") && !global.located(Path::new(what)).exists() => {
            range(what, args, global, ui)
        }
        what => files(what.map(Path::new), args, global, ui),
    }
}

/// Judges the commits of the CI system's job.
fn ci_job(system: System, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Judgement, Error> {
    let wanted = global.wanted();
    // Outside a repository there is no job.
    Repo::open(&wanted.directory)?;
    let job = CiJob::open(CiRequest {
        wanted: &wanted,
        system,
        job: ci::job(system, wanted.mainline.as_deref())?,
        checked_out: &ci::variable("CI_COMMIT_SHA").unwrap_or_default(),
        fetches: args.fetch.fetch,
        base: args.base.as_deref(),
    })?;
    if let Some(note) = &job.note {
        ui.note(note);
    }
    let way = args.landing.map(Landing::from);
    job.judge(way, args.base_trust(), args.summary.is_some(), args.trust_root)
}

/// Judges a branch as it would land on another.
fn landing(onto: &str, tip: &str, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Judgement, Error> {
    let workspace = onto::workspace(onto, args.fetch, global, ui)?;
    let what = What::Landing {
        workspace: &workspace,
        base: workspace.resolve(onto)?,
        tip: workspace.resolve(tip)?,
        way: args.landing.map(Landing::from),
    };
    verdict::judge(&args.request(what)).map_err(|error| workspace.incomplete(error))
}

/// Judges the commits of a range.
fn range(what: &str, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Judgement, Error> {
    let workspace = args.fetch.open(global, ui)?;
    let (a, b) = diff::ends(what)?;
    let (from, tip) = (workspace.resolve(a)?, workspace.resolve(b)?);
    if from == tip {
        return Err(Error::msg(format!(
            "there is nothing to check: {what} names one commit, {}",
            from.short()
        ))
        .hint("name the commit before the first one to judge: A..B"));
    }
    verdict::ensure_begun(&workspace, from, tip)?;
    let what = What::Range {
        workspace: &workspace,
        from,
        tip,
    };
    verdict::judge(&args.request(what)).map_err(|error| workspace.incomplete(error))
}

/// Returns the registry's folder on disk for a path: upwards to `registry.yaml`.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let whole = path.canonicalize().ok()?;
    whole
        .ancestors()
        .find(|at| at.join(REGISTRY_FILE).is_file())
        .map(Path::to_owned)
}

/// Returns the file or folder that the command line names.
fn start_of(what: Option<&Path>, global: &Global) -> Result<PathBuf, Error> {
    let start = what.map_or_else(|| global.directory(), |what| global.directory().join(what));
    match start.exists() {
        true => Ok(start),
        false => Err(Error::msg(format!("there is no `{}`", start.display()))
            .hint("name a folder or file on disk, or a range of commits: A..B")),
    }
}

/// Reads the files of a folder, regardless of the repository around it.
fn plain(what: Option<&str>, global: &Global) -> Result<Judgement, Error> {
    let mut start = start_of(what.map(Path::new), global)?;
    if let Some(path) = global.path.as_ref().filter(|_| what.is_none()) {
        start = start.join(path);
    }
    let folder = folder_of(&start).ok_or_else(|| {
        Error::msg(format!(
            "no `registry.yaml` is at {} or above it",
            start.display()
        ))
        .hint("name the registry's folder: `modelry validate --no-history FOLDER`")
    })?;
    verdict::judge(&JudgeRequest::of(What::Alone {
        folder: &folder,
        within: inside(&folder, &start).as_deref(),
    }))
}

/// Returns the registry that a path belongs to, and its folder on disk.
///
/// # Errors
/// Git refuses the repository, or the path is in no registry of it. Its files alone
/// are read only with an option.
fn home_of(
    what: Option<&Path>,
    start: &Path,
    args: &ValidateArgs,
    global: &Global,
    ui: &Ui,
) -> Result<(Workspace, PathBuf), Error> {
    let without = |error: Error| match folder_of(start) {
        Some(folder) => error.hint(format!(
            "to check the files alone, without their history: `modelry validate --no-history {}`",
            shell_word(&folder.to_string_lossy())
        )),
        None => error,
    };
    let wanted = global.wanted();
    let opened = args.fetch.open(global, ui).and_then(|workspace| {
        let top = workspace.repo.workdir().ok_or_else(|| {
            Error::msg("a bare repository has no files on disk")
                .hint("name a range of commits: `modelry validate A..B`")
        })?;
        let folder = top.join(&workspace.folder);
        Ok((workspace, folder))
    });
    let is_in = |folder: &Path| match (folder.canonicalize(), start.canonicalize()) {
        (Ok(folder), Ok(start)) => start.starts_with(folder),
        // The folder is not on disk, since all of it was deleted.
        _ => true,
    };
    match (opened, what) {
        (Ok((workspace, folder)), None) => Ok((workspace, folder)),
        (Ok((workspace, folder)), Some(_)) if is_in(&folder) => Ok((workspace, folder)),
        (Err(error), None) => Err(without(error)),
        // The path is in another registry, of this repository or of another one.
        (opened, Some(_)) => {
            let around = if start.is_dir() {
                start
            } else {
                start.parent().unwrap_or(start)
            };
            let repo = Repo::open(around).map_err(without)?;
            let folder = folder_of(start).and_then(|folder| Some((repo.prefix(&folder)?, folder)));
            match (folder, opened) {
                (Some((path, folder)), _) if wanted.path.is_none() => {
                    let other = Wanted {
                        directory: around.to_owned(),
                        path: Some(path),
                        ..wanted
                    };
                    Ok((Workspace::open(&other).map_err(without)?, folder))
                }
                (_, Err(error)) => Err(without(error)),
                (_, Ok((workspace, _))) => Err(without(
                    Error::msg(format!(
                        "{} is not in the registry at `{}`",
                        start.display(),
                        workspace.from_top(REGISTRY_FILE)
                    ))
                    .hint("name a path of the registry, or another registry with `--path`"),
                )),
            }
        }
    }
}

/// Judges the files on disk against HEAD.
fn files(what: Option<&Path>, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Judgement, Error> {
    let start = start_of(what, global)?;
    let (workspace, folder) = home_of(what, &start, args, global, ui)?;
    let within = what.map(|_| inside(&folder, &start).unwrap_or_default());
    verdict::judge(&JudgeRequest::of(What::Files {
        workspace: &workspace,
        within: within.as_deref(),
    }))
}

/// Returns the path in the registry's folder, or `None` for the folder itself.
fn inside(folder: &Path, path: &Path) -> Option<String> {
    let relative = path
        .canonicalize()
        .ok()?
        .strip_prefix(folder.canonicalize().ok()?)
        .ok()?
        .to_owned();
    let parts: Vec<_> = relative
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    Some(parts.join("/")).filter(|path| !path.is_empty())
}
