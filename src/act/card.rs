//! Filling the card, section by section or member by member.

use serde_json::{Map, Value, json};

use super::{Draft, WriteContext};
use crate::base::Error;
use crate::record::kind::{CardSection, Kind, RecordPath, VersionId};
use crate::record::schema;
use crate::record::yaml::{self, Edit, pointer_step};

/// The members of a card's file beside its sections; Modelry writes them.
const BOOKKEEPING: [&str; 8] = [
    "apiVersion",
    "kind",
    "group",
    "version",
    "by",
    "authors",
    "revision",
    "signature",
];

/// Returns the sections of a file that a user gave: sections alone, or a whole card.
///
/// # Errors
/// The file is the card of another version, or names a section that no card has.
pub fn sections_of(mut given: Map<String, Value>, id: &VersionId) -> Result<Map<String, Value>, Error> {
    if let Some(kind) = given
        .get("kind")
        .filter(|kind| **kind != json!(Kind::ModelCard.as_str()))
    {
        return Err(
            Error::msg(format!("the file is a {}, not a ModelCard", plain(kind)))
                .hint("give sections of a card, or a whole card"),
        );
    }
    for (key, own) in [("group", json!(id.group)), ("version", json!(id.number))] {
        if let Some(other) = given.get(key).filter(|other| **other != own) {
            return Err(Error::msg(format!(
                "the file is a card whose {key} is {}, not {}",
                plain(other),
                plain(&own)
            ))
            .hint(format!("take `{key}` out of the file to use it for {id}")));
        }
    }
    given.retain(|key, _| !BOOKKEEPING.contains(&key.as_str()));
    for key in given.keys() {
        known_section(key)?;
    }
    Ok(given)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn known_section(key: &str) -> Result<(), Error> {
    let known: Vec<&str> = CardSection::ALL.iter().map(|section| section.as_str()).collect();
    if known.contains(&key) {
        return Ok(());
    }
    Err(unknown(&known, key, "a card has no section"))
}

fn unknown(known: &[&str], key: &str, words: &str) -> Error {
    let error = Error::msg(format!("{words} `{key}`"));
    match super::nearest(known, key) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("there are {}", known.join(", "))),
    }
}

/// Reads members of a card that were given as text, by their path (`risk.rating`), as the
/// types that the schema asks for: a number where one is meant, as in a file. Empty text
/// is null, which removes the member; a list takes one item from each text.
///
/// # Errors
/// The schema has no such member, the member is more than text, or no record can contain
/// the number.
pub fn card_members<'a>(
    texts: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<(String, Value)>, Error> {
    let mut out: Vec<(String, Value)> = Vec::new();
    for (path, text) in texts {
        let form = form_of(path)?;
        let there = out.iter_mut().find(|(other, _)| other == path);
        match (form, there) {
            (Form::List, Some((_, Value::Array(items)))) if !text.is_empty() => items.push(json!(text)),
            (_, Some(_)) => {
                return Err(Error::msg(format!("`{path}` is given twice"))
                    .hint("give it once; only lists take several texts"));
            }
            (_, None) if text.is_empty() => out.push((path.to_owned(), Value::Null)),
            (Form::List, None) => out.push((path.to_owned(), json!([text]))),
            (Form::Text, None) => out.push((path.to_owned(), json!(text))),
            (form @ (Form::Scalar | Form::Number), None) => {
                let value = match form {
                    Form::Number => yaml::given_number(text),
                    _ => yaml::given_scalar(text),
                };
                let value = value.map_err(|why| {
                    Error::msg(format!("`{path}` can't be set: {why}"))
                        .hint("a text is given in quotes of its own: `'\"…\"'`")
                });
                out.push((path.to_owned(), value?));
            }
        }
    }
    Ok(out)
}

/// The form of a member's value.
enum Form {
    Text,
    /// A number.
    Number,
    /// Text, a number or a boolean.
    Scalar,
    List,
}

