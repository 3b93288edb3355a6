//! The generated files in the repository are up to date.

use std::collections::BTreeSet;

use modelry::testing::record::kind::Kind;
use modelry::testing::record::schema;
use modelry::testing::report;
use serde_json::Value;

use crate::support::golden::golden;

fn pretty(value: &Value) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).expect("JSON"))
}

#[test]
fn the_schemas_are_current() {
    for kind in Kind::ALL {
        golden(
            &format!("schemas/{}", schema::file_name(*kind)),
            &pretty(schema::schema(*kind)),
        );
    }
    golden("schemas/report.schema.json", &pretty(&report::schema()));
    golden("schemas/audit.schema.json", &pretty(&report::audit_schema()));
    golden(
        "schemas/event.schema.json",
        &pretty(&modelry::testing::report::event::schema()),
    );
    golden(
        "schemas/result.schema.json",
        &pretty(&modelry::testing::report::event::result_schema()),
    );
}

fn walk(value: &Value, at: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                for (name, property) in properties {
                    if property.get("description").is_none() {
                        out.push(format!("{at}/{name} has no description"));
                    }
                }
                if members.get("type") == Some(&Value::from("object"))
                    && members.get("additionalProperties").is_none()
                {
                    out.push(format!("{at} lets unknown fields in"));
                }
            }
            members
                .iter()
                .for_each(|(key, member)| walk(member, &format!("{at}/{key}"), out));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, at, out)),
        _ => {}
    }
}

#[test]
fn every_field_is_described_and_no_unknown_one_is_let_in() {
    let mut wrong = Vec::new();
    for kind in Kind::ALL {
        walk(schema::schema(*kind), kind.as_str(), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn pages(command: &clap::Command, path: &str, out: &mut String) {
    let mut shown = command.clone().term_width(100);
    out.push_str(&format!("# {path}\n\n{}\n", shown.render_long_help()));
    // `help` repeats the pages of the others.
    let subs = command.get_subcommands();
    for sub in subs.filter(|sub| sub.get_name() != "help") {
        pages(sub, &format!("{path} {}", sub.get_name()), out);
    }
}

#[test]
fn the_help_is_as_reviewed() {
    let mut command = modelry::testing::cli::definition();
    command.build();
    let mut out = String::new();
    pages(&command, "modelry", &mut out);
    let out: String = out.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    golden("fixtures/help.txt", &out);
    for (name, command) in leaves(&command, "modelry") {
        let example = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(example.contains("xample"), "`{name} --help` has no example");
    }
}

fn leaves<'c>(command: &'c clap::Command, path: &str) -> Vec<(String, &'c clap::Command)> {
    let subs: Vec<_> = command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
        .collect();
    if subs.is_empty() {
        return vec![(path.to_owned(), command)];
    }
    subs.into_iter()
        .flat_map(|sub| leaves(sub, &format!("{path} {}", sub.get_name())))
        .collect()
}

/// Fields of the policy that wait for a later feature; reviewed, and to be
/// emptied.
const WAITING: [&str; 4] = ["landing", "delegated", "imports", "accounts"];

fn properties(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                out.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| properties(member, out));
        }
        Value::Array(items) => items.iter().for_each(|item| properties(item, out)),
        _ => {}
    }
}

fn snake(camel: &str) -> String {
    camel
        .chars()
        .flat_map(|c| {
            if c.is_ascii_uppercase() {
                vec!['_', c.to_ascii_lowercase()]
            } else {
                vec![c]
            }
        })
        .collect()
}

#[test]
fn every_field_of_the_policy_is_read() {
    let mut fields = BTreeSet::new();
    properties(schema::schema(Kind::Registry), &mut fields);
    let mut code = String::new();
    for entry in walkdir::WalkDir::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")) {
        let entry = entry.expect("src");
        let path = entry.path().to_string_lossy().into_owned();
        if path.ends_with(".rs") && !path.contains("/model/") && !path.ends_with("/demo.rs") {
            code.push_str(&std::fs::read_to_string(entry.path()).expect("a file"));
        }
    }
    let model = include_str!("../../src/record/kind/registry.rs");
    code.push_str(
        model
            .split("impl Registry {")
            .nth(1)
            .expect("what the policy answers"),
    );
    // Free text for people, and what the reader itself looks at.
    let for_people = [
        "name",
        "description",
        "email",
        "apiVersion",
        "kind",
        "reason",
        "commit",
        "codes",
        "message",
        "require",
    ];
    let unread: Vec<&String> = fields
        .iter()
        .filter(|field| !for_people.contains(&field.as_str()) && !WAITING.contains(&field.as_str()))
        .filter(|field| {
            let name = snake(field).to_lowercase();
            let name = if *field == "Approved" || *field == "Pending" {
                "lifecycle".to_owned()
            } else {
                name
            };
            !code.contains(&format!(".{name}")) && !code.contains(&format!("{name}:")) && name != "lifecycle"
        })
        .collect();
    assert!(
        unread.is_empty(),
        "nothing reads these fields of the policy: {unread:?}"
    );
}
