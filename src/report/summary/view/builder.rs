//! The pieces of a page, with limits on long content.

use super::Limit;
use crate::report::summary::differing_parts;

/// A piece of a line.
#[derive(Clone, Debug)]
pub(super) enum Span {
    /// Text of Modelry.
    Ours(String),
    /// Emphasised text of Modelry.
    Strong(String),
    /// Text that others wrote, or that contains some: never markup.
    Theirs(String),
    /// A word for a good result.
    Good(String),
    /// A word for a bad result.
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
    Text(Line),
    /// A warning that must be seen.
    Warning(Line, Vec<Line>),
    List(Vec<Line>),
    /// Rows under a header.
    Table(Vec<Line>, Vec<Vec<Line>>),
    /// Text to copy, and its language.
    Code(&'static str, String),
    /// Long content, folded under its title.
    Fold(String, Vec<Block>),
    /// As [`Block::Fold`], for readers who lack the command. It is left out where the
    /// command runs.
    ByHand(String, Vec<Block>),
}

pub(super) fn ours(text: impl Into<String>) -> Span {
    Span::Ours(text.into())
}

pub(super) fn strong(text: impl Into<String>) -> Span {
    Span::Strong(text.into())
}

/// A page under construction.
pub(super) struct Builder {
    pub(super) limit: Limit,
    pub(super) blocks: Vec<Block>,
    /// The number of items that were left out.
    pub(super) left_out: usize,
}

impl Builder {
    /// A builder for the inside of a block, which shares the counter.
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

    /// Text of others, cut to the limit.
    pub(super) fn theirs(&mut self, text: &str) -> Span {
        if text.chars().count() <= self.limit.text {
            return Span::Theirs(text.to_owned());
        }
        self.left_out += 1;
        let cut: String = text.chars().take(self.limit.text).collect();
        Span::Theirs(format!("{cut}…"))
    }

    /// Two texts of others, cut so that the difference stays visible.
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

    /// The items within the limit, and a line with the number of those left out.
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
