//! The data of an event, as JSON: a frozen format with its own types, so that inner
//! types can change. Absent members are left out.

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
    /// The date that the step's commit claims, in UTC (RFC 3339), if an earlier step
    /// claims a later one. The event's time is then the later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<String>,
    /// The change in one line, as in a commit's `Modelry-Change:` trailer.
    change: &'a str,
    /// The file, from the repository's top.
    path: &'a str,
    /// The group.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    /// The version's number; for a stage, the version that now serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<VersionNumber>,
    /// The stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    /// The name of an evidence or an observation; the actor of a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// The old value: a status, a decision, a policy's serial, or the version that
    /// served.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<&'a Value>,
    /// The new value.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<&'a Value>,
    /// The changed fields of the file, without the record's own signature.
    fields: Vec<JsonField<'a>>,
    /// The author of the change. For a change of status that others authorise, the
    /// actor who committed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    /// The proof of the change.
    proof: JsonProof<'a>,
    /// The authority for a change of status.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<JsonDecision<'a>>,
    /// The reason that the author gave; for a policy, the subject of the step's commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The findings of the change, which were all acknowledged later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<JsonFinding<'a>>,
}

/// One changed value.
#[derive(Serialize, JsonSchema)]
struct JsonField<'a> {
    /// The place in the file (JSON pointer).
    pointer: &'a str,
    /// The old value; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Value>,
    /// The new value; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Value>,
}

/// The proof of a change.
#[derive(Serialize, JsonSchema)]
struct JsonProof<'a> {
    /// The kind of proof: `root`, `record`, `commit`, `decision` or `nobody`.
    means: &'a str,
    /// The fingerprint of the signing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    /// The commit that makes the change: the step's own, or one of its merged side.
    commit: String,
}

/// The authority for a change of status.
#[derive(Serialize, JsonSchema)]
struct JsonDecision<'a> {
    /// The resulting status.
    to: &'a str,
    /// The decision: Approved, Rejected or Archived.
    decision: &'a str,
    /// The actors whose decisions counted.
    by: Vec<JsonVoice<'a>>,
    /// The digest of the reviewed content.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
}

/// An actor whose decision counted.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonVoice<'a> {
    /// The actor.
    actor: &'a str,
    /// The machine that reported the decision from a Git host.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_by: Option<&'a str>,
}

/// A finding that was acknowledged.
#[derive(Serialize, JsonSchema)]
struct JsonFinding<'a> {
    /// The rule's code.
    code: &'a str,
    /// The rule's name.
    name: &'a str,
    /// The actor who acknowledged it, the policy, and the reason.
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

/// Builds the data of an event.
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
