//! Drafts the change on the base, and judges it with the verdicts that its signatures
//! will have. Nothing is signed or written here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::attempt::{Attempt, Base};
use super::contents::contents_of;
use super::{Scope, Target};
use crate::act::{self, Draft, GivenPart, Refusal, WriteContext};
use crate::base::{Error, ObjectFormat, ObjectKind, Oid};
use crate::cli::write::given;
use crate::judge::finding::{Finding, Place, Report};
use crate::judge::history::{self, Past, Replay};
use crate::judge::rules::{self, Resolver};
use crate::object::{self, Objects, Overlay};
use crate::record::change::{self, Change, ChangeKind, Differences};
use crate::record::kind::{Action, Digest, REGISTRY_FILE, RecordPath, VersionId, cleaned_text, text_fault};
use crate::record::schema;
use crate::record::snapshot::{self, Records, Snapshot};
use crate::record::yaml::Part;
use crate::trust::{self, Carrier, Carriers, GateResult, Policy, Verdict};
use crate::workspace::Workspace;

/// The result of a preview.
pub(super) enum Preview {
    /// The base already has what was asked for.
    Existing(Existing),
    /// The change has findings.
    Refused(Report),
    /// The change must not be signed: its review would have no effect, or its reason
    /// contains a secret.
    Idle(Refusal),
    /// The change may land once it is agreed to and signed.
    Ready(Box<Proposal>),
}

/// The existing state that was asked for, so that nothing is written.
#[derive(Default)]
pub(super) struct Existing {
    /// The records with that state.
    pub records: Vec<RecordPath>,
    /// Whether exactly the content of these records was asked for; otherwise a
    /// version of the same status suffices.
    pub is_exact: bool,
    /// The notes for people.
    pub notes: Vec<String>,
    /// The members for JSON output.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// The content that was asked about, by name.
    pub contents: Vec<(String, Digest)>,
}

impl Existing {
    fn of(draft: Draft) -> Existing {
        Existing {
            records: draft.existing,
            is_exact: false,
            notes: draft.notes,
            facts: draft.facts,
            contents: Vec::new(),
        }
    }

    /// The same, with the content that its records and these versions speak for.
    fn naming(mut self, desk: &WriteContext<'_>, settled: &[VersionId]) -> Result<Existing, Error> {
        let versions = settled.iter().cloned().map(RecordPath::Version);
        let records: Vec<RecordPath> = self.records.iter().cloned().chain(versions).collect();
        self.contents = contents_of(desk.policy.id(), &desk.snapshot, &records)?;
        Ok(self)
    }

    /// The records of a draft whose files are all there already.
    fn exact(mut draft: Draft) -> Existing {
        draft.existing = draft
            .edits
            .keys()
            .filter_map(|path| RecordPath::parse(path))
            .collect();
        Existing {
            is_exact: true,
            ..Existing::of(draft)
        }
    }

    /// Returns the last note, which summarises it; earlier notes are printed
    /// separately.
    pub fn words(&self) -> &str {
        self.notes
            .last()
            .map_or("the registry says so already", String::as_str)
    }
}

/// A change that is drafted and judged, but neither signed nor written.
pub(super) struct Proposal {
    /// The changed files, by their path from the registry's folder: the new content,
    /// or `None` for a removed file.
    pub edits: BTreeMap<String, Option<Vec<u8>>>,
    /// The records that its author signs.
    pub to_sign: Vec<RecordPath>,
    /// The commit's message.
    pub message: String,
    /// The differences.
    pub changes: Vec<Change>,
    /// Notes on choices that were made.
    pub notes: Vec<String>,
    /// The members for JSON output beside the change.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// The results of the gates of each decided version.
    pub gates: Vec<(VersionId, Vec<GateResult>)>,
    /// The judge's report.
    pub report: Report,
    /// The content that a decision covers, by name.
    pub contents: Vec<(String, Digest)>,
}

impl Proposal {
    /// Whether it changes the policy.
    pub fn brings_policy(&self) -> bool {
        self.changes.iter().any(Change::brings_policy)
    }

