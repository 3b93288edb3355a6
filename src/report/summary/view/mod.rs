//! What a change means, as a page for a pull request or for a terminal. Both
//! are made of the same blocks, so that both tell the same.

mod blocks;
mod builder;
mod markdown;
mod steps;
mod terminal;
mod version;

use crate::judge::finding::Report;
use crate::report::Style;
use crate::report::summary::Summary;

/// What stands beside the summary itself.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    /// What the change means.
    pub summary: &'a Summary,
    /// What the judge says of it, in each way of landing; none where it was not
    /// asked.
    pub report: Option<&'a Report>,
    /// The registry's folder from the repository's top; empty for the top.
    pub folder: &'a str,
    /// From which commit, and to which.
    pub range: (&'a str, &'a str),
    /// What the reader must know before the rest.
    pub caution: Option<&'a str>,
}

/// How much of what is long is told.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Items of one list.
    items: usize,
    /// Characters of one text.
    text: usize,
}

/// Bytes of a page: hosts take comments of 65,536 characters.
const LONGEST: usize = 60_000;

/// From everything to next to nothing.
const LIMITS: [Limit; 8] = [
    Limit {
        items: 400,
        text: 600,
    },
    Limit {
        items: 100,
        text: 300,
    },
    Limit { items: 40, text: 200 },
    Limit { items: 16, text: 160 },
    Limit { items: 8, text: 120 },
    Limit { items: 4, text: 100 },
    Limit { items: 2, text: 80 },
    Limit { items: 1, text: 60 },
];

/// The page as Markdown, for a comment on a pull request: never longer than a
/// host takes, and nothing in it is markup but our own.
pub fn markdown(page: &Page<'_>) -> String {
    let mut text = String::new();
    for limit in LIMITS {
        text = markdown::render(&blocks::of(page, limit));
        if text.len() < LONGEST {
            break;
        }
    }
    text
}

/// The page for a terminal.
pub fn terminal(page: &Page<'_>, style: &Style) -> String {
    terminal::render(&blocks::of(page, LIMITS[0]), style)
}
