//! `modelry-audit/v1`: a frozen form of its own, so that inner types can
//! change. What is absent is left out.

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

/// The format's name, and its schema's.
pub const SCHEMA_NAME: &str = "modelry-audit/v1";

/// The audit of a registry from its root to a commit of the mainline.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "modelry-audit/v1")]
#[serde(rename_all = "camelCase")]
struct JsonAudit<'a> {
    /// `modelry-audit/v1`.
    format: &'static str,
    /// The version of Modelry that made it.
    modelry: &'static str,
    /// Whether nothing decides against it: no finding, or only acknowledged ones.
    clean: bool,
    /// Which registry.
    registry: JsonRegistry<'a>,
    /// What was looked at.
    range: JsonRange<'a>,
    /// What the verdict rests on and the history can't prove.
    trust: Vec<JsonTrust>,
    /// Who signed how much.
    signatures: JsonSignatures<'a>,
    /// How many versions there are at the tip, by status; `Deleted` and
    /// `Unreadable` beside the four.
    versions: BTreeMap<&'static str, usize>,
    /// Versions that are Approved at the tip, or serve a stage.
    live: Vec<JsonLive<'a>>,
    /// What happened to the registry as a whole, in order.
    events: Vec<JsonEvent<'a>>,
    /// The groups by name, with what happened to each.
    groups: Vec<JsonGroup<'a>>,
    /// What is wrong, in order.
    findings: Vec<JsonFinding<'a>>,
    /// What is worth knowing; decides nothing.
    notes: Vec<JsonNote<'a>>,
}

/// Which registry.
#[derive(Serialize, JsonSchema)]
struct JsonRegistry<'a> {
    /// Its name.
    name: &'a str,
    /// Its id.
    id: &'a str,
    /// Its folder from the repository's top; empty for the top.
    folder: &'a str,
    /// The serial of the policy in force at the tip.
    serial: u64,
}

/// Something that the verdict rests on and the history can't prove.
#[derive(Serialize, JsonSchema)]
struct JsonTrust {
    /// `root-pinned`, `root-on-trust`, `checkpoint`, `earlier-rewrite`,
    /// `verified-point`, `commit-dates`.
    code: &'static str,
    /// One sentence.
    text: String,
}

/// Who signed how much.
#[derive(Serialize, JsonSchema)]
struct JsonSignatures<'a> {
    /// Actors, by id.
    actors: Vec<JsonSigner<'a>>,
    /// What speaks for nobody, by the reason.
    nobody: Vec<JsonNobody<'a>>,
}

/// What one actor signed.
#[derive(Serialize, JsonSchema)]
struct JsonSigner<'a> {
    /// Who.
    actor: &'a str,
    /// `person`, `machine` or `forge`; absent for whom the last policy does not
    /// list.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Whether the actor's rights have ended since.
    retired: bool,
    /// Signatures of commits.
    commits: usize,
    /// Signatures of records.
    records: usize,
    /// The same by key.
    keys: Vec<JsonKey<'a>>,
}

/// What was signed with one key.
#[derive(Serialize, JsonSchema)]
struct JsonKey<'a> {
    /// The key's fingerprint.
    key: &'a str,
    /// Whether it was revoked since.
    revoked: bool,
    /// Signatures of commits.
    commits: usize,
    /// Signatures of records.
    records: usize,
}

/// What speaks for nobody, for one reason.
#[derive(Serialize, JsonSchema)]
struct JsonNobody<'a> {
    /// The reason: `unsigned`, `unknown key`.
    reason: &'a str,
    /// The key's fingerprint, when a key made the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// Commits.
    commits: usize,
    /// Records.
    records: usize,
}

/// Who stands behind a change, and by what.
#[derive(Serialize, JsonSchema)]
struct JsonProof<'a> {
    /// `record`: its own signature; `commit`: the commit's; `decision`: reviews
    /// or an archival authorise it, whoever carries it; `root`: it came with
    /// the root; `nobody`.
    means: &'static str,
    /// Whose act it is; for a `decision`, who carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    /// The fingerprint of the key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// The same in words.
    words: &'a str,
}

/// A record, and how it was proven when it was given.
#[derive(Serialize, JsonSchema)]
struct JsonGiven<'a> {
    /// The step that brought it; the root is 1.
    step: usize,
    /// The commit that brought it.
    commit: String,
    /// Who, and by what.
    proof: JsonProof<'a>,
}

/// One change.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonEvent<'a> {
    /// The step; the root is 1.
    step: usize,
    /// The step's commit, on the mainline.
    mainline: String,
    /// The commit that brings it: the step's own, or one behind its merge.
    commit: String,
    /// When that commit was made, in UTC (RFC 3339), as its committer says. No
    /// verdict rests on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The step's effective date: the latest that any registry step up to it
    /// claims. By it `--at` tells days apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// The date that the step's commit claims, where that is an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    /// What was done.
    phrase: &'a str,
    /// The file, from the repository's top.
    path: &'a str,
    /// The version that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The status that it leads to, the decision given, the version that the
    /// stage serves now (`nothing` when it was emptied), or the policy's serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// The reason that its author gave; for a policy the subject of the step's
    /// commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Who, and by what.
    proof: JsonProof<'a>,
    /// The reviews that decided it, for a move of status.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<JsonDecision<'a>>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<JsonFlag>,
}

