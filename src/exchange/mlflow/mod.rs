//! MLflow: registered models, from its REST API (2.0) or from a folder written by
//! mlflow-export-import. The two spell the same data differently, and this module reads
//! both.
//!
//! Sources: `service.proto` and `model_registry.proto` of MLflow 3.17, and
//! mlflow-export-import 1.2. MLflow has no approvals and no digests. Stages and aliases
//! are kept as annotations, and the content of an artifact stays unknown.

mod read;
mod script;
mod texts;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

pub use read::numbers_as_text;
pub use script::{Registered, script};

use self::read::{pairs, text};
use self::texts::Texts;
use crate::act::{ALIASES, ImportedGroup, ImportedVersion, NAME_ELSEWHERE};
use crate::base::Error;
use crate::record::kind::{GroupName, Status};

/// The registered models that were found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The registry that they come from.
    pub from: String,
    /// Each model in MLflow's form, with all its `versions`. A version whose source is
    /// only a reference has the resolved place as `_place`. A model with a server of
    /// its own has that server as `_from`.
    pub models: Vec<Value>,
    /// Runs by their ids.
    pub runs: BTreeMap<String, Value>,
    /// Names of experiments by their ids.
    pub experiments: BTreeMap<String, String>,
    /// Notes on data that was not found.
    pub notes: Vec<String>,
}

/// The groups and versions to import.
#[derive(Debug)]
pub struct Conversion {
    /// The groups with their versions.
    pub groups: Vec<ImportedGroup>,
    /// Notes on data that was left out.
    pub notes: Vec<String>,
}

/// Derives the name of a model's group. Characters that a group's name can't have
/// become hyphens. Returns `None` if no characters remain.
fn group_name(name: &str) -> Option<GroupName> {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    let short: String = out.trim_matches('-').chars().take(63).collect();
    let short = short.trim_end_matches('-');
    short.parse().or_else(|_| format!("{short}-model").parse()).ok()
}

/// Converts the models to groups and versions. `renames` gives a model's group another
/// name than the derived one.
///
/// # Errors
/// Two models have the same group name, or a model has no usable name.
pub fn groups(found: &Found, renames: &BTreeMap<String, GroupName>) -> Result<Conversion, Error> {
    let mut notes = found.notes.clone();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut groups = Vec::new();
    let known = |old: &String| found.models.iter().any(|model| text(model, "name") == Some(old));
    if let Some(unknown) = renames.keys().find(|old| !known(old)) {
        return Err(Error::msg(format!("there is no model `{unknown}` to rename"))
            .hint("write it as MLflow does: `--rename \"OLD NAME=new-name\"`"));
    }
    for model in &found.models {
        let old = text(model, "name").unwrap_or_default();
        let tags = pairs(model, "tags");
        if tags
            .iter()
            .any(|(key, value)| key == "mlflow.prompt.is_prompt" && *value == "true")
        {
            notes.push(format!("`{old}` is a prompt, and no model: left out"));
            continue;
        }
        let name = renames
            .get(old)
            .cloned()
            .or_else(|| group_name(old))
            .ok_or_else(|| {
                Error::msg(format!("no group can be called `{old}`"))
                    .hint(format!("choose another name: `--rename \"{old}=NAME\"`"))
            })?;
        if let Some(other) = taken.insert(name.as_str().to_lowercase(), old.to_owned()) {
            return Err(
                Error::msg(format!("`{other}` and `{old}` would both be called `{name}`"))
                    .hint(format!("choose another name for one: `--rename \"{old}=NAME\"`")),
            );
        }
        groups.push(group(found, model, name));
    }
    Ok(Conversion { groups, notes })
}

