//! Hugging Face: a card as Markdown with YAML front matter.
//!
//! Source: the Hub's documentation, "Model Cards" and "Model card metadata";
//! `huggingface_hub.ModelCardData` reads it.

use serde_json::{Map, Value, json};

use super::card::{Block, CardView};
use crate::error::Error;
use crate::model::{CardEvaluation, ModelCard};

/// The card as Markdown.
///
/// # Errors
/// When the front matter can't be written.
pub fn markdown(view: &CardView) -> Result<String, Error> {
    let mut front = front_matter(view);
    on_one_line(&mut front);
    let front = serde_yaml::to_string(&front).map_err(|error| Error::told(error.to_string()))?;
    let version = view.version();
    let mut out = format!("---\n{front}---\n\n# {}\n", escaped(&view.name()));
    for section in view.sections() {
        out.push_str(&format!("\n## {}\n\n", section.title));
        for block in &section.blocks {
            out.push_str(&block_text(block, 0));
        }
    }
    out.push_str("\n## Registry\n\n");
    let mut rows = vec![
        ("Version".to_owned(), view.id.to_string()),
        ("Status".to_owned(), version.status.to_string()),
        ("Registered by".to_owned(), version.by.to_string()),
    ];
    if !view.stages.is_empty() {
        rows.push(("Serves".to_owned(), view.stages.join(", ")));
    }
    rows.extend(
        version
            .spec
            .metrics
            .iter()
            .map(|(name, value)| (format!("Metric {name}"), value.to_string())),
    );
    for (_, artifact) in version.spec.all_artifacts() {
        let digest = artifact
            .digest
            .as_ref()
            .map_or_else(|| "no digest".to_owned(), ToString::to_string);
        rows.push(("Artifact".to_owned(), format!("{} ({digest})", artifact.uri)));
    }
    for (_, container) in version.spec.containers() {
        rows.extend(
            container
                .image
                .iter()
                .map(|image| ("Image".to_owned(), image.clone())),
        );
    }
    for (actor, decision, reason) in &view.reviews {
        rows.push((format!("{decision} by {actor}"), reason.clone()));
    }
    let pairs = rows
        .into_iter()
        .map(|(key, value)| (key, vec![Block::Text(value)]))
        .collect();
    out.push_str(&block_text(&Block::Pairs(pairs), 0));
    for (name, record) in &view.evidence {
        out.push_str(&format!("\n### Evidence {}\n\n", escaped(name)));
        for block in super::blocks(record) {
            out.push_str(&block_text(&block, 0));
        }
    }
    Ok(out)
}

/// Puts every text on one line: simple readers look for a line of `---`.
fn on_one_line(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(char::is_control) => {
            *text = text
                .split(char::is_control)
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
        }
        Value::Array(items) => items.iter_mut().for_each(on_one_line),
        Value::Object(members) => members.values_mut().for_each(on_one_line),
        _ => {}
    }
}

/// The metadata that the Hub reads; what it has no key for is told in the body.
pub fn front_matter(view: &CardView) -> Value {
    let card = view.card();
    let mut front = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            front.insert(key.to_owned(), value);
        }
    };
    let list = |items: Vec<String>| (!items.is_empty()).then(|| json!(items));
    put("language", list(card.languages.clone()));
    if let Some(license) = &card.license {
        // The Hub knows SPDX identifiers in lower case; anything else is `other`.
        let id = license.id.as_ref().map(|id| id.to_lowercase());
        put("license", Some(json!(id.unwrap_or_else(|| "other".into()))));
        put("license_name", license.name.as_ref().map(|name| json!(name)));
        put("license_link", license.uri.as_ref().map(|uri| json!(uri)));
    }
    put(
        "library_name",
        card.library.as_ref().map(|library| json!(library)),
    );
    put(
        "pipeline_tag",
        card.pipeline.as_ref().map(|pipeline| json!(pipeline)),
    );
    put("tags", list(card.tags.clone()));
    put(
        "datasets",
        list(card.datasets.iter().map(|dataset| dataset.name.clone()).collect()),
    );
    let mut metrics: Vec<String> = Vec::new();
    for metric in card.evaluations.iter().flat_map(|evaluation| &evaluation.metrics) {
        if !metrics.contains(&metric.name) {
            metrics.push(metric.name.clone());
        }
    }
    put("metrics", list(metrics));
    put(
        "base_model",
        list(card.base_models.iter().map(|model| model.name.clone()).collect()),
    );
    let relation = card.base_models.first().and_then(|model| model.relation.as_ref());
    put("base_model_relation", relation.map(|relation| json!(relation)));
    let results: Vec<Value> = card
        .evaluations
        .iter()
        .filter(|evaluation| !evaluation.metrics.is_empty())
        .map(|evaluation| result(card, evaluation))
        .collect();
    if !results.is_empty() {
        put(
            "model-index",
            Some(json!([{"name": view.name(), "results": results}])),
        );
    }
    Value::Object(front)
}

