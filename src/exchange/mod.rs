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

use std::borrow::Cow;

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

/// The text of a file, without its byte order mark: UTF-8, or the UTF-16 that
/// `>` of Windows PowerShell writes. None when it is neither.
pub fn decoded(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let pairs = bytes.chunks_exact(2);
        let whole = pairs.remainder().is_empty();
        let units: Vec<u16> = pairs.map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok().filter(|_| whole).map(Cow::Owned)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        // JSON starts with an ASCII character, which says which octet is empty.
        [first, 0, ..] if *first != 0 => units(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => units(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        bytes => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}
