//! `modelry validate`

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, ValueEnum};

use super::ci::{self, Ci};
use super::onto::{self, Way};
use crate::base::{Error, Oid, shell_word};
use crate::cli::args::Global;
use crate::cli::output::{Outcome, Output, report_format};
use crate::cli::read::at::FetchArgs;
use crate::cli::read::diff;
use crate::cli::{Ui, unproven};
use crate::git::{Repo, Uncommitted, disk};
use crate::judge::finding::{Note, Report};
use crate::judge::history::{self, Past, Replay};
use crate::judge::rules::{self, Resolver};
use crate::object::{self, CachedObjects, Objects, Overlay};
use crate::record::change::{self, Differences};
use crate::record::kind::RecordPath;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::{self, Style};
use crate::trust::{Carrier, KeyStanding, Policy, Verdict};
use crate::workspace::identity::Me;
use crate::workspace::{Wanted, Workspace};

/// `modelry validate`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, concise, json, sarif, github (annotations), gitlab (code quality), junit.\n\nExamples:\n  modelry validate                       the files on disk, against HEAD\n  modelry validate main~5..main          each commit, by the policy before it\n  modelry validate --onto origin/main    this branch, as each way of landing would leave it\n  modelry validate --onto origin/main --summary ../summary.md\n  modelry validate --ci github --fetch --root 5e1f… -o github --report sarif=modelry.sarif"
)]
#[command(group(ArgGroup::new("landing_on").args(["onto", "ci"])))]
pub struct ValidateArgs {
    /// A folder or file on disk, judged against HEAD; or a range of commits; with --onto, the branch's tip [default: the registry's folder; HEAD]
    #[arg(value_name = "PATH | A..B | TIP")]
    what: Option<String>,
    /// Read the files of a folder alone, in a repository or not: each is checked, and no change is judged
    #[arg(long, conflicts_with = "landing_on")]
    no_history: bool,
    /// Judge what would land on this branch: a pull request
    #[arg(long, value_name = "BASE", help_heading = "Pull requests")]
    pub(crate) onto: Option<String>,
    /// Only this way of landing [default: those that the policy allows]
    #[arg(
        long,
        value_enum,
        value_name = "WAY",
        requires = "landing_on",
        help_heading = "Pull requests"
    )]
    pub(crate) landing: Option<Way>,
    /// Do not prove the history that it would land on
    #[arg(long, requires = "landing_on", help_heading = "Pull requests")]
    pub(crate) trust_base: bool,
    /// Prove it from the root, whatever this clone verified before
    #[arg(
        long,
        requires = "landing_on",
        conflicts_with = "trust_base",
        help_heading = "Pull requests"
    )]
    pub(crate) replay: bool,
    /// Write what it means into this file too, as Markdown for a comment
    #[arg(
        long,
        value_name = "FILE",
        requires = "landing_on",
        help_heading = "Pull requests"
    )]
    pub(crate) summary: Option<PathBuf>,
    /// Judge what this CI job is about, as the system's event or variables tell: what is on the mainline step by step, anything else as it would land there
    #[arg(
        long,
        value_enum,
        value_name = "SYSTEM",
        conflicts_with = "what",
        help_heading = "CI"
    )]
    ci: Option<Ci>,
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
    /// What it would land on: a commit of the mainline [default: the mainline, as the remote has it]
    #[arg(long, value_name = "REV", requires = "ci", help_heading = "CI")]
    pub(crate) base: Option<String>,
    /// Take the root that this clone shows on trust: it is not pinned
    #[arg(long, requires = "ci", help_heading = "CI")]
    pub(crate) trust_root: bool,
    /// Write the report into this file too, in another form: sarif=FILE, gitlab=FILE, junit=FILE …
    #[arg(long, value_name = "FORM=FILE", value_parser = form_and_file)]
    report: Vec<(Output, PathBuf)>,
}

/// `sarif=modelry.sarif`
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

