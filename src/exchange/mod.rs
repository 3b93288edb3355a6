//! Foreign formats, one file each: what others read, made from what we hold.
//! Nothing is invented on the way, and what has no place of its own there is
//! carried where that format has room for anything.

pub mod cloudevents;
pub mod eventbridge;
pub mod host_reviews;
pub mod huggingface;
pub mod kserve;
pub mod mlbom;
pub mod mlflow;
pub mod sagemaker;
pub mod sagemaker_card;

use serde_json::{Map, Value, json};

/// A number as others spell it: `1`, not `1.0`.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        return json!(value as i64);
    }
    json!(value)
}

/// Text on one line.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Adds a member, if it is there.
fn put(all: &mut Map<String, Value>, key: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        all.insert(key.to_owned(), json!(value));
    }
}
