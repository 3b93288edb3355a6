//! From a base to a commit that no reference leads to yet: proven, drafted,
//! judged, agreed to, signed and stored.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::super::me::Me;
use super::super::{Outcome, Ui, report_format};
use super::make::{Made, make};
use super::tell::{refused, show_decision};
use super::{Job, Target, WriteArgs};
use crate::access::{Carrier, Policy, Verdict};
use crate::act;
use crate::error::Error;
use crate::finding::{Finding, Place, Report};
use crate::history::{self, Graph, Replay};
use crate::proof::{How, Point};
use crate::raw::{Kept, Objects, Oid, Overlay};
use crate::render;
use crate::sign::Signer;
use crate::snapshot::Records;
use crate::subject::RECORD_NAMESPACE;
use crate::workspace::Workspace;

/// One command at work, however often it starts over.
pub(super) struct Run<'r> {
    pub workspace: &'r Workspace,
    pub job: &'r Job<'r>,
    pub args: &'r WriteArgs,
    pub ui: &'r Ui,
    /// What somebody agreed to sign: who starts over asks again only when it is
    /// another thing.
    pub agreed: RefCell<Option<String>>,
}

/// A change that is stored as a commit.
pub(super) struct Signed {
    pub made: Made,
    pub commit: Oid,
    pub base: Oid,
    /// Files from the repository's top: new content, or gone.
    pub edits: BTreeMap<String, Option<Vec<u8>>>,
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

/// What came of preparing.
pub(super) enum Prepared {
    /// A commit that may land.
    Signed(Box<Signed>),
    /// It would be fine, and no more was asked.
    Dry(Box<Made>),
    /// There was nothing to do, or it was refused; which was said.
    Over(Outcome),
}

pub(super) fn prepare(run: &Run<'_>, target: &Target) -> Result<Prepared, Error> {
    let Run {
        workspace,
        job,
        args,
        ui,
        ..
    } = *run;
    let repo = &workspace.repo;
    let git_objects = repo.objects()?;
    let (policy, point) = match prove(workspace, &git_objects, target, job, args, ui)? {
        Ok(proven) => proven,
        Err(outcome) => return Ok(Prepared::Over(outcome)),
    };
    let me = Me::configured(repo.directory())?;
    let actor = me.actor(&policy)?;
    let verdict = match args.no_commit_signature {
        true => Verdict::Unsigned,
        false => Verdict::Actor {
            id: actor.clone(),
            key: me.fingerprint.clone(),
        },
    };
    let carrier = Carrier::new(None, verdict);
    let sign_record = |bytes: &[u8]| me.signer.sign(RECORD_NAMESPACE, bytes);
    let asks = job.decision && !args.yes && !args.dry_run && ui.can_ask();
    // Before anything is signed, the whole change is judged as it would be.
    if (asks || args.dry_run) && !args.no_commit_signature {
        let overlay = Overlay::new(&git_objects);
        let made = make(workspace, &overlay, &policy, &actor, None, &carrier, job, target)?;
        let Some(made) = made else {
            return Ok(Prepared::Over(Outcome::Fine));
        };
        if !made.report.findings.is_empty() && !target.proposes(&made.report) {
            return refused(&made.report, ui).map(Prepared::Over);
        }
        if args.dry_run {
            return Ok(Prepared::Dry(Box::new(made)));
        }
        let shown = made.shown();
        if run.agreed.borrow().as_ref() != Some(&shown) {
            show_decision(&made, ui);
            if !ui.ask(&format!("Sign this as {actor}?"))? {
                return Err(Error::told("not signed, and nothing was written"));
            }
            run.agreed.replace(Some(shown));
        }
    }
    let overlay = Overlay::new(&git_objects);
    let signer: Option<act::RecordSigner<'_>> = if args.no_record_signature {
        None
    } else {
        Some(&sign_record)
    };
    let made = make(
        workspace, &overlay, &policy, &actor, signer, &carrier, job, target,
    )?;
    let Some(mut made) = made else {
        return Ok(Prepared::Over(Outcome::Fine));
    };
    if !made.report.findings.is_empty() && !target.proposes(&made.report) {
        return refused(&made.report, ui).map(Prepared::Over);
    }
    if args.dry_run {
        return Ok(Prepared::Dry(Box::new(made)));
    }
    if asks {
        // They were told before the question.
        made.notes.clear();
    }
    let edits: BTreeMap<String, Option<Vec<u8>>> = made
        .edits
        .iter()
        .map(|(path, content)| (workspace.from_top(path), content.clone()))
        .collect();
    if target.follows {
        repo.check_clean(edits.keys())?;
    }
    let buffer = repo.commit_buffer(made.top, &[target.base], &made.message)?;
    let signature = match args.no_commit_signature {
        true => None,
        false => Some(me.sign_commit(&policy, &actor, &buffer)?),
    };
    let objects = overlay.new.reachable(made.top);
    let mut ids: Vec<Oid> = objects.iter().map(|(id, ..)| *id).collect();
    repo.write_objects(objects.into_iter())?;
    let commit = repo.store_commit(&buffer, signature.as_deref())?;
    ids.push(commit);
    repo.sync_objects(&ids)?;
    Ok(Prepared::Signed(Box::new(Signed {
        made,
        commit,
        base: target.base,
        edits,
        point,
    })))
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
    let objects = &Kept::new(objects);
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
    if !proof.pinned {
        ui.note(&format!(
            "the root {} is not pinned in this clone, and was taken on trust: `modelry trust`",
            proof.root.short()
        ));
    }
    let blocks = |finding: &Finding<Place>| job.scope.is_stopped_by(finding.group.as_deref());
    let mut report = proof.report;
    report.findings.retain(|finding| finding.acknowledged.is_none());
    let (own, others) = elsewhere(workspace, objects, target, &report, blocks)?;
    report.findings.retain(blocks);
    if !report.findings.is_empty() {
        let own = own_faults(objects, target, &mut report)?;
        ui.print(&render::report(&report, report_format(ui.output), &ui.style))?;
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
            render::count(own, "finding"),
            workspace.mainline_name()
        ));
    }
    if others > 0 {
        ui.note(&format!(
            "{} elsewhere in the history: `modelry audit` tells more",
            render::count(others, "finding")
        ));
    }
    Ok(Ok((proof.policy, proof.point)))
}
