//! MR112 unsafe-address: an address has a login, a signature or an invisible character.

use super::scene::{Findings, Scene, Step};
use super::{Check, Rule};
use crate::base::Error;
use crate::record::change::Change;
use serde_json::Value;

use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::{
    Kind, UriFault, cleaned_text, cleaned_uri, concealed, text_fault, text_secrets, uri_fault,
};
use crate::record::schema;
use crate::record::snapshot::Loaded;
use crate::record::yaml::Part;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR112",
        name: "unsafe-address",
        summary: "an address has a login, a signature or an invisible character",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    of_change(scene.step, scene.change, out);
    Ok(())
}

/// Finds the addresses that a change writes, also at the root, where no policy is in
/// force yet.
pub(super) fn of_change(step: &Step<'_>, change: &Change, out: &mut Findings) {
    let Some(after) = &change.after else { return };
    // A record can have several changes in a step; its text is read once.
    let same = |other: &&Change| {
        let other = other.after.as_ref();
        other.is_some_and(|other| other.id == after.id)
    };
    let first = step.changes_at(&change.path).find(same);
    if first.is_some_and(|first| !std::ptr::eq(first, change)) {
        return;
    }
    let before = change.before.as_deref();
    for finding in unsafe_addresses(&change.path, before, after) {
        out.push(finding);
    }
}

/// The addresses with a secret or a hidden character that a record holds and did not
/// hold before: in its values, its keys and its comments.
pub fn unsafe_addresses(path: &str, before: Option<&Loaded>, after: &Loaded) -> Vec<Finding<Anchor>> {
    let mut out = in_addresses(path, before, after);
    if after.record.is_some() {
        out.extend(in_texts(path, before, after));
        out.extend(in_comments(path, before, after));
    }
    out
}

/// Lists the faults of the members that are addresses by their schema.
fn in_addresses(path: &str, before: Option<&Loaded>, after: &Loaded) -> Vec<Finding<Anchor>> {
    let before = before.map(addresses).unwrap_or_default();
    let mut out = Vec::new();
    for (pointer, uri) in addresses(after) {
        let Some(fault) = uri_fault(uri) else { continue };
        // An address that was there before has been judged already.
        if before.iter().any(|(_, old)| *old == uri) {
            continue;
        }
        let finding = Finding::new(
            &RULE.info,
            Anchor::after(path, &pointer),
            format!("the address in `{}` {}", spelled(&pointer), fault.words()),
        );
        let finding = match fault {
            UriFault::Login | UriFault::Signature(_) => finding.why(KEPT),
            UriFault::Hidden(_) | UriFault::Padded => {
                finding.why("programs that read the address as a line would read another one")
            }
        };
        let clean = cleaned_uri(uri);
        out.push(finding.help(match clean.as_str() {
            "" => "write the address, or leave the field out".to_owned(),
            clean => format!("write `{}` instead", concealed(clean)),
        }));
    }
    out
}

/// Lists the secrets in all other texts, and in keys: a description, a label, the name of
/// a metric, a section of a card. Those that the record had before are not judged again.
fn in_texts(path: &str, before: Option<&Loaded>, after: &Loaded) -> Vec<Finding<Anchor>> {
    let mut old = Vec::new();
    if let Some(before) = before {
        texts(before.value(), "", &mut old);
    }
    let mut new = Vec::new();
    texts(after.value(), "", &mut new);
    let judged: Vec<String> = addresses(after).into_iter().map(|(at, _)| at).collect();
    let mut out = Vec::new();
    for Text { pointer, part, text } in new {
        let Some(fault) = text_fault(text) else { continue };
        let is_same = |old: &Text| old.part == part && old.text == text;
        if old.iter().any(is_same) || (part == Part::Value && judged.contains(&pointer)) {
            continue;
        }
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let place = match (part, parent) {
            (Part::Value, _) => format!("`{}`", spelled(&pointer)),
            (Part::Key, "") => "a key".to_owned(),
            (Part::Key, parent) => format!("a key of `{}`", spelled(parent)),
        };
        let message = format!("the address in {place} {}", fault.words());
        let anchor = Anchor {
            part,
            ..Anchor::after(path, &pointer)
        };
        out.push(
            Finding::new(&RULE.info, anchor, message)
                .why(KEPT)
                .help(instead(text)),
        );
    }
    out
}