/// One entry of `model-index`: the Hub asks for a task, a dataset and metrics.
fn result(card: &ModelCard, evaluation: &CardEvaluation) -> Value {
    let task = evaluation
        .task
        .clone()
        .or_else(|| card.pipeline.clone())
        .unwrap_or_else(|| "other".into());
    let name = evaluation
        .dataset
        .clone()
        .unwrap_or_else(|| evaluation.name.clone());
    let mut dataset = json!({"type": name, "name": name});
    if let Some(split) = &evaluation.split {
        dataset["split"] = json!(split);
    }
    let known = card.datasets.iter().find(|dataset| dataset.name == name);
    if let Some(revision) = known.and_then(|dataset| dataset.revision.as_ref()) {
        dataset["revision"] = json!(revision);
    }
    let metrics: Vec<Value> = evaluation
        .metrics
        .iter()
        .map(|metric| {
            let slice = metric
                .slice
                .as_ref()
                .map_or_else(String::new, |slice| format!(" ({slice})"));
            json!({"type": metric.name, "value": metric.value, "name": format!("{}{slice}", metric.name)})
        })
        .collect();
    let mut result = json!({"task": {"type": task}, "dataset": dataset, "metrics": metrics});
    if let Some(source) = &evaluation.source {
        result["source"] = json!({"name": evaluation.name, "url": source});
    }
    result
}

/// Others' text as Markdown that shows it as it is: nothing in it opens a
/// heading, a link, an image, code, HTML or a mention. Source: CommonMark 0.31,
/// 2.4 "Backslash escapes": any ASCII punctuation may be escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => {}
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A mention or an issue number would reach other people.
            '@' => out.push_str("&#64;"),
            // Lists, rules and underlined headings open at the start of a line.
            '-' | '+' | '=' if !out.is_empty() => out.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '-' | '+' | '=' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // "1. " or "1) " at the start of a line would open a list.
    let digits = out.bytes().take_while(u8::is_ascii_digit).count();
    let sign = out[digits..].starts_with(['.', ')']);
    if digits > 0 && sign && out[digits + 1..].chars().next().is_none_or(|c| c == ' ') {
        out.insert(digits, '\\');
    }
    out
}

/// Paragraphs; a line break of the author is one here.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.trim().split("\n\n") {
        let lines: Vec<String> = paragraph.lines().map(|line| escaped(line.trim())).collect();
        out.push_str(&lines.join("\\\n"));
        out.push_str("\n\n");
    }
    out
}

fn block_text(block: &Block, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match block {
        Block::Text(text) if depth == 0 => format!("{}\n", paragraphs(text).trim_end()),
        Block::Text(text) => {
            format!(
                "{indent}- {}\n",
                text.lines()
                    .map(|line| escaped(line.trim()))
                    .collect::<Vec<_>>()
                    .join(" ")
            )
        }
        Block::List(items) => items
            .iter()
            .map(|item| format!("{indent}- {}\n", escaped(item)))
            .collect(),
        Block::Pairs(pairs) => pairs
            .iter()
            .map(|(key, inner)| match &inner[..] {
                [Block::Text(text)] => {
                    let text: Vec<String> = text.lines().map(|line| escaped(line.trim())).collect();
                    format!("{indent}- **{}**: {}\n", escaped(key), text.join(" "))
                }
                inner => {
                    let inside: String = inner.iter().map(|block| block_text(block, depth + 1)).collect();
                    format!("{indent}- **{}**:\n{inside}", escaped(key))
                }
            })
            .collect(),
        Block::Table(columns, rows) if depth == 0 => {
            let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            let mut out = line(columns.iter().map(|column| escaped(column)).collect());
            out.push_str(&line(columns.iter().map(|_| "---".to_owned()).collect()));
            out.extend(
                rows.iter()
                    .map(|row| line(row.iter().map(|cell| escaped(cell)).collect())),
            );
            out
        }
        Block::Table(columns, rows) => rows
            .iter()
            .map(|row| {
                let cells = columns.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
                let cells = cells.map(|(column, cell)| format!("{} {}", escaped(column), escaped(cell)));
                format!("{indent}- {}\n", cells.collect::<Vec<_>>().join(", "))
            })
            .collect(),
    }
}
