//! MR104 identity-mismatch: a record names another identity than its path.

use serde_json::{Value, json};

use super::scene::{Findings, Scene};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::{RecordPath, VersionId};
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
    let in_version = |id: &VersionId| vec![("/group", text(&id.group)), ("/version", Some(json!(id.number)))];
    match path {
        RecordPath::Registry => {}
        RecordPath::PolicyReview(serial, actor) => {
            members.extend([("/serial", Some(json!(serial))), (decider(record), text(actor))]);
        }
        RecordPath::Group(group) if record.tombstone().is_some() => {
            members.extend([("/group", text(group)), ("/version", None)]);
        }
        RecordPath::Group(group) => members.push(("/name", text(group))),
        RecordPath::Stage(group, stage) => members.extend([("/group", text(group)), ("/stage", text(stage))]),
        RecordPath::Version(id) | RecordPath::Card(id) | RecordPath::Archival(id) => {
            members.extend(in_version(id))
        }
        RecordPath::Evidence(id, name) | RecordPath::Observation(id, name) => {
            members.extend(in_version(id));
            members.push(("/name", text(name)));
        }
        RecordPath::Review(id, actor) => {
            members.extend(in_version(id));
            members.push((decider(record), text(actor)));
        }
    }
    members
}

fn decider(record: &Loaded) -> &'static str {
    if record.value().get("onBehalfOf").is_some() {
        "/onBehalfOf"
    } else {
        "/by"
    }
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
