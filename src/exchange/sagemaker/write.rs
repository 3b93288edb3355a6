//! Writes a version as the JSON that creates it in SageMaker: the input of the AWS
//! CLI's `--cli-input-json`.

use serde_json::{Map, Value, json};

use super::limits::{self, Refusal};
use super::mapping::{self, Left};
use super::read::unspell;
use super::{CARRIED, DESCRIBED, DESCRIPTION, GROUP_DESCRIPTION, KEPT, SERVED, card, members, table};
use crate::base::Error;
use crate::exchange::sagemaker_card;
use crate::record::kind::{Labels, ModelGroup, ModelVersion, StageName, Status, VersionId};
use crate::report::CardView;

/// The version to export.
pub struct Export<'a> {
    /// The version's name.
    pub id: &'a VersionId,
    /// The version.
    pub version: &'a ModelVersion,
    /// The version's group.
    pub group: Option<&'a ModelGroup>,
    /// The version with its card, or `None` if it has no card.
    pub view: Option<CardView<'a>>,
    /// The role that runs the model (CreateModel: ExecutionRoleArn).
    pub role: Option<&'a str>,
    /// The stages that the version serves, the most important one first.
    pub stages: Vec<StageName>,
}

/// The result of an export.
#[derive(Debug)]
pub struct Exported {
    /// The input of CreateModelPackageGroup.
    pub group: Value,
    /// The input of CreateModelPackage.
    pub package: Value,
    /// The input of UpdateModelPackage, for members that CreateModelPackage does not
    /// accept, or `None` if there are none. Its ModelPackageArn comes from the answer
    /// of CreateModelPackage.
    pub update: Option<Value>,
    /// The input of CreateModel, or `None` if the version has nothing to run.
    pub model: Option<Value>,
    /// The members that AWS would reject.
    pub refused: Vec<Refusal>,
    /// Notes on data that SageMaker has no place for, or that is represented
    /// differently there.
    pub notes: Vec<String>,
}

