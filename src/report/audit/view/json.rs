//! `modelry-audit/v1`: a frozen format with its own types, so that inner types can
//! change. Absent members are left out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::range::{JsonRange, range};
use crate::judge::history::Dated;
use crate::record::kind::ActorId;
use crate::report::audit::{
    Approval, Audit, Counted, Event, GateOutcome, Given, Group, Live, Outcome, Proof, Serving, Signer, Uses,
};
use crate::report::findings::json::{JsonFinding, JsonNote, finding, note, schema_of};

/// The name of the format and of its schema.
pub const SCHEMA_NAME: &str = "modelry-audit/v1";

/// The audit of a registry from its root to a commit of the mainline.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "modelry-audit/v1")]
#[serde(rename_all = "camelCase")]
struct JsonAudit<'a> {
    /// `modelry-audit/v1`.
    format: &'static str,
    /// The version of Modelry that made the report.
    modelry: &'static str,
    /// Whether the audit is clean: it has no findings, or only acknowledged ones.
    clean: bool,
    /// The audited registry.
    registry: JsonRegistry<'a>,
    /// The audited part of the history.
    range: JsonRange<'a>,
    /// Assumptions of the verdict that the history can't prove.
    trust: Vec<JsonTrust>,
    /// The signatures, by actor and key.
    signatures: JsonSignatures<'a>,
    /// The number of versions at the tip by status, with `Deleted` and `Unreadable` as
    /// two more.
    versions: BTreeMap<&'static str, usize>,
    /// Versions that are Approved at the tip or serve a stage.
    live: Vec<JsonLive<'a>>,
    /// Changes of the registry as a whole, in order.
    events: Vec<JsonEvent<'a>>,
    /// The groups by name, with their changes.
    groups: Vec<JsonGroup<'a>>,
    /// The findings, in order.
    findings: Vec<JsonFinding<'a>>,
    /// Notes, which do not affect the verdict.
    notes: Vec<JsonNote<'a>>,
}

/// The audited registry.
#[derive(Serialize, JsonSchema)]
struct JsonRegistry<'a> {
    /// The registry's name.
    name: &'a str,
    /// The registry's id.
    id: &'a str,
    /// The registry's folder from the repository's top; empty for the top.
    folder: &'a str,
    /// The serial of the policy in force at the tip.
    serial: u64,
}

/// An assumption of the verdict that the history can't prove.
#[derive(Serialize, JsonSchema)]
struct JsonTrust {
    /// The code: `root-pinned`, `root-on-trust`, `checkpoint`, `earlier-rewrite`,
    /// `verified-point`, `commit-dates`.
    code: &'static str,
    /// The assumption, in one sentence.
    text: String,
}

/// The signatures, by actor and key.
#[derive(Serialize, JsonSchema)]
struct JsonSignatures<'a> {
    /// The actors, by id.
    actors: Vec<JsonSigner<'a>>,
    /// Commits and records that prove no actor, by reason.
    nobody: Vec<JsonNobody<'a>>,
}

/// The signatures of one actor.
#[derive(Serialize, JsonSchema)]
struct JsonSigner<'a> {
    /// The actor.
    actor: &'a str,
    /// `person`, `machine` or `forge`; absent if the last policy does not list the
    /// actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Whether the actor has been retired since.
    retired: bool,
    /// Signatures of commits.
    commits: usize,
    /// Signatures of records.
    records: usize,
    /// The signatures, by key.
    keys: Vec<JsonKey<'a>>,
}

/// The signatures of one key.
#[derive(Serialize, JsonSchema)]
struct JsonKey<'a> {
    /// The key's fingerprint.
    key: &'a str,
    /// Whether the key has been revoked since.
    revoked: bool,
    /// Signatures of commits.
    commits: usize,
    /// Signatures of records.
    records: usize,
}

/// Commits and records that prove no actor, for one reason.
#[derive(Serialize, JsonSchema)]
struct JsonNobody<'a> {
    /// The reason: `unsigned`, `unknown key`.
    reason: &'a str,
    /// The key's fingerprint, if a key made the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// The number of commits.
    commits: usize,
    /// The number of records.
    records: usize,
}

/// The actor behind a change, and the proof.
#[derive(Serialize, JsonSchema)]
struct JsonProof<'a> {
    /// The kind of proof. `record`: the record's own signature. `commit`: the commit's
    /// signature. `decision`: reviews or an archival, whoever committed the change.
    /// `root`: the change came with the root. `nobody`: no actor is proven.
    means: &'static str,
    /// The author of the change; for a `decision`, the actor who committed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    /// The fingerprint of the signing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// The proof in words.
    words: &'a str,
}

