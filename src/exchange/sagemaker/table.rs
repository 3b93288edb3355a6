//! Pairs each member of a SageMaker model package with a member of the spec. Import,
//! export and events share this table. Source: the API's CreateModelPackage and
//! DescribeModelPackage.

use serde_json::{Map, Value, json};

use super::mapping::{Field, Shape, Table};
use crate::record::kind::{Digest, Key, pinned_image};

const fn field(theirs: &'static str, ours: &'static str, shape: Shape) -> Field {
    Field {
        theirs,
        ours,
        shape,
        beside: "",
    }
}

/// A member that has no meaning without another of Modelry's members.
const fn beside(needed: &'static str, field: Field) -> Field {
    Field {
        beside: needed,
        ..field
    }
}

const fn plain(needs: &'static str, fields: &'static [Field]) -> Table {
    Table {
        fields,
        needs,
        fold: |_| {},
        unfold: |_| {},
    }
}

/// A whole package, as far as a spec can represent it.
pub(super) static SPEC: Table = plain(
    "",
    &[
        field("InferenceSpecification", "inference", Shape::One(&INFERENCE)),
        field(
            "AdditionalInferenceSpecifications",
            "additionalInference",
            Shape::Many(&ADDITIONAL),
        ),
        field(
            "SourceAlgorithmSpecification.SourceAlgorithms",
            "sourceAlgorithms",
            Shape::Many(&ALGORITHM),
        ),
        field("ModelMetrics", "reports", Shape::One(&METRICS)),
        field("DriftCheckBaselines", "driftBaselines", Shape::One(&BASELINES)),
        field(
            "MetadataProperties.Repository",
            "source.repository",
            Shape::Text(1024),
        ),
        field("MetadataProperties.CommitId", "source.commit", Shape::Text(1024)),
        field(
            "MetadataProperties.GeneratedBy",
            "source.trainingJob",
            Shape::Text(1024),
        ),
        field(
            "MetadataProperties.ProjectId",
            "source.project",
            Shape::Text(1024),
        ),
        field("SourceUri", "source.uri", Shape::Text(2048)),
        field("Task", "task", Shape::Text(128)),
        field("Domain", "domain", Shape::Text(128)),
        field("SamplePayloadUrl", "samplePayload.uri", Shape::Text(2048)),
        field("ValidationSpecification", "validation", Shape::One(&VALIDATION)),
        field("SecurityConfig.KmsKeyId", "security.kmsKeyId", Shape::Text(2048)),
    ],
);

/// InferenceSpecification.
pub(super) static INFERENCE: Table = plain(
    "containers",
    &[
        field("Containers", "containers", Shape::Many(&CONTAINER)),
        field("SupportedContentTypes", "contentTypes", Shape::Texts(256)),
        field("SupportedResponseMIMETypes", "responseTypes", Shape::Texts(1024)),
        field(
            "SupportedTransformInstanceTypes",
            "transformInstanceTypes",
            Shape::Texts(128),
        ),
        field(
            "SupportedRealtimeInferenceInstanceTypes",
            "realtimeInstanceTypes",
            Shape::Texts(128),
        ),
    ],
);

static ADDITIONAL: Table = plain(
    "name",
    &[
        field("Name", "name", Shape::Text(63)),
        field("Description", "description", Shape::Text(4096)),
        field("Containers", "inference.containers", Shape::Many(&CONTAINER)),
        field(
            "SupportedContentTypes",
            "inference.contentTypes",
            Shape::Texts(256),
        ),
        field(
            "SupportedResponseMIMETypes",
            "inference.responseTypes",
            Shape::Texts(1024),
        ),
        field(
            "SupportedTransformInstanceTypes",
            "inference.transformInstanceTypes",
            Shape::Texts(128),
        ),
        field(
            "SupportedRealtimeInferenceInstanceTypes",
            "inference.realtimeInstanceTypes",
            Shape::Texts(128),
        ),
    ],
);

