//! SageMaker's model card: the JSON for `Content` of `CreateModelCard`.
//!
//! Members, types and limits are those of the model card JSON schema in the SageMaker
//! Developer Guide ("Model card JSON schema") and of the vendor's Python SDK. A member
//! that has no place there, or is too long for it, goes to `custom_details`, by its
//! path in the card.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::number;
use crate::base::Error;
use crate::record::kind::{Address, CardEvaluation, Evaluation, Metrics};
use crate::report::CardView;

/// The most characters of the whole content (the API's `ModelCardContent`).
const CONTENT: usize = 100_000;
/// The most characters of a long text.
const LONG: usize = 2048;
/// The most characters of a short text, an address or a custom value.
const SHORT: usize = 1024;
/// The most characters of the name of an evaluation or a group.
const NAME: usize = 63;
/// The most characters of the name of a metric, or of a hyperparameter and its value.
const TERM: usize = 255;

/// Renders the content of the card.
///
/// # Errors
/// The content exceeds SageMaker's limit.
pub fn render(view: &CardView<'_>) -> Result<Value, Error> {
    let mut rest = Rest::of(view);
    let mut content = Map::new();
    let sections = [
        ("model_overview", overview(view, &mut rest)),
        ("intended_uses", intended_uses(&mut rest)),
        ("business_details", business(&mut rest)),
        ("training_details", training(view, &mut rest)),
        ("evaluation_details", evaluations(view, &mut rest)),
        ("additional_information", additional(view, rest)),
    ];
    for (key, value) in sections {
        if !is_empty(&value) {
            content.insert(key.into(), value);
        }
    }
    let content = Value::Object(content);
    let long = content.to_string().chars().count();
    if long > CONTENT {
        return Err(Error::msg(format!(
            "the card of {} has {long} characters as SageMaker's JSON, which takes {CONTENT}",
            view.id
        ))
        .hint("shorten its longest sections, or take another form: `-o markdown`"));
    }
    Ok(content)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Null => true,
        _ => false,
    }
}

/// The members of the card that are not yet in the content.
struct Rest {
    card: Value,
    details: BTreeMap<String, String>,
}

impl Rest {
    fn of(view: &CardView<'_>) -> Rest {
        let mut card = serde_json::to_value(view.card).unwrap_or_default();
        if let Some(members) = card.as_object_mut() {
            // The overview has the identity of the file.
            for key in ["apiVersion", "kind", "group", "version", "signature"] {
                members.remove(key);
            }
        }
        Rest {
            card,
            details: BTreeMap::new(),
        }
    }

    /// Removes and returns a member.
    fn take(&mut self, pointer: &str) -> Option<Value> {
        let (parent, key) = pointer.rsplit_once('/')?;
        let taken = self.card.pointer_mut(parent)?.as_object_mut()?.remove(key);
        taken.filter(|value| !is_empty(value))
    }