/// The versions by their aliases.
fn aliases(model: &Value) -> Vec<(String, u64)> {
    let listed = model
        .get("aliases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let listed =
        listed.filter_map(|one| Some((text(one, "alias")?.to_owned(), read::number(one.get("version")?)?)));
    let mapped = model
        .get("aliases")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    let mapped = mapped.filter_map(|(alias, version)| Some((alias.clone(), read::number(version)?)));
    listed.chain(mapped).collect()
}

fn group(found: &Found, model: &Value, name: GroupName) -> ImportedGroup {
    let mut texts = Texts::default();
    let old = text(model, "name").unwrap_or_default();
    texts.annotate(NAME_ELSEWHERE, old);
    texts.times(model);
    texts.labels(pairs(model, "tags"));
    let description = texts.description(text(model, "description"));
    let aliases = aliases(model);
    let mut versions = Vec::new();
    let mut numbers = Vec::new();
    for one in model
        .get("versions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let Some(number) = one.get("version").and_then(read::number) else {
            texts.notes.push("a version without a number was left out".into());
            continue;
        };
        numbers.push(number);
        let stage = text(one, "current_stage").filter(|stage| !stage.is_empty() && *stage != "None");
        let stage = stage.map(|stage| texts.shown("a stage", stage));
        let stage = stage.as_deref();
        let mine = aliases
            .iter()
            .filter(|(_, of)| *of == number)
            .map(|(alias, _)| alias.as_str());
        let mine: Vec<&str> = mine.collect();
        let mut one = version(found, one, number, stage, &mine);
        let words = mine.iter().map(|alias| ("alias", (*alias).to_owned()));
        let stage = stage.filter(|stage| *stage != "Archived");
        one.places = words
            .chain(stage.map(|stage| ("stage", stage.to_owned())))
            .collect();
        versions.push(one);
    }
    for (alias, number) in aliases.iter().filter(|(_, number)| !numbers.contains(number)) {
        texts.notes.push(format!(
            "its alias `{alias}` is on version {number}, which is not there"
        ));
    }
    ImportedGroup {
        name,
        description,
        labels: texts.labels,
        annotations: texts.annotations,
        versions,
        notes: texts.notes,
        from: text(model, "_from").map(str::to_owned),
        arn: None,
    }
}

/// Returns the address of the model's files.
fn place(one: &Value, texts: &mut Texts) -> Option<String> {
    let source = text(one, "source").unwrap_or_default();
    let place = text(one, "_place").unwrap_or(source);
    let uri = match place.len() {
        0 => {
            texts.notes.push("it names no source".into());
            None
        }
        1..=2048 => Some(texts.address("its source", place)),
        _ => {
            texts.annotate("mlflow/source", place);
            None
        }
    };
    if place != source {
        texts.annotate("mlflow/source", source);
    }
    uri
}

fn version(
    found: &Found,
    one: &Value,
    number: u64,
    stage: Option<&str>,
    aliases: &[&str],
) -> ImportedVersion {
    let mut texts = Texts::default();
    let run_id = text(one, "run_id").filter(|id| !id.is_empty());
    let run = run_id.and_then(|id| found.runs.get(id));
    if let (Some(id), None) = (run_id, run) {
        texts.notes.push(format!(
            "its run {id} is not there: no metrics, no parameters, no commit"
        ));
    }
    let mut spec = Map::new();
    if let Some(uri) = place(one, &mut texts) {
        // In MLflow, a source is the folder of an MLflow Model.
        spec.insert("artifacts".into(), json!([{"uri": uri, "type": "folder"}]));
    }
    let metrics = texts.metrics(&[read::metrics(one), run.map(read::run_metrics).unwrap_or_default()]);
    if !metrics.is_empty() {
        spec.insert("metrics".into(), Value::Object(metrics));
    }
    let tags = run.map(read::run_tags).unwrap_or_default();
    let origin = origin(run, run_id, &tags, &mut texts);
    if !origin.is_empty() {
        spec.insert("source".into(), Value::Object(origin));
    }
    let parameters = texts.parameters(&[
        pairs(one, "params"),
        run.map(read::run_parameters).unwrap_or_default(),
    ]);
    let card = (!parameters.is_empty())
        .then(|| Map::from_iter([("training".to_owned(), json!({"hyperparameters": parameters}))]));

    texts.times(one);
    for (key, name) in [
        ("user_id", "user"),
        ("run_id", "run"),
        ("run_link", "run-link"),
        ("model_id", "model-id"),
    ] {
        texts.annotate(&format!("mlflow/{name}"), text(one, key).unwrap_or_default());
    }
    texts.annotate(ALIASES, &aliases.join(", "));
    let experiment = text(one, "_experiment_name").map(str::to_owned).or_else(|| {
        let id = read::run_member(run?, "experiment_id")?;
        found.experiments.get(id).cloned()
    });
    texts.annotate("mlflow/experiment", experiment.as_deref().unwrap_or_default());
    if let Some(status) = text(one, "status").filter(|status| *status != "READY") {
        texts.annotate("mlflow/status", status);
        texts.annotate(
            "mlflow/status-message",
            text(one, "status_message").unwrap_or_default(),
        );
        texts.notes.push(format!("MLflow says that it is {status}"));
    }
    texts.labels(pairs(one, "tags"));
    texts.run_tags(&tags);
    texts.unknown(one);
    let description = texts.description(text(one, "description"));
    ImportedVersion {
        number,
        spec: Value::Object(spec),
        card,
        description,
        labels: texts.labels,
        annotations: texts.annotations,
        status: match stage {
            Some("Archived") => Status::Archived,
            _ => Status::Pending,
        },
        source_status: stage.map(str::to_owned),
        approver: None,
        decided_at: None,
        places: Vec::new(),
        notes: texts.notes,
    }
}

