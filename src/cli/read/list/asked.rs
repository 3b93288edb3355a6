//! Checks the names that `modelry list` was asked for. An unknown name gets a note,
//! so that a typing error does not look like an empty answer. A condition that can be
//! true for no version is an error.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{EXAMPLE, ListArgs};
use crate::act::nearest;
use crate::base::Error;
use crate::cli::read::at::Reading;
use crate::record::kind::{Kind, Status};
use crate::record::schema;
use crate::trust::condition::{Absent, Expr, Misfit, Shape};

/// The statuses.
const STATUSES: [Status; 4] = [
    Status::Pending,
    Status::Approved,
    Status::Rejected,
    Status::Archived,
];

/// Returns notes on names that no version of these groups has; `contents` are their
/// versions before any is left out.
pub(super) fn notes(
    args: &ListArgs,
    condition: Option<&Expr>,
    contents: &[&Map<String, Value>],
    reading: &Reading<'_>,
) -> Result<Vec<String>, Error> {
    let whose = match &args.group {
        Some(group) => format!("no version of `{group}` has"),
        None => "no version has".to_owned(),
    };
    let mut notes = Vec::new();
    if contents.is_empty() {
        return Ok(notes);
    }
    for (key, value) in &args.labels {
        let values = contents
            .iter()
            .filter_map(|one| one.get("labels")?.get(key.as_str())?.as_str());
        let values: Vec<&str> = BTreeSet::from_iter(values).into_iter().collect();
        if values.is_empty() {
            let keys = names_in(contents, "labels");
            let key = key.as_str();
            notes.push(meant(&format!("{whose} a label `{key}`"), &keys, key));
        } else if !values.contains(&value.as_str()) {
            let what = format!("{whose} the label `{key}={value}`");
            notes.push(meant(&what, &values, value));
        }
    }
    if let Some(field) = args.sort.as_deref()
        && let Some(metric) = field.strip_prefix("metrics.")
    {
        let names = names_in(contents, "metrics");
        if !names.contains(&metric) {
            let names: Vec<String> = names.iter().map(|name| format!("metrics.{name}")).collect();
            notes.push(meant(&format!("{whose} `{field}` to sort by"), &names, field));
        }
    }
    if let Some(expr) = condition {
        notes.extend(of_condition(expr, &whose, contents, reading)?);
    }
    Ok(notes)
}

/// The variables of a condition, by their kind.
fn shapes() -> BTreeMap<&'static str, Shape> {
    let of = |kind| Shape::of(schema::schema(kind), schema::schema(kind));
    let version = of(Kind::ModelVersion);
    let mut shapes = BTreeMap::from(super::VARIABLES.map(|name| (name, version.member(name))));
    shapes.insert("metrics", version.member("spec").member("metrics"));
    shapes.insert("stages", Shape::List(Box::new(Shape::Text)));
    shapes.insert("card", of(Kind::ModelCard));
    shapes
}

/// Refuses a condition that can be true for no version: one with an unknown field,
/// with kinds that are never equal, or with an unknown status or stage.
///
/// # Errors
/// No version can meet the condition, or the policy can't be read.
pub(super) fn check(
    expr: &Expr,
    contents: &[&Map<String, Value>],
    reading: &Reading<'_>,
) -> Result<(), Error> {
    match expr.misfit(&shapes()) {
        None => {}
        Some(Misfit::Kinds(words)) => return Err(Error::msg(words).hint(EXAMPLE)),
        Some(Misfit::Unknown(absent)) => {
            return Err(Error::msg(instead(&absent, "there is no field")).hint(EXAMPLE));
        }
    }
    let statuses = STATUSES.map(|it| it.to_string());
    let policy = reading.policy()?;
    let stages = policy.registry().stages.iter();
    let stages: Vec<String> = stages.map(|stage| stage.name.to_string()).collect();
    let known: [(&str, &str, &[String]); 2] = [
        ("status", "there is no status", &statuses),
        ("stages", "the policy lists no stage", &stages),
    ];
    for (variable, what, names) in known {
        for text in expr.compared(variable) {
            if !names.contains(&text) && !is_somewhere(variable, &text, contents) {
                return Err(Error::msg(meant(&format!("{what} `{text}`"), names, &text)));
            }
        }
    }
    Ok(())
}

/// Whether a version has this text there: the policy may no longer have the actor or
/// stage.
fn is_somewhere(variable: &str, text: &str, contents: &[&Map<String, Value>]) -> bool {
    contents.iter().any(|one| match one.get(variable) {
        Some(Value::Array(items)) => items.iter().any(|item| *item == text),
        other => other.and_then(Value::as_str) == Some(text),
    })
}

/// Formats an unknown field, with the nearest known one.
fn instead(absent: &Absent, what: &str) -> String {
    let names: Vec<&str> = absent.there.iter().map(|(name, _)| name.as_str()).collect();
    let near = nearest(&names, &absent.name);
    let path = near.and_then(|near| absent.there.iter().find(|(name, _)| *name == near));
    let what = format!("{what} `{}`", absent.path);
    match path {
        Some((_, path)) => format!("{what}; did you mean `{path}`?"),
        None => there(&what, &names),
    }
}

fn of_condition(
    expr: &Expr,
    whose: &str,
    contents: &[&Map<String, Value>],
    reading: &Reading<'_>,
) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    for absent in expr.absent(contents) {
        notes.push(instead(&absent, whose));
    }
    let policy = reading.policy()?;
    let policy = policy.registry();
    let known: [(&str, &str, Vec<String>); 2] = [
        (
            "group",
            "there is no group",
            reading
                .snapshot
                .groups()?
                .iter()
                .map(ToString::to_string)
                .collect(),
        ),
        (
            "by",
            "the policy knows no actor",
            policy.actors.keys().map(ToString::to_string).collect(),
        ),
    ];
    for (variable, what, names) in known {
        for text in expr.compared(variable) {
            if !names.contains(&text) && !is_somewhere(variable, &text, contents) {
                notes.push(meant(&format!("{what} `{text}`"), &names, &text));
            }
        }
    }
    Ok(notes)
}

/// Returns the names of the members that a mapping has in some content.
fn names_in<'c>(contents: &[&'c Map<String, Value>], mapping: &str) -> Vec<&'c str> {
    let mappings = contents.iter().filter_map(|one| one.get(mapping)?.as_object());
    let names: BTreeSet<&str> = mappings.flat_map(Map::keys).map(String::as_str).collect();
    names.into_iter().collect()
}

fn meant<T: std::fmt::Display>(what: &str, names: &[T], wanted: &str) -> String {
    match nearest(names, wanted) {
        Some(near) => format!("{what}; did you mean `{near}`?"),
        None => there(what, names),
    }
}

/// Lists the known names, as far as they fit.
fn there<T: std::fmt::Display>(what: &str, names: &[T]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match (shown.is_empty(), names.len().saturating_sub(SHOWN)) {
        (true, _) => what.to_owned(),
        (false, 0) => format!("{what}; there are {}", shown.join(", ")),
        (false, more) => format!("{what}; there are {}, and {more} more", shown.join(", ")),
    }
}
