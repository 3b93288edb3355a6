//! `modelry resolve`, and the proof that it shares with `wait` and `pull`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::fresh;
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::land::Scope;
use crate::cli::names::Target;
use crate::cli::output::{Outcome, Output, report_format};
use crate::cli::read::at::{AsOf, ReadArgs, commit_at, commit_before};
use crate::exchange::kserve;
use crate::git::GitObjects;
use crate::judge::finding::Report;
use crate::judge::history;
use crate::object::CachedObjects;
use crate::record::kind::{Address, Artifact, GroupName, ModelVersion, UriFault};
use crate::record::snapshot::{Records, Snapshot};
use crate::report::resolve::{self, Answer, Resolved, Which};
use crate::report::{self, clean, paint};
use crate::workspace::prove::{CheckpointFile, Proof, ProveOptions, Signed};
use crate::workspace::{PinnedBy, RootOf, Wanted, Workspace};

/// Options for what a command believes of a clone.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// Trust the root of this clone although it is not pinned
    #[arg(long, help_heading = "Trust")]
    pub trust_root: bool,
    /// Verify the history from the root, regardless of what this clone verified
    /// before
    #[arg(long, help_heading = "Trust")]
    pub replay: bool,
    /// Trust the history up to this checkpoint of `modelry audit`; a clone of depth 1
    /// is then enough
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Trust",
        conflicts_with_all = ["trust_root", "replay"]
    )]
    pub checkpoint: Option<PathBuf>,
}

impl TrustArgs {
    /// Returns the options that locate the registry. The folder comes from the
    /// checkpoint if there is one, so no file of the history has to be found for it.
    pub fn wanted(&self, global: &Global) -> Wanted {
        let folder = |path: &PathBuf| CheckpointFile::folder_of(&global.located(path));
        Wanted {
            checkpoint: self.checkpoint.as_ref().and_then(folder),
            ..global.wanted()
        }
    }
}

/// `modelry resolve`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, json, uri, env (for `eval`), github (for $GITHUB_OUTPUT), kserve.\n\nExamples:\n  modelry resolve fraud-detector@production -o uri\n  eval \"$(modelry resolve fraud-detector@latest -o env)\"\n  modelry resolve fraud-detector/3 -o github >> \"$GITHUB_OUTPUT\"\n  modelry resolve fraud-detector@production -o kserve | kubectl apply -f -\n  modelry resolve fraud-detector@production --checkpoint ../checkpoint   # in a clone of depth 1"
)]
pub struct ResolveArgs {
    /// The version to deploy: GROUP@STAGE, GROUP@latest or GROUP/N
    #[arg(value_name = "REF")]
    target: Target,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Splits a target into its group and the version that it asks for.
///
/// # Errors
/// The target names only a group.
pub fn parse_target(target: &Target) -> Result<(GroupName, Which), Error> {
    Ok(match target {
        Target::Version(id) => (id.group.clone(), Which::Number(id.number)),
        Target::Stage(group, stage) => (group.clone(), Which::Stage(stage.clone())),
        Target::Latest(group) => (group.clone(), Which::Latest),
        Target::Group(group) => {
            return Err(Error::msg(format!("`{group}` is a group")).hint(format!(
                "name a version: `{group}@production`, `{group}@latest` or `{group}/N`"
            )));
        }
    })
}

/// A registry whose history up to a commit is verified.
pub struct Proven<'p> {
    /// The workspace that holds it.
    pub workspace: &'p Workspace,
    /// The registry at the commit.
    pub snapshot: Snapshot<'p>,
    /// The commit that was read.
    pub commit: Oid,
    /// The proof of the history.
    pub proof: &'p Proof,
    /// The number of open findings that do not concern the answer.
    pub elsewhere: usize,
    /// Whether neither a commit nor a fetch was asked for.
    is_newest: bool,
}

impl Proven<'_> {
    /// Adds the commit that was read to the error that something was not found.
    pub fn missing(&self, error: Error) -> Error {
        match self.is_newest {
            true => fresh::missing(self.workspace, self.commit, error),
            false => error,
        }
    }
}

