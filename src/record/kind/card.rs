//! `card.yaml`: the model card, which a reviewer reads before deciding. Its sections
//! are the union, by meaning, of SageMaker's model card, the metadata of a Hugging Face
//! card and CycloneDX's `modelCard`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ActorId, Address, ApiVersion, Digest, Document, GroupName, Key, Metrics, VersionNumber, kind_word,
};

/// A section of the card that a rule can require.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
#[allow(missing_docs, reason = "each is the section of the same name")]
pub enum CardSection {
    Overview,
    IntendedUses,
    OutOfScopeUses,
    Users,
    Business,
    Risk,
    Training,
    Datasets,
    Evaluations,
    Limitations,
    Tradeoffs,
    EthicalConsiderations,
    Fairness,
    EnvironmentalConsiderations,
    Caveats,
    License,
    BaseModels,
    Languages,
    Library,
    Pipeline,
    Tags,
    Parameters,
    Custom,
}

impl CardSection {
    /// Every section, in the order of the card.
    pub const ALL: &'static [CardSection] = &[
        CardSection::Overview,
        CardSection::IntendedUses,
        CardSection::OutOfScopeUses,
        CardSection::Users,
        CardSection::Business,
        CardSection::Risk,
        CardSection::Training,
        CardSection::Datasets,
        CardSection::Evaluations,
        CardSection::Limitations,
        CardSection::Tradeoffs,
        CardSection::EthicalConsiderations,
        CardSection::Fairness,
        CardSection::EnvironmentalConsiderations,
        CardSection::Caveats,
        CardSection::License,
        CardSection::BaseModels,
        CardSection::Languages,
        CardSection::Library,
        CardSection::Pipeline,
        CardSection::Tags,
        CardSection::Parameters,
        CardSection::Custom,
    ];

    /// The section's key in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            CardSection::Overview => "overview",
            CardSection::IntendedUses => "intendedUses",
            CardSection::OutOfScopeUses => "outOfScopeUses",
            CardSection::Users => "users",
            CardSection::Business => "business",
            CardSection::Risk => "risk",
            CardSection::Training => "training",
            CardSection::Datasets => "datasets",
            CardSection::Evaluations => "evaluations",
            CardSection::Limitations => "limitations",
            CardSection::Tradeoffs => "tradeoffs",
            CardSection::EthicalConsiderations => "ethicalConsiderations",
            CardSection::Fairness => "fairness",
            CardSection::EnvironmentalConsiderations => "environmentalConsiderations",
            CardSection::Caveats => "caveats",
            CardSection::License => "license",
            CardSection::BaseModels => "baseModels",
            CardSection::Languages => "languages",
            CardSection::Library => "library",
            CardSection::Pipeline => "pipeline",
            CardSection::Tags => "tags",
            CardSection::Parameters => "parameters",
            CardSection::Custom => "custom",
        }
    }
}

impl std::fmt::Display for CardSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

kind_word! {
    /// The model card of a version.
    ModelCardKind = ModelCard
}

