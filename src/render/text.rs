//! Text that others wrote, made safe to show; and colour.

use std::borrow::Cow;

use super::Style;

/// The text with every character that a terminal would obey, or an eye would
/// not see, spelled out. Line feeds stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().map(|c| {
        if hidden(c) {
            format!("\\u{{{:x}}}", u32::from(c))
        } else {
            c.to_string()
        }
    });
    Cow::Owned(shown.collect())
}

/// A moment in UTC, for people: `2026-03-03 14:05 UTC`. Empty for what no
/// calendar has.
pub fn utc(seconds: Option<i64>) -> String {
    let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(String::new, |moment| {
        format!("{} UTC", moment.strftime("%Y-%m-%d %H:%M"))
    })
}

/// The text in a colour or weight (SGR parameters), where colour is welcome.
pub fn paint(text: &str, code: &str, style: &Style) -> String {
    if style.color && !text.is_empty() {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
