//! From a base to a commit that no reference leads to yet: proven, previewed,
//! agreed to, signed and stored.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::json;

use super::super::Ui;
use super::super::output::{Outcome, report_format};
use super::commit::commit;
use super::preview::{Existing, Preview, Proposal, preview};
use super::seen::{look, typed};
use super::tell::{declined, not_signed, refused, show_decision};
use super::{Job, Target, WriteArgs};
use crate::act::Refusal;
use crate::base::{Error, Oid};
use crate::git::{Following, GitObjects};
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history::{self, Graph, Replay};
use crate::object::{CachedObjects, Objects};
use crate::record::kind::ActorId;
use crate::record::snapshot::Records;
use crate::report;
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::identity::Me;
use crate::workspace::prove::{How, Point};

/// One command at work, however often it starts over.
pub(super) struct Run<'r> {
    pub workspace: &'r Workspace,
    pub job: &'r Job<'r>,
    pub args: &'r WriteArgs,
    pub ui: &'r Ui,
    /// The text that was agreed to: a command that starts over asks again only when
    /// it differs.
    pub agreed: RefCell<Option<String>>,
    /// The changes since this clone showed the object, as they were printed last.
    pub told: RefCell<String>,
    /// The commit whose registry was seen: what this clone showed first, then
    /// what somebody agreed to.
    pub seen: Cell<Option<Oid>>,
}

/// A change that is stored as a commit.
pub(super) struct Signed {
    pub made: Proposal,
    pub commit: Oid,
    pub base: Oid,
    /// Files from the repository's top: new content, or gone.
    pub edits: BTreeMap<String, Option<Vec<u8>>>,
    /// How the work tree follows; none where it does not.
    pub following: Option<Following>,
    /// The proof of the base, to be remembered when the mainline stands there.
    pub point: Option<Point>,
}

impl Signed {
    /// The entry in the log of a reference.
    pub fn log(&self) -> String {
        format!(
            "modelry: {}",
            self.made.message.lines().next().unwrap_or_default()
        )
    }
}

/// The outcome of preparing.
pub(super) enum Prepared {
    /// A commit that may land.
    Signed(Box<Signed>),
    /// It would be fine, and no more was asked.
    Dry(Box<Proposal>),
    /// The base holds already what was asked for.
    Existing(Existing),
    /// It was refused, which was said.
    Over(Outcome),
}

/// A base whose history is proven, and the actor who builds on it.
pub(super) struct Base<'b> {
    pub objects: &'b GitObjects<'b>,
    /// The policy in force there.
    pub policy: Policy,
    /// The signing key.
    pub me: Me,
    /// The actor whom that key proves.
    pub actor: ActorId,
}

/// Proves the base, previews the change, asks, and commits.
///
/// # Errors
/// When it can't be done; nothing is written then.
pub(super) fn prepare(run: &Run<'_>, target: &Target) -> Result<Prepared, Error> {
    let Run {
        workspace,
        job,
        args,
        ui,
        ..
    } = *run;
    let objects = &workspace.repo.objects()?;
    let (policy, point) = match prove(workspace, objects, target, job, args, ui)? {
        Ok(proven) => proven,
        Err(outcome) => return Ok(Prepared::Over(outcome)),
    };
    let me = Me::configured(&workspace.repo)?;
    let actor = me.actor(&policy)?;
    let base = Base {
        objects,
        policy,
        me,
        actor,
    };
    let mut proposal = match preview(run, &base, target)? {
        Preview::Existing(there) => return Ok(Prepared::Existing(there)),
        Preview::Refused(report) => return refused(&report, ui).map(Prepared::Over),
        Preview::Idle(refusal) => return declined(&refusal, &json!({}), ui).map(Prepared::Over),
        Preview::Ready(proposal) => proposal,
    };
    if let Some(outcome) = agree(run, &base, target, &mut proposal)? {
        return Ok(Prepared::Over(outcome));
    }
    match args.dry_run {
        true => Ok(Prepared::Dry(proposal)),
        false => {
            commit(run, &base, target, *proposal, point).map(|signed| Prepared::Signed(Box::new(signed)))
        }
    }
}

/// Looks whether a decision is about what was seen, shows it, and asks where
/// somebody is there to answer. An outcome when it is not to be signed.
///
/// # Errors
/// When an object can't be read, or nothing can be asked.
fn agree(
    run: &Run<'_>,
    base: &Base<'_>,
    target: &Target,
    proposal: &mut Proposal,
) -> Result<Option<Outcome>, Error> {
    let Run { job, args, ui, .. } = *run;
    if !proposal.decides() {
        return Ok(None);
    }
    let asks = !args.yes && !args.dry_run && ui.can_ask();
    let look = match &job.seen {
        Some(_) => Some(look(run, base, target, proposal)?),
        None => None,
    };
    let mut anew = false;
    if let (Some(look), Some(seen)) = (look, &job.seen) {
        let given = seen.args.cloned().unwrap_or_default();
        proposal.contents.clone_from(&look.contents);
        proposal.notes.extend(look.notes.iter().cloned());
        if !given.expect.is_empty()
            && let Some(refusal) = look.unexpected(&given, args)
        {
            look.show(ui);
            return declined(&refusal, &json!({"subjects": proposal.content_values()}), ui).map(Some);
        }
        if look.has_moved() && !given.any_content {
            let knows = !given.expect.is_empty() || args.dry_run;
            if !asks && !knows {
                return look.unseen(seen.args.is_some(), ui).map(Some);
            }
            anew = true;
        }
        // A command that starts over repeats only what is new.
        let words = look.words(ui);
        if !words.is_empty() && (anew || *run.told.borrow() != words) {
            ui.say(&words);
            run.told.replace(words);
        }
    }
    if !asks {
        return match !args.yes && !args.dry_run && ui.asks_unseen() {
            true => declined(&unshown(), &json!({}), ui).map(Some),
            false => Ok(None),
        };
    }
    let shown = proposal.shown();
    if anew || run.agreed.borrow().as_ref() != Some(&shown) {
        if target.follows {
            let edits = proposal.edits.iter();
            let edits = edits
                .map(|(path, content)| (run.workspace.from_top(path), content.clone()))
                .collect();
            run.workspace.repo.check_clean(&edits)?;
        }
        show_decision(proposal, ui);
        if !ui.ask(&format!("Sign this as {}?", base.actor))? {
            return not_signed(ui).map(Some);
        }
        run.agreed.replace(Some(shown));
        run.seen.set(Some(target.base));
        if let Some(policy) = job.seen.as_ref().and_then(|seen| seen.policy)
            && let Some(now) = policy.now.borrow().clone()
        {
            policy.shown.replace(now);
        }
    }
    // They were told before the question.
    proposal.notes.clear();
    Ok(None)
}

