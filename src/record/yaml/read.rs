//! Parses text to a tree with the byte span of every key and value.

use std::ops::Range;
use std::sync::Arc;

use granit_parser::ScalarStyle;
use serde_json::Value;

use super::build::Builder;
use super::conflict::conflicts;
use super::place::Part;
use super::scalar;

/// The limits of one document.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of the file.
    pub bytes: usize,
    /// The deepest nesting.
    pub depth: usize,
    /// The most keys and values.
    pub nodes: usize,
    /// The most bytes of one value.
    pub scalar: usize,
}

impl Limits {
    /// The limits of most records: 256 KiB.
    pub const RECORD: Limits = Limits {
        bytes: 256 << 10,
        depth: 24,
        nodes: 16_384,
        scalar: 64 << 10,
    };
    /// The fault of a text of this many bytes, which exceeds the limit.
    pub fn too_large(&self, bytes: usize) -> Fault {
        let message = format!("the file has {bytes} bytes, and the limit is {}", self.bytes);
        fault(FaultKind::TooLarge, 0..0, message)
    }

    /// The limits of card and registry: 1 MiB.
    pub const LARGE: Limits = Limits {
        bytes: 1 << 20,
        depth: 24,
        nodes: 65_536,
        scalar: 256 << 10,
    };
}

/// A kind of fault in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each has a rule page of the same name")]
pub enum FaultKind {
    NotUtf8,
    LineEnding,
    ControlCharacter,
    Syntax,
    NotOneDocument,
    Anchor,
    Tag,
    DuplicateKey,
    BadKey,
    ExplicitNull,
    AmbiguousScalar,
    Number,
    TooLarge,
    MergeConflict,
}

/// A fault in a text, its place, and the spelling to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault.
    pub kind: FaultKind,
    /// The range of bytes.
    pub span: Range<usize>,
    /// The fault, in one sentence.
    pub message: String,
    /// The text to write instead.
    pub help: Option<String>,
    /// A second place, with a short note.
    pub related: Option<(Range<usize>, String)>,
}

/// The form in which a value is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Scalar(ScalarStyle),
    Map {
        flow: bool,
        entries: Vec<(String, Range<usize>, Node)>,
    },
    Seq {
        flow: bool,
        items: Vec<Node>,
    },
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub span: Range<usize>,
    pub shape: Shape,
}

/// A text that every YAML reader reads the same way.
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) text: Arc<str>,
    pub(super) root: Node,
    value: Value,
}

impl Document {
    /// Reads a text strictly.
    ///
    /// # Errors
    /// Every fault that can be found, in the order of their places. A syntax error
    /// hides the faults after it.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document, Vec<Fault>> {
        Document::read_text(decode(bytes, limits)?, limits, false)
    }

    /// Parses one JSON mapping equally strictly. It refuses the same keys, characters
    /// and sizes, and numbers that readers round. White space follows JSON.
    pub fn read_json(bytes: &[u8], limits: &Limits) -> Result<Document, Vec<Fault>> {
        let text = as_yaml(decode(bytes, limits)?);
        Document::read_text(&text, limits, true)
    }

    fn read_text(text: &str, limits: &Limits, json: bool) -> Result<Document, Vec<Fault>> {
        let mut faults = characters(text);
        let tree = Builder::new(text, *limits, json, &mut faults).run();
        if let Some(span) = tree.as_ref().and_then(|(root, _)| ended_early(text, root)) {
            let mut told = fault(
                FaultKind::NotOneDocument,
                span,
                "a document ends here before it begins",
            );
            told.help = Some("leave the line `...` out".into());
            faults.push(told);
        }
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        faults.dedup_by(|a, b| a.kind == b.kind && a.span == b.span);
        // What no parser reads is told as the character that it is.
        let hidden: Vec<usize> = faults
            .iter()
            .filter(|fault| fault.kind == FaultKind::ControlCharacter)
            .map(|fault| fault.span.start)
            .collect();
        faults.retain(|fault| fault.kind != FaultKind::Syntax || !hidden.contains(&fault.span.start));
        // The other faults of such a text are consequences of the conflict.
        if !faults.is_empty() {
            let conflicts = conflicts(text);
            faults = if conflicts.is_empty() { faults } else { conflicts };
        }
        match tree {
            Some((root, value)) if faults.is_empty() => Ok(Document {
                text: text.into(),
                root,
                value,
            }),
            _ => Err(faults),
        }
    }

    /// The text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The values, as written.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The bytes of the value or key at a JSON pointer, or of its nearest existing
    /// parent. For the whole document, the bytes of its first key.
    pub fn span(&self, pointer: &str, part: Part) -> Range<usize> {
        let mut node = &self.root;
        let mut key = first_line(&self.root);
        let mut exists = true;
        for step in steps(pointer) {
            match child(node, &step) {
                Some((at, next)) => {
                    key = at;
                    node = next;
                }
                None => {
                    exists = false;
                    break;
                }
            }
        }
        let scalar = matches!(node.shape, Shape::Scalar(_));
        let flow = matches!(
            node.shape,
            Shape::Map { flow: true, .. } | Shape::Seq { flow: true, .. }
        );
        match part {
            Part::Value if exists && (scalar || flow) => node.span.clone(),
            _ => key,
        }
    }

    /// The scalar at a JSON pointer, exactly as written.
    pub fn spelling(&self, pointer: &str) -> Option<&str> {
        let node = self.node(pointer)?;
        matches!(node.shape, Shape::Scalar(_)).then(|| &self.text[node.span.clone()])
    }

    pub(super) fn node(&self, pointer: &str) -> Option<&Node> {
        steps(pointer)
            .iter()
            .try_fold(&self.root, |node, step| Some(child(node, step)?.1))
    }
}

