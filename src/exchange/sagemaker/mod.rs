//! SageMaker's Model Registry: reads groups and versions from the output of the AWS
//! CLI, and writes the JSON that creates them there.
//!
//! A member without a counterpart in Modelry is kept as an annotation `sagemaker/…`, by
//! its path there. An export restores it.

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

/// The prefix of annotations that keep members without a counterpart.
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

/// The member that UpdateModelPackage has and CreateModelPackage lacks: the reason for
/// an approval or rejection.
const DESCRIBED: &str = "ApprovalDescription";

/// The description of a version.
const DESCRIPTION: &str = "ModelPackageDescription";

/// The description of a group.
const GROUP_DESCRIPTION: &str = "ModelPackageGroupDescription";

/// Members of CreateModelPackage that have no counterpart, or whose counterpart can't
/// hold them. An export restores them.
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

/// Writes the members of a model package that a spec corresponds to, in SageMaker's
/// spelling: `InferenceSpecification`, `ModelMetrics`, `MetadataProperties` and the
/// rest. Members without a counterpart are left out.
pub fn to_sagemaker(spec: &ModelSpec) -> Value {
    let mut left = mapping::Left::default();
    Value::Object(mapping::write(&table::SPEC, &members(spec), &[], &mut left))
}
