//! GitLab's code quality report: issues as Code Climate's engines write them.
//!
//! Source: GitLab, "Code Quality report format"; Code Climate Engine
//! Specification, "Issues".

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::judge::finding::{Finding, Place, Report};
use crate::record::canonical::{canonical, sha256};
use crate::report::text::plain::{clean, json_text};

/// Identifies the finding in later reports. Lines and commits are left out, because
/// they change although the finding stays the same.
fn identity(finding: &Finding<Place>) -> Value {
    let at = &finding.primary.at;
    json!([finding.rule.code, at.path, at.pointer, finding.message])
}

fn issue(finding: &Finding<Place>, fingerprint: &str) -> Value {
    let at = &finding.primary.at;
    let accepted = finding
        .acknowledged
        .iter()
        .map(|by| format!(" (acknowledged {by})"));
    let description = format!(
        "{} {}: {}{}",
        finding.rule.code,
        finding.rule.name,
        finding.message,
        accepted.collect::<String>()
    );
    let mut value = json!({
        "type": "issue",
        "check_name": finding.rule.code,
        // The format requires a single line.
        "description": clean(&description).replace('\n', " "),
        "categories": ["Bug Risk"],
        "severity": if finding.acknowledged.is_some() { "info" } else { "critical" },
        "fingerprint": fingerprint,
        "location": {
            "path": at.path,
            "positions": {
                "begin": {"line": at.line, "column": at.column},
                "end": {"line": at.end_line, "column": at.end_column},
            },
        },
    });
    let details = finding.details();
    if !details.is_empty() {
        value["content"] = json!({"body": clean(&details.join("\n"))});
    }
    value
}

pub(crate) fn render(report: &Report) -> String {
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    let issues = report.findings.iter().map(|finding| {
        let identity = canonical(&identity(finding));
        let times = seen.entry(identity.clone()).or_default();
        *times += 1;
        // A finding that occurs twice is two issues.
        let digest = match *times {
            1 => sha256(&identity),
            times => sha256(&[&identity[..], times.to_string().as_bytes()].concat()),
        };
        issue(finding, digest.as_str().trim_start_matches("sha256:"))
    });
    let issues: Vec<Value> = issues.collect();
    json_text(&issues)
}
