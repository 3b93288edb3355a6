//! `spec` of a ModelVersion. Its members have the meaning of SageMaker's
//! CreateModelPackage, without AWS's own patterns: any URI scheme, any framework
//! version.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Digest, Key, Metrics, ReportRef, pinned_image};

/// The specification of a model, frozen at registration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelSpec {
    /// Serving: containers and media types (SageMaker: InferenceSpecification).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inference: Option<InferenceSpec>,
    /// Other ways of serving the model (SageMaker: AdditionalInferenceSpecifications).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 15))]
    pub additional_inference: Vec<AdditionalInferenceSpec>,
    /// Files or folders of the model that no container loads by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// Measured values by name, for gates and lists.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: Metrics,
    /// Quality reports (SageMaker: ModelMetrics).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports: Option<MetricReports>,
    /// Baselines for drift checks (SageMaker: DriftCheckBaselines).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_baselines: Option<DriftBaselines>,
    /// The model's origin (SageMaker: MetadataProperties, SourceUri).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Algorithms that the model was made from (SageMaker:
    /// SourceAlgorithmSpecification).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_algorithms: Vec<SourceAlgorithm>,
    /// The model's task, `CLASSIFICATION` (SageMaker: Task).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub task: Option<String>,
    /// The model's field, `MACHINE_LEARNING` (SageMaker: Domain).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub domain: Option<String>,
    /// A sample request (SageMaker: SamplePayloadUrl).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_payload: Option<ReportRef>,
    /// The validation before use (SageMaker: ValidationSpecification).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// The encryption at rest (SageMaker: SecurityConfig).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
}

/// Containers, and the media types that they accept and return.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InferenceSpec {
    /// The containers, in the order in which they run (SageMaker: Containers).
    #[schemars(length(min = 1, max = 15))]
    pub containers: Vec<Container>,
    /// Accepted media types (SageMaker: SupportedContentTypes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 256)))]
    pub content_types: Vec<String>,
    /// Returned media types (SageMaker: SupportedResponseMIMETypes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 1024)))]
    pub response_types: Vec<String>,
    /// Instance types for batch jobs (SageMaker: SupportedTransformInstanceTypes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 128)))]
    pub transform_instance_types: Vec<String>,
    /// Instance types for serving (SageMaker: SupportedRealtimeInferenceInstanceTypes).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(length(min = 1, max = 128)))]
    pub realtime_instance_types: Vec<String>,
}

/// Another way of serving the same model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdditionalInferenceSpec {
    /// The specification's name (SageMaker: Name).
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// The purpose (SageMaker: Description).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Containers, and the media types that they accept and return.
    pub inference: InferenceSpec,
}

/// One container (SageMaker: ModelPackageContainerDefinition).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// The image, pinned as `NAME@sha256:…` (SageMaker: Image, ImageDigest).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<Address>,
    /// The artifact that the container loads (SageMaker: ModelDataUrl,
    /// ModelDataSource).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
    /// Additional artifacts, by channel (SageMaker: AdditionalModelDataSources).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub additional_artifacts: BTreeMap<Key, Artifact>,
    /// The container's name in a pipeline (SageMaker: ContainerHostname).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub hostname: Option<String>,
    /// Environment variables (SageMaker: Environment).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 100))]
    pub environment: BTreeMap<String, String>,
    /// The framework, `xgboost` (SageMaker: Framework).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub framework: Option<String>,
    /// The framework's version, as text (SageMaker: FrameworkVersion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub framework_version: Option<String>,
    /// A well-known similar model (SageMaker: NearestModelName).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub nearest_model_name: Option<String>,
    /// The input's shape, for the compiler (SageMaker: ModelInput.DataInputConfig).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16384))]
    pub data_input_config: Option<String>,
    /// The product on a marketplace (SageMaker: ProductId).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub product_id: Option<String>,
    /// Whether the artifact is a checkpoint for further training (SageMaker:
    /// IsCheckpoint).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checkpoint: bool,
    /// The model that this one was tuned from (SageMaker: BaseModel).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<BaseModel>,
}

/// A model that another was tuned from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaseModel {
    /// The model's name (SageMaker: HubContentName).
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// The model's version, as text (SageMaker: HubContentVersion).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub version: Option<String>,
    /// The tuning recipe (SageMaker: RecipeName).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub recipe: Option<String>,
}

/// The form of an artifact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum ArtifactType {
    #[default]
    File,
    Folder,
}

/// The compression of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum Compression {
    None,
    Gzip,
}

/// A file or folder that a container loads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Artifact {
    /// The artifact's address, with any scheme (SageMaker: S3Uri).
    #[schemars(length(min = 1, max = 2048))]
    pub uri: Address,
    /// `file` (the default) or `folder` (SageMaker: S3DataType).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ArtifactType>,
    /// SHA-256 of the file, or of the canonical JSON of a folder's list of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Size in bytes, of all files together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    pub size: Option<u64>,
    /// `none` or `gzip` (SageMaker: CompressionType).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// The store's entity tag (SageMaker: ETag, ModelDataETag).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub etag: Option<String>,
}

/// Quality reports.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricReports {
    /// Quality of the predictions (SageMaker: ModelQuality).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityReports>,
    /// Quality of the data (SageMaker: ModelDataQuality).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_quality: Option<QualityReports>,
    /// Bias (SageMaker: Bias).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<BiasReports>,
    /// Explanations of the predictions (SageMaker: Explainability.Report).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explainability: Option<ReportRef>,
}

/// Statistics, and the constraints suggested from them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QualityReports {
    /// Measured statistics (SageMaker: Statistics).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<ReportRef>,
    /// Constraints (SageMaker: Constraints).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<ReportRef>,
}