/// A record, and its proof at the time it was added.
#[derive(Serialize, JsonSchema)]
struct JsonGiven<'a> {
    /// The step that added it; the root is 1.
    step: usize,
    /// The commit that added it.
    commit: String,
    /// The actor, and the proof.
    proof: JsonProof<'a>,
}

/// One change of the registry.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonEvent<'a> {
    /// The step; the root is 1.
    step: usize,
    /// The step's commit, on the mainline.
    mainline: String,
    /// The commit that makes the change: the step's own, or one of its merged side.
    commit: String,
    /// The time of that commit according to its committer, in UTC (RFC 3339). No
    /// verdict depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The step's effective date: the latest that any registry step up to it claims.
    /// `--at` uses this date.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// The date that the step's commit claims, if it is earlier than the effective
    /// date.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    /// The change, as an imperative phrase.
    phrase: &'a str,
    /// The file, from the repository's top.
    path: &'a str,
    /// The version that the change concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The result: the new status, the decision, the version that the stage now serves
    /// (`nothing` if it was emptied), or the policy's serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// The reason that the author gave; for a policy, the subject of the step's commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The actor, and the proof.
    proof: JsonProof<'a>,
    /// The reviews that decided a change of status.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<JsonDecision<'a>>,
    /// The findings that the change caused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<JsonFlag>,
}

/// A finding that a change caused.
#[derive(Serialize, JsonSchema)]
struct JsonFlag {
    /// The rule's code.
    code: &'static str,
    /// The rule's name.
    name: &'static str,
    /// Whether a later policy acknowledged the finding.
    acknowledged: bool,
}

/// The reviews that decided a version, and the policy's requirements at that time.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonDecision<'a> {
    /// `Approved` or `Rejected`.
    to: &'static str,
    /// The step that moved the status; the root is 1.
    step: usize,
    /// That step's commit.
    mainline: String,
    /// The time of the step according to its committer, in UTC (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The step's effective date.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// Whether all requirements were met.
    authorised: bool,
    /// The policy, and its requirements for an approval.
    policy: JsonPolicy<'a>,
    /// The results of the gates.
    gates: Vec<JsonGate<'a>>,
    /// The digest of the reviewed content.
    subject: String,
    /// Authors of the version, its card and its evidence.
    authors: Vec<&'a str>,
    /// Every review, as it was counted.
    reviews: Vec<JsonReview<'a>>,
    /// The missing requirements.
    missing: &'a [String],
}

/// A policy's requirements for an approval.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonPolicy<'a> {
    /// The policy's serial.
    serial: u64,
    /// The entries of `approvals` that applied, all together.
    rules: Vec<JsonRule<'a>>,
    /// The number of distinct actors who had to approve.
    required: u32,
    /// The number of approvals needed from each team.
    from: BTreeMap<&'a str, u32>,
    /// Whether approvals by authors were ignored.
    four_eyes: bool,
    /// Whether reviews of machines counted.
    machines: bool,
    /// Sections of the card that had to be filled.
    card: &'a [String],
}

/// An entry of a policy's `approvals`.
#[derive(Serialize, JsonSchema)]
struct JsonRule<'a> {
    /// JSON pointer into the policy.
    pointer: String,
    /// The groups that the entry applies to.
    groups: &'a [String],
}

/// The result of a gate.
#[derive(Serialize, JsonSchema)]
struct JsonGate<'a> {
    /// The gate's name.
    name: &'a str,
    /// The condition.
    require: &'a str,
    /// The version that the gate compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    champion: Option<String>,
    /// Whether the gate was met.
    met: bool,
    /// The values that the gate used, in words.
    seen: &'a str,
    /// The reason why the gate has no result, if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// One review, as it was counted.
#[derive(Serialize, JsonSchema)]
struct JsonReview<'a> {
    /// The reviewer.
    actor: &'a str,
    /// The machine that reported the review from a Git host.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_by: Option<&'a str>,
    /// `Approved`, `Rejected` or `Withdrawn`.
    decision: &'static str,
    /// Whether the review counted.
    counts: bool,
    /// The reason why the review did not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    /// Its proof at the time it was added; absent if no step shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<JsonGiven<'a>>,
}

