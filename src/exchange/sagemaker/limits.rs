//! Limits of the SageMaker API that Modelry's format does not have: lengths, patterns
//! and required members. Source: the API's service model.

use serde_json::{Map, Value};

/// A member that AWS would reject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The operation.
    pub operation: &'static str,
    /// The member, by its path.
    pub field: String,
    /// The limit that the member breaks.
    pub limit: String,
}

/// Lists the members that AWS would reject in the input of an operation.
pub(super) fn refusals(operation: &'static str, input: &Value) -> Vec<Refusal> {
    let mut out = Vec::new();
    walk(&mut Vec::new(), input, &mut |path, value| {
        for limit in broken(path, value) {
            out.push(Refusal {
                operation,
                field: path.join("."),
                limit,
            });
        }
    });
    out
}

/// Visits every value with its path.
fn walk(path: &mut Vec<String>, value: &Value, see: &mut impl FnMut(&[String], &Value)) {
    see(path, value);
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                path.push(key.clone());
                walk(path, value, see);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                path.push(place.to_string());
                walk(path, value, see);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Whether a description may contain the text: letters, marks, digits, separators and
/// symbols.
fn is_printed(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Whether the text has only letters, digits, spaces and `_ . : / = + - @`.
fn is_metadata(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c))
}

/// The pattern of a name, in words.
pub(super) const ENTITY_NAME: &str = "1 to 63 letters, digits and hyphens, without a hyphen at either end";

/// Whether the text matches `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`.
pub(super) fn is_entity_name(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(good) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether the text matches `(https|s3)://([^/]+)/?(.*)`.
fn is_place(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("s3://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains('\n'))
}

/// Whether the text matches `[0-9]\.[A-Za-z0-9.-]+`, with 3 to 10 characters.
fn is_framework_version(text: &str) -> bool {
    let mut chars = text.chars();
    (3..=10).contains(&text.chars().count())
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && chars.next() == Some('.')
        && chars.all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
}

/// Whether the text matches `[a-zA-Z_][a-zA-Z0-9_]*`.
fn is_variable(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether the text matches `[-\w]+\/.+`.
fn is_media_type(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, rest)| {
        let word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        !kind.is_empty() && kind.chars().all(word) && !rest.is_empty()
    })
}

/// Whether the text is the ARN of an IAM role.
fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(&parts[..], ["arn", aws, "iam", "", account, role]
        if aws.starts_with("aws") && account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit()) && role.starts_with("role/"))
}

fn ask(good: bool, limit: &str) -> Option<String> {
    (!good).then(|| limit.to_owned())
}

fn at_most(text: &str, longest: usize) -> Option<String> {
    let length = text.chars().count();
    (length > longest).then(|| format!("at most {longest} characters, and it has {length}"))
}

fn few(count: usize, most: usize, what: &str) -> Option<String> {
    (count > most).then(|| format!("at most {most} {what}, and there are {count}"))
}

/// Lists the missing required members of a mapping.
fn required(members: &Map<String, Value>, keys: &[&str]) -> Vec<String> {
    let lacking = keys.iter().filter(|key| !members.contains_key(**key));
    lacking.map(|key| format!("{key} is required")).collect()
}

