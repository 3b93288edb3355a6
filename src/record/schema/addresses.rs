//! The places of addresses in a schema, and the addresses of a document.

use serde_json::{Map, Value};

use super::compiled;
use crate::record::kind::{Kind, URI_MARK};
use crate::record::yaml::pointer_step;

/// Removes the marks of addresses from a schema before it is published.
pub(super) fn unmark(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.shift_remove(URI_MARK);
            members.values_mut().for_each(unmark);
        }
        Value::Array(items) => items.iter_mut().for_each(unmark),
        _ => {}
    }
}

/// Lists every address in a document of this kind with its JSON pointer.
pub fn addresses(kind: Kind, value: &Value) -> Vec<(String, &str)> {
    let whole = &compiled(kind).marked;
    let mut out = Vec::new();
    collect_addresses(whole, whole, value, "", &mut out);
    out
}

fn collect_addresses<'v>(
    whole: &Value,
    schema: &Value,
    value: &'v Value,
    pointer: &str,
    out: &mut Vec<(String, &'v str)>,
) {
    if schema.get(URI_MARK).is_some() {
        match value {
            Value::String(text) => out.push((pointer.to_owned(), text)),
            Value::Array(items) => {
                let texts = items.iter().enumerate();
                let texts = texts.filter_map(|(at, item)| Some((format!("{pointer}/{at}"), item.as_str()?)));
                out.extend(texts);
            }
            _ => {}
        }
        return;
    }
    let referred = schema.get("$ref").and_then(Value::as_str);
    if let Some(referred) = referred.and_then(|name| whole.pointer(name.trim_start_matches('#'))) {
        collect_addresses(whole, referred, value, pointer, out);
    }
    for choices in ["anyOf", "oneOf", "allOf"] {
        for choice in schema
            .get(choices)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            collect_addresses(whole, choice, value, pointer, out);
        }
    }
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let named = schema.get("properties").and_then(|all| all.get(key));
                let of_patterns = schema.get("patternProperties").and_then(Value::as_object);
                let free = of_patterns.into_iter().flat_map(Map::values);
                let free = free.chain(schema.get("additionalProperties"));
                let at = format!("{pointer}/{}", pointer_step(key));
                match named {
                    Some(named) => collect_addresses(whole, named, member, &at, out),
                    None => free.for_each(|free| collect_addresses(whole, free, member, &at, out)),
                }
            }
        }
        Value::Array(items) => {
            if let Some(of_items) = schema.get("items") {
                for (at, item) in items.iter().enumerate() {
                    collect_addresses(whole, of_items, item, &format!("{pointer}/{at}"), out);
                }
            }
        }
        _ => {}
    }
}