/// A version in use.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonLive<'a> {
    /// The version: `GROUP/N`.
    version: String,
    /// The status; absent if the file can't be read as a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// The stages that the version serves.
    serves: Vec<JsonServing<'a>>,
    /// The approval; absent if no reviews were counted for the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<JsonDecision<'a>>,
    /// The change that made the version Approved, allowed or not; absent if no step
    /// shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<JsonGiven<'a>>,
    /// The import, if the version became Approved by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<JsonImport<'a>>,
    /// The distrusted key that the approval depends on. Such a version never resolves.
    #[serde(skip_serializing_if = "Option::is_none")]
    tainted_by: Option<&'a str>,
}

/// An import of a version with the status that it had elsewhere.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonImport<'a> {
    /// The registry that the version came from.
    from: &'a str,
    /// The actor who imported it.
    by: &'a str,
    /// Whether the policy allowed the import.
    granted: bool,
    /// The person who decided there.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<&'a str>,
    /// The time of the decision there.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<&'a str>,
}

/// A stage that a version serves.
#[derive(Serialize, JsonSchema)]
struct JsonServing<'a> {
    /// The stage.
    stage: &'a str,
    /// The assignment; absent if no step shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<JsonGiven<'a>>,
}

/// A group, with its changes.
#[derive(Serialize, JsonSchema)]
struct JsonGroup<'a> {
    /// The group's name.
    name: &'a str,
    /// Whether the group exists at the tip, as a group or as its tombstone.
    exists: bool,
    /// Whether the group was deleted, and a tombstone replaces it.
    deleted: bool,
    /// The versions at the tip, with their status.
    versions: BTreeMap<u64, &'static str>,
    /// The version that serves each stage; `null` if there is none.
    stages: BTreeMap<&'a str, Option<u64>>,
    /// The changes of the group, in order.
    events: Vec<JsonEvent<'a>>,
}

/// Formats a moment as RFC 3339, in UTC.
fn moment(seconds: Option<i64>) -> Option<String> {
    let moment = jiff::Timestamp::from_second(seconds?).ok()?;
    Some(moment.to_string())
}

fn proof(proof: &Proof) -> JsonProof<'_> {
    JsonProof {
        means: proof.means.as_str(),
        actor: proof.actor.as_ref().map(|actor| actor.as_str()),
        key: proof.key.as_deref(),
        words: &proof.words,
    }
}

fn given(given: &Given) -> JsonGiven<'_> {
    JsonGiven {
        step: given.step,
        commit: given.commit.to_string(),
        proof: proof(&given.proof),
    }
}

fn gate(gate: &GateOutcome) -> JsonGate<'_> {
    JsonGate {
        name: gate.name.as_str(),
        require: &gate.require,
        champion: gate.champion.as_ref().map(ToString::to_string),
        met: gate.met,
        seen: &gate.seen,
        reason: gate.reason.as_deref(),
    }
}

fn review(review: &Counted) -> JsonReview<'_> {
    JsonReview {
        actor: review.actor.as_str(),
        reported_by: review.reported_by.as_ref().map(ActorId::as_str),
        decision: review.decision.as_str(),
        counts: review.void.is_none(),
        why: review.void.as_deref(),
        given: review.given.as_ref().map(given),
    }
}

fn decision(approval: &Approval) -> JsonDecision<'_> {
    let rules = approval.rules.iter().map(|rule| JsonRule {
        pointer: format!("/approvals/{}", rule.index),
        groups: &rule.groups,
    });
    let from = approval.from.iter();
    JsonDecision {
        to: approval.to.as_str(),
        step: approval.step,
        mainline: approval.mainline.to_string(),
        time: moment(approval.time),
        date: moment(approval.dated.map(|dated| dated.date)),
        authorised: approval.missing.is_empty(),
        policy: JsonPolicy {
            serial: approval.serial,
            rules: rules.collect(),
            required: approval.required,
            from: from.map(|(team, count)| (team.as_str(), *count)).collect(),
            four_eyes: approval.four_eyes,
            machines: approval.machines,
            card: &approval.card,
        },
        gates: approval.gates.iter().map(gate).collect(),
        subject: approval.subject.to_string(),
        authors: approval.authors.iter().map(|actor| actor.as_str()).collect(),
        reviews: approval.reviews.iter().map(review).collect(),
        missing: &approval.missing,
    }
}

