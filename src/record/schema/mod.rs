//! JSON Schemas 2020-12 generated from the types, each compiled once. Faults are
//! described in words, by JSON pointer.

mod addresses;
pub mod editor;

use std::sync::OnceLock;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use crate::record::kind::{GroupName, Kind};
use crate::record::lifecycle;
use crate::record::yaml::{Part, pointer_step};

pub use addresses::addresses;
use addresses::unmark;

/// A part of a document that its schema does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault {
    /// The JSON pointer to the member.
    pub pointer: String,
    /// The key or the value.
    pub part: Part,
    /// The fault, in one sentence.
    pub message: String,
    /// The text to write instead.
    pub help: Option<String>,
}

struct Compiled {
    /// The published schema.
    schema: Value,
    /// The schema with the marks of addresses.
    marked: Value,
    /// The validator, compiled at the first check of a document; reading text does not
    /// need it.
    validator: OnceLock<Validator>,
}

impl Compiled {
    fn validator(&self) -> &Validator {
        self.validator.get_or_init(|| {
            let mut strict = self.schema.clone();
            mark_integers(&mut strict);
            jsonschema::draft202012::options()
                .with_keyword(WHOLE, |_, _, _| Ok(Box::new(WholeNumber)))
                .build(&strict)
                .unwrap_or_else(|error| unreachable!("the schema of a kind compiles: {error}"))
        })
    }
}

/// The compiled schemas, each generated at its first use: most commands need only a
/// few.
static COMPILED: [OnceLock<Compiled>; Kind::ALL.len()] = [const { OnceLock::new() }; Kind::ALL.len()];

fn compiled(kind: Kind) -> &'static Compiled {
    COMPILED[kind as usize].get_or_init(|| {
        let marked = generate(kind);
        let mut schema = marked.clone();
        unmark(&mut schema);
        Compiled {
            schema,
            marked,
            validator: OnceLock::new(),
        }
    })
}

/// Returns the JSON Schema of a kind.
pub fn schema(kind: Kind) -> &'static Value {
    &compiled(kind).schema
}

/// Returns the identifier of a schema of this name: a URI that no host serves.
pub fn identifier(name: &str) -> String {
    format!("urn:modelry:schema:{name}:v1")
}

/// The schema's file name: `model-version.schema.json`.
pub fn file_name(kind: Kind) -> String {
    format!("{}.schema.json", name(kind))
}

/// The kind's name in file names and identifiers: `model-version`.
fn name(kind: Kind) -> String {
    let mut name = String::new();
    for c in kind.as_str().chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

fn generate(kind: Kind) -> Value {
    let mut value = kind.generate().to_value();
    if kind == Kind::Registry {
        lifecycle::describe(&mut value);
    }
    no_nulls(&mut value);
    let mut top = Map::new();
    top.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    top.insert("$id".into(), json!(identifier(&name(kind))));
    if let Value::Object(members) = value {
        top.extend(members.into_iter().filter(|(key, _)| key != "$schema"));
    }
    Value::Object(top)
}

/// Forbids null: an absent member is left out, so the type that schemars generates for
/// `Option` is narrowed. Removes each `format` of numbers that other validators do not
/// know.
fn no_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = &types[..] {
                    let only = only.clone();
                    members.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice != &json!({"type": "null"}));
                if let [only] = &choices[..] {
                    let only = only.clone();
                    members.remove("anyOf");
                    if let Value::Object(only) = only {
                        members.extend(only);
                    }
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("enum") {
                choices.retain(|choice| !choice.is_null());
            }
            fit_types(members);
            if members.get("format").is_some_and(|format| {
                matches!(
                    format.as_str(),
                    Some("uint64" | "uint32" | "double" | "uint" | "int64")
                )
            }) {
                members.remove("format");
            }
            if members.get("default").is_some() {
                members.remove("default");
            }
            members.values_mut().for_each(no_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(no_nulls),
        _ => {}
    }
}

/// Adds bounds of the types that schemars leaves out: `range` of numbers in a map, and
/// the length that a pattern alone does not limit.
fn fit_types(members: &mut Map<String, Value>) {
    if members.get("format").is_some_and(|format| format == "uint32") {
        members.entry("maximum").or_insert(json!(u32::MAX));
    }
    if members
        .get("pattern")
        .is_some_and(|pattern| pattern == GroupName::PATTERN)
    {
        members.entry("maxLength").or_insert(json!(63));
    }
}

/// A keyword of Modelry, in the compiled schema only.
const WHOLE: &str = "modelry:whole";

fn mark_integers(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(mark_integers);
            if members.get("type").is_some_and(|kind| kind == "integer") {
                members.insert(WHOLE.into(), Value::Bool(true));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mark_integers),
        _ => {}
    }
}

