//! The result of a writing command for programs, in one form for all commands.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::kind;
use super::of::values;
use crate::judge::finding::Report;
use crate::record::change::Change;
use crate::record::kind::RecordPath;
use crate::record::schema;
use crate::report::findings::json::{JsonFinding, JsonNote, finding, note};

/// The result of a writing command, as `-o json` prints it. Some commands add more
/// members.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriteResult {
    /// Whether nothing was written because of `--dry-run`.
    pub dry_run: bool,
    /// Whether the registry already contained what the command asked for. Then nothing
    /// was written, and `objects` lists the existing records.
    pub existing: bool,
    /// Full id of the commit with the change; null if no commit was made.
    pub commit: Option<String>,
    /// Name of the branch that the commit is on, or would go to.
    pub branch: Option<String>,
    /// Name of the remote that the commit was pushed to, or would be.
    pub remote: Option<String>,
    /// Whether the remote has the commit.
    pub pushed: bool,
    /// Number of pushes that were needed; null without `--push` and `--pr`.
    pub tries: Option<usize>,
    /// The pull request, with `--pr`.
    pub pull_request: Option<PullRequest>,
    /// Each object that changed, and the change.
    pub objects: Vec<ObjectChange>,
    /// The changes, one line each, as in the commit's `Modelry-Change:` trailers.
    pub changes: Vec<String>,
    /// The reason why nothing was signed or written; null otherwise.
    pub refused: Option<Refused>,
}

/// The reason why nothing was signed, and the remedies.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Refused {
    /// The reason.
    pub why: String,
    /// The remedies, one line each.
    #[serde(rename = "do")]
    pub remedies: Vec<String>,
    /// The findings of the rules that refuse the change, or the history that it would
    /// build on; empty if something else refuses it. Each has the form of a report
    /// (`report.schema.json`).
    #[schemars(with = "Vec<JsonFinding<'static>>")]
    pub findings: Vec<Value>,
    /// The notes beside the findings.
    #[schemars(with = "Vec<JsonNote<'static>>")]
    pub notes: Vec<Value>,
}

/// A pull request that was opened, or the page that opens one.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PullRequest {
    /// Address of the pull request, or of the page that opens one.
    pub url: String,
    /// Whether the pull request is already open.
    pub opened: bool,
}

/// The change of one object.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectChange {
    /// The change, in the words of events (`version.registered`, `stage.moved`);
    /// `unchanged` for an object that already existed.
    pub action: String,
    /// Kind of the record: `ModelVersion`, `Review`; null for a file that is not a
    /// record.
    pub kind: Option<String>,
    /// Name of the group.
    pub group: Option<String>,
    /// Number of the version.
    pub number: Option<u64>,
    /// Name of the record below its group or version: the stage, the evaluation, the
    /// actor of a review.
    pub name: Option<String>,
    /// The status, decision, version or serial before.
    pub from: Option<Value>,
    /// The status, decision, version or serial after.
    pub to: Option<Value>,
    /// Path of the record from the registry's folder.
    pub path: String,
}

impl ObjectChange {
    /// Describes the change of an object.
    pub fn of(change: &Change) -> ObjectChange {
        let (from, to) = values(change);
        let object = match &change.record {
            Some(record) => ObjectChange::unchanged(record),
            None => ObjectChange {
                action: String::new(),
                kind: None,
                group: change.group().map(str::to_owned),
                number: None,
                name: None,
                from: None,
                to: None,
                path: change.path.clone(),
            },
        };
        ObjectChange {
            action: kind::word(&change.kind).to_owned(),
            from,
            to,
            ..object
        }
    }

    /// Describes an object that already existed.
    pub fn unchanged(record: &RecordPath) -> ObjectChange {
        let group = record.group().map(ToString::to_string);
        ObjectChange {
            action: "unchanged".to_owned(),
            kind: Some(record.kind().row().types[0].as_str().to_owned()),
            group,
            number: record.version().map(|id| id.number),
            name: record.name().map(str::to_owned),
            from: None,
            to: None,
            path: record.to_string(),
        }
    }
}

impl WriteResult {
    /// Describes these changes. Commit, branch and remote are still unset.
    pub fn of(changes: &[Change]) -> WriteResult {
        WriteResult {
            objects: changes.iter().map(ObjectChange::of).collect(),
            changes: changes.iter().map(Change::trailer).collect(),
            ..WriteResult::default()
        }
    }

    /// Reports that the registry already contains the result, in these records.
    pub fn existing(records: &[RecordPath]) -> WriteResult {
        WriteResult {
            existing: true,
            objects: records.iter().map(ObjectChange::unchanged).collect(),
            ..WriteResult::default()
        }
    }

    /// Reports that nothing was signed or written, for this reason.
    pub fn refused(why: &str, remedies: &[String]) -> WriteResult {
        WriteResult {
            refused: Some(Refused {
                why: why.to_owned(),
                remedies: remedies.to_vec(),
                findings: Vec::new(),
                notes: Vec::new(),
            }),
            ..WriteResult::default()
        }
    }

    /// Reports that nothing was written, because of these findings.
    pub fn refused_by(why: &str, remedies: &[String], report: &Report) -> WriteResult {
        let mut result = WriteResult::refused(why, remedies);
        if let Some(refused) = &mut result.refused {
            refused.findings = report.findings.iter().map(|it| json!(finding(it))).collect();
            refused.notes = report.notes.iter().map(|it| json!(note(it))).collect();
        }
        result
    }

    /// Describes a change of this repository's configuration or hooks, in words. No
    /// record changes.
    pub fn of_clone(words: &str, is_existing: bool) -> WriteResult {
        WriteResult {
            existing: is_existing,
            changes: match is_existing {
                true => Vec::new(),
                false => vec![words.to_owned()],
            },
            ..WriteResult::default()
        }
    }

    /// Describes the first record of a registry, which has no change before it.
    pub fn created(record: &RecordPath) -> WriteResult {
        WriteResult {
            objects: vec![ObjectChange {
                action: "registry.created".to_owned(),
                ..ObjectChange::unchanged(record)
            }],
            changes: vec!["registry created".to_owned()],
            ..WriteResult::default()
        }
    }

    /// The result as a JSON object, to which a command can add members.
    pub fn to_value(&self) -> Value {
        json!(self)
    }
}

/// Returns the JSON Schema of the result of a writing command.
pub fn result_schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<WriteResult>();
    schema.insert("$id".into(), schema::identifier("result").into());
    schema.to_value()
}
