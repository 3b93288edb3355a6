//! Numbers in the spelling that a user gave them.

use std::ops::Range;

use super::Part;
use super::read::{Document, Limits, pointer_step};
use super::scalar::{self, Plain};

/// Rewrites the numbers of the mapping at `within` in the spelling of the given
/// document, if the numbers are equal. A spelling that YAML readers take differently is
/// left out.
pub fn respelled(text: &str, given: &Document, within: &str) -> String {
    let mut out = text.to_owned();
    let Ok(document) = Document::read(text.as_bytes(), &Limits::LARGE) else {
        return out;
    };
    let members = document
        .value()
        .pointer(within)
        .and_then(|value| value.as_object());
    let mut spellings: Vec<(Range<usize>, &str)> = Vec::new();
    for (key, value) in members
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.is_number())
    {
        let pointer = format!("{within}/{}", pointer_step(key));
        if given.value().pointer(&pointer) != Some(value) {
            continue;
        }
        let spelling = &given.text()[given.span(&pointer, Part::Value)];
        if scalar::plain(spelling) == Plain::Same(value.clone()) {
            spellings.push((document.span(&pointer, Part::Value), spelling));
        }
    }
    spellings.sort_by_key(|(span, _)| span.start);
    for (span, spelling) in spellings.into_iter().rev() {
        out.replace_range(span, spelling);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_spelling_and_nothing_else_changes() {
        let given = "p: {a: 0.10, b: 1.50e+3, c: \"0.20\", d: 2.0, e: 7}\n";
        let given = Document::read(given.as_bytes(), &Limits::LARGE).expect("a document");
        let text = "p:\n  a: 0.1 # rate\n  b: 1500.0\n  c: \"0.20\"\n  d: 3.0\n  e: 7\n";
        assert_eq!(
            respelled(text, &given, "/p"),
            "p:\n  a: 0.10 # rate\n  b: 1.50e+3\n  c: \"0.20\"\n  d: 3.0\n  e: 7\n"
        );
        let json = Document::read_json(b"{\"p\": {\"a\": 1e-1}}", &Limits::LARGE).expect("a document");
        assert_eq!(respelled("p:\n  a: 0.1\n", &json, "/p"), "p:\n  a: 0.1\n");
    }
}