/// Accepts an integer only if it is written as one. JSON Schema counts `3.0` as an
/// integer, the types do not.
struct WholeNumber;

impl<'i> jsonschema::Keyword<'i> for WholeNumber {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if jsonschema::Keyword::is_valid(self, instance) {
            Ok(())
        } else {
            Err(ValidationError::custom("not whole as written"))
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        // The keyword `type` reports values that are not integers.
        instance.as_f64().is_none_or(|number| number.fract() != 0.0) || !instance.is_f64()
    }
}

/// Lists everything in a document that its schema does not allow.
pub fn check(kind: Kind, value: &Value) -> Vec<SchemaFault> {
    let validator = compiled(kind).validator();
    if validator.is_valid(value) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for error in validator.iter_errors(value) {
        explain(kind, &error, value, &mut faults);
    }
    faults.dedup();
    faults
}

fn name_of(pointer: &str) -> String {
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    if steps.is_empty() {
        "the document".into()
    } else {
        format!("`{}`", steps.join("."))
    }
}

fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn wanted_word(kind: &str) -> &'static str {
    match kind {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a mapping",
        _ => "something else",
    }
}

fn explain(kind: Kind, error: &ValidationError<'_>, document: &Value, out: &mut Vec<SchemaFault>) {
    let pointer = error.instance_path().as_str().to_owned();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for key in unexpected {
                let help = match (nearest(key, error), free_fields(kind)) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, Some(free)) => format!("what users add goes under {free}"),
                    (None, None) => format!("`modelry schema {}` lists the fields", kind.as_str()),
                };
                out.push(SchemaFault {
                    pointer: format!("{pointer}/{}", pointer_step(key)),
                    part: Part::Key,
                    message: format!("field `{key}` is not known here"),
                    help: Some(help),
                });
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let message = match &pointer[..] {
                "" => format!("`{key}` is missing"),
                _ => format!("{} lacks `{key}`", name_of(&pointer)),
            };
            out.push(SchemaFault {
                pointer,
                part: Part::Key,
                message,
                help: Some(format!("add `{key}`")),
            });
        }
        ValidationErrorKind::PropertyNames { error: inner } => {
            let key = inner.instance().as_str().unwrap_or_default().to_owned();
            let help = match inner.kind() {
                ValidationErrorKind::Pattern { pattern } => pattern_words(pattern),
                _ => inner.to_string(),
            };
            out.push(SchemaFault {
                pointer: format!("{pointer}/{}", pointer_step(&key)),
                part: Part::Key,
                message: format!("key `{key}` is not allowed here"),
                help: Some(help),
            });
        }
        _ => {
            let (message, help) = value_words(error, document);
            out.push(SchemaFault {
                pointer,
                part: Part::Value,
                message,
                help,
            });
        }
    }
}

/// What is wrong with a value, and a remedy if there is one.
fn value_words(error: &ValidationError<'_>, document: &Value) -> (String, Option<String>) {
    let pointer = error.instance_path().as_str();
    let found = error.instance();
    let name = name_of(pointer);
    match error.kind() {
        ValidationErrorKind::Type { kind } => type_words(kind, &name, found),
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            let known: Vec<String> = options
                .map(|option| format!("`{}`", option.as_str().unwrap_or_default()))
                .collect();
            (
                format!("{name} can't be {}", shown(found)),
                Some(format!("write {}", known.join(" or "))),
            )
        }
        ValidationErrorKind::Pattern { pattern } => (
            format!("{name} can't be {}", shown(found)),
            Some(pattern_words(pattern)),
        ),
        ValidationErrorKind::Minimum { limit } => (
            format!("{name} must be at least {limit}, and is {}", shown(found)),
            None,
        ),
        ValidationErrorKind::Custom { keyword, .. } if keyword == WHOLE => (
            format!(
                "{name} must be a whole number without a point, and is {}",
                shown(found)
            ),
            found.as_f64().map(|number| format!("write `{number:.0}`")),
        ),
        ValidationErrorKind::Maximum { limit } => (
            format!("{name} must be at most {limit}, and is {}", shown(found)),
            None,
        ),
        ValidationErrorKind::MinItems { limit } => (
            format!("{name} needs at least {limit} item"),
            Some("add one, or leave it out".into()),
        ),
        ValidationErrorKind::MaxItems { limit } => (format!("{name} has more than {limit} items"), None),
        ValidationErrorKind::MinProperties { limit } => {
            (format!("{name} needs at least {limit} member"), None)
        }
        ValidationErrorKind::MaxProperties { limit } => {
            (format!("{name} has more than {limit} members"), None)
        }
        ValidationErrorKind::MinLength { .. } => (
            format!("{name} is empty"),
            Some("fill it, or leave it out".into()),
        ),
        ValidationErrorKind::MaxLength { limit } => {
            (format!("{name} has more than {limit} characters"), None)
        }
        ValidationErrorKind::AnyOf { .. }
        | ValidationErrorKind::OneOfNotValid { .. }
        | ValidationErrorKind::OneOfMultipleValid { .. } => {
            match pointer.is_empty() && document.get("kind") == Some(&json!("Review")) {
                true => (
                    "a review names `group` and `version`, or `serial`".to_owned(),
                    Some(
                        "name the version that is reviewed, or the policy's serial, and not both".to_owned(),
                    ),
                ),
                false => (
                    format!("{name} is no key"),
                    Some(
                        "write an OpenSSH public key line, `{key: …, retired: true}`, or `{openpgp: …}`"
                            .to_owned(),
                    ),
                ),
            }
        }
        _ => (format!("{name}: {error}"), None),
    }
}

