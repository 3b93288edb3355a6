//! A version as the JSON that makes it in SageMaker: what the AWS CLI takes
//! with `--cli-input-json`.

use serde_json::{Map, Value, json};

use super::limits::{self, Refusal};
use super::mapping::{self, Left};
use super::read::unspell;
use super::{CARRIED, KEPT, SERVED, card, members, table};
use crate::error::Error;
use crate::exchange::sagemaker_card;
use crate::model::{Labels, ModelGroup, ModelVersion, Status, VersionId};
use crate::render::Portrait;

/// What is exported.
pub struct Export<'a> {
    /// Which version.
    pub id: &'a VersionId,
    /// What was registered.
    pub version: &'a ModelVersion,
    /// Its group.
    pub group: Option<&'a ModelGroup>,
    /// The version with its card; none when it has no card.
    pub portrait: Option<Portrait<'a>>,
    /// The role that runs the model (CreateModel: ExecutionRoleArn).
    pub role: Option<&'a str>,
}

/// What came of it.
#[derive(Debug)]
pub struct Exported {
    /// The input of CreateModelPackageGroup.
    pub group: Value,
    /// The input of CreateModelPackage.
    pub package: Value,
    /// The input of CreateModel; none when nothing is to be run.
    pub model: Option<Value>,
    /// What AWS itself would refuse.
    pub refused: Vec<Refusal>,
    /// What has no place in SageMaker, and what is told otherwise there.
    pub notes: Vec<String>,
}

/// Writes a version as SageMaker takes it.
///
/// # Errors
/// When the card is longer than SageMaker takes.
pub fn export(export: Export<'_>) -> Result<Exported, Error> {
    let Export {
        id,
        version,
        group,
        portrait,
        role,
    } = export;
    let mut notes = Vec::new();
    let mut left = Left::default();
    let at = ["spec".to_owned()];
    let mut package = mapping::write(&table::SPEC, &members(&version.spec), &at, &mut left);
    package.insert("ModelPackageGroupName".into(), json!(id.group));
    if let Some(description) = &version.description {
        package.insert("ModelPackageDescription".into(), json!(description));
    }
    package.insert(
        "ModelApprovalStatus".into(),
        json!(match version.status {
            Status::Pending => "PendingManualApproval",
            Status::Approved => "Approved",
            Status::Rejected => "Rejected",
            Status::Archived => {
                notes.push("SageMaker has no status Archived: it is told as Rejected".to_owned());
                "Rejected"
            }
        }),
    );
    let has_card = portrait.is_some();
    if let Some(portrait) = portrait {
        let (bare, kept) = card::parted(portrait.card);
        let mut content = sagemaker_card::render(&Portrait {
            card: &bare,
            ..portrait
        })?;
        card::restore(&mut content, kept);
        let status = match version.status {
            Status::Pending => "PendingReview",
            Status::Approved => "Approved",
            Status::Rejected => "Draft",
            Status::Archived => "Archived",
        };
        package.insert(
            "ModelCard".into(),
            json!({"ModelCardContent": content.to_string(), "ModelCardStatus": status}),
        );
    }
    metadata(version, &mut package, &mut notes);
    let is_approved = version.status == Status::Approved;
    restore(&version.annotations, is_approved, &mut package, &mut notes);
    for (path, _) in left.0 {
        // The card tells them.
        let told = has_card && path.starts_with(&["spec".to_owned(), "metrics".to_owned()]);
        if !told {
            notes.push(format!("{} has no place", path.join(".")));
        }
    }
    notes.push(format!(
        "the number {} has no place: SageMaker gives the group's next one",
        id.number
    ));
    let package = Value::Object(package);
    let model = model(id, &package, role, &mut notes);
    let group = group_input(id, group, &mut notes);
    let mut refused = Vec::new();
    refused.extend(limits::refusals("CreateModelPackageGroup", &group));
    refused.extend(limits::refusals("CreateModelPackage", &package));
    if let Some(model) = &model {
        refused.extend(limits::refusals("CreateModel", model));
    }
    Ok(Exported {
        group,
        package,
        model,
        refused,
        notes,
    })
}

/// Labels, and annotations of people, as CustomerMetadataProperties.
fn metadata(version: &ModelVersion, package: &mut Map<String, Value>, notes: &mut Vec<String>) {
    let mut metadata = Map::new();
    let strange = format!("{KEPT}CustomerMetadataProperties");
    for (key, value) in &version.annotations {
        let key = key.as_str();
        if key == strange {
            metadata.extend(unspell(value).as_object().cloned().unwrap_or_default());
        } else if !key.starts_with(KEPT) && !key.starts_with("imported/") {
            metadata.insert(key.to_owned(), json!(value));
        }
    }
    for (key, value) in &version.labels {
        let was = metadata.insert(key.to_string(), json!(value));
        if was.is_some_and(|was| was != json!(value)) {
            notes.push(format!(
                "annotations.{key} has no place: the label of that name stands in it"
            ));
        }
    }
    if !metadata.is_empty() {
        package.insert("CustomerMetadataProperties".into(), Value::Object(metadata));
    }
}

