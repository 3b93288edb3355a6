//! `modelry hook`

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::notes;
use crate::base::{Error, FullRef};
use crate::cli::Ui;
use crate::cli::args::{Global, duration};
use crate::cli::output::{Outcome, Output, report_format};
use crate::git::install::Hook;
use crate::git::{Budget, Head, Repo};
use crate::judge::finding::Report;
use crate::judge::history;
use crate::object::{self, CachedObjects};
use crate::record::kind::REGISTRY_FILE;
use crate::record::snapshot::Records;
use crate::report::event::WriteResult;
use crate::report::{self, Style};
use crate::workspace::prove::ProveOptions;
use crate::workspace::verdict::{self, JudgeRequest, Judgement, Update, What};
use crate::workspace::{self, Pin, Wanted, Workspace};

/// The seconds that judging a push may take.
const TIMEOUT: u64 = 60;
/// The objects that judging a push may read.
const MAX_OBJECTS: usize = 1_000_000;
/// The bytes of these objects, unpacked.
const MAX_BYTES: usize = 1 << 30;
/// The names that may be compared.
const MAX_NAMES: usize = 10_000_000;
/// The bytes of git's input about a push, enough for hundreds of thousands of
/// references.
const MAX_INPUT: usize = 64 << 20;
/// The most findings that are shown to a pusher.
const TOLD: usize = 50;

/// `modelry hook`
#[derive(Debug, Subcommand)]
pub enum HookCommand {
    /// Install a git hook: pre-commit in a clone, pre-receive on a server
    Install(InstallArgs),
    /// Judge the staged files against HEAD; git runs it before a commit
    PreCommit(PreCommitArgs),
    /// Judge a push on a server; git runs it before any reference moves
    PreReceive(PreReceiveArgs),
}

/// `modelry hook install`
#[derive(Debug, Args)]
#[command(
    after_help = "An existing hook is kept beside the new one as HOOK.chained, and runs after it.\n\nOn a server, the command verifies the mainline once, and --root OID[:FOLDER] pins the root. Without a pinned root, no push to the mainline is accepted. If one repository has several registries, pin each with its folder; a push is then judged by all of them.\n\nExamples:\n  modelry hook install\n  modelry -C /srv/git/models.git hook install --server --root 5e1f…"
)]
pub struct InstallArgs {
    /// Guard this repository, on a server, against faulty pushes
    #[arg(long)]
    pub(in crate::cli) server: bool,
    /// Remove the hook, and restore the one that was there before
    #[arg(long)]
    pub(in crate::cli) uninstall: bool,
    /// Verify the mainline from the root, regardless of what was verified before
    #[arg(long, requires = "server", conflicts_with = "uninstall")]
    replay: bool,
}

/// `modelry hook pre-commit`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, concise, json.\n\nThe staged content is judged, not the files on disk. A merge is judged only after its commit: `modelry validate HEAD~1..HEAD`.\n\nExample:\n  modelry hook pre-commit"
)]
pub struct PreCommitArgs {
    /// File names, as some hook frameworks pass them; they are ignored, since all
    /// staged files are judged
    #[arg(value_name = "FILE", hide = true)]
    _files: Vec<PathBuf>,
}

/// `modelry hook pre-receive`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, concise, json.\n\nReads `OLD NEW REFERENCE` lines from standard input, as git passes them. A finding refuses the whole push (exit 1). A push that can't be judged is refused too (exit 2). Only the mainline is judged. References below refs/replace/ are refused, and so are names that git could take for the mainline's.\n\nExample:\n  modelry hook install --server"
)]
pub struct PreReceiveArgs {
    /// The seconds that judging may take [default: git config modelry.hook.timeout,
    /// else 60]
    #[arg(long, value_name = "SECONDS", help_heading = "Budget")]
    timeout: Option<u64>,
    /// The number of objects of the push that may be read [default: git config
    /// modelry.hook.maxObjects, else 1000000]
    #[arg(long, value_name = "N", help_heading = "Budget")]
    max_objects: Option<usize>,
    /// The bytes of these objects that may be read, unpacked [default: git config
    /// modelry.hook.maxBytes, else 1073741824]
    #[arg(long, value_name = "N", help_heading = "Budget")]
    max_bytes: Option<usize>,
    /// The number of names in their folders that may be compared, each time that they
    /// are [default: git config modelry.hook.maxNames, else 10000000]
    #[arg(long, value_name = "N", help_heading = "Budget")]
    max_names: Option<usize>,
    /// The largest difference between this machine's clock and the date of a step
    /// that touches the registry: 15m, 1h [default: git config modelry.hook.maxSkew,
    /// else any]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Budget")]
    max_skew: Option<Duration>,
}