/// The model card of a version: purpose, training, evaluation, risks and limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelCard {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: ModelCardKind,
    /// The group, as in the path.
    pub group: GroupName,
    /// The version's number, as in the path.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: VersionNumber,
    /// The actor who made this revision.
    pub by: ActorId,
    /// Every actor who ever changed the card; the list only grows.
    #[schemars(length(min = 1))]
    pub authors: Vec<ActorId>,
    /// A counter that each change raises.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub revision: u64,
    /// A summary of the model (SageMaker: model_overview).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overview: Option<Overview>,
    /// The intended uses (SageMaker: intended_uses).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intended_uses: Option<String>,
    /// Uses that the model must not be put to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_scope_uses: Option<String>,
    /// The intended users (CycloneDX: considerations.users).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// The business context (SageMaker: business_details).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business: Option<Business>,
    /// The risk rating: how much harm the model can do (SageMaker: risk_rating).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// The training: objective, data, job and environment (SageMaker:
    /// training_details).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// The data that the model was trained and evaluated on (Hugging Face: datasets).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<CardDataset>,
    /// Evaluation results (SageMaker: evaluation_details; Hugging Face: model-index).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<CardEvaluation>,
    /// Technical limitations (CycloneDX: technicalLimitations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limitations: Option<String>,
    /// Performance tradeoffs, such as accuracy given up for speed (CycloneDX:
    /// performanceTradeoffs).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tradeoffs: Option<String>,
    /// Ethical risks and their mitigation (SageMaker: ethical_considerations).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ethical_considerations: Vec<EthicalConsideration>,
    /// Groups that the model might harm (CycloneDX: fairnessAssessments).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fairness: Vec<FairnessAssessment>,
    /// Environmental cost (CycloneDX: environmentalConsiderations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environmental_considerations: Option<String>,
    /// Caveats and recommendations (SageMaker: caveats_and_recommendations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caveats: Option<String>,
    /// The licence of the model (Hugging Face: license).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<License>,
    /// Models that this one was made from (Hugging Face: base_model).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_models: Vec<CardBaseModel>,
    /// Natural languages that the model handles (Hugging Face: language).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// The library that loads the model (Hugging Face: library_name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
    /// The task, in a hub's vocabulary (Hugging Face: pipeline_tag).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// Search terms (Hugging Face: tags).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The architecture and the formats of input and output (CycloneDX:
    /// modelParameters).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Parameters>,
    /// Custom sections, by name (SageMaker: custom_details).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<Key, String>,
    /// The author's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Document for ModelCard {
    fn by(&self) -> Option<&ActorId> {
        Some(&self.by)
    }

    fn revision(&self) -> Option<u64> {
        Some(self.revision)
    }
}

/// A summary of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overview {
    /// The model's name (SageMaker: model_name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A short description (SageMaker: model_description).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The model's version, as text (SageMaker: model_version).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The kind of problem (SageMaker: problem_type).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem_type: Option<String>,
    /// The algorithm (SageMaker: algorithm_type).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// The creator (SageMaker: model_creator).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creator: Option<String>,
    /// The owner, who is responsible for the model (SageMaker: model_owner).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Factors that the model's efficiency depends on (SageMaker:
    /// factors_affecting_model_efficiency).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factors: Option<String>,
}

/// The business context of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Business {
    /// The business problem (SageMaker: business_problem).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The stakeholders (SageMaker: business_stakeholders).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stakeholders: Option<String>,
    /// The line of business (SageMaker: line_of_business).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_of_business: Option<String>,
}

/// The harm that a model can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum RiskRating {
    High,
    Medium,
    Low,
    #[default]
    Unknown,
}

/// A risk rating with its reasons.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Risk {
    /// High, Medium, Low or Unknown.
    pub rating: RiskRating,
    /// The reasons for the rating (SageMaker: explanations_for_risk_rating).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// The training of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Training {
    /// The objective, maximised or minimised (SageMaker: objective_function).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    /// Observations made during training (SageMaker: training_observations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observations: Option<String>,
    /// The training job (SageMaker: training_arn).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Address>,
    /// Container images that the training ran in (SageMaker: training_environment).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<Address>,
    /// Hyperparameters (SageMaker: hyper_parameters).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hyperparameters: BTreeMap<Key, Hyperparameter>,
    /// Training metrics (SageMaker: training_metrics).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: Metrics,
}

/// The JSON pointer to a card's hyperparameters.
pub const HYPERPARAMETERS: &str = "/training/hyperparameters";

/// A hyperparameter: text, a number or a boolean, as it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Hyperparameter {
    /// `"adam"`
    Text(String),
    /// `0.10`
    Number(WrittenNumber),
    /// `true`
    Flag(bool),
}

/// A number that keeps the spelling of its file: `0.10` equals `0.1` and is shown as
/// `0.10`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "serde_json::Number", into = "serde_json::Number")]
pub struct WrittenNumber {
    value: serde_json::Number,
    spelling: Option<Box<str>>,
}

impl WrittenNumber {
    /// Keeps the spelling of the file.
    pub fn spelled(&mut self, spelling: &str) {
        self.spelling = Some(spelling.into());
    }
}

impl From<serde_json::Number> for WrittenNumber {
    fn from(value: serde_json::Number) -> WrittenNumber {
        let spelling = None;
        WrittenNumber { value, spelling }
    }
}

