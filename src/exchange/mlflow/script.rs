//! A version as a Python program for MLflow's own client. The program contains the
//! version as data, never as code: JSON in a literal that no character of it can end.

use serde_json::{Map, Value, json};

use super::super::number;
use crate::act::NAME_ELSEWHERE;
use crate::base::Error;
use crate::record::kind::{Address, ModelGroup, ModelVersion, VersionId};

/// The program; `@DATA@` is replaced by the data.
const PROGRAM: &str = include_str!("script.py");

/// A version to register in MLflow.
pub struct Registered<'a> {
    /// The registry's id.
    pub registry: &'a str,
    /// The version's name.
    pub id: &'a VersionId,
    /// The version's group.
    pub group: &'a ModelGroup,
    /// The version.
    pub version: &'a ModelVersion,
    /// The actors whose approvals count.
    pub approved_by: Vec<String>,
    /// The description of the import, if the version was imported with its status.
    pub imported: Option<String>,
    /// The stages that the version serves.
    pub stages: Vec<String>,
    /// The digest of the reviewed content.
    pub subject: String,
    /// The commit that the content was read from.
    pub commit: String,
}

impl Registered<'_> {
    /// Notes on the data that MLflow does not accept.
    pub fn notes(&self) -> Vec<String> {
        let artifacts = self.version.spec.all_artifacts();
        let local = artifacts
            .first()
            .filter(|(_, first)| is_local(first.uri.expose()));
        let elsewhere = self.group.annotations.get(NAME_ELSEWHERE);
        let other = elsewhere.filter(|_| self.name_elsewhere().is_none()).map(|other| {
            format!(
                "`{}` says that it is {other:?} in MLflow, which no name of its own bears out: it is written as `{}`",
                self.group.name, self.group.name
            )
        });
        let local = local.map(|(_, first)| {
            format!(
                "an MLflow server refuses a source that is a path of this machine: `{}`",
                first.uri
            )
        });
        local.into_iter().chain(other).collect()
    }

    /// The group's former name in MLflow, if an import of it would give this name. An
    /// actor who may only update the group must not be able to choose another model
    /// there.
    fn name_elsewhere(&self) -> Option<&str> {
        let name = self.group.annotations.get(NAME_ELSEWHERE)?;
        (super::group_name(name).as_ref() == Some(&self.group.name)).then_some(name)
    }

    /// The data to write.
    ///
    /// # Errors
    /// The version contains nothing that MLflow could use as its source.
    pub fn data(&self) -> Result<Value, Error> {
        let spec = &self.version.spec;
        let artifacts = spec.all_artifacts();
        let Some((_, first)) = artifacts.first() else {
            return Err(Error::msg(format!(
                "{} has no artifact, and MLflow keeps nothing without one",
                self.id
            ))
            .hint("images alone are deployed otherwise: `modelry resolve … -o kserve`"));
        };
        let mut tags = Map::new();
        let mut tag = |key: &str, value: &str| {
            tags.insert(key.to_owned(), json!(value));
        };
        // An actor who may only annotate must not be able to forge the proven tags.
        let free = self.version.labels.iter();
        for (key, value) in free.filter(|(key, _)| !key.as_str().starts_with("modelry.")) {
            tag(key.as_str(), value);
        }
        tag("modelry.version", &self.id.to_string());
        tag("modelry.registry", self.registry);
        tag("modelry.commit", &self.commit);
        tag("modelry.status", self.version.status.as_str());
        tag("modelry.subject", &self.subject);
        tag("modelry.approvedBy", &self.approved_by.join(", "));
        tag("modelry.imported", self.imported.as_deref().unwrap_or_default());
        for (at, artifact) in (1..).zip(artifacts.iter().map(|(_, artifact)| artifact)) {
            let at = if at == 1 { String::new() } else { format!(".{at}") };
            if !at.is_empty() {
                tag(&format!("modelry.artifact{at}"), artifact.uri.expose());
            }
            let digest = artifact
                .digest
                .as_ref()
                .map_or("unknown", |digest| digest.as_str());
            tag(&format!("modelry.digest{at}"), digest);
        }
        for (name, value) in &spec.metrics {
            tag(&format!("modelry.metric.{name}"), &number(*value).to_string());
        }
        let source = spec.source.clone().unwrap_or_default();
        for (key, value) in [
            ("repository", source.repository.as_ref().map(Address::expose)),
            ("commit", source.commit.as_deref()),
            ("trainingJob", source.training_job.as_ref().map(Address::expose)),
        ] {
            if let Some(value) = value {
                tag(&format!("modelry.source.{key}"), value);
            }
        }
        let group = self.group;
        // Data that came from MLflow returns under its original name.
        let elsewhere = self.name_elsewhere();
        let name = elsewhere.unwrap_or(group.name.as_str());
        Ok(json!({
            "name": name,
            "description": group.description,
            "tags": group.labels,
            "version": {
                "source": first.uri,
                "number": elsewhere.map(|_| self.id.number),
                "run": self.version.annotations.get("mlflow/run"),
                "description": self.version.description,
                "tags": tags,
                "aliases": self.stages,
            },
        }))
    }
}

/// Writes a program that registers the version with MLflow's own client.
pub fn script(version: &Registered<'_>) -> Result<String, Error> {
    let data = serde_json::to_string_pretty(&version.data()?).unwrap_or_default();
    Ok(PROGRAM
        .replace("@VERSION@", &version.id.to_string())
        .replace("@COMMIT@", &version.commit)
        .replace("@DATA@", &literal(&data)))
}

/// Whether MLflow takes an address for a path: it has no scheme, or `file:`.
fn is_local(uri: &str) -> bool {
    uri.split_once(':').is_none_or(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("file") || scheme.contains('/') || scheme.len() == 1
    })
}

/// Escapes JSON so that it fits between `r'''` and `'''`: without such quotes, and only
/// with visible ASCII.
fn literal(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\'' && (c == '\n' || c == ' ' || c.is_ascii_graphic()) {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_addresses() {
        for (uri, expected) in [
            ("file:///models/a", true),
            ("models/a:1", true),
            ("/models/a", true),
            ("C:\\models", true),
            ("s3://models/a", false),
            ("dbfs:/models/a", false),
        ] {
            assert_eq!(is_local(uri), expected, "{uri}");
        }
    }

    #[test]
    fn nothing_ends_the_literal() {
        let hostile = json!({"a'''b": "''' + evil() + r'''\\", "é": "😀\u{7f}\u{2028}\n\\"});
        let text = literal(&hostile.to_string());
        assert!(text.is_ascii() && !text.contains('\''));
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), hostile);
    }
}
