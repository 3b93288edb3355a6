//! What changed inside a record, as lines.

use serde::Serialize;
use serde_json::Value;

use crate::change::{self, Change, ChangeKind};

/// One member before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its path: `labels.team`.
    pub field: String,
    /// The value before, on one short line.
    pub before: String,
    /// The value after.
    pub after: String,
}

/// One value on one line.
fn short(value: Option<&Value>) -> String {
    let text = match value {
        None => return "absent".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let first = text.lines().next().unwrap_or_default();
    let cut: String = first.chars().take(80).collect();
    if cut.len() < text.trim_end().len() {
        format!("{cut}…")
    } else {
        cut
    }
}

/// What changed inside the record of a change, as lines.
pub fn fields_of(change: &Change) -> Vec<Field> {
    let shows = matches!(
        change.kind,
        ChangeKind::PolicyChanged
            | ChangeKind::GroupUpdated
            | ChangeKind::CardChanged
            | ChangeKind::EvidenceChanged
            | ChangeKind::ObservationChanged
            | ChangeKind::FrozenChanged { .. }
            | ChangeKind::VersionAnnotated { .. }
    );
    let (Some(before), Some(after)) = (change.before.as_ref(), change.after.as_ref()) else {
        return Vec::new();
    };
    if !shows {
        return Vec::new();
    }
    let pointers = match &change.kind {
        ChangeKind::FrozenChanged { pointers } | ChangeKind::VersionAnnotated { pointers } => {
            pointers.clone()
        }
        _ => change::differing_pointers(before.value(), after.value()),
    };
    fields(before.value(), after.value(), pointers)
}

/// The members at these pointers, before and after, but for those that only
/// count or sign.
pub fn fields(before: &Value, after: &Value, pointers: Vec<String>) -> Vec<Field> {
    let quiet = |pointer: &String| !matches!(pointer.as_str(), "/revision" | "/signature" | "/status");
    pointers
        .into_iter()
        .filter(quiet)
        .map(|pointer| Field {
            field: pointer.trim_start_matches('/').replace('/', "."),
            before: short(before.pointer(&pointer)),
            after: short(after.pointer(&pointer)),
        })
        .collect()
}
