//! Events as CloudEvents 1.0, in its JSON format.
//!
//! The extensions `sequence` (its value sorts as text) and `partitionkey` are
//! those that CloudEvents documents; `previous` is the id of the event before.

use serde_json::{Map, Value, json};

use crate::event::{Authority, Event};

/// The media type of one event.
pub const MEDIA_TYPE: &str = "application/cloudevents+json";

/// The media type of several in an array.
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// An event.
pub fn event(event: &Event) -> Value {
    let mut all = Members::default();
    all.put("specversion", Some("1.0"));
    all.put("id", Some(&event.id));
    all.put("source", Some(event.source()));
    all.put("type", Some(event.type_name()));
    all.put("subject", Some(&event.subject));
    all.put("time", event.moment());
    all.put("sequence", Some(event.sequence()));
    all.put("previous", event.previous.as_ref());
    all.put("partitionkey", event.group.as_ref());
    all.put("datacontenttype", Some("application/json"));
    all.put("data", Some(data(event)));
    Value::Object(all.0)
}

/// What happened, in whole.
pub fn data(event: &Event) -> Value {
    let mut data = Members::default();
    data.put("registry", Some(&event.registry));
    data.put("step", Some(event.step));
    data.put("mainline", Some(event.mainline.to_string()));
    data.put("change", Some(&event.change));
    data.put("path", Some(&event.path));
    data.put("group", event.group.as_ref());
    data.put("version", event.version);
    data.put("stage", event.stage.as_ref());
    data.put("name", event.name.as_ref());
    data.put("old", event.old.clone());
    data.put("new", event.new.clone());
    let fields = event.fields.iter().map(|field| {
        let mut one = Members::default();
        one.put("pointer", Some(&field.pointer));
        one.put("before", field.before.clone());
        one.put("after", field.after.clone());
        Value::Object(one.0)
    });
    data.put("fields", Some(fields.collect::<Vec<_>>()));
    data.put("actor", event.proof.actor.as_ref().map(|actor| actor.as_str()));
    data.put("proof", Some(proof(event)));
    data.put("decision", event.decision.as_ref().map(decision));
    data.put("reason", event.reason.as_ref());
    if !event.findings.is_empty() {
        let findings = event.findings.iter().map(
            |finding| json!({"code": finding.code, "name": finding.name, "acknowledged": finding.words}),
        );
        data.put("findings", Some(findings.collect::<Vec<_>>()));
    }
    Value::Object(data.0)
}

/// By what it is proven, in the words of an audit.
pub(super) fn proof(event: &Event) -> Value {
    let mut proof = Members::default();
    proof.put("means", Some(event.proof.means.as_str()));
    proof.put("key", event.proof.key.as_ref());
    proof.put("commit", Some(event.proof.commit.to_string()));
    Value::Object(proof.0)
}

/// What authorised a move of status.
fn decision(authority: &Authority) -> Value {
    match authority {
        Authority::Reviews {
            to,
            decision,
            by,
            subject,
        } => {
            let by = by.iter().map(|voice| {
                let mut one = Members::default();
                one.put("actor", Some(voice.actor.as_str()));
                one.put(
                    "reportedBy",
                    voice.reported_by.as_ref().map(|actor| actor.as_str()),
                );
                Value::Object(one.0)
            });
            json!({"to": to, "decision": decision, "by": by.collect::<Vec<_>>(), "subject": subject})
        }
        Authority::Archival(actor) => {
            json!({"to": "Archived", "decision": "Archived", "by": [{"actor": actor}]})
        }
    }
}

/// Members of an object; those that are not there are left out.
#[derive(Default)]
pub(super) struct Members(pub Map<String, Value>);

impl Members {
    /// Adds one, if it is there.
    pub fn put(&mut self, key: &str, value: Option<impl serde::Serialize>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), json!(value));
        }
    }
}
