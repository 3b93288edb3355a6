//! Converts values in both directions by a table that pairs SageMaker's members with
//! Modelry's. A member that the table lacks, or can't convert, is returned as left
//! over, with its path.

use serde_json::{Map, Value, json};

use crate::record::kind::{Digest, Key};
use crate::record::yaml::is_hidden;

/// The conversion of a value from SageMaker, and back.
pub(super) enum Shape {
    /// Text of at least one character, with a limit.
    Text(usize),
    /// A word that is replaced: SageMaker's, Modelry's.
    Words(&'static [(&'static str, &'static str)]),
    /// A list of such texts.
    Texts(usize),
    /// A mapping of text to text.
    Pairs,
    /// A mapping of text to text, with valid keys.
    Keyed,
    /// A list of names with texts, which becomes a mapping.
    NamedTexts,
    /// A list of names with numbers, which becomes a mapping.
    NamedNumbers,
    /// A positive whole number.
    Whole,
    /// True; false is equivalent to absent.
    Yes,
    /// A SHA-256 digest.
    Digest,
    /// A mapping with its own table.
    One(&'static Table),
    /// A list of such mappings.
    Many(&'static Table),
    /// Such mappings by name, with valid keys.
    Named(&'static Table),
}

/// A pair of members, SageMaker's and Modelry's: paths joined by dots, in which a
/// number is an index of a list.
pub(super) struct Field {
    pub theirs: &'static str,
    pub ours: &'static str,
    pub shape: Shape,
    /// A Modelry member of an earlier field that this field requires; empty for none.
    pub beside: &'static str,
}

/// Members of one mapping.
pub(super) struct Table {
    pub fields: &'static [Field],
    /// The Modelry member that is required; empty for none.
    pub needs: &'static str,
    /// Converts SageMaker's mapping to the form of the fields before it is read.
    pub fold: fn(&mut Map<String, Value>),
    /// Reverses that after the mapping is written.
    pub unfold: fn(&mut Map<String, Value>),
}

/// Members that were left over, by path.
#[derive(Debug, Default)]
pub(super) struct Left(pub Vec<(Vec<String>, Value)>);

fn join(at: &[String], path: &str) -> Vec<String> {
    at.iter()
        .cloned()
        .chain(path.split('.').map(str::to_owned))
        .collect()
}

/// Removes a value; lists keep their indexes.
fn take(top: &mut Map<String, Value>, path: &str) -> Option<Value> {
    let (parent, key) = match path.rsplit_once('.') {
        None => return top.remove(path),
        Some(split) => split,
    };
    let mut steps = parent.split('.');
    let mut at = top.get_mut(steps.next()?)?;
    for step in steps {
        at = match at {
            Value::Object(members) => members.get_mut(step)?,
            Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    at.as_object_mut()?.remove(key)
}

/// Puts a value at a path and creates missing parents. A mapping is merged with an
/// existing one. Returns false if another value is in the way.
pub(super) fn put<'p>(
    top: &mut Map<String, Value>,
    path: impl IntoIterator<Item = &'p str>,
    value: Value,
) -> bool {
    let steps: Vec<&str> = path.into_iter().collect();
    let Some((first, rest)) = steps.split_first() else {
        return false;
    };
    let mut at = top.entry(*first).or_insert(Value::Null);
    for step in rest {
        if at.is_null() {
            *at = match step.parse::<usize>() {
                Ok(_) => json!([]),
                Err(_) => json!({}),
            };
        }
        at = match at {
            Value::Object(members) => members.entry(*step).or_insert(Value::Null),
            Value::Array(items) => {
                let Ok(place) = step.parse::<usize>() else {
                    return false;
                };
                if place == items.len() {
                    items.push(Value::Null);
                }
                match items.get_mut(place) {
                    Some(item) => item,
                    None => return false,
                }
            }
            _ => return false,
        };
    }
    join_in(at, value)
}

/// Sets a value, or adds the missing members of a mapping. Returns false if there
/// already is another value.
fn join_in(at: &mut Value, value: Value) -> bool {
    match (at, value) {
        (at @ Value::Null, value) => {
            *at = value;
            true
        }
        (Value::Object(there), Value::Object(members)) => {
            let mut all = true;
            for (key, value) in members {
                all &= join_in(there.entry(key).or_insert(Value::Null), value);
            }
            all
        }
        _ => false,
    }
}

/// Removes empty values.
fn prune(value: &mut Value) {
    if let Value::Object(members) = value {
        members.values_mut().for_each(prune);
        members.retain(|_, value| !is_nothing(value));
    }
}

pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().all(is_nothing),
        Value::Array(items) => items.iter().all(is_nothing),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Converts SageMaker's value to Modelry's. Members that the table does not convert go
/// to `left`.
pub(super) fn read(
    table: &Table,
    theirs: &Map<String, Value>,
    at: &[String],
    left: &mut Left,
) -> Map<String, Value> {
    let mut theirs = theirs.clone();
    (table.fold)(&mut theirs);
    let mut ours = Map::new();
    for field in table.fields {
        if !field.beside.is_empty() && !is_there(&ours, field.beside) {
            continue;
        }
        let Some(value) = take(&mut theirs, field.theirs) else {
            continue;
        };
        if is_nothing(&value) || (matches!(field.shape, Shape::Yes) && value == json!(false)) {
            continue;
        }
        match read_value(&field.shape, &value, &join(at, field.theirs), left) {
            Some(value) => {
                if !is_nothing(&value) {
                    put(&mut ours, field.ours.split('.'), value);
                }
            }
            None => {
                put(&mut theirs, field.theirs.split('.'), value);
            }
        }
    }
    rest(table, &Value::Object(theirs), at, "", left);
    ours
}

/// Whether a path of mappings has a value.
fn is_there(top: &Map<String, Value>, path: &str) -> bool {
    let mut steps = path.split('.');
    let first = steps.next().and_then(|step| top.get(step));
    steps.fold(first, |at, step| at?.get(step)).is_some()
}

/// Collects the members that were not converted, as deep as the table knows the path.
fn rest(table: &Table, value: &Value, at: &[String], path: &str, left: &mut Left) {
    if is_nothing(value) {
        return;
    }
    let inside = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    let leads = |path: &str| {
        let start = format!("{path}.");
        table.fields.iter().any(|field| field.theirs.starts_with(&start))
    };
    match value {
        Value::Object(members) if path.is_empty() || leads(path) => {
            for (key, value) in members {
                rest(table, value, at, &inside(key), left);
            }
        }
        Value::Array(items) if leads(path) => {
            for (place, value) in items.iter().enumerate() {
                rest(table, value, at, &inside(&place.to_string()), left);
            }
        }
        value => left.0.push((join(at, path), value.clone())),
    }
}

fn fits(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.chars().count()) && is_seen(text)
}

/// Whether a record accepts the text: it has no invisible characters.
pub(super) fn is_seen(text: &str) -> bool {
    !text.chars().any(is_hidden)
}

/// Converts a mapping that has its required member.
fn whole(table: &Table, value: &Value, at: &[String], left: &mut Left) -> Option<Value> {
    let ours = read(table, value.as_object()?, at, left);
    (table.needs.is_empty() || ours.contains_key(table.needs)).then_some(Value::Object(ours))
}

fn read_value(shape: &Shape, value: &Value, at: &[String], left: &mut Left) -> Option<Value> {
    let is_key = |key: &str| key.parse::<Key>().is_ok();
    Some(match shape {
        Shape::Text(longest) => json!(value.as_str().filter(|text| fits(text, *longest))?),
        Shape::Words(words) => {
            let word = value.as_str()?;
            json!(words.iter().find(|(theirs, _)| *theirs == word)?.1)
        }
        Shape::Texts(longest) => {
            let items: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
            json!(items.filter(|items| items.iter().all(|text| fits(text, *longest)))?)
        }
        Shape::Pairs | Shape::Keyed => {
            let pairs = value.as_object()?;
            let keyed = matches!(shape, Shape::Keyed);
            let good = |(key, value): (&String, &Value)| {
                value.as_str().is_some_and(is_seen) && is_seen(key) && (!keyed || is_key(key))
            };
            pairs.iter().all(good).then(|| value.clone())?
        }
        Shape::NamedTexts | Shape::NamedNumbers => {
            let numbers = matches!(shape, Shape::NamedNumbers);
            let mut out = Map::new();
            for item in value.as_array()? {
                let item = item.as_object()?;
                let (name, inner) = (item.get("name")?.as_str()?, item.get("value")?);
                let good = if numbers {
                    inner.is_number()
                } else {
                    inner.as_str().is_some_and(is_seen)
                };
                if !good || !is_key(name) || item.len() != 2 {
                    return None;
                }
                if out.insert(name.to_owned(), inner.clone()).is_some() {
                    return None;
                }
            }
            Value::Object(out)
        }
        Shape::Whole => json!(value.as_u64().filter(|number| *number > 0)?),
        Shape::Yes => value.as_bool().map(Value::Bool)?,
        Shape::Digest => {
            let digest = value.as_str()?.to_ascii_lowercase();
            json!(digest.parse::<Digest>().ok()?)
        }
        Shape::One(table) => {
            let mut inner = Left::default();
            let one = whole(table, value, at, &mut inner)?;
            left.0.append(&mut inner.0);
            one
        }
        Shape::Many(table) => {
            let mut out = Vec::new();
            let mut inner = Left::default();
            for (place, item) in value.as_array()?.iter().enumerate() {
                let at = join(at, &place.to_string());
                out.push(whole(table, item, &at, &mut inner)?);
            }
            left.0.append(&mut inner.0);
            Value::Array(out)
        }
        Shape::Named(table) => {
            let mut out = Map::new();
            let mut inner = Left::default();
            for (name, item) in value.as_object()? {
                if !is_key(name) {
                    return None;
                }
                let at = join(at, name);
                out.insert(name.clone(), whole(table, item, &at, &mut inner)?);
            }
            left.0.append(&mut inner.0);
            Value::Object(out)
        }
    })
}

/// Converts Modelry's value to SageMaker's. Members without a counterpart go to `left`.
pub(super) fn write(
    table: &Table,
    ours: &Map<String, Value>,
    at: &[String],
    left: &mut Left,
) -> Map<String, Value> {
    let mut ours = ours.clone();
    let mut theirs = Map::new();
    for field in table.fields {
        if let Some(value) = take(&mut ours, field.ours)
            && let Some(value) = write_value(&field.shape, value, &join(at, field.ours), left)
        {
            put(&mut theirs, field.theirs.split('.'), value);
        }
    }
    (table.unfold)(&mut theirs);
    let mut ours = Value::Object(ours);
    prune(&mut ours);
    leaves(&ours, &mut at.to_vec(), left);
    theirs
}

/// Collects Modelry's members that were not converted, one by one.
fn leaves(value: &Value, at: &mut Vec<String>, left: &mut Left) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                at.push(key.clone());
                leaves(value, at, left);
                at.pop();
            }
        }
        value => left.0.push((at.clone(), value.clone())),
    }
}