impl From<WrittenNumber> for serde_json::Number {
    fn from(number: WrittenNumber) -> serde_json::Number {
        number.value
    }
}

impl PartialEq for WrittenNumber {
    fn eq(&self, other: &WrittenNumber) -> bool {
        self.value == other.value
    }
}

impl std::fmt::Display for WrittenNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.spelling {
            Some(spelling) => f.write_str(spelling),
            None => self.value.fmt(f),
        }
    }
}

impl std::fmt::Display for Hyperparameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Hyperparameter::Text(text) => f.write_str(text),
            Hyperparameter::Number(number) => number.fmt(f),
            Hyperparameter::Flag(flag) => flag.fmt(f),
        }
    }
}

impl JsonSchema for Hyperparameter {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hyperparameter".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "number", "boolean"]})
    }
}

/// A dataset that a model was trained or evaluated on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CardDataset {
    /// The dataset's name.
    #[schemars(length(min = 1, max = 1024))]
    pub name: String,
    /// The dataset's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<Address>,
    /// SHA-256 of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The dataset's licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// The dataset's revision, as text (Hugging Face: dataset.revision).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The use of the dataset: training, validation, evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// One evaluation, as the card reports it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CardEvaluation {
    /// The evaluation's name (SageMaker: name).
    #[schemars(length(min = 1, max = 1024))]
    pub name: String,
    /// The task (Hugging Face: task.type).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The dataset, by its name in `datasets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// The part of the data (Hugging Face: dataset.split).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The measured values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<CardMetric>,
    /// Observations (SageMaker: evaluation_observation).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observations: Option<String>,
    /// The full report (Hugging Face: source.url).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Address>,
}

/// One measured value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CardMetric {
    /// The metric's name (CycloneDX: type).
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// The measured value.
    pub value: f64,
    /// The part of the data that the value applies to (CycloneDX: slice).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// Lower bound of the confidence interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// Upper bound of the confidence interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
    /// A short note (SageMaker: notes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// An ethical risk and its mitigation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EthicalConsideration {
    /// The risk (CycloneDX: name).
    #[schemars(length(min = 1, max = 4096))]
    pub name: String,
    /// The mitigation (CycloneDX: mitigationStrategy).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
}

/// A group of people that the model might harm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FairnessAssessment {
    /// The group at risk (CycloneDX: groupAtRisk).
    #[schemars(length(min = 1, max = 4096))]
    pub group_at_risk: String,
    /// Benefits for the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benefits: Option<String>,
    /// Harms to the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harms: Option<String>,
    /// The mitigation (CycloneDX: mitigationStrategy).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
}

/// A licence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct License {
    /// The SPDX identifier (Hugging Face: license).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The licence's name, if it has no SPDX identifier (Hugging Face: license_name).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of the licence's text (Hugging Face: license_link).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<Address>,
}

/// A model that another was made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CardBaseModel {
    /// The model's name on a hub, or `group/n` in a registry.
    #[schemars(length(min = 1, max = 1024))]
    #[schemars(extend("modelry:uri" = true))]
    pub name: String,
    /// SHA-256 of the model's artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The relation: finetune, quantized, merge, adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
}

/// The architecture of a model and the formats of its input and output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Parameters {
    /// The learning approach: supervised, unsupervised, reinforcement-learning,
    /// semi-supervised, self-supervised (CycloneDX: approach.type).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approach: Option<String>,
    /// The architecture family (CycloneDX: architectureFamily).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture_family: Option<String>,
    /// The architecture (CycloneDX: modelArchitecture).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Input formats (CycloneDX: inputs.format).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// Output formats (CycloneDX: outputs.format).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
}

impl ModelCard {
    /// Whether the section is filled: text that is not blank, or a list or mapping that
    /// is not empty.
    pub fn filled(&self, section: CardSection) -> bool {
        fn says(value: &serde_json::Value) -> bool {
            match value {
                serde_json::Value::String(text) => !text.trim().is_empty(),
                serde_json::Value::Array(items) => items.iter().any(says),
                serde_json::Value::Object(members) => members.values().any(says),
                serde_json::Value::Null => false,
                _ => true,
            }
        }
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get(section.as_str()).is_some_and(says)
    }
}