fn event(event: &Event) -> JsonEvent<'_> {
    let flags = event.flags.iter().map(|flag| JsonFlag {
        code: flag.code,
        name: flag.name,
        acknowledged: flag.acknowledged,
    });
    JsonEvent {
        step: event.step,
        mainline: event.mainline.to_string(),
        commit: event.commit.to_string(),
        time: moment(event.time),
        date: moment(event.dated.map(|dated| dated.date)),
        claimed: moment(
            event
                .dated
                .filter(Dated::is_backdated)
                .and_then(|dated| dated.claimed),
        ),
        phrase: &event.phrase,
        path: &event.path,
        version: event.version.as_ref().map(ToString::to_string),
        outcome: event.outcome.as_ref().map(|outcome| match outcome {
            Outcome::Status(status) => status.to_string(),
            Outcome::Decision(decision) => decision.to_string(),
            Outcome::Stage(Some(version)) => version.to_string(),
            Outcome::Stage(None) => "nothing".to_owned(),
            Outcome::Policy(serial) => serial.to_string(),
        }),
        reason: event.reason.as_deref(),
        proof: proof(&event.proof),
        decision: event.approval.as_deref().map(decision),
        findings: flags.collect(),
    }
}

fn signer(signer: &Signer) -> JsonSigner<'_> {
    let Uses { commits, records } = signer.uses;
    let keys = signer.keys.iter().map(|key| JsonKey {
        key: &key.key,
        revoked: key.revoked,
        commits: key.uses.commits,
        records: key.uses.records,
    });
    JsonSigner {
        actor: signer.actor.as_str(),
        kind: signer.kind.map(|kind| kind.to_string()),
        retired: signer.retired,
        commits,
        records,
        keys: keys.collect(),
    }
}

fn serving(serving: &Serving) -> JsonServing<'_> {
    JsonServing {
        stage: serving.stage.as_str(),
        since: serving.since.as_ref().map(given),
    }
}

fn live(live: &Live) -> JsonLive<'_> {
    JsonLive {
        version: live.id.to_string(),
        status: live.status.map(|status| status.as_str()),
        serves: live.serves.iter().map(serving).collect(),
        approval: live.approval.as_ref().map(decision),
        moved: live.moved.as_ref().map(given),
        imported: live.imported.as_ref().map(|import| JsonImport {
            from: &import.imported.from,
            by: import.by.as_str(),
            granted: import.granted,
            decided_by: import.imported.by.as_deref(),
            decided_at: import.imported.at.as_deref(),
        }),
        tainted_by: live.tainted.as_deref(),
    }
}

fn group(group: &Group) -> JsonGroup<'_> {
    let versions = group.versions.iter();
    let stages = group.stages.iter();
    JsonGroup {
        name: &group.name,
        exists: group.exists,
        deleted: group.deleted,
        versions: versions
            .map(|(number, state)| (*number, state.as_str()))
            .collect(),
        stages: stages
            .map(|(stage, version)| (stage.as_str(), *version))
            .collect(),
        events: group.events.iter().map(event).collect(),
    }
}

/// Renders the audit as JSON.
pub fn render(audit: &Audit) -> String {
    let nobody = audit.nobody.iter().map(|nobody| JsonNobody {
        reason: &nobody.what,
        key: nobody.key.as_deref(),
        commits: nobody.uses.commits,
        records: nobody.uses.records,
    });
    let census = audit.census().into_iter();
    let trust = audit.trust().into_iter().map(|trust| JsonTrust {
        code: trust.code,
        text: trust.text,
    });
    let value = JsonAudit {
        format: SCHEMA_NAME,
        modelry: env!("CARGO_PKG_VERSION"),
        clean: audit.report.is_clean(),
        registry: JsonRegistry {
            name: &audit.name,
            id: &audit.id,
            folder: &audit.folder,
            serial: audit.serial,
        },
        range: range(audit),
        trust: trust.collect(),
        signatures: JsonSignatures {
            actors: audit.signers.iter().map(signer).collect(),
            nobody: nobody.collect(),
        },
        versions: census.map(|(state, count)| (state.as_str(), count)).collect(),
        live: audit.live.iter().map(live).collect(),
        events: audit.events.iter().map(event).collect(),
        groups: audit.groups.iter().map(group).collect(),
        findings: audit.report.findings.iter().map(finding).collect(),
        notes: audit.report.notes.iter().map(note).collect(),
    };
    crate::report::json_text(&value)
}

/// Returns the JSON Schema of the audit.
pub fn schema() -> Value {
    schema_of::<JsonAudit<'_>>()
}
