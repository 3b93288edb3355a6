//! Addresses inside free text: a description, a reason, a section of a card.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use super::uri::{
    PASSES, Parameter, UriFault, cleaned_uri, decoded_name, is_secret, parameters, push_masked,
};
use super::uri_login::{Whole, logins, starts_word};

/// Returns why a record may not hold this free text, or `None` when it may. An address
/// counts if it has a scheme or starts with two slashes; it may contain no login and no
/// secret parameter. `user:password@host` alone can be anything in a sentence, and
/// `mailto:` grants no access.
pub fn text_fault(text: &str) -> Option<UriFault> {
    text.split_whitespace().find_map(|word| {
        let (logins, secrets) = secrets_of_word(word);
        let signature = || {
            let (name, _) = secrets.first()?;
            Some(UriFault::Signature(decoded_name(&word[name.clone()])))
        };
        match logins.is_empty() {
            true => signature(),
            false => Some(UriFault::Login),
        }
    })
}

/// Replaces with `…` the parts that [`text_fault`] refuses. All other text stays.
pub fn masked_text(text: &str) -> Cow<'_, str> {
    if !text.contains(['/', '\\']) || !text.contains(['@', '=']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut is_changed = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let (logins, secrets) = secrets_of_word(piece);
        let values = secrets.into_iter().map(|(name, whole)| name.end + 1..whole.end);
        // A secret that is already masked keeps its width.
        let is_seen = |it: &Range<usize>| !piece[it.clone()].chars().all(|c| matches!(c, '*' | '…'));
        let hide: Vec<Range<usize>> = logins.into_iter().chain(values).filter(is_seen).collect();
        is_changed |= !hide.is_empty();
        push_masked(&mut out, piece, hide, |_| "…".to_owned());
    }
    match is_changed {
        true => Cow::Owned(out),
        false => Cow::Borrowed(text),
    }
}

/// Masks each text of a value with [`masked_text`].
pub fn masked_value(value: Value) -> Value {
    match value {
        Value::String(text) => match masked_text(&text) {
            Cow::Borrowed(_) => Value::String(text),
            Cow::Owned(masked) => Value::String(masked),
        },
        Value::Array(items) => items.into_iter().map(masked_value).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (masked_text(&key).into_owned(), masked_value(value)))
            .collect(),
        other => other,
    }
}

/// Removes the parts that [`text_fault`] refuses, so that a record may hold the text.
pub fn cleaned_text(text: &str) -> Cow<'_, str> {
    if text_fault(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        match text_fault(word) {
            Some(_) => out.push_str(&cleaned_word(word)),
            None => out.push_str(word),
        }
        out.push_str(&piece[word.len()..]);
    }
    Cow::Owned(out)
}

/// Cleans one word. The result is empty where each pass exposes another secret.
fn cleaned_word(word: &str) -> String {
    let mut clean = cut_word(word);
    for _ in 1..PASSES {
        if text_fault(&clean).is_none() {
            return clean;
        }
        clean = cut_word(&clean);
    }
    match text_fault(&clean) {
        None => clean,
        Some(_) => String::new(),
    }
}

fn cut_word(word: &str) -> String {
    let clean = cleaned_uri(word);
    if text_fault(&clean).is_none() {
        return clean;
    }
    let (logins, secrets) = secrets_of_word(word);
    let logins = logins.into_iter().map(|login| login.start..login.end + 1);
    let hide = logins
        .chain(secrets.into_iter().map(|(_, whole)| whole))
        .collect();
    let mut out = String::new();
    push_masked(&mut out, word, hide, |_| String::new());
    out
}

/// Finds the parts of a text that [`text_fault`] refuses: the byte range of each login
/// and each secret parameter.
pub fn text_secrets(text: &str) -> Vec<(Range<usize>, UriFault)> {
    let mut out = Vec::new();
    let mut start = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let at = |it: &Range<usize>| start + it.start..start + it.end;
        let (logins, secrets) = secrets_of_word(piece.trim_end());
        out.extend(logins.iter().map(|login| (at(login), UriFault::Login)));
        out.extend(secrets.iter().map(|(name, whole)| {
            let fault = UriFault::Signature(decoded_name(&piece[name.clone()]));
            (at(whole), fault)
        }));
        start += piece.len();
    }
    out
}

/// Whether an address can start at this place of a word: after a scheme and its
/// slashes, as browsers read them, or after two slashes that start a word.
fn is_start(before: &str) -> bool {
    let scheme = before.trim_end_matches(['/', '\\']);
    let slashes = &before[scheme.len()..];
    let is_web = || {
        let scheme = scheme.to_ascii_lowercase();
        scheme.ends_with("http:") || scheme.ends_with("https:")
    };
    let is_bare = || scheme.is_empty() || scheme.ends_with(starts_word);
    match slashes {
        "" => false,
        "//" => scheme.ends_with(':') || is_bare(),
        _ => is_web(),
    }
}

/// Finds the logins and secret parameters of a word's addresses that have a scheme or
/// start with two slashes.
fn secrets_of_word(word: &str) -> (Vec<Range<usize>>, Vec<Parameter>) {
    let marks = word.match_indices(['/', '\\']).map(|(at, mark)| at + mark.len());
    let mut starts = marks.filter(|end| !word[*end..].starts_with(['/', '\\']) && is_start(&word[..*end]));
    let Some(start) = starts.next() else {
        return Default::default();
    };
    let mut logins: Vec<Range<usize>> = logins(word, Whole::Text)
        .filter(|login| is_start(&word[..login.start]))
        .collect();
    // Two ways to read an address can find the same login.
    logins.sort_by_key(|login| login.start);
    logins.dedup();
    let secrets = parameters(word).into_iter();
    let secrets = secrets.filter(|(name, _)| name.start > start && is_secret(word, name));
    (logins, secrets.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::kind::concealed;

    #[test]
    fn a_secret_in_a_sentence_is_found_and_a_mailbox_is_none() {
        for text in [
            "see https://user:glpat-1@git.example.com/x.git",
            "see (https://glpat-1@git.example.com/x.git)",
            "from postgresql://u:p@h/db.",
            "https://h/m?sig=S",
            "see //u:p@h/x",
            "(//u:p@h/x)",
            r"see https:\\u:p@h/x",
            r"see https:/\glpat-1@h/x",
            "see https:/u:p@h/x",
            "https://h/m?sas=t&sig=S",
            "https://h/m;jsessionid=t?sig=S",
        ] {
            assert!(text_fault(text).is_some(), "{text}");
            assert_ne!(concealed(text), text);
            assert_eq!(text_fault(&cleaned_text(text)), None, "{text}");
            let masked = masked_text(text);
            assert!(!masked.contains("glpat-1") && !masked.contains("u:p@") && !masked.contains("sig=S"));
        }
        for text in [
            "ask me@example.com or mailto:me@example.com",
            "ssh://git@github.com/o/r, git@github.com:o/r.git",
            "ratio a:b@c",
            "https://h/?q=a@b",
            "was it ?token=x or not",
            "https://h/x (ask a:b@c)",
            "// ask a:b@c",
            "a//b:c@d",
        ] {
            assert_eq!(text_fault(text), None, "{text}");
            assert_eq!(masked_text(text), text);
        }
    }
}