/// ModelPackageContainerDefinition.
static CONTAINER: Table = Table {
    needs: "",
    fields: &[
        field("Image", "image", Shape::Text(512)),
        field(DATA, "artifact", Shape::One(&ARTIFACT)),
        field(CHANNELS, "additionalArtifacts", Shape::Named(&ARTIFACT)),
        field("ContainerHostname", "hostname", Shape::Text(63)),
        field("Environment", "environment", Shape::Pairs),
        field("Framework", "framework", Shape::Text(128)),
        field("FrameworkVersion", "frameworkVersion", Shape::Text(128)),
        field("NearestModelName", "nearestModelName", Shape::Text(256)),
        field(
            "ModelInput.DataInputConfig",
            "dataInputConfig",
            Shape::Text(16384),
        ),
        field("ProductId", "productId", Shape::Text(256)),
        field("IsCheckpoint", "checkpoint", Shape::Yes),
        field("BaseModel", "baseModel", Shape::One(&BASE_MODEL)),
    ],
    fold: |container| {
        fold_image(container);
        fold_data(container);
        fold_channels(container);
    },
    unfold: |container| {
        unfold_image(container);
        unfold_data(container);
        unfold_channels(container);
    },
};

static BASE_MODEL: Table = plain(
    "name",
    &[
        field("HubContentName", "name", Shape::Text(256)),
        field("HubContentVersion", "version", Shape::Text(128)),
        field("RecipeName", "recipe", Shape::Text(256)),
    ],
);

/// Replaces ModelDataUrl and ModelDataSource during a conversion.
const DATA: &str = "(data)";
/// Replaces AdditionalModelDataSources during a conversion.
const CHANNELS: &str = "(channels)";

const KINDS: &[(&str, &str)] = &[("S3Object", "file"), ("S3Prefix", "folder")];
const COMPRESSIONS: &[(&str, &str)] = &[("None", "none"), ("Gzip", "gzip")];

/// S3ModelDataSource.
static ARTIFACT: Table = plain(
    "uri",
    &[
        field("S3Uri", "uri", Shape::Text(2048)),
        field("S3DataType", "type", Shape::Words(KINDS)),
        field("CompressionType", "compression", Shape::Words(COMPRESSIONS)),
        field("ETag", "etag", Shape::Text(256)),
    ],
);

static ALGORITHM: Table = Table {
    needs: "name",
    fields: &[
        field("AlgorithmName", "name", Shape::Text(256)),
        field(DATA, "artifact", Shape::One(&ARTIFACT)),
    ],
    fold: fold_data,
    unfold: unfold_data,
};

/// ModelMetrics.
static METRICS: Table = plain(
    "",
    &[
        field("ModelQuality", "quality", Shape::One(&QUALITY)),
        field("ModelDataQuality", "dataQuality", Shape::One(&QUALITY)),
        field("Bias.Report", "bias.report", Shape::One(&REPORT)),
        field("Bias.PreTrainingReport", "bias.preTraining", Shape::One(&REPORT)),
        field(
            "Bias.PostTrainingReport",
            "bias.postTraining",
            Shape::One(&REPORT),
        ),
        field("Explainability.Report", "explainability", Shape::One(&REPORT)),
    ],
);

static QUALITY: Table = plain(
    "",
    &[
        field("Statistics", "statistics", Shape::One(&REPORT)),
        field("Constraints", "constraints", Shape::One(&REPORT)),
    ],
);

/// MetricsSource, FileSource.
static REPORT: Table = plain(
    "uri",
    &[
        field("S3Uri", "uri", Shape::Text(2048)),
        field("ContentType", "contentType", Shape::Text(256)),
        field("ContentDigest", "digest", Shape::Digest),
    ],
);

static BASELINES: Table = plain(
    "",
    &[
        field("ModelQuality", "quality", Shape::One(&QUALITY)),
        field("ModelDataQuality", "dataQuality", Shape::One(&QUALITY)),
        field("Bias.ConfigFile", "bias.config", Shape::One(&REPORT)),
        field(
            "Bias.PreTrainingConstraints",
            "bias.preTrainingConstraints",
            Shape::One(&REPORT),
        ),
        field(
            "Bias.PostTrainingConstraints",
            "bias.postTrainingConstraints",
            Shape::One(&REPORT),
        ),
        field(
            "Explainability.ConfigFile",
            "explainability.config",
            Shape::One(&REPORT),
        ),
        field(
            "Explainability.Constraints",
            "explainability.constraints",
            Shape::One(&REPORT),
        ),
    ],
);

static VALIDATION: Table = plain(
    "",
    &[
        field("ValidationRole", "role", Shape::Text(2048)),
        field("ValidationProfiles.0.ProfileName", "profile", Shape::Text(256)),
        field(
            "ValidationProfiles.0.TransformJobDefinition.TransformInput.DataSource.S3DataSource.S3Uri",
            "input.uri",
            Shape::Text(2048),
        ),
        beside(
            "input.uri",
            field(
                "ValidationProfiles.0.TransformJobDefinition.TransformInput.ContentType",
                "input.contentType",
                Shape::Text(256),
            ),
        ),
        field(
            "ValidationProfiles.0.TransformJobDefinition.TransformOutput.S3OutputPath",
            "output",
            Shape::Text(2048),
        ),
        field(
            "ValidationProfiles.0.TransformJobDefinition.TransformResources.InstanceType",
            "instanceType",
            Shape::Text(128),
        ),
        field(
            "ValidationProfiles.0.TransformJobDefinition.TransformResources.InstanceCount",
            "instanceCount",
            Shape::Whole,
        ),
    ],
);

