//! A summary as a page for a pull request or a terminal. Both are made of the same
//! blocks, so both show the same.

mod blocks;
mod builder;
mod markdown;
mod steps;
mod terminal;
mod version;

use crate::judge::finding::Report;
use crate::report::Style;
use crate::report::summary::Summary;

/// A summary with its context.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    /// The summary.
    pub summary: &'a Summary,
    /// The judge's report, for each way of landing, or `None` if the judge was not run.
    pub report: Option<&'a Report>,
    /// The registry's folder from the repository's top; empty for the top.
    pub folder: &'a str,
    /// The first and the last commit.
    pub range: (&'a str, &'a str),
    /// A caution that the reader must see first.
    pub caution: Option<&'a str>,
}

/// Limits on long content.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// The most items of one list.
    items: usize,
    /// The most characters of one text.
    text: usize,
}

/// The most bytes of a page: hosts limit comments to 65,536 characters.
const LONGEST: usize = 60_000;

/// The limits to try in turn, from all content to almost none.
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

/// Renders the page as Markdown for a comment on a pull request. It fits the limit of a
/// host, and its only markup is Modelry's own.
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

/// Renders the page for a terminal.
pub fn terminal(page: &Page<'_>, style: &Style) -> String {
    terminal::render(&blocks::of(page, LIMITS[0]), style)
}
