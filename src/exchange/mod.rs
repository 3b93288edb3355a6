//! Foreign formats: records read from the files of other tools, and written for them.
//!
//! No data is invented. A member without a counterpart on the other side is kept where
//! that format allows free members (annotations, properties). A member that can't be
//! kept is reported.
//!
//! The functions here convert bytes to values, or values to bytes. Files, servers and
//! accounts belong to `net` and `cli`.
//!
//! # Imports
//!
//! `base`, `record`, `judge`, `act`, `report`.
//!
//! # Where the next thing goes
//!
//! A new format is a file or a folder here, a line in `cli/transfer/export.rs` or
//! `cli/write/import.rs`, and a test in which the other tool itself reads what was
//! written.

pub mod cloudevents;
pub mod eventbridge;
pub mod host_reviews;
pub mod huggingface;
pub mod kserve;
pub mod mlbom;
pub mod mlflow;
pub mod sagemaker;
pub mod sagemaker_card;

pub use eventbridge_entries::entries;
pub use import_view::{import_plan, import_plan_value};
mod eventbridge_entries;
mod import_view;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::record::yaml::is_inexact;

/// Writes a number as other tools do: `1`, not `1.0`.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        return json!(value as i64);
    }
    json!(value)
}

/// Adds a member, if it has a value.
fn put(all: &mut Map<String, Value>, key: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        all.insert(key.to_owned(), json!(value));
    }
}

/// Turns each number that a double would round into text with all its digits, so that
/// parsing the JSON rounds nothing.
pub fn exact_numbers(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut copied, mut at) = (0, 0);
    let bytes = json.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(inner) = bytes.get(at).filter(|byte| **byte != b'"') {
                    at += if *inner == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let is_of_it = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = bytes[at..].iter().take_while(|byte| is_of_it(byte)).count();
                let number = &json[at..at + length];
                if is_inexact(number) {
                    out.push_str(&json[copied..at]);
                    out.push_str(&format!("\"{number}\""));
                    copied = at + length;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[copied..]);
    Cow::Owned(out)
}

/// Decodes the text of a file without its byte order mark: UTF-8, or the UTF-16 that
/// `>` of Windows PowerShell writes. Returns `None` for any other encoding.
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
        // JSON starts with an ASCII character, so the position of the zero byte shows
        // the byte order.
        [first, 0, ..] if *first != 0 => units(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => units(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        bytes => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

#[cfg(test)]
mod tests {
    use super::exact_numbers;

    #[test]
    fn numbers_that_a_double_rounds_become_text() {
        for (json, exact) in [
            ("", ""),
            (
                r#"{"a": 1, "b": [0.10, -0, 1e5]}"#,
                r#"{"a": 1, "b": [0.10, -0, 1e5]}"#,
            ),
            (r#"[18446744073709551617]"#, r#"["18446744073709551617"]"#),
            (
                r#"[-9007199254740993, 9007199254740992]"#,
                r#"["-9007199254740993", 9007199254740992]"#,
            ),
            (r#"{"1e400": 1e400}"#, r#"{"1e400": "1e400"}"#),
            (
                r#"["\"9007199254740993", 9007199254740992.5]"#,
                r#"["\"9007199254740993", "9007199254740992.5"]"#,
            ),
            ("[1e-400]", "[\"1e-400\"]"),
            ("\"open \\", "\"open \\"),
        ] {
            assert_eq!(exact_numbers(json), exact);
        }
    }
}