/// Parses a digest in any case, and writes it in lower case.
fn digest(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    text.parse::<Digest>().ok().map(|_| text)
}

/// Name and digest of a pinned image.
pub(super) fn pinned(image: &str) -> Option<(&str, String)> {
    let (name, end) = pinned_image(image)?;
    Some((name, digest(end)?))
}

/// Whether an image's name, without digest, ends in a tag.
pub(super) fn has_tag(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.contains(':'))
}

/// Joins Image and ImageDigest to one pinned image.
fn fold_image(container: &mut Map<String, Value>) {
    let text = |key: &str| container.get(key).and_then(Value::as_str);
    let (Some(image), Some(given)) = (text("Image"), text("ImageDigest").and_then(digest)) else {
        return;
    };
    let whole = match pinned(image) {
        None if !image.contains('@') => format!("{image}@{given}"),
        Some((_, there)) if there == given => image.to_owned(),
        _ => return,
    };
    container.insert("Image".into(), json!(whole));
    container.remove("ImageDigest");
}

/// Writes the digest next to the image. The image itself also stays pinned if that
/// loses no tag, because the image is what runs.
fn unfold_image(container: &mut Map<String, Value>) {
    let image = container.get("Image").and_then(Value::as_str);
    let Some((name, digest)) = image.and_then(pinned) else {
        return;
    };
    if has_tag(name) {
        let name = json!(name);
        container.insert("Image".into(), name);
    }
    container.insert("ImageDigest".into(), json!(digest));
}

/// Whether a source has only known members and values.
fn is_known(source: &Map<String, Value>) -> bool {
    let word = |key: &str, words: &[(&str, &str)]| {
        let word = source.get(key).and_then(Value::as_str);
        word.is_some_and(|word| words.iter().any(|(theirs, _)| *theirs == word))
    };
    source.get("S3Uri").is_some_and(Value::is_string)
        && word("S3DataType", KINDS)
        && word("CompressionType", COMPRESSIONS)
}

const SOURCE: [&str; 4] = ["S3Uri", "S3DataType", "CompressionType", "ETag"];

/// Reads ModelDataSource, or else ModelDataUrl and ModelDataETag.
fn fold_data(container: &mut Map<String, Value>) {
    let source = container
        .get_mut("ModelDataSource")
        .and_then(|source| source.get_mut("S3DataSource"))
        .and_then(Value::as_object_mut)
        .filter(|source| is_known(source));
    if let Some(source) = source {
        let taken = SOURCE.iter();
        let taken: Map<String, Value> = taken
            .filter_map(|key| Some(((*key).to_owned(), source.remove(*key)?)))
            .collect();
        container.insert(DATA.into(), Value::Object(taken));
        return;
    }
    if container.get("ModelDataSource").is_some()
        || !container.get("ModelDataUrl").is_some_and(Value::is_string)
    {
        return;
    }
    let mut data = Map::new();
    for (theirs, ours) in [("ModelDataUrl", "S3Uri"), ("ModelDataETag", "ETag")] {
        data.extend(container.remove(theirs).map(|value| (ours.to_owned(), value)));
    }
    container.insert(DATA.into(), Value::Object(data));
}

/// Adds the members that SageMaker requires of a source.
fn source(mut data: Map<String, Value>) -> Value {
    data.entry("S3DataType").or_insert(json!("S3Object"));
    data.entry("CompressionType").or_insert(json!("None"));
    Value::Object(data)
}

fn unfold_data(container: &mut Map<String, Value>) {
    let Some(Value::Object(mut data)) = container.remove(DATA) else {
        return;
    };
    let is_folder = data.get("S3DataType") == Some(&json!("S3Prefix"));
    if is_folder || data.contains_key("CompressionType") {
        container.insert("ModelDataSource".into(), json!({"S3DataSource": source(data)}));
        return;
    }
    for (ours, theirs) in [("S3Uri", "ModelDataUrl"), ("ETag", "ModelDataETag")] {
        container.extend(data.remove(ours).map(|value| (theirs.to_owned(), value)));
    }
}

