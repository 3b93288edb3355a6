//! A version as a Python program for MLflow's own client. What it writes is
//! data in the program, never code: JSON in which nothing can end the literal
//! that it stands in.

use serde_json::{Map, Value, json};

use super::super::number;
use crate::act::NAME_ELSEWHERE;
use crate::base::Error;
use crate::record::kind::{Address, ModelGroup, ModelVersion, VersionId};

/// The program; `@DATA@` is what it writes.
const PROGRAM: &str = include_str!("script.py");

/// A version to be registered in MLflow.
pub struct Registered<'a> {
    /// The registry's id.
    pub registry: &'a str,
    /// Which version.
    pub id: &'a VersionId,
    /// Its group.
    pub group: &'a ModelGroup,
    /// What was registered.
    pub version: &'a ModelVersion,
    /// Whose approvals count.
    pub approved_by: Vec<String>,
    /// On whose word it came with its status from elsewhere, if it did.
    pub imported: Option<String>,
    /// The stages that it serves.
    pub stages: Vec<String>,
    /// The digest of what is approved.
    pub subject: String,
    /// The commit that it is read from.
    pub commit: String,
}

impl Registered<'_> {
    /// What of it MLflow will not take.
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

    /// The name that the group had in MLflow, where the import would give it this
    /// one. Whoever may only update the group must not choose another model there.
    fn name_elsewhere(&self) -> Option<&str> {
        let name = self.group.annotations.get(NAME_ELSEWHERE)?;
        (super::group_name(name).as_ref() == Some(&self.group.name)).then_some(name)
    }

    /// What is to be written, as data.
    ///
    /// # Errors
    /// When it holds nothing that MLflow could name as its source.
    pub fn data(&self) -> Result<Value, Error> {
        let spec = &self.version.spec;
        let artifacts = spec.all_artifacts();
        let Some((_, first)) = artifacts.first() else {
            return Err(Error::told(format!(
                "{} has no artifact, and MLflow keeps nothing without one",
                self.id
            ))
            .hint("images alone are deployed otherwise: `modelry resolve … -o kserve`"));
        };
        let mut tags = Map::new();
        let mut tag = |key: &str, value: &str| {
            tags.insert(key.to_owned(), json!(value));
        };
        // Whoever may annotate must not speak in the words of what is proven.
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
        // What came from there goes back under its name.
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

/// A program that registers the version with MLflow's own client.
///
/// # Errors
/// As [`Registered::data`].
pub fn script(version: &Registered<'_>) -> Result<String, Error> {
    let data = serde_json::to_string_pretty(&version.data()?).unwrap_or_default();
    Ok(PROGRAM
        .replace("@VERSION@", &version.id.to_string())
        .replace("@COMMIT@", &version.commit)
        .replace("@DATA@", &literal(&data)))
}

/// Whether an address is a path for MLflow: it has no scheme, or `file:`.
fn is_local(uri: &str) -> bool {
    uri.split_once(':').is_none_or(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("file") || scheme.contains('/') || scheme.len() == 1
    })
}

/// JSON that can stand between `r'''` and `'''`: no quote of that kind, and
/// nothing but ASCII that is seen.
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
