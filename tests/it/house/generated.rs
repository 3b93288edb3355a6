//! The generated files in the repository are up to date.

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
