//! A card as Markdown. Text that people wrote is escaped: see
//! [`crate::report::text::markdown`].

use super::{Block, CardView, Entry, Fact, Inline, Page, Section, is_web, used_columns};
use crate::report::clean;
use crate::report::text::markdown::{inline, line, prose};

pub(super) fn render(view: &CardView<'_>, page: &Page) -> String {
    let mut out = format!("# {}\n", line(view.name()));
    let overview = view.card.overview.as_ref();
    if let Some(description) = overview.and_then(|it| it.description.as_deref()) {
        out.push_str(&format!("\n{}\n", prose(description)));
    }
    for section in page.main.iter().chain(&page.beside) {
        out.push_str(&spelled(section));
    }
    out
}

fn spelled(section: &Section) -> String {
    let mut out = format!("\n## {}\n", section.title);
    for block in &section.blocks {
        let text = match block {
            Block::Heading(title) => format!("### {}", line(title)),
            Block::Prose(text) => prose(text),
            Block::Facts(facts) => facts.iter().map(fact).collect::<Vec<_>>().join("\n"),
            Block::Entries(entries) => entries.iter().map(entry).collect::<Vec<_>>().join("\n"),
            Block::Table { header, rows } => table(header, rows),
        };
        out.push_str(&format!("\n{text}\n"));
    }
    out
}

fn value(value: &Inline) -> String {
    match value {
        Inline::Text(text) => inline(text),
        Inline::Uri(uri) if is_web(uri) => format!("<{}>", clean(uri)),
        Inline::Code(text) | Inline::Uri(text) => {
            let plain = !text.is_empty() && !text.contains(['`', '|', '\n', '\\']) && text.trim() == text;
            if plain {
                format!("`{}`", clean(text))
            } else {
                inline(text)
            }
        }
    }
}

fn fact(fact: &Fact) -> String {
    format!("- **{}:** {}", inline(&fact.label), value(&fact.value))
}

fn entry(entry: &Entry) -> String {
    if entry.is_bare() {
        return format!("- {}", line(&entry.title));
    }
    let mut out = format!("- **{}**", inline(&entry.title));
    if let Some((word, _)) = &entry.badge {
        out.push_str(&format!(" ({})", inline(word)));
    }
    if let Some(text) = entry.text.as_deref().filter(|text| !text.trim().is_empty()) {
        out.push_str(&format!(": {}", inline(text)));
    }
    for one in &entry.facts {
        out.push_str(&format!("\n  {}", fact(one)));
    }
    out
}

fn table(header: &[&'static str], rows: &[Vec<Inline>]) -> String {
    let used = used_columns(header, rows);
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        row(used.iter().map(|&column| header[column].to_owned()).collect()),
        row(used.iter().map(|_| "---".to_owned()).collect()),
    ];
    for cells in rows {
        lines.push(row(used
            .iter()
            .map(|&column| cells.get(column).map(value).unwrap_or_default())
            .collect()));
    }
    lines.join("\n")
}
