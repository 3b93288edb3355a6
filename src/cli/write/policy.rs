//! `policy show`, `policy approve`

use std::cell::RefCell;
use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::act;
use crate::base::{Error, ObjectKind, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::land::{PolicySeen, Scope, Seen, SeenArgs, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::git::{Head, Repo};
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history::{self, Onto};
use crate::object::{CachedObjects, Objects, Overlay};
use crate::record::change;
use crate::record::kind::{Landing, POLICY_FOLDER, REGISTRY_FILE, RecordPath};
use crate::record::snapshot::{self, Loaded, Records, Snapshot};
use crate::report::summary::{self, PolicyPart, Summary};
use crate::report::{self, Page, clean, paint};
use crate::workspace::{Workspace, verdict};

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
        /// A branch or commit with the proposed `registry.yaml` [default: the work
        /// tree's file]
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
            Some(proposal) => show_proposal(proposal, global, ui),
            None => show(read, global, ui),
        },
        PolicyCommand::Approve {
            proposal,
            seen,
            write,
        } => {
            if write
                .reason
                .as_deref()
                .is_none_or(|reason| reason.trim().is_empty())
            {
                return Err(Error::msg("say why: a decision carries its reason")
                    .hint("modelry policy approve -m \"…\""));
            }
            let workspace = write.open(global)?;
            let bytes = match proposal {
                Some(proposal) => at_revision(&workspace, proposal)?,
                None => on_disk(&workspace)?,
            };
            let proposed = Arc::new(load(&workspace.repo, &bytes)?);
            if proposed.registry().is_none() {
                return Err(unreadable(&workspace, proposal.as_deref()));
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
                    act::approve_policy(desk, &now, write.reason.as_deref())
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
    }
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

/// Reads the `registry.yaml` of the work tree, as git would store it.
fn on_disk(workspace: &Workspace) -> Result<Vec<u8>, Error> {
    if workspace.repo.workdir().is_none() {
        return Err(
            Error::msg("a bare repository has no work tree that could propose a policy")
                .hint("name a branch or commit: `modelry policy approve REV`"),
        );
    }
    let objects = workspace.repo.objects()?;
    let tip = match workspace.repo.head()? {
        Head::Branch { tip, .. } => tip,
        Head::Detached(tip) => Some(tip),
    };
    let tree = tip.map(|tip| history::read_commit(&objects, tip)).transpose()?;
    let tree = tree.map(|commit| commit.tree);
    let overlay = Overlay::new(&objects);
    let path = workspace.from_top(REGISTRY_FILE);
    let within = std::slice::from_ref(&path);
    let stored = workspace
        .repo
        .uncommitted(&overlay, tree, within, &|it| it == path)?;
    let entry = stored
        .tree
        .map(|tree| crate::object::lookup(&overlay, tree, &path))
        .transpose()?;
    match entry.flatten() {
        Some(entry) => overlay.read(entry.id, ObjectKind::Blob),
        None => Err(Error::msg(format!("the work tree has no `{path}`"))
            .hint("name a branch or commit that proposes a policy: `modelry policy approve REV`")),
    }
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
                "administrators": policy.administrators(),
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
        let administrators = policy.administrators();
        line(
            "administrators",
            list(administrators.iter().map(ToString::to_string).collect()),
        );
        line(
            "to change it",
            format!("{} of them", registry.policy_change.required),
        );
        let recovery = policy.recovery();
        if !recovery.is_empty() {
            let names = recovery.iter().map(ToString::to_string);
            line(
                "stand-ins",
                format!("{}, when too few of them are left", list(names.collect())),
            );
        }
        for stage in &registry.stages {
            let asks = if stage.requires.is_some() {
                ", only Approved versions"
            } else {
                ""
            };
            line("stage", format!("{}{asks}", stage.name));
        }
        for from in crate::record::kind::Status::ALL {
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

/// Formats a rule of approval on one line.
fn rule_words(rule: &crate::record::kind::ApprovalRule) -> String {
    let mut words = Vec::new();
    words.push(crate::base::count(
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

/// Lists the reviews of policies that are not in force yet.
fn open_reviews(snapshot: &Snapshot<'_>, serial: u64) -> Result<Vec<(u64, String)>, Error> {
    let mut open = Vec::new();
    for name in snapshot.names(POLICY_FOLDER)? {
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

/// Returns the options that send a review to the proposal's branch, with a space
/// before them. A branch of a remote gets the review there at once.
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
        // The proposal is not a branch: the reviewer must name one.
        _ => " --branch NAME".to_owned(),
    })
}

/// The verdict on a proposal, for each way of landing.
struct Verdict {
    /// The ways of landing without a finding.
    lands: Vec<Landing>,
    /// The ways that lack only reviews by administrators.
    lacks: Vec<Landing>,
    /// The faults that no review removes; empty where some way of landing has none.
    faults: Report,
}

/// Judges a proposal as `validate --onto` does, in each way of landing.
fn judged(objects: &dyn Objects, ask: &Onto<'_>) -> Result<Verdict, Error> {
    let mut faults = history::onto(objects, ask)?.report;
    faults.findings.retain(|finding| finding.acknowledged.is_none());
    let has = |way: &Landing, only: &dyn Fn(&Finding<Place>) -> bool| {
        let mut findings = faults.findings.iter();
        findings.any(|finding| finding.landings.contains(way) && only(finding))
    };
    let lacks_approval = |finding: &Finding<Place>| finding.rule.code == "MR403";
    let is_faulty = |way: &Landing| has(way, &|finding| !lacks_approval(finding));
    let ways = || ask.ways.iter().copied();
    let lands: Vec<Landing> = ways().filter(|way| !has(way, &|_| true)).collect();
    let lacks: Vec<Landing> = ways()
        .filter(|way| has(way, &lacks_approval) && !is_faulty(way))
        .collect();
    faults.findings.retain(|finding| !lacks_approval(finding));
    if !(lands.is_empty() && lacks.is_empty()) {
        faults.findings.clear();
    }
    Ok(Verdict { lands, lacks, faults })
}

/// Lists ways of landing in a sentence.
fn ways_words(ways: &[Landing]) -> String {
    let names: Vec<&str> = ways.iter().map(|way| way.name()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// Describes how a proposal lands, and what the other ways lack.
fn landing_words(
    verdict: &Verdict,
    ask: &Onto<'_>,
    part: &PolicyPart,
    could: &[String],
    approve: &str,
) -> String {
    let Verdict { lands, lacks, .. } = verdict;
    if lands.len() == ask.ways.len() {
        return "anybody can land it\n".into();
    }
    let mut lines = Vec::new();
    if !lands.is_empty() {
        lines.push(format!("it lands by {}", ways_words(lands)));
    }
    let lacking = match lands.is_empty() {
        true => String::new(),
        false => format!("by {} it lacks ", ways_words(lacks)),
    };
    // The signature of a commit counts only in a merge.
    let signer = part.signed.as_ref().filter(|_| part.is_enough());
    lines.extend(match (lacks.is_empty(), signer, &part.blocked) {
        (true, _, _) => None,
        (_, Some(signer), _) => Some(match lands.is_empty() {
            true => format!("it lacks {signer}'s own review: {approve}"),
            false => format!("{lacking}{signer}'s own review: {approve}"),
        }),
        (_, None, Some(why)) => Some(format!("blocked: nobody can give what is missing: {why}")),
        // Another review does not help: each commit is a step there.
        (_, None, None) if could.is_empty() => Some(format!(
            "not by {}, where each commit is a step of its own: modelry validate --onto {} {}",
            ways_words(lacks),
            ask.mainline,
            ask.tip.short()
        )),
        (_, None, None) if lands.is_empty() => Some(format!("ask {}: {approve}", could.join(" or "))),
        (_, None, None) => Some(format!(
            "{lacking}the review of {}: {approve}",
            could.join(" or ")
        )),
    });
    let ways = ask.ways.iter().copied();
    let faulty: Vec<Landing> = ways
        .filter(|way| !lands.contains(way) && !lacks.contains(way))
        .collect();
    if !faulty.is_empty() {
        lines.push(format!(
            "by {} it has findings: modelry validate --onto {} {}",
            ways_words(&faulty),
            ask.mainline,
            ask.tip.short()
        ));
    }
    format!("{}\n", lines.join("; "))
}

fn show_proposal(proposal: &str, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let workspace = Workspace::open(&global.wanted())?;
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let tip = workspace.tip()?;
    let at = |commit| -> Result<Snapshot<'_>, Error> {
        Snapshot::at(
            &records,
            history::read_commit(&kept, commit)?.tree,
            &workspace.folder,
        )
    };
    let policy = history::policy_at(&at(tip)?, workspace.mainline_name())?;
    let commit = workspace.repo.resolve(proposal)?;
    let proposed = at(commit)?
        .registry()?
        .ok_or_else(|| Error::msg(format!("`{proposal}` holds no `registry.yaml`")))?;
    let no_other = || {
        Error::msg(format!(
            "`{proposal}` proposes no other policy than the one in force"
        ))
    };
    let (before, after) = (policy.source.value(), proposed.value());
    if before == after {
        return Err(no_other());
    }
    // Findings of the mainline itself do not concern the proposal.
    let nothing = Report::default();
    let ask = Onto {
        folder: &workspace.folder,
        policy: &policy,
        mainline: workspace.mainline_name(),
        base: tip,
        tip: commit,
        ways: policy.landing(),
        before: &nothing,
        merge_text: &crate::git::merge_text,
    };
    let verdict = judged(&kept, &ask)?;
    let report = &verdict.faults;
    let (mut summary, caution) = verdict::meaning(&kept, &ask)?;
    let mut part = summary.policy.take();
    if part.is_none() && report.is_clean() {
        return Err(no_other());
    }
    let outcome = match verdict.lands.is_empty() {
        true => Outcome::Findings,
        false => Outcome::Fine,
    };
    // The command that approves is named below, and only where the review would
    // count.
    let could = part
        .as_mut()
        .map(|part| std::mem::take(&mut part.could_agree))
        .unwrap_or_default();
    if ui.is_json() {
        let fields = summary::fields(before, after, change::differing_pointers(before, after));
        let findings: Value = serde_json::from_str(&report::report(report, report::Format::Json, &ui.style))
            .unwrap_or_default();
        let part = part.as_ref();
        ui.json(&json!({
            "commit": commit.to_string(),
            "fields": fields,
            "subject": part.map(|part| &part.subject),
            "policy": part,
            "required": part.map(|part| part.required),
            "counted": part.map(|part| &part.agreed),
            "notCounted": part.map(|part| &part.not_counted),
            "couldApprove": could,
            "lands": verdict.lands.iter().map(|way| way.name()).collect::<Vec<_>>(),
            "enough": part.is_some_and(PolicyPart::is_enough) && report.is_clean(),
            "findings": findings["findings"],
        }))?;
        return Ok(outcome);
    }
    let mut out = format!(
        "{}\n",
        paint(&format!("policy proposed by {}", clean(proposal)), "1", &ui.style)
    );
    let (from, to) = (tip.short().to_string(), commit.short().to_string());
    if let Some(mut part) = part {
        part.files.clear();
        let agreed = part
            .agreed
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let behind = format!(
            "{} of {} administrators stand behind it{}{agreed}\n",
            part.agreed.len(),
            part.required,
            if agreed.is_empty() { "" } else { ": " }
        );
        let names: Vec<String> = could.iter().map(ToString::to_string).collect();
        let approve = format!(
            "modelry policy approve {}{} -m REASON --expect {}",
            clean(proposal),
            clean(&place_of(&workspace, proposal)?),
            part.subject.get(7..31).unwrap_or_default()
        );
        let words = landing_words(&verdict, &ask, &part, &names, &approve);
        let only = Summary {
            policy: Some(part),
            ..Summary::default()
        };
        out.push_str(&report::summary_terminal(
            &Page {
                summary: &only,
                report: None,
                folder: &workspace.folder,
                range: (&from, &to),
                caution: caution.as_deref(),
            },
            &ui.style,
        ));
        out.push_str(&format!("\n{behind}"));
        if report.is_clean() {
            out.push_str(&words);
        }
    }
    if !report.is_clean() {
        out.push_str("it can't land as it is, whoever approves it:\n\n");
        out.push_str(&report::report(
            report,
            crate::cli::output::report_format(ui.output),
            &ui.style,
        ));
    }
    ui.print(&out)?;
    Ok(outcome)
}
