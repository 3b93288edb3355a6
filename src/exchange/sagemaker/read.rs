//! Converts SageMaker's descriptions to groups and versions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::documents::{self, Described};
use super::mapping::{self, Left, is_nothing, is_seen};
use super::{DESCRIPTION, GROUP_DESCRIPTION, KEPT, card, homes, table};
use crate::act::{ImportedGroup, ImportedVersion};
use crate::base::Error;
use crate::exchange::exact_numbers;
use crate::record::kind::{GroupName, Key, Labels, Status, VersionNumber};
use crate::record::yaml::is_hidden;

/// Reads the registry of the documents, and its groups. A file is given as name and
/// content. `renames` gives a group another name, by its SageMaker name or ARN.
///
/// # Errors
/// A file is not a SageMaker document, a version is listed but not described, or two
/// descriptions conflict: groups of two accounts or regions with one name, or two
/// different descriptions of one version.
pub fn read(
    files: &[(String, Vec<u8>)],
    renames: &BTreeMap<String, GroupName>,
) -> Result<(String, Vec<ImportedGroup>), Error> {
    let mut described = documents::read(files)?;
    described.complete()?;
    if described.groups.is_empty() && described.packages.is_empty() {
        return Err(Error::msg("neither a group nor a version is described").hint(
            "aws sagemaker describe-model-package-group --model-package-group-name NAME > group.json",
        ));
    }
    let from = registry(&described);
    let homes = homes::of(&described, renames)?;
    let mut groups: Vec<ImportedGroup> = homes.iter().map(homes::Home::empty).collect();
    let mut once = homes::Once::default();
    // The group of each group description, since tags follow it.
    let mut told: Vec<usize> = Vec::new();
    for document in &described.groups {
        let place = homes::place(&homes, &document.members)?;
        told.push(place);
        let what = homes[place].words();
        if once.is_new(homes[place].arn(), &what, document)? {
            describe(&mut groups[place], &document.members);
        }
    }
    let mut versions: Vec<(usize, VersionNumber)> = Vec::new();
    for document in &described.packages {
        let place = homes::place(&homes, &document.members)?;
        let version = version(&groups[place].name, &document.members)?;
        versions.push((place, version.number));
        let home = &homes[place];
        let what = format!("version {} of {}", version.number, home.words());
        // A repeated description of a version counts once.
        if once.is_new(format!("{}/{}", home.arn(), version.number), &what, document)? {
            groups[place].versions.push(version);
        }
    }
    for (place, group) in groups.iter_mut().enumerate() {
        if !told.contains(&place) {
            group
                .notes
                .push("the group itself was not described: its description and tags are not known".into());
        }
    }
    for (after, tags) in std::mem::take(&mut described.tags) {
        let place = after.map(|index| told[index]);
        let place = place.or((groups.len() == 1).then_some(0)).ok_or_else(|| {
            Error::msg("tags don't say whose they are, and there are several groups")
                .hint("put what `list-tags` prints behind its group, in the same file: `>> group.json`")
        })?;
        tagged(&mut groups[place], &tags);
    }
    for (after, described) in std::mem::take(&mut described.cards) {
        let content = card::content(described.get("Content"))?;
        let names: Vec<&str> = homes.iter().map(|home| home.name.as_str()).collect();
        let home = card::home(&content, &groups, &names)
            .or_else(|| after.map(|index| versions[index]))
            .or_else(|| (versions.len() == 1).then(|| versions[0]));
        let Some((place, number)) = home else {
            let name = described.get("ModelCardName").and_then(Value::as_str);
            return Err(Error::msg(format!(
                "card `{}` names no version that is described",
                name.unwrap_or_default()
            ))
            .hint("put what `describe-model-card` prints behind its version, in the same file"));
        };
        let versions = groups[place].versions.iter_mut();
        for version in versions.filter(|version| version.number == number) {
            card::attach(version, content.clone());
            for (key, value) in described.iter().filter(|(key, _)| *key != "Content") {
                keep(version, &["ModelCard".to_owned(), key.clone()], value);
            }
        }
    }
    for group in &mut groups {
        group.notes.extend(kept_words(&group.annotations));
        for version in &mut group.versions {
            version.notes.extend(kept_words(&version.annotations));
        }
    }
    Ok((from, groups))
}

/// Describes the kept members, by path.
fn kept_words(annotations: &Labels) -> Option<String> {
    let keys = annotations.keys();
    let kept: Vec<&str> = keys.filter_map(|key| key.as_str().strip_prefix(KEPT)).collect();
    (!kept.is_empty()).then(|| format!("kept as annotations `{KEPT}…`: {}", kept.join(", ")))
}

/// The account and region, from the ARNs.
fn registry(described: &Described) -> String {
    let arns = described
        .packages
        .iter()
        .filter_map(|package| package.members.get("ModelPackageArn"))
        .chain(
            described
                .groups
                .iter()
                .filter_map(|group| group.members.get("ModelPackageGroupArn")),
        );
    let place = |arn: &Value| {
        let parts: Vec<&str> = arn.as_str()?.split(':').collect();
        Some(format!("sagemaker:{}:{}", parts.get(3)?, parts.get(4)?))
    };
    let mut places: Vec<String> = arns.filter_map(place).filter(|it| is_seen(it)).collect();
    places.sort();
    places.dedup();
    match &places[..] {
        [one] => one.clone(),
        _ => "sagemaker".to_owned(),
    }
}