/// Converts JSON so that the YAML reader reads the same values: tabs and carriage
/// returns between tokens become spaces, and surrogate pairs become their character.
fn as_yaml(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    let mut in_text = false;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '"' => {
                in_text = !in_text;
                out.push(c);
            }
            '\\' if in_text => match surrogates(rest) {
                Some(c) => {
                    length = 12;
                    out.push(c);
                }
                None => {
                    let escaped = rest[1..].chars().next();
                    length += escaped.map_or(0, char::len_utf8);
                    match escaped {
                        // YAML 1.1 does not have this escape.
                        Some('/') => out.push('/'),
                        _ => out.push_str(&rest[..length]),
                    }
                }
            },
            '\t' | '\r' if !in_text => out.push(' '),
            c => out.push(c),
        }
        rest = &rest[length..];
    }
    out
}

/// Decodes a character spelled as two escapes: `\ud83d\ude00`.
fn surrogates(text: &str) -> Option<char> {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(escape, 16).ok()
    };
    let (high, low) = (unit(0)?, unit(6)?);
    char::decode_utf16([high, low])
        .next()?
        .ok()
        .filter(|c| c.len_utf16() == 2)
}

/// Splits a JSON pointer into unescaped steps (RFC 6901).
pub(super) fn steps(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Escapes a key as a step of a JSON pointer (RFC 6901).
pub fn pointer_step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn first_line(root: &Node) -> Range<usize> {
    match &root.shape {
        Shape::Map { entries, .. } => entries
            .first()
            .map_or(root.span.clone(), |(_, span, _)| span.clone()),
        _ => root.span.clone(),
    }
}

fn child<'n>(node: &'n Node, step: &str) -> Option<(Range<usize>, &'n Node)> {
    match &node.shape {
        Shape::Map { entries, .. } => {
            let (_, span, value) = entries.iter().find(|(key, ..)| key == step)?;
            Some((span.clone(), value))
        }
        Shape::Seq { items, .. } => {
            let item = items.get(step.parse::<usize>().ok()?)?;
            Some((item.span.clone(), item))
        }
        Shape::Scalar(_) => None,
    }
}

pub(super) fn fault(kind: FaultKind, span: Range<usize>, message: impl Into<String>) -> Fault {
    Fault {
        kind,
        span,
        message: message.into(),
        help: None,
        related: None,
    }
}

/// Finds a mark of the document's end that precedes the document: libyaml rejects such
/// a text. Found by fuzzing.
fn ended_early(text: &str, root: &Node) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.get(..root.span.start)?.split_inclusive('\n') {
        let rest = line.strip_prefix("...");
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n'])) {
            return Some(at..at + 3);
        }
        at += line.len();
    }
    None
}

fn decode<'b>(bytes: &'b [u8], limits: &Limits) -> Result<&'b str, Vec<Fault>> {
    if bytes.len() > limits.bytes {
        return Err(vec![limits.too_large(bytes.len())]);
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        let mut told = fault(FaultKind::NotUtf8, 0..3, "the file starts with a byte order mark");
        told.help = Some("save it as UTF-8 without a byte order mark".into());
        return Err(vec![told]);
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let message = format!("byte {} is not UTF-8", at + 1);
        vec![Fault {
            help: Some("save the file as UTF-8".into()),
            ..fault(FaultKind::NotUtf8, at..at + 1, message)
        }]
    })
}

/// Finds invisible or misleading characters. Reports one fault for each kind, at its
/// first place.
fn characters(text: &str) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for (at, c) in text.char_indices() {
        if c == '\n' || !scalar::is_hidden(c) {
            continue;
        }
        let span = at..at + c.len_utf8();
        let line_end = matches!(c, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
        let kind = if line_end {
            FaultKind::LineEnding
        } else {
            FaultKind::ControlCharacter
        };
        if faults.iter().any(|fault| fault.kind == kind) {
            continue;
        }
        let mut told = fault(
            kind,
            span,
            format!("character U+{:04X} is not allowed here", u32::from(c)),
        );
        told.help = Some(match c {
            '\r' => "end lines with a line feed alone: `sed -i 's/\\r$//' FILE`".into(),
            '\t' => "use spaces, or write `\\t` in double quotes".into(),
            _ if line_end => "end lines with a line feed alone".to_owned(),
            _ => "remove it: it is not seen as it is".to_owned(),
        });
        faults.push(told);
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_ends_before_it_begins_is_refused() {
        let kinds = |text: &str| -> Vec<FaultKind> {
            let read = Document::read(text.as_bytes(), &Limits::RECORD);
            let faults = read.err().unwrap_or_default();
            faults.into_iter().map(|fault| fault.kind).collect()
        };
        for text in ["...\na: 1\n", "# v\n...\na: 1\n", "... # x\na: 1\n"] {
            assert_eq!(kinds(text), [FaultKind::NotOneDocument], "{text}");
        }
        for text in ["a: 1\n...\n", "# ...\na: 1\n", "....a: 1\n", "a: |\n  ...\n"] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }
}