fn write_value(shape: &Shape, value: Value, at: &[String], left: &mut Left) -> Option<Value> {
    let named = |value: Value| -> Option<Value> {
        let Value::Object(members) = value else {
            return None;
        };
        let items = members.into_iter();
        Some(
            items
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect(),
        )
    };
    match shape {
        Shape::Words(words) => {
            let word = value.as_str()?;
            let pair = words.iter().find(|(_, ours)| *ours == word)?;
            Some(json!(pair.0))
        }
        Shape::NamedTexts | Shape::NamedNumbers => named(value),
        Shape::One(table) => Some(Value::Object(write(table, value.as_object()?, at, left))),
        Shape::Many(table) => {
            let items = value.as_array()?.iter().enumerate();
            let mut out = Vec::new();
            for (place, item) in items {
                let at = join(at, &place.to_string());
                out.push(Value::Object(write(table, item.as_object()?, &at, left)));
            }
            Some(Value::Array(out))
        }
        Shape::Named(table) => {
            let mut out = Map::new();
            for (name, item) in value.as_object()? {
                let mut at = at.to_vec();
                at.push(name.clone());
                out.insert(
                    name.clone(),
                    Value::Object(write(table, item.as_object()?, &at, left)),
                );
            }
            Some(Value::Object(out))
        }
        _ => Some(value),
    }
}
