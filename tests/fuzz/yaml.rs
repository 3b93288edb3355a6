//! YAML: what is accepted means the same to a second reader, is written and
//! edited as it was meant, and no value of it makes the schema or the types
//! fall over.

use modelry::testing::record::canonical::canonical;
use modelry::testing::record::kind::Kind;
use modelry::testing::record::schema;
use modelry::testing::record::yaml::{Document, Edit, Limits, LineIndex, Part, write};
use serde_json::Value;

/// Equal as values: a number is a number, whole or not.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Every pointer of a value.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(value, &format!("{at}/{key}"), out);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

/// A value that the schema accepts fits the type.
fn typed(kind: Kind, value: &Value) -> Result<(), String> {
    kind.read(value).map(drop)
}

fn accepted(document: &Document) {
    let (text, value) = (document.text(), document.value());
    let second: Value = serde_yaml::from_str(text)
        .unwrap_or_else(|error| panic!("a second reader refuses what we accept: {error}"));
    assert!(
        same(&second, value),
        "a second reader sees {second}, and we {value}"
    );
    let bytes = canonical(value);
    let again: Value = serde_json::from_slice(&bytes).expect("canonical JSON");
    assert!(same(&again, value), "canonical bytes hold the value");
    let mut all = Vec::new();
    pointers(value, "", &mut all);
    let index = LineIndex::new(text);
    for pointer in all.iter().take(64) {
        for part in [Part::Key, Part::Value] {
            let span = document.span(pointer, part);
            assert!(text.get(span.clone()).is_some(), "a place in the text: {span:?}");
            let _ = index.line_column(text, span.start);
        }
        if let Some(spelling) = document.spelling(pointer) {
            assert!(text.contains(spelling));
        }
    }
    let written = write(None, value);
    if value.is_object() {
        let written = written.expect("what could be read can be written");
        let read = Document::read(written.as_bytes(), &Limits::LARGE).expect("what was written");
        assert_eq!(read.value(), value);
    }
    for pointer in all.iter().skip(1).take(8) {
        // An edit is made exactly or not at all: `edit` itself compares. The new
        // value can be read, and setting it back restores the old value.
        let old = value.pointer(pointer).expect("a value");
        let set = |value: &Value| Edit::Set {
            pointer: pointer.clone(),
            value: value.clone(),
        };
        if let Ok(edited) = document.edit(&[set(&Value::from("new: text"))]) {
            assert_eq!(edited.value().pointer(pointer), Some(&Value::from("new: text")));
            if let Ok(back) = edited.edit(&[set(old)]) {
                assert_eq!(back.value(), value);
            }
        }
        let _ = document.edit(&[Edit::Remove {
            pointer: pointer.clone(),
        }]);
    }
    for kind in Kind::ALL {
        let faults = schema::check(*kind, value);
        let read = typed(*kind, value);
        if faults.is_empty() {
            assert_eq!(read, Ok(()), "the schema of {kind:?} lets it pass");
        }
    }
}

/// Checks one input.
pub fn check(data: &[u8]) {
    let small = Limits {
        bytes: 4096,
        depth: 6,
        nodes: 64,
        scalar: 512,
    };
    for limits in [Limits::RECORD, small] {
        match Document::read(data, &limits) {
            Ok(document) => {
                assert!(data.len() <= limits.bytes);
                assert_eq!(document.text().as_bytes(), data);
                accepted(&document);
            }
            Err(faults) => {
                assert!(!faults.is_empty(), "a refusal has a reason");
                for fault in faults {
                    assert!(fault.span.start <= fault.span.end && fault.span.end <= data.len());
                    if let (Ok(text), true) = (std::str::from_utf8(data), data.len() <= limits.bytes) {
                        assert!(
                            text.get(fault.span.clone()).is_some(),
                            "a place in the text: {fault:?}"
                        );
                    }
                }
            }
        }
    }
}
