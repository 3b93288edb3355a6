//! A card as one page that stands alone: no script, nothing fetched, readable on
//! a phone and on paper.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::exchange::{Block, CardView, blocks};
use crate::model::{Decision, Status};

const STYLE: &str = include_str!("card.css");

/// The page.
pub fn card_page(view: &CardView) -> String {
    let version = view.version();
    let name = view.name();
    let tone = match version.status {
        Status::Approved => "good",
        Status::Rejected => "bad",
        Status::Pending => "wait",
        Status::Archived => "dim",
    };
    let sections = view.sections();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="modelry";
                title { (name) " · " (view.id) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kicker { "Model card" }
                    h1 { (name) }
                    p.facts {
                        span class={ "pill " (tone) } { (version.status) }
                        span.id { (view.id) }
                        @for stage in &view.stages { span.pill.stage { "serves " (stage) } }
                    }
                    @if let Some(text) = &version.description { p.lead { (text) } }
                }
                main {
                    @if !version.spec.metrics.is_empty() {
                        section.metrics aria-label="Metrics" {
                            @for (metric, value) in &version.spec.metrics {
                                div.metric { span.value { (value) } span.name { (metric) } }
                            }
                        }
                    }
                    @for section in &sections {
                        section id=(section.key.as_str()) {
                            h2 { (section.title) }
                            @for block in &section.blocks { (shown(block)) }
                        }
                    }
                    @if !view.evidence.is_empty() {
                        section id="evidence" {
                            h2 { "Evidence" }
                            @for (name, record) in &view.evidence {
                                h3 { (name) }
                                @for block in &blocks(record) { (shown(block)) }
                            }
                        }
                    }
                    @if !view.reviews.is_empty() {
                        section id="reviews" {
                            h2 { "Reviews" }
                            div.scroll { table {
                                thead { tr { th { "Who" } th { "Decision" } th { "Why" } } }
                                tbody { @for (actor, decision, reason) in &view.reviews {
                                    tr {
                                        td { (actor) }
                                        td class=(decision_tone(*decision)) { (decision) }
                                        td { (reason) }
                                    }
                                } }
                            } }
                        }
                    }
                    section id="content" {
                        h2 { "What is approved" }
                        dl {
                            div { dt { "Registered by" } dd { (version.by) } }
                            @for (_, artifact) in version.spec.all_artifacts() {
                                div {
                                    dt { "Artifact" }
                                    dd {
                                        (linked(&artifact.uri))
                                        @if let Some(digest) = &artifact.digest { code { (digest) } }
                                    }
                                }
                            }
                            @for (_, container) in version.spec.containers() {
                                @if let Some(image) = &container.image {
                                    div { dt { "Image" } dd { code { (image) } } }
                                }
                            }
                        }
                    }
                }
                footer { p { "Card revision " (view.card().revision) " by " (view.card().by) ". The registry's history says who decided what, and proves it." } }
            }
        }
    };
    page.into_string()
}

fn decision_tone(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "good",
        Decision::Rejected => "bad",
        Decision::Withdrawn => "dim",
    }
}

/// Text, as a link when it is nothing but a web address.
fn linked(text: &str) -> Markup {
    let web = text.starts_with("https://") || text.starts_with("http://");
    let plain = text.bytes().all(|b| b.is_ascii_graphic());
    html! {
        @if web && plain { a href=(text) rel="noreferrer nofollow" { (text) } } @else { (text) }
    }
}

fn shown(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Text(text) => {
                @for paragraph in text.trim().split("\n\n") { p { (linked(paragraph)) } }
            }
            Block::List(items) => ul { @for item in items { li { (linked(item)) } } },
            Block::Pairs(pairs) => dl {
                @for (key, inner) in pairs {
                    div {
                        dt { (key) }
                        dd {
                            @match &inner[..] {
                                [Block::Text(text)] => (linked(text)),
                                inner => @for block in inner { (shown(block)) },
                            }
                        }
                    }
                }
            },
            Block::Table(columns, rows) => div.scroll { table {
                thead { tr { @for column in columns { th { (column) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (linked(cell)) } } } } }
            } },
        }
    }
}
