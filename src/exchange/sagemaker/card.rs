//! Converts the content of a SageMaker model card to a card, with the remaining
//! members.

use serde_json::{Map, Value, json};

use super::mapping::{self, Left, is_seen};
use super::read::{keep, spell, unspell};
use super::{KEPT, table};
use crate::act::{ImportedGroup, ImportedVersion};
use crate::base::Error;
use crate::exchange::exact_numbers;
use crate::record::kind::{Key, ModelCard, VersionNumber};

/// Parses the content of a card, which is JSON in a text.
pub(super) fn content(value: Option<&Value>) -> Result<Map<String, Value>, Error> {
    let parsed = match value {
        Some(Value::String(text)) => serde_json::from_str(&exact_numbers(text)).ok(),
        other => other.cloned(),
    };
    match parsed {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(Error::msg("the content of a model card is no JSON mapping")
            .hint("describe it without `--included-data MetadataOnly`")),
    }
}

/// Finds the version that a card names; `names` are the groups' names in SageMaker. A
/// name that several groups have there is ambiguous, so it finds none.
pub(super) fn home(
    content: &Map<String, Value>,
    groups: &[ImportedGroup],
    names: &[&str],
) -> Option<(usize, VersionNumber)> {
    let details = content.get("model_package_details");
    let text = |value: Option<&Value>| Some(value?.as_str()?.to_owned());
    let arn = text(details.and_then(|it| it.get("model_package_arn")))
        .or_else(|| text(content.get("model_overview").and_then(|it| it.get("model_id"))));
    if let Some(arn) = arn {
        let key = format!("{KEPT}ModelPackageArn").parse::<Key>().ok()?;
        for (place, group) in groups.iter().enumerate() {
            let mut versions = group.versions.iter();
            let named = versions.find(|it| {
                it.annotations.get(&key) == Some(&arn) || arn == format!("{}/{}", names[place], it.number)
            });
            if let Some(version) = named {
                return Some((place, version.number));
            }
        }
    }
    let group = text(details.and_then(|it| it.get("model_package_group_name")))?;
    let number = details?.get("model_package_version")?;
    let number = number.as_u64().or_else(|| number.as_f64().map(|it| it as u64))?;
    let mut places = names.iter().enumerate().filter(|(_, name)| **name == group);
    let (place, _) = places.next().filter(|_| places.next().is_none())?;
    let there = groups[place].versions.iter().any(|it| it.number == number);
    there.then_some((place, number))
}

/// Adds the card to a version. Members without a section are kept under `custom`, by
/// path.
pub(super) fn attach(version: &mut ImportedVersion, mut content: Map<String, Value>) {
    let mut left = Left::default();
    let ethics = content
        .get_mut("additional_information")
        .and_then(Value::as_object_mut)
        .and_then(|it| it.remove("ethical_considerations"));
    // All evaluations or none, because they keep their order.
    let told = content.get("evaluation_details").and_then(Value::as_array);
    let told: Option<Vec<Value>> = told.and_then(|all| all.iter().map(evaluation).collect());
    if told.is_some() {
        content.remove("evaluation_details");
    }
    let mut card = mapping::read(&table::CARD, &content, &[], &mut left);
    if let Some(told) = told.filter(|told| !told.is_empty()) {
        card.insert("evaluations".into(), json!(told));
    }
    match ethics {
        Some(Value::String(text)) if (1..=4096).contains(&text.chars().count()) && is_seen(&text) => {
            card.insert("ethicalConsiderations".into(), json!([{"name": text}]));
        }
        Some(other) => left.0.push((
            vec!["additional_information".into(), "ethical_considerations".into()],
            other,
        )),
        None => {}
    }
    for (path, value) in left.0 {
        match format!("{KEPT}{}", path.join("/")).parse::<Key>() {
            Ok(key) => {
                mapping::put(&mut card, ["custom", key.as_str()], json!(spell(&value)));
            }
            Err(_) => keep(version, &["card".to_owned(), path.join(".")], &value),
        }
    }
    version.card = Some(card);
}

/// Converts an evaluation if the card can represent it completely. Returns `None` for
/// graphs, and for unknown members.
fn evaluation(theirs: &Value) -> Option<Value> {
    let mut theirs = theirs.as_object()?.clone();
    let mut ours = Map::new();
    let text = |value: Value| {
        let text = value.as_str().filter(|text| !text.is_empty() && is_seen(text));
        text.map(str::to_owned)
    };
    let name = theirs.remove("name").and_then(text)?;
    if let Some(seen) = theirs.remove("evaluation_observation") {
        ours.insert("observations".into(), json!(text(seen)?));
    }
    if let Some(data) = theirs.remove("datasets") {
        match &data.as_array()?[..] {
            [one] => ours.insert("dataset".into(), json!(text(one.clone())?)),
            _ => return None,
        };
    }
    let mut metrics = Vec::new();
    if let Some(groups) = theirs.remove("metric_groups") {
        for group in groups.as_array()? {
            let of = text(group.get("name")?.clone())?;
            for given in group.get("metric_data")?.as_array()? {
                let mut given = given.as_object()?.clone();
                if given.remove("type")? != json!("number") {
                    return None;
                }
                let mut metric = Map::new();
                metric.insert("name".into(), json!(given.remove("name").and_then(text)?));
                metric.insert("value".into(), json!(given.remove("value")?.as_f64()?));
                if of != name {
                    metric.insert("slice".into(), json!(of));
                }
                if let Some(notes) = given.remove("notes") {
                    metric.insert("notes".into(), json!(text(notes)?));
                }
                if !given.is_empty() {
                    return None;
                }
                metrics.push(Value::Object(metric));
            }
        }
    }
    if !theirs.is_empty() {
        return None;
    }
    ours.insert("name".into(), json!(name));
    if !metrics.is_empty() {
        ours.insert("metrics".into(), json!(metrics));
    }
    Some(Value::Object(ours))
}

/// Separates a card from the members that an import kept from SageMaker.
pub(super) fn parted(card: &ModelCard) -> (ModelCard, Vec<(String, Value)>) {
    let mut card = card.clone();
    let mut kept = Vec::new();
    card.custom
        .retain(|key, text| match key.as_str().strip_prefix(KEPT) {
            Some(path) => {
                kept.push((path.to_owned(), unspell(text)));
                false
            }
            None => true,
        });
    (card, kept)
}

/// Restores kept members. Existing members stay, and lists are joined.
pub(super) fn restore(content: &mut Value, kept: Vec<(String, Value)>) {
    let Value::Object(members) = content else { return };
    for (path, value) in kept {
        let pointer = format!("/{path}");
        let there = pointer.strip_prefix('/').and_then(|_| {
            let (first, rest) = path.split_once('/').unwrap_or((path.as_str(), ""));
            let at = members.get_mut(first)?;
            match rest {
                "" => Some(at),
                rest => at.pointer_mut(&format!("/{rest}")),
            }
        });
        match (there, value) {
            (Some(Value::Array(items)), Value::Array(mut theirs)) => {
                items.retain(|item| !theirs.contains(item));
                theirs.append(items);
                *items = theirs;
            }
            (Some(at), value) => *at = value,
            (None, value) => {
                mapping::put(members, path.split('/'), value);
            }
        }
    }
}
