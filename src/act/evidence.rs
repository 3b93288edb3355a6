//! Evaluations: evidence before the decision, observations at any time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Draft, WriteContext, members};
use crate::base::Error;
use crate::record::kind::{DatasetRef, Key, Kind, RecordName, RecordPath, ReportRef, VersionId};
use crate::record::yaml::{Edit, pointer_step};

/// The measurements.
#[derive(Clone, Debug, Default)]
pub struct EvidenceRequest {
    /// Measured values.
    pub metrics: BTreeMap<Key, Value>,
    /// The data.
    pub dataset: Option<DatasetRef>,
    /// The report.
    pub report: Option<ReportRef>,
    /// A few words.
    pub notes: Option<String>,
    /// Whether it was learnt later and is not part of the approval.
    pub observation: bool,
}

/// Adds an evaluation, or changes the actor's own.
///
/// # Errors
/// The version does not exist, or another actor made the evaluation.
pub fn add_evidence(
    desk: &WriteContext<'_>,
    id: &VersionId,
    name: &RecordName,
    request: &EvidenceRequest,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    desk.version(id)?;
    let path = match request.observation {
        true => RecordPath::Observation(id.clone(), name.clone()),
        false => RecordPath::Evidence(id.clone(), name.clone()),
    };
    let what = if request.observation {
        "observation"
    } else {
        "evidence"
    };
    let metrics: serde_json::Map<String, Value> = request
        .metrics
        .iter()
        .map(|(key, value)| (key.to_string(), value.clone()))
        .collect();
    let content = members([
        ("dataset", request.dataset.as_ref().map(|dataset| json!(dataset))),
        ("metrics", (!metrics.is_empty()).then(|| Value::Object(metrics))),
        ("report", request.report.as_ref().map(|report| json!(report))),
        ("notes", request.notes.as_ref().map(|notes| json!(notes))),
    ]);
    let Some(old) = desk.snapshot.read(&path)? else {
        let mut record = members([
            ("group", Some(json!(id.group))),
            ("version", Some(json!(id.number))),
            ("name", Some(json!(name))),
            ("by", Some(json!(desk.actor))),
            ("revision", Some(json!(1))),
        ]);
        record.extend(content);
        let mut draft = Draft::new(format!("Add {what} {name} to {id}"), reason);
        draft.put(&path, desk.new_record(Kind::Evaluation, &path, record)?);
        return Ok(draft);
    };
    let author = old.by().cloned();
    if author.as_ref() != Some(&desk.actor) {
        let author = author.map_or_else(|| "somebody else".to_owned(), |author| format!("`{author}`"));
        return Err(Error::msg(format!(
            "{what} `{name}` of {id} is {author}'s, and only its author changes it"
        ))
        .hint("add your own under another name"));
    }
    let mut edits: Vec<Edit> = content
        .into_iter()
        .flat_map(|(key, value)| match value {
            // Metrics that are not named stay.
            Value::Object(inner) if key == "metrics" => inner
                .into_iter()
                .map(|(name, value)| Edit::Set {
                    pointer: format!("/metrics/{}", pointer_step(&name)),
                    value,
                })
                .collect::<Vec<_>>(),
            value => vec![Edit::Set {
                pointer: format!("/{key}"),
                value,
            }],
        })
        .collect();
    let is_there = |edit: &Edit| match edit {
        Edit::Set { pointer, value } => old.value().pointer(pointer) == Some(value),
        Edit::Remove { .. } => false,
    };
    if edits.iter().all(is_there) {
        let mut draft = Draft::new("", reason);
        draft
            .notes
            .push(format!("{what} `{name}` of {id} says so already"));
        draft.existing.push(path);
        return Ok(draft);
    }
    edits.push(Edit::Set {
        pointer: "/revision".into(),
        value: json!(old.revision().unwrap_or(0) + 1),
    });
    let mut draft = Draft::new(format!("Change {what} {name} of {id}"), reason);
    draft.put(&path, desk.edited(&path, &old, edits)?);
    Ok(draft)
}
