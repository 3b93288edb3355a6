//! Judges a branch, as each way of landing would leave the mainline.

use super::base_trust::BaseTrust;
use super::judgement::{Judgement, Notice};
use super::page;
use crate::base::{Error, Oid};
use crate::git::{Metered, merge_text};
use crate::judge::finding::{Note, Report};
use crate::judge::history::{self, Onto, Replay};
use crate::object::CachedObjects;
use crate::record::kind::Landing;
use crate::record::snapshot::Records;
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::prove::ProveOptions;

/// Judges `tip` as it would land on `base`: in one way, or in each that the policy
/// allows.
///
/// # Errors
/// An object can't be read, or there is nothing to land.
pub(super) fn judge(
    workspace: &Workspace,
    (base, tip): (Oid, Oid),
    way: Option<Landing>,
    trust: BaseTrust,
    summary: bool,
) -> Result<Judgement, Error> {
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let mut judgement = Judgement::default();
    let (policy, faulty) = proven(workspace, &records, base, trust, &mut judgement)?;
    let ways = way.map_or_else(|| policy.landing().to_vec(), |way| vec![way]);
    let ask = Onto {
        folder: &workspace.folder,
        policy: &policy,
        mainline: workspace.mainline_name(),
        base,
        tip,
        ways: &ways,
        before: &faulty,
        merge_text: &merge_text,
    };
    let landings = history::onto(&Metered::new(&kept), &ask)?;
    if landings.stopped > 0 {
        judgement.note(format!(
            "the history at {} is faulty: what lands on it would build on that",
            base.short()
        ));
    }
    if summary {
        judgement.summary = Some(page::of_landing(&kept, &ask, &landings.report)?);
    }
    judgement.elsewhere = landings.elsewhere;
    judgement.report = landings.report;
    Ok(judgement)
}

/// Judges a branch whose commits `base` has already: it gets no kinder verdict than
/// the mainline.
///
/// # Errors
/// An object can't be read.
pub(super) fn landed(
    workspace: &Workspace,
    (base, tip): (Oid, Oid),
    trust: BaseTrust,
    summary: bool,
) -> Result<Judgement, Error> {
    let objects = workspace.repo.objects()?;
    let records = Records::new(&objects);
    let mut judgement = Judgement::default();
    let faulty = proven(workspace, &records, base, trust, &mut judgement)?.1;
    let report = &mut judgement.report;
    report.findings = faulty.findings;
    report.findings.retain(|finding| finding.acknowledged.is_none());
    let message = format!(
        "nothing would land: `{}` at {} has all of {}",
        workspace.mainline_name(),
        base.short(),
        tip.short()
    );
    report.notes.push(Note {
        message: message.clone(),
        path: None,
        commit: None,
    });
    judgement.note(message);
    if summary {
        // The page counts what it reads itself.
        let records = Records::new(&objects);
        let page = page::of_steps(&records, workspace, Some(base), base, &judgement.report)?;
        judgement.summary = Some(page);
    }
    Ok(judgement)
}

/// Returns the policy in force at `base`, and the findings on the way there.
fn proven(
    workspace: &Workspace,
    records: &Records<'_>,
    base: Oid,
    trust: BaseTrust,
    judgement: &mut Judgement,
) -> Result<(Policy, Report), Error> {
    let Some(how) = trust.how() else {
        judgement.note("the history that it would land on was not proven (--trust-base)");
        let given = Replay::after_judged(records, &workspace.folder, base)?.policy;
        let policy = given.ok_or_else(|| Error::msg("no policy is in force there"))?;
        return Ok((policy, Report::default()));
    };
    let how = ProveOptions {
        mainline: workspace.repo.reference(&workspace.mainline)? == Some(base),
        ..how
    };
    let proof = workspace.prove(records.objects(), records, base, how)?;
    judgement.notes.extend(proof.on_trust().map(Notice::Always));
    Ok((proof.policy, proof.report))
}