/// Writes a version in SageMaker's form.
///
/// # Errors
/// The card exceeds SageMaker's limit.
pub fn export(export: Export<'_>) -> Result<Exported, Error> {
    let Export {
        id,
        version,
        group,
        view,
        role,
        stages,
    } = export;
    let mut notes = Vec::new();
    if let Some(imported) = &version.imported {
        notes.push(format!("{id} was {}", imported.words(&version.by)));
    }
    let mut left = Left::default();
    let at = ["spec".to_owned()];
    let mut package = mapping::write(&table::SPEC, &members(&version.spec), &at, &mut left);
    package.insert("ModelPackageGroupName".into(), json!(id.group));
    if let Some(description) = &version.description {
        package.insert(DESCRIPTION.into(), json!(description));
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
    let has_card = view.is_some();
    if let Some(view) = view {
        package.insert("ModelCard".into(), model_card(version, view)?);
    }
    metadata(version, &mut package, &mut notes);
    life_cycle(version, &stages, &mut package, &mut notes);
    let is_approved = version.status == Status::Approved;
    restore(&version.annotations, is_approved, &mut package, &mut notes);
    let update = update(version, &package);
    for (path, _) in left.0 {
        // The card already contains them.
        let told = has_card && path.starts_with(&["spec".to_owned(), "metrics".to_owned()]);
        if !told {
            notes.push(format!("{} has no place", path.join(".")));
        }
    }
    let containers = package
        .get("InferenceSpecification")
        .and_then(|it| it.get("Containers"));
    if containers.and_then(Value::as_array).is_none_or(Vec::is_empty) {
        notes.push("the package names no model: SageMaker loads and runs what a container names, and spec.inference.containers has none".to_owned());
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
    if let Some(update) = &update {
        refused.extend(limits::refusals("UpdateModelPackage", update));
    }
    if let Some(model) = &model {
        refused.extend(limits::refusals("CreateModel", model));
    }
    Ok(Exported {
        group,
        package,
        update,
        model,
        refused,
        notes,
    })
}

/// Writes the card in SageMaker's form.
fn model_card(version: &ModelVersion, view: CardView<'_>) -> Result<Value, Error> {
    let (bare, kept) = card::parted(view.card);
    let mut content = sagemaker_card::render(&CardView { card: &bare, ..view })?;
    card::restore(&mut content, kept);
    let status = match version.status {
        Status::Pending => "PendingReview",
        Status::Approved => "Approved",
        Status::Rejected => "Draft",
        Status::Archived => "Archived",
    };
    Ok(json!({"ModelCardContent": content.to_string(), "ModelCardStatus": status}))
}

/// Writes labels and people's annotations as CustomerMetadataProperties.
fn metadata(version: &ModelVersion, package: &mut Map<String, Value>, notes: &mut Vec<String>) {
    let mut metadata = Map::new();
    let strange = format!("{KEPT}CustomerMetadataProperties");
    for (key, value) in &version.annotations {
        let key = key.as_str();
        if key == strange {
            metadata.extend(unspell(value).as_object().cloned().unwrap_or_default());
        } else if !key.starts_with(KEPT) && !key.starts_with("imported/") {
            // A label that AWS would reject is reported as such. An annotation is only
            // noted, and stays here.
            match limits::metadata(key, value) {
                Some(limit) => notes.push(format!(
                    "annotations.{key} is left out, AWS would refuse it: {limit}"
                )),
                None => _ = metadata.insert(key.to_owned(), json!(value)),
            }
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

/// ModelLifeCycle: the stage that the version serves, in the words of the events about
/// a move.
fn life_cycle(
    version: &ModelVersion,
    stages: &[StageName],
    package: &mut Map<String, Value>,
    notes: &mut Vec<String>,
) {
    let mut told = None;
    for stage in stages {
        if told.is_some() {
            notes.push(format!(
                "stage `{stage}` has no place: ModelLifeCycle holds one stage"
            ));
        } else if limits::is_entity_name(stage.as_str()) {
            told = Some((stage.as_str(), "Approved"));
        } else {
            notes.push(format!(
                "stage `{stage}` has no place: ModelLifeCycle takes {}",
                limits::ENTITY_NAME
            ));
        }
    }
    if told.is_none() && version.status == Status::Archived {
        told = Some(("Archived", "Retired"));
    }
    if let Some((stage, status)) = told {
        let members = json!({"Stage": stage, "StageStatus": status});
        package.insert("ModelLifeCycle".into(), members);
    }
}

/// The input of UpdateModelPackage: the reason for the status.
fn update(version: &ModelVersion, package: &Map<String, Value>) -> Option<Value> {
    let kept = version.annotations.iter();
    let kept = kept.filter(|(key, _)| key.as_str().strip_prefix(KEPT) == Some(DESCRIBED));
    let words = kept.map(|(_, text)| unspell(text)).next();
    let words = words.or_else(|| Some(json!(version.imported.as_ref()?.words(&version.by))))?;
    let status = package.get("ModelApprovalStatus");
    Some(json!({"ModelApprovalStatus": status, DESCRIBED: words}))
}

/// Whether a table writes this member of CreateModelPackage.
fn is_written(member: &str) -> bool {
    let mut fields = table::SPEC.fields.iter();
    fields.any(|field| field.theirs.split('.').next() == Some(member))
}

/// Restores the members that an import kept from SageMaker.
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
            // UpdateModelPackage accepts it.
            "CustomerMetadataProperties" | DESCRIBED => continue,
            "ModelLifeCycle" if path == first && package.contains_key(first) => {
                notes.push(format!(
                    "annotations.{key} has no place: what it serves here stands in it"
                ));
                continue;
            }
            "ModelCard" if path == "ModelCard/ModelCardStatus" => {
                if let Some(card) = package.get_mut("ModelCard") {
                    card["ModelCardStatus"] = unspell(text);
                    continue;
                }
            }
            // An annotation must not change the artifacts and images of an approved
            // version.
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

/// The input of CreateModel: the containers, pinned.
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
                // The digest identifies the image. SageMaker rejects a tag next to it.
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
        out.insert(GROUP_DESCRIPTION.into(), json!(description));
    }
    let labels = group.labels.iter();
    let mut tags: Vec<Value> = labels
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    for (key, text) in &group.annotations {
        match key.as_str().strip_prefix(KEPT) {
            Some("Tags") => tags.extend(unspell(text).as_array().cloned().unwrap_or_default()),
            Some(member @ "ManagedConfiguration") => {
                out.insert(member.into(), unspell(text));
            }
            Some(GROUP_DESCRIPTION) if group.description.is_none() => {
                out.insert(GROUP_DESCRIPTION.into(), unspell(text));
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
