//! SageMaker's Model Registry: groups and versions from what the AWS CLI
//! prints, and the JSON that it takes to make them.
//!
//! What has no member of ours is kept as an annotation `sagemaker/…`, by its
//! path there, and goes back to it on the way out.

mod card;
mod documents;
mod homes;
mod limits;
mod mapping;
mod read;
mod table;
mod write;

use serde_json::{Map, Value};

pub use read::read;
pub use write::{Export, Exported, export};

use crate::record::kind::ModelSpec;

/// What begins the annotations that keep what has no place in ours.
pub const KEPT: &str = "sagemaker/";

/// Members that only the service sets.
const SERVED: [&str; 8] = [
    "ModelPackageArn",
    "ModelPackageName",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CreationTime",
    "CreatedBy",
    "LastModifiedTime",
    "LastModifiedBy",
];

/// The member of UpdateModelPackage that CreateModelPackage has not: why a
/// version was approved or rejected.
const DESCRIBED: &str = "ApprovalDescription";

/// What a version is, in words.
const DESCRIPTION: &str = "ModelPackageDescription";

/// What a group is for, in words.
const GROUP_DESCRIPTION: &str = "ModelPackageGroupDescription";

/// Members of CreateModelPackage that no member of ours stands for, or that ours
/// could not hold: they go back to where they came from.
const CARRIED: [&str; 7] = [
    DESCRIPTION,
    "ModelPackageRegistrationType",
    "ModelLifeCycle",
    "ManagedStorageType",
    "SkipModelValidation",
    "CertifyForMarketplace",
    "ClientToken",
];

fn members(value: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// The members of a model package that a spec stands for, as SageMaker spells
/// them: `InferenceSpecification`, `ModelMetrics`, `MetadataProperties` and
/// the rest. What has no place there is left out.
pub fn to_sagemaker(spec: &ModelSpec) -> Value {
    let mut left = mapping::Left::default();
    Value::Object(mapping::write(&table::SPEC, &members(spec), &[], &mut left))
}

/// `InferenceSpecification` of a spec; null when it has none.
pub fn to_sagemaker_inference(spec: &ModelSpec) -> Value {
    let mut whole = to_sagemaker(spec);
    whole
        .get_mut("InferenceSpecification")
        .map_or(Value::Null, Value::take)
}
