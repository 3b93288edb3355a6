//! SageMaker's model package: members that `DescribeModelPackage` gives, made of
//! a version of ours. What has no place there is left out.

use serde_json::{Map, Value, json};

use super::put;
use crate::model::{
    Artifact, ArtifactType, BiasReports, Compression, Container, InferenceSpec, MetricReports, ModelSpec,
    ModelVersion, QualityReports, ReportRef, Source, Status,
};

/// The approval status. There is none for Archived: who may not be deployed is
/// Rejected there.
pub fn approval_status(status: Status) -> &'static str {
    match status {
        Status::Pending => "PendingManualApproval",
        Status::Approved => "Approved",
        Status::Rejected | Status::Archived => "Rejected",
    }
}

/// `InferenceSpecification`.
pub fn inference(spec: &InferenceSpec) -> Value {
    let mut all = Map::new();
    let containers: Vec<Value> = spec.containers.iter().map(container).collect();
    all.insert("Containers".into(), containers.into());
    let lists = [
        ("SupportedContentTypes", &spec.content_types),
        ("SupportedResponseMIMETypes", &spec.response_types),
        ("SupportedTransformInstanceTypes", &spec.transform_instance_types),
        (
            "SupportedRealtimeInferenceInstanceTypes",
            &spec.realtime_instance_types,
        ),
    ];
    for (key, list) in lists {
        if !list.is_empty() {
            all.insert(key.into(), json!(list));
        }
    }
    all.into()
}

fn container(container: &Container) -> Value {
    let mut all = Map::new();
    put(&mut all, "Image", container.image.as_ref());
    let digest = container.image.as_ref().and_then(|image| image.rsplit_once('@'));
    put(&mut all, "ImageDigest", digest.map(|(_, digest)| digest));
    put(&mut all, "ContainerHostname", container.hostname.as_ref());
    if let Some(artifact) = &container.artifact {
        match artifact.r#type.unwrap_or_default() {
            ArtifactType::File => {
                put(&mut all, "ModelDataUrl", Some(&artifact.uri));
                put(&mut all, "ModelDataETag", artifact.etag.as_ref());
            }
            ArtifactType::Folder => {
                all.insert(
                    "ModelDataSource".into(),
                    json!({"S3DataSource": data_source(artifact)}),
                );
            }
        }
    }
    let more = container
        .additional_artifacts
        .iter()
        .map(|(channel, artifact)| json!({"ChannelName": channel, "S3DataSource": data_source(artifact)}));
    let more: Vec<Value> = more.collect();
    put(
        &mut all,
        "AdditionalModelDataSources",
        Some(more).filter(|more| !more.is_empty()),
    );
    let environment = Some(&container.environment).filter(|environment| !environment.is_empty());
    put(&mut all, "Environment", environment);
    let input = container.data_input_config.as_ref();
    put(
        &mut all,
        "ModelInput",
        input.map(|config| json!({"DataInputConfig": config})),
    );
    put(&mut all, "Framework", container.framework.as_ref());
    put(&mut all, "FrameworkVersion", container.framework_version.as_ref());
    put(
        &mut all,
        "NearestModelName",
        container.nearest_model_name.as_ref(),
    );
    put(&mut all, "ProductId", container.product_id.as_ref());
    put(&mut all, "IsCheckpoint", container.checkpoint.then_some(true));
    if let Some(base) = &container.base_model {
        let mut model = Map::new();
        put(&mut model, "HubContentName", Some(&base.name));
        put(&mut model, "HubContentVersion", base.version.as_ref());
        put(&mut model, "RecipeName", base.recipe.as_ref());
        all.insert("BaseModel".into(), model.into());
    }
    all.into()
}

fn data_source(artifact: &Artifact) -> Value {
    let mut all = Map::new();
    put(&mut all, "S3Uri", Some(&artifact.uri));
    let kind = match artifact.r#type.unwrap_or_default() {
        ArtifactType::File => "S3Object",
        ArtifactType::Folder => "S3Prefix",
    };
    put(&mut all, "S3DataType", Some(kind));
    let compression = match artifact.compression {
        Some(Compression::Gzip) => "Gzip",
        Some(Compression::None) | None => "None",
    };
    put(&mut all, "CompressionType", Some(compression));
    put(&mut all, "ETag", artifact.etag.as_ref());
    all.into()
}

/// `ModelMetrics`; none when there is none.
pub fn metrics(reports: &MetricReports) -> Option<Value> {
    let quality = |reports: &QualityReports| {
        let mut all = Map::new();
        put(&mut all, "Statistics", reports.statistics.as_ref().map(report));
        put(&mut all, "Constraints", reports.constraints.as_ref().map(report));
        Value::from(all)
    };
    let bias = |reports: &BiasReports| {
        let mut all = Map::new();
        put(&mut all, "Report", reports.report.as_ref().map(report));
        put(
            &mut all,
            "PreTrainingReport",
            reports.pre_training.as_ref().map(report),
        );
        put(
            &mut all,
            "PostTrainingReport",
            reports.post_training.as_ref().map(report),
        );
        Value::from(all)
    };
    let mut all = Map::new();
    put(&mut all, "ModelQuality", reports.quality.as_ref().map(quality));
    put(
        &mut all,
        "ModelDataQuality",
        reports.data_quality.as_ref().map(quality),
    );
    put(&mut all, "Bias", reports.bias.as_ref().map(bias));
    let explained = reports.explainability.as_ref().map(report);
    put(
        &mut all,
        "Explainability",
        explained.map(|report| json!({"Report": report})),
    );
    (!all.is_empty()).then(|| all.into())
}

/// A `MetricsSource`.
fn report(report: &ReportRef) -> Value {
    let mut all = Map::new();
    put(&mut all, "ContentType", report.content_type.as_ref());
    put(&mut all, "ContentDigest", report.digest.as_ref());
    put(&mut all, "S3Uri", Some(&report.uri));
    all.into()
}

/// `MetadataProperties`; none when there is none.
pub fn metadata(source: &Source) -> Option<Value> {
    let mut all = Map::new();
    put(&mut all, "CommitId", source.commit.as_ref());
    put(&mut all, "Repository", source.repository.as_ref());
    put(&mut all, "GeneratedBy", source.training_job.as_ref());
    put(&mut all, "ProjectId", source.project.as_ref());
    (!all.is_empty()).then(|| all.into())
}

/// `CustomerMetadataProperties`: labels and annotations; where both have a key,
/// the label counts.
pub fn customer_metadata(version: &ModelVersion) -> Option<Value> {
    let mut all = version.annotations.clone();
    all.extend(version.labels.clone());
    (!all.is_empty()).then(|| json!(all))
}

/// Members that stand for what a version is, in the order of SageMaker's own
/// events.
pub fn described(spec: &ModelSpec) -> Map<String, Value> {
    let mut all = Map::new();
    put(
        &mut all,
        "InferenceSpecification",
        spec.inference.as_ref().map(inference),
    );
    let source = spec.source.as_ref();
    put(&mut all, "MetadataProperties", source.and_then(metadata));
    put(
        &mut all,
        "SourceUri",
        source.and_then(|source| source.uri.as_ref()),
    );
    put(&mut all, "ModelMetrics", spec.reports.as_ref().and_then(metrics));
    put(&mut all, "Domain", spec.domain.as_ref());
    put(&mut all, "Task", spec.task.as_ref());
    let sample = spec.sample_payload.as_ref().map(|sample| &sample.uri);
    put(&mut all, "SamplePayloadUrl", sample);
    all
}
