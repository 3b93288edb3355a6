//! `policy approve`

use std::cell::RefCell;
use std::sync::Arc;

use clap::Subcommand;

use crate::act;
use crate::base::{Error, FullRef, ObjectKind, Oid, shell_word};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::land::{PolicySeen, Scope, Seen, SeenArgs, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::read::at::ReadArgs;
use crate::cli::read::policy;
use crate::git::{Head, Repo};
use crate::judge::history;
use crate::object::{Objects, Overlay};
use crate::record::change;
use crate::record::kind::{GroupName, REGISTRY_FILE, RecordPath};
use crate::record::snapshot::{self, Loaded, Records, Snapshot};
use crate::report::{self, Style, summary};
use crate::trust::Policy;
use crate::workspace::Workspace;

/// `modelry policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show the policy in force; or what a proposed policy changes, and who reviewed
    /// it
    #[command(
        after_help = "Examples:\n  modelry policy show\n  modelry policy show proposal\n  modelry policy show --at 2026-03-03"
    )]
    Show {
        /// A branch or commit with the proposed `registry.yaml` [default: the policy
        /// in force]
        #[arg(value_name = "REV", conflicts_with = "at")]
        proposal: Option<String>,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Approve a proposed policy: sign a review of it under `policy/`
    #[command(
        after_help = "Examples:\n  modelry policy approve proposal -m \"two for fraud, as agreed\"\n  git switch proposal && modelry policy approve -m \"as agreed\""
    )]
    Approve {
        /// A branch or commit with the proposed `registry.yaml` [default: HEAD]
        #[arg(value_name = "REV")]
        proposal: Option<String>,
        #[command(flatten)]
        seen: SeenArgs,
        #[command(flatten)]
        write: WriteArgs,
    },
}

pub fn run(command: &PolicyCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        PolicyCommand::Show { proposal, read } => match proposal {
            Some(proposal) => super::proposal::show(proposal, read.fetch, global, ui),
            None => policy::show(read, global, ui),
        },
        PolicyCommand::Approve {
            proposal,
            seen,
            write,
        } => approve(proposal.as_deref(), seen, write, global, ui),
    }
}

fn approve(
    proposal: Option<&str>,
    seen: &SeenArgs,
    write: &WriteArgs,
    global: &Global,
    ui: &Ui,
) -> Result<Outcome, Error> {
    if write
        .reason
        .as_deref()
        .is_none_or(|reason| reason.trim().is_empty())
    {
        return Err(
            Error::msg("say why: a decision carries its reason").hint("modelry policy approve -m \"…\"")
        );
    }
    let workspace = write.open(global)?;
    let bytes = match proposal {
        Some(proposal) => at_revision(&workspace, proposal)?,
        None => at_head(&workspace)?,
    };
    let proposed = Arc::new(load(&workspace.repo, &bytes)?);
    if proposed.registry().is_none() {
        return Err(unreadable(&workspace, proposal));
    }
    let policies = PolicySeen {
        shown: RefCell::new((in_force(&workspace), proposed.clone())),
        now: RefCell::default(),
    };
    // The review must cover the present content of the branch.
    let moves = proposal.is_some() || write.is_remote();
    let job = WriteCommand {
        draft: &|desk| {
            let here = desk.snapshot.registry()?;
            let law = desk.mainline.map_or(desk.policy, |mainline| &mainline.policy);
            let other = |here: &Arc<Loaded>| here.value() != law.source.value();
            let now = here
                .filter(|here| moves && other(here))
                .unwrap_or_else(|| proposed.clone());
            let replaced = Some(law.source.clone());
            policies.now.replace(Some((replaced, now.clone())));
            let mut draft = act::approve_policy(desk, &now, write.reason.as_deref())?;
            if !draft.edits.is_empty() {
                draft.notes.extend(meaning(law, &now, &desk.snapshot.groups()?));
            }
            Ok(draft)
        },
        scope: Scope::Policy,
        seen: Some(Seen {
            args: Some(seen),
            policy: Some(&policies),
        }),
        moved: None,
        reserve: None,
    };
    land(&job, write, global, ui)
}

/// Returns the policy in force as this clone has it, if any.
fn in_force(workspace: &Workspace) -> Option<Arc<Loaded>> {
    let objects = workspace.repo.objects().ok()?;
    let records = Records::new(&objects);
    let tree = history::read_commit(&objects, workspace.tip().ok()?).ok()?.tree;
    let snapshot = Snapshot::at(&records, tree, &workspace.folder).ok()?;
    snapshot.registry().ok()?
}

