//! Renders blocks as Markdown for Git hosts (CommonMark with tables).
//!
//! Text that others wrote becomes code, in which no host interprets markup, HTML,
//! links, mentions, references or emoji. Invisible characters are spelled out.

use super::builder::{Block, Line, Span};
use crate::report::clean;

/// A run of backticks that is longer than any in the text.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat((longest + 1).max(least))
}

/// Renders text as a code span. CommonMark 0.31, 6.1: line breaks become spaces, and
/// one space at each end is removed.
fn code(text: &str) -> String {
    let text = clean(text).replace('\n', " ");
    if text.trim().is_empty() {
        return "(empty)".into();
    }
    let fence = fence(&text, 1);
    let pad = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let pad = if pad { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

fn span(span: &Span) -> String {
    match span {
        Span::Ours(text) => text.clone(),
        Span::Strong(text) => format!("**{text}**"),
        Span::Theirs(text) => code(text),
        Span::Good(text) => format!("✅ {text}"),
        Span::Bad(text) => format!("❌ {text}"),
        Span::Warn(text) => format!("⚠️ **{text}**"),
    }
}

fn line(spans: &Line) -> String {
    spans.iter().map(span).collect()
}

/// Renders a cell. A bar would end it, even in code (GitHub Flavored Markdown, 4.10).
fn cell(spans: &Line) -> String {
    line(spans).replace('|', "\\|")
}

/// Renders a title within HTML. It contains only words of Modelry and names of records.
fn title(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn row(cells: &[Line]) -> String {
    let cells: Vec<String> = cells.iter().map(cell).collect();
    format!("| {} |", cells.join(" | "))
}

fn block(block: &Block) -> String {
    match block {
        Block::Heading(level, spans) => format!("{} {}", "#".repeat(*level), line(spans)),
        Block::Text(spans) => line(spans),
        Block::Warning(spans, items) => {
            let mut out = format!("> ⚠️ {}", line(spans));
            if !items.is_empty() {
                out.push_str("\n>");
            }
            for item in items {
                out.push_str(&format!("\n> - {}", line(item)));
            }
            out
        }
        Block::List(items) => {
            let items: Vec<String> = items.iter().map(|item| format!("- {}", line(item))).collect();
            items.join("\n")
        }
        Block::Table(header, rows) => {
            let mut lines = vec![row(header), format!("|{}", " --- |".repeat(header.len()))];
            lines.extend(rows.iter().map(|cells| row(cells)));
            lines.join("\n")
        }
        Block::Code(language, text) => {
            let text = clean(text);
            let fence = fence(&text, 3);
            format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
        }
        Block::Fold(name, blocks) | Block::ByHand(name, blocks) => {
            // Blank lines end the HTML, so that the inside is read as Markdown.
            format!(
                "<details>\n<summary>{}</summary>\n\n{}\n\n</details>",
                title(name),
                all(blocks)
            )
        }
    }
}

fn all(blocks: &[Block]) -> String {
    blocks.iter().map(block).collect::<Vec<_>>().join("\n\n")
}

pub(super) fn render(blocks: &[Block]) -> String {
    format!("{}\n", all(blocks))
}
