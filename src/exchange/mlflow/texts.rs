//! Converts foreign names and texts to Modelry's: within the limits and without
//! invisible characters. A note reports each one that does not fit.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::read::{Measured, moment};
use crate::record::kind::{Key, Labels, UriFault, cleaned_uri, uri_fault};
use crate::record::yaml::is_hidden;

/// The most characters of a label; a longer text becomes an annotation.
const LABEL: usize = 256;
/// The most bytes of an annotation or a description.
const LONG: usize = 16 << 10;
/// The most bytes of all annotations together: half the limit of a record.
const ALL: usize = 128 << 10;
/// The most metrics, and the most parameters.
const MANY: usize = 4000;

/// Members of a version with a known use. Members `_…` are not from MLflow.
const KNOWN: [&str; 17] = [
    "name",
    "version",
    "creation_timestamp",
    "last_updated_timestamp",
    "current_stage",
    "description",
    "source",
    "run_id",
    "status",
    "status_message",
    "tags",
    "run_link",
    "aliases",
    "user_id",
    "model_id",
    "params",
    "metrics",
];

/// Labels and annotations under construction.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) labels: Labels,
    pub(super) annotations: Labels,
    pub(super) notes: Vec<String>,
    bytes: usize,
}

/// Converts a name to a key. Characters that a key can't have become `_`.
fn key(name: &str) -> Option<Key> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=+@-".contains(c);
    let name: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    name.chars().take(128).collect::<String>().parse().ok()
}

impl Texts {
    /// Writes an address without login and signature.
    pub(super) fn address(&mut self, what: &str, uri: &str) -> String {
        let text = self.shown(what, uri);
        match uri_fault(&text) {
            Some(UriFault::Login) => self.notes.push(format!("{what} has a login in it: left out")),
            Some(fault) => self.notes.push(format!("{what} {}: left out", fault.words())),
            None => return text,
        }
        cleaned_uri(&text)
    }

    /// Spells out the invisible characters of a text.
    pub(super) fn shown(&mut self, what: &str, text: &str) -> String {
        let text = text.replace("\r\n", "\n").replace('\t', "    ");
        if !text.chars().any(is_hidden) {
            return text;
        }
        self.notes.push(format!(
            "{what} has characters that are not seen: they are spelled as \\u…"
        ));
        let mut out = String::new();
        for c in text.chars() {
            if is_hidden(c) {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            } else {
                out.push(c);
            }
        }
        out
    }

    /// Adds an annotation, unless the text is empty.
    pub(super) fn annotate(&mut self, name: &str, text: &str) {
        let Some(key) = key(name).filter(|_| !text.is_empty()) else {
            return;
        };
        if text.len() > LONG || self.bytes + text.len() > ALL {
            self.notes.push(format!(
                "{name} has {} bytes, which is too much: left out",
                text.len()
            ));
            return;
        }
        if self.annotations.contains_key(&key) {
            self.notes
                .push(format!("another `{key}` is there already: {name} was left out"));
            return;
        }
        let text = self.shown(name, text);
        self.bytes += text.len();
        self.annotations.insert(key, text);
    }

    /// Adds the times of creation and of the last change.
    pub(super) fn times(&mut self, value: &Value) {
        for (member, name) in [
            ("creation_timestamp", "created"),
            ("last_updated_timestamp", "updated"),
        ] {
            let at = value.get(member).and_then(moment);
            self.annotate(&format!("mlflow/{name}"), &at.unwrap_or_default());
        }
    }

    /// Adds tags as labels. A tag that does not fit becomes an annotation.
    pub(super) fn labels(&mut self, tags: Vec<(String, String)>) {
        for (name, value) in tags {
            let short = value.chars().count() <= LABEL && !value.chars().any(|c| c == '\n' || is_hidden(c));
            match name.parse::<Key>() {
                Ok(key) if short && !name.starts_with("mlflow.") => {
                    self.labels.insert(key, value);
                }
                _ => {
                    self.kept(&name, &format!("mlflow/tag/{name}"));
                    self.annotate(&format!("mlflow/tag/{name}"), &value);
                }
            }
        }
    }

    /// Notes that a name is spelled differently here.
    fn kept(&mut self, name: &str, wanted: &str) {
        match key(wanted) {
            Some(key) if key.as_str() != wanted => {
                self.notes.push(format!("`{name}` is kept as `{key}`"));
            }
            _ => {}
        }
    }

    /// Adds the run's tags that have no other place.
    pub(super) fn run_tags(&mut self, tags: &[(String, String)]) {
        for (name, value) in tags {
            let placed = matches!(
                name.as_str(),
                "mlflow.source.git.repoURL" | "mlflow.gitRepoURL" | "mlflow.source.git.commit"
            );
            if !placed {
                self.kept(name, &format!("mlflow/run/{name}"));
                self.annotate(&format!("mlflow/run/{name}"), value);
            }
        }
    }

    /// Returns the description, unless it is empty.
    pub(super) fn description(&mut self, text: Option<&str>) -> Option<String> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        if text.len() > 2 * LONG {
            self.notes.push(format!(
                "its description has {} bytes, which is too much: left out",
                text.len()
            ));
            return None;
        }
        Some(self.shown("its description", text))
    }

    /// Merges the metrics of a version and its run; the version's own come first.
    pub(super) fn metrics(&mut self, sources: &[Vec<(String, Measured)>]) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, value) in self.named("metric", sources) {
            match value {
                Ok(value) => {
                    out.insert(name, json!(value));
                }
                Err(word) => {
                    self.notes.push(format!(
                        "metric `{name}` is {word}, which can't be kept as a number: kept as an annotation"
                    ));
                    self.annotate(&format!("mlflow/metric/{name}"), &word);
                }
            }
        }
        out.sort_keys();
        out
    }

    /// Merges the parameters of a version and its run.
    pub(super) fn parameters(&mut self, sources: &[Vec<(String, String)>]) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, value) in self.named("parameter", sources) {
            if value.len() > LONG {
                self.notes.push(format!(
                    "parameter `{name}` has {} bytes, which is too much: left out",
                    value.len()
                ));
                continue;
            }
            let value = self.shown(&format!("parameter `{name}`"), &value);
            out.insert(name, json!(value));
        }
        out.sort_keys();
        out
    }

    /// Converts the names of values, up to the limit.
    fn named<T: Clone>(&mut self, what: &str, sources: &[Vec<(String, T)>]) -> Vec<(String, T)> {
        let mut out = Vec::new();
        let (mut given, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for (name, value) in sources.iter().flatten() {
            if !given.insert(name) {
                continue;
            }
            match key(name) {
                Some(key) if taken.len() < MANY && taken.insert(key.clone()) => {
                    if key.as_str() != name {
                        self.notes.push(format!("{what} `{name}` is kept as `{key}`"));
                    }
                    out.push((key.to_string(), value.clone()));
                }
                _ => self.notes.push(format!("{what} `{name}` has no place: left out")),
            }
        }
        out
    }

    /// Keeps members of unknown meaning.
    pub(super) fn unknown(&mut self, value: &Value) {
        for (key, value) in value.as_object().into_iter().flatten() {
            let known = KNOWN.contains(&key.as_str()) || key.starts_with('_');
            let says = match value {
                Value::Null => false,
                // A server without workspaces has only this one.
                Value::String(text) => !text.is_empty() && (key != "workspace" || text != "default"),
                _ => true,
            };
            if says && !known {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                self.annotate(&format!("mlflow/{key}"), &text);
            }
        }
    }
}
