//! `policy show`, `policy approve`

use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use super::reading::{ReadArgs, Reading};
use super::write::{Job, Scope, WriteArgs, land};
use super::{Global, Outcome, Ui};
use crate::access::{self, Carrier, Policy, PolicyTally, Verdict};
use crate::act;
use crate::change;
use crate::error::Error;
use crate::git::Repo;
use crate::history::{self, Past};
use crate::model::{Action, RecordPath};
use crate::raw::{ObjectKind, Oid};
use crate::render::{clean, paint};
use crate::snapshot::{self, Loaded, Records, Snapshot};
use crate::summary::{self, Field};
use crate::workspace::Workspace;

/// `modelry policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show the policy in force; or what a proposed one changes, and who stands behind it
    #[command(
        after_help = "Examples:\n  modelry policy show\n  modelry policy show proposal\n  modelry policy show --at 2026-03-03"
    )]
    Show {
        /// A branch or commit whose `registry.yaml` is proposed
        #[arg(value_name = "REV", conflicts_with = "at")]
        proposal: Option<String>,
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Approve a proposed policy: a signed review under `policy/`
    #[command(
        after_help = "Examples:\n  modelry policy approve proposal -m \"two for fraud, as agreed\"\n  git switch proposal && modelry policy approve -m \"as agreed\""
    )]
    Approve {
        /// A branch or commit whose `registry.yaml` is proposed [default: the work tree's]
        #[arg(value_name = "REV")]
        proposal: Option<String>,
        #[command(flatten)]
        write: WriteArgs,
    },
}

pub fn run(command: &PolicyCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        PolicyCommand::Show { proposal, read } => match proposal {
            Some(proposal) => show_proposal(proposal, global, ui),
            None => show(read, global, ui),
        },
        PolicyCommand::Approve { proposal, write } => {
            if write
                .reason
                .as_deref()
                .is_none_or(|reason| reason.trim().is_empty())
            {
                return Err(Error::told("say why: a decision carries its reason")
                    .hint("modelry policy approve -m \"…\""));
            }
            let workspace = write.open(global)?;
            let bytes = match proposal {
                Some(proposal) => at_revision(&workspace, proposal)?,
                None => on_disk(&workspace)?,
            };
            let proposed = load(&workspace.repo, &bytes)?;
            let job = Job {
                draft: &|desk| act::approve_policy(desk, &proposed, write.reason.as_deref()).map(Some),
                scope: Scope::Policy,
                decision: true,
                moved: None,
                reserve: None,
            };
            land(&job, write, global, ui)
        }
    }
}

fn load(repo: &Repo, bytes: &[u8]) -> Result<Loaded, Error> {
    let id = Oid::hash(repo.format(), ObjectKind::Blob, bytes);
    snapshot::load(&RecordPath::Registry, id, bytes)
}

/// The `registry.yaml` of a revision.
fn at_revision(workspace: &Workspace, revision: &str) -> Result<Vec<u8>, Error> {
    let objects = workspace.repo.objects()?;
    let commit = workspace.repo.resolve(revision)?;
    let tree = history::read_commit(&objects, commit)?.tree;
    let path = workspace.from_top("registry.yaml");
    match crate::raw::lookup(&objects, tree, &path)? {
        Some(entry) => crate::raw::Objects::read(&objects, entry.id, ObjectKind::Blob),
        None => Err(Error::told(format!("`{revision}` holds no `{path}`"))
            .hint("name the branch or commit that proposes a policy")),
    }
}

/// The `registry.yaml` of the work tree.
fn on_disk(workspace: &Workspace) -> Result<Vec<u8>, Error> {
    let Some(top) = workspace.repo.workdir() else {
        return Err(
            Error::told("a bare repository has no work tree that could propose a policy")
                .hint("name a branch or commit: `modelry policy approve REV`"),
        );
    };
    let path = top.join(workspace.from_top("registry.yaml"));
    std::fs::read(&path).map_err(|source| Error::Io {
        action: "read",
        path,
        source,
    })
}

