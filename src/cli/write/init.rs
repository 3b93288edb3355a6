//! `modelry init`

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use crate::act::{self, FirstPolicy};
use crate::base::{Error, FullRef, ObjectKind, Oid, shell_word};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::git::{AdvanceError, Edits, Following, Head, Move, Moving, Repo};
use crate::judge::finding::Report;
use crate::judge::history::{self, Past, Replay};
use crate::judge::rules;
use crate::object::{self, Mode, Objects, Overlay};
use crate::record::change;
use crate::record::kind::{ActorId, REGISTRY_FILE, RecordPath};
use crate::record::snapshot::{Records, Snapshot};
use crate::report;
use crate::report::event::WriteResult;
use crate::trust::{Carrier, Policy, Verdict};
use crate::workspace::identity::Identity;
use crate::workspace::{Pin, Workspace, folder_name};

/// `modelry init`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  git init models && cd models\n  modelry init --name risk-models --actor admin-1"
)]
pub struct InitArgs {
    /// The registry's name [default: the folder's]
    #[arg(long)]
    name: Option<String>,
    /// The id of the first administrator [default: from git's user.email]
    #[arg(long, value_name = "ID")]
    actor: Option<ActorId>,
    /// Set up for one person: the actor who registers a version may approve it too
    #[arg(long)]
    solo: bool,
    /// A public key (OpenSSH, or armoured OpenPGP) whose private half you keep in a
    /// safe; it becomes the key of the actor `recovery`, who stands in for
    /// administrators when too few are left
    #[arg(long, value_name = "FILE")]
    recovery_key: Option<std::path::PathBuf>,
}

pub fn run(args: &InitArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let repo = Repo::open(&global.directory())?;
    let Head::Branch { name: branch, tip } = repo.head()? else {
        return Err(Error::msg("HEAD is detached, so there is no branch to commit to")
            .hint("switch to one: `git switch main`"));
    };
    repo.check_finished()?;
    let configured = repo.config("modelry.path");
    let folder = folder_name(&global.path.clone().or(configured).unwrap_or_default());
    let path = if folder.is_empty() {
        REGISTRY_FILE.to_owned()
    } else {
        format!("{folder}/registry.yaml")
    };
    let objects = repo.objects()?;
    let base_tree = match tip {
        Some(tip) => Some(free_place(&repo, (&branch, tip), (&folder, &path), global)?),
        None => None,
    };
    let me = Identity::configured(&repo)?;
    let ident = repo.ident("committer")?;
    let actor = match &args.actor {
        Some(actor) => actor.clone(),
        None => actor_from(&ident.email)?,
    };
    let first = first_policy(&repo, (&actor, ident.email), &me, args, global)?;
    let text = act::first_policy(&first)?;
    let overlay = Overlay::new(&objects);
    let mut edits: BTreeMap<String, Option<Vec<u8>>> = [(path.clone(), Some(text.into_bytes()))].into();
    edits.extend(attributes(&objects, base_tree, &folder)?);
    edits.extend(schemas(&objects, base_tree, &folder)?);
    let top =
        object::edit(&overlay, base_tree, &edits)?.ok_or_else(|| Error::msg("nothing would be left"))?;
    let (report, policy) = judged(&overlay, &folder, (tip, top), (&actor, &me))?;
    if !report.findings.is_empty() {
        let format = crate::cli::output::report_format(ui.output);
        ui.print(&report::report(&report, format, &ui.style))?;
        return Ok(Outcome::Findings);
    }
    let following = repo.check_clean(&edits)?;
    let message = format!(
        "Create registry {}\n\nModelry-Change: registry created",
        first.name
    );
    let parents: Vec<_> = tip.into_iter().collect();
    let buffer = repo.commit_buffer(top, &parents, &message)?;
    let policy = policy.ok_or_else(|| Error::msg("no policy"))?;
    let signature = me.sign_commit(&policy, &actor, &buffer)?;
    repo.write_objects(overlay.new.reachable(top).into_iter())?;
    let commit = repo.store_commit(&buffer, Some(&signature))?;
    repo.sync_objects(&[top, commit])?;
    let step = Move {
        branch: &branch,
        old: tip,
        new: commit,
        from: base_tree,
        to: top,
    };
    advance(&repo, &step, (&edits, &following), ui)?;
    let pin = Pin::of(commit, &folder);
    pin.keep(&repo)?;
    let pin = pin.to_string();
    if repo.config("modelry.mainline").is_none() {
        repo.set_config("modelry.mainline", branch.short())?;
    }
    tell(
        &Created {
            commit,
            branch: &branch,
            pin,
            first: &first,
            fingerprint: &me.fingerprint,
        },
        args,
        ui,
    )
}