/// Reads AdditionalModelDataSources by channel, if all of their members are known.
fn fold_channels(container: &mut Map<String, Value>) {
    let Some(Value::Array(sources)) = container.get("AdditionalModelDataSources") else {
        return;
    };
    let mut channels = Map::new();
    for one in sources {
        let Some(members) = one.as_object().filter(|members| members.len() == 2) else {
            return;
        };
        let name = members.get("ChannelName").and_then(Value::as_str);
        let source = members.get("S3DataSource").and_then(Value::as_object);
        let (Some(name), Some(source)) = (name, source.filter(|source| is_known(source))) else {
            return;
        };
        let strange = source.keys().any(|key| !SOURCE.contains(&key.as_str()));
        if strange || name.parse::<Key>().is_err() {
            return;
        }
        if channels.insert(name.to_owned(), json!(source)).is_some() {
            return;
        }
    }
    container.remove("AdditionalModelDataSources");
    container.insert(CHANNELS.into(), Value::Object(channels));
}

fn unfold_channels(container: &mut Map<String, Value>) {
    let Some(Value::Object(channels)) = container.remove(CHANNELS) else {
        return;
    };
    let sources = channels.into_iter().map(|(name, data)| {
        let data = data.as_object().cloned().unwrap_or_default();
        json!({"ChannelName": name, "S3DataSource": source(data)})
    });
    let sources: Vec<Value> = sources.collect();
    container.insert("AdditionalModelDataSources".into(), json!(sources));
}

/// The content of a model card, paired with the sections and members of a card.
pub(super) static CARD: Table = Table {
    needs: "",
    fields: &[
        field("model_overview.model_name", "overview.name", Shape::Text(16384)),
        field(
            "model_overview.model_description",
            "overview.description",
            Shape::Text(16384),
        ),
        field(
            "model_overview.problem_type",
            "overview.problemType",
            Shape::Text(16384),
        ),
        field(
            "model_overview.algorithm_type",
            "overview.algorithm",
            Shape::Text(16384),
        ),
        field(
            "model_overview.model_creator",
            "overview.creator",
            Shape::Text(16384),
        ),
        field("model_overview.model_owner", "overview.owner", Shape::Text(16384)),
        field(
            "intended_uses.factors_affecting_model_efficiency",
            "overview.factors",
            Shape::Text(16384),
        ),
        field("intended_uses.intended_uses", "intendedUses", Shape::Text(16384)),
        field("intended_uses.risk_rating", "risk.rating", Shape::Words(RATINGS)),
        beside(
            "risk.rating",
            field(
                "intended_uses.explanations_for_risk_rating",
                "risk.explanation",
                Shape::Text(16384),
            ),
        ),
        field(
            "business_details.business_problem",
            "business.problem",
            Shape::Text(16384),
        ),
        field(
            "business_details.business_stakeholders",
            "business.stakeholders",
            Shape::Text(16384),
        ),
        field(
            "business_details.line_of_business",
            "business.lineOfBusiness",
            Shape::Text(16384),
        ),
        field(
            "training_details.objective_function.notes",
            "training.objective",
            Shape::Text(16384),
        ),
        field(
            "training_details.training_observations",
            "training.observations",
            Shape::Text(16384),
        ),
        field(
            "training_details.training_job_details.training_arn",
            "training.job",
            Shape::Text(16384),
        ),
        field(
            "training_details.training_job_details.training_environment.container_image",
            "training.environment",
            Shape::Texts(16384),
        ),
        field(
            "training_details.training_job_details.user_provided_training_metrics",
            "training.metrics",
            Shape::NamedNumbers,
        ),
        field(
            "training_details.training_job_details.user_provided_hyper_parameters",
            "training.hyperparameters",
            Shape::NamedTexts,
        ),
        field(
            "additional_information.caveats_and_recommendations",
            "caveats",
            Shape::Text(16384),
        ),
        field("additional_information.custom_details", "custom", Shape::Keyed),
    ],
    // The reasons of a rating need a rating.
    fold: |card| {
        if let Some(Value::Object(uses)) = card.get_mut("intended_uses")
            && uses.contains_key("explanations_for_risk_rating")
        {
            uses.entry("risk_rating").or_insert(json!("Unknown"));
        }
    },
    unfold: |_| {},
};

const RATINGS: &[(&str, &str)] = &[
    ("High", "High"),
    ("Medium", "Medium"),
    ("Low", "Low"),
    ("Unknown", "Unknown"),
];
