//! Builds the tree from parser events and reports every fault. It does not recurse, so
//! no nesting can exhaust the stack.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle};
use serde_json::{Map, Value};

use super::read::{Fault, FaultKind, Limits, Node, Shape, fault};
use super::scalar::{self, Plain};

/// The distance beyond which some readers do not look for a key's colon.
const LONGEST_KEY: usize = 1024;

/// A collection that is still open.
struct Open {
    start: usize,
    flow: bool,
    /// The end of the last node inside.
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

pub(super) struct Builder<'t, 'f> {
    text: &'t str,
    limits: Limits,
    /// Whether numbers follow the grammar of JSON.
    json: bool,
    faults: &'f mut Vec<Fault>,
    open: Vec<Open>,
    nodes: usize,
    done: Option<(Node, Value)>,
}

impl<'t, 'f> Builder<'t, 'f> {
    pub(super) fn new(text: &'t str, limits: Limits, json: bool, faults: &'f mut Vec<Fault>) -> Self {
        Builder {
            text,
            limits,
            json,
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

    pub(super) fn run(mut self) -> Option<(Node, Value)> {
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
        self.finish(documents)
    }

    /// Ends the text, with what is wrong with the document as a whole.
    fn finish(&mut self, documents: usize) -> Option<(Node, Value)> {
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
        let help = match kind {
            FaultKind::Syntax if self.is_plain_with_colon(at) => {
                "quote the text: a colon with a space after it starts a mapping"
            }
            FaultKind::Syntax => {
                "mend that place, or the line before it: quotes, brackets and indentation must match"
            }
            _ => "",
        };
        self.say(kind, at..end, format!("this is not YAML: {said}"), help);
    }

    /// Whether the line is `key: some text: more`, without quotes.
    fn is_plain_with_colon(&self, at: usize) -> bool {
        let start = self.text[..at].rfind('\n').map_or(0, |feed| feed + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let value = line.trim_start().trim_start_matches("- ").split_once(": ");
        value.is_some_and(|(_, value)| {
            let value = value.trim();
            let is_plain = !value.starts_with(['"', '\'', '[', '{', '|', '>']);
            is_plain && (value.contains(": ") || value.ends_with(':'))
        })
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
        // A character that is written plainly has its own fault.
        let is_plain = self.text[span.clone()]
            .chars()
            .any(|c| scalar::is_hidden(c) && c != '\n');
        let holds_hidden = text.chars().any(|c| scalar::is_hidden(c) && c != '\t');
        if style != ScalarStyle::Plain && holds_hidden && !is_plain {
            let help = "remove it: it is not seen as it is";
            self.say(
                FaultKind::ControlCharacter,
                span.clone(),
                "this text holds a hidden character",
                help,
            );
        }
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block && text.ends_with('\n') && !self.text.ends_with('\n') {
            let end = self.text.len();
            if self.text[span.end.min(end)..].trim().is_empty() {
                self.say(
                    FaultKind::LineEnding,
                    span.clone(),
                    "the last line of this text has no line feed, which readers take differently",
                    "end the file with a line feed",
                );
            }
        }
        let in_flow = self.open.iter().any(|open| open.flow);
        let value = match style {
            // Inside brackets, some readers take these signs for punctuation.
            ScalarStyle::Plain if in_flow && (text.contains('?') || text.starts_with(':')) => {
                Plain::Ambiguous {
                    text: scalar::quote(&text),
                    other: None,
                }
            }
            ScalarStyle::Plain => {
                let number = self.json.then(|| scalar::json_number(&text)).flatten();
                number.unwrap_or_else(|| scalar::plain(&text))
            }
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

    /// Returns why some readers do not recognise this key: YAML 1.1 and PyYAML look for
    /// the colon on the key's own line, within 1024 characters.
    fn misses_its_colon(&self, span: &Range<usize>) -> Option<&'static str> {
        let spelled = &self.text[span.clone()];
        let after = self.text[span.end..].trim_start_matches(' ');
        if spelled.contains('\n') || !after.starts_with(':') {
            return Some("a key and its colon stand on one line");
        }
        let length = self.text.len() - after.len() - span.start;
        (length > LONGEST_KEY).then_some("a key has at most 1024 bytes")
    }

    fn key(&mut self, plain: Plain, span: Range<usize>) {
        if let Some(why) = self.misses_its_colon(&span) {
            self.say(
                FaultKind::BadKey,
                span.clone(),
                why,
                "write a short key on one line, and the colon behind it",
            );
        }
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
        // A collection as a key was already reported; its value still follows.
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
                    // An alias as a key was already reported.
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