pub fn run(command: &HookCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        HookCommand::Install(args) if args.uninstall => uninstall(args, global, ui),
        HookCommand::Install(args) => install(args, global, ui),
        HookCommand::PreCommit(_) => pre_commit(global, ui),
        HookCommand::PreReceive(args) => pre_receive(args, global, ui),
    }
}

/// Returns the number from the command line, else from git's configuration, else the
/// default.
fn number<N: std::str::FromStr>(repo: &Repo, given: Option<N>, key: &str, usual: N) -> Result<N, Error> {
    if let Some(given) = given {
        return Ok(given);
    }
    let Some(text) = repo.config(key) else {
        return Ok(usual);
    };
    text.trim().parse().map_err(|_| {
        Error::msg(format!(
            "`{key}` of git's configuration is `{text}`, which is no number"
        ))
        .hint(format!("write a number: `git config {key} N`"))
    })
}

/// Ends the process when the time is up.
fn end_after(seconds: u64) -> Arc<AtomicBool> {
    let done = Arc::new(AtomicBool::new(false));
    let seen = done.clone();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(seconds));
        if !seen.swap(true, Ordering::SeqCst) {
            Ui::new(Output::Human).plain().error(
                &Error::msg(format!("judging this push takes more than {seconds} seconds, and it is refused"))
                    .hint("push fewer commits at once; whoever runs the server can raise `modelry.hook.timeout`, or prove a long history once: `modelry hook install --server`"),
            );
            std::process::exit(2);
        }
    });
    done
}

fn pre_receive(args: &PreReceiveArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    if std::env::var_os("GIT_NAMESPACE").is_some_and(|namespace| !namespace.is_empty()) {
        return Err(Error::msg("namespaces of one repository can't be guarded")
            .hint("give the registry a repository of its own"));
    }
    let repo = Repo::open(&global.directory())?;
    let timeout = number(&repo, args.timeout, "modelry.hook.timeout", TIMEOUT)?;
    let done = end_after(timeout);
    let budget = Budget {
        objects: number(&repo, args.max_objects, "modelry.hook.maxObjects", MAX_OBJECTS)?,
        bytes: number(&repo, args.max_bytes, "modelry.hook.maxBytes", MAX_BYTES)?,
        names: number(&repo, args.max_names, "modelry.hook.maxNames", MAX_NAMES)?,
    };
    let skew = max_skew(&repo, args.max_skew)?;
    drop(repo);
    let mut lines = Vec::new();
    let mut input = std::io::stdin().lock().take(MAX_INPUT as u64 + 1);
    input.read_to_end(&mut lines).map_err(|source| Error::Io {
        action: "read",
        path: "standard input".into(),
        source,
    })?;
    // References that were cut off would not be judged.
    if lines.len() > MAX_INPUT {
        return Err(Error::msg("the push moves more references than can be judged")
            .hint("push fewer references at once"));
    }
    let updates = Update::read(&lines)?;
    let judgement = verdict::judge(&JudgeRequest::of(What::Push {
        wanted: &global.wanted(),
        updates: &updates,
        budget,
        dated: skew.is_some(),
    }))?;
    // The verdict is reached, so the time limit no longer applies.
    if done.swap(true, Ordering::SeqCst) {
        loop {
            std::thread::park();
        }
    }
    if let Some(skew) = skew.filter(|_| judgement.report.is_clean()) {
        near_now(&judgement, skew)?;
    }
    Ok(told(judgement, ui))
}