/// What is wrong with a value of another type, and a remedy if there is one.
fn type_words(kind: &TypeKind, name: &str, found: &Value) -> (String, Option<String>) {
    let wanted = match kind {
        TypeKind::Single(kind) => wanted_word(&kind.to_string()).to_owned(),
        TypeKind::Multiple(kinds) => kinds
            .iter()
            .map(|kind| wanted_word(&kind.to_string()))
            .collect::<Vec<_>>()
            .join(" or "),
    };
    let is_word = matches!(found, Value::Number(_) | Value::Bool(_));
    let help = (wanted == "text" && is_word).then(|| "put it in double quotes".to_owned());
    (
        format!("{name} must be {wanted}, and is {}", type_word(found)),
        help,
    )
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 60 => {
            format!("`{}…`", text.chars().take(60).collect::<String>())
        }
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn pattern_words(pattern: &str) -> String {
    use crate::record::kind::{ActorId, CommitId, Digest, Key, Principal, RegistryId, StageName};
    let words = [
        (
            GroupName::PATTERN,
            "letters, digits and inner hyphens, at most 63",
        ),
        (
            StageName::PATTERN,
            "lower-case letters, digits, `.`, `_` and `-`, at most 63, and not `latest`",
        ),
        (
            ActorId::PATTERN,
            "lower-case letters, digits, `.`, `_` and `-`, at most 63, starting with a letter or digit",
        ),
        (Principal::PATTERN, "an actor's id, or `team:` and a team's name"),
        (Digest::PATTERN, "`sha256:` and 64 lower-case hexadecimal digits"),
        (RegistryId::PATTERN, "32 lower-case hexadecimal digits"),
        (
            CommitId::PATTERN,
            "a commit's full id, 40 or 64 lower-case hexadecimal digits",
        ),
        (
            Key::PATTERN,
            "letters, digits and `_ . / : = + @ -`, at most 128, starting with a letter or digit",
        ),
    ];
    let known = words.iter().find(|(known, _)| *known == pattern);
    format!(
        "write {}",
        known.map_or_else(
            || format!("what matches `{pattern}`"),
            |(_, words)| (*words).to_owned()
        )
    )
}

/// Names the fields of a kind that accept any text of the user, or returns `None` if
/// the kind has none.
fn free_fields(kind: Kind) -> Option<String> {
    let properties = compiled(kind).schema.get("properties")?;
    let has = ["labels", "annotations"].into_iter();
    let has: Vec<String> = has
        .filter(|name| properties.get(name).is_some())
        .map(|name| format!("`{name}`"))
        .collect();
    (!has.is_empty()).then(|| has.join(" or "))
}

/// Returns the known field nearest to an unknown one.
fn nearest(key: &str, error: &ValidationError<'_>) -> Option<String> {
    let mut known: Vec<String> = Vec::new();
    for compiled in Kind::ALL.iter().map(|kind| compiled(*kind)) {
        // The keyword's parent is the schema that refused the field.
        let path = error.schema_path().as_str();
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if let Some(Value::Object(properties)) =
            compiled.schema.pointer(parent).and_then(|s| s.get("properties"))
        {
            known.extend(properties.keys().cloned());
        }
    }
    if known.is_empty() {
        for compiled in Kind::ALL.iter().map(|kind| compiled(*kind)) {
            properties_of(&compiled.schema, &mut known);
        }
    }
    known
        .into_iter()
        .map(|name| {
            (
                strsim::jaro_winkler(&name.to_lowercase(), &key.to_lowercase()),
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn properties_of(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                out.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| properties_of(member, out));
        }
        Value::Array(items) => items.iter().for_each(|item| properties_of(item, out)),
        _ => {}
    }
}