/// A finding that a change brought.
#[derive(Serialize, JsonSchema)]
struct JsonFlag {
    /// The rule's code.
    code: &'static str,
    /// The rule's name.
    name: &'static str,
    /// Whether it was acknowledged since.
    acknowledged: bool,
}

/// The reviews that decided a version, and what the policy asked for then.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonDecision<'a> {
    /// `Approved` or `Rejected`.
    to: &'static str,
    /// The step that moved the status; the root is 1.
    step: usize,
    /// That step's commit.
    mainline: String,
    /// When, in UTC (RFC 3339), as its committer says.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// The step's effective date.
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// Whether nothing was missing.
    authorised: bool,
    /// The policy, and what it asked for of an approval.
    policy: JsonPolicy<'a>,
    /// What the gates said.
    gates: Vec<JsonGate<'a>>,
    /// The digest of what was decided on.
    subject: String,
    /// Authors of the version, its card and its evidence.
    authors: Vec<&'a str>,
    /// Every review, as it counted.
    reviews: Vec<JsonReview<'a>>,
    /// What was missing.
    missing: &'a [String],
}

/// What a policy asked for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonPolicy<'a> {
    /// Its serial.
    serial: u64,
    /// The entries of its `approvals` that applied, all together.
    rules: Vec<JsonRule<'a>>,
    /// Distinct actors.
    required: u32,
    /// How many of them from each team.
    from: BTreeMap<&'a str, u32>,
    /// Whether authors counted for nothing.
    four_eyes: bool,
    /// Whether machines counted.
    machines: bool,
    /// Sections of the card that had to be filled.
    card: &'a [String],
}

/// An entry of a policy's `approvals`.
#[derive(Serialize, JsonSchema)]
struct JsonRule<'a> {
    /// JSON pointer into the policy.
    pointer: String,
    /// The groups that it is for.
    groups: &'a [String],
}

/// What a gate said.
#[derive(Serialize, JsonSchema)]
struct JsonGate<'a> {
    /// Its name.
    name: &'a str,
    /// The condition.
    require: &'a str,
    /// The version that it was compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    champion: Option<String>,
    /// Whether it held.
    met: bool,
    /// What it saw, in words.
    seen: &'a str,
    /// Why it can't be said, when it can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// One review as it was counted.
#[derive(Serialize, JsonSchema)]
struct JsonReview<'a> {
    /// Whose.
    actor: &'a str,
    /// The machine that reported it from a Git host's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_by: Option<&'a str>,
    /// `Approved`, `Rejected` or `Withdrawn`.
    decision: &'static str,
    /// Whether it counted.
    counts: bool,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    /// How it was proven when it was given; absent when no step shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    given: Option<JsonGiven<'a>>,
}

/// A version in use.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonLive<'a> {
    /// Which: `GROUP/N`.
    version: String,
    /// Its status; absent when its file can't be read as a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// The stages that it serves.
    serves: Vec<JsonServing<'a>>,
    /// How it was approved; absent when no reviews were counted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<JsonDecision<'a>>,
    /// The change that made it Approved, right or wrong; absent when no step
    /// shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<JsonGiven<'a>>,
    /// That it was imported as Approved, when that is how it came to be so.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<JsonImport<'a>>,
    /// The key that its approval rests on and that was not believed any more:
    /// such a version resolves nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    tainted_by: Option<&'a str>,
}

/// An import with the status that a version had elsewhere.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonImport<'a> {
    /// The registry that it comes from.
    from: &'a str,
    /// Who imported it.
    by: &'a str,
    /// Whether the policy let that actor.
    granted: bool,
    /// Who decided there.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<&'a str>,
    /// When it was decided there.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<&'a str>,
}

/// A stage that a version serves.
#[derive(Serialize, JsonSchema)]
struct JsonServing<'a> {
    /// The stage.
    stage: &'a str,
    /// How it came to serve it; absent when no step shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<JsonGiven<'a>>,
}

/// A group, with what happened to it.
#[derive(Serialize, JsonSchema)]
struct JsonGroup<'a> {
    /// Its name.
    name: &'a str,
    /// Whether it is there at the tip, as a group or as its tombstone.
    exists: bool,
    /// Whether a tombstone stands in its place.
    deleted: bool,
    /// Its versions at the tip, with the status of each.
    versions: BTreeMap<u64, &'static str>,
    /// Which version serves each stage; `null` where nothing does.
    stages: BTreeMap<&'a str, Option<u64>>,
    /// What happened to it, in order.
    events: Vec<JsonEvent<'a>>,
}

/// A moment as RFC 3339, in UTC.
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

/// The audit as JSON.
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

/// The JSON Schema of the audit.
pub fn schema() -> Value {
    schema_of::<JsonAudit<'_>>()
}
