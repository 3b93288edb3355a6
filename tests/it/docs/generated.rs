//! The reference of the book, generated from the source.

use std::collections::BTreeMap;

use modelry::testing::judge::rules;
use modelry::testing::record::kind::{Kind, RecordKind};
use modelry::testing::record::schema;
use modelry::testing::report;
use modelry::testing::report::event;
use serde_json::Value;

use crate::support::golden::golden;

const MADE: &str = "This page is generated: `UPDATE=1 cargo test --test it -- generated` writes it.";

#[test]
fn the_page_of_the_rules_is_current() {
    let mut out = format!(
        "# Rules\n\n{MADE} `modelry explain MR203` prints the section of a rule.\n\n| code | name | fires when |\n| --- | --- | --- |\n"
    );
    for rule in rules::RULES {
        let (code, anchor) = (rule.info.code, rule.info.code.to_lowercase());
        out.push_str(&format!(
            "| [{code}](#{anchor}) | {} | {} |\n",
            rule.info.name, rule.info.summary
        ));
    }
    for rule in rules::RULES {
        out.push_str(&format!(
            "\n## {}\n\n**{}**: {}.\n",
            rule.info.code, rule.info.name, rule.info.summary
        ));
        for line in rule.info.docs.trim().lines() {
            match line.strip_prefix("## ") {
                Some(heading) => out.push_str(&format!("\n### {heading}\n\n")),
                None if line.is_empty() && out.ends_with("\n\n") => {}
                None => out.push_str(&format!("{line}\n")),
            }
        }
        while out.ends_with("\n\n") {
            out.pop();
        }
    }
    golden("docs/reference/rules.md", &out.replace("\n\n\n", "\n\n"));
}

fn command_pages(command: &clap::Command, path: &str, out: &mut String) {
    let mut shown = command.clone().term_width(100);
    let help = shown.render_long_help().to_string();
    let help: Vec<&str> = help.trim().lines().map(str::trim_end).collect();
    out.push_str(&format!("\n## {path}\n\n```text\n{}\n```\n", help.join("\n")));
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        command_pages(sub, &format!("{path} {}", sub.get_name()), out);
    }
}

#[test]
fn the_page_of_the_commands_is_current() {
    let mut command = modelry::testing::cli::definition();
    command.build();
    let mut out = format!("# Commands\n\n{MADE} `modelry COMMAND --help` prints the same.\n");
    command_pages(&command, "modelry", &mut out);
    golden("docs/reference/commands.md", &out);
}

/// Pages of schemas: a section for each object, and each definition once.
#[derive(Default)]
struct Sections {
    out: String,
    /// Anchors of definitions by name and content.
    known: BTreeMap<String, String>,
}

impl Sections {
    fn add(&mut self, title: &str, schema: &Value) {
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let mut anchors = BTreeMap::new();
        let mut fresh = Vec::new();
        for (name, definition) in definitions.into_iter().flatten() {
            let key = format!("{name} {definition}");
            let taken = self
                .known
                .keys()
                .any(|known| known.starts_with(&format!("{name} ")));
            let heading = match taken {
                true => format!("{name} of {title}"),
                false => name.clone(),
            };
            let anchor = self.known.entry(key).or_insert_with(|| {
                fresh.push((heading.clone(), definition));
                heading
            });
            anchors.insert(name.clone(), anchor.clone());
        }
        self.section(2, title, schema, &anchors);
        for (heading, definition) in fresh {
            self.section(3, &heading, definition, &anchors);
        }
    }

    fn section(&mut self, depth: usize, title: &str, schema: &Value, anchors: &BTreeMap<String, String>) {
        self.out.push_str(&format!("\n{} {title}\n\n", "#".repeat(depth)));
        let text = words(schema);
        if !text.is_empty() {
            self.out.push_str(&format!("{text}\n\n"));
        }
        let alternatives = ["oneOf", "anyOf"]
            .iter()
            .find_map(|name| schema[*name].as_array());
        let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
            match alternatives {
                Some(all) if schema["type"].is_null() => {
                    for one in all {
                        let line = format!("- {}: {}\n", type_of(one, anchors), words(one));
                        self.out.push_str(&line.replace(": \n", "\n"));
                    }
                }
                _ => self
                    .out
                    .push_str(&format!("It is {}.\n", type_of(schema, anchors))),
            }
            return;
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        self.out
            .push_str("| field | type | required | meaning |\n| --- | --- | --- | --- |\n");
        for (name, field) in fields {
            let needed = if required.contains(&Value::from(name.as_str())) {
                "yes"
            } else {
                ""
            };
            self.out.push_str(&format!(
                "| `{name}` | {} | {needed} | {} |\n",
                type_of(field, anchors),
                words(field).replace('|', "\\|")
            ));
        }
    }
}

