//! SARIF 2.1.0 (OASIS Standard, errata 01), for the viewers of code hosts and
//! editors.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::judge::finding::{Finding, Label, Place, Report, RuleInfo, Side};
use crate::report::text::plain::{clean, json_text};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The characters that need no escape in a path (RFC 3986, 2.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn text(words: &str) -> Value {
    json!({"text": clean(words)})
}

/// Renders a rule as a reporting descriptor.
fn rule(rule: &RuleInfo) -> Value {
    let docs = rule.docs.trim();
    json!({
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "help": {"text": docs, "markdown": docs},
        "defaultConfiguration": {"level": "error"},
    })
}

fn location(label: &Label<Place>) -> Map<String, Value> {
    let at = &label.at;
    let uri = utf8_percent_encode(&at.path, PATH).to_string();
    let mut location = Map::new();
    location.insert(
        "physicalLocation".into(),
        json!({
            "artifactLocation": {"uri": uri},
            // The end is exclusive in both formats.
            "region": {
                "startLine": at.line,
                "startColumn": at.column,
                "endLine": at.end_line,
                "endColumn": at.end_column,
            },
        }),
    );
    let mut words = Vec::new();
    if !label.text.is_empty() {
        words.push(label.text.clone());
    }
    if at.side == Side::Before {
        words.push("before the step".into());
    }
    words.extend(at.commit.map(|commit| format!("at commit {commit}")));
    if !words.is_empty() {
        location.insert("message".into(), text(&words.join(", ")));
    }
    location
}

fn result(finding: &Finding<Place>, index: usize) -> Value {
    let related = finding.related.iter().enumerate().map(|(index, label)| {
        let mut location = location(label);
        location.insert("id".into(), (index + 1).into());
        Value::Object(location)
    });
    let mut words = vec![finding.message.clone()];
    words.extend(finding.details());
    let suppressions: Vec<Value> = finding
        .acknowledged
        .iter()
        .map(|words| json!({"kind": "external", "status": "accepted", "justification": clean(&format!("acknowledged {words}"))}))
        .collect();
    let at = &finding.primary.at;
    let step = finding.step.map_or_else(String::new, |step| step.to_string());
    let mut value = json!({
        "ruleId": finding.rule.code,
        "ruleIndex": index,
        "kind": "fail",
        "level": "error",
        "message": text(&words.join("\n")),
        "locations": [location(&finding.primary)],
        "relatedLocations": related.collect::<Vec<_>>(),
        // Identifies the finding in later reports.
        "partialFingerprints": {
            "modelry/v1": format!("{} {} {} {step}", finding.rule.code, clean(&at.path), clean(&at.pointer)),
        },
        // An empty list, because a finding without acknowledgement is known to have
        // none.
        "suppressions": suppressions,
    });
    let mut properties = Map::new();
    properties.extend(
        finding
            .group
            .iter()
            .map(|group| ("group".into(), group.as_str().into())),
    );
    properties.extend(
        finding
            .step
            .map(|step| ("commit".into(), step.to_string().into())),
    );
    if !properties.is_empty() {
        value["properties"] = Value::Object(properties);
    }
    value
}

pub(crate) fn render(report: &Report) -> String {
    let mut rules: Vec<&RuleInfo> = Vec::new();
    for finding in &report.findings {
        if !rules.iter().any(|rule| rule.code == finding.rule.code) {
            rules.push(finding.rule);
        }
    }
    rules.sort_by_key(|rule| rule.code);
    let results = report.findings.iter().map(|finding| {
        let index = rules.iter().position(|rule| rule.code == finding.rule.code);
        result(finding, index.unwrap_or_default())
    });
    let notes = report
        .notes
        .iter()
        .map(|note| json!({"level": "note", "message": text(&note.message)}));
    let value = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "Modelry",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|one| rule(one)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notes.collect::<Vec<_>>(),
            }],
            "results": results.collect::<Vec<_>>(),
        }],
    });
    json_text(&value)
}
