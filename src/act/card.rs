//! The card is filled section by section.

use serde_json::{Map, Value, json};

use super::{Desk, Draft};
use crate::error::Error;
use crate::model::{CardSection, Kind, RecordPath, VersionId};
use crate::source::Edit;

/// Sets sections of a version's card; null takes one away. Others stay.
///
/// # Errors
/// When there is no such version, or a section is not known.
pub fn set_card(
    desk: &Desk<'_>,
    id: &VersionId,
    sections: &Map<String, Value>,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    desk.version(id)?;
    let path = RecordPath::Card(id.clone());
    let known: Vec<&str> = CardSection::ALL.iter().map(|section| section.as_str()).collect();
    for key in sections.keys() {
        if !known.contains(&key.as_str()) {
            let error = Error::told(format!("a card has no section `{key}`"));
            return Err(match super::nearest(&known, key) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("the sections are {}", known.join(", "))),
            });
        }
    }
    let Some(old) = desk.snapshot.read(&path)? else {
        let record = new_card(id, desk.actor.as_str(), sections);
        let mut draft = Draft::new(format!("Add the card of {id}"), reason);
        draft.put(&path, desk.new_record(Kind::ModelCard, &path, record)?);
        return Ok(draft);
    };
    let mut edits: Vec<Edit> = Vec::new();
    for (key, value) in sections {
        let pointer = format!("/{key}");
        match value {
            Value::Null if old.value().get(key).is_some() => edits.push(Edit::Remove { pointer }),
            Value::Null => {}
            value => edits.push(Edit::Set {
                pointer,
                value: value.clone(),
            }),
        }
    }
    edits.push(Edit::Set {
        pointer: "/by".into(),
        value: json!(desk.actor),
    });
    if !old.card().is_some_and(|card| card.authors.contains(&desk.actor)) {
        edits.push(Edit::Set {
            pointer: "/authors/-".into(),
            value: json!(desk.actor),
        });
    }
    edits.push(Edit::Set {
        pointer: "/revision".into(),
        value: json!(old.revision().unwrap_or(0) + 1),
    });
    let mut draft = Draft::new(format!("Change the card of {id}"), reason);
    draft.put(&path, desk.edited(&path, &old, edits)?);
    Ok(draft)
}

/// The members of a first card.
pub(super) fn new_card(id: &VersionId, actor: &str, sections: &Map<String, Value>) -> Map<String, Value> {
    let mut record = super::members([
        ("group", Some(json!(id.group))),
        ("version", Some(json!(id.number))),
        ("by", Some(json!(actor))),
        ("authors", Some(json!([actor]))),
        ("revision", Some(json!(1))),
    ]);
    record.extend(
        sections
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    record
}