    /// Whether it changes a version's status.
    pub fn moves_status(&self) -> bool {
        let mut kinds = self.changes.iter().map(|change| &change.kind);
        kinds.any(|kind| matches!(kind, ChangeKind::StatusMoved { .. }))
    }

    /// Whether it is a decision, whose author should look at it first.
    pub fn decides(&self) -> bool {
        let mut kinds = self.changes.iter().map(|change| &change.kind);
        kinds.any(|kind| {
            let is_one = matches!(
                kind,
                ChangeKind::RegistryCreated
                    | ChangeKind::PolicyChanged
                    | ChangeKind::VersionImported { .. }
                    | ChangeKind::StatusMoved { .. }
            );
            is_one || kind.is_decision()
        })
    }

    /// Returns the content that a decision covers, as JSON.
    pub fn content_values(&self) -> serde_json::Map<String, serde_json::Value> {
        let contents = self.contents.iter();
        contents
            .map(|(name, digest)| (name.clone(), serde_json::json!(digest)))
            .collect()
    }

    /// Returns the commit's subject.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// Returns the text that its author agrees to, for comparison.
    pub fn shown(&self) -> String {
        let lines = self.changes.iter().map(Change::trailer);
        let contents = self
            .contents
            .iter()
            .map(|(name, digest)| format!("{name} {digest}"));
        let gates = self.gates.iter().map(|gates| format!("{gates:?}"));
        lines
            .chain(contents)
            .chain(gates)
            .chain(self.notes.clone())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Returns the signer of each change: the author for records that get a signature,
/// the commit's signer for all others.
fn carriers(attempt: &Attempt<'_>, base: &Base<'_>, changes: &[Change], to_sign: &[RecordPath]) -> Carriers {
    let author = || {
        Carrier::new(
            None,
            Verdict::Actor {
                id: base.actor.clone(),
                key: base.me.fingerprint.clone(),
            },
        )
    };
    if !attempt.args.no_commit_signature {
        return Carriers::one(author());
    }
    let own = Carrier::new(None, Verdict::Unsigned);
    let (signed, unsigned) = (Rc::new(author()), Rc::new(own.clone()));
    let of = |change: &Change| match &change.record {
        Some(path) if trust::is_in_record(change) && to_sign.contains(path) => signed.clone(),
        _ => unsigned.clone(),
    };
    Carriers {
        own,
        of: changes.iter().map(of).collect(),
    }
}

/// Drafts the change on the base, and judges it.
///
/// # Errors
/// The change can't be drafted, or changes nothing.
pub(super) fn preview(attempt: &Attempt<'_>, base: &Base<'_>, target: &Target) -> Result<Preview, Error> {
    let Attempt { workspace, job, .. } = *attempt;
    let (policy, actor) = (&base.policy, &base.actor);
    let overlay = &Overlay::new(base.objects);
    let parent = target.base;
    let records = Records::new(overlay);
    let base_tree = history::read_commit(overlay, parent)?.tree;
    let prior = Snapshot::at(&records, base_tree, &workspace.folder)?;
    let past = Past::new(overlay, &workspace.folder, Some(parent));
    let desk = |snapshot| WriteContext {
        snapshot,
        policy,
        actor: actor.clone(),
        past: &past,
        mainline: base.mainline.as_ref(),
    };
    let before = desk(prior);
    let mut draft = (job.draft)(&before)?;
    if let Some(preview) = stopped(&mut draft) {
        return Ok(match preview {
            Preview::Existing(there) => Preview::Existing(there.naming(&before, &draft.looked_at)?),
            other => other,
        });
    }
    agree_to_policy(attempt, target, &before, overlay.format(), &mut draft)?;
    let top = edited(attempt, &before, overlay, base_tree, &mut draft)?;
    let next = Snapshot::at(&records, top, &workspace.folder)?;
    let mut differences = change::diff(&prior.seeing(&past), &next)?;
    let trees = (Some(base_tree), Some(top));
    history::add_protected(&mut differences, overlay, policy, &workspace.folder, trees)?;
    if top == base_tree {
        return Ok(Preview::Existing(Existing::exact(draft).naming(&before, &[])?));
    }
    let Judged {
        mut report,
        to_sign,
        gates,
        consequences,
    } = judge(attempt, base, (prior, next), &differences, &past, parent)?;
    point_at_given(&mut report.findings, attempt, &draft, &next);
    let mut notes = std::mem::take(&mut draft.notes);
    notes.extend(remarks(attempt, &desk(next), &differences.changes)?);
    notes.extend(consequences);
    target.leave_proposing(&mut report);
    if !report.findings.is_empty() && !target.proposes(&report) {
        return Ok(Preview::Refused(report));
    }
    if let Some(refusal) = act::idle_review(policy, actor, (&prior, &next), &differences.changes, &past)? {
        return Ok(Preview::Idle(refusal));
    }
    let Differences { changes, .. } = differences;
    let message = message(&draft, &changes);
    let edits = draft
        .edits
        .into_iter()
        .map(|(path, text)| (path, text.map(String::into_bytes)))
        .collect();
    Ok(Preview::Ready(Box::new(Proposal {
        edits,
        to_sign,
        message,
        changes,
        notes,
        facts: draft.facts,
        gates,
        report,
        contents: Vec::new(),
    })))
}

/// The verdict on a drafted change.
struct Judged {
    report: Report,
    /// The records that its author signs.
    to_sign: Vec<RecordPath>,
    /// The results of the gates of each decided version.
    gates: Vec<(VersionId, Vec<GateResult>)>,
    /// Notes on what a new policy amounts to.
    consequences: Vec<String>,
}

/// Judges a drafted change with the verdicts that its signatures will have.
fn judge(
    attempt: &Attempt<'_>,
    base: &Base<'_>,
    (prior, next): (Snapshot<'_>, Snapshot<'_>),
    differences: &Differences,
    past: &Past<'_>,
    parent: Oid,
) -> Result<Judged, Error> {
    let (policy, folder) = (&base.policy, &attempt.workspace.folder);
    let (records, changes) = (prior.records, &differences.changes);
    let to_sign = match attempt.args.no_record_signature {
        true => Vec::new(),
        false => act::to_sign(changes),
    };
    let carriers = carriers(attempt, base, changes, &to_sign);
    let gates = trust::gates_of_changes(policy, &prior, &next, changes)?;
    let mut replay = Replay::with_policy(records, folder, policy.clone());
    let judged = replay.judge_carried((prior, next), &carriers, differences, past, Some(parent))?;
    let mut checked = replay.checked;
    checked.documents = records.documents();
    let mut findings = judged.findings;
    if findings.is_empty() {
        let resolver = Resolver {
            prior,
            next,
            folder,
            before: Some(parent),
            after: None,
        };
        let unmet = act::unmet_gates(changes, &gates);
        findings.extend(unmet.into_iter().map(|finding| resolver.resolve(finding)));
    }
    let mut consequences = Vec::new();
    if changes.iter().any(Change::brings_policy)
        && findings.iter().all(|finding| finding.rule.code == "MR403")
        && let Some(after) = next.registry()?.and_then(Policy::new)
    {
        let distrusted = replay.distrusted(&after, &policy.registry().revoked, parent)?;
        consequences = act::consequences(&after, &distrusted);
        // The author should know what the policy lacks from now on.
        consequences.extend(judged.notes.iter().map(|note| note.message.clone()));
    }
    Ok(Judged {
        report: Report {
            findings,
            notes: judged.notes,
            checked,
            ..Report::default()
        },
        to_sign,
        gates,
        consequences,
    })
}

/// Lets findings point into the files that were given, and adds the remedy for a commit
/// without a signature.
fn point_at_given(
    findings: &mut [Finding<Place>],
    attempt: &Attempt<'_>,
    draft: &Draft,
    next: &Snapshot<'_>,
) {
    for finding in findings {
        point_into(finding, &draft.given, next, attempt.workspace);
        if attempt.args.no_commit_signature && finding.rule.code == "MR301" {
            finding.help = Some(
                "run it again without `--no-commit-signature`: nothing but the commit's signature says whose this change is"
                    .to_owned(),
            );
        }
    }
}

/// Ends a draft before it is judged: it is refused, changes nothing, or its reason
/// must not be stored.
fn stopped(draft: &mut Draft) -> Option<Preview> {
    if let Some(refusal) = draft.refusal.take() {
        return Some(Preview::Idle(refusal));
    }
    if draft.edits.is_empty() && draft.settle.is_empty() {
        let looked_at = std::mem::take(&mut draft.looked_at);
        let there = Existing::of(std::mem::take(draft));
        draft.looked_at = looked_at;
        return Some(Preview::Existing(there));
    }
    // The command's own words may repeat a name from an older record.
    if let Cow::Owned(clean) = cleaned_text(&draft.subject) {
        draft.subject = clean;
    }
    if let Some(fault) = draft.reason.as_deref().and_then(text_fault) {
        return Some(Preview::Idle(Refusal {
            why: format!(
                "the address in the reason {}: {} (MR112)",
                fault.words(),
                rules::KEPT
            ),
            remedies: vec![rules::instead(draft.reason.as_deref().unwrap_or_default())],
        }));
    }
    None
}

/// Adds the author's own review to a new policy that somebody else will land: the
/// policy needs it there.
fn agree_to_policy(
    attempt: &Attempt<'_>,
    target: &Target,
    desk: &WriteContext<'_>,
    format: ObjectFormat,
    draft: &mut Draft,
) -> Result<(), Error> {
    if attempt.job.scope == Scope::Policy
        && !target.is_mainline
        && !attempt.args.no_record_signature
        && let Some(Some(text)) = draft.edits.get(REGISTRY_FILE)
        && let id = Oid::hash(format, ObjectKind::Blob, text.as_bytes())
        && let proposed = snapshot::load(&RecordPath::Registry, id, text.as_bytes())?
        && (desk.policy.may(&desk.actor, Action::Administer, None, None)
            || desk.policy.is_recovery(&desk.actor)
            || trust::ends_only_own(desk.policy, &proposed, &desk.actor))
    {
        draft.absorb(act::approve_policy(
            desk,
            &proposed,
            draft.reason.clone().as_deref(),
        )?);
    }
    Ok(())
}

/// Returns the repository's tree with the draft's edits, and with the versions that
/// they settle.
fn edited(
    attempt: &Attempt<'_>,
    desk: &WriteContext<'_>,
    overlay: &Overlay<'_>,
    base_tree: Oid,
    draft: &mut Draft,
) -> Result<Oid, Error> {
    let tree = |draft: &Draft| -> Result<Oid, Error> {
        let edits: BTreeMap<String, Option<Vec<u8>>> = draft
            .edits
            .iter()
            .map(|(path, text)| {
                (
                    attempt.workspace.from_top(path),
                    text.clone().map(String::into_bytes),
                )
            })
            .collect();
        object::edit(overlay, Some(base_tree), &edits)?.ok_or_else(|| Error::msg("nothing would be left"))
    };
    let records = desk.snapshot.records;
    let mut top = tree(draft)?;
    for id in std::mem::take(&mut draft.settle) {
        let after = Snapshot::at(records, top, &attempt.workspace.folder)?;
        if let Some((_, text)) = act::settle(desk, &after, &id)? {
            draft
                .edits
                .insert(RecordPath::Version(id.clone()).to_string(), Some(text));
            top = tree(draft)?;
        }
    }
    Ok(top)
}

/// Returns notes on the registry as the change leaves it.
fn remarks(
    attempt: &Attempt<'_>,
    after: &WriteContext<'_>,
    changes: &[Change],
) -> Result<Vec<String>, Error> {
    let mut remarks = act::still_served(after, changes)?;
    let folder = attempt.workspace.from_top(schema::editor::FOLDER);
    remarks.extend(act::schemas_note(&after.snapshot, &folder)?);
    Ok(remarks)
}

/// Formats the commit's message: the subject on one line, the reason, and a trailer
/// for each change.
fn message(draft: &Draft, changes: &[Change]) -> String {
    let mut message = draft.subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(reason) = &draft.reason {
        message.push_str(&format!("\n\n{reason}"));
    }
    message.push('\n');
    for change in changes {
        message.push_str(&format!("\nModelry-Change: {}", change.trailer()));
    }
    message
}

/// Points a finding about a file that the user gave into that file.
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
