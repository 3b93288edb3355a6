//! A Hugging Face model card: Markdown with YAML front matter, as the Hub and
//! `huggingface_hub.ModelCard` read it.
//!
//! The front matter has the members of the Hub's `modelcard.md` and of
//! `huggingface_hub.ModelCardData`. The Hub identifies licences, data and models by its
//! own identifiers. Other names appear only in the text, which contains everything.

use serde_json::{Map, Value, json};

use super::number;
use crate::base::{Error, one_line};
use crate::record::kind::{CardEvaluation, License, ModelCard};
use crate::record::yaml;
use crate::report::{CardView, card_markdown};

/// Renders the whole card.
///
/// # Errors
/// The front matter can't be written as YAML that every reader reads alike.
pub fn render(view: &CardView<'_>) -> Result<String, Error> {
    let body = card_markdown(view);
    let members = front_matter(view);
    if members.is_empty() {
        return Ok(body);
    }
    let yaml = yaml::write(None, &Value::Object(members)).map_err(|error| {
        Error::msg(format!("the front matter of {}'s card: {error}", view.id))
            .hint("look for unusual characters in the card's short members")
    })?;
    Ok(format!("---\n{yaml}---\n\n{body}"))
}

fn front_matter(view: &CardView<'_>) -> Map<String, Value> {
    let card = view.card;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = value.as_array().is_some_and(Vec::is_empty) || value.as_str().is_some_and(str::is_empty);
        if !empty && !value.is_null() {
            out.insert(key.to_owned(), value);
        }
    };
    put("language", words(&card.languages));
    if let Some(license) = &card.license {
        let (id, name) = hub_license(license);
        put("license", json!(id));
        put("license_name", json!(name));
        put(
            "license_link",
            json!(license.uri.as_ref().map(|uri| one_line(uri.expose()))),
        );
    }
    put("library_name", json!(card.library.as_deref().map(one_line)));
    put("pipeline_tag", json!(card.pipeline.as_deref().map(one_line)));
    put("tags", words(&card.tags));
    put(
        "datasets",
        ids(card.datasets.iter().map(|data| data.name.as_str())),
    );
    put("metrics", json!(metrics(view)));
    put(
        "base_model",
        ids(card.base_models.iter().map(|base| base.name.as_str())),
    );
    put("base_model_relation", json!(relation(card)));
    let results: Vec<Value> = card
        .evaluations
        .iter()
        .filter_map(|it| result(card, it))
        .collect();
    if !results.is_empty() {
        put(
            "model-index",
            json!([{"name": one_line(view.name()), "results": results}]),
        );
    }
    out
}

fn words(items: &[String]) -> Value {
    let items = items.iter().map(|item| one_line(item));
    Value::Array(items.filter(|item| !item.is_empty()).map(Value::from).collect())
}

/// Whether the text is `name` or `owner/name` of the Hub.
fn is_hub_id(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && !part.starts_with(['.', '-'])
    };
    match name.split_once('/') {
        Some((owner, name)) => part(owner) && part(name),
        None => part(name),
    }
}

fn ids<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    let mut kept: Vec<&str> = Vec::new();
    for name in names.filter(|name| is_hub_id(name)) {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    json!(kept)
}

