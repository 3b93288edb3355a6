//! SageMaker: the content of a model card, as `CreateModelCard` takes it.
//!
//! Source: the model card JSON schema of Amazon SageMaker. What it has no place
//! for goes under `custom_details`, and nothing is invented.

use serde_json::{Map, Value, json};

use super::card::CardView;
use crate::model::{CardEvaluation, CardSection, ModelCard};

/// SageMaker takes so many artifacts, images and training datasets.
const MOST: usize = 15;

/// Sections that have no place of their own there.
const ELSEWHERE: [CardSection; 15] = [
    CardSection::OutOfScopeUses,
    CardSection::Users,
    CardSection::Limitations,
    CardSection::Tradeoffs,
    CardSection::Fairness,
    CardSection::EnvironmentalConsiderations,
    CardSection::License,
    CardSection::BaseModels,
    CardSection::Languages,
    CardSection::Library,
    CardSection::Pipeline,
    CardSection::Tags,
    CardSection::Parameters,
    CardSection::Datasets,
    CardSection::EthicalConsiderations,
];

/// An object of the members that are there.
fn members<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Option<Value> {
    let there: Map<String, Value> = pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    (!there.is_empty()).then_some(Value::Object(there))
}

fn text(value: Option<&String>) -> Option<Value> {
    value.map(|text| json!(text))
}

fn list(items: Vec<String>) -> Option<Value> {
    (!items.is_empty()).then(|| json!(items.into_iter().take(MOST).collect::<Vec<_>>()))
}

/// The card's content.
pub fn content(view: &CardView) -> Value {
    let card = view.card();
    let overview = card.overview.clone().unwrap_or_default();
    let version = view.version();
    let artifacts = version
        .spec
        .all_artifacts()
        .into_iter()
        .map(|(_, artifact)| artifact.uri.clone());
    let images = version
        .spec
        .containers()
        .into_iter()
        .filter_map(|(_, container)| container.image.clone());
    let number = overview
        .version
        .as_ref()
        .and_then(|version| version.parse::<u64>().ok());
    let content = members([
        (
            "model_overview",
            members([
                ("model_id", Some(json!(view.id.to_string()))),
                ("model_name", Some(json!(view.name()))),
                (
                    "model_description",
                    text(overview.description.as_ref().or(version.description.as_ref())),
                ),
                ("model_version", Some(json!(number.unwrap_or(view.id.number)))),
                ("problem_type", text(overview.problem_type.as_ref())),
                ("algorithm_type", text(overview.algorithm.as_ref())),
                ("model_creator", text(overview.creator.as_ref())),
                ("model_owner", text(overview.owner.as_ref())),
                ("model_artifact", list(artifacts.collect())),
                (
                    "inference_environment",
                    list(images.collect()).map(|images| json!({"container_image": images})),
                ),
            ]),
        ),
        (
            "intended_uses",
            members([
                ("intended_uses", text(card.intended_uses.as_ref())),
                (
                    "factors_affecting_model_efficiency",
                    text(overview.factors.as_ref()),
                ),
                ("risk_rating", card.risk.as_ref().map(|risk| json!(risk.rating))),
                (
                    "explanations_for_risk_rating",
                    text(card.risk.as_ref().and_then(|risk| risk.explanation.as_ref())),
                ),
            ]),
        ),
        (
            "business_details",
            card.business.as_ref().and_then(|business| {
                members([
                    ("business_problem", text(business.problem.as_ref())),
                    ("business_stakeholders", text(business.stakeholders.as_ref())),
                    ("line_of_business", text(business.line_of_business.as_ref())),
                ])
            }),
        ),
        ("training_details", training(card)),
        (
            "evaluation_details",
            (!card.evaluations.is_empty()).then(|| {
                card.evaluations
                    .iter()
                    .map(|evaluation| evaluated(card, evaluation))
                    .collect()
            }),
        ),
        (
            "additional_information",
            members([
                ("ethical_considerations", ethics(card)),
                ("caveats_and_recommendations", text(card.caveats.as_ref())),
                ("custom_details", custom(view)),
            ]),
        ),
    ]);
    content.unwrap_or_else(|| json!({}))
}

