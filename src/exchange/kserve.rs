//! KServe: a version as an `InferenceService`.
//!
//! Source: KServe's API `serving.kserve.io/v1beta1`. A framework that has a KServe
//! runtime becomes a `model`. Any other version runs its own image.

use serde_json::{Map, Value, json};

use crate::record::kind::{ModelVersion, VersionId};

/// The name of the KServe model format for a framework, in Modelry's spelling.
fn model_format(framework: &str) -> Option<&'static str> {
    Some(
        match framework.to_lowercase().replace(['-', '_', ' '], "").as_str() {
            "sklearn" | "scikitlearn" => "sklearn",
            "xgboost" => "xgboost",
            "lightgbm" => "lightgbm",
            "tensorflow" | "tf" => "tensorflow",
            "pytorch" | "torch" => "pytorch",
            "onnx" | "onnxruntime" => "onnx",
            "paddle" | "paddlepaddle" => "paddle",
            "pmml" => "pmml",
            "mlflow" => "mlflow",
            "huggingface" | "transformers" => "huggingface",
            "triton" => "triton",
            _ => return None,
        },
    )
}

/// Builds the `InferenceService` of a version; `commit` is the commit that it was read
/// from.
///
/// # Errors
/// The reason why KServe could not serve the version.
pub fn inference_service(id: &VersionId, version: &ModelVersion, commit: &str) -> Result<Value, String> {
    let containers = version
        .spec
        .inference
        .as_ref()
        .map_or(&[][..], |inference| &inference.containers[..]);
    let [container] = containers else {
        return Err(match containers.len() {
            0 => format!("{id} has no inference container"),
            n => format!("{id} is a pipeline of {n} containers, and an InferenceService has one predictor"),
        });
    };
    let uri = container.artifact.as_ref().map(|artifact| artifact.uri.expose());
    let format = container.framework.as_deref().and_then(model_format);
    let env: Vec<Value> = container
        .environment
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let predictor = match (format, uri, &container.image) {
        (Some(format), Some(uri), image) => {
            let mut model = Map::new();
            let mut model_format = json!({"name": format});
            if let Some(version) = container.framework_version.as_deref() {
                // KServe selects runtimes by the major version.
                model_format["version"] = json!(version.split('.').next().unwrap_or(version));
            }
            model.insert("modelFormat".into(), model_format);
            model.insert("storageUri".into(), json!(uri));
            if let Some(image) = image {
                model.insert("image".into(), json!(image));
            }
            if !env.is_empty() {
                model.insert("env".into(), json!(env));
            }
            json!({"model": model})
        }
        (None, uri, Some(image)) => {
            let mut env = env;
            // KServe's storage initializer downloads the address to /mnt/models.
            if let Some(uri) = uri {
                env.insert(0, json!({"name": "STORAGE_URI", "value": uri}));
            }
            let mut own = json!({"name": "kserve-container", "image": image});
            if !env.is_empty() {
                own["env"] = json!(env);
            }
            json!({"containers": [own]})
        }
        (Some(_), None, Some(image)) => json!({"containers": [{"name": "kserve-container", "image": image}]}),
        _ => {
            return Err(format!(
                "{id} has neither an image nor a framework that KServe knows with an artifact"
            ));
        }
    };
    let mut annotations = Map::new();
    annotations.insert("modelry/version".into(), json!(id.to_string()));
    annotations.insert("modelry/commit".into(), json!(commit));
    if let Some(digest) = container
        .artifact
        .as_ref()
        .and_then(|artifact| artifact.digest.as_ref())
    {
        annotations.insert("modelry/digest".into(), json!(digest));
    }
    Ok(json!({
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            // A DNS label has no upper case, and group names are unique without it.
            "name": id.group.as_str().to_lowercase(),
            "annotations": annotations,
        },
        "spec": {"predictor": predictor},
    }))
}
