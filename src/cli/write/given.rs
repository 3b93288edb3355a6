//! Reads files and standard input that users give. The reader is strict, and reports
//! a fault with its place in the file.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::act::GivenPart;
use crate::base::Error;
use crate::cli::args::Global;
use crate::exchange;
use crate::judge::finding::{Finding, Label, Place, Report, Side};
use crate::judge::rules;
use crate::record::yaml::{Document, Fault, Limits, LineIndex};

/// Returns a file's bytes; the path is relative to the folder to work in, and `-` is
/// standard input.
pub fn read_file(name: &str, global: &Global) -> Result<Vec<u8>, Error> {
    if name == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Io {
                action: "read",
                path: "standard input".into(),
                source,
            })?;
        return Ok(bytes);
    }
    let path = global.located(Path::new(name));
    std::fs::read(&path).map_err(|source| Error::Io {
        action: "read",
        path,
        source,
    })
}

/// A mapping that a user gave, with the document that holds it.
pub struct Given {
    /// The members, which flags may change.
    pub members: Map<String, Value>,
    name: String,
    document: Document,
}

impl Given {
    /// Reads a mapping as YAML or JSON. Ambiguous spellings are reported as in a
    /// record: with their place and rule.
    pub fn read(name: &str, limits: Limits, global: &Global) -> Result<Result<Given, Report>, Error> {
        let bytes = read_file(name, global)?;
        let shown = if name == "-" { "standard input" } else { name };
        // Some shells write files with a byte order mark, or in UTF-16.
        let text = exchange::decoded(&bytes);
        let bytes = text.as_ref().map_or(&bytes[..], |text| text.as_bytes());
        // JSON first: a YAML reader would refuse its tabs.
        let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
            && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        let read = match is_json {
            true => Document::read_json(bytes, &limits),
            false => Document::read(bytes, &limits),
        };
        let document = match read {
            Ok(document) => document,
            Err(faults) => return Ok(Err(report(shown, bytes, &faults))),
        };
        match document.value() {
            Value::Object(members) => Ok(Ok(Given {
                members: members.clone(),
                name: shown.to_owned(),
                document,
            })),
            _ => Err(Error::msg(format!("{shown} is not a mapping"))),
        }
    }

    /// Returns the document as it was given.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Returns the document as a part of a record.
    pub fn part(&self, record: String, within: &str) -> GivenPart {
        GivenPart {
            record,
            within: within.to_owned(),
            name: self.name.clone(),
            document: self.document.clone(),
        }
    }
}

fn report(name: &str, bytes: &[u8], faults: &[Fault]) -> Report {
    let text: Arc<str> = String::from_utf8_lossy(bytes).into();
    let finding = |fault: &Fault| {
        let label = |span: &std::ops::Range<usize>, words: &str| Label {
            at: place(name, &text, span.clone(), ""),
            text: words.to_owned(),
        };
        let related = fault.related.iter();
        Finding {
            related: related.map(|(span, words)| label(span, words)).collect(),
            help: fault.help.clone(),
            ..Finding::at(
                rules::of_text(fault),
                place(name, &text, fault.span.clone(), ""),
                &fault.message,
            )
        }
    };
    Report {
        findings: faults.iter().map(finding).collect(),
        ..Report::default()
    }
}

/// Returns a place in a file that is not in a tree.
pub fn place(name: &str, text: &Arc<str>, span: std::ops::Range<usize>, pointer: &str) -> Place {
    let length = text.len();
    let span = span.start.min(length)..span.end.min(length).max(span.start.min(length));
    let index = LineIndex::new(text);
    let start = index.line_column(text, span.start);
    let end = index.line_column(text, span.end);
    Place {
        side: Side::After,
        path: name.to_owned(),
        pointer: pointer.to_owned(),
        commit: None,
        line: start.line.max(1),
        column: start.column.max(1),
        end_line: end.line.max(1),
        end_column: end.column.max(1),
        span,
        text: Some(text.clone()),
    }
}
