//! The lexical elements of a condition's text, bounded in number and nesting. Source: the
//! lexical part of the CEL specification, as far as conditions may use it.

use std::ops::Range;

use super::ExprFault;

/// The elements that conditions may use, for messages.
pub(super) const ALLOWED: &str = "conditions have comparison, arithmetic, `&& || !`, `? :`, `in`, `has(x.y)`, `size(x)`, `x.exists(y, …)`, `x.all(y, …)`";

/// Bytes of a condition.
pub(super) const MAX_SOURCE: usize = 2048;
/// Lexical elements of a condition.
const MAX_TOKENS: usize = 400;
/// Brackets within brackets.
const MAX_NESTING: usize = 16;
/// Bytes of one text literal, with its quotes.
const MAX_TEXT: usize = 256;
/// `? :` in all: the grammar nests each in the one before.
const MAX_TERNARIES: usize = 16;

/// The kind of an element, as far as the scanner distinguishes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a word.
    Word,
    /// A number.
    Number,
    /// A text literal.
    Text,
    /// An operator or a bracket.
    Sign,
}

/// One lexical element.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
}

/// Splits a text into elements, or returns its fault.
pub(super) fn scan(source: &str) -> Result<Vec<Token>, ExprFault> {
    if source.len() > MAX_SOURCE {
        let bytes = source.len();
        return Err(ExprFault::at(
            None,
            format!("the condition has {bytes} bytes; {MAX_SOURCE} is the limit"),
        ));
    }
    let mut tokens: Vec<Token> = Vec::new();
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut ternaries = 0;
    let mut at = 0;
    let bytes = source.as_bytes();
    while at < bytes.len() {
        let byte = bytes[at];
        let (kind, end) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = run(bytes, at, |b| b != b'\n');
                continue;
            }
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => (Kind::Word, run(bytes, at, word)),
            b'0'..=b'9' => (Kind::Number, number(bytes, at)),
            b'.' if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) && !after_value(bytes, &tokens) => {
                (Kind::Number, number(bytes, at))
            }
            b'\'' | b'"' => (Kind::Text, text(source, at, tokens.last())?),
            b'&' | b'|' | b'=' | b'!' | b'<' | b'>' => (Kind::Sign, operator(source, at)?),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'.' | b',' | b':' => (Kind::Sign, at + 1),
            b'?' => {
                ternaries += 1;
                (Kind::Sign, at + 1)
            }
            b'(' | b'[' => {
                open.push((byte, at));
                (Kind::Sign, at + 1)
            }
            b')' | b']' => {
                close(&mut open, byte, at)?;
                (Kind::Sign, at + 1)
            }
            _ => return Err(stranger(source, at)),
        };
        tokens.push(Token { kind, span: at..end });
        let limit = |name: &str, limit: usize| {
            let message = format!("the condition is too large: {limit} {name} is the limit");
            Err(ExprFault::at(Some(at..end), message))
        };
        if tokens.len() > MAX_TOKENS {
            return limit("words and signs", MAX_TOKENS);
        }
        if open.len() > MAX_NESTING {
            return limit("brackets within brackets", MAX_NESTING);
        }
        if ternaries > MAX_TERNARIES {
            return limit("choices with `? :`", MAX_TERNARIES);
        }
        at = end;
    }
    if let Some(&(bracket, at)) = open.last() {
        let bracket = char::from(bracket);
        return Err(ExprFault::at(
            Some(at..at + 1),
            format!("`{bracket}` is never closed"),
        ));
    }
    if tokens.is_empty() {
        return Err(ExprFault::at(None, "the condition is empty"));
    }
    Ok(tokens)
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The end of a run of bytes that starts here.
fn run(bytes: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> usize {
    bytes[at..]
        .iter()
        .position(|&byte| !belongs(byte))
        .map_or(bytes.len(), |length| at + length)
}

/// Whether the elements read so far end a value, so that a dot selects from it.
fn after_value(bytes: &[u8], tokens: &[Token]) -> bool {
    tokens.last().is_some_and(|token| match token.kind {
        Kind::Word | Kind::Number | Kind::Text => true,
        Kind::Sign => matches!(bytes[token.span.start], b')' | b']'),
    })
}

/// Finds the end of a number: digits, letters, a fraction, a signed exponent.
/// [`super::literal`] checks its form.
fn number(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(&byte) = bytes.get(end) {
        let exponent = matches!(byte, b'+' | b'-')
            && end > at
            && matches!(bytes[end - 1], b'e' | b'E')
            && !bytes[at..].starts_with(b"0x");
        let fraction = byte == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !word(byte) && !exponent && !fraction {
            break;
        }
        end += 1;
    }
    end
}

/// The end of a text literal.
fn text(source: &str, at: usize, before: Option<&Token>) -> Result<usize, ExprFault> {
    let bytes = source.as_bytes();
    let quote = bytes[at];
    if let Some(before) = before.filter(|before| before.span.end == at) {
        if matches!(before.kind, Kind::Word | Kind::Number) {
            return Err(ExprFault::at(
                Some(before.span.clone()),
                "a text has no prefix here: write it between plain quotes",
            ));
        }
        if before.kind == Kind::Text {
            return Err(ExprFault::at(
                Some(before.span.start..at + 1),
                "a text has one quote at each end here, not three",
            ));
        }
    }
    let mut end = at + 1;
    loop {
        match bytes.get(end) {
            Some(&byte) if byte == quote => break,
            Some(b'\\') => end += 2,
            None | Some(b'\n' | b'\r') => {
                return Err(ExprFault::at(
                    Some(at..end.min(source.len())),
                    "the text is never closed",
                ));
            }
            Some(_) => end += 1,
        }
    }
    end += 1;
    if end - at > MAX_TEXT {
        return Err(ExprFault::at(
            Some(at..end),
            format!("the text is too long: {MAX_TEXT} bytes is the limit"),
        ));
    }
    Ok(end)
}

/// Returns the end of an operator, with words for those that are common in other
/// languages.
fn operator(source: &str, at: usize) -> Result<usize, ExprFault> {
    let rest = &source[at..];
    for double in ["&&", "||", "==", "!=", "<=", ">="] {
        if rest.starts_with(double) {
            return Ok(at + 2);
        }
    }
    let meant = match rest.as_bytes()[0] {
        b'&' => "&&",
        b'|' => "||",
        b'=' => "==",
        _ => return Ok(at + 1),
    };
    let wrong = &rest[..1];
    Err(ExprFault::at(
        Some(at..at + 1),
        format!("`{wrong}` is no operator here: write `{meant}`"),
    ))
}

fn close(open: &mut Vec<(u8, usize)>, byte: u8, at: usize) -> Result<(), ExprFault> {
    let expected = if byte == b')' { b'(' } else { b'[' };
    match open.pop() {
        Some((bracket, _)) if bracket == expected => Ok(()),
        Some((bracket, start)) => Err(ExprFault::at(
            Some(start..at + 1),
            format!("`{}` is closed by `{}`", char::from(bracket), char::from(byte)),
        )),
        None => Err(ExprFault::at(
            Some(at..at + 1),
            format!("`{}` closes nothing", char::from(byte)),
        )),
    }
}

fn stranger(source: &str, at: usize) -> ExprFault {
    let character = source[at..].chars().next().unwrap_or_default();
    let span = Some(at..at + character.len_utf8());
    match character {
        '{' | '}' => ExprFault::at(span, format!("maps can't be written here; {}", ALLOWED)),
        '`' => ExprFault::at(
            span,
            "a name in backticks can't be used here: write `x[\"name\"]`",
        ),
        other => ExprFault::at(span, format!("`{}` has no meaning here", other.escape_default())),
    }
}