fn training(card: &ModelCard) -> Option<Value> {
    let training = card.training.clone().unwrap_or_default();
    let datasets = card
        .datasets
        .iter()
        .filter(|dataset| dataset.role.as_deref() == Some("training"));
    let datasets = datasets.map(|dataset| dataset.uri.clone().unwrap_or_else(|| dataset.name.clone()));
    let metrics: Vec<Value> = training
        .metrics
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let hyper: Vec<Value> = training
        .hyperparameters
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    members([
        (
            "objective_function",
            training
                .objective
                .as_ref()
                .map(|objective| json!({"notes": objective})),
        ),
        ("training_observations", text(training.observations.as_ref())),
        (
            "training_job_details",
            members([
                ("training_arn", text(training.job.as_ref())),
                ("training_datasets", list(datasets.collect())),
                (
                    "training_environment",
                    list(training.environment.clone()).map(|images| json!({"container_image": images})),
                ),
                (
                    "user_provided_training_metrics",
                    (!metrics.is_empty()).then(|| json!(metrics)),
                ),
                (
                    "user_provided_hyper_parameters",
                    (!hyper.is_empty()).then(|| json!(hyper)),
                ),
            ]),
        ),
    ])
}

fn evaluated(card: &ModelCard, evaluation: &CardEvaluation) -> Value {
    let dataset = evaluation.dataset.as_ref().map(|name| {
        let known = card.datasets.iter().find(|dataset| dataset.name == *name);
        let uri = known.and_then(|dataset| dataset.uri.clone());
        json!([uri.unwrap_or_else(|| name.clone())])
    });
    let data: Vec<Value> = evaluation
        .metrics
        .iter()
        .map(|metric| {
            let mut notes: Vec<String> = metric.notes.iter().cloned().collect();
            notes.extend(metric.slice.iter().map(|slice| format!("slice: {slice}")));
            notes.extend(metric.lower.iter().map(|lower| format!("lower bound: {lower}")));
            notes.extend(metric.upper.iter().map(|upper| format!("upper bound: {upper}")));
            let mut value = json!({"name": metric.name, "type": "number", "value": metric.value});
            if !notes.is_empty() {
                value["notes"] = json!(notes.join("; "));
            }
            value
        })
        .collect();
    let metadata = members([
        ("task", text(evaluation.task.as_ref())),
        ("split", text(evaluation.split.as_ref())),
        ("source", text(evaluation.source.as_ref())),
    ]);
    members([
        ("name", Some(json!(evaluation.name))),
        ("evaluation_observation", text(evaluation.observations.as_ref())),
        ("datasets", dataset),
        ("metadata", metadata),
        (
            "metric_groups",
            (!data.is_empty()).then(|| json!([{"name": evaluation.name, "metric_data": data}])),
        ),
    ])
    .unwrap_or_default()
}

fn ethics(card: &ModelCard) -> Option<Value> {
    let lines: Vec<String> = card
        .ethical_considerations
        .iter()
        .map(|risk| match &risk.mitigation {
            Some(mitigation) => format!("{}: {mitigation}", risk.name),
            None => risk.name.clone(),
        })
        .collect();
    (!lines.is_empty()).then(|| json!(lines.join("\n")))
}

/// What has no place, by the section's own name: text as it is, the rest as
/// JSON. SageMaker takes text alone here.
fn custom(view: &CardView) -> Option<Value> {
    let card = view.card();
    let whole = serde_json::to_value(card).unwrap_or_default();
    let mut details = Map::new();
    for section in ELSEWHERE {
        if let Some(value) = whole.get(section.as_str()).filter(|_| card.filled(section)) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            details.insert(section.as_str().to_owned(), json!(text));
        }
    }
    for (key, text) in &card.custom {
        details.insert(key.to_string(), json!(text));
    }
    (!details.is_empty()).then_some(Value::Object(details))
}
