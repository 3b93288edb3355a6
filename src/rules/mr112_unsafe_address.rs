//! MR112 unsafe-address: an address holds a secret, or a character that is not seen.

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::error::Error;
use serde_json::Value;

use crate::finding::{Finding, RuleInfo};
use crate::model::{Kind, UriFault, cleaned_uri, concealed, text_fault, uri_fault};
use crate::schema;
use crate::snapshot::Loaded;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR112",
        name: "unsafe-address",
        summary: "an address holds a login, a signature or a character that is not seen",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let change = scene.change;
    let Some(after) = &change.after else {
        return Ok(());
    };
    // A record can have several changes in a step; its text is read once.
    let same = |other: &&crate::change::Change| {
        let other = other.after.as_ref();
        other.is_some_and(|other| other.id == after.id)
    };
    let first = scene.step.changes_at(&change.path).find(same);
    if first.is_some_and(|first| !std::ptr::eq(first, change)) {
        return Ok(());
    }
    let before = change.before.as_ref().map(|before| addresses(before));
    for (pointer, uri) in addresses(after) {
        let Some(fault) = uri_fault(uri) else { continue };
        // The change that brought an old one has been judged.
        let old = before.iter().flatten();
        if old.into_iter().any(|(_, old)| *old == uri) {
            continue;
        }
        let name = pointer.trim_start_matches('/').replace('/', ".");
        let finding = Finding::new(
            &RULE.info,
            scene.at(&pointer),
            format!("the address in `{name}` {}", fault.words()),
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
    if after.record.is_some() {
        let before = change.before.as_ref().map(|before| before.value());
        let all = addresses(after);
        let is_text = |pointer: &str| all.iter().all(|(address, _)| address != pointer);
        for (pointer, fault, text) in secrets_in_texts(before, after.value()) {
            if is_text(&pointer) {
                let name = pointer
                    .trim_start_matches('/')
                    .replace('/', ".")
                    .replace("~1", "/");
                let message = format!("the address in `{name}` {}", fault.words());
                let finding = Finding::new(&RULE.info, scene.at(&pointer), message).why(KEPT);
                out.push(finding.help(instead(&text)));
            }
        }
    }
    Ok(())
}

/// The texts of a record that hold an address with a secret, each with its pointer:
/// a description, a label, a reason, a section of a card. Texts that the record held
/// before are not judged again.
fn secrets_in_texts(before: Option<&Value>, after: &Value) -> Vec<(String, UriFault, String)> {
    let mut old = Vec::new();
    if let Some(before) = before {
        texts(before, "", &mut old);
    }
    let mut new = Vec::new();
    texts(after, "", &mut new);
    new.into_iter()
        .filter(|(_, text)| old.iter().all(|(_, old)| old != text))
        .filter_map(|(pointer, text)| Some((pointer, text_fault(text)?, text.to_owned())))
        .collect()
}

/// Why nothing secret may be in a record.
pub const KEPT: &str = "a record is signed, and everybody with a clone can read it for ever";

/// The remedy for a text with a secret in it.
pub fn instead(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .filter(|word| text_fault(word).is_some())
        .map(|word| format!("`{}`", concealed(&cleaned_uri(word))))
        .collect();
    format!("write {} instead", words.join(" and "))
}

/// All texts in a value, each with its pointer.
fn texts<'v>(value: &'v Value, pointer: &str, out: &mut Vec<(String, &'v str)>) {
    match value {
        Value::String(text) => out.push((pointer.to_owned(), text)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{pointer}/{index}"), out);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                let key = crate::source::pointer_step(key);
                texts(member, &format!("{pointer}/{key}"), out);
            }
        }
        _ => {}
    }
}

/// The addresses of a record; none when it can't be read.
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
repository, a licence, a job) holds none of these:

- a login: `https://user:token@host/`, or a token alone before the `@`;
- a signature or a token among its parameters: `X-Amz-Signature`, `sig`,
  `X-Goog-Signature`, `access_token` and the like;
- a character that is not seen, or that ends a line, or a space at either end.

`git@host:path`, `ssh://git@host/` and `abfss://container@account/` hold a name that
is not secret, and are fine. A record that held such an address before the change is
not judged again.

All other texts of the record are judged too: a description, label, annotation, reason
or section of a card holds no address with a scheme and a login or a secret parameter.

## Why it matters
A record is signed, copied with every clone, and never changed again: a password in it
can't be taken back. An address with a line feed makes a program that reads lines run
another one.

## Example
`repository: https://gitlab-ci-token:glcbt-…@gitlab.example.com/risk/models.git`

## How to fix
Write the address without the login: `https://gitlab.example.com/risk/models.git`. The
program that fetches it takes its login from the environment or a credential helper. A
secret that was pushed is known: revoke it where it was issued.
"#;
