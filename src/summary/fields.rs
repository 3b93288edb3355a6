//! What changed inside a record, as lines.

use serde::Serialize;
use serde_json::Value;

use crate::change::{self, Change, ChangeKind};

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

/// The longest value of a pair.
const LONGEST: usize = 80;

/// One value on one line.
fn text(value: Option<&Value>) -> String {
    match value {
        None => "absent".into(),
        Some(Value::String(text)) => text.trim_end().replace('\n', "\\n"),
        Some(other) => other.to_string(),
    }
}

/// Two values, each of at most `most` characters, cut where they are the same:
/// what differs stays in sight.
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

/// What changed inside the record of a change, as lines.
pub fn fields_of(change: &Change) -> Vec<Field> {
    let shows = matches!(
        change.kind,
        ChangeKind::PolicyChanged
            | ChangeKind::GroupUpdated
            | ChangeKind::CardChanged
            | ChangeKind::EvidenceChanged
            | ChangeKind::ObservationChanged
            | ChangeKind::FrozenChanged { .. }
            | ChangeKind::VersionAnnotated { .. }
    );
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

/// The members at these pointers, before and after, but for those that only
/// count or sign.
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
    use super::shortened;

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
