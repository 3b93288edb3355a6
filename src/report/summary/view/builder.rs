//! The pieces of a page, and how much of what is long goes into it.

use super::Limit;
use crate::report::summary::differing_parts;

/// A piece of a line.
#[derive(Clone, Debug)]
pub(super) enum Span {
    /// Our own words.
    Ours(String),
    /// Our own words, to be seen.
    Strong(String),
    /// Text that others wrote, or that holds some: never markup.
    Theirs(String),
    /// A good word.
    Good(String),
    /// A bad one.
    Bad(String),
    /// A word of warning.
    Warn(String),
}

pub(super) type Line = Vec<Span>;

/// A piece of a page.
#[derive(Clone, Debug)]
pub(super) enum Block {
    /// The page's title, or a section's.
    Heading(usize, Line),
    /// A paragraph.
    Text(Line),
    /// What nobody should miss.
    Warning(Line, Vec<Line>),
    /// Items.
    List(Vec<Line>),
    /// Rows under a header.
    Table(Vec<Line>, Vec<Vec<Line>>),
    /// Text to copy, and its language.
    Code(&'static str, String),
    /// What is long, behind its title.
    Fold(String, Vec<Block>),
    /// As [`Block::Fold`], for those who lack the command: of no use where it
    /// runs.
    ByHand(String, Vec<Block>),
}

pub(super) fn ours(text: impl Into<String>) -> Span {
    Span::Ours(text.into())
}

pub(super) fn strong(text: impl Into<String>) -> Span {
    Span::Strong(text.into())
}

/// The page under construction.
pub(super) struct Builder {
    pub(super) limit: Limit,
    pub(super) blocks: Vec<Block>,
    /// How many things were left out.
    pub(super) left_out: usize,
}

impl Builder {
    /// A builder for the inside of a block, which counts on.
    fn inner(&self) -> Builder {
        Builder {
            limit: self.limit,
            blocks: Vec::new(),
            left_out: 0,
        }
    }

    pub(super) fn fold(&mut self, title: impl Into<String>, fill: impl FnOnce(&mut Builder)) {
        let mut inner = self.inner();
        fill(&mut inner);
        self.left_out += inner.left_out;
        if !inner.blocks.is_empty() {
            self.blocks.push(Block::Fold(title.into(), inner.blocks));
        }
    }

    /// Text of others, no longer than it may be.
    pub(super) fn theirs(&mut self, text: &str) -> Span {
        if text.chars().count() <= self.limit.text {
            return Span::Theirs(text.to_owned());
        }
        self.left_out += 1;
        let cut: String = text.chars().take(self.limit.text).collect();
        Span::Theirs(format!("{cut}…"))
    }

    /// Two texts of others, cut so that what differs stays in sight.
    pub(super) fn pair(&mut self, before: &str, after: &str) -> (String, String) {
        let cut = differing_parts(before, after, self.limit.text);
        if (cut.0.as_str(), cut.1.as_str()) != (before, after) {
            self.left_out += 1;
        }
        cut
    }

    pub(super) fn heading(&mut self, level: usize, line: Line) {
        self.blocks.push(Block::Heading(level, line));
    }

    pub(super) fn text(&mut self, line: Line) {
        self.blocks.push(Block::Text(line));
    }

    /// As many as may be told, and how many are not.
    pub(super) fn some<'i, T>(&mut self, items: &'i [T]) -> (&'i [T], Option<Line>) {
        if items.len() <= self.limit.items {
            return (items, None);
        }
        let rest = items.len() - self.limit.items;
        self.left_out += rest;
        (
            &items[..self.limit.items],
            Some(vec![ours(format!("… and {rest} more, left out here"))]),
        )
    }

    pub(super) fn list<T>(&mut self, items: &[T], line: impl Fn(&mut Builder, &T) -> Line) -> Vec<Line> {
        let (some, rest) = self.some(items);
        let mut lines: Vec<Line> = some.iter().map(|item| line(self, item)).collect();
        lines.extend(rest);
        lines
    }

    pub(super) fn names(&mut self, names: &[impl ToString]) -> Line {
        let (some, rest) = self.some(names);
        let mut line = Line::new();
        for (at, name) in some.iter().enumerate() {
            if at > 0 {
                line.push(ours(", "));
            }
            line.push(self.theirs(&name.to_string()));
        }
        line.extend(rest.into_iter().flatten().map(|span| match span {
            Span::Ours(words) => Span::Ours(format!(" {words}")),
            other => other,
        }));
        line
    }
}
