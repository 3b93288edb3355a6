//! Values read and written by a table: which member of theirs is which of
//! ours. What a table does not know, or can't take, is left over, by its path.

use serde_json::{Map, Value, json};

use crate::record::kind::{Digest, Key};
use crate::record::yaml::is_hidden;

/// How a value of theirs becomes one of ours, and back.
pub(super) enum Shape {
    /// Text of 1 to so many characters.
    Text(usize),
    /// One word for another: theirs, ours.
    Words(&'static [(&'static str, &'static str)]),
    /// A list of such texts.
    Texts(usize),
    /// A mapping of text to text.
    Pairs,
    /// A mapping of text to text, under keys of ours.
    Keyed,
    /// A list of names with texts: a mapping of ours.
    NamedTexts,
    /// A list of names with numbers: a mapping of ours.
    NamedNumbers,
    /// A positive whole number.
    Whole,
    /// True; false is the same as absent.
    Yes,
    /// A SHA-256 digest.
    Digest,
    /// A mapping by a table of its own.
    One(&'static Table),
    /// A list of such mappings.
    Many(&'static Table),
    /// Such mappings by name, under keys of ours.
    Named(&'static Table),
}

/// A member of theirs and ours: paths joined by dots, in which a number is a
/// place in a list.
pub(super) struct Field {
    pub theirs: &'static str,
    pub ours: &'static str,
    pub shape: Shape,
    /// The member of ours, of an earlier field, without which this one says
    /// nothing; empty for none.
    pub beside: &'static str,
}

/// Members that belong together.
pub(super) struct Table {
    pub fields: &'static [Field],
    /// The member of ours without which there is nothing; empty for none.
    pub needs: &'static str,
    /// Brings theirs into the form that the fields tell, before it is read.
    pub fold: fn(&mut Map<String, Value>),
    /// Undoes that, after it is written.
    pub unfold: fn(&mut Map<String, Value>),
}

/// What had no place, by its path.
#[derive(Debug, Default)]
pub(super) struct Left(pub Vec<(Vec<String>, Value)>);

fn join(at: &[String], path: &str) -> Vec<String> {
    at.iter()
        .cloned()
        .chain(path.split('.').map(str::to_owned))
        .collect()
}

/// Takes a value out; lists keep their places.
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

/// Puts a value at a path, making what leads there; a mapping is joined with
/// the one that stands there. False when something else stands in the way.
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

/// Gives a place a value, and a mapping the members that it lacks. False when
/// something is there already.
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

/// Takes away what holds nothing.
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

/// Theirs to ours. What the table does not take goes to `left`.
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

/// Whether something stands at a path of mappings.
fn is_there(top: &Map<String, Value>, path: &str) -> bool {
    let mut steps = path.split('.');
    let first = steps.next().and_then(|step| top.get(step));
    steps.fold(first, |at, step| at?.get(step)).is_some()
}

/// What was not taken, as deep as the table knows the way.
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

/// Whether a record takes the text: it has no character that nobody sees.
pub(super) fn is_seen(text: &str) -> bool {
    !text.chars().any(is_hidden)
}

/// A mapping with what it needs.
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

/// Ours to theirs. What of ours has no place there goes to `left`.
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

/// What of ours was not taken, member by member.
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