fn show(read: &ReadArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        let policy = reading.policy()?;
        let registry = policy.registry();
        let open = open_reviews(&reading.snapshot, registry.serial)?;
        if ui.is_json() {
            let open: Vec<Value> = open
                .iter()
                .map(|(serial, actor)| json!({"serial": serial, "by": actor}))
                .collect();
            ui.json(&json!({
                "commit": reading.commit.to_string(),
                "policy": policy.source.value(),
                "administrators": policy.holders(Action::Administer, None, None),
                "proposalsReviewed": open,
            }))?;
            return Ok(Outcome::Fine);
        }
        let mut out = format!(
            "{}  policy {}\n",
            paint(&clean(&registry.name), "1", &ui.style),
            registry.serial
        );
        let mut line = |key: &str, value: String| {
            if !value.is_empty() {
                let gap = " ".repeat(16usize.saturating_sub(key.len()));
                out.push_str(&format!(
                    "  {}{gap} {}\n",
                    paint(key, "2", &ui.style),
                    clean(&value)
                ));
            }
        };
        let list = |items: Vec<String>| items.join(", ");
        line("id", registry.id.to_string());
        let administrators = policy.holders(Action::Administer, None, None);
        line(
            "administrators",
            list(administrators.iter().map(ToString::to_string).collect()),
        );
        line(
            "to change it",
            format!("{} of them", registry.policy_change.required),
        );
        for stage in &registry.stages {
            let asks = if stage.requires.is_some() {
                ", only Approved versions"
            } else {
                ""
            };
            line("stage", format!("{}{asks}", stage.name));
        }
        for from in crate::model::Status::ALL {
            let to = registry.next(from);
            if !to.is_empty() {
                line(
                    "transition",
                    format!("{from} to {}", list(to.iter().map(ToString::to_string).collect())),
                );
            }
        }
        for rule in &registry.approvals {
            line(
                "approval",
                format!("{}: {}", rule.groups.join(", "), rule_words(rule)),
            );
        }
        for glob in &registry.protect {
            line("protected", glob.clone());
        }
        for revocation in &registry.revoked {
            let since = revocation
                .since
                .as_ref()
                .map_or_else(String::new, |since| format!(", since {since}"));
            line("revoked", format!("{}{since}", revocation.key));
        }
        for entry in &registry.acknowledged {
            line(
                "acknowledged",
                format!("{} in {}", entry.codes.join(", "), entry.commit),
            );
        }
        for (serial, actor) in &open {
            line("proposed", format!("policy {serial}, reviewed by {actor}"));
        }
        out.push_str("\nMore: modelry actor list, modelry grant list\n");
        ui.print(&out)?;
        Ok(Outcome::Fine)
    })
}

/// A rule of approval, on one line.
fn rule_words(rule: &crate::model::ApprovalRule) -> String {
    let mut words = Vec::new();
    words.push(crate::render::count(
        rule.required.unwrap_or(1) as usize,
        "approval",
    ));
    words.extend(rule.from.iter().map(|(team, n)| format!("{n} from team {team}")));
    if rule.four_eyes.unwrap_or(true) {
        words.push("four eyes".into());
    }
    if !rule.card.is_empty() {
        let sections: Vec<String> = rule.card.iter().map(ToString::to_string).collect();
        words.push(format!("card: {}", sections.join(", ")));
    }
    words.extend(rule.gates.iter().map(|gate| format!("gate {}", gate.name)));
    if rule.machines.unwrap_or(false) {
        words.push("machines count".into());
    }
    words.join("; ")
}

/// Reviews of policies that are not in force yet.
fn open_reviews(snapshot: &Snapshot<'_>, serial: u64) -> Result<Vec<(u64, String)>, Error> {
    let mut open = Vec::new();
    for name in snapshot.names("policy")? {
        let Some(later) = name.parse::<u64>().ok().filter(|other| *other > serial) else {
            continue;
        };
        open.extend(
            snapshot
                .policy_reviewers(later)?
                .into_iter()
                .map(|actor| (later, actor.to_string())),
        );
    }
    open.sort();
    Ok(open)
}

