//! A card as one self-contained HTML file: inline style, no script, no external
//! resources, links to `http` and `https` only.

use maud::{Markup, html};

use super::page::{risk_style, status_style};
use super::{BadgeStyle, Block, CardView, Entry, Fact, Inline, Page, Section, is_web, used_columns};
use crate::report::clean;
use crate::report::text::markdown::{Part, parts};
use crate::report::text::page::page as whole;

const STYLE: &str = concat!(include_str!("../text/page.css"), include_str!("card.css"));

impl BadgeStyle {
    fn class(self) -> &'static str {
        match self {
            BadgeStyle::Good => "good",
            BadgeStyle::Bad => "bad",
            BadgeStyle::Waiting => "waiting",
            BadgeStyle::Quiet => "quiet",
        }
    }
}

/// Converts `Model Details` to `model-details`.
fn anchor(title: &str) -> String {
    let kept: String = title
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ')
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join("-")
}

pub(super) fn render(view: &CardView<'_>, page: &Page) -> String {
    let name = clean(view.name());
    let version = view.version;
    let overview = view.card.overview.as_ref();
    let body = html! {
            body {
                header {
                    p.eyebrow { "Model card" span.id { (view.id) } }
                    h1 { (name) }
                    p.badges {
                        (badge(version.status.as_str(), status_style(version.status)))
                        @if let Some(risk) = &view.card.risk {
                            @let (word, style) = risk_style(risk.rating);
                            (badge(&format!("{word} risk"), style))
                        }
                        @for stage in &view.stages { (badge(&format!("serves {stage}"), BadgeStyle::Quiet)) }
                    }
                    @if let Some(description) = overview.and_then(|it| it.description.as_deref()) {
                        div.lede { (prose(description)) }
                    }
                    nav aria-label="Contents" {
                        @for section in &page.main {
                            a href={ "#" (anchor(section.title)) } { (section.title) }
                        }
                    }
                }
                div.columns {
                    main { @for section in &page.main { (spelled(section)) } }
                    aside aria-label="What the registry knows" {
                        @for section in &page.beside { (spelled(section)) }
                    }
                }
                footer {
                    p { "Rendered by Modelry from commit " code { (view.commit) } ". What was approved is the content above by its digest: compare it with " code { "modelry show " (view.id) } "." }
                }
            }
    };
    let mut text = whole(&format!("{name} · {}", view.id), STYLE, &body).into_string();
    text.push('\n');
    text
}

fn badge(word: &str, style: BadgeStyle) -> Markup {
    html! { span class={ "badge " (style.class()) } { (clean(word)) } }
}

fn spelled(section: &Section) -> Markup {
    let id = anchor(section.title);
    html! {
        section id=(id) class=(if section.title == "Metrics" { "tiles" } else { "plain" }) {
            h2 { (section.title) }
            @for block in &section.blocks { (self::block(block)) }
        }
    }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Heading(title) => html! { h3 { (clean(title)) } },
        Block::Prose(text) => prose(text),
        Block::Facts(given) => facts(given),
        Block::Entries(entries) if entries.iter().all(Entry::is_bare) => html! {
            ul { @for entry in entries { li { (clean(&entry.title)) } } }
        },
        Block::Entries(entries) => html! { @for one in entries { (entry(one)) } },
        Block::Table { header, rows } => table(header, rows),
    }
}

fn prose(text: &str) -> Markup {
    let item = |text: &str| html! { li { (text) } };
    html! {
        @for part in parts(text) {
            @match part {
                Part::Paragraph(lines) => p {
                    @for (at, line) in lines.iter().enumerate() {
                        @if at > 0 { br; }
                        (line)
                    }
                },
                Part::List(None, items) => ul { @for text in &items { (item(text)) } },
                Part::List(Some(first), items) => ol start=(first) { @for text in &items { (item(text)) } },
            }
        }
    }
}

fn value(value: &Inline) -> Markup {
    match value {
        Inline::Text(text) => html! { (clean(text)) },
        Inline::Uri(uri) if is_web(uri) => {
            html! { a href=(uri) rel="noopener noreferrer nofollow" { (clean(uri)) } }
        }
        Inline::Code(text) | Inline::Uri(text) => html! { code { (clean(text)) } },
    }
}

fn facts(facts: &[Fact]) -> Markup {
    html! {
        dl {
            @for fact in facts {
                div { dt { (clean(&fact.label)) } dd { (value(&fact.value)) } }
            }
        }
    }
}

fn entry(entry: &Entry) -> Markup {
    html! {
        div.entry {
            p.title {
                strong { (clean(&entry.title)) }
                @if let Some((word, style)) = &entry.badge { " " (badge(word, *style)) }
            }
            @if let Some(text) = &entry.text { (prose(text)) }
            @if !entry.facts.is_empty() { (facts(&entry.facts)) }
        }
    }
}

fn table(header: &[&'static str], rows: &[Vec<Inline>]) -> Markup {
    let used = used_columns(header, rows);
    let is_number = |cell: &Inline| matches!(cell, Inline::Text(text) if text.parse::<f64>().is_ok());
    html! {
        div.wide tabindex="0" {
            table {
                thead { tr { @for &column in &used { th scope="col" { (header[column]) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for cell in used.iter().filter_map(|&column| row.get(column)) {
                                td class=[is_number(cell).then_some("number")] { (value(cell)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
