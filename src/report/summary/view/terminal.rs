//! Renders blocks for a terminal.

use super::builder::{Block, Line, Span};
use crate::report::{Cell, CellStyle, Style, Table, clean, paint};

fn span(span: &Span, style: &Style) -> String {
    match span {
        Span::Ours(text) => text.clone(),
        Span::Strong(text) => paint(text, "1", style),
        Span::Theirs(text) => clean(text).replace('\n', " "),
        Span::Good(text) => paint(text, "32", style),
        Span::Bad(text) => paint(text, "31", style),
        Span::Warn(text) => paint(text, "1;33", style),
    }
}

fn line(spans: &Line, style: &Style) -> String {
    spans.iter().map(|one| span(one, style)).collect()
}

/// Renders a cell, in the style of its first word that has one.
fn cell(spans: &Line) -> Cell {
    let style = spans.iter().find_map(|span| match span {
        Span::Good(_) => Some(CellStyle::Good),
        Span::Bad(_) => Some(CellStyle::Bad),
        Span::Warn(_) => Some(CellStyle::Waiting),
        _ => None,
    });
    Cell::styled(line(spans, &Style::PLAIN), style.unwrap_or_default())
}

fn block(block: &Block, style: &Style, out: &mut String) {
    match block {
        Block::Heading(_, spans) => {
            let text = line(spans, &Style::PLAIN);
            if !out.ends_with("\n\n") {
                out.push('\n');
            }
            out.push_str(&format!("{}\n", paint(&text, "1", style)));
        }
        Block::Text(spans) => out.push_str(&format!("{}\n", line(spans, style))),
        Block::Warning(spans, items) => {
            out.push_str(&format!(
                "{} {}\n",
                paint("WARNING:", "1;33", style),
                line(spans, style)
            ));
            for item in items {
                out.push_str(&format!("  {}\n", line(item, style)));
            }
        }
        Block::List(items) => {
            for item in items {
                out.push_str(&format!("  {}\n", line(item, style)));
            }
        }
        Block::Table(header, rows) => {
            let header = header.iter().map(|spans| line(spans, &Style::PLAIN));
            let mut table = Table::under(header.collect());
            for row in rows {
                table.cells(row.iter().map(cell).collect());
            }
            if !out.ends_with("\n\n") {
                out.push('\n');
            }
            out.push_str(&format!("{}\n", table.render(style)));
        }
        Block::Code(_, text) => {
            for text in text.lines() {
                out.push_str(&format!("  {}\n", clean(text)));
            }
        }
        Block::Fold(title, blocks) => {
            out.push_str(&format!("{title}:\n"));
            all(blocks, style, out);
        }
        // A reader of the terminal has the command.
        Block::ByHand(..) => {}
    }
}

fn all(blocks: &[Block], style: &Style, out: &mut String) {
    for one in blocks {
        block(one, style, out);
    }
}

pub(super) fn render(blocks: &[Block], style: &Style) -> String {
    let mut out = String::new();
    all(blocks, style, &mut out);
    out
}
