//! Plain scalars: which of them every YAML reader takes for the same value.
//!
//! Sources: YAML 1.2.2, section 10.3 (core schema); the YAML 1.1 type repository (bool,
//! int, float, null, timestamp, value, merge); the resolver of PyYAML, the most common
//! 1.1 reader.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

use crate::record::kind::MAX_INTEGER;
pub(crate) use crate::record::kind::is_hidden;

/// The meaning of a plain scalar.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    /// Text, a number or a boolean for every reader.
    Same(Value),
    /// Null for every reader.
    Null,
    /// A merge key.
    Merge,
    /// A scalar that readers take differently, with the spellings to use instead.
    Ambiguous {
        /// The spelling as text.
        text: String,
        /// The spelling as a number or boolean, if that is one of the readings.
        other: Option<String>,
    },
    /// A number that readers round; the reason.
    Number(&'static str),
}

static INTEGER: LazyLock<Regex> = LazyLock::new(|| regex(r"^-?(?:0|[1-9][0-9]*)$"));
static FLOAT: LazyLock<Regex> = LazyLock::new(|| regex(r"^-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+][0-9]+)?$"));
static JSON_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"));
/// Matches texts that some reader takes for a number.
static NUMBER_LIKE: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"^(?:[-+]?0b[01_]+|[-+]?0o?[0-7_]+|[-+]?0x[0-9a-fA-F_]+",
        r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?",
        r"|[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?",
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ))
});
static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}",
        r"(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)?$"
    ))
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
}

/// Writes text in double quotes, with escapes that YAML 1.1 and 1.2 have.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_hidden(c) || c.is_control() => {
                let code = u32::from(c);
                quoted.push_str(&match code {
                    0..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                });
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Classifies a plain scalar.
pub(super) fn plain(text: &str) -> Plain {
    let ambiguous = |other: Option<&str>| Plain::Ambiguous {
        text: quote(text),
        other: other.map(str::to_owned),
    };
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" => return Plain::Same(Value::Bool(true)),
        "false" => return Plain::Same(Value::Bool(false)),
        "<<" => return Plain::Merge,
        "=" => return ambiguous(None),
        _ => {}
    }
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "true" => return ambiguous(Some("true")),
        "n" | "no" | "off" | "false" => return ambiguous(Some("false")),
        _ => {}
    }
    if INTEGER.is_match(text) {
        return integer(text);
    }
    if FLOAT.is_match(text) {
        if let Some(why) = lost(text) {
            return Plain::Number(why);
        }
        return match text.parse::<f64>() {
            Ok(number) if !number.is_finite() => Plain::Number("it is too large for a double"),
            Ok(number) if number == 0.0 && text.starts_with('-') => {
                Plain::Number("negative zero is not kept by everybody")
            }
            Ok(number) => {
                Number::from_f64(number).map_or(Plain::Number("it is not finite"), |n| Plain::Same(n.into()))
            }
            Err(_) => Plain::Number("it is no number"),
        };
    }
    if NUMBER_LIKE.is_match(text) {
        let decimal = text.parse::<f64>().ok().filter(|number| number.is_finite());
        // Only where both dialects can mean the decimal number.
        let decimal = decimal.filter(|_| !text.starts_with("0x") && !text.contains(['_', ':', 'b', 'o']));
        let spelling = decimal
            .filter(|number| *number != 0.0 || text.starts_with(['0', '+', '.']))
            .map(number_spelling);
        return ambiguous(spelling.as_deref());
    }
    if TIMESTAMP.is_match(text) {
        return ambiguous(None);
    }
    Plain::Same(Value::String(text.to_owned()))
}

/// Classifies a number in JSON's grammar (RFC 8259, 6), where it can't be text. Returns
/// `None` for anything else.
pub(super) fn json_number(text: &str) -> Option<Plain> {
    if INTEGER.is_match(text) {
        return Some(integer(text));
    }
    if !JSON_NUMBER.is_match(text) {
        return None;
    }
    if let Some(why) = lost(text) {
        return Some(Plain::Number(why));
    }
    Some(match text.parse::<f64>() {
        Ok(number) if number == 0.0 && text.starts_with('-') => {
            Plain::Number("negative zero is not kept by everybody")
        }
        Ok(number) => Number::from_f64(number)
            .map_or(Plain::Number("it is too large for a double"), |number| {
                Plain::Same(number.into())
            }),
        Err(_) => Plain::Number("it is not a number"),
    })
}

/// Whether readers that use doubles would change a number in JSON's grammar. False for
/// anything else.
pub fn is_inexact(text: &str) -> bool {
    let is_infinite = || text.parse::<f64>().is_ok_and(f64::is_infinite);
    match INTEGER.is_match(text) {
        true => text
            .parse::<i64>()
            .map_or(true, |number| number.unsigned_abs() > MAX_INTEGER),
        false => JSON_NUMBER.is_match(text) && (is_infinite() || lost(text).is_some()),
    }
}

/// Returns why the nearest double changes a decimal number: it is zero, or its whole
/// part is rounded. Every reader rounds fractions alike.
fn lost(text: &str) -> Option<&'static str> {
    let number = text.parse::<f64>().ok()?;
    let has_digits = |text: &str| text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    if number == 0.0 {
        return has_digits(mantissa).then_some("it is too small for a double, which makes it zero");
    }
    // From 2^53 on, a double has no fraction of one half; all integers below are exact.
    let is_large = number.is_finite() && number.abs() >= MAX_INTEGER as f64;
    (is_large && digits(text) != digits(&format!("{number:e}")))
        .then_some("whole numbers go to 2^53, beyond which readers round")
}

/// The digits of a decimal number without leading and trailing zeros. Two spellings of
/// nearly the same magnitude with the same digits are the same number.
fn digits(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

fn integer(text: &str) -> Plain {
    if text == "-0" {
        return Plain::Number("negative zero is not kept by everybody");
    }
    let too_large = Plain::Number("whole numbers go to 2^53, beyond which readers round");
    match text.parse::<i64>() {
        Ok(number) if number.unsigned_abs() <= MAX_INTEGER => Plain::Same(Value::Number(number.into())),
        _ => too_large,
    }
}

/// Writes a finite number so that every reader takes it for the same number.
pub(super) fn number_spelling(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.1}");
    }
    let shortest = format!("{number:?}");
    let Some((mantissa, exponent)) = shortest.split_once('e') else {
        return shortest;
    };
    let mantissa = if mantissa.contains('.') {
        mantissa.to_owned()
    } else {
        format!("{mantissa}.0")
    };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}e{sign}{exponent}")
}
