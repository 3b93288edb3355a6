//! `modelry-report/v1`: a frozen format with its own types, so that inner types can
//! change. Absent members are left out.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::judge::finding::{Finding, Label, Note, Place, Remedy, Report, Side};

/// The name of the format and of its schema.
pub const SCHEMA_NAME: &str = "modelry-report/v1";

/// The report of a judgement.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "modelry-report/v1")]
#[serde(rename_all = "camelCase")]
struct JsonReport<'a> {
    /// `modelry-report/v1`.
    format: &'static str,
    /// The amount of data that was checked.
    checked: JsonChecked,
    /// The findings, in order.
    findings: Vec<JsonFinding<'a>>,
    /// Notes, which do not affect the verdict.
    notes: Vec<JsonNote<'a>>,
    /// For changes that have not landed: each way of landing that was tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    landings: Vec<JsonTried<'a>>,
}

/// One way of landing.
#[derive(Serialize, JsonSchema)]
struct JsonTried<'a> {
    /// `merge`, `squash` or `rebase`.
    way: &'static str,
    /// Whether this way has no findings.
    clean: bool,
    /// The number of findings.
    findings: usize,
    /// The resulting history, in words.
    makes: &'a str,
}

/// The amount of data that was checked.
#[derive(Serialize, JsonSchema)]
struct JsonChecked {
    /// The number of steps of the mainline.
    steps: usize,
    /// The number of commits that change the registry.
    commits: usize,
    /// The number of typed changes.
    changes: usize,
    /// The number of documents read.
    documents: usize,
}

/// A fault that a rule found.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonFinding<'a> {
    /// The rule's code, `MR203`.
    code: &'a str,
    /// The rule's name, `illegal-transition`.
    name: &'a str,
    /// The fault, in one sentence.
    message: &'a str,
    /// The group that the finding belongs to; absent for the policy and for history.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    /// The place of the finding.
    #[serde(flatten)]
    place: JsonPlace<'a>,
    /// Further places.
    related: Vec<JsonPlace<'a>>,
    /// The reasons, in words.
    why: &'a [String],
    /// The author, and the verdict on the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    who: Option<&'a str>,
    /// The remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    /// Whether the remedy needs a person's choice first; absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    choose: bool,
    /// The actor who acknowledged the finding, the policy, and the reason. An
    /// acknowledged finding does not affect the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<&'a str>,
    /// For changes that have not landed: the ways of landing that have this finding.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    landings: Vec<&'static str>,
}

/// A place in a file. Lines and columns start at one, columns count characters, and the
/// end is exclusive.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JsonPlace<'a> {
    /// Path from the repository's top.
    path: &'a str,
    /// First line.
    line: usize,
    /// First column.
    column: usize,
    /// Last line.
    end_line: usize,
    /// Column after the last character.
    end_column: usize,
    /// JSON pointer of the member.
    pointer: &'a str,
    /// `before` or `after` the step.
    side: &'static str,
    /// The commit whose tree the file is in; absent for a file that is not committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// A short note.
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
}

/// A note, which does not affect the verdict.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonNote<'a> {
    /// The note, in one sentence.
    message: &'a str,
    /// The file that the note is about, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    /// The commit that the note is about, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
}

fn place(label: &Label<Place>) -> JsonPlace<'_> {
    let at = &label.at;
    JsonPlace {
        path: &at.path,
        line: at.line,
        column: at.column,
        end_line: at.end_line,
        end_column: at.end_column,
        pointer: &at.pointer,
        side: match at.side {
            Side::Before => "before",
            Side::After => "after",
        },
        commit: at.commit.map(|commit| commit.to_string()),
        label: &label.text,
    }
}

pub(crate) fn finding(finding: &Finding<Place>) -> JsonFinding<'_> {
    JsonFinding {
        code: finding.rule.code,
        name: finding.rule.name,
        message: &finding.message,
        group: finding.group.as_deref(),
        place: place(&finding.primary),
        related: finding.related.iter().map(place).collect(),
        why: &finding.why,
        who: finding.who.as_deref(),
        help: finding.help.as_deref(),
        choose: finding.remedy == Remedy::Choose,
        acknowledged: finding.acknowledged.as_deref(),
        landings: finding.landings.iter().map(|way| way.name()).collect(),
    }
}

pub(crate) fn note(note: &Note) -> JsonNote<'_> {
    JsonNote {
        message: &note.message,
        path: note.path.as_deref(),
        commit: note.commit.map(|commit| commit.to_string()),
    }
}

pub(crate) fn render(report: &Report) -> String {
    let value = JsonReport {
        format: SCHEMA_NAME,
        checked: JsonChecked {
            steps: report.checked.steps,
            commits: report.checked.commits,
            changes: report.checked.changes,
            documents: report.checked.documents,
        },
        findings: report.findings.iter().map(finding).collect(),
        notes: report.notes.iter().map(note).collect(),
        landings: report
            .landings
            .iter()
            .map(|tried| JsonTried {
                way: tried.way.name(),
                clean: tried.findings == 0,
                findings: tried.findings,
                makes: &tried.makes,
            })
            .collect(),
    };
    crate::report::text::plain::json_text(&value)
}

/// Returns the JSON Schema of `T`.
pub(crate) fn schema_of<T: JsonSchema>() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Returns the JSON Schema of the report.
pub fn schema() -> Value {
    schema_of::<JsonReport<'_>>()
}