/// Who stands behind a proposal, on the reviews at its commit.
fn tally(
    workspace: &Workspace,
    policy: &Policy,
    next: &Snapshot<'_>,
    proposed: &Loaded,
    commit: Oid,
) -> Result<PolicyTally, Error> {
    let carrier = Carrier::new(None, Verdict::Nobody);
    let past = Past::new(next.records.objects(), &workspace.folder, Some(commit));
    access::tally_policy(policy, policy, next, next, proposed, &carrier, &past)
}

/// Where a review of a proposal goes: to its branch, and for a remote's branch
/// there at once. The options that say so, with a space before.
fn place_of(workspace: &Workspace, proposal: &str) -> Result<String, Error> {
    let repo = &workspace.repo;
    let own = proposal.trim_start_matches("refs/heads/");
    if repo.reference(&format!("refs/heads/{own}"))?.is_some() {
        return Ok(format!(" --branch {own}"));
    }
    let kept = proposal.trim_start_matches("refs/remotes/");
    Ok(match kept.split_once('/') {
        Some((_, name)) if repo.reference(&format!("refs/remotes/{kept}"))?.is_some() => {
            format!(" --branch {name} --push")
        }
        // Of no branch: whoever reviews says which.
        _ => " --branch NAME".to_owned(),
    })
}

fn show_proposal(proposal: &str, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = Workspace::open(&global.wanted())?;
    let objects = workspace.repo.objects()?;
    let records = Records::new(&objects);
    let tip = workspace.tip()?;
    let at = |commit| -> Result<Snapshot<'_>, Error> {
        Snapshot::at(
            &records,
            history::read_commit(&objects, commit)?.tree,
            &workspace.folder,
        )
    };
    let policy = history::policy_at(&at(tip)?, workspace.mainline_name())?;
    let commit = workspace.repo.resolve(proposal)?;
    let next = at(commit)?;
    let proposed: Arc<Loaded> = next
        .registry()?
        .ok_or_else(|| Error::told(format!("`{proposal}` holds no `registry.yaml`")))?;
    let (before, after) = (policy.source.value(), proposed.value());
    if before == after {
        return Err(Error::told(format!(
            "`{proposal}` proposes no other policy than the one in force"
        )));
    }
    let fields = summary::fields(before, after, change::differing_pointers(before, after));
    let tally = tally(&workspace, &policy, &next, &proposed, commit)?;
    let administrators = policy.holders(Action::Administer, None, None);
    let could: Vec<String> = administrators
        .iter()
        .filter(|id| !tally.counted.contains(*id))
        .map(ToString::to_string)
        .collect();
    if ui.is_json() {
        let fields: Vec<Value> = fields.iter().map(|field| json!(field)).collect();
        ui.json(&json!({
            "commit": commit.to_string(),
            "fields": fields,
            "required": tally.required,
            "counted": tally.counted,
            "notCounted": tally.not_counted,
            "couldApprove": could,
            "enough": tally.is_enough(),
        }))?;
        return Ok(Outcome::Fine);
    }
    let mut out = format!(
        "{}\n",
        paint(&format!("policy proposed by {}", clean(proposal)), "1", &ui.style)
    );
    for Field {
        field,
        before: old,
        after: new,
    } in fields
    {
        let (old, new) = (
            paint(&clean(&old), "31", &ui.style),
            paint(&clean(&new), "32", &ui.style),
        );
        out.push_str(&format!("  {}: {old} -> {new}\n", clean(&field)));
    }
    let counted: Vec<String> = tally.counted.iter().map(ToString::to_string).collect();
    out.push_str(&format!(
        "\n{} of {} administrators stand behind it{}\n",
        counted.len(),
        tally.required,
        if counted.is_empty() {
            String::new()
        } else {
            format!(": {}", counted.join(", "))
        }
    ));
    for (actor, why) in &tally.not_counted {
        out.push_str(&format!("the review of {actor} does not count: {}\n", clean(why)));
    }
    out.push_str(&match tally.is_enough() {
        true => "anybody can land it\n".to_owned(),
        false => format!(
            "ask {}: modelry policy approve {}{} -m REASON\n",
            could.join(" or "),
            clean(proposal),
            clean(&place_of(&workspace, proposal)?)
        ),
    });
    ui.print(&out)?;
    Ok(Outcome::Fine)
}
