//! MR104 identity-mismatch: a record names another identity than its path.

use serde_json::{Value, json};

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::RecordPath;
use crate::record::snapshot::Loaded;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR104",
        name: "identity-mismatch",
        summary: "a record names another identity than its path",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let (Some(path), Some(after)) = (scene.record(), scene.change.after.as_ref()) else {
        return Ok(());
    };
    if after.record.is_none() || scene.change.kind == ChangeKind::Removed {
        return Ok(());
    }
    for (pointer, expected) in identity(path, after) {
        let found = after.value().pointer(pointer);
        if found == expected.as_ref() {
            continue;
        }
        let (message, help) = match &expected {
            Some(expected) => (
                format!(
                    "`{}` must be `{}` here, as in the path",
                    &pointer[1..],
                    plain(expected)
                ),
                format!("write `{}: {}`, or move the file", &pointer[1..], plain(expected)),
            ),
            None => (
                format!("`{}` has no place in this file", &pointer[1..]),
                format!("remove `{}`", &pointer[1..]),
            ),
        };
        out.push(Finding::new(&RULE.info, scene.at(pointer), message).help(help));
    }
    Ok(())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the members that repeat the path, with the values that they must have.
fn identity(path: &RecordPath, record: &Loaded) -> Vec<(&'static str, Option<Value>)> {
    let mut members = Vec::new();
    let text = |text: &dyn std::fmt::Display| Some(json!(text.to_string()));
    match path {
        RecordPath::Group(group) if record.tombstone().is_some() => {
            members.extend([("/group", text(group)), ("/version", None)]);
        }
        RecordPath::Group(group) => members.push(("/name", text(group))),
        RecordPath::PolicyReview(serial, _) => members.push(("/serial", Some(json!(serial)))),
        _ => {
            members.extend(path.group().map(|group| ("/group", text(group))));
            members.extend(path.version().map(|id| ("/version", Some(json!(id.number)))));
        }
    }
    if let Some(name) = path.name() {
        let member = match path.kind().row().named_by {
            "/by" if record.value().get("onBehalfOf").is_some() => "/onBehalfOf",
            member => member,
        };
        members.push((member, text(&name)));
    }
    members
}

const DOCS: &str = r#"
## What it checks
`group`, `version`, `name`, `stage`, `serial` and a review's author repeat the path.

## Why it matters
A record that is signed for one place must not count in another.

## Example
`version: 4` in `versions/3/version.yaml`.

## How to fix
Write the names that the path has, or move the file.
"#;