pub fn run(args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let report = match args.what.as_deref() {
        _ if let Some(system) = args.ci => ci::judge(system.into(), args, global, ui)?,
        tip if args.onto.is_some() => onto::judge(args, tip.unwrap_or("HEAD"), global, ui)?,
        what if args.no_history => plain(what, global)?,
        Some(what) if what.contains("..") && !global.located(Path::new(what)).exists() => {
            range(what, args, global, ui)?
        }
        what => files(what.map(Path::new), args, global, ui)?,
    };
    for (form, path) in &args.report {
        let text = report::report(&report, report_format(*form), &Style::PLAIN);
        ui.file(&global.located(path), &text)?;
    }
    ui.print(&report::report(&report, report_format(ui.output), &ui.style))?;
    // These forms have no word for it, and a job that says nothing may have done nothing.
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

fn range(what: &str, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Report, Error> {
    let workspace = args.fetch.open(global, ui)?;
    let (a, b) = diff::ends(what)?;
    let (a, b) = (workspace.resolve(a)?, workspace.resolve(b)?);
    if a == b {
        return Err(Error::told(format!(
            "there is nothing to check: {what} names one commit, {}",
            a.short()
        ))
        .hint("name the commit before the first one to judge: A..B"));
    }
    has_registry(&workspace, a, b)?;
    let report = steps(&workspace, a, b).map_err(|error| workspace.incomplete(error))?;
    if report.checked.changes == 0 && ui.output == Output::Human {
        ui.note("no commit of this range touches the registry");
    }
    Ok(report)
}

/// Refuses a range that starts before the registry: there is no policy to judge
/// its first step by.
fn has_registry(workspace: &Workspace, a: Oid, b: Oid) -> Result<(), Error> {
    let objects = workspace.repo.objects()?;
    let records = Records::new(&objects);
    let there = |commit| -> Result<bool, Error> {
        let tree = history::read_commit(&objects, commit)?.tree;
        Ok(Snapshot::at(&records, tree, &workspace.folder)?
            .registry()?
            .is_some())
    };
    if there(a)? {
        return Ok(());
    }
    if !there(b)? {
        return Err(workspace.no_registry(&objects, b)?);
    }
    let error = Error::told(format!("the registry begins after commit {}", a.short()));
    // A shallow clone may lack the commits between.
    Err(match history::find_root(&objects, &workspace.folder, b) {
        Ok(root) => error.hint(format!("start at its root: `modelry validate {root}..{b}`")),
        Err(_) => error.hint("start at its root: `modelry trust` shows it"),
    })
}

fn steps(workspace: &Workspace, a: Oid, b: Oid) -> Result<Report, Error> {
    let objects = workspace.repo.objects()?;
    let objects = CachedObjects::new(&objects);
    let records = Records::new(&objects);
    if let Some(report) = inverted(workspace, &objects, a, b)? {
        return Ok(report);
    }
    let commits = history::chain(&objects, Some(a), b)?;
    let mut replay = Replay::after(&records, &workspace.folder, a)?;
    workspace.run(&mut replay, &commits, |_, _| {})
}

/// What to say when `b` has `a`, but not among its first parents: then what
/// was the mainline is a side of a merge.
fn inverted(workspace: &Workspace, objects: &dyn Objects, a: Oid, b: Oid) -> Result<Option<Report>, Error> {
    if history::chain_if(objects, a, b)?.is_some() || !history::reaches(objects, b, a)? {
        return Ok(None);
    }
    let records = Records::new(objects);
    let snapshot = Snapshot::at(
        &records,
        history::read_commit(objects, b)?.tree,
        &workspace.folder,
    )?;
    let resolver = Resolver {
        prior: snapshot,
        next: snapshot,
        folder: &workspace.folder,
        before: Some(a),
        after: Some(b),
    };
    let finding = rules::inverted_mainline("commit", a, b);
    Ok(Some(Report {
        findings: vec![resolver.resolve(finding)],
        ..Report::default()
    }))
}

/// What of the registry's folder is the registry's own.
const MANAGED: [&str; 3] = ["registry.yaml", "groups", "policy"];

/// The registry's folder on disk for a path: upwards to where `registry.yaml`
/// is.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let whole = path.canonicalize().ok()?;
    whole
        .ancestors()
        .find(|at| at.join("registry.yaml").is_file())
        .map(Path::to_owned)
}

/// The file or folder that is meant.
fn start_of(what: Option<&Path>, global: &Global) -> Result<PathBuf, Error> {
    let start = what.map_or_else(|| global.directory(), |what| global.directory().join(what));
    match start.exists() {
        true => Ok(start),
        false => Err(Error::told(format!("there is no `{}`", start.display()))
            .hint("name a folder or file on disk, or a range of commits: A..B")),
    }
}

/// Reads the files of a folder, whatever repository it is in.
fn plain(what: Option<&str>, global: &Global) -> Result<Report, Error> {
    let mut start = start_of(what.map(Path::new), global)?;
    if let Some(path) = global.path.as_ref().filter(|_| what.is_none()) {
        start = start.join(path);
    }
    let folder = folder_of(&start).ok_or_else(|| {
        Error::told(format!(
            "no `registry.yaml` is at {} or above it",
            start.display()
        ))
        .hint("name the registry's folder: `modelry validate --no-history FOLDER`")
    })?;
    let report = alone(&folder)?;
    Ok(match inside(&folder, &start) {
        Some(inside) => only(report, None, &inside),
        None => report,
    })
}

/// The registry that a path belongs to, and its folder on disk.
///
/// # Errors
/// Git refuses the repository, or the path is in no registry of it: its files
/// alone are read only where that is asked for.
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
            Error::told("a bare repository has no files on disk")
                .hint("name a range of commits: `modelry validate A..B`")
        })?;
        let folder = top.join(&workspace.folder);
        Ok((workspace, folder))
    });
    let is_in = |folder: &Path| match (folder.canonicalize(), start.canonicalize()) {
        (Ok(folder), Ok(start)) => start.starts_with(folder),
        // The folder is not on disk: all of it was deleted.
        _ => true,
    };
    match (opened, what) {
        (Ok((workspace, folder)), None) => Ok((workspace, folder)),
        (Ok((workspace, folder)), Some(_)) if is_in(&folder) => Ok((workspace, folder)),
        (Err(error), None) => Err(without(error)),
        // Another registry, of this repository or of one that the path is in.
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
                    Error::told(format!(
                        "{} is not in the registry at `{}`",
                        start.display(),
                        workspace.from_top("registry.yaml")
                    ))
                    .hint("name a path of the registry, or another registry with `--path`"),
                )),
            }
        }
    }
}