/// Adds the members of the group itself.
fn describe(group: &mut ImportedGroup, members: &Map<String, Value>) {
    for (key, value) in members {
        match key.as_str() {
            "ModelPackageGroupName" => {}
            GROUP_DESCRIPTION if text(value).is_none_or(|text| is_seen(&text)) => {
                group.description = text(value);
            }
            "Tags" => {
                if let Value::Array(tags) = value {
                    tagged(group, tags);
                }
            }
            _ => {
                if let Some(note) = kept(&mut group.annotations, std::slice::from_ref(key), value) {
                    group.notes.push(note);
                }
            }
        }
    }
}

/// Adds tags as labels. A tag with an invalid key is kept.
fn tagged(group: &mut ImportedGroup, tags: &[Value]) {
    let mut strange = Vec::new();
    for tag in tags {
        let pair = tag.as_object().filter(|tag| tag.len() == 2);
        let key = pair.and_then(|tag| tag.get("Key")?.as_str()?.parse::<Key>().ok());
        let value = pair.and_then(|tag| tag.get("Value")?.as_str());
        match (key, value) {
            (Some(key), Some(value)) if is_seen(value) => {
                group.labels.insert(key, value.to_owned());
            }
            _ => strange.push(tag.clone()),
        }
    }
    if !strange.is_empty() {
        let note = kept(&mut group.annotations, &["Tags".to_owned()], &json!(strange));
        group.notes.extend(note);
    }
}

/// Returns the text, unless it is empty.
fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Formats a moment of the CLI or boto3 as RFC 3339, if it can be parsed.
fn moment(value: &Value) -> Option<String> {
    if let Some(seconds) = value.as_f64() {
        #[allow(clippy::cast_possible_truncation, reason = "milliseconds of our time fit")]
        let milliseconds = (seconds * 1000.0).round() as i64;
        let moment = jiff::Timestamp::from_millisecond(milliseconds).ok()?;
        return Some(moment.to_string());
    }
    let given = text(value)?;
    let read = given.replacen(' ', "T", 1).parse::<jiff::Timestamp>();
    Some(read.map_or(given, |moment| moment.to_string()))
}

/// The most specific name of a user.
fn user(value: &Value) -> Option<String> {
    let pointers = ["/IamIdentity/Arn", "/UserProfileArn", "/UserProfileName"];
    let found = pointers.iter().find_map(|pointer| value.pointer(pointer));
    found.and_then(text)
}

/// Keeps a value as an annotation, by its path. Returns a note if it does not fit.
pub(super) fn kept(annotations: &mut Labels, path: &[String], value: &Value) -> Option<String> {
    if is_nothing(value) {
        return None;
    }
    let is_time = path.last().is_some_and(|key| key.ends_with("Time"));
    let spelled = match moment(value).filter(|moment| is_time && is_seen(moment)) {
        Some(moment) => moment,
        None => spell(value),
    };
    match format!("{KEPT}{}", path.join("/")).parse::<Key>() {
        Ok(key) => {
            annotations.insert(key, spelled);
            None
        }
        Err(_) => Some(format!(
            "has no place, and is left out: {} = {spelled}",
            path.join(".")
        )),
    }
}

/// Writes a value as the text of an annotation. Text stays as it is, unless it has
/// invisible characters; that text and all other values are written as JSON, which
/// escapes them.
pub(super) fn spell(value: &Value) -> String {
    match value {
        Value::String(text) if is_seen(text) && serde_json::from_str::<Value>(text).is_err() => text.clone(),
        value => {
            let mut spelled = String::new();
            for c in value.to_string().chars() {
                match is_hidden(c) {
                    false => spelled.push(c),
                    true => c
                        .encode_utf16(&mut [0; 2])
                        .iter()
                        .for_each(|unit| spelled.push_str(&format!("\\u{unit:04x}"))),
                }
            }
            spelled
        }
    }
}

/// Parses the value that an annotation contains.
pub(super) fn unspell(text: &str) -> Value {
    serde_json::from_str(&exact_numbers(text)).unwrap_or_else(|_| json!(text))
}

/// Keeps a value of a version.
pub(super) fn keep(version: &mut ImportedVersion, path: &[String], value: &Value) {
    if let Some(note) = kept(&mut version.annotations, path, value) {
        version.notes.push(note);
    }
}

/// Members that name what the model loads and runs.
const LOADED: [&str; 3] = [
    "InferenceSpecification",
    "AdditionalInferenceSpecifications",
    "SourceAlgorithmSpecification",
];

