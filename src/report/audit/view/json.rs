//! `modelry-audit/v1`: a frozen format with its own types, so that inner types can
//! change. Absent members are left out.

use serde_json::Value;

use super::json_types::{
    JsonAudit, JsonDecision, JsonEvent, JsonFlag, JsonGate, JsonGiven, JsonGroup, JsonImport, JsonKey,
    JsonLive, JsonNobody, JsonPolicy, JsonProof, JsonRegistry, JsonReview, JsonRule, JsonServing,
    JsonSignatures, JsonSigner, JsonTrust,
};
use super::range::range;
use crate::judge::history::Dated;
use crate::record::kind::ActorId;
use crate::report::audit::{
    Approval, Audit, Counted, Event, GateOutcome, Given, Group, Live, Outcome, Proof, Serving, Signer, Uses,
};
use crate::report::findings::json::{finding, note, schema_of};

/// The name of the format and of its schema.
pub const SCHEMA_NAME: &str = "modelry-audit/v1";

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