/// Returns the largest difference from the clock, if it is limited.
fn max_skew(repo: &Repo, given: Option<Duration>) -> Result<Option<Duration>, Error> {
    const KEY: &str = "modelry.hook.maxSkew";
    if given.is_some() {
        return Ok(given);
    }
    let Some(text) = repo.config(KEY) else {
        return Ok(None);
    };
    duration(text.trim()).map(Some).map_err(|why| {
        Error::msg(format!("`{KEY}` of git's configuration can't be used: {why}"))
            .hint(format!("write a time: `git config {KEY} 15m`"))
    })
}

/// Refuses a push whose steps claim dates far from the clock. This is not a verdict:
/// the same history is judged alike at any time.
fn near_now(judgement: &Judgement, skew: Duration) -> Result<(), Error> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    let is_far = |claimed: Option<i64>| claimed.is_none_or(|claimed| now.abs_diff(claimed) > skew.as_secs());
    let Some((commit, claimed)) = judgement.claims.iter().find(|(_, claimed)| is_far(*claimed)) else {
        return Ok(());
    };
    let Some(claimed) = claimed else {
        return Err(Error::msg(format!(
            "commit {} has no date that can be read, and `modelry.hook.maxSkew` asks for one",
            commit.short()
        ))
        .hint("make the commit anew with git: `git commit --amend --no-edit --reset-author -S`"));
    };
    Err(Error::msg(format!(
        "commit {} claims to be of {}, and here it is {}: they may be {} s apart",
        commit.short(),
        history::moment(*claimed),
        history::moment(now),
        skew.as_secs()
    ))
    .hint(format!(
        "look at your machine's clock, date your commits anew, and push again: `git rebase --force-rebase --rebase-merges --gpg-sign {}`",
        judgement.onto.map_or_else(|| "BASE".to_owned(), |base| base.to_string())
    ))
    .hint("whoever runs the server can change `modelry.hook.maxSkew`"))
}

/// Reports to the pusher, on whose terminal git shows the output.
fn told(judgement: Judgement, ui: &Ui) -> Outcome {
    notes::tell(&judgement.notes, ui);
    let mut report = judgement.report;
    if report.is_clean() {
        aside(&report, ui);
        return Outcome::Fine;
    }
    report.findings.retain(|finding| finding.acknowledged.is_none());
    let left = report.findings.len().saturating_sub(TOLD);
    if ui.output == Output::Human {
        report.findings.truncate(TOLD);
    }
    // The output is plain, since the other end may not be a terminal.
    let text = report::report(&report, report_format(ui.output), &Style::PLAIN);
    ui.say(text.trim_end());
    if ui.output == Output::Human {
        if left > 0 {
            ui.say(&format!("… and {} more", crate::base::count(left, "finding")));
        }
        ui.say("refused: no reference moved");
    }
    Outcome::Findings
}

/// Reports the notes on a push that is accepted: what it acknowledges itself, and
/// what it uncovers.
fn aside(report: &Report, ui: &Ui) {
    let accepted = report.findings.iter().filter_map(|finding| {
        let words = finding.acknowledged.as_ref()?;
        let code = finding.rule.code;
        Some(format!("acknowledged ({code}) {words}: {}", finding.message))
    });
    let told: Vec<String> = accepted
        .chain(report.notes.iter().map(|note| note.message.clone()))
        .collect();
    for message in told.iter().take(TOLD) {
        ui.note(message);
    }
    if told.len() > TOLD {
        ui.note(&format!(
            "… and {} more",
            crate::base::count(told.len() - TOLD, "note")
        ));
    }
}

fn pre_commit(global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let judgement = verdict::judge(&JudgeRequest::of(What::Staged(&global.wanted())))?;
    notes::tell(&judgement.notes, ui);
    let report = judgement.report;
    if report.is_clean() {
        return Ok(Outcome::Fine);
    }
    ui.say(report::report(&report, report_format(ui.output), &ui.side).trim_end());
    if ui.output == Output::Human {
        ui.say("refused: nothing was committed");
    }
    Ok(Outcome::Findings)
}

fn hook_of(server: bool) -> Hook {
    match server {
        true => Hook::PreReceive,
        false => Hook::PreCommit,
    }
}