/// Reports of bias.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BiasReports {
    /// The whole report (SageMaker: Report).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportRef>,
    /// Before training (SageMaker: PreTrainingReport).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_training: Option<ReportRef>,
    /// After training (SageMaker: PostTrainingReport).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_training: Option<ReportRef>,
}

/// Baselines for drift checks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DriftBaselines {
    /// Quality of the predictions (SageMaker: ModelQuality).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<QualityReports>,
    /// Quality of the data (SageMaker: ModelDataQuality).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_quality: Option<QualityReports>,
    /// Bias (SageMaker: Bias).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<BiasBaselines>,
    /// Explanations (SageMaker: Explainability).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explainability: Option<ExplainabilityBaselines>,
}

/// Baselines for checks of bias.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BiasBaselines {
    /// The configuration (SageMaker: ConfigFile).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ReportRef>,
    /// Before training (SageMaker: PreTrainingConstraints).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_training_constraints: Option<ReportRef>,
    /// After training (SageMaker: PostTrainingConstraints).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post_training_constraints: Option<ReportRef>,
}

/// Baselines for checks of explanations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExplainabilityBaselines {
    /// The configuration (SageMaker: ConfigFile).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ReportRef>,
    /// Constraints (SageMaker: Constraints).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<ReportRef>,
}

/// The origin of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// The repository of the code (SageMaker: Repository).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub repository: Option<Address>,
    /// The commit of the code (SageMaker: CommitId).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub commit: Option<String>,
    /// The training job (SageMaker: GeneratedBy).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub training_job: Option<Address>,
    /// The project (SageMaker: ProjectId).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub project: Option<String>,
    /// The model or package that this one was copied from (SageMaker: SourceUri).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub uri: Option<Address>,
}

/// An algorithm that a model was made from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceAlgorithm {
    /// The algorithm's name (SageMaker: AlgorithmName).
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// The algorithm's artifact (SageMaker: ModelDataUrl, ModelDataSource).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
}

/// The validation of a model before use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validation {
    /// The role that runs the validation (SageMaker: ValidationRole).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(extend("modelry:uri" = true))]
    pub role: Option<String>,
    /// The profile's name (SageMaker: ProfileName).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub profile: Option<String>,
    /// The input data (SageMaker: TransformInput).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<ReportRef>,
    /// The destination of the results (SageMaker: TransformOutput).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub output: Option<Address>,
    /// The instance type (SageMaker: TransformResources.InstanceType).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub instance_type: Option<String>,
    /// The number of instances (SageMaker: TransformResources.InstanceCount).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub instance_count: Option<u32>,
}

/// The encryption of a model at rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Security {
    /// The encryption key (SageMaker: KmsKeyId).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    #[schemars(extend("modelry:uri" = true))]
    pub kms_key_id: Option<String>,
}

impl Container {
    /// Whether the image is pinned by digest.
    fn image_is_pinned(&self) -> bool {
        self.image.as_ref().map(Address::expose).is_none_or(|image| {
            pinned_image(image).is_some_and(|(_, digest)| digest.parse::<Digest>().is_ok())
        })
    }
}

impl ModelSpec {
    /// Every container with its JSON pointer from the record's top.
    pub fn containers(&self) -> Vec<(String, &Container)> {
        let main = self.inference.iter().flat_map(|inference| &inference.containers);
        let main = main
            .enumerate()
            .map(|(i, container)| (format!("/spec/inference/containers/{i}"), container));
        let more = self
            .additional_inference
            .iter()
            .enumerate()
            .flat_map(|(j, other)| {
                let at = move |i| format!("/spec/additionalInference/{j}/inference/containers/{i}");
                other
                    .inference
                    .containers
                    .iter()
                    .enumerate()
                    .map(move |(i, container)| (at(i), container))
            });
        main.chain(more).collect()
    }

    /// Every artifact with its JSON pointer from the record's top.
    pub fn all_artifacts(&self) -> Vec<(String, &Artifact)> {
        let mut all: Vec<(String, &Artifact)> = Vec::new();
        for (at, container) in self.containers() {
            all.extend(
                container
                    .artifact
                    .iter()
                    .map(|artifact| (format!("{at}/artifact"), artifact)),
            );
            let more = container.additional_artifacts.iter();
            all.extend(more.map(|(channel, artifact)| {
                (
                    format!("{at}/additionalArtifacts/{}", channel.as_str().replace('/', "~1")),
                    artifact,
                )
            }));
        }
        all.extend(
            self.artifacts
                .iter()
                .enumerate()
                .map(|(i, artifact)| (format!("/spec/artifacts/{i}"), artifact)),
        );
        let algorithms = self.source_algorithms.iter().enumerate();
        all.extend(algorithms.filter_map(|(i, algorithm)| {
            Some((
                format!("/spec/sourceAlgorithms/{i}/artifact"),
                algorithm.artifact.as_ref()?,
            ))
        }));
        all
    }

    /// Lists JSON pointers, from the record's top, to artifacts without a digest and
    /// images without `@sha256:`.
    pub fn undigested(&self) -> Vec<String> {
        let artifacts = self.all_artifacts().into_iter();
        let artifacts = artifacts
            .filter(|(_, artifact)| artifact.digest.is_none())
            .map(|(at, _)| at);
        let images = self.containers().into_iter();
        let images = images
            .filter(|(_, container)| !container.image_is_pinned())
            .map(|(at, _)| format!("{at}/image"));
        artifacts.chain(images).collect()
    }

    /// Whether the specification names no container and no artifact.
    pub fn is_hollow(&self) -> bool {
        self.all_artifacts().is_empty()
            && self
                .containers()
                .iter()
                .all(|(_, container)| container.image.is_none())
    }
}
