//! Reads members of MLflow's JSON in both spellings: lists of `{key, value}` in the
//! REST API, and mappings of Python objects.

use serde_json::Value;

use crate::exchange::exact_numbers;
use crate::record::kind::MAX_INTEGER;
use crate::record::yaml::is_inexact;

/// Converts JSON as Python writes it. Bare `NaN` and infinities become text, as in the
/// REST API, and so do numbers that a double would round. All other text is unchanged.
pub fn numbers_as_text(json: &str) -> String {
    let json = exact_numbers(json);
    let mut out = String::with_capacity(json.len());
    let mut rest = &*json;
    let mut inside = false;
    while let Some(c) = rest.chars().next() {
        if inside && c == '\\' {
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| !inside && rest.starts_with(word));
        if let Some(word) = word {
            out.push_str(&format!("\"{word}\""));
            rest = &rest[word.len()..];
            continue;
        }
        inside ^= c == '"';
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Returns a member that is text.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// Reads a whole number, also from text.
pub(super) fn number(value: &Value) -> Option<u64> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.filter(|number| *number > 0)
}

/// Formats milliseconds since 1970 as a moment (RFC 3339).
pub(super) fn moment(value: &Value) -> Option<String> {
    let milliseconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    let moment = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
    (milliseconds > 0).then(|| moment.to_string())
}

/// Reads pairs of names and texts.
pub(super) fn pairs(value: &Value, key: &str) -> Vec<(String, String)> {
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match value.get(key) {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|one| Some((text(one, "key")?.to_owned(), word(one.get("value")?))))
            .collect(),
        Some(Value::Object(members)) => members
            .iter()
            .map(|(key, value)| (key.clone(), word(value)))
            .collect(),
        _ => Vec::new(),
    }
}

/// A measured value, or the text of a value that is not a number.
pub(super) type Measured = Result<f64, String>;

fn measured(value: &Value) -> Option<Measured> {
    match value {
        // A double would round this whole number.
        Value::Number(number)
            if number
                .as_i64()
                .map_or(number.is_u64(), |it| it.unsigned_abs() > MAX_INTEGER) =>
        {
            Some(Err(number.to_string()))
        }
        Value::Number(number) => {
            let number = number.as_f64()?;
            // MLflow's database stores infinities as the largest doubles.
            Some(if number.abs() == f64::MAX || !number.is_finite() {
                Err(if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
            } else {
                // Turns a negative zero into zero.
                Ok(number + 0.0)
            })
        }
        Value::String(word) => Some(match word.parse::<f64>() {
            Ok(number) if number.is_finite() && !is_inexact(word) => Ok(number + 0.0),
            _ => Err(word.clone()),
        }),
        _ => None,
    }
}

/// Reads the metrics under a value's `metrics`, each with its last value.
pub(super) fn metrics(value: &Value) -> Vec<(String, Measured)> {
    let rank = |one: &Value| {
        let at = |key: &str| one.get(key).and_then(Value::as_i64).unwrap_or(0);
        (at("step"), at("timestamp"))
    };
    match value.get("metrics") {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|one| Some((text(one, "key")?.to_owned(), measured(one.get("value")?)?)))
            .collect(),
        Some(Value::Object(members)) => members
            .iter()
            .filter_map(|(key, value)| {
                let last = match value {
                    Value::Array(history) => history.iter().max_by_key(|one| rank(one))?.get("value")?,
                    one => one,
                };
                Some((key.clone(), measured(last)?))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The data of a run: under `data` in the API, at the top in a folder.
fn data(run: &Value) -> &Value {
    run.get("data").unwrap_or(run)
}

pub(super) fn run_metrics(run: &Value) -> Vec<(String, Measured)> {
    metrics(data(run))
}

pub(super) fn run_parameters(run: &Value) -> Vec<(String, String)> {
    pairs(data(run), "params")
}

pub(super) fn run_tags(run: &Value) -> Vec<(String, String)> {
    pairs(data(run), "tags")
}

/// Returns a member of a run's `info`.
pub(super) fn run_member<'r>(run: &'r Value, key: &str) -> Option<&'r str> {
    text(run.get("info")?, key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_of_python() {
        let text = r#"{"a": NaN, "NaN \" NaN": [-Infinity, Infinity, -1, "\\"], "é": NaN}"#;
        let read: Value = serde_json::from_str(&numbers_as_text(text)).expect("JSON");
        assert_eq!(
            read,
            json!({"a": "NaN", "NaN \" NaN": ["-Infinity", "Infinity", -1, "\\"], "é": "NaN"})
        );
        let plain = r#"{"a": [1.5, "x\u00e9\"", null]}"#;
        assert_eq!(numbers_as_text(plain), plain);
        // Truncated text stays truncated.
        assert_eq!(numbers_as_text(r#"{"a\"#), r#"{"a\"#);
    }

    #[test]
    fn metrics_are_what_they_were_last() {
        let api = json!({"metrics": [{"key": "auc", "value": 0.5}, {"key": "n", "value": "NaN"}]});
        assert_eq!(
            metrics(&api),
            [("auc".into(), Ok(0.5)), ("n".into(), Err("NaN".into()))]
        );
        let folder = json!({"metrics": {"auc": [
            {"value": 0.7, "step": 2, "timestamp": 1},
            {"value": 0.6, "step": 1, "timestamp": 9},
        ], "huge": [{"value": f64::MAX}], "none": []}});
        assert_eq!(
            metrics(&folder),
            [("auc".into(), Ok(0.7)), ("huge".into(), Err("Infinity".into()))]
        );
    }
}
