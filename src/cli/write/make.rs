//! The change itself: drafted on the base, judged as it would land, and not
//! written.

use std::collections::BTreeMap;

use super::super::given;
use super::{Job, Scope, Target};
use crate::access::{self, Carrier, GateResult, Policy};
use crate::act::{self, Desk, Draft, GivenPart};
use crate::change::{self, Change, ChangeKind, Differences};
use crate::error::Error;
use crate::finding::{Finding, Part, Place, Report};
use crate::history::{self, Past, Replay};
use crate::model::{Action, ActorId, RecordPath, VersionId};
use crate::raw::{self, ObjectKind, Objects, Oid, Overlay};
use crate::rules::Resolver;
use crate::snapshot::{self, Records, Snapshot};
use crate::workspace::Workspace;

/// A change that is made and judged, and not written.
pub(super) struct Made {
    pub edits: BTreeMap<String, Option<Vec<u8>>>,
    pub top: Oid,
    pub message: String,
    pub changes: Vec<Change>,
    /// What to tell of choices that were made.
    pub notes: Vec<String>,
    /// What programs are told beside the change.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// What the gates say of what is decided.
    pub gates: Vec<(VersionId, Vec<GateResult>)>,
    pub report: Report,
}

impl Made {
    /// Whether it brings another policy.
    pub fn brings_policy(&self) -> bool {
        let mut kinds = self.changes.iter().map(|change| &change.kind);
        kinds.any(|kind| *kind == ChangeKind::PolicyChanged)
    }

    /// Whether it moves a version's status.
    pub fn moves_status(&self) -> bool {
        let mut kinds = self.changes.iter().map(|change| &change.kind);
        kinds.any(|kind| matches!(kind, ChangeKind::StatusMoved { .. }))
    }

