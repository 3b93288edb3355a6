//! Makes text that others wrote safe to show; and adds colour.

use std::borrow::Cow;

use serde::Serialize;

use crate::base::is_hidden;
use crate::report::Style;

/// Spells out every control character and every invisible character of a text. Line
/// feeds stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    spelled(text, |c, out| out.push_str(&format!("\\u{{{:x}}}", u32::from(c))))
}

/// Spells out the hidden characters of a whole output, as [`clean`] does. This is the
/// last look at every text that goes to a terminal: the only control sequences left are
/// those of colour and weight, where the style allows colour. Tabs stay.
pub fn shown<'t>(text: &'t str, style: &Style) -> Cow<'t, str> {
    let is_spelled = |c: char| c != '\t' && is_hidden(c);
    if !text.contains(is_spelled) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(is_spelled) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = colour(rest).filter(|_| style.color);
        let length = match (colour, rest.chars().next()) {
            (Some(length), _) => {
                out.push_str(&rest[..length]);
                length
            }
            (None, Some(c)) => {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
                c.len_utf8()
            }
            (None, None) => break,
        };
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns the length of the sequence of colour or weight at the start of a text. Hidden
/// and inverse text (SGR 7 and 8) is not used, and not let through.
fn colour(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("\u{1b}[")?;
    let end = inner.find('m').filter(|end| *end <= 16)?;
    let is_used = |code: &str| matches!(code.parse(), Ok(0..=4 | 22..=24 | 31..=37 | 39 | 91..=97_u32));
    let codes = &inner[..end];
    (codes.is_empty() || codes.split(';').all(is_used)).then_some("\u{1b}[".len() + end + 1)
}

/// Formats a value as JSON for people and diffs, with a trailing line feed. The
/// characters that [`clean`] spells out are escaped (RFC 8259 section 7): a parser
/// reads the same value, and a terminal executes no control sequence.
pub fn json_text(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut text = json_spelled(&text).into_owned();
    text.push('\n');
    text
}

/// Formats a value as JSON in one line without a trailing line feed, otherwise as
/// [`json_text`].
pub fn json_line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    json_spelled(&text).into_owned()
}

/// Escapes control characters in the text of a JSON document. Outside its strings, a
/// document has none.
fn json_spelled(text: &str) -> Cow<'_, str> {
    spelled(text, |c, out| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    })
}

fn spelled(text: &str, spell: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_hidden(c) {
            true => spell(c, &mut out),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Formats a number for people: six significant digits, as C's `%.6g`, but whole
/// numbers below 10^15 in full. Programs get the exact value, in JSON.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let scientific = format!("{value:.5e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        // The number is not finite.
        return scientific;
    };
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match exponent.parse::<i32>() {
        Ok(exponent @ -4..=5) => {
            let decimals = usize::try_from(5 - exponent).unwrap_or_default();
            trimmed(&format!("{value:.decimals$}"))
        }
        _ => format!("{}e{exponent}", trimmed(digits)),
    }
}

/// Formats a moment in UTC for people: `2026-03-03 14:05 UTC`. Returns an empty text
/// for a moment outside the calendar.
pub fn utc(seconds: Option<i64>) -> String {
    let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(String::new, |moment| {
        format!("{} UTC", moment.strftime("%Y-%m-%d %H:%M"))
    })
}

/// Formats text in a colour or weight (SGR parameters), if colour is allowed.
pub fn paint(text: &str, code: &str, style: &Style) -> String {
    if style.color && !text.is_empty() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{number, shown};
    use crate::report::Style;

    #[test]
    fn only_colours_reach_a_terminal_and_only_where_they_are_wanted() {
        let text = "\u{1b}[1;36mnote:\u{1b}[0m \u{1b}[8mx\u{1b}[2J\u{9b}2J\u{202e}y\tz\n";
        let colour = Style {
            color: true,
            width: None,
        };
        assert_eq!(
            shown(text, &colour),
            "\u{1b}[1;36mnote:\u{1b}[0m \\u{1b}[8mx\\u{1b}[2J\\u{9b}2J\\u{202e}y\tz\n"
        );
        assert!(!shown(text, &Style::PLAIN).contains('\u{1b}'));
        assert_eq!(shown("as it is\n", &colour), "as it is\n");
    }

    #[test]
    fn numbers_for_people() {
        for (value, shown) in [
            (0.0, "0"),
            (0.912, "0.912"),
            (0.848_123_456_789, "0.848123"),
            (0.1 + 0.2, "0.3"),
            (2.0 / 3.0, "0.666667"),
            (-1.0 / 3.0, "-0.333333"),
            (123_456.789, "123457"),
            (1_234_567.5, "1.23457e6"),
            (1_234_567.0, "1234567"),
            (1.1e-13, "1.1e-13"),
            (0.000_123_456_78, "0.000123457"),
            (0.000_012_345_678, "1.23457e-5"),
            (0.999_999_9, "1"),
            (1e300, "1e300"),
        ] {
            assert_eq!(number(value), shown, "{value}");
        }
    }
}