/// The origin of the model: the commit of its code, its run and its experiment.
fn origin(
    run: Option<&Value>,
    run_id: Option<&str>,
    tags: &[(String, String)],
    texts: &mut Texts,
) -> Map<String, Value> {
    let tag = |names: &[&str]| {
        let found = names
            .iter()
            .find_map(|name| tags.iter().find(|(key, _)| key == name));
        found.map(|(_, value)| value.as_str())
    };
    let members = [
        (
            "repository",
            tag(&["mlflow.source.git.repoURL", "mlflow.gitRepoURL"]).map(str::to_owned),
            2048,
        ),
        (
            "commit",
            tag(&["mlflow.source.git.commit"]).map(str::to_owned),
            1024,
        ),
        // MLflow's own spelling of a run.
        ("trainingJob", run_id.map(|id| format!("runs:/{id}")), 1024),
        (
            "project",
            run.and_then(|run| read::run_member(run, "experiment_id"))
                .map(|id| format!("experiments/{id}")),
            1024,
        ),
    ];
    let mut out = Map::new();
    for (key, value, most) in members {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = texts.address(key, &value);
        if value.chars().count() <= most {
            out.insert(key.into(), json!(value));
        } else {
            texts
                .notes
                .push(format!("its {key} is longer than {most} characters: left out"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups() {
        for (old, expected) in [
            ("Fraud Detector_v2", Some("Fraud-Detector-v2")),
            ("catalog.schema.model", Some("catalog-schema-model")),
            ("  a//b  ", Some("a-b")),
            ("com1", Some("com1-model")),
            ("été", Some("t")),
            ("日本", None),
            ("", None),
        ] {
            let name = group_name(old).map(|name| name.to_string());
            assert_eq!(name.as_deref(), expected, "{old}");
        }
        assert_eq!(
            group_name(&"x ".repeat(80)).map(|name| name.to_string()),
            Some("x-".repeat(31) + "x")
        );
    }

    #[test]
    fn one_name_is_not_given_twice() {
        let models = vec![json!({"name": "a b"}), json!({"name": "A_B"})];
        let found = Found {
            models,
            ..Found::default()
        };
        let error = groups(&found, &BTreeMap::new()).expect_err("they clash");
        assert_eq!(error.to_string(), "`a b` and `A_B` would both be called `A-B`");
        let other = BTreeMap::from([("A_B".to_owned(), "other".parse().expect("a name"))]);
        assert_eq!(groups(&found, &other).expect("two groups").groups.len(), 2);
        let unknown = BTreeMap::from([("c".to_owned(), "other".parse().expect("a name"))]);
        assert!(groups(&found, &unknown).is_err());
    }
}
