//! JUnit's XML, for CI systems that read no other format. Each finding is a failed
//! test, and each acknowledged finding a skipped one.
//!
//! Source: the schema of Jenkins' xUnit plugin (junit-10.xsd); XML 1.0, 2.2
//! for the characters that a document can hold.
use crate::base::count;
use crate::judge::finding::{Finding, Place, Report};
use crate::report::text::plain::clean;

/// Escapes text for an element or attribute. Characters outside XML are spelled out.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // The end of `]]>`, which XML forbids in text.
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A line break in an attribute would be read as a space.
            '\n' => out.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

fn case(finding: &Finding<Place>) -> String {
    let at = &finding.primary.at;
    let mut words = vec![format!(
        "{}:{}:{}: {}",
        at.path, at.line, at.column, finding.message
    )];
    words.extend(finding.details());
    let inner = match &finding.acknowledged {
        Some(by) => format!(
            "<skipped message=\"{}\">{}</skipped>",
            xml(&format!("acknowledged {by}")),
            xml(&words.join("\n"))
        ),
        None => format!(
            "<failure type=\"{}\" message=\"{}\">{}</failure>",
            finding.rule.code,
            xml(&finding.message),
            xml(&words.join("\n"))
        ),
    };
    format!(
        "    <testcase classname=\"{}\" name=\"{} {} {}:{}\">\n      {inner}\n    </testcase>\n",
        xml(&at.path),
        finding.rule.code,
        finding.rule.name,
        at.line,
        at.column
    )
}

pub(crate) fn render(report: &Report) -> String {
    let open = report.open().count();
    let skipped = report.findings.len() - open;
    let mut cases: String = report.findings.iter().map(case).collect();
    let mut tests = report.findings.len();
    if open == 0 {
        // Many readers reject a file without a test.
        tests += 1;
        cases.push_str("    <testcase classname=\"modelry\" name=\"nothing is wrong\"/>\n");
    }
    let mut told = vec![format!(
        "looked at {}, {}",
        count(report.checked.changes, "change"),
        count(report.checked.documents, "document")
    )];
    told.extend(report.notes.iter().map(|note| format!("note: {}", note.message)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"modelry\" tests=\"{tests}\" failures=\"{open}\" errors=\"0\">\n  <testsuite name=\"modelry\" tests=\"{tests}\" failures=\"{open}\" errors=\"0\" skipped=\"{skipped}\">\n{cases}    <system-out>{}</system-out>\n  </testsuite>\n</testsuites>\n",
        xml(&told.join("\n"))
    )
}
