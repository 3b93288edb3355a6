//! Bytes to line and column.

/// A place in a text. Both are one-based; the column counts characters (Unicode
/// scalar values).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// Which part of a member is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// Where the lines of a text start.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// The index of this text.
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

    /// The place of a byte; what is beyond the end is at the end.
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