fn files(what: Option<&Path>, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Report, Error> {
    let start = start_of(what, global)?;
    let (workspace, folder) = home_of(what, &start, args, global, ui)?;
    let mut report = against_head(&workspace)?;
    if what.is_none()
        && let Some(head) = workspace.repo.head()?.tip()
    {
        unproven::note_past(&workspace, head, &mut report);
    }
    Ok(match what.and_then(|_| inside(&folder, &start)) {
        Some(inside) => only(report, Some(&workspace), &inside),
        None => report,
    })
}

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

fn only(mut report: Report, workspace: Option<&Workspace>, inside: &str) -> Report {
    let at = workspace.map_or_else(|| inside.to_owned(), |workspace| workspace.from_top(inside));
    report.findings.retain(|finding| {
        let path = &finding.primary.at.path;
        *path == at || path.strip_prefix(&at).is_some_and(|rest| rest.starts_with('/'))
    });
    report
}

fn against_head(workspace: &Workspace) -> Result<Report, Error> {
    let repo = &workspace.repo;
    let objects = repo.objects()?;
    let head = repo.head()?.tip();
    let top = head
        .map(|head| history::read_commit(&objects, head))
        .transpose()?;
    let top = top.map(|commit| commit.tree);
    let overlay = Overlay::new(&objects);
    let records = Records::new(&overlay);
    let at = |top: Option<Oid>| match top {
        Some(top) => Snapshot::at(&records, top, &workspace.folder),
        None => Ok(Snapshot::empty(&records)),
    };
    let prior = at(top)?;
    let policy = match prior.registry()? {
        Some(_) => Some(history::policy_at(&prior, "HEAD")?),
        None => None,
    };
    let mut uncommitted = uncommitted(workspace, &overlay, top, policy.as_ref())?;
    let mut next = at(uncommitted.tree)?;
    if prior.registry()?.is_some() && next.registry()?.is_none() {
        // It may have been moved: then it is in a folder that is not the registry's.
        let all = workspace.repo.uncommitted(&overlay, top, &[], &|_| true);
        if let Ok(all) = all {
            uncommitted.tree = all.tree;
            next = at(all.tree)?;
        }
    }
    if prior.registry()?.is_none() && next.registry()?.is_none() {
        return Err(match head {
            Some(head) => workspace.no_registry(&objects, head)?,
            None => Error::told("the branch has no commit yet, and there is no `registry.yaml`")
                .hint("make the first one: `modelry init`"),
        });
    }
    let past = Past::new(&objects, &workspace.folder, head);
    let mut differences = change::diff(&prior.seeing(&past), &next)?;
    if let Some(policy) = &policy {
        let trees = (top, uncommitted.tree);
        history::add_protected(&mut differences, &overlay, policy, &workspace.folder, trees)?;
    }
    let verdict = policy
        .as_ref()
        .map_or(Verdict::Nobody, |policy| presumed(&workspace.repo, policy));
    let carrier = Carrier::new(None, verdict);
    let mut replay = match policy {
        Some(policy) => Replay::with_policy(&records, &workspace.folder, policy),
        None => Replay::from_root(&records, &workspace.folder),
    };
    let judged = replay.judge(prior, next, &carrier, &differences, &past, head)?;
    let mut report = Report {
        findings: judged.findings,
        notes: judged.notes,
        checked: replay.checked,
        ..Report::default()
    };
    let notes = uncommitted.notes.into_iter();
    report.notes.extend(notes.map(|message| Note {
        message,
        path: None,
        commit: None,
    }));
    standing_faults(
        &records,
        &prior,
        &next,
        &differences,
        &workspace.folder,
        &mut report,
    )?;
    report.checked.documents = records.documents();
    Ok(report)
}

/// The registry's files, and those that the policy protects, as `git add` would
/// store them: that is what a commit of them would hold.
fn uncommitted(
    workspace: &Workspace,
    overlay: &Overlay<'_>,
    top: Option<Oid>,
    policy: Option<&Policy>,
) -> Result<Uncommitted, Error> {
    let within = match policy.is_some_and(Policy::protects_anything) {
        true => Vec::new(),
        false => MANAGED.map(|path| workspace.from_top(path)).to_vec(),
    };
    let is_own = |path: &str| {
        let inside = match workspace.folder.as_str() {
            "" => Some(path),
            folder => path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
        };
        inside.is_some_and(change::is_managed)
    };
    let wanted = |path: &str| is_own(path) || policy.is_some_and(|policy| policy.protects(path));
    workspace.repo.uncommitted(overlay, top, &within, &wanted)
}

/// Who would sign: the configured key, if it is an actor's.
pub(crate) fn presumed(repo: &Repo, policy: &Policy) -> Verdict {
    let Ok(me) = Me::to_look(repo) else {
        return Verdict::Nobody;
    };
    match policy.keys.standing(&me.fingerprint) {
        KeyStanding::Good(id) => Verdict::Actor {
            id,
            key: me.fingerprint,
        },
        _ => Verdict::of_key(policy, me.fingerprint),
    }
}

/// Faults of reading in files that did not change are told too: whoever asks
/// about a folder wants to hear of all of it.
fn standing_faults(
    records: &Records<'_>,
    prior: &Snapshot<'_>,
    next: &Snapshot<'_>,
    differences: &Differences,
    folder: &str,
    report: &mut Report,
) -> Result<(), Error> {
    let Some(tree) = next.tree else { return Ok(()) };
    let resolver = Resolver {
        prior: *prior,
        next: *next,
        folder,
        before: None,
        after: None,
    };
    let objects = records.objects();
    let mut files = Vec::new();
    for name in MANAGED {
        match object::lookup(objects, tree, name)? {
            Some(entry) if entry.mode == object::Mode::Tree => {
                let below = object::files(objects, entry.id)?.into_iter();
                files.extend(below.map(|(path, mode, id)| (format!("{name}/{path}"), mode, id)));
            }
            Some(entry) => files.push((name.to_owned(), entry.mode, entry.id)),
            None => {}
        }
    }
    for (path, mode, id) in files {
        let Some(record) = RecordPath::parse(&path).filter(|_| mode == object::Mode::File) else {
            continue;
        };
        if differences.changes.iter().any(|change| change.path == path) {
            continue;
        }
        let loaded = records.load(&record, id)?;
        let found = rules::document_findings(&path, &loaded);
        report
            .findings
            .extend(found.into_iter().map(|finding| resolver.resolve(finding)));
    }
    Ok(())
}

/// The files of a folder without their history: each is read, and nothing can be
/// said of changes or their authors.
fn alone(folder: &Path) -> Result<Report, Error> {
    let (disk, tree) = disk::objects(folder, crate::base::ObjectFormat::Sha1, change::is_managed)?;
    let records = Records::new(&disk);
    let next = Snapshot {
        records: &records,
        tree,
        top: None,
        earlier: None,
    };
    let prior = Snapshot::empty(&records);
    let differences = change::diff(&prior, &next)?;
    let resolver = Resolver {
        prior,
        next,
        folder: "",
        before: None,
        after: None,
    };
    let findings = rules::state_findings(&next, &differences)?;
    let mut report = Report {
        findings: findings
            .into_iter()
            .map(|finding| resolver.resolve(finding))
            .collect(),
        ..Report::default()
    };
    report.notes.push(Note {
        message:
            "files were read without their history (--no-history): no change was judged, and no signature"
                .into(),
        path: None,
        commit: None,
    });
    report.checked.documents = records.documents();
    report.checked.changes = 0;
    Ok(report)
}