/// Whether a member without a counterpart names something to load or run: by its own
/// name, or by the name of a member inside.
fn is_loaded(path: &[String], value: &Value) -> bool {
    const NAMES: [&str; 7] = [
        "Image",
        "ModelDataUrl",
        "S3Uri",
        "ManifestS3Uri",
        "HubContentArn",
        "HubContentName",
        "Environment",
    ];
    fn within(value: &Value) -> bool {
        match value {
            Value::Object(members) => members
                .iter()
                .any(|(key, value)| NAMES.contains(&key.as_str()) || within(value)),
            Value::Array(items) => items.iter().any(within),
            _ => false,
        }
    }
    let names_it = path.iter().any(|step| NAMES.contains(&step.as_str()));
    LOADED.contains(&path[0].as_str()) && !is_nothing(value) && (names_it || within(value))
}

/// Reads labels, and keeps what can't be one.
fn read_metadata(version: &mut ImportedVersion, mut metadata: Map<String, Value>) {
    metadata.retain(|key, value| match (key.parse::<Key>(), value.as_str()) {
        (Ok(key), Some(value)) if is_seen(value) => {
            version.labels.insert(key, value.to_owned());
            false
        }
        _ => true,
    });
    let metadata = Value::Object(metadata);
    keep(version, &["CustomerMetadataProperties".to_owned()], &metadata);
}

/// Reads the spec, and keeps the members that have no place in it.
fn read_spec(version: &mut ImportedVersion, rest: &Map<String, Value>) {
    let mut left = Left::default();
    let mut spec = mapping::read(&table::SPEC, rest, &[], &mut left);
    // An approved version must not load or run anything that no approval covers.
    let untold: Vec<String> = left
        .0
        .iter()
        .filter(|(path, value)| is_loaded(path, value))
        .map(|(path, _)| format!("`{}`", path.join(".")))
        .collect();
    if !untold.is_empty() {
        for ours in [
            "inference",
            "additionalInference",
            "sourceAlgorithms",
            "artifacts",
        ] {
            spec.remove(ours);
        }
        left.0.retain(|(path, _)| !LOADED.contains(&path[0].as_str()));
        for root in LOADED {
            if let Some(value) = rest.get(root) {
                left.0.push((vec![root.to_owned()], value.clone()));
            }
        }
        version.notes.push(format!(
            "{} {} part of what it loads or runs, and {} no place here: the version arrives without any of it, and can't be approved",
            untold.join(", "),
            if untold.len() == 1 { "is" } else { "are" },
            if untold.len() == 1 { "has" } else { "have" },
        ));
    }
    version.spec = Value::Object(spec);
    for (path, value) in left.0 {
        keep(version, &path, &value);
    }
}

fn version(name: &GroupName, members: &Map<String, Value>) -> Result<ImportedVersion, Error> {
    let number = members.get("ModelPackageVersion").and_then(Value::as_u64);
    let number = number.ok_or_else(|| {
        Error::msg(format!("a package of `{name}` has no ModelPackageVersion"))
            .hint("describe it by its ARN: `aws sagemaker describe-model-package --model-package-name ARN`")
    })?;
    let said = members.get("ModelApprovalStatus").and_then(text);
    let status = match said.as_deref() {
        None | Some("PendingManualApproval") => Status::Pending,
        Some("Approved") => Status::Approved,
        Some("Rejected") => Status::Rejected,
        Some(other) => {
            return Err(Error::msg(format!(
                "{name}/{number} has the status `{other}`, which SageMaker does not know"
            )));
        }
    };
    // SageMaker does not record who decided, only who changed the version last.
    let decided = status != Status::Pending;
    let last = members.get("LastModifiedBy").and_then(user).filter(|_| decided);
    let mut version = ImportedVersion {
        number,
        spec: Value::Null,
        card: None,
        description: members
            .get(DESCRIPTION)
            .and_then(text)
            .filter(|text| is_seen(text)),
        labels: Labels::new(),
        annotations: Labels::new(),
        status,
        source_status: said,
        approver: last
            .filter(|user| is_seen(user))
            .map(|user| format!("{user} (last to change it)")),
        decided_at: members
            .get("LastModifiedTime")
            .and_then(moment)
            .filter(|at| decided && is_seen(at)),
        places: Vec::new(),
        notes: Vec::new(),
    };
    let mut rest = members.clone();
    for known in [
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelApprovalStatus",
    ] {
        rest.remove(known);
    }
    if version.description.is_some() {
        rest.remove(DESCRIPTION);
    }
    if let Some(Value::Object(mut given)) = rest.remove("ModelCard") {
        if let Some(text) = given.remove("ModelCardContent").filter(|it| !is_nothing(it)) {
            let content = card::content(Some(&text))?;
            card::attach(&mut version, content);
        }
        for (key, value) in &given {
            keep(&mut version, &["ModelCard".to_owned(), key.clone()], value);
        }
    }
    if let Some(Value::Object(metadata)) = rest.remove("CustomerMetadataProperties") {
        read_metadata(&mut version, metadata);
    }
    if rest.get("CertifyForMarketplace") == Some(&json!(false)) {
        rest.remove("CertifyForMarketplace");
    }
    read_spec(&mut version, &rest);
    if let Some(state) = members.get("ModelPackageStatus").and_then(Value::as_str)
        && state != "Completed"
    {
        version.notes.push(format!("SageMaker says that it is {state}"));
    }
    Ok(version)
}