/// Lists the secrets in comments: those of the file's text that no key and no value has.
/// Those that the file had before are not judged again.
fn in_comments(path: &str, before: Option<&Loaded>, after: &Loaded) -> Vec<Finding<Anchor>> {
    let Some(text) = after.text.as_deref() else {
        return Vec::new();
    };
    let secrets = text_secrets(text);
    if secrets.is_empty() {
        return Vec::new();
    }
    let old = before
        .and_then(|before| before.text.as_deref())
        .unwrap_or_default();
    let mut values = Vec::new();
    texts(after.value(), "", &mut values);
    let mut out: Vec<Finding<Anchor>> = Vec::new();
    for (span, fault) in secrets {
        let secret = &text[span.clone()];
        if old.contains(secret) || values.iter().any(|value| value.text.contains(secret)) {
            continue;
        }
        let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
        // Other parts of a line may be values that are spelled with escapes.
        if !text[line..span.start].contains('#') {
            continue;
        }
        let anchor = Anchor {
            span: Some(span),
            ..Anchor::file(path)
        };
        let message = format!("the address in a comment {}", fault.words());
        out.push(
            Finding::new(&RULE.info, anchor, message)
                .why(KEPT)
                .help(instead(&text[line..end])),
        );
    }
    out
}

/// A pointer as people write it: `report.uri`.
fn spelled(pointer: &str) -> String {
    let name = pointer.trim_start_matches('/').replace('/', ".");
    name.replace("~1", "/").replace("~0", "~")
}

/// Why nothing secret may be in a record.
pub const KEPT: &str = "a record is signed, and everybody with a clone can read it for ever";

/// The remedy for a text with a secret in it.
pub fn instead(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .filter(|word| text_fault(word).is_some())
        .map(|word| format!("`{}`", concealed(&cleaned_text(word))))
        .collect();
    format!("write {} instead", words.join(" and "))
}

/// A text of a record: a value, or a key.
struct Text<'v> {
    pointer: String,
    part: Part,
    text: &'v str,
}

/// Lists all texts in a value, each key before its value.
fn texts<'v>(value: &'v Value, pointer: &str, out: &mut Vec<Text<'v>>) {
    match value {
        Value::String(text) => out.push(Text {
            pointer: pointer.to_owned(),
            part: Part::Value,
            text,
        }),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{pointer}/{index}"), out);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let pointer = format!("{pointer}/{}", crate::record::yaml::pointer_step(key));
                out.push(Text {
                    pointer: pointer.clone(),
                    part: Part::Key,
                    text: key,
                });
                texts(member, &pointer, out);
            }
        }
        _ => {}
    }
}

/// Lists the addresses of a record; empty when it can't be read.
fn addresses(loaded: &Loaded) -> Vec<(String, &str)> {
    let kind = loaded.value().get("kind").and_then(|kind| kind.as_str());
    let kind = Kind::ALL.iter().find(|known| Some(known.as_str()) == kind);
    match (kind, &loaded.record) {
        (Some(kind), Some(_)) => schema::addresses(*kind, loaded.value()),
        _ => Vec::new(),
    }
}

const DOCS: &str = r#"
## What it checks
An address that a change writes (of an artifact, an image, a data set, a report, a
repository, a licence, a job) has none of these:

- a login: `https://user:token@host/`, or a token alone before the `@`;
- a signature or a token among its parameters: `X-Amz-Signature`, `sig`,
  `X-Goog-Signature`, `access_token` and the like;
- a character that is not seen, or that ends a line, or a space at either end.

`git@host:path`, `ssh://git@host/` and `abfss://container@account/` hold a name that
is not secret, and are fine. A record that held such an address before the change is
not judged again.

All other texts of the record are judged too: a description, label, annotation, reason
or section of a card, each key (of a label, a metric, an account) and each comment
holds no address with a login or a secret parameter. There, an address has a scheme
or starts with `//`; `name:word@host` alone can be anything in a sentence.

## Why it matters
A record is signed, copied with every clone, and never changed again: a password in it
can't be taken back. An address with a line feed makes a program that reads lines run
another one.

## Example
`repository: https://gitlab-ci-token:glcbt-…@gitlab.example.com/risk/models.git`

## How to fix
Write the address without the login: `https://gitlab.example.com/risk/models.git`. The
program that fetches it takes its login from the environment or a credential helper. A
secret that was pushed is no longer secret: revoke it where it was issued.
"#;
