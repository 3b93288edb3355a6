//! CycloneDX: a version as a machine-learning bill of materials (ML-BOM).
//!
//! Members and words are those of the CycloneDX 1.6 JSON schema
//! (<http://cyclonedx.org/schema/bom-1.6.schema.json>). The model is the subject of the
//! bill (`metadata.component`). Its components are the artifacts, the images, and the
//! data for training and evaluation. Data without a member in the schema becomes a
//! property whose name starts with `modelry:`. The same registry at the same commit
//! gives the same bytes.

mod parts;
mod terms;

use serde_json::{Map, Value, json};
use sha1::Digest as _;

use parts::Parts;
use terms::{licenses, reference};

use super::number;
use crate::record::canonical::canonical;
use crate::record::kind::{
    Address, ArtifactType, Digest, Evaluation, Form, Metrics, ModelCard, ModelVersion, ReportRef, VersionId,
};

/// The learning approaches of the schema.
const APPROACHES: [&str; 5] = [
    "supervised",
    "unsupervised",
    "reinforcement-learning",
    "semi-supervised",
    "self-supervised",
];

/// A version with its records at one commit.
pub struct Bill<'a> {
    /// The registry's id.
    pub registry: &'a str,
    /// The registry's name.
    pub registry_name: &'a str,
    /// The version's name.
    pub id: &'a VersionId,
    /// The version.
    pub version: &'a ModelVersion,
    /// The version's card, if it has one.
    pub card: Option<&'a ModelCard>,
    /// Evaluations that an approval covers.
    pub evidence: Vec<&'a Evaluation>,
    /// Evaluations added later.
    pub observations: Vec<&'a Evaluation>,
    /// The actors whose approvals count.
    pub approved_by: Vec<String>,
    /// The actors whose rejections are in force.
    pub rejected_by: Vec<String>,
    /// The stages that the version serves.
    pub stages: Vec<String>,
    /// The digest of the reviewed content.
    pub subject: String,
    /// The commit that the content was read from.
    pub commit: String,
    /// The time of that commit (RFC 3339).
    pub timestamp: Option<String>,
}

/// Renders the bill of materials.
pub fn render(bill: &Bill<'_>) -> Value {
    let model = bill.id.to_string();
    let mut parts = Parts::default();
    let mut rest = Rest::of(bill.card);
    for (at, container) in bill.version.spec.containers() {
        parts.container(&at, container);
    }
    for (at, artifact) in bill.version.spec.all_artifacts() {
        parts.artifact(&at, artifact);
    }
    let datasets = parts.datasets(bill, &mut rest);
    let component = model_component(bill, &model, datasets, &mut rest);
    let mut metadata = Map::new();
    put(&mut metadata, "timestamp", json!(bill.timestamp));
    metadata.insert(
        "tools".into(),
        json!({"components": [{"type": "application", "name": "modelry", "version": env!("CARGO_PKG_VERSION")}]}),
    );
    metadata.insert("component".into(), component);
    let mut dependencies = vec![json!({"ref": model, "dependsOn": parts.refs()})];
    dependencies.extend(parts.refs().into_iter().map(|part| json!({"ref": part})));
    let mut out = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": metadata,
        "components": parts.components,
        "dependencies": dependencies,
    });
    out["serialNumber"] = json!(serial(bill.registry, &out));
    out
}