/// Lists every metric that has a value in the card or the version.
fn metrics(view: &CardView<'_>) -> Vec<String> {
    let told = view.card.evaluations.iter().flat_map(|it| &it.metrics);
    let mut names: Vec<String> = Vec::new();
    let registered = view.version.spec.metrics.keys();
    let all = told
        .map(|metric| one_line(&metric.name))
        .chain(registered.map(ToString::to_string));
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The relation to the base models in the Hub's words, if it is the same for all.
fn relation(card: &ModelCard) -> Option<&str> {
    const KNOWN: [&str; 4] = ["finetune", "quantized", "merge", "adapter"];
    let first = card.base_models.first()?.relation.as_deref()?;
    let same = card
        .base_models
        .iter()
        .all(|base| base.relation.as_deref() == Some(first));
    (same && KNOWN.contains(&first)).then_some(first)
}

/// Builds one entry of the model index. An entry needs a task and a dataset, so an
/// evaluation without them is left out.
fn result(card: &ModelCard, evaluation: &CardEvaluation) -> Option<Value> {
    let task = evaluation.task.as_ref().or(card.pipeline.as_ref())?;
    let name = evaluation.dataset.as_ref()?;
    let data = card.datasets.iter().find(|data| data.name == *name);
    if evaluation.metrics.is_empty() {
        return None;
    }
    let mut dataset = json!({"type": one_line(name), "name": one_line(name)});
    if let Some(split) = &evaluation.split {
        dataset["split"] = json!(one_line(split));
    }
    if let Some(revision) = data.and_then(|data| data.revision.as_ref()) {
        dataset["revision"] = json!(one_line(revision));
    }
    let metrics = evaluation.metrics.iter().map(|metric| {
        let mut told = json!({"type": one_line(&metric.name), "value": number(metric.value)});
        if let Some(slice) = &metric.slice {
            told["name"] = json!(format!("{} ({})", one_line(&metric.name), one_line(slice)));
        }
        told
    });
    let mut result = json!({
        "task": {"type": one_line(task)},
        "dataset": dataset,
        "metrics": metrics.collect::<Vec<_>>(),
    });
    if let Some(source) = &evaluation.source {
        result["source"] = json!({"name": one_line(&evaluation.name), "url": one_line(source.expose())});
    }
    Some(result)
}

/// The Hub's identifier of a licence, and the licence's name if the identifier is
/// `other`.
fn hub_license(license: &License) -> (Option<String>, Option<String>) {
    let name = license.name.as_deref().map(one_line);
    let Some(id) = license.id.as_deref().map(one_line) else {
        let other = name.is_some() || license.uri.is_some();
        return (other.then(|| "other".to_owned()), name);
    };
    let lower = id.to_lowercase();
    if HUB_LICENSES.contains(&lower.as_str()) {
        (Some(lower), name)
    } else {
        (Some("other".into()), Some(name.unwrap_or(id)))
    }
}

/// Licences that the Hub accepts: mostly SPDX identifiers in lower case
/// (<https://huggingface.co/docs/hub/repositories-licenses>).
const HUB_LICENSES: &[&str] = &[
    "afl-3.0",
    "agpl-3.0",
    "apache-2.0",
    "artistic-2.0",
    "bigcode-openrail-m",
    "bigscience-bloom-rail-1.0",
    "bigscience-openrail-m",
    "bsd",
    "bsd-2-clause",
    "bsd-3-clause",
    "bsd-3-clause-clear",
    "bsl-1.0",
    "c-uda",
    "cc",
    "cc-by-2.0",
    "cc-by-2.5",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-nc-2.0",
    "cc-by-nc-3.0",
    "cc-by-nc-4.0",
    "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0",
    "cc-by-nd-4.0",
    "cc-by-sa-3.0",
    "cc-by-sa-4.0",
    "cc0-1.0",
    "cdla-permissive-1.0",
    "cdla-permissive-2.0",
    "cdla-sharing-1.0",
    "creativeml-openrail-m",
    "deepfloyd-if-license",
    "ecl-2.0",
    "epl-1.0",
    "epl-2.0",
    "etalab-2.0",
    "eupl-1.1",
    "eupl-1.2",
    "gemma",
    "gfdl",
    "gpl",
    "gpl-2.0",
    "gpl-3.0",
    "isc",
    "lgpl",
    "lgpl-2.1",
    "lgpl-3.0",
    "lgpl-lr",
    "llama2",
    "llama3",
    "llama3.1",
    "llama3.2",
    "llama3.3",
    "lppl-1.3c",
    "mit",
    "mpl-2.0",
    "ms-pl",
    "ncsa",
    "odbl",
    "odc-by",
    "ofl-1.1",
    "openrail",
    "openrail++",
    "osl-3.0",
    "other",
    "pddl",
    "postgresql",
    "unknown",
    "unlicense",
    "wtfpl",
    "zlib",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_in_the_words_of_the_hub() {
        let license = |id: Option<&str>, name: Option<&str>| {
            hub_license(&License {
                id: id.map(str::to_owned),
                name: name.map(str::to_owned),
                uri: None,
            })
        };
        assert_eq!(
            license(Some("Apache-2.0"), None),
            (Some("apache-2.0".into()), None)
        );
        assert_eq!(
            license(Some("GPL-3.0-or-later"), None),
            (Some("other".into()), Some("GPL-3.0-or-later".into()))
        );
        assert_eq!(
            license(None, Some("ours")),
            (Some("other".into()), Some("ours".into()))
        );
        assert_eq!(license(None, None), (None, None));
    }

    #[test]
    fn only_identifiers_of_the_hub_stand_in_its_lists() {
        assert!(is_hub_id("org/data-set_1.0") && is_hub_id("imdb"));
        assert!(!is_hub_id("a b") && !is_hub_id("a/b/c") && !is_hub_id("") && !is_hub_id("../x"));
    }
}