/// Refuses a proposed policy that can't be read; the hint lists its faults.
fn unreadable(workspace: &Workspace, proposal: Option<&str>) -> Error {
    let error = Error::msg("the proposed `registry.yaml` can't be read as a policy");
    error.hint(match proposal {
        Some(proposal) => format!(
            "`modelry validate --onto {} {proposal}` says what is wrong with it",
            workspace.mainline_name()
        ),
        None => "`modelry validate` says what is wrong with it".to_owned(),
    })
}

fn load(repo: &Repo, bytes: &[u8]) -> Result<Loaded, Error> {
    let id = Oid::hash(repo.format(), ObjectKind::Blob, bytes);
    snapshot::load(&RecordPath::Registry, id, bytes)
}

/// Reads the `registry.yaml` of a revision.
fn at_revision(workspace: &Workspace, revision: &str) -> Result<Vec<u8>, Error> {
    let objects = workspace.repo.objects()?;
    let commit = workspace.repo.resolve(revision)?;
    let tree = history::read_commit(&objects, commit)?.tree;
    let path = workspace.from_top(REGISTRY_FILE);
    match crate::object::lookup(&objects, tree, &path)? {
        Some(entry) => objects.read(entry.id, ObjectKind::Blob),
        None => Err(Error::msg(format!("`{revision}` holds no `{path}`"))
            .hint("name the branch or commit that proposes a policy")),
    }
}

/// Reads the `registry.yaml` of HEAD. A review is of what a commit holds, so a text that
/// the work tree or the index holds differently is refused.
fn at_head(workspace: &Workspace) -> Result<Vec<u8>, Error> {
    let repo = &workspace.repo;
    if repo.workdir().is_none() {
        return Err(
            Error::msg("a bare repository has no work tree that could propose a policy")
                .hint("name a branch or commit: `modelry policy approve REV`"),
        );
    }
    let (branch, tip) = match repo.head()? {
        Head::Branch { name, tip } => (Some(name), tip),
        Head::Detached(tip) => (None, Some(tip)),
    };
    let objects = repo.objects()?;
    let tree = tip.map(|tip| history::read_commit(&objects, tip)).transpose()?;
    let tree = tree.map(|commit| commit.tree);
    let path = workspace.from_top(REGISTRY_FILE);
    let entry = tree
        .map(|tree| crate::object::lookup(&objects, tree, &path))
        .transpose()?
        .flatten();
    if !repo.is_committed(&Overlay::new(&objects), tree, &path)? {
        let file = shell_word(&path);
        let restored = format!("git restore --staged --worktree -- {file}");
        let error = Error::msg(format!(
            "`{path}` has uncommitted changes, and a review is of a policy that a commit holds"
        ));
        let mut line = match entry {
            Some(_) => format!("git commit -S -m REASON -- {file}"),
            None => format!("git add -- {file} && git commit -S -m REASON -- {file}"),
        };
        if branch.is_none_or(|name| name == workspace.mainline) {
            line = format!("git switch -c {} && {line}", free_branch(repo)?);
        }
        let error = error.hint(format!("propose them: `{line}`, and approve that then"));
        return Err(match entry {
            Some(_) => error.hint(format!("or drop them: `{restored}`")),
            None => error,
        });
    }
    match entry {
        Some(entry) => objects.read(entry.id, ObjectKind::Blob),
        None => Err(Error::msg(format!("HEAD holds no `{path}`"))
            .hint("name a branch or commit that proposes a policy: `modelry policy approve REV`")),
    }
}

/// Returns a name of a branch that this clone does not have yet.
fn free_branch(repo: &Repo) -> Result<String, Error> {
    let mut name = "proposal".to_owned();
    let mut number = 1;
    while repo.reference(&FullRef::of_branch(&name))?.is_some() {
        number += 1;
        name = format!("proposal-{number}");
    }
    Ok(name)
}

/// Lists what a proposed policy changes of the one in force, in the words of `diff`.
fn meaning(law: &Policy, proposed: &Arc<Loaded>, groups: &[GroupName]) -> Vec<String> {
    let Some(after) = Policy::new(proposed.clone()) else {
        return Vec::new();
    };
    let serials = format!("policy {} -> {}", law.registry().serial, after.registry().serial);
    let lines = summary::policy_lines(law, &after, groups);
    if lines.is_empty() {
        let (before, after) = (law.source.value(), proposed.value());
        let fields = change::differing_pointers(before, after);
        return vec![format!("{serials}: no rule changes, but {}", fields.join(", "))];
    }
    let words = lines.iter().map(|line| report::policy_line(line, &Style::PLAIN));
    words
        .map(|words| format!("{serials}: {}", words.trim()))
        .collect()
}
