//! Writes values as text that every YAML reader reads back as the same values.

use std::fmt;

use serde_json::Value;

use super::read::{Document, Limits};
use super::scalar::{self, Plain, number_spelling, quote};

/// The reason why an edit was not made. The text is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The pointer leads to nothing that can be changed.
    Nowhere(String),
    /// No text reads back as this value.
    Unwritable,
    /// The edited text does not read back as intended.
    Unexpected(String),
    /// YAML readers would disagree on the edited text.
    Unreadable {
        /// The edited text.
        text: String,
        /// The fault.
        why: String,
    },
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EditError::Nowhere(pointer) => write!(f, "there is nothing at `{pointer}` to change"),
            EditError::Unwritable => {
                f.write_str("the value can't be written as YAML that everybody reads alike")
            }
            EditError::Unexpected(what) | EditError::Unreadable { why: what, .. } => {
                write!(f, "the edited file would not read back as intended: {what}")
            }
        }
    }
}

impl std::error::Error for EditError {}

/// Writes the text of a new file: comment lines, then the mapping in its own order. The
/// text must read back as this value, here and in a second YAML reader.
///
/// # Errors
/// [`EditError::Unwritable`] if no text does: the value contains a null, or a number
/// that readers round.
pub fn write(header: Option<&str>, value: &Value) -> Result<String, EditError> {
    let text = spelled(header, value);
    let ours =
        Document::read(text.as_bytes(), &Limits::LARGE).is_ok_and(|document| document.value() == value);
    let theirs = serde_yaml::from_str::<Value>(&text).is_ok_and(|read| read == *value);
    if ours && theirs {
        Ok(text)
    } else {
        Err(EditError::Unwritable)
    }
}

/// Writes the text of [`write()`] without checking that it reads back, for a caller
/// that checks it later.
pub fn spelled(header: Option<&str>, value: &Value) -> String {
    let header = header
        .map(|header| format!("{}\n", header.trim_end()))
        .unwrap_or_default();
    format!("{header}{}", block(value, 0))
}

/// The width up to which a list of words is written on one line.
const NARROW: usize = 72;

/// Whether a list fits on one line.
fn is_narrow(value: &Value) -> bool {
    let word = |item: &Value| !matches!(item, Value::Array(_) | Value::Object(_));
    matches!(value, Value::Array(items) if items.iter().all(word)) && inline(value).len() <= NARROW
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

pub(super) fn key(key: &str) -> String {
    word(key, false)
}

/// Writes text as one plain or quoted scalar.
fn word(text: &str, in_flow: bool) -> String {
    if is_plain(text, in_flow) {
        text.to_owned()
    } else {
        quote(text)
    }
}

/// Whether text needs no quotes: every reader takes it for the same text, and it
/// contains no YAML punctuation.
fn is_plain(text: &str, in_flow: bool) -> bool {
    let Plain::Same(Value::String(_)) = scalar::plain(text) else {
        return false;
    };
    let first =
        text.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '.' | '(' | '$' | '+'));
    first
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(|c| c == '\n' || scalar::is_hidden(c))
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !(in_flow && text.contains(['[', ']', '{', '}', ',', ':', '?', '"', '\'']))
}

/// Writes the value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(double) if number.is_f64() => number_spelling(double),
            _ => number.to_string(),
        },
        Value::String(text) => word(text, true),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}: {}", word(key, true), inline(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// Writes the text after `key:` in a block mapping whose keys are at `indent`: from the
/// space or line feed on, without a trailing line feed.
pub(super) fn after_key(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) if can_be_literal(text) => format!(" {}", literal(text, indent + 2)),
        Value::String(text) => format!(" {}", word(text, false)),
        Value::Array(_) | Value::Object(_) if !is_empty(value) && !is_narrow(value) => {
            format!("\n{}", block(value, indent + 2).trim_end_matches('\n'))
        }
        other => format!(" {}", inline(other)),
    }
}

/// Writes the text after `-` in a block sequence whose dashes are at `indent`.
pub(super) fn after_dash(value: &Value, indent: usize) -> String {
    match value {
        Value::Array(_) | Value::Object(_) if !is_empty(value) && !is_narrow(value) => {
            let body = block(value, indent + 2);
            format!(" {}", body.trim_end_matches('\n').trim_start())
        }
        other => after_key(other, indent),
    }
}

/// Writes a collection as a block. Each line ends with a line feed.
pub(super) fn block(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .map(|(name, value)| format!("{pad}{}:{}\n", key(name), after_key(value, indent)))
            .collect(),
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .map(|item| format!("{pad}-{}\n", after_dash(item, indent)))
            .collect(),
        other => format!("{pad}{}\n", inline(other)),
    }
}

/// Whether a literal block suits the text and preserves it.
fn can_be_literal(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && !text.chars().any(|c| c != '\n' && scalar::is_hidden(c))
        && text
            .lines()
            .all(|line| !line.ends_with(' ') && (line.is_empty() || !line.trim().is_empty()))
}

fn literal(text: &str, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let chomp = if text.ends_with('\n') { "" } else { "-" };
    let lines = text.lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!("{pad}{line}")
        }
    });
    format!("|{chomp}\n{}", lines.collect::<Vec<_>>().join("\n"))
}
