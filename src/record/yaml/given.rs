//! Values that a user gives on a command line, with the verdict that they would have in a
//! record.

use serde_json::Value;

use super::read::Limits;
use super::scalar::{Plain, json_number, plain};

/// Parses a number that a user gave, in JSON's grammar, and keeps it exactly.
///
/// # Errors
/// The reason why no record can contain the number.
pub fn given_number(text: &str) -> Result<Value, String> {
    let limit = Limits::RECORD.scalar;
    if text.len() > limit {
        return Err(format!(
            "a number of {} characters is too long: a value has {limit} at most (MR013)",
            text.len()
        ));
    }
    match json_number(text) {
        Some(Plain::Same(value)) => Ok(value),
        Some(Plain::Number(why)) => Err(format!("`{text}` can't be kept as a number: {why} (MR012)")),
        _ => Err(match plain(text) {
            Plain::Ambiguous {
                other: Some(other), ..
            } if other.parse::<f64>().is_ok() => {
                format!("`{text}` is read differently by different readers: write `{other}` (MR011)")
            }
            _ => format!("`{text}` is not a number: write it as `0.91` or `1.5e-3`"),
        }),
    }
}

/// Parses the value of a field that holds text, a number or a boolean. A number of JSON,
/// `true` and `false` mean themselves, as in a file; a JSON string means its text, and
/// anything else is text.
///
/// # Errors
/// The reason why no record can contain the number.
pub fn given_scalar(text: &str) -> Result<Value, String> {
    match json_number(text) {
        Some(Plain::Same(value)) => Ok(value),
        Some(_) => given_number(text),
        None => Ok(match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ if text.starts_with('"') => {
                serde_json::from_str::<String>(text).map_or_else(|_| text.into(), Value::String)
            }
            _ => text.into(),
        }),
    }
}