/// Whether a member of CreateModelPackage is one that a table writes.
fn is_written(member: &str) -> bool {
    let mut fields = table::SPEC.fields.iter();
    fields.any(|field| field.theirs.split('.').next() == Some(member))
}

/// Puts back what was kept when it came from SageMaker.
fn restore(
    annotations: &Labels,
    is_approved: bool,
    package: &mut Map<String, Value>,
    notes: &mut Vec<String>,
) {
    for (key, text) in annotations {
        let Some(path) = key.as_str().strip_prefix(KEPT) else {
            continue;
        };
        let first = path.split('/').next().unwrap_or_default();
        let mut goes = false;
        match first {
            "CustomerMetadataProperties" => continue,
            "ModelCard" if path == "ModelCard/ModelCardStatus" => {
                if let Some(card) = package.get_mut("ModelCard") {
                    card["ModelCardStatus"] = unspell(text);
                    continue;
                }
            }
            // Whoever may annotate must not say what an approved version loads or runs.
            first if is_written(first) && is_approved => {
                notes.push(format!(
                    "annotations.{key} is not covered by the approval, and is left out"
                ));
                continue;
            }
            first if CARRIED.contains(&first) || is_written(first) => {
                goes = mapping::put(package, path.split('/'), unspell(text));
            }
            _ => {}
        }
        if goes {
            continue;
        }
        notes.push(match SERVED.contains(&first) {
            true => format!("annotations.{key} has no place: only SageMaker itself sets it"),
            false => format!("annotations.{key} has no place"),
        });
    }
}

/// The input of CreateModel: what is run, pinned.
fn model(id: &VersionId, package: &Value, role: Option<&str>, notes: &mut Vec<String>) -> Option<Value> {
    const TAKEN: [&str; 6] = [
        "ContainerHostname",
        "Image",
        "ModelDataUrl",
        "ModelDataSource",
        "AdditionalModelDataSources",
        "Environment",
    ];
    let containers = package
        .pointer("/InferenceSpecification/Containers")?
        .as_array()?;
    let containers: Vec<Value> = containers
        .iter()
        .map(|container| {
            let mut out = Map::new();
            for key in TAKEN {
                out.extend(container.get(key).map(|value| (key.to_owned(), value.clone())));
            }
            let text = |key: &str| container.get(key).and_then(Value::as_str);
            if let (Some(image), Some(digest)) = (text("Image"), text("ImageDigest")) {
                // What is run is the digest; a tag beside it is refused.
                let name = table::pinned(image).map_or(image, |(name, _)| name);
                let name = match table::has_tag(name) {
                    true => name.rsplit_once(':').map_or(name, |(name, _)| name),
                    false => name,
                };
                out.insert("Image".into(), json!(format!("{name}@{digest}")));
            }
            Value::Object(out)
        })
        .collect();
    let name = format!("{}-{}", id.group, id.number);
    let mut model = Map::new();
    model.insert("ModelName".into(), json!(name));
    match &containers[..] {
        [one] => model.insert("PrimaryContainer".into(), one.clone()),
        more => model.insert("Containers".into(), json!(more)),
    };
    match role {
        Some(role) => {
            model.insert("ExecutionRoleArn".into(), json!(role));
        }
        None => notes.push("CreateModel asks for the role that runs it: give `--role ARN`".to_owned()),
    }
    Some(Value::Object(model))
}

/// The input of CreateModelPackageGroup.
fn group_input(id: &VersionId, group: Option<&ModelGroup>, notes: &mut Vec<String>) -> Value {
    let mut out = Map::new();
    out.insert("ModelPackageGroupName".into(), json!(id.group));
    let Some(group) = group else {
        return Value::Object(out);
    };
    if let Some(description) = &group.description {
        out.insert("ModelPackageGroupDescription".into(), json!(description));
    }
    let labels = group.labels.iter();
    let mut tags: Vec<Value> = labels
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    for (key, text) in &group.annotations {
        match key.as_str().strip_prefix(KEPT) {
            Some("Tags") => tags.extend(unspell(text).as_array().cloned().unwrap_or_default()),
            Some("ManagedConfiguration") => {
                out.insert("ManagedConfiguration".into(), unspell(text));
            }
            _ => notes.push(format!("annotations.{key} of the group has no place")),
        }
    }
    if !tags.is_empty() {
        out.insert("Tags".into(), json!(tags));
    }
    if !group.owners.is_empty() {
        notes.push("owners of the group have no place".to_owned());
    }
    Value::Object(out)
}