/// Computes a UUID of version 5 (RFC 9562, 5.5). The namespace is the registry's id;
/// the name is the canonical JSON of the bill with an empty serial number. Any
/// difference in the bill changes the UUID.
fn serial(registry: &str, bill: &Value) -> String {
    let half = |at: usize| {
        registry
            .get(at..at + 2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
    };
    let namespace: Vec<u8> = (0..registry.len()).step_by(2).filter_map(half).collect();
    let mut hash = sha1::Sha1::new();
    hash.update(namespace);
    hash.update(canonical(bill));
    let mut bytes = hash.finalize();
    bytes[6] = (bytes[6] & 0x0f) | 0x50;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Inserts a value, unless it is null or empty.
fn put(members: &mut Map<String, Value>, key: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if !empty {
        members.insert(key.to_owned(), value);
    }
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": format!("modelry:{name}"), "value": value})
}

fn hashes(digest: Option<&Digest>) -> Value {
    let hex = digest.map(|digest| digest.as_str().trim_start_matches("sha256:"));
    hex.map_or(Value::Null, |hex| json!([{"alg": "SHA-256", "content": hex}]))
}

/// The members of the card that are not yet in the bill.
struct Rest(Value);

impl Rest {
    fn of(card: Option<&ModelCard>) -> Rest {
        let mut card = card.map_or(Value::Null, |card| serde_json::to_value(card).unwrap_or_default());
        if let Some(members) = card.as_object_mut() {
            for key in ["apiVersion", "kind", "group", "version", "signature"] {
                members.remove(key);
            }
        }
        Rest(card)
    }

    /// Removes and returns a member.
    fn take(&mut self, pointer: &str) -> Value {
        let Some((parent, key)) = pointer.rsplit_once('/') else {
            return Value::Null;
        };
        let parent = self.0.pointer_mut(parent).and_then(Value::as_object_mut);
        parent.and_then(|members| members.remove(key)).unwrap_or_default()
    }

    /// Removes a text and returns it as a list of one.
    fn list(&mut self, pointer: &str) -> Value {
        match self.take(pointer) {
            Value::String(text) if !text.trim().is_empty() => json!([text]),
            _ => Value::Null,
        }
    }

    /// Lists all remaining members by their paths.
    fn flatten(self) -> Vec<Value> {
        fn walk(path: &str, value: &Value, out: &mut Vec<Value>) {
            match value {
                Value::Object(members) => {
                    for (key, value) in members {
                        walk(&format!("{path}.{key}"), value, out);
                    }
                }
                Value::Array(items) => {
                    for (item, at) in items.iter().zip(1..) {
                        walk(&format!("{path}.{at}"), item, out);
                    }
                }
                Value::String(text) => out.push(property(path, text)),
                Value::Null => {}
                other => out.push(property(path, &other.to_string())),
            }
        }
        let mut out = Vec::new();
        walk("card", &self.0, &mut out);
        out
    }
}

/// Renames members to their names in the schema.
fn renamed(value: Value, names: &[(&str, &str)]) -> Value {
    let Value::Array(items) = value else {
        return Value::Null;
    };
    let one = |item: Value| {
        let mut out = Map::new();
        for (ours, theirs) in names {
            put(&mut out, theirs, item.get(ours).cloned().unwrap_or_default());
        }
        Value::Object(out)
    };
    Value::Array(items.into_iter().map(one).collect())
}

fn model_component(bill: &Bill<'_>, model: &str, datasets: Vec<Value>, rest: &mut Rest) -> Value {
    let (spec, card) = (&bill.version.spec, bill.card);
    let mut out = Map::new();
    out.insert("type".into(), json!("machine-learning-model"));
    out.insert("bom-ref".into(), json!(model));
    if let Some(creator) = rest.take("/overview/creator").as_str() {
        out.insert("authors".into(), json!([{"name": creator}]));
    }
    out.insert("group".into(), json!(bill.registry_name));
    out.insert("name".into(), json!(bill.id.group));
    out.insert("version".into(), json!(bill.id.number.to_string()));
    let told = rest.take("/overview/description");
    match (&bill.version.description, told) {
        (Some(short), told) => {
            out.insert("description".into(), json!(short));
            if let (Some(text), Some(card)) = (told.as_str(), rest.0.get_mut("overview")) {
                card["description"] = json!(text);
            }
        }
        (None, told) => put(&mut out, "description", told),
    }
    if let [(_, only)] = spec.all_artifacts()[..]
        && only.r#type != Some(ArtifactType::Folder)
    {
        put(&mut out, "hashes", hashes(only.digest.as_ref()));
    }
    if let Some(license) = card.and_then(|card| card.license.as_ref()) {
        let told = licenses(license);
        let by_id = !told.to_string().contains("\"name\"");
        put(&mut out, "licenses", told);
        // The schema has no place for a name next to an identifier.
        let name = rest.take("/license/name");
        rest.take("/license");
        if by_id && let (Some(name), Some(members)) = (name.as_str(), rest.0.as_object_mut()) {
            members.insert("license".into(), json!({"name": name}));
        }
    }
    put(&mut out, "pedigree", pedigree(bill, rest));
    put(&mut out, "externalReferences", json!(references(bill)));
    put(&mut out, "tags", rest.take("/tags"));
    let mut properties = properties(bill);
    let card = model_card(bill, datasets, rest);
    let rest = std::mem::replace(rest, Rest(Value::Null));
    properties.extend(rest.flatten());
    out.insert("modelCard".into(), card);
    out.insert("properties".into(), json!(properties));
    Value::Object(out)
}

/// The metrics, authors and notes of evidence and observations.
fn evaluations(bill: &Bill<'_>) -> Vec<Value> {
    let mut out = Vec::new();
    let mut values = |kind: &str, name: &str, metrics: &Metrics| {
        for (metric, value) in metrics {
            out.push(property(
                &format!("{kind}:{name}:{metric}"),
                &number(*value).to_string(),
            ));
        }
    };
    for evidence in &bill.evidence {
        values("evidence", evidence.name.as_str(), &evidence.metrics);
    }
    for observation in &bill.observations {
        values("observation", observation.name.as_str(), &observation.metrics);
    }
    for evidence in &bill.evidence {
        out.push(property(
            &format!("evidence:{}:by", evidence.name),
            evidence.by.as_str(),
        ));
        let notes = evidence.notes.as_deref();
        out.extend(notes.map(|notes| property(&format!("evidence:{}:notes", evidence.name), notes)));
    }
    out
}

fn properties(bill: &Bill<'_>) -> Vec<Value> {
    let version = bill.version;
    let mut out = vec![
        property("registry", bill.registry),
        property("commit", &bill.commit),
        property("status", version.status.as_str()),
        property("subject", &bill.subject),
        property("registeredBy", version.by.as_str()),
    ];
    if let Some(imported) = &version.imported {
        out.push(property("imported", &imported.words(&version.by)));
        let members = [
            ("imported.from", Some(imported.from.as_str())),
            ("imported.status", Some(imported.status.status().as_str())),
            ("imported.by", imported.by.as_deref()),
            ("imported.at", imported.at.as_deref()),
        ];
        out.extend(
            members
                .into_iter()
                .filter_map(|(name, value)| Some(property(name, value?))),
        );
    }
    out.extend(bill.approved_by.iter().map(|who| property("approvedBy", who)));
    out.extend(bill.rejected_by.iter().map(|who| property("rejectedBy", who)));
    out.extend(bill.stages.iter().map(|stage| property("stage", stage)));
    let named = |kind: &str, name: &str, value: &str| property(&format!("{kind}:{name}"), value);
    out.extend(
        version
            .labels
            .iter()
            .map(|(key, value)| named("label", key.as_str(), value)),
    );
    out.extend(
        version
            .annotations
            .iter()
            .map(|(key, value)| named("annotation", key.as_str(), value)),
    );
    let spec = &version.spec;
    out.extend(spec.domain.as_deref().map(|domain| property("domain", domain)));
    if let Some(source) = &spec.source {
        let members = [
            (
                "source.repository",
                source.repository.as_ref().map(Address::expose),
            ),
            (
                "source.trainingJob",
                source.training_job.as_ref().map(Address::expose),
            ),
            ("source.project", source.project.as_deref()),
            ("source.uri", source.uri.as_ref().map(Address::expose)),
        ];
        for (name, value) in members {
            out.extend(value.map(|value| property(name, value)));
        }
    }
    out.extend(
        spec.source_algorithms
            .iter()
            .map(|it| property("sourceAlgorithm", &it.name)),
    );
    out.extend(spec.metrics.iter().map(|(metric, value)| {
        let value = number(*value).to_string();
        property(&format!("metric:{metric}"), &value)
    }));
    out.extend(evaluations(bill));
    out
}

/// The origin of the model: commits of its code, and other models.
fn pedigree(bill: &Bill<'_>, rest: &mut Rest) -> Value {
    rest.take("/baseModels");
    let mut out = Map::new();
    let mut ancestors = Vec::new();
    for base in bill.card.iter().flat_map(|card| &card.base_models) {
        let mut model = Map::new();
        model.insert("type".into(), json!("machine-learning-model"));
        model.insert("name".into(), json!(base.name));
        put(&mut model, "hashes", hashes(base.digest.as_ref()));
        let relation = base
            .relation
            .as_deref()
            .map(|relation| property("relation", relation));
        put(&mut model, "properties", json!(Vec::from_iter(relation)));
        ancestors.push(Value::Object(model));
    }
    for (_, container) in bill.version.spec.containers() {
        if let Some(base) = &container.base_model {
            let mut model = Map::new();
            model.insert("type".into(), json!("machine-learning-model"));
            model.insert("name".into(), json!(base.name));
            put(&mut model, "version", json!(base.version));
            let recipe = base.recipe.as_deref().map(|recipe| property("recipe", recipe));
            put(&mut model, "properties", json!(Vec::from_iter(recipe)));
            ancestors.push(Value::Object(model));
        }
    }
    put(&mut out, "ancestors", json!(ancestors));
    let commit = bill
        .version
        .spec
        .source
        .as_ref()
        .and_then(|source| source.commit.as_deref());
    put(
        &mut out,
        "commits",
        json!(Vec::from_iter(commit.map(|commit| json!({"uid": commit})))),
    );
    Value::Object(out)
}

/// External references with more information.
fn references(bill: &Bill<'_>) -> Vec<Value> {
    let spec = &bill.version.spec;
    let mut out = Vec::new();
    if let Some(source) = &spec.source {
        out.extend(
            source
                .repository
                .as_ref()
                .and_then(|uri| reference("vcs", uri, None, None)),
        );
        out.extend(
            source
                .training_job
                .as_ref()
                .filter(|job| job.parts().form == Form::Url)
                .and_then(|uri| reference("build-system", uri, None, Some("the job that trained it"))),
        );
    }
    let mut report = |report: Option<&ReportRef>, what: &str| {
        let kind = "quality-metrics";
        out.extend(report.and_then(|it| reference(kind, &it.uri, it.digest.as_ref(), Some(what))));
    };
    if let Some(reports) = &spec.reports {
        for (quality, what) in [
            (&reports.quality, "quality"),
            (&reports.data_quality, "data quality"),
        ] {
            report(
                quality.as_ref().and_then(|it| it.statistics.as_ref()),
                &format!("{what}: statistics"),
            );
            report(
                quality.as_ref().and_then(|it| it.constraints.as_ref()),
                &format!("{what}: constraints"),
            );
        }
        if let Some(bias) = &reports.bias {
            report(bias.report.as_ref(), "bias");
            report(bias.pre_training.as_ref(), "bias before training");
            report(bias.post_training.as_ref(), "bias after training");
        }
        report(reports.explainability.as_ref(), "explainability");
    }
    for evidence in &bill.evidence {
        report(evidence.report.as_ref(), &format!("evidence {}", evidence.name));
    }
    out
}

fn metric(name: &str, value: f64) -> Map<String, Value> {
    Map::from_iter([
        ("type".to_owned(), json!(name)),
        ("value".to_owned(), json!(number(value).to_string())),
    ])
}

/// Lists every approved metric: of the version, of evidence, and of the card. The
/// schema has no properties for a metric, so the slice names the evidence. A metric
/// without a slice is the version's or the card's.
fn metrics(bill: &Bill<'_>) -> Vec<Value> {
    let mut out = Vec::new();
    for (name, value) in &bill.version.spec.metrics {
        out.push(Value::Object(metric(name.as_str(), *value)));
    }
    for evidence in &bill.evidence {
        for (name, value) in &evidence.metrics {
            let mut one = metric(name.as_str(), *value);
            one.insert("slice".into(), json!(format!("evidence {}", evidence.name)));
            out.push(Value::Object(one));
        }
    }
    for told in bill
        .card
        .iter()
        .flat_map(|card| &card.evaluations)
        .flat_map(|it| &it.metrics)
    {
        let mut one = metric(&told.name, told.value);
        put(&mut one, "slice", json!(told.slice));
        let mut interval = Map::new();
        for (end, bound) in [("lowerBound", told.lower), ("upperBound", told.upper)] {
            put(
                &mut interval,
                end,
                json!(bound.map(|bound| number(bound).to_string())),
            );
        }
        put(&mut one, "confidenceInterval", Value::Object(interval));
        out.push(Value::Object(one));
    }
    out
}

fn considerations(rest: &mut Rest) -> Map<String, Value> {
    let mut considerations = Map::new();
    put(&mut considerations, "users", rest.take("/users"));
    put(&mut considerations, "useCases", rest.list("/intendedUses"));
    put(
        &mut considerations,
        "technicalLimitations",
        rest.list("/limitations"),
    );
    put(
        &mut considerations,
        "performanceTradeoffs",
        rest.list("/tradeoffs"),
    );
    let ethics = renamed(
        rest.take("/ethicalConsiderations"),
        &[("name", "name"), ("mitigation", "mitigationStrategy")],
    );
    put(&mut considerations, "ethicalConsiderations", ethics);
    if let Some(text) = rest.take("/environmentalConsiderations").as_str() {
        let told = json!({"properties": [property("environmentalConsiderations", text)]});
        put(&mut considerations, "environmentalConsiderations", told);
    }
    let fairness = [
        ("groupAtRisk", "groupAtRisk"),
        ("benefits", "benefits"),
        ("harms", "harms"),
        ("mitigation", "mitigationStrategy"),
    ];
    let fairness = renamed(rest.take("/fairness"), &fairness);
    put(&mut considerations, "fairnessAssessments", fairness);
    considerations
}

fn model_card(bill: &Bill<'_>, datasets: Vec<Value>, rest: &mut Rest) -> Value {
    let spec = &bill.version.spec;
    let mut parameters = Map::new();
    let approach = rest.take("/parameters/approach");
    match approach.as_str() {
        Some(word) if APPROACHES.contains(&word) => put(&mut parameters, "approach", json!({"type": word})),
        Some(other) => rest.0["parameters"]["approach"] = json!(other),
        None => {}
    }
    match &spec.task {
        Some(task) => put(&mut parameters, "task", json!(task)),
        None => put(&mut parameters, "task", rest.take("/pipeline")),
    }
    put(
        &mut parameters,
        "architectureFamily",
        rest.take("/parameters/architectureFamily"),
    );
    put(
        &mut parameters,
        "modelArchitecture",
        rest.take("/parameters/architecture"),
    );
    put(&mut parameters, "datasets", json!(datasets));
    let served = spec.inference.clone().unwrap_or_default();
    for (key, pointer, types) in [
        ("inputs", "/parameters/inputs", served.content_types),
        ("outputs", "/parameters/outputs", served.response_types),
    ] {
        let mut formats: Vec<Value> = rest.take(pointer).as_array().cloned().unwrap_or_default();
        formats.extend(types.into_iter().map(Value::from));
        let mut kept: Vec<Value> = Vec::new();
        for format in formats {
            let format = json!({"format": format});
            if !kept.contains(&format) {
                kept.push(format);
            }
        }
        put(&mut parameters, key, json!(kept));
    }
    let considerations = considerations(rest);
    let mut out = Map::new();
    put(&mut out, "modelParameters", Value::Object(parameters));
    put(&mut out, "quantitativeAnalysis", {
        let metrics = metrics(bill);
        if metrics.is_empty() {
            Value::Null
        } else {
            json!({"performanceMetrics": metrics})
        }
    });
    put(&mut out, "considerations", Value::Object(considerations));
    Value::Object(out)
}
