//! The changed fields of a file.

use serde_json::{Map, Value, json};

use crate::record::change::{Change, ChangeKind, differing_pointers};
use crate::record::subject::FREE_FIELDS;

/// One changed value of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The place in the file (JSON pointer).
    pub pointer: String,
    /// The old value, or `None` if there was none.
    pub before: Option<Value>,
    /// The new value, or `None` if there is none.
    pub after: Option<Value>,
}

/// Whether a version was imported with the status that it had elsewhere.
pub(super) fn is_imported(change: &Change) -> bool {
    let version = change.after.as_ref().and_then(|file| file.version());
    version.is_some_and(|version| version.imported.is_some())
}

/// The fields of a change, as deep as both values are mappings.
pub(super) fn fields(change: &Change) -> Vec<Field> {
    let members = |file: Option<&Value>| match file {
        Some(Value::Object(members)) => members.clone(),
        _ => Map::new(),
    };
    let before = change.before.as_ref().map(|file| file.value());
    let after = change.after.as_ref().map(|file| file.value());
    let at = |pointer: &str| Field {
        pointer: pointer.to_owned(),
        before: before.and_then(|value| value.pointer(pointer)).cloned(),
        after: after.and_then(|value| value.pointer(pointer)).cloned(),
    };
    match &change.kind {
        ChangeKind::FrozenChanged { pointers } | ChangeKind::VersionAnnotated { pointers } => {
            let pointers = pointers.iter().filter(|pointer| *pointer != "/signature");
            pointers.map(|pointer| at(pointer)).collect()
        }
        ChangeKind::StatusMoved { from, to } => vec![Field {
            pointer: "/status".into(),
            before: Some(json!(from)),
            after: Some(json!(to)),
        }],
        ChangeKind::VersionImported { status } => vec![
            at("/imported"),
            Field {
                pointer: "/status".into(),
                before: None,
                after: Some(json!(status)),
            },
        ],
        ChangeKind::Reformatted => Vec::new(),
        kind => {
            let registered = *kind == ChangeKind::VersionRegistered;
            let mut members = [members(before), members(after)];
            for members in &mut members {
                members.remove("signature");
                if registered {
                    // These members have changes of their own.
                    members.retain(|key, _| {
                        !FREE_FIELDS.contains(&key.as_str()) && key != "status" && key != "imported"
                    });
                }
            }
            let [before, after] = members.map(Value::Object);
            let pointers = differing_pointers(&before, &after);
            let mut fields: Vec<Field> = pointers.iter().map(|pointer| at(pointer)).collect();
            // The import event already has the first status of an imported version.
            if registered && !is_imported(change) {
                fields.push(Field {
                    pointer: "/status".into(),
                    before: None,
                    after: Some(json!("Pending")),
                });
            }
            fields
        }
    }
}
