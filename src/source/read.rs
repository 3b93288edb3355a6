//! Text to tree, with the byte span of every key and value.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle};
use serde_json::{Map, Value};

use super::scalar::{self, Plain};
use crate::finding::Part;

/// Bounds of one document.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Nesting.
    pub depth: usize,
    /// Keys and values.
    pub nodes: usize,
    /// Bytes of one value.
    pub scalar: usize,
}

impl Limits {
    /// For most records: 256 KiB.
    pub const RECORD: Limits = Limits {
        bytes: 256 << 10,
        depth: 24,
        nodes: 16_384,
        scalar: 64 << 10,
    };
    /// For card and registry: 1 MiB.
    pub const LARGE: Limits = Limits {
        bytes: 1 << 20,
        depth: 24,
        nodes: 65_536,
        scalar: 256 << 10,
    };
}

/// The kinds of trouble in a text.
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
}

/// Trouble in a text, where it is, and the spelling to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// Where: bytes.
    pub span: Range<usize>,
    /// One sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// A second place, with a few words.
    pub related: Option<(Range<usize>, String)>,
}

/// How a value is written.
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

/// A text that everybody reads the same way.
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
    /// Every fault that can be told, in the order of their places. After a fault
    /// of syntax nothing more can be told.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document, Vec<Fault>> {
        let text = decode(bytes, limits)?;
        let mut faults = characters(text);
        let tree = Builder::new(text, *limits, &mut faults).run();
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
        faults.dedup_by(|a, b| a.kind == b.kind && a.span == b.span);
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

    /// The bytes of the value or key at a JSON pointer; of the nearest parent
    /// that exists when there is none. The whole document is its first key.
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

    /// The scalar at a JSON pointer exactly as it is written.
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