fn install(args: &InstallArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let repo = Repo::open(&global.directory())?;
    if !args.server && repo.workdir().is_none() {
        return Err(Error::msg("nobody commits in a bare repository")
            .hint("on a server: `modelry hook install --server`; in a clone, go there first"));
    }
    // A hook without a registry would refuse every push.
    if args.server {
        for one in guarded(&repo, global)? {
            guarded_registry(&repo, &one)?;
        }
    }
    named_registry(&repo, global)?;
    if let Some(root) = global.root.as_ref().filter(|_| args.server) {
        pin(&repo, root)?;
    }
    let program = std::env::current_exe().map_err(|source| Error::Io {
        action: "find",
        path: "this program".into(),
        source,
    })?;
    let installed = crate::git::install::install(&repo, hook_of(args.server), &program)?;
    let mainline = match args.server {
        true => Some(guarded_branch(&repo, global.wanted().mainline.as_deref())?),
        false => None,
    };
    let roots: Vec<String> = match args.server {
        true => Pin::all(&repo)?.iter().map(|(pin, _)| pin.to_string()).collect(),
        false => Vec::new(),
    };
    if ui.is_json() {
        let mut value = WriteResult::of_clone("hook installed", installed.unchanged).to_value();
        value["hook"] = json!(installed.hook.display().to_string());
        value["chained"] = json!(installed.chained.as_ref().map(|path| path.display().to_string()));
        value["mainline"] = json!(mainline.as_ref().map(FullRef::as_str));
        value["root"] = json!(roots.last());
        ui.json(&value)?;
    } else {
        let verb = if installed.unchanged {
            "is there already"
        } else {
            "is set up"
        };
        let mut text = format!("{} {verb}\n", installed.hook.display());
        if let Some(mainline) = &mainline {
            text.push_str(&format!("  guards {mainline}\n"));
        }
        for root in &roots {
            text.push_str(&format!("  from the pinned root {root}\n"));
        }
        if let Some(chained) = &installed.chained {
            text.push_str(&format!("  then runs {}\n", chained.display()));
        }
        ui.print(&text)?;
    }
    if args.server && repo.workdir().is_some() {
        ui.note("this is a clone with a work tree: the hook sees what others push to it, and nothing that is committed here; for that, `modelry hook install`");
    }
    match args.server {
        true => {
            for one in guarded(&repo, global)? {
                ready(&repo, args, &one, ui)?;
            }
            Ok(Outcome::Fine)
        }
        false => Ok(Outcome::Fine),
    }
}

/// Returns the branch that a server guards. It is stored in the server's
/// configuration, which no push can change: HEAD differs in each work tree, and
/// changes with a checkout.
fn guarded_branch(repo: &Repo, wanted: Option<&str>) -> Result<FullRef, Error> {
    let mainline = workspace::mainline(repo, wanted)?;
    let short = mainline.short();
    if repo.local_values("modelry.mainline").last().map(String::as_str) != Some(short) {
        repo.set_local_values("modelry.mainline", &[short.to_owned()])?;
    }
    Ok(mainline)
}

/// Returns the registries that a server guards: the named one, else each that is
/// pinned.
fn guarded(repo: &Repo, global: &Global) -> Result<Vec<Wanted>, Error> {
    let wanted = global.wanted();
    let folders = match &wanted.root {
        Some(_) => Vec::new(),
        None => workspace::guarded(repo, &wanted)?,
    };
    if folders.is_empty() {
        return Ok(vec![wanted]);
    }
    let one = |folder| Wanted {
        path: Some(folder),
        ..wanted.clone()
    };
    Ok(folders.into_iter().map(one).collect())
}

/// Refuses a `--path` at which neither the mainline nor the checked-out commit has a
/// registry. Before the first commit, any folder is accepted.
fn named_registry(repo: &Repo, global: &Global) -> Result<(), Error> {
    let wanted = global.wanted();
    if wanted.path.is_none() && repo.config("modelry.path").is_none() {
        return Ok(());
    }
    let mainline = workspace::mainline(repo, wanted.mainline.as_deref())?;
    let head = match repo.head()? {
        Head::Branch { tip, .. } => tip,
        Head::Detached(tip) => Some(tip),
    };
    let tips = [
        repo.reference(&mainline)?,
        head.filter(|_| repo.workdir().is_some()),
    ];
    let Some(first) = tips.iter().flatten().next() else {
        return Ok(());
    };
    let workspace = Workspace::open(&wanted)?;
    let objects = workspace.repo.objects()?;
    let file = workspace.from_top(REGISTRY_FILE);
    for tip in tips.iter().flatten() {
        let top = history::read_commit(&objects, *tip)?.tree;
        if object::lookup(&objects, top, &file)?.is_some() {
            return Ok(());
        }
    }
    Err(workspace.no_registry(&objects, *first)?)
}