/// Returns the mainline's tip, or the commit or the last commit of the day that is
/// named. With `since`, the day is the end of a range.
///
/// # Errors
/// The named commit is not on the mainline.
pub fn on_mainline(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    tip: Oid,
    at: Option<&str>,
    since: Option<&str>,
) -> Result<AsOf, Error> {
    let as_of = match at {
        None => tip.into(),
        Some(at) => commit_at(workspace, objects, at, since)?,
    };
    ensure_on_mainline(workspace, objects, tip, as_of.commit)?;
    Ok(as_of)
}

/// Returns the mainline's commit after which a range starts, for a revision or for a
/// day that the range includes, or `None` when the mainline began later.
///
/// # Errors
/// The named commit is not on the mainline.
pub fn start_on_mainline(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    tip: Oid,
    start: &str,
) -> Result<Option<Oid>, Error> {
    let commit = commit_before(workspace, objects, start)?;
    if let Some(commit) = commit {
        ensure_on_mainline(workspace, objects, tip, commit)?;
    }
    Ok(commit)
}

fn ensure_on_mainline(
    workspace: &Workspace,
    objects: &GitObjects<'_>,
    tip: Oid,
    commit: Oid,
) -> Result<(), Error> {
    if commit != tip && history::chain_if(objects, commit, tip)?.is_none() {
        return Err(Error::msg(format!(
            "commit {} is not on `{}`",
            commit.short(),
            workspace.mainline_name()
        ))
        .hint("only what the mainline holds is in force: `git log --first-parent` lists it"));
    }
    Ok(())
}

