//! Annotations of a pull request, as workflow commands of GitHub Actions.
//!
//! Source: GitHub Actions, "Workflow commands"; how a runner reads them:
//! a command per line, properties after a space, then the message after `::`.

use crate::judge::finding::{Finding, Place, Report};
use crate::report::text::plain::clean;

/// Escapes a message: a percent sign and line breaks would be misread.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property, including the characters that end one.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn command(name: &str, properties: &[(&str, String)], message: &str) -> String {
    let mut out = format!("::{name}");
    // A runner ignores a property without a value.
    let given = properties.iter().filter(|(_, value)| !value.is_empty());
    for (at, (key, value)) in given.enumerate() {
        out.push(if at == 0 { ' ' } else { ',' });
        out.push_str(&format!("{key}={}", property(&clean(value))));
    }
    format!("{out}::{}\n", data(&clean(message)))
}

fn annotation(finding: &Finding<Place>) -> String {
    let at = &finding.primary.at;
    let mut title = format!("{} {}", finding.rule.code, finding.rule.name);
    let mut words = vec![finding.message.clone()];
    let name = match &finding.acknowledged {
        None => "error",
        Some(by) => {
            title.push_str(" (acknowledged)");
            words.push(format!("acknowledged {by}"));
            "notice"
        }
    };
    words.extend(finding.details());
    let mut properties = vec![
        ("file", at.path.clone()),
        ("line", at.line.to_string()),
        ("col", at.column.to_string()),
    ];
    // A runner drops the columns of an annotation over several lines.
    if at.end_line == at.line && at.end_column >= at.column {
        properties.push(("endLine", at.end_line.to_string()));
        properties.push(("endColumn", at.end_column.to_string()));
    }
    properties.push(("title", title));
    command(name, &properties, &words.join("\n"))
}

pub(crate) fn render(report: &Report) -> String {
    let mut out: String = report.findings.iter().map(annotation).collect();
    for note in &report.notes {
        let properties = [
            ("file", note.path.clone().unwrap_or_default()),
            ("title", "Modelry".to_owned()),
        ];
        out.push_str(&command("notice", &properties, &note.message));
    }
    out
}