/// Lists the limits that a value breaks, by the name of its member.
fn broken(path: &[String], value: &Value) -> Vec<String> {
    // For an item of a list, the list's name identifies its type.
    let mut steps = path.iter().rev().map(String::as_str);
    let Some(last) = steps.next() else {
        return Vec::new();
    };
    let in_list = last.parse::<usize>().is_ok();
    let key = match in_list {
        true => steps.next().unwrap_or_default(),
        false => last,
    };
    let parent = steps.next().unwrap_or_default();
    match value {
        Value::String(text) => of_text(key, parent, text),
        Value::Object(members) if in_list || !matches!(key, "Containers") => {
            of_mapping(key, parent, path, members)
        }
        Value::Array(items) => of_list(key, items).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn of_metadata(name: &str, text: &str) -> Vec<Option<String>> {
    vec![
        at_most(name, 128),
        ask(
            is_metadata(name) && is_metadata(text),
            "letters, digits, blanks and `_ . : / = + - @` alone",
        ),
        ask(!text.is_empty(), "at least one character"),
        at_most(text, 256),
    ]
}

/// The first limit that an entry of CustomerMetadataProperties breaks.
pub(super) fn metadata(name: &str, text: &str) -> Option<String> {
    of_metadata(name, text).into_iter().flatten().next()
}

#[expect(
    clippy::too_many_lines,
    reason = "a table: one arm for each field, to be compared with the service's reference"
)]
fn of_text(key: &str, parent: &str, text: &str) -> Vec<String> {
    let printed = || {
        ask(
            is_printed(text),
            "one line: no newline, and no other control character",
        )
    };
    let place = || {
        [
            at_most(text, 1024),
            ask(is_place(text), "begins with s3:// or https://"),
        ]
    };
    let checks: Vec<Option<String>> = match (parent, key) {
        ("Environment", name) => vec![
            at_most(name, 1024),
            ask(is_variable(name), "a name of letters, digits and `_`"),
            at_most(text, 1024),
        ],
        ("CustomerMetadataProperties", name) => of_metadata(name, text),
        (
            _,
            "ModelPackageDescription"
            | "ModelPackageGroupDescription"
            | "ApprovalDescription"
            | "StageDescription"
            | "Description",
        ) => {
            vec![at_most(text, 1024), printed()]
        }
        (_, "Image") => vec![
            at_most(text, 255),
            ask(!text.contains(char::is_whitespace), "no blanks"),
        ],
        (_, "ContainerHostname" | "ModelName" | "ProfileName" | "Name") => {
            vec![ask(is_entity_name(text), ENTITY_NAME)]
        }
        ("ModelLifeCycle", "Stage" | "StageStatus") => vec![ask(is_entity_name(text), ENTITY_NAME)],
        (_, "ModelDataUrl" | "SamplePayloadUrl" | "S3Uri" | "S3OutputPath") => place().into(),
        (_, "FrameworkVersion") => vec![ask(
            is_framework_version(text),
            "one digit, a dot, and more: 3 to 10 characters",
        )],
        ("MetadataProperties", _) | (_, "SourceUri") => vec![at_most(text, 1024)],
        (_, "SupportedContentTypes") => vec![at_most(text, 256)],
        (_, "SupportedResponseMIMETypes") => vec![
            at_most(text, 1024),
            ask(is_media_type(text), "a media type: kind/name"),
        ],
        (
            _,
            "SupportedTransformInstanceTypes" | "SupportedRealtimeInferenceInstanceTypes" | "InstanceType",
        ) => {
            vec![ask(
                text.starts_with("ml."),
                "one of SageMaker's machines: `ml.…`",
            )]
        }
        (_, "KmsKeyId") => vec![ask(
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || ":/_-".contains(c)),
            "letters, digits and `: / _ -` alone",
        )],
        (_, "ValidationRole" | "ExecutionRoleArn") => {
            vec![ask(
                is_role(text),
                "the ARN of a role: arn:aws:iam::ACCOUNT:role/NAME",
            )]
        }
        (_, "ModelCardContent") => vec![at_most(text, 100_000)],
        (_, "Key") if parent == "Tags" => vec![
            at_most(text, 128),
            ask(
                is_metadata(text),
                "letters, digits, blanks and `_ . : / = + - @` alone",
            ),
        ],
        (_, "Value") if parent == "Tags" => vec![
            at_most(text, 256),
            ask(
                is_metadata(text),
                "letters, digits, blanks and `_ . : / = + - @` alone",
            ),
        ],
        (_, "HubContentName") => vec![ask(is_entity_name(text), "1 to 63 letters, digits and hyphens")],
        _ => Vec::new(),
    };
    checks.into_iter().flatten().collect()
}

fn of_mapping(key: &str, parent: &str, path: &[String], members: &Map<String, Value>) -> Vec<String> {
    let in_metrics = path.first().is_some_and(|first| first == "ModelMetrics");
    let in_baselines = path.first().is_some_and(|first| first == "DriftCheckBaselines");
    match key {
        // The container of CreateModel; a version's package may lack an image.
        "PrimaryContainer" => required(members, &["Image"]),
        "Containers" if path.len() == 2 => required(members, &["Image"]),
        "Environment" => few(members.len(), 100, "variables").into_iter().collect(),
        "CustomerMetadataProperties" => few(members.len(), 50, "entries").into_iter().collect(),
        "S3DataSource" if parent != "DataSource" => {
            required(members, &["S3Uri", "S3DataType", "CompressionType"])
        }
        "S3DataSource" => required(members, &["S3Uri", "S3DataType"]),
        // A configuration file needs no content type.
        "ConfigFile" => required(members, &["S3Uri"]),
        _ if (in_metrics || in_baselines)
            && (members.contains_key("S3Uri") || members.contains_key("ContentDigest")) =>
        {
            required(members, &["ContentType", "S3Uri"])
        }
        "ValidationSpecification" => required(members, &["ValidationRole", "ValidationProfiles"]),
        "ValidationProfiles" => required(members, &["ProfileName", "TransformJobDefinition"]),
        "TransformJobDefinition" => required(
            members,
            &["TransformInput", "TransformOutput", "TransformResources"],
        ),
        "TransformResources" => required(members, &["InstanceType", "InstanceCount"]),
        "TransformInput" => required(members, &["DataSource"]),
        "InferenceSpecification" | "AdditionalInferenceSpecifications" => required(members, &["Containers"]),
        _ => Vec::new(),
    }
}

fn of_list(key: &str, items: &[Value]) -> Option<String> {
    match key {
        "Containers" => few(items.len(), 15, "containers"),
        "AdditionalModelDataSources" => few(items.len(), 5, "sources"),
        "AdditionalInferenceSpecifications" => few(items.len(), 15, "specifications"),
        "SourceAlgorithms" => few(items.len(), 1, "algorithm"),
        "Tags" => few(items.len(), 50, "tags"),
        _ => None,
    }
}
