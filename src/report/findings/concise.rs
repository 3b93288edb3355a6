//! Findings on one line each, for editors and grep.

use crate::judge::finding::Report;
use crate::report::text::plain::clean;

pub(crate) fn render(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let at = &finding.primary.at;
        let line = format!(
            "{}:{}:{}: {} {}: {}{}",
            at.path,
            at.line,
            at.column,
            finding.rule.code,
            finding.rule.name,
            finding.message,
            if finding.acknowledged.is_some() {
                " (acknowledged)"
            } else {
                ""
            }
        );
        out.push_str(&clean(&line).replace('\n', " "));
        out.push('\n');
    }
    out
}