/// Returns the tree to build on, where no registry is or was.
fn free_place(
    repo: &Repo,
    (branch, tip): (&FullRef, Oid),
    (folder, path): (&str, &str),
    global: &Global,
) -> Result<Oid, Error> {
    let objects = repo.objects()?;
    let tree = history::read_commit(&objects, tip)?.tree;
    if object::lookup(&objects, tree, path)?.is_some() {
        return Err(Error::msg(format!("there is a registry here already: `{path}`"))
            .hint("`modelry trust` shows its root; `modelry whoami` says who you are in it"));
    }
    // The registry that this clone pins here was moved or removed: another in its place
    // would be judged as its continuation.
    for (pin, _) in Pin::all(repo)? {
        if pin.place(repo)? == folder && history::chain_if(&objects, pin.root, tip)?.is_some() {
            let repo = Repo::open(&global.directory())?;
            let workspace = Workspace::at(&global.wanted(), repo, branch.clone(), Some(tip))?;
            return Err(workspace.no_registry(&objects, tip)?);
        }
    }
    Ok(tree)
}

/// Returns the contents of the first policy.
fn first_policy(
    repo: &Repo,
    (actor, email): (&ActorId, String),
    me: &Identity,
    args: &InitArgs,
    global: &Global,
) -> Result<FirstPolicy, Error> {
    let recovery = args.recovery_key.as_ref();
    let recovery = recovery
        .map(|file| super::keys::read_key(&global.located(file)))
        .transpose()?;
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Error::msg(format!("no random bits are to be had: {error}")))?;
    let id: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = args.name.clone().or_else(|| {
        let top = repo.workdir().unwrap_or(repo.common_dir());
        top.canonicalize().ok()?.file_name()?.to_str().map(str::to_owned)
    });
    Ok(FirstPolicy {
        name: name.unwrap_or_else(|| "models".into()),
        id,
        actor: actor.clone(),
        email: Some(email).filter(|email| !email.is_empty()),
        key: me.key.clone(),
        recovery,
        solo: args.solo,
    })
}

/// Judges the first policy as a root. Returns the report, and the policy that it puts
/// into force.
fn judged(
    overlay: &Overlay<'_>,
    folder: &str,
    (tip, top): (Option<Oid>, Oid),
    (actor, me): (&ActorId, &Identity),
) -> Result<(Report, Option<Policy>), Error> {
    let records = Records::new(overlay);
    let (prior, next) = (Snapshot::empty(&records), Snapshot::at(&records, top, folder)?);
    let differences = change::diff(&prior, &next)?;
    let verdict = Verdict::Actor {
        id: actor.clone(),
        key: me.fingerprint.clone(),
    };
    let carrier = Carrier::new(None, verdict);
    let mut replay = Replay::from_root(&records, folder);
    let past = Past::new(overlay, folder, tip);
    let mut judged = replay.judge((prior, next), &carrier, &differences, &past, tip)?;
    // The root is judged by no policy, and is kept as long as the registry.
    let resolver = rules::Resolver {
        prior,
        next,
        folder,
        before: tip,
        after: None,
    };
    for change in &differences.changes {
        let after = change.after.as_deref();
        let unsafe_ones = after.map(|after| rules::unsafe_addresses(&change.path, None, after));
        let unsafe_ones = unsafe_ones.into_iter().flatten();
        judged
            .findings
            .extend(unsafe_ones.map(|one| resolver.resolve(one)));
    }
    let report = Report {
        findings: judged.findings,
        checked: replay.checked,
        ..Report::default()
    };
    Ok((report, replay.policy))
}

/// Moves the branch, with the index and the work tree that follow it.
fn advance(
    repo: &Repo,
    step: &Move<'_>,
    (edits, following): (&Edits, &Following),
    ui: &Ui,
) -> Result<(), Error> {
    let moving = repo.begin_move(step, edits, following)?;
    match repo.advance(step.branch, step.old, step.new, "modelry: create the registry") {
        Ok(()) => {}
        Err(AdvanceError::Moved) => {
            return Err(Error::msg("somebody else moved the branch").hint("run the command again"));
        }
        Err(AdvanceError::Locked(path)) => {
            return Err(Error::msg(format!(
                "the branch is locked by another process: {}",
                path.display()
            ))
            .hint("wait for it to end, and try again; if none is running, remove that file"));
        }
        Err(AdvanceError::Other(error)) => return Err(error),
    }
    for note in moving.map_or_else(|| Ok(Vec::new()), Moving::finish)? {
        ui.note(&note);
    }
    Ok(())
}