/// Refuses a server whose mainline exists and has no registry.
fn guarded_registry(repo: &Repo, wanted: &Wanted) -> Result<(), Error> {
    let mainline = workspace::mainline(repo, wanted.mainline.as_deref())?;
    let Some(tip) = repo.reference(&mainline)? else {
        return Ok(());
    };
    let workspace = Workspace::open(wanted)?;
    let objects = workspace.repo.objects()?;
    history::find_root(&objects, &workspace.folder, tip).map(|_| ())
}

/// Pins the root, beside those of other folders, unless another root is pinned for
/// the same folder.
fn pin(repo: &Repo, root: &str) -> Result<(), Error> {
    let wanted = Pin::parse(root)?;
    let folder = wanted.place(repo)?;
    let mut is_pinned = false;
    for (pin, _) in Pin::all(repo)? {
        if pin.place(repo)? != folder {
            continue;
        }
        if pin.root != wanted.root {
            return Err(Error::msg(format!("another root is pinned here: {pin}"))
                .hint(format!("when it is the wrong one, first: `git config --fixed-value --unset-all modelry.root {pin}`")));
        }
        is_pinned = true;
    }
    match is_pinned {
        true => Ok(()),
        false => wanted.keep(repo),
    }
}

/// Verifies the server's history, so that no pusher waits for it, and reports what is
/// missing.
fn ready(repo: &Repo, args: &InstallArgs, wanted: &Wanted, ui: &Ui) -> Result<(), Error> {
    let mainline = workspace::mainline(repo, wanted.mainline.as_deref())?;
    let short = mainline.short();
    let Some(tip) = repo.reference(&mainline)? else {
        if Pin::all(repo)?.is_empty() {
            ui.note(&format!(
                "no root is pinned: `{short}` can't be pushed before `git config modelry.root OID`, as an administrator tells it"
            ));
        }
        return Ok(());
    };
    let workspace = Workspace::open(wanted)?;
    if workspace.root.is_none() {
        let objects = workspace.repo.objects()?;
        let root = history::find_root(&objects, &workspace.folder, tip)?;
        let pin = workspace.pin(root);
        ui.note(&format!(
            "no root is pinned, so no push to `{short}` will be accepted: compare {root} with what an administrator tells you by another way, then `modelry trust {pin}`"
        ));
        return Ok(());
    }
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let how = ProveOptions {
        mainline: true,
        replay: args.replay,
        ..ProveOptions::default()
    };
    let proof = workspace.prove(&kept, &records, tip, how)?;
    let open = count_open(&proof.report);
    if open > 0 {
        ui.note(&format!(
            "{} in the history of `{short}`: pushes to those groups are refused; `modelry audit` tells more",
            crate::base::count(open, "finding")
        ));
    }
    Ok(())
}

fn count_open(report: &Report) -> usize {
    report.open().count()
}

fn uninstall(args: &InstallArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let repo = Repo::open(&global.directory())?;
    let hook = hook_of(args.server);
    let Some(gone) = crate::git::install::uninstall(&repo, hook)? else {
        return Err(
            Error::msg(format!("there is no {} hook of Modelry's here", hook.name()))
                .hint("`modelry hook install` sets one up"),
        );
    };
    if ui.is_json() {
        let mut value = WriteResult::of_clone("hook removed", false).to_value();
        value["hook"] = json!(gone.hook.display().to_string());
        value["restored"] = json!(gone.chained.is_some());
        ui.json(&value)?;
        return Ok(Outcome::Fine);
    }
    ui.print(&match gone.chained {
        Some(_) => format!("{} is what it was before\n", gone.hook.display()),
        None => format!("{} is gone\n", gone.hook.display()),
    })?;
    Ok(Outcome::Fine)
}
