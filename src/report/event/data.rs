//! What an event tells, as JSON: a frozen form of its own, so that inner types
//! can change. What is absent is left out.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{Approver, Authority, Event, Field, Proof};
use crate::record::kind::VersionNumber;
use crate::record::schema;

/// The data of an event: one change of a registry.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "modelry event data, v1")]
#[serde(rename_all = "camelCase")]
struct JsonData<'a> {
    /// The registry's id.
    registry: &'a str,
    /// The step; the root is 1.
    step: usize,
    /// The step's commit, on the mainline.
    mainline: String,
    /// The date that the step's commit claims, in UTC (RFC 3339), where a step
    /// before it claims a later one; the event's time is that later one then.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    /// The change in one line, as in a commit's `Modelry-Change:` trailer.
    change: &'a str,
    /// The file, from the repository's top.
    path: &'a str,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    /// The version's number; for a stage the version that serves it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<VersionNumber>,
    /// The stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    /// The name of an evidence or an observation; the actor of a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// What it was: a status, a decision, a policy's serial, the version that
    /// served.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'a Value>,
    /// What it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<&'a Value>,
    /// Exactly what changed in the file, but for the record's own signature.
    fields: Vec<JsonField<'a>>,
    /// Whose act it is; for a move of status that others authorise, who carries
    /// it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    /// By what it is proven.
    proof: JsonProof<'a>,
    /// What authorised a move of status.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<JsonDecision<'a>>,
    /// The reason that its author gave; for a policy the subject of the step's
    /// commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// What is wrong with it and was accepted since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<JsonFinding<'a>>,
}

/// One value that changed.
#[derive(Serialize, JsonSchema)]
struct JsonField<'a> {
    /// Where it stands in the file (JSON pointer).
    pointer: &'a str,
    /// What it was; absent when it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Value>,
    /// What it is; absent when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Value>,
}

/// By what a change is proven.
#[derive(Serialize, JsonSchema)]
struct JsonProof<'a> {
    /// `root`, `record`, `commit`, `decision` or `nobody`.
    means: &'a str,
    /// The fingerprint of the key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// The commit that brings it: the step's own, or one behind its merge.
    commit: String,
}

/// What authorised a move of status.
#[derive(Serialize, JsonSchema)]
struct JsonDecision<'a> {
    /// The status that it leads to.
    to: &'a str,
    /// What was decided: Approved, Rejected or Archived.
    decision: &'a str,
    /// Whose decisions counted.
    by: Vec<JsonVoice<'a>>,
    /// The digest of what they saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
}

/// One whose decision counted.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonVoice<'a> {
    /// Who.
    actor: &'a str,
    /// The machine that reported it from a Git host's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_by: Option<&'a str>,
}

/// A finding that was accepted.
#[derive(Serialize, JsonSchema)]
struct JsonFinding<'a> {
    /// The rule's code.
    code: &'a str,
    /// The rule's name.
    name: &'a str,
    /// Who accepted it, in which policy, and why.
    acknowledged: &'a str,
}

/// The name of the schema of an event's data.
pub fn schema_id() -> String {
    schema::identifier("event")
}

/// The JSON Schema of an event's data.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<JsonData<'_>>();
    schema.insert("$id".into(), schema_id().into());
    schema.to_value()
}

/// What an event tells.
pub(super) fn data(event: &Event) -> Value {
    let data = JsonData {
        registry: &event.registry,
        step: event.step,
        mainline: event.mainline.to_string(),
        claimed: event.claimed_moment(),
        change: &event.change,
        path: &event.path,
        group: event.group.as_deref(),
        version: event.version,
        stage: event.stage.as_deref(),
        name: event.name.as_deref(),
        old: event.old.as_ref(),
        new: event.new.as_ref(),
        fields: event.fields.iter().map(field).collect(),
        actor: event.proof.actor.as_ref().map(|actor| actor.as_str()),
        proof: proof(&event.proof),
        decision: event.decision.as_ref().map(decision),
        reason: event.reason.as_deref(),
        findings: event
            .findings
            .iter()
            .map(|finding| JsonFinding {
                code: finding.code,
                name: finding.name,
                acknowledged: &finding.words,
            })
            .collect(),
    };
    serde_json::to_value(data).unwrap_or_default()
}

fn field(field: &Field) -> JsonField<'_> {
    JsonField {
        pointer: &field.pointer,
        before: field.before.as_ref(),
        after: field.after.as_ref(),
    }
}

fn proof(proof: &Proof) -> JsonProof<'_> {
    JsonProof {
        means: proof.means.as_str(),
        key: proof.key.as_deref(),
        commit: proof.commit.to_string(),
    }
}

fn decision(authority: &Authority) -> JsonDecision<'_> {
    match authority {
        Authority::Reviews {
            to,
            decision,
            by,
            subject,
        } => JsonDecision {
            to: to.as_str(),
            decision: decision.as_str(),
            by: by.iter().map(voice).collect(),
            subject: Some(subject),
        },
        Authority::Archival(actor) => JsonDecision {
            to: "Archived",
            decision: "Archived",
            by: vec![JsonVoice {
                actor: actor.as_str(),
                reported_by: None,
            }],
            subject: None,
        },
    }
}

fn voice(voice: &Approver) -> JsonVoice<'_> {
    JsonVoice {
        actor: voice.actor.as_str(),
        reported_by: voice.reported_by.as_ref().map(|actor| actor.as_str()),
    }
}