/// The registry that was created.
struct Created<'c> {
    commit: Oid,
    branch: &'c FullRef,
    pin: String,
    first: &'c FirstPolicy,
    fingerprint: &'c str,
}

/// Tells what was created, and what comes next.
fn tell(created: &Created<'_>, args: &InitArgs, ui: &Ui) -> Result<Outcome, Error> {
    let Created {
        commit,
        branch,
        pin,
        first,
        fingerprint,
    } = created;
    if ui.is_json() {
        let mut result = WriteResult::created(&RecordPath::Registry);
        result.commit = Some(commit.to_string());
        result.branch = Some(branch.short().to_owned());
        let mut value = result.to_value();
        value["root"] = json!(pin);
        value["actor"] = json!(first.actor);
        value["key"] = json!(fingerprint);
        value["id"] = json!(first.id);
        ui.json(&value)?;
        return Ok(Outcome::Fine);
    }
    let recovery = if args.recovery_key.is_none() {
        "\nYour key is the only one that can change the policy: when it is lost, nobody can. Make a second\nadministrator, or name an actor whose key is in a safe under `policyChange.recovery`."
    } else {
        ""
    };
    let shown = shell_word(pin);
    ui.print(&format!(
        "Created registry {} at {}.\n\n  root   {pin}\n  you    {}, key {fingerprint}\n\nThe root is pinned in this clone. Others pin it with `modelry trust {shown}`;\ntell it to them by another way than this repository.{recovery}\n\nNext: `modelry group create NAME`, then `modelry register NAME --artifact PATH`.\n",
        first.name,
        commit.short(),
        first.actor,
    ))?;
    Ok(Outcome::Fine)
}

/// A file's path and its new content, or `None` where nothing is to be written.
type FileToWrite = Option<(String, Option<Vec<u8>>)>;

/// Returns the `.gitattributes` beside `registry.yaml`, with the lines that the one
/// in the tree lacks. A link there is left to its owner.
fn attributes(objects: &dyn Objects, tree: Option<Oid>, folder: &str) -> Result<FileToWrite, Error> {
    let path = match folder {
        "" => ".gitattributes".to_owned(),
        folder => format!("{folder}/.gitattributes"),
    };
    let entry = tree
        .map(|tree| object::lookup(objects, tree, &path))
        .transpose()?
        .flatten();
    let before = match entry {
        None => None,
        Some(entry) if entry.mode == Mode::File => Some(objects.read(entry.id, ObjectKind::Blob)?),
        Some(_) => return Ok(None),
    };
    let before = before.as_deref().map(String::from_utf8_lossy);
    let text = act::attributes(before.as_deref());
    Ok(text.map(|text| (path, Some(text.into_bytes()))))
}

/// Returns the schemas for editors beside `registry.yaml`. A file or link in the
/// place of their folder is left to its owner.
fn schemas(objects: &dyn Objects, tree: Option<Oid>, folder: &str) -> Result<Edits, Error> {
    let records = Records::new(objects);
    let there = match tree {
        Some(tree) => Snapshot::at(&records, tree, folder)?,
        None => Snapshot::empty(&records),
    };
    if act::in_place_of_schemas(&there)?.is_some() {
        return Ok(Edits::new());
    }
    let from_top = |path: String| match folder {
        "" => path,
        folder => format!("{folder}/{path}"),
    };
    let outdated = act::outdated_schemas(&there)?.into_iter();
    Ok(outdated
        .map(|(path, text)| (from_top(path), Some(text.into_bytes())))
        .collect())
}

/// Derives an actor's id from an address: the part before the `@`.
fn actor_from(email: &str) -> Result<ActorId, Error> {
    let local = email.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let fitting: String = local
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    fitting
        .trim_matches(['.', '_', '-'])
        .to_owned()
        .try_into()
        .map_err(|_| {
            Error::msg(format!("no actor's id can be made of `{email}`")).hint("name one: `--actor admin-1`")
        })
}
