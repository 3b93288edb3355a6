//! The text of a cursor, which records what was delivered to a receiver.
//!
//! ```text
//! modelry-cursor/1
//! registry 5c0f3a0e9d7b4f6f8a51c2d3e4f50617
//! sink 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! within 8b25206bf2b9b0ef8f5e2d0bdbd3ef2e6e0d9a31 4d6f9c1f0a77…
//! ```
//!
//! A cursor has four lines, each with exactly one spelling. The sink is a SHA-256 of
//! its address, since addresses of webhooks contain secrets. The last line is `start`
//! or `since` a commit before the first delivery; then `after` a commit, or `within`
//! a commit after one of its events.

use crate::base::Oid;
use crate::record::kind::RegistryId;

/// The largest cursor, in bytes.
pub const LARGEST_CURSOR: usize = 1 << 10;

/// The first line: the format, with its version.
const FORMAT: &str = "modelry-cursor/1";

/// The most characters of an event's id.
const LONGEST_ID: usize = 128;

/// A position in the events of a mainline: what was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Nothing was delivered; events start at the root.
    Start,
    /// Nothing was delivered; events start after this commit.
    Since(Oid),
    /// All events up to this commit were delivered, including its own.
    After(Oid),
    /// All events before this commit were delivered, and its own up to this id.
    Within(Oid, String),
}

impl Position {
    /// Returns the commit of the position.
    pub fn commit(&self) -> Option<Oid> {
        match self {
            Position::Start => None,
            Position::Since(commit) | Position::After(commit) | Position::Within(commit, _) => Some(*commit),
        }
    }

    /// Whether nothing was delivered yet.
    pub fn is_untold(&self) -> bool {
        matches!(self, Position::Start | Position::Since(_))
    }
}

/// A cursor: the position of one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The registry.
    pub registry: RegistryId,
    /// SHA-256 of the receiver's address.
    pub sink: [u8; 32],
    /// The events that were delivered.
    pub position: Position,
}