/// The reason why nothing is signed for somebody at a terminal who would not see
/// the question.
fn unshown() -> Refusal {
    let typed = typed();
    Refusal {
        why: "the decision and its question go to standard error, and the answer comes from standard input: only one of the two is a terminal".to_owned(),
        remedies: vec![
            "run it again with both on the terminal, to see and answer the question".to_owned(),
            format!("or sign it without the question: `{typed} --yes`"),
        ],
    }
}

/// The faulty commits that no remote has: they can still be put right, so that no
/// line to accept them is offered.
fn own_faults(objects: &dyn Objects, target: &Target, report: &mut Report) -> Result<Vec<Oid>, Error> {
    let Some(remote) = target.remote else {
        return Ok(Vec::new());
    };
    let own = history::chain_if(objects, remote, target.base)?.unwrap_or_default();
    let mut faulty = Vec::new();
    for finding in &mut report.findings {
        if let Some(step) = finding
            .step
            .filter(|step| own.iter().any(|commit| commit.id == *step))
        {
            finding.step = None;
            faulty.push(step);
        }
    }
    faulty.dedup();
    Ok(faulty)
}

/// How many findings stop nothing: those in the branch's own commits, of which a
/// missing administrator is none, and those in the history that it starts from.
fn elsewhere(
    workspace: &Workspace,
    objects: &dyn Objects,
    target: &Target,
    report: &Report,
    blocks: impl Fn(&Finding<Place>) -> bool,
) -> Result<(usize, usize), Error> {
    let others: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| !blocks(finding))
        .collect();
    if target.is_mainline || others.is_empty() {
        return Ok((0, others.len()));
    }
    let sides = Graph::new(objects, None).sides(workspace.tip()?, target.base)?;
    let is_own = |finding: &&Finding<Place>| finding.step.is_some_and(|step| sides.second.contains(&step));
    let (own, past): (Vec<&Finding<Place>>, Vec<_>) = others.into_iter().partition(is_own);
    let told = own.iter().filter(|finding| finding.rule.code != "MR403");
    Ok((told.count(), past.len()))
}

/// The policy in force at the base, once its history is proven.
pub(super) fn prove(
    workspace: &Workspace,
    objects: &dyn Objects,
    target: &Target,
    job: &Job<'_>,
    args: &WriteArgs,
    ui: &Ui,
) -> Result<Result<(Policy, Option<Point>), Outcome>, Error> {
    let objects = &CachedObjects::new(objects);
    let records = Records::new(objects);
    if args.trust_base {
        ui.note("the history that this builds on was not proven (--trust-base)");
        let policy = Replay::after(&records, &workspace.folder, target.base)?
            .policy
            .ok_or_else(|| Error::told("no policy"))?;
        return Ok(Ok((policy, None)));
    }
    let proof = workspace.prove(
        objects,
        &records,
        target.base,
        How {
            mainline: target.on_mainline,
            replay: args.replay,
            audit: false,
            later: !target.is_here,
            remote: target.remote.filter(|_| target.on_mainline),
        },
    )?;
    if let Some(note) = proof.on_trust() {
        ui.note(&note);
    }
    let blocks = |finding: &Finding<Place>| job.scope.is_stopped_by(finding);
    let mut report = proof.report;
    report.findings.retain(|finding| finding.acknowledged.is_none());
    let (own, others) = elsewhere(workspace, objects, target, &report, blocks)?;
    report.findings.retain(blocks);
    if !report.findings.is_empty() {
        let own = own_faults(objects, target, &mut report)?;
        ui.print(&report::report(&report, report_format(ui.output), &ui.style))?;
        ui.note("nothing was written: the history that it would build on is faulty");
        for commit in own {
            ui.note(&format!(
                "commit {} is not pushed: mend it (`git commit --amend`, `git rebase -i {1}`), or drop it with all after it: `git reset --keep {1}`",
                commit.short(),
                format_args!("{}~1", commit.short())
            ));
        }
        return Ok(Err(Outcome::Findings));
    }
    // That administrators are missing is what a proposal is for.
    if own > 0 {
        let branch = super::short(&target.branch);
        ui.note(&format!(
            "{} in the commits of `{branch}` itself: `modelry validate --onto {} {branch}` tells more",
            crate::base::count(own, "finding"),
            workspace.mainline_name()
        ));
    }
    if others > 0 {
        ui.note(&format!(
            "{} elsewhere in the history: `modelry audit` tells more",
            crate::base::count(others, "finding")
        ));
    }
    Ok(Ok((proof.policy, proof.point)))
}