fn words(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn type_of(schema: &Value, anchors: &BTreeMap<String, String>) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix("#/$defs/"))
    {
        let heading = anchors.get(name).map_or(name, String::as_str);
        return format!("[{name}](#{})", heading.to_lowercase().replace(' ', "-"));
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{}`", plain(value))).collect();
        return values.join(", ");
    }
    if let Some(value) = schema.get("const") {
        return format!("`{}`", plain(value));
    }
    for name in ["anyOf", "oneOf"] {
        if let Some(all) = schema[name].as_array() {
            let all: Vec<String> = all.iter().map(|one| type_of(one, anchors)).collect();
            return all.join(" or ");
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any value"],
    };
    let types: Vec<String> = types
        .into_iter()
        .map(|one| match one {
            "array" => format!("list of {}", type_of(&schema["items"], anchors)),
            "object" => {
                let members = schema["patternProperties"].as_object();
                let value = members.and_then(|members| members.values().next());
                let value = value.or(schema
                    .get("additionalProperties")
                    .filter(|value| value.is_object()));
                match value {
                    Some(value) => format!("map of {}", type_of(value, anchors)),
                    None => "map".to_owned(),
                }
            }
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            one => one.to_owned(),
        })
        .collect();
    types.join(" or ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn the_page_of_the_policy_is_current() {
    let mut sections = Sections::default();
    sections.add("The file", schema::schema(Kind::Registry));
    let out = format!(
        "# registry.yaml\n\nThe policy of a registry. {MADE} `modelry schema registry` prints the JSON Schema, and [a team from nothing](../team.md#the-policy) has a whole file to copy.\n{}",
        sections.out
    );
    golden("docs/reference/registry.md", &out);
}

#[test]
fn the_page_of_the_records_is_current() {
    let mut sections = Sections::default();
    for kind in Kind::ALL.iter().filter(|kind| **kind != Kind::Registry) {
        sections.add(kind.as_str(), schema::schema(*kind));
    }
    let mut places = String::new();
    for place in RecordKind::all() {
        let types = place.row().types.iter().map(|kind| match kind {
            Kind::Registry => "[Registry](registry.md)".to_owned(),
            kind => format!("[{kind}](#{})", kind.as_str().to_lowercase()),
        });
        let types = types.collect::<Vec<_>>().join(" or ");
        places.push_str(&format!("| `{}` | {types} |\n", place.shape()));
    }
    let out = format!(
        "# Records\n\nEach kind of record beside [the policy](registry.md). {MADE} `modelry schema KIND` prints the JSON Schema; `schemas/` holds all of them.\n\n| file, from the registry's folder | kind |\n| --- | --- |\n{places}{}",
        sections.out
    );
    golden("docs/reference/records.md", &out);
}

#[test]
fn the_page_of_the_json_outputs_is_current() {
    let mut sections = Sections::default();
    sections.add("Report", &report::schema());
    sections.add("Audit", &report::audit_schema());
    sections.add("Result", &event::result_schema());
    let out = format!(
        "# JSON outputs\n\n{MADE} `Report` is what `validate -o json` prints, `Audit` is that of `audit -o json`, and `Result` that of every command that writes. [Events](events.md) have a page of their own. The schemas are in `schemas/`.\n{}",
        sections.out
    );
    golden("docs/reference/json.md", &out);
}

#[test]
fn the_page_of_the_events_is_current() {
    let mut out = format!(
        "# Events\n\n{MADE} [Events and webhooks](../guides/webhooks.md) says how they are delivered.\n\n## Types\n\n| `type` | what happened |\n| --- | --- |\n"
    );
    for (word, meaning) in event::types() {
        out.push_str(&format!("| `dev.modelry.{word}` | {meaning} |\n"));
    }
    let mut sections = Sections::default();
    sections.add("Data", &event::schema());
    golden("docs/reference/events.md", &format!("{out}{}", sections.out));
}