    /// The commit's subject.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// What somebody agrees to who signs it, as text to compare.
    pub fn shown(&self) -> String {
        let review = |change: &Change| {
            let review = change.after.as_ref().and_then(|after| after.review());
            review.map(|review| review.subject.to_string())
        };
        let lines = self
            .changes
            .iter()
            .map(|change| format!("{} {}", change.trailer(), review(change).unwrap_or_default()));
        let gates = self.gates.iter().map(|gates| format!("{gates:?}"));
        lines
            .chain(gates)
            .chain(self.notes.clone())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "each is one thing that the change rests on"
)]
pub(super) fn make(
    workspace: &Workspace,
    overlay: &Overlay<'_>,
    policy: &Policy,
    actor: &ActorId,
    signer: Option<act::RecordSigner<'_>>,
    carrier: &Carrier,
    job: &Job<'_>,
    target: &Target,
) -> Result<Option<Made>, Error> {
    let base = target.base;
    let records = Records::new(overlay);
    let base_tree = history::read_commit(overlay, base)?.tree;
    let prior = Snapshot::at(&records, base_tree, &workspace.folder)?;
    let past = Past::new(overlay, &workspace.folder, Some(base));
    let desk = Desk {
        snapshot: prior,
        policy,
        actor: actor.clone(),
        signer,
        past: &past,
    };
    let Some(mut draft) = (job.draft)(&desk)? else {
        return Ok(None);
    };
    // Where somebody else will carry it, the policy needs its author's review.
    if job.scope == Scope::Policy
        && !target.is_mainline
        && desk.signer.is_some()
        && let Some(Some(text)) = draft.edits.get("registry.yaml")
        && let id = Oid::hash(overlay.format(), ObjectKind::Blob, text.as_bytes())
        && let proposed = snapshot::load(&RecordPath::Registry, id, text.as_bytes())?
        && (policy.may(actor, Action::Administer, None, None)
            || policy.is_recovery(actor)
            || access::ends_only_own(policy, &proposed, actor))
    {
        draft.absorb(act::approve_policy(
            &desk,
            &proposed,
            draft.reason.clone().as_deref(),
        )?);
    }
    let tree = |draft: &Draft| -> Result<Oid, Error> {
        let edits: BTreeMap<String, Option<Vec<u8>>> = draft
            .edits
            .iter()
            .map(|(path, text)| (workspace.from_top(path), text.clone().map(String::into_bytes)))
            .collect();
        raw::edit(overlay, Some(base_tree), &edits)?.ok_or_else(|| Error::told("nothing would be left"))
    };
    let mut top = tree(&draft)?;
    for id in std::mem::take(&mut draft.settle) {
        let after = Snapshot::at(&records, top, &workspace.folder)?;
        if let Some((_, text)) = act::settle(&desk, &after, &id)? {
            draft
                .edits
                .insert(RecordPath::Version(id.clone()).to_string(), Some(text));
            top = tree(&draft)?;
        }
    }
    let next = Snapshot::at(&records, top, &workspace.folder)?;
    let differences = change::diff(&prior, &next)?;
    if differences.changes.is_empty() {
        return Err(Error::told("nothing would change"));
    }
    let gates = access::gates_of_changes(policy, &prior, &next, &differences.changes)?;
    let mut replay = Replay::with_policy(&records, &workspace.folder, policy.clone());
    let judged = replay.judge(prior, next, carrier, &differences, &past, Some(base))?;
    let mut checked = replay.checked;
    checked.documents = records.documents();
    let mut findings = judged.findings;
    if findings.is_empty() {
        let resolver = Resolver {
            prior,
            next,
            folder: &workspace.folder,
            before: Some(base),
            after: None,
        };
        let unmet = act::unmet_gates(&differences.changes, &gates);
        findings.extend(unmet.into_iter().map(|finding| resolver.resolve(finding)));
    }
    for finding in &mut findings {
        point_into(finding, &draft.given, &next, workspace);
    }
    let mut notes = draft.notes;
    let is_policy = |change: &Change| change.kind == ChangeKind::PolicyChanged;
    if differences.changes.iter().any(is_policy)
        && findings.iter().all(|finding| finding.rule.code == "MR403")
        && let Some(after) = next.registry()?.and_then(Policy::new)
    {
        let known = &policy.registry().revoked;
        notes.extend(act::consequences(
            &after,
            &replay.distrusted(&after, known, base)?,
        ));
        // What the policy lacks from now on is for its author to know.
        notes.extend(judged.notes.iter().map(|note| note.message.clone()));
    }
    let report = Report {
        findings,
        notes: judged.notes,
        checked,
        ..Report::default()
    };
    let Differences { changes, .. } = differences;
    // A subject is one line, whatever names it holds.
    let mut message = draft.subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(reason) = &draft.reason {
        message.push_str(&format!("\n\n{reason}"));
    }
    message.push('\n');
    for change in &changes {
        message.push_str(&format!("\nModelry-Change: {}", change.trailer()));
    }
    let edits = draft
        .edits
        .into_iter()
        .map(|(path, text)| (path, text.map(String::into_bytes)))
        .collect();
    Ok(Some(Made {
        edits,
        top,
        message,
        changes,
        notes,
        facts: draft.facts,
        gates,
        report,
    }))
}

/// Lets a finding about what a user gave as a file point into that file.
fn point_into(finding: &mut Finding<Place>, given: &[GivenPart], next: &Snapshot<'_>, workspace: &Workspace) {
    let at = &finding.primary.at;
    for part in given
        .iter()
        .filter(|part| workspace.from_top(&part.record) == at.path)
    {
        let record = RecordPath::parse(&part.record).and_then(|path| next.read(&path).ok().flatten());
        let value = record
            .as_ref()
            .and_then(|record| record.value().pointer(&at.pointer));
        let Some(pointer) = part.pointer(&part.record, &at.pointer, value) else {
            continue;
        };
        let span = part.document.span(&pointer, Part::Value);
        finding.primary.at = given::place(&part.name, part.document.text(), span, &pointer);
        return;
    }
}
