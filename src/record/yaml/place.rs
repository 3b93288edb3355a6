//! Converts bytes to line and column.

/// A place in a text. Both numbers start at one; the column counts Unicode scalar
/// values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A part of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// The starts of a text's lines.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Builds the index of a text.
    pub fn new(text: &str) -> LineIndex {
        let after_feeds = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        LineIndex {
            starts: std::iter::once(0).chain(after_feeds).collect(),
        }
    }

    /// Returns the place of a byte. A byte beyond the end has the place of the end.
    pub fn line_column(&self, text: &str, byte: usize) -> LineColumn {
        let byte = text.floor_char_boundary(byte.min(text.len()));
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line - 1];
        LineColumn {
            line,
            column: text[start..byte].chars().count() + 1,
        }
    }
}