/// Verifies the mainline up to its tip, or to the commit or day `at`, and reads it.
/// Fails on open findings that concern `group`.
///
/// # Errors
/// The root is neither pinned nor trusted, or the registry can't be read.
pub fn proven(
    workspace: &Workspace,
    group: &GroupName,
    (asked, trust): (&ReadArgs, &TrustArgs),
    global: &Global,
    ui: &Ui,
    read: impl FnOnce(&Proven<'_>) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let answered = prove_and_read(workspace, group, (asked, trust), global, ui, read);
    answered.map_err(|error| match workspace.incomplete(error) {
        Error::Incomplete { what, mut hints } if trust.checkpoint.is_none() => {
            hints.push("or take the history up to a checkpoint of `modelry audit` as given: `--checkpoint FILE`, for which a clone of depth 1 is enough".into());
            Error::Incomplete { what, hints }
        }
        error => error,
    })
}

/// Opens the registry that these options name, and proves it as [`proven`] does. A
/// note says how far the clone is behind.
pub fn answer(
    group: &GroupName,
    asked: &ReadArgs,
    trust: &TrustArgs,
    global: &Global,
    ui: &Ui,
    read: impl FnOnce(&Proven<'_>) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let workspace = asked.fetch.open_as(&trust.wanted(global), ui)?;
    let outcome = proven(&workspace, group, (asked, trust), global, ui, read)?;
    fresh::told(&workspace, workspace.tip(), asked.is_newest(), Ok(outcome), ui)
}

fn prove_and_read(
    workspace: &Workspace,
    group: &GroupName,
    (asked, trust): (&ReadArgs, &TrustArgs),
    global: &Global,
    ui: &Ui,
    read: impl FnOnce(&Proven<'_>) -> Result<Outcome, Error>,
) -> Result<Outcome, Error> {
    let objects = workspace.repo.objects()?;
    let tip = workspace.tip()?;
    let checkpoint = match &trust.checkpoint {
        Some(path) => Some(CheckpointFile::open(
            &workspace.repo,
            &global.located(path),
            false,
        )?),
        None => None,
    };
    // A checkpoint names its root.
    let on_trust = trust.trust_root || checkpoint.is_some();
    workspace.ensure_root(&objects, tip, RootOf::Clone, on_trust)?;
    let commit = on_mainline(workspace, &objects, tip, asked.at.as_deref(), None)?.noted(ui);
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let how = ProveOptions {
        mainline: commit == tip,
        replay: trust.replay,
        ..ProveOptions::default()
    };
    let given = checkpoint
        .as_ref()
        .and_then(|file| Some((file, file.checkpoint()?)));
    let proof = match given {
        None => workspace.prove(&kept, &records, commit, how)?,
        Some((file, checkpoint)) => {
            let mut proof = workspace.prove_after(&kept, &records, commit, checkpoint)?;
            let (signed, finding) = workspace.judge_signature(&kept, &records, file)?;
            if let (Some(given), Signed::By(verdict)) = (&mut proof.checkpoint, signed) {
                given.signer = verdict.actor().cloned();
            }
            if let Some(finding) = finding {
                let report = Report {
                    findings: vec![finding],
                    ..Report::default()
                };
                ui.report(&report::report(&report, report_format(ui.output), &ui.style))?;
                return Ok(Outcome::Findings);
            }
            proof
        }
    };
    if let Some(given) = &proof.checkpoint {
        let steps = crate::base::count(usize::try_from(given.size).unwrap_or(usize::MAX), "step");
        let signed = match &given.signer {
            Some(actor) => format!("signed by `{actor}`"),
            None => "which nobody signed".to_owned(),
        };
        ui.note(&format!(
            "the history up to {} is taken from the checkpoint of {steps}, {signed}",
            given.commit.short()
        ));
    }
    let scope = Scope::of(group);
    let mut report = Report {
        notes: Vec::new(),
        ..proof.report.clone()
    };
    let open = report.open().count();
    for finding in &report.findings {
        if let Some(words) = &finding.acknowledged
            && finding.is_in(group.as_str())
        {
            let (code, message) = (finding.rule.code, &finding.message);
            ui.note(&format!("{code} in `{group}` was accepted ({message}): {words}"));
        }
    }
    report
        .findings
        .retain(|finding| finding.acknowledged.is_none() && scope.is_stopped_by(finding));
    if !report.findings.is_empty() {
        ui.report(&report::report(&report, report_format(ui.output), &ui.style))?;
        ui.note(&format!(
            "nothing of `{group}` is answered while its history is faulty"
        ));
        return Ok(Outcome::Findings);
    }
    let top = history::read_commit(&objects, commit)?.tree;
    let proven = Proven {
        workspace,
        snapshot: Snapshot::at(&records, top, &workspace.folder)?,
        commit,
        proof: &proof,
        elsewhere: open,
        is_newest: asked.is_newest(),
    };
    let groups = proven.snapshot.groups()?;
    if !groups.contains(group) {
        return Err(proven.missing(crate::record::snapshot::unknown_group(&groups, group.as_str())));
    }
    if open > 0 {
        ui.note(&format!(
            "{} elsewhere in the history: `modelry audit` tells more",
            crate::base::count(open, "finding")
        ));
    }
    read(&proven)
}

pub fn run(args: &ResolveArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (group, which) = parse_target(&args.target)?;
    answer(&group, &args.read, &args.trust, global, ui, |proven| {
        let resolved = resolve::resolve(&proven.snapshot, &group, &which, &proven.proof.tainted);
        match resolved.map_err(|error| proven.missing(error))? {
            Resolved::Nothing(why) => nothing(&why, ui),
            Resolved::Version(answer) => print(&answer, proven, ui),
        }
    })
}

/// Reports that no version qualifies: the reason goes to standard error, and standard
/// output stays empty.
pub fn nothing(why: &str, ui: &Ui) -> Result<Outcome, Error> {
    if ui.is_json() {
        ui.json(&json!({"version": null, "reason": why}))?;
    }
    ui.say(&format!(
        "{} {}",
        paint("nothing qualifies:", "1;33", &ui.side),
        clean(why)
    ));
    Ok(Outcome::Nothing)
}

/// The names of the values in `-o env` and `-o github`, in order.
const NAMES: [&str; 9] = [
    "version", "group", "number", "status", "artifact", "digest", "image", "commit", "root",
];

/// Whether a command line, which may be invalid elsewhere, is `resolve -o env`. An
/// unknown form counts too, as it may be a typing error.
pub fn asks_for_env(arguments: &[OsString]) -> bool {
    let mut before = "";
    let mut is_env = false;
    for argument in arguments.iter().filter_map(|argument| argument.to_str()) {
        let form = match before {
            "-o" | "--output" => Some(argument),
            _ => ["--output=", "-o=", "-o"]
                .iter()
                .find_map(|option| argument.strip_prefix(option)),
        };
        let is_other = |form: &str| form.is_empty() || OTHER_FORMS.contains(&form);
        is_env |= form.is_some_and(|form| !is_other(form)) || argument.eq_ignore_ascii_case("env");
        before = argument;
    }
    is_env && arguments.iter().any(|argument| argument == "resolve")
}

/// The forms of the answer that are not for a shell.
const OTHER_FORMS: [&str; 5] = ["human", "json", "uri", "github", "kserve"];

/// Returns the shell lines for the case without an answer: they unset the variables
/// of an earlier answer, and make `eval` fail, which ends a script under `set -e`.
pub fn no_env() -> String {
    report::env_unset(&NAMES)
}

fn print(answer: &Answer, proven: &Proven<'_>, ui: &Ui) -> Result<Outcome, Error> {
    let Some(version) = answer.loaded.version() else {
        return nothing(&format!("{} can't be read", answer.id), ui);
    };
    let containers = version.spec.containers();
    let image = containers
        .iter()
        .find_map(|(_, container)| container.image.clone());
    // An old record may hold control characters; a program that reads lines must not
    // get them.
    let unseen = version
        .spec
        .all_artifacts()
        .into_iter()
        .find_map(|(_, artifact)| match artifact.uri.fault() {
            Some(fault @ UriFault::Hidden(_)) => Some(fault),
            _ => None,
        });
    if let Some(fault) = unseen.filter(|_| !matches!(ui.output, Output::Human | Output::Json)) {
        return Err(Error::msg(format!(
            "the address of an artifact of {} {}, and would be read as several lines",
            answer.id,
            fault.words()
        ))
        .hint("register the model again with an address that is one line"));
    }
    let artifacts: Vec<&Artifact> = version
        .spec
        .all_artifacts()
        .into_iter()
        .map(|(_, artifact)| artifact)
        .collect();
    let main = artifacts.first();
    let pairs = pairs(answer, main.copied(), image.as_ref(), proven);
    if artifacts.len() > 1 && matches!(ui.output, Output::Env | Output::Github) {
        ui.note(&format!(
            "{} has {} artifacts, and this form names the first; `-o uri` names all of them",
            answer.id,
            artifacts.len()
        ));
    }
    match ui.output {
        Output::Env => ui.exact(&report::env(&pairs))?,
        Output::Github => ui.exact(&report::github(&pairs))?,
        Output::Uri => {
            let mut uris: Vec<&str> = artifacts.iter().map(|artifact| artifact.uri.expose()).collect();
            uris.extend(
                image
                    .as_ref()
                    .map(Address::expose)
                    .filter(|_| artifacts.is_empty()),
            );
            if uris.is_empty() {
                return nothing(&format!("{} has nothing to be loaded or run", answer.id), ui);
            }
            ui.exact(
                &uris
                    .iter()
                    .map(|uri| format!("{}\n", clean(uri)))
                    .collect::<String>(),
            )?;
        }
        Output::Kserve => {
            let service = kserve::inference_service(&answer.id, version, &proven.commit.to_string())
                .map_err(|why| Error::msg(why).hint("`-o json` tells all that the version holds"))?;
            let text = serde_yaml::to_string(&service).map_err(|error| Error::msg(error.to_string()))?;
            ui.exact(&text)?;
        }
        Output::Json => ui.exact_json(&as_json(answer, version, &artifacts, image.as_ref(), proven))?,
        _ => ui.print(&for_people(answer, version, &artifacts, proven, ui))?,
    }
    Ok(Outcome::Fine)
}

/// Returns the values for `-o env` and `-o github`, with their names.
fn pairs(
    answer: &Answer,
    main: Option<&Artifact>,
    image: Option<&Address>,
    proven: &Proven<'_>,
) -> Vec<(&'static str, String)> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let digest = main.and_then(|artifact| artifact.digest.as_ref());
    let values = [
        answer.id.to_string(),
        answer.id.group.to_string(),
        answer.id.number.to_string(),
        answer.status.to_string(),
        text(main.map(|artifact| artifact.uri.expose().to_owned())),
        text(digest.map(ToString::to_string)),
        text(image.map(|image| image.expose().to_owned())),
        proven.commit.to_string(),
        proven.proof.root.to_string(),
    ];
    NAMES.into_iter().zip(values).collect()
}

/// Renders the answer as JSON.
fn as_json(
    answer: &Answer,
    version: &ModelVersion,
    artifacts: &[&Artifact],
    image: Option<&Address>,
    proven: &Proven<'_>,
) -> Value {
    let main = artifacts.first();
    json!({
            "version": answer.id.to_string(),
            "group": answer.id.group,
            "number": answer.id.number,
            "status": answer.status.as_str(),
            "artifact": main.map(|artifact| &artifact.uri),
            "digest": main.and_then(|artifact| artifact.digest.as_ref()),
            "image": image,
            "artifacts": artifacts,
            "containers": version.spec.containers().iter().map(|(_, container)| container).collect::<Vec<_>>(),
            "imported": version.imported.as_ref().map(|it| json!({
                "from": it.from,
                "as": it.status.status().as_str(),
                "importedBy": version.by,
                "decidedBy": it.by,
                "decidedAt": it.at,
                "words": it.words(&version.by),
            })),
            "commit": proven.commit.to_string(),
            "proven": words(proven),
    })
}

/// Renders the answer for people.
fn for_people(
    answer: &Answer,
    version: &ModelVersion,
    artifacts: &[&Artifact],
    proven: &Proven<'_>,
    ui: &Ui,
) -> String {
    let mut out = format!(
        "{}  {}\n",
        paint(&answer.id.to_string(), "1", &ui.style),
        paint(answer.status.as_str(), "32", &ui.style)
    );
    for artifact in artifacts {
        let digest = artifact
            .digest
            .as_ref()
            .map_or_else(|| "no digest".to_owned(), ToString::to_string);
        out.push_str(&format!(
            "  artifact  {}\n            {digest}\n",
            clean(&artifact.uri.to_string())
        ));
    }
    for image in version
        .spec
        .containers()
        .iter()
        .filter_map(|(_, container)| container.image.as_ref())
    {
        out.push_str(&format!("  image     {}\n", clean(&image.to_string())));
    }
    if let Some(imported) = &version.imported {
        let words = imported.words(&version.by);
        let how = words.strip_prefix("imported ").unwrap_or(&words);
        out.push_str(&format!("  imported  {}\n", clean(how)));
    }
    let (from, root) = (from_words(proven), root_words(proven));
    out.push_str(&format!(
        "  commit    {}\n  proven    {from}; root {} {root}\n",
        proven.commit,
        proven.proof.root.short()
    ));
    out
}

/// Names the steps that were proven, and from where.
fn from_words(proven: &Proven<'_>) -> String {
    let steps = crate::base::count(proven.proof.report.checked.steps, "step");
    match proven.proof.from {
        Some(from) => {
            let by = match proven.proof.checkpoint {
                Some(_) => "by the checkpoint",
                None => "verified before",
            };
            match from == proven.commit {
                true => format!("up to here, {by}"),
                false => format!("{steps} after {}, {by}", from.short()),
            }
        }
        None => format!("{steps} from the root"),
    }
}

/// Names the origin of the root.
fn root_words(proven: &Proven<'_>) -> String {
    match proven.workspace.pinned_by {
        Some(by) => format!("pinned by {}", by.words()),
        None if proven.proof.checkpoint.is_some() => "named by the checkpoint".to_owned(),
        None => "taken on trust".to_owned(),
    }
}

/// Returns what was proven, as JSON.
fn words(proven: &Proven<'_>) -> Value {
    json!({
        "mainline": proven.workspace.mainline_name(),
        "root": proven.proof.root.to_string(),
        "rootPinned": proven.proof.pinned,
        "rootPinnedBy": proven.workspace.pinned_by.map(PinnedBy::as_str),
        "from": proven.proof.from.unwrap_or(proven.proof.root).to_string(),
        "fromRoot": proven.proof.from.is_none(),
        "checkpoint": proven.proof.checkpoint.as_ref().map(|given| json!({
            "size": given.size,
            "commit": given.commit.to_string(),
            "signed": given.signer.is_some(),
            "signer": given.signer,
        })),
        "steps": proven.proof.report.checked.steps,
        "findingsElsewhere": proven.elsewhere,
    })
}