/// Returns the schema of the values in a mapping with free names.
fn free_members(at: &'static Value) -> Option<&'static Value> {
    let patterns = at.get("patternProperties").and_then(Value::as_object);
    let of_patterns = patterns.and_then(|patterns| patterns.values().next());
    of_patterns.or_else(|| at.get("additionalProperties").filter(|more| more.is_object()))
}

/// Returns the form that the schema of cards asks for at a path.
fn form_of(path: &str) -> Result<Form, Error> {
    let whole = schema::schema(Kind::ModelCard);
    let resolved = |mut at: &'static Value| {
        // An optional member is `anyOf` of it and null, or a bare reference.
        while let Some(name) = at.get("$ref").and_then(Value::as_str) {
            match whole.pointer(name.trim_start_matches('#')) {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    };
    let mut at = whole;
    let mut walked = String::new();
    for (depth, step) in path.split('.').enumerate() {
        if depth == 0 {
            known_section(step)?;
        }
        let free = free_members(at);
        let names = at.get("properties").and_then(Value::as_object);
        at = match (names.and_then(|names| names.get(step)), free) {
            (Some(member), _) => resolved(member),
            (None, Some(member)) => resolved(member),
            (None, None) => {
                let names: Vec<&str> = names
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.as_str())
                    .collect();
                return Err(match names.is_empty() {
                    true => Error::msg(format!("`{walked}` has no members with names"))
                        .hint("give it in a file: `-f card.yaml`"),
                    false => unknown(&names, step, &format!("`{walked}` has no member")),
                });
            }
        };
        walked = if depth == 0 {
            step.to_owned()
        } else {
            format!("{walked}.{step}")
        };
    }
    let is = |at: &Value, kind: &str| {
        at.get("type").is_some_and(|types| match types {
            Value::Array(types) => types.iter().any(|one| one == kind),
            one => one == kind,
        })
    };
    match (
        is(at, "string") || at.get("enum").is_some(),
        is(at, "number") || is(at, "integer"),
    ) {
        (true, true) => return Ok(Form::Scalar),
        (true, false) => return Ok(Form::Text),
        (false, true) => return Ok(Form::Number),
        (false, false) => {}
    }
    if is(at, "array") && at.get("items").is_some_and(|items| is(resolved(items), "string")) {
        return Ok(Form::List);
    }
    Err(
        Error::msg(format!("`{walked}` is more than text")).hint(match at.get("properties") {
            Some(Value::Object(members)) => format!(
                "name a member of it, as `--set {walked}.{}=…`, or give it in a file: `-f card.yaml`",
                members.keys().next().map_or("MEMBER", String::as_str)
            ),
            _ => "give it in a file: `-f card.yaml`".to_owned(),
        }),
    )
}

/// Sets sections, and members of sections, of a version's card; null removes one. Others
/// stay. Returns `None` when the card has these values already.
///
/// # Errors
/// The version does not exist, or the file can't be edited.
pub fn set_card(
    desk: &WriteContext<'_>,
    id: &VersionId,
    sections: &Map<String, Value>,
    members: &[(String, Value)],
    reason: Option<&str>,
) -> Result<Draft, Error> {
    desk.version(id)?;
    let path = RecordPath::Card(id.clone());
    let Some(old) = desk.snapshot.read(&path)? else {
        let mut all = sections.clone();
        for (path, value) in members {
            insert(&mut all, path, value);
        }
        let record = new_card(id, desk.actor.as_str(), &all);
        let mut draft = Draft::new(format!("Add the card of {id}"), reason);
        draft.put(&path, desk.new_record(Kind::ModelCard, &path, record)?);
        return Ok(draft);
    };
    let mut edits: Vec<Edit> = Vec::new();
    let mut sections = sections.clone();
    for (path, value) in members {
        let section = path.split('.').next().unwrap_or_default();
        // The file may contain the section that the member is in.
        if sections.contains_key(section) {
            insert(&mut sections, path, value);
        } else {
            let pointer = pointer_of(path);
            differ(&pointer, old.value().pointer(&pointer), value, &mut edits);
        }
    }
    for (key, value) in &sections {
        differ(&format!("/{key}"), old.value().get(key), value, &mut edits);
    }
    let mut draft = Draft::new(format!("Change the card of {id}"), reason);
    if edits.is_empty() {
        draft.notes.push(format!("the card of {id} says so already"));
        draft.existing.push(path);
        return Ok(draft);
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
    draft.put(&path, desk.edited(&path, &old, edits)?);
    Ok(draft)
}

fn pointer_of(path: &str) -> String {
    path.split('.')
        .map(|step| format!("/{}", pointer_step(step)))
        .collect()
}

/// Lists the edits that lead from one value to another, as deep as possible, so that
/// comments beside unchanged members stay.
fn differ(pointer: &str, old: Option<&Value>, new: &Value, edits: &mut Vec<Edit>) {
    match (old, new) {
        (Some(old), new) if old == new => {}
        (None, Value::Null) => {}
        (Some(_), Value::Null) => edits.push(Edit::Remove {
            pointer: pointer.to_owned(),
        }),
        (Some(Value::Object(old)), Value::Object(new)) if !new.is_empty() => {
            let step = |key: &str| format!("{pointer}/{}", pointer_step(key));
            for (key, value) in new {
                differ(&step(key), old.get(key), value, edits);
            }
            for key in old.keys().filter(|key| !new.contains_key(*key)) {
                edits.push(Edit::Remove { pointer: step(key) });
            }
        }
        (_, new) => edits.push(Edit::Set {
            pointer: pointer.to_owned(),
            value: new.clone(),
        }),
    }
}

/// Sets a member by its path in sections that are not written yet; null removes it.
fn insert(sections: &mut Map<String, Value>, path: &str, value: &Value) {
    match path.split_once('.') {
        None if value.is_null() => {
            sections.remove(path);
        }
        None => {
            sections.insert(path.to_owned(), value.clone());
        }
        Some((first, _)) if value.is_null() && !sections.contains_key(first) => {}
        Some((first, rest)) => {
            let section = sections.entry(first).or_insert_with(|| json!({}));
            if let Some(members) = section.as_object_mut() {
                insert(members, rest, value);
            }
        }
    }
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
