//! The changes inside a record, as lines.

use serde::Serialize;
use serde_json::Value;

use crate::record::change::{self, Change, ChangeKind};

/// One member before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its path: `labels.team`.
    pub field: String,
    /// The value before, on one short line.
    pub before: String,
    /// The value after.
    pub after: String,
}

/// The most characters of a value in a pair.
const LONGEST: usize = 80;

/// Formats one value on one line.
fn text(value: Option<&Value>) -> String {
    match value {
        None => "absent".into(),
        Some(Value::String(text)) => text.trim_end().replace('\n', "\\n"),
        Some(other) => other.to_string(),
    }
}

/// Shortens two values to at most `most` characters each. Cuts equal parts and keeps
/// the difference visible.
pub fn shortened(before: &str, after: &str, most: usize) -> (String, String) {
    let (a, b): (Vec<char>, Vec<char>) = (before.chars().collect(), after.chars().collect());
    if a.len() <= most && b.len() <= most {
        return (before.to_owned(), after.to_owned());
    }
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let start = if same > most / 2 { same - most / 4 } else { 0 };
    let cut = |text: &[char]| {
        let end = text.len().min(start + most);
        format!(
            "{}{}{}",
            if start > 0 { "…" } else { "" },
            text[start..end].iter().collect::<String>(),
            if end < text.len() { "…" } else { "" }
        )
    };
    (cut(&a), cut(&b))
}

/// Splits a condition at each `&&` and `||` outside brackets and texts. Each part
/// starts with its operator.
fn parts(text: &str) -> Vec<&str> {
    let (mut out, mut from, mut depth, mut quote, mut escaped) = (Vec::new(), 0, 0_i32, None, false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, '&' | '|') if depth == 0 && chars.peek().is_some_and(|(_, next)| *next == c) => {
                chars.next();
                out.push(text[from..at].trim());
                from = at;
            }
            _ => {}
        }
    }
    out.push(text[from..].trim());
    out
}

/// Marks the items of both lists that are not in their longest common subsequence.
fn differing(a: &[&str], b: &[&str]) -> (Vec<bool>, Vec<bool>) {
    let mut longest = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = match a[i] == b[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut left, mut right) = (vec![true; a.len()], vec![true; b.len()]);
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            (left[i], right[j]) = (false, false);
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    (left, right)
}

/// Shortens two conditions to the parts that differ, if either has more than `most`
/// characters. Each part stays whole, unless all of them are very long.
pub fn differing_parts(before: &str, after: &str, most: usize) -> (String, String) {
    let fits = |text: &str, most: usize| text.chars().count() <= most;
    if fits(before, most) && fits(after, most) {
        return (before.to_owned(), after.to_owned());
    }
    let (a, b) = (parts(before), parts(after));
    let (left, right) = differing(&a, &b);
    let shown = |parts: &[&str], differs: &[bool]| {
        let mut words: Vec<&str> = Vec::new();
        for (part, differs) in parts.iter().zip(differs) {
            match differs {
                true => words.push(part),
                false if words.last() == Some(&"…") => {}
                false => words.push("…"),
            }
        }
        words.join(" ")
    };
    let (a, b) = (shown(&a, &left), shown(&b, &right));
    match fits(&a, most * 4) && fits(&b, most * 4) {
        true => (a, b),
        false => shortened(before, after, most),
    }
}

/// Lists the changes inside the record of a change.
pub fn fields_of(change: &Change) -> Vec<Field> {
    let is_one = matches!(
        change.kind,
        ChangeKind::PolicyChanged
            | ChangeKind::GroupUpdated
            | ChangeKind::FrozenChanged { .. }
            | ChangeKind::VersionAnnotated { .. }
    );
    let shows = is_one || matches!(change.kind, ChangeKind::Changed(kind) if kind.row().revisioned);
    let (Some(before), Some(after)) = (change.before.as_ref(), change.after.as_ref()) else {
        return Vec::new();
    };
    if !shows {
        return Vec::new();
    }
    let pointers = match &change.kind {
        ChangeKind::FrozenChanged { pointers } | ChangeKind::VersionAnnotated { pointers } => {
            pointers.clone()
        }
        _ => change::differing_pointers(before.value(), after.value()),
    };
    fields(before.value(), after.value(), pointers)
}

/// Lists the members at these pointers, before and after, without counters and
/// signatures.
pub fn fields(before: &Value, after: &Value, pointers: Vec<String>) -> Vec<Field> {
    let quiet = |pointer: &String| !matches!(pointer.as_str(), "/revision" | "/signature" | "/status");
    pointers
        .into_iter()
        .filter(quiet)
        .map(|pointer| {
            let (old, new) = (text(before.pointer(&pointer)), text(after.pointer(&pointer)));
            let (before, after) = shortened(&old, &new, LONGEST);
            Field {
                field: pointer.trim_start_matches('/').replace('/', "."),
                before,
                after,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{differing_parts, shortened};

    #[test]
    fn each_part_of_a_condition_that_differs_is_shown_whole() {
        let with = |first: &str, last: &str| {
            let mut parts: Vec<String> = (0..39)
                .map(|at| format!("metrics.slice_{at} >= 0.5 || \"a && b\" in [1, (2 || 3)]"))
                .collect();
            parts[3] = format!("metrics.a >= {first}");
            parts[38] = format!("metrics.z >= {last}");
            parts.join(" && ")
        };
        let (before, after) = differing_parts(&with("0.1", "0.80"), &with("0.2", "0.10"), 300);
        assert_eq!(before, "… && metrics.a >= 0.1 … && metrics.z >= 0.80");
        assert_eq!(after, "… && metrics.a >= 0.2 … && metrics.z >= 0.10");
        let (before, after) = differing_parts(&with("0.1", "0.80"), "false", 300);
        // No part is common, so no part is marked.
        assert!(
            before.starts_with("metrics.slice_0") && after == "false",
            "{before}"
        );
    }

    #[test]
    fn what_differs_stays_in_sight() {
        let long = "metrics.auc >= ".repeat(20);
        for (before, after) in [
            (format!("{long}0.80"), format!("{long}0.10")),
            (format!("{long}0.80 {long}"), format!("{long}0.10 {long}")),
            (long.clone(), format!("{long}x")),
            (format!("x{long}"), format!("y{long}")),
            (long.clone(), "x".to_owned()),
            (String::new(), long.clone()),
        ] {
            let (a, b) = shortened(&before, &after, 40);
            assert!(a != b, "{a} {b}");
            assert!(a.chars().count() <= 42 && b.chars().count() <= 42, "{a} {b}");
        }
        assert_eq!(shortened("a", "b", 40), ("a".to_owned(), "b".to_owned()));
    }
}