    /// Removes and returns a text, if there is one.
    fn text(&mut self, pointer: &str) -> Option<String> {
        match self.take(pointer) {
            Some(Value::String(text)) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    /// Adds a detail, split into as many pieces as its length requires.
    fn detail(&mut self, key: &str, text: &str) {
        if text.is_empty() {
            self.details.insert(key.to_owned(), String::new());
        }
        let chars: Vec<char> = text.chars().collect();
        for (piece, at) in chars.chunks(SHORT).zip(1..) {
            let key = if at == 1 {
                key.to_owned()
            } else {
                format!("{key} ({at})")
            };
            self.details.insert(key, piece.iter().collect());
        }
    }

    /// Cuts a text to the limit. A text that is too long also goes to the details, in
    /// full.
    fn fit(&mut self, key: &str, text: &str, limit: usize) -> String {
        if text.chars().count() <= limit {
            return text.to_owned();
        }
        self.detail(key, text);
        text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
    }

    /// Cuts a list to the limit. The remaining items go to the details.
    fn fit_list(&mut self, key: &str, items: Vec<String>, limit: usize) -> Vec<String> {
        let mut kept = Vec::new();
        for (item, at) in items.into_iter().zip(1..) {
            let key = format!("{key}.{at}");
            if at <= limit {
                kept.push(self.fit(&key, &item, SHORT));
            } else {
                self.detail(&key, &item);
            }
        }
        kept
    }

    /// Moves texts to SageMaker's members.
    fn texts(&mut self, members: &[(&str, &str, usize)]) -> Map<String, Value> {
        let mut out = Map::new();
        for (theirs, ours, limit) in members {
            if let Some(text) = self.text(ours) {
                let key = ours.trim_start_matches('/').replace('/', ".");
                out.insert((*theirs).to_owned(), json!(self.fit(&key, &text, *limit)));
            }
        }
        out
    }
}

fn overview(view: &CardView<'_>, rest: &mut Rest) -> Value {
    let spec = &view.version.spec;
    let mut out = Map::new();
    out.insert("model_id".into(), json!(view.id.to_string()));
    let name = rest
        .text("/overview/name")
        .unwrap_or_else(|| view.id.group.to_string());
    out.insert(
        "model_name".into(),
        json!(rest.fit("overview.name", &name, SHORT)),
    );
    out.insert("model_version".into(), json!(view.id.number));
    out.append(&mut rest.texts(&[
        ("model_description", "/overview/description", SHORT),
        ("problem_type", "/overview/problemType", SHORT),
        ("algorithm_type", "/overview/algorithm", SHORT),
        ("model_creator", "/overview/creator", SHORT),
        ("model_owner", "/overview/owner", SHORT),
    ]));
    let artifacts = spec
        .all_artifacts()
        .into_iter()
        .map(|(_, artifact)| artifact.uri.to_string());
    let artifacts = rest.fit_list("model.artifacts", artifacts.collect(), 15);
    if !artifacts.is_empty() {
        out.insert("model_artifact".into(), json!(artifacts));
    }
    let images = spec
        .containers()
        .into_iter()
        .filter_map(|(_, it)| it.image.as_ref().map(|image| image.expose().to_owned()));
    let images = rest.fit_list("model.images", images.collect(), 15);
    if !images.is_empty() {
        out.insert("inference_environment".into(), json!({"container_image": images}));
    }
    Value::Object(out)
}

fn intended_uses(rest: &mut Rest) -> Value {
    let mut out = rest.texts(&[
        ("intended_uses", "/intendedUses", LONG),
        ("factors_affecting_model_efficiency", "/overview/factors", LONG),
        ("explanations_for_risk_rating", "/risk/explanation", LONG),
    ]);
    // The words High, Medium, Low and Unknown are the same.
    if let Some(rating) = rest.text("/risk/rating") {
        out.insert("risk_rating".into(), json!(rating));
    }
    Value::Object(out)
}

fn business(rest: &mut Rest) -> Value {
    Value::Object(rest.texts(&[
        ("business_problem", "/business/problem", LONG),
        ("business_stakeholders", "/business/stakeholders", LONG),
        ("line_of_business", "/business/lineOfBusiness", LONG),
    ]))
}

fn training(view: &CardView<'_>, rest: &mut Rest) -> Value {
    let card = view.card;
    let mut out = Map::new();
    if let Some(objective) = rest.text("/training/objective") {
        let notes = rest.fit("training.objective", &objective, SHORT);
        // The direction and the facet can't be derived from the card.
        out.insert(
            "objective_function".into(),
            json!({"function": {}, "notes": notes}),
        );
    }
    out.append(&mut rest.texts(&[("training_observations", "/training/observations", SHORT)]));
    let mut job = Map::new();
    let arn = card.training.as_ref().and_then(|it| it.job.as_ref());
    if arn.is_some_and(|arn| arn.expose().starts_with("arn:")) {
        job.append(&mut rest.texts(&[("training_arn", "/training/job", SHORT)]));
    }
    let of_training = card.datasets.iter().filter(|data| {
        data.role
            .as_deref()
            .is_some_and(|role| role.to_lowercase().contains("train"))
    });
    let data: Vec<String> = of_training
        .map(|data| {
            data.uri
                .as_ref()
                .map_or(data.name.as_str(), Address::expose)
                .to_owned()
        })
        .collect();
    let data = rest.fit_list("training.datasets", data, 15);
    if !data.is_empty() {
        job.insert("training_datasets".into(), json!(data));
    }
    if let Some(Value::Array(images)) = rest.take("/training/environment") {
        let images = images.iter().filter_map(Value::as_str).map(str::to_owned);
        let images = rest.fit_list("training.environment", images.collect(), 15);
        job.insert("training_environment".into(), json!({"container_image": images}));
    }
    let _ = rest.take("/training/metrics");
    let _ = rest.take("/training/hyperparameters");
    let (mut metrics, mut parameters) = (Vec::new(), Vec::new());
    for (name, value) in card.training.iter().flat_map(|it| &it.metrics) {
        if metrics.len() < 50 {
            metrics.push(json!({"name": name, "value": number(*value)}));
        } else {
            rest.detail(&format!("training.metrics.{name}"), &value.to_string());
        }
    }
    for (name, value) in card.training.iter().flat_map(|it| &it.hyperparameters) {
        let detail = format!("training.hyperparameters.{name}");
        // SageMaker's hyperparameters are text.
        let value = &value.to_string();
        if parameters.len() < 100 && !value.is_empty() {
            parameters.push(json!({"name": name, "value": rest.fit(&detail, value, TERM)}));
        } else {
            rest.detail(&detail, value);
        }
    }
    if !metrics.is_empty() {
        job.insert("user_provided_training_metrics".into(), json!(metrics));
    }
    if !parameters.is_empty() {
        job.insert("user_provided_hyper_parameters".into(), json!(parameters));
    }
    if !job.is_empty() {
        out.insert("training_job_details".into(), Value::Object(job));
    }
    Value::Object(out)
}

fn metric(name: &str, value: f64) -> Value {
    let name: String = name.chars().take(TERM).collect();
    json!({"name": name, "type": "number", "value": number(value)})
}

fn group(name: &str, metrics: Vec<Value>) -> Value {
    let name: String = name.chars().take(NAME).collect();
    json!({"name": name, "metric_data": metrics})
}

fn metric_groups(name: &str, metrics: &Metrics) -> Value {
    if metrics.is_empty() {
        return json!([]);
    }
    let metrics = metrics.iter().map(|(name, value)| metric(name.as_str(), *value));
    json!([group(name, metrics.collect())])
}

/// Starts an evaluation with its name. A name that is cut is also given in full.
fn named(name: &str, metadata: &mut Map<String, Value>) -> Map<String, Value> {
    let short: String = name.chars().take(NAME).collect();
    if short != name {
        metadata.insert("name".into(), json!(name.chars().take(SHORT).collect::<String>()));
    }
    Map::from_iter([("name".to_owned(), json!(short))])
}

fn evaluations(view: &CardView<'_>, rest: &mut Rest) -> Value {
    let _ = rest.take("/evaluations");
    let mut out = Vec::new();
    for (evaluation, at) in view.card.evaluations.iter().zip(1..) {
        out.push(told(view, evaluation, &format!("evaluations.{at}"), rest));
    }
    let registered = &view.version.spec.metrics;
    if !registered.is_empty() {
        out.push(json!({
            "name": "registered",
            "metadata": {"by": view.version.by},
            "metric_groups": metric_groups("registered", registered),
        }));
    }
    for evidence in &view.evidence {
        out.push(recorded(evidence, "evidence", rest));
    }
    for observation in &view.observations {
        out.push(recorded(observation, "observation", rest));
    }
    Value::Array(out)
}

/// Converts an evaluation of the card.
fn told(view: &CardView<'_>, evaluation: &CardEvaluation, path: &str, rest: &mut Rest) -> Value {
    let mut metadata = Map::new();
    let members = [
        ("task", evaluation.task.as_deref()),
        ("dataset", evaluation.dataset.as_deref()),
        ("split", evaluation.split.as_deref()),
        ("source", evaluation.source.as_ref().map(Address::expose)),
    ];
    for (key, value) in members {
        if let Some(value) = value {
            let value = rest.fit(&format!("{path}.{key}"), value, SHORT);
            metadata.insert(key.into(), json!(value));
        }
    }
    let mut out = named(&evaluation.name, &mut metadata);
    if let Some(text) = &evaluation.observations {
        let text = rest.fit(&format!("{path}.observations"), text, LONG);
        out.insert("evaluation_observation".into(), json!(text));
    }
    if let Some(name) = &evaluation.dataset {
        let known = view.card.datasets.iter().find(|data| data.name == *name);
        let place = known
            .and_then(|data| data.uri.as_ref())
            .map_or(name.as_str(), Address::expose);
        let place = rest.fit(&format!("{path}.dataset"), place, SHORT);
        out.insert("datasets".into(), json!([place]));
    }
    // One group for each part of the data, in the order of the card.
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    for (given, at) in evaluation.metrics.iter().zip(1..) {
        let of = given.slice.as_deref().unwrap_or(&evaluation.name);
        if of.chars().count() > NAME {
            rest.detail(&format!("{path}.metrics.{at}.slice"), of);
        }
        let mut value = metric(&given.name, given.value);
        if let Some(notes) = &given.notes {
            value["notes"] = json!(rest.fit(&format!("{path}.metrics.{at}.notes"), notes, SHORT));
        }
        let mut values = vec![value];
        for (end, bound) in [("lower", given.lower), ("upper", given.upper)] {
            values.extend(bound.map(|bound| metric(&format!("{} ({end} bound)", given.name), bound)));
        }
        match groups.iter_mut().find(|(name, _)| name == of) {
            Some((_, there)) => there.append(&mut values),
            None => groups.push((of.to_owned(), values)),
        }
    }
    let groups: Vec<Value> = groups.into_iter().map(|(name, it)| group(&name, it)).collect();
    finish(out, metadata, json!(groups))
}

/// Converts an evaluation that is a record.
fn recorded(evaluation: &Evaluation, kind: &str, rest: &mut Rest) -> Value {
    let path = format!("{kind}.{}", evaluation.name);
    let mut metadata = Map::new();
    metadata.insert("kind".into(), json!(kind));
    metadata.insert("by".into(), json!(evaluation.by));
    let mut out = named(evaluation.name.as_str(), &mut metadata);
    if let Some(notes) = &evaluation.notes {
        let notes = rest.fit(&format!("{path}.notes"), notes, LONG);
        out.insert("evaluation_observation".into(), json!(notes));
    }
    if let Some(data) = &evaluation.dataset {
        let place = rest.fit(&format!("{path}.dataset"), data.uri.expose(), SHORT);
        out.insert("datasets".into(), json!([place]));
        if let Some(digest) = &data.digest {
            metadata.insert("datasetDigest".into(), json!(digest));
        }
    }
    if let Some(report) = &evaluation.report {
        let place = rest.fit(&format!("{path}.report"), report.uri.expose(), SHORT);
        metadata.insert("report".into(), json!(place));
        if let Some(digest) = &report.digest {
            metadata.insert("reportDigest".into(), json!(digest));
        }
    }
    let groups = metric_groups(evaluation.name.as_str(), &evaluation.metrics);
    finish(out, metadata, groups)
}

fn finish(mut out: Map<String, Value>, metadata: Map<String, Value>, groups: Value) -> Value {
    if !metadata.is_empty() {
        out.insert("metadata".into(), Value::Object(metadata));
    }
    if !is_empty(&groups) {
        out.insert("metric_groups".into(), groups);
    }
    Value::Object(out)
}

fn additional(view: &CardView<'_>, mut rest: Rest) -> Value {
    let mut out = rest.texts(&[("caveats_and_recommendations", "/caveats", LONG)]);
    let _ = rest.take("/ethicalConsiderations");
    let ethics: Vec<String> = view
        .card
        .ethical_considerations
        .iter()
        .map(|risk| match &risk.mitigation {
            Some(mitigation) => format!("{}: {mitigation}", risk.name),
            None => risk.name.clone(),
        })
        .collect();
    if !ethics.is_empty() {
        let text = rest.fit("ethicalConsiderations", &ethics.join("\n"), LONG);
        out.insert("ethical_considerations".into(), json!(text));
    }
    rest.detail("status", view.version.status.as_str());
    rest.detail("subject", &view.subject);
    let _ = rest.take("/custom");
    let left = std::mem::take(&mut rest.card);
    flatten("", &left, &mut rest);
    for (name, value) in &view.card.custom {
        let taken = rest.details.contains_key(name.as_str());
        let key = if taken {
            format!("custom.{name}")
        } else {
            name.to_string()
        };
        rest.detail(&key, value);
    }
    out.insert("custom_details".into(), json!(rest.details));
    Value::Object(out)
}

/// Adds the remaining members by path: `fairness.1.groupAtRisk`.
fn flatten(path: &str, value: &Value, rest: &mut Rest) {
    let join = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                flatten(&join(key), value, rest);
            }
        }
        Value::Array(items) => {
            let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            match words.filter(|words| words.iter().all(|word| !word.contains([',', '\n']))) {
                Some(words) => rest.detail(path, &words.join(", ")),
                None => {
                    for (item, at) in items.iter().zip(1..) {
                        flatten(&join(&at.to_string()), item, rest);
                    }
                }
            }
        }
        Value::String(text) => rest.detail(path, text),
        Value::Null => {}
        other => rest.detail(path, &other.to_string()),
    }
}