/// The unescaped steps of a JSON pointer (RFC 6901).
pub(super) fn steps(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
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

fn fault(kind: FaultKind, span: Range<usize>, message: impl Into<String>) -> Fault {
    Fault {
        kind,
        span,
        message: message.into(),
        help: None,
        related: None,
    }
}

fn decode<'b>(bytes: &'b [u8], limits: &Limits) -> Result<&'b str, Vec<Fault>> {
    if bytes.len() > limits.bytes {
        let message = format!(
            "the file has {} bytes, and the limit is {}",
            bytes.len(),
            limits.bytes
        );
        return Err(vec![fault(FaultKind::TooLarge, 0..0, message)]);
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

/// Characters that are not seen as they are; one fault for each kind of
/// trouble, at its first place.
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

/// A collection that is not closed yet.
struct Open {
    start: usize,
    flow: bool,
    /// The end of the last thing inside.
    end: usize,
    map: Option<MapParts>,
    items: Vec<Node>,
    values: Vec<Value>,
}

#[derive(Default)]
struct MapParts {
    entries: Vec<(String, Range<usize>, Node)>,
    seen: HashMap<String, Range<usize>>,
    value: Map<String, Value>,
    /// The key whose value comes next.
    key: Option<(String, Range<usize>)>,
}

struct Builder<'t, 'f> {
    text: &'t str,
    limits: Limits,
    faults: &'f mut Vec<Fault>,
    open: Vec<Open>,
    nodes: usize,
    done: Option<(Node, Value)>,
}

impl<'t, 'f> Builder<'t, 'f> {
    fn new(text: &'t str, limits: Limits, faults: &'f mut Vec<Fault>) -> Self {
        Builder {
            text,
            limits,
            faults,
            open: Vec::new(),
            nodes: 0,
            done: None,
        }
    }

    fn say(
        &mut self,
        kind: FaultKind,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let help = Some(help.into()).filter(|help: &String| !help.is_empty());
        self.faults.push(Fault {
            help,
            ..fault(kind, span, message)
        });
    }

    fn run(mut self) -> Option<(Node, Value)> {
        let mut documents = 0;
        for event in Parser::new_from_str(self.text) {
            let (event, span) = match event {
                Ok((event, span)) => (event, span.byte_range().unwrap_or(0..0)),
                Err(error) => {
                    self.syntax(&error);
                    return None;
                }
            };
            match event {
                Event::DocumentStart(_, version) => {
                    documents += 1;
                    if documents > 1 {
                        self.say(
                            FaultKind::NotOneDocument,
                            span,
                            "a second document starts here",
                            "keep one document in a file",
                        );
                        return None;
                    }
                    if version.is_some() {
                        self.say(
                            FaultKind::NotOneDocument,
                            span,
                            "the file uses a directive",
                            "remove the lines that start with `%`",
                        );
                    }
                }
                Event::Alias(_) | Event::UnresolvedAlias(_) => {
                    self.say(
                        FaultKind::Anchor,
                        span.clone(),
                        "aliases are not allowed",
                        "write the value out",
                    );
                    self.value(
                        Node {
                            span,
                            shape: Shape::Scalar(ScalarStyle::Plain),
                        },
                        Value::String(String::new()),
                    );
                }
                Event::Scalar(text, style, anchor, tag) => {
                    self.marks(&span, anchor, tag.is_some());
                    self.scalar(text, style, span);
                }
                Event::MappingStart(style, anchor, tag) => {
                    self.marks(&span, anchor, tag.is_some());
                    self.start(span.start, style == StructureStyle::Flow, true);
                }
                Event::SequenceStart(style, anchor, tag) => {
                    self.marks(&span, anchor, tag.is_some());
                    self.start(span.start, style == StructureStyle::Flow, false);
                }
                Event::MappingEnd | Event::SequenceEnd => self.end(span),
                _ => {}
            }
            if self.nodes > self.limits.nodes || self.open.len() > self.limits.depth {
                let at = self.open.last().map_or(0, |open| open.start);
                let what = if self.nodes > self.limits.nodes {
                    format!("the document has more than {} keys and values", self.limits.nodes)
                } else {
                    format!("the document is nested more than {} deep", self.limits.depth)
                };
                self.say(FaultKind::TooLarge, at..at, what, "");
                return None;
            }
        }
        if self.text.lines().any(|line| line.starts_with('%'))
            && documents == 1
            && self.text.contains("\n---")
        {
            self.say(
                FaultKind::NotOneDocument,
                0..0,
                "the file uses a directive",
                "remove the lines that start with `%`",
            );
        }
        let end = self.text.len();
        match self.done.take() {
            None => {
                self.say(
                    FaultKind::NotOneDocument,
                    0..0,
                    "the file is empty",
                    "a record starts with `apiVersion: modelry/v1`",
                );
                None
            }
            Some((node, value)) if value.is_object() => Some((node, value)),
            Some(_) => {
                let span = 0..end.min(1);
                self.say(
                    FaultKind::Syntax,
                    span,
                    "the document is not a mapping",
                    "a record starts with `apiVersion: modelry/v1`",
                );
                None
            }
        }
    }

    fn syntax(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        let at = self.text.floor_char_boundary(at);
        let end = self.text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
        let said = error.info().to_string();
        let limit = said.contains("limit") || said.contains("exceeded") || said.contains("too deep");
        let kind = if limit {
            FaultKind::TooLarge
        } else {
            FaultKind::Syntax
        };
        self.say(kind, at..end, format!("this is not YAML: {said}"), "");
    }

    fn marks(&mut self, span: &Range<usize>, anchor: usize, tag: bool) {
        if anchor != 0 {
            self.say(
                FaultKind::Anchor,
                span.clone(),
                "anchors are not allowed",
                "remove the `&` name, and write each value out",
            );
        }
        if tag {
            self.say(
                FaultKind::Tag,
                span.clone(),
                "tags are not allowed",
                "remove the `!` tag",
            );
        }
    }

    fn expects_key(&self) -> bool {
        self.open
            .last()
            .and_then(|open| open.map.as_ref())
            .is_some_and(|map| map.key.is_none())
    }

    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, span: Range<usize>) {
        if text.len() > self.limits.scalar {
            self.say(
                FaultKind::TooLarge,
                span.clone(),
                format!("this value has more than {} bytes", self.limits.scalar),
                "",
            );
        }
        if style != ScalarStyle::Plain && text.chars().any(|c| scalar::is_hidden(c) && c != '\t') {
            let help = "remove it: it is not seen as it is";
            self.say(
                FaultKind::ControlCharacter,
                span.clone(),
                "this text holds a hidden character",
                help,
            );
        }
        let value = match style {
            ScalarStyle::Plain => scalar::plain(&text),
            _ => Plain::Same(Value::String(text.into_owned())),
        };
        if self.expects_key() {
            self.key(value, span);
            return;
        }
        let value = match value {
            Plain::Same(value) => value,
            Plain::Null => {
                let message = "a value is missing here: null is not allowed";
                self.say(
                    FaultKind::ExplicitNull,
                    span.clone(),
                    message,
                    "leave the key out, or write `\"\"` for empty text",
                );
                Value::Null
            }
            Plain::Merge | Plain::Ambiguous { .. } | Plain::Number(_) => {
                self.ambiguous(value, &span);
                Value::Null
            }
        };
        self.value(
            Node {
                span,
                shape: Shape::Scalar(style),
            },
            value,
        );
    }

    fn ambiguous(&mut self, plain: Plain, span: &Range<usize>) {
        let spelled = &self.text[span.clone()];
        match plain {
            Plain::Ambiguous { text, other } => {
                let message = format!("`{spelled}` is read differently by different YAML readers");
                let help = match other {
                    Some(other) => format!("write `{text}` for text, or `{other}`"),
                    None => format!("write `{text}`"),
                };
                self.say(FaultKind::AmbiguousScalar, span.clone(), message, help);
            }
            Plain::Number(why) => {
                let help = format!("write `\"{spelled}\"` if it is text");
                self.say(
                    FaultKind::Number,
                    span.clone(),
                    format!("`{spelled}` can't be kept as a number: {why}"),
                    help,
                );
            }
            _ => self.say(
                FaultKind::Anchor,
                span.clone(),
                "`<<` is a merge key to some readers",
                "write `\"<<\"`",
            ),
        }
    }

    fn key(&mut self, plain: Plain, span: Range<usize>) {
        let key = match plain {
            Plain::Same(Value::String(key)) => key,
            Plain::Merge => {
                self.say(
                    FaultKind::Anchor,
                    span.clone(),
                    "merge keys are not allowed",
                    "write the members out",
                );
                "<<".to_owned()
            }
            _ => {
                let spelled = &self.text[span.clone()];
                let help = format!("write `{}`", scalar::quote(spelled));
                self.say(
                    FaultKind::BadKey,
                    span.clone(),
                    format!("key `{spelled}` is not text to every YAML reader"),
                    help,
                );
                spelled.to_owned()
            }
        };
        let Some(map) = self.open.last_mut().and_then(|open| open.map.as_mut()) else {
            return;
        };
        if let Some(first) = map.seen.get(&key) {
            let mut told = fault(
                FaultKind::DuplicateKey,
                span.clone(),
                format!("key `{key}` stands twice"),
            );
            told.related = Some((first.clone(), "it stands here too".into()));
            told.help = Some("keep one of the two".into());
            self.faults.push(told);
        } else {
            map.seen.insert(key.clone(), span.clone());
        }
        map.key = Some((key, span));
        self.nodes += 1;
    }

    fn start(&mut self, start: usize, flow: bool, map: bool) {
        if self.expects_key() {
            self.say(
                FaultKind::BadKey,
                start..start + 1,
                "a key must be text",
                "write a plain key",
            );
        }
        let map = map.then(MapParts::default);
        self.open.push(Open {
            start,
            flow,
            end: start,
            map,
            items: Vec::new(),
            values: Vec::new(),
        });
    }

    fn end(&mut self, span: Range<usize>) {
        let Some(open) = self.open.pop() else { return };
        let end = if open.flow { span.end } else { open.end };
        let (shape, value, start) = match open.map {
            Some(map) => {
                let start = map
                    .entries
                    .first()
                    .filter(|_| !open.flow)
                    .map_or(open.start, |(_, key, _)| key.start);
                (
                    Shape::Map {
                        flow: open.flow,
                        entries: map.entries,
                    },
                    Value::Object(map.value),
                    start,
                )
            }
            None => (
                Shape::Seq {
                    flow: open.flow,
                    items: open.items,
                },
                Value::Array(open.values),
                open.start,
            ),
        };
        let node = Node {
            span: start..end.max(start),
            shape,
        };
        // A collection as a key was a fault already; its value still follows.
        if self.expects_key() {
            if let Some(map) = self.open.last_mut().and_then(|open| open.map.as_mut()) {
                map.key = Some((String::new(), node.span));
            }
            return;
        }
        self.value(node, value);
    }

    fn value(&mut self, node: Node, value: Value) {
        self.nodes += 1;
        let Some(open) = self.open.last_mut() else {
            self.done = Some((node, value));
            return;
        };
        open.end = open.end.max(node.span.end);
        match &mut open.map {
            Some(map) => {
                let Some((key, span)) = map.key.take() else {
                    // An alias as a key: the fault is told already.
                    map.key = Some((String::new(), node.span));
                    return;
                };
                open.end = open.end.max(span.end);
                map.value.insert(key.clone(), value);
                map.entries.push((key, span, node));
            }
            None => {
                open.items.push(node);
                open.values.push(value);
            }
        }
    }
}