impl Cursor {
    /// Parses a cursor.
    ///
    /// # Errors
    /// The text is not a cursor.
    pub fn parse(bytes: &[u8]) -> Result<Cursor, String> {
        if bytes.len() > LARGEST_CURSOR {
            return Err(format!("it is larger than {LARGEST_CURSOR} bytes"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        if let Some(odd) = text.chars().find(|c| c.is_control() && *c != '\n') {
            return Err(format!("it holds the character {odd:?}"));
        }
        let text = text.strip_suffix('\n').ok_or("its last line does not end")?;
        let mut lines = text.split('\n');
        match lines.next() {
            Some(FORMAT) => {}
            Some(other) if other.starts_with("modelry-cursor/") => {
                return Err(format!(
                    "its format is `{other}`, and this Modelry knows `{FORMAT}`"
                ));
            }
            _ => return Err(format!("its first line is not `{FORMAT}`")),
        }
        let registry = lines
            .next()
            .and_then(|line| line.strip_prefix("registry ")?.parse().ok())
            .ok_or("its second line is not `registry` and an id")?;
        let sink = lines
            .next()
            .and_then(|line| hash(line.strip_prefix("sink ")?))
            .ok_or("its third line is not `sink` and a SHA-256")?;
        let position = lines
            .next()
            .and_then(position)
            .ok_or("its fourth line is no position")?;
        if lines.next().is_some() {
            return Err("it has more than four lines".into());
        }
        Ok(Cursor {
            registry,
            sink,
            position,
        })
    }

    /// Formats the cursor.
    pub fn text(&self) -> String {
        let sink: String = self.sink.iter().map(|byte| format!("{byte:02x}")).collect();
        let position = match &self.position {
            Position::Start => "start".to_owned(),
            Position::Since(commit) => format!("since {commit}"),
            Position::After(commit) => format!("after {commit}"),
            Position::Within(commit, event) => format!("within {commit} {event}"),
        };
        format!("{FORMAT}\nregistry {}\nsink {sink}\n{position}\n", self.registry)
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !is_hex(text) {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

fn position(line: &str) -> Option<Position> {
    let commit = |text: &str| Oid::from_hex(text).filter(|_| is_hex(text));
    match line.split_once(' ') {
        None => (line == "start").then_some(Position::Start),
        Some(("since", id)) => commit(id).map(Position::Since),
        Some(("after", id)) => commit(id).map(Position::After),
        Some(("within", rest)) => {
            let (id, event) = rest.split_once(' ')?;
            let is_id = (1..=LONGEST_ID).contains(&event.len()) && is_hex(event);
            is_id.then_some(Position::Within(commit(id)?, event.to_owned()))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "modelry-cursor/1
registry 5c0f3a0e9d7b4f6f8a51c2d3e4f50617
sink 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
within abababababababababababababababababababab 00c0ffee
";

    #[test]
    fn one_is_read_and_written_as_it_was() {
        let cursor = Cursor::parse(GOOD.as_bytes()).expect("a cursor");
        let Position::Within(commit, event) = &cursor.position else {
            panic!("{cursor:?}");
        };
        assert_eq!(
            (commit.to_string(), event.as_str()),
            ("ab".repeat(20), "00c0ffee")
        );
        assert_eq!(cursor.text(), GOOD);
    }

    #[test]
    fn what_is_not_exactly_one_is_refused() {
        let with = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            GOOD.replacen(from, to, 1)
        };
        for (text, why) in [
            (String::new(), "does not end"),
            ("\n".into(), "first line"),
            (GOOD.trim_end().into(), "does not end"),
            (GOOD.replace('\n', "\r\n"), "character '\\r'"),
            (with("cursor/1", "cursor/2"), "this Modelry knows"),
            (with("modelry-cursor", "modelry"), "first line"),
            (with("registry 5", "registry X"), "second line"),
            (with("registry 5", "registry  5"), "second line"),
            (with("sink 9", "sink "), "third line"),
            (with("sink 9f", "sink 9F"), "third line"),
            (with("sink 9f", "sink +f"), "third line"),
            (with("within", "without"), "fourth line"),
            (with("within a", "within A"), "fourth line"),
            (with(" 00c0ffee", ""), "fourth line"),
            (with(" 00c0ffee", " "), "fourth line"),
            (with("00c0ffee", "00C0FFEE"), "fourth line"),
            (with("00c0ffee", "00c0 ffee"), "fourth line"),
            (with("00c0ffee", &"0".repeat(129)), "fourth line"),
            (with("within", "after"), "fourth line"),
            (with("within", "since"), "fourth line"),
            (with("within", "start"), "fourth line"),
            (format!("{GOOD}\n"), "more than four"),
            (format!("{GOOD}start\n"), "more than four"),
            ("x".repeat(LARGEST_CURSOR + 1), "larger"),
        ] {
            let told = Cursor::parse(text.as_bytes()).expect_err(&text);
            assert!(told.contains(why), "{text}\n{told}");
        }
        assert!(Cursor::parse(b"modelry-cursor/1\xff\n").is_err());
    }

    fn cursor() -> impl Strategy<Value = Cursor> {
        let commit = (any::<bool>(), any::<[u8; 32]>());
        ("[0-9a-f]{32}", any::<[u8; 32]>(), commit, 0..4, "[0-9a-f]{1,128}").prop_filter_map(
            "ids",
            |(registry, sink, (long, commit), kind, event)| {
                let commit = Oid::from_bytes(&commit[..if long { 32 } else { 20 }])?;
                Some(Cursor {
                    registry: registry.parse().ok()?,
                    sink,
                    position: match kind {
                        0 => Position::Start,
                        1 => Position::After(commit),
                        2 => Position::Since(commit),
                        _ => Position::Within(commit, event),
                    },
                })
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn reader_and_writer_are_inverse(cursor in cursor()) {
            prop_assert_eq!(Cursor::parse(cursor.text().as_bytes()), Ok(cursor));
        }

        #[test]
        fn a_changed_byte_is_read_as_it_stands_or_not_at_all(at in 0..GOOD.len(), byte in any::<u8>()) {
            let mut bytes = GOOD.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(cursor) = Cursor::parse(&bytes) {
                prop_assert_eq!(cursor.text().into_bytes(), bytes);
            }
        }
    }
}
