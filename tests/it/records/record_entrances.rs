//! Every field of a card, an evaluation and a group, through every entrance that it
//! has, with ordinary, boundary and hostile values: the same value has the same
//! verdict.

use std::collections::BTreeSet;

use modelry::testing::record::kind::Kind;
use modelry::testing::record::{schema, yaml};
use serde_json::{Map, Value, json};

use crate::records::entrances::Desk;
use crate::records::spec_entrances::{Field, by_hand, put, walk, whole};
use crate::support::Said;

const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// Texts that are ordinary, at a boundary, or hostile.
fn texts() -> Vec<String> {
    let mut all: Vec<String> = [
        "word",
        "yes",
        "0.10",
        "true",
        "null",
        "~",
        "1e3",
        "2026-01-01",
        "a: b #c",
        "- x",
        " x ",
        "\"q\" 'q'",
        "<<",
        "=",
        "two\nlines",
        "a\ttab",
        "bell\u{7}",
        "over\u{202e}",
        "zero\u{200b}",
        "mark\u{feff}",
        "tag\u{e0021}",
        "next\u{85}",
        "sep\u{2028}",
        "\u{e9}\u{1f600}",
        "{{x}}",
    ]
    .map(str::to_owned)
    .into();
    all.extend([256, 257, 1024, 1025, 2048, 2049, 4096, 4097, 20_000].map(|n| "x".repeat(n)));
    all
}

/// The fields of a kind of record that people write.
fn fields_of(kind: Kind, but: &[&str]) -> Vec<Field> {
    let whole = schema::schema(kind);
    let mut out = Vec::new();
    walk(whole, whole, &mut Vec::new(), &mut out);
    out.retain(|field| !but.contains(&field.path[0].as_str()));
    out
}

/// The verdict: whether it is taken, and the places that are at fault.
fn verdict(said: &Said, is_taken: bool) -> (bool, BTreeSet<String>) {
    let report: Value = serde_json::from_str(&said.out).unwrap_or_default();
    // A command that writes tells them in its result, and a judgement in a report.
    let told = report.get("refused").unwrap_or(&report);
    let findings = told["findings"].as_array().cloned().unwrap_or_default();
    let places = findings.iter().filter(|finding| {
        let code = finding["code"].as_str().unwrap_or_default();
        code.starts_with("MR0") || code.starts_with("MR1")
    });
    let pointer = |finding: &Value| finding["pointer"].as_str().unwrap_or_default().to_owned();
    (is_taken, places.map(pointer).collect())
}

const CARD: &str = "groups/churn/versions/1/card.yaml";

fn card_by_hand(sections: &Value) -> String {
    let mut record = json!({
        "apiVersion": "modelry/v1", "kind": "ModelCard", "group": "churn", "version": 1,
        "by": "trainer", "authors": ["trainer"], "revision": 1,
    });
    let members = record.as_object_mut().expect("a mapping");
    members.extend(sections.as_object().expect("a mapping").clone());
    yaml::spelled(None, &record)
}

fn card_fields() -> Vec<Field> {
    let own = [
        "apiVersion",
        "kind",
        "group",
        "version",
        "by",
        "authors",
        "revision",
        "signature",
    ];
    fields_of(Kind::ModelCard, &own)
}

#[test]
fn every_field_of_a_card_has_one_verdict() {
    let desk = Desk::open();
    let fields = card_fields();
    assert!(fields.len() > 60, "the schema has {} fields", fields.len());
    let good = whole(&fields);
    let set = ["card", "set", "churn/1", "-o", "json"];
    let all = |sections: &Value| {
        let as_yaml = yaml::spelled(None, sections);
        let as_json = serde_json::to_string_pretty(sections).expect("JSON");
        [
            ("file", desk.file(&set, &as_yaml)),
            ("input", desk.input(&set, &as_yaml)),
            ("json", desk.file(&set, &as_json)),
            ("hand", by_hand(&desk, CARD, &card_by_hand(sections))),
        ]
    };
    #[track_caller]
    fn agree(all: &[(&str, (bool, Said))], what: &str) -> (bool, BTreeSet<String>) {
        let (_, (is_taken, said)) = &all[0];
        let first = verdict(said, *is_taken);
        for (entrance, (is_taken, said)) in all {
            let other = verdict(said, *is_taken);
            assert_eq!(
                other.0, first.0,
                "{what:.40} by {entrance}: {}{}",
                said.out, said.err
            );
            assert_eq!(other.1, first.1, "{what:.40} by {entrance}");
        }
        first
    }
    let (is_taken, places) = agree(&all(&good), "a whole card");
    assert!(is_taken, "{places:?}");
    // Fields of a list have no flag.
    let with_flag = |field: &&Field| field.is("string") && !field.path.contains(&"0".to_owned());
    for text in texts() {
        let mut sections = good.clone();
        for field in fields.iter().filter(|field| field.is("string")) {
            put(&mut sections, &field.path, json!(text));
        }
        let _ = agree(&all(&sections), &text);
        // By flags, beside the others from a file.
        let mut sections = good.clone();
        let mut flags = Vec::new();
        for field in fields.iter().filter(with_flag) {
            put(&mut sections, &field.path, json!(text));
            flags.push(format!("{}={text}", field.path.join(".")));
        }
        // A line of a command has its limit.
        if flags.iter().map(String::len).sum::<usize>() > 100_000 {
            continue;
        }
        let given = yaml::spelled(None, &good);
        let line: Vec<&str> = flags.iter().flat_map(|flag| ["--set", flag]).collect();
        let mut both: Vec<_> = all(&sections).into();
        both.push(("--set", desk.file(&[&set[..], &line].concat(), &given)));
        let _ = agree(&both, &text);
    }
    // A number for each text, and a text for each number.
    let mut sections = good.clone();
    for field in &fields {
        let is_any = field.schema["type"].is_array();
        let bad = match field.is("string") || is_any {
            true => json!({"a": 1}),
            false => json!("seven"),
        };
        put(&mut sections, &field.path, bad);
    }
    let (is_taken, places) = agree(&all(&sections), "each field with a bad value");
    assert!(!is_taken);
    for field in &fields {
        assert!(
            places.contains(&field.pointer_in("")),
            "{:?}: {places:?}",
            field.path
        );
    }
}

/// Numbers of a card, as they are spelled.
#[test]
fn every_number_of_a_card_has_one_verdict() {
    let desk = Desk::open();
    let set = ["card", "set", "churn/1"];
    for (field, by_flag) in [
        ("training.hyperparameters.lr", true),
        ("training.metrics.auc", true),
        ("evaluations.0.metrics.0.value", false),
    ] {
        for (spelled, good) in [
            ("0", true),
            ("0.10", true),
            ("-3.5", true),
            ("1.5e-3", true),
            ("9007199254740992", true),
            ("9007199254740993", false),
            ("18446744073709551617", false),
            ("9007199254740992.5", false),
            ("1.0e+400", false),
            ("1.0e-400", false),
            ("-0", false),
            ("-0.0", false),
            ("0.12345678901234567890123456789", true),
        ] {
            let mut sections = json!({"evaluations": [{"name": "e", "metrics": [{"name": "m"}]}]});
            let path: Vec<String> = field.split('.').map(str::to_owned).collect();
            match by_flag {
                true => put(&mut sections, &path, json!("NUMBER")),
                false => sections["evaluations"][0]["metrics"][0]["value"] = json!("NUMBER"),
            }
            sections["evaluations"][0]["metrics"][0]
                .as_object_mut()
                .expect("a mapping")
                .entry("value")
                .or_insert(json!(1));
            let fill = |text: String| text.replace("\"NUMBER\"", "NUMBER").replace("NUMBER", spelled);
            let as_yaml = fill(yaml::spelled(None, &sections));
            let as_json = fill(sections.to_string());
            let mut all = vec![
                ("file", desk.file(&set, &as_yaml)),
                ("input", desk.input(&set, &as_yaml)),
                ("json", desk.file(&set, &as_json)),
                ("hand", by_hand(&desk, CARD, &fill(card_by_hand(&sections)))),
            ];
            let flag = format!("{field}={spelled}");
            if by_flag {
                all.push(("--set", desk.flag(&[&set[..], &["--set", &flag]].concat())));
            }
            for (entrance, (is_taken, said)) in all {
                let words = format!("{field}={spelled} by {entrance}: {}{}", said.out, said.err);
                assert_eq!(is_taken, good, "{words}");
                assert!(good || words.contains("MR012"), "{words}");
            }
        }
    }
}

/// Tries one value by a flag and in a record by hand.
#[track_caller]
fn both(desk: &Desk, who: &str, line: &[&str], path: &str, record: &Value, what: &str) -> bool {
    let said = desk.lab.says(who, &[line, &["--dry-run"]].concat());
    let by_flag = said.code == 0;
    let (by_hand, other) = by_hand(desk, path, &yaml::spelled(None, record));
    assert_eq!(
        by_flag, by_hand,
        "{what:.60}: {}{}\nby hand: {}",
        said.out, said.err, other.out
    );
    by_flag
}

/// Keys that are ordinary, at a boundary, or hostile.
fn keys() -> Vec<String> {
    let mut all: Vec<String> = [
        "k1",
        "A.b/c_d",
        "0",
        "1.5",
        "yes",
        "null",
        "-",
        "a b",
        "a:",
        "\u{e9}",
        "tag\u{e0021}",
        "bell\u{7}",
        "",
    ]
    .map(str::to_owned)
    .into();
    all.extend([128, 129, 256, 257].map(|n| "k".repeat(n)));
    all
}

#[test]
fn every_field_of_an_evaluation_has_one_verdict() {
    let desk = Desk::open();
    let fields = fields_of(
        Kind::Evaluation,
        &[
            "apiVersion",
            "kind",
            "group",
            "version",
            "name",
            "by",
            "revision",
            "signature",
        ],
    );
    let flag_of = |field: &Field| match field.path.join(".").as_str() {
        "dataset.uri" => "--dataset",
        "dataset.digest" => "--dataset-digest",
        "report.uri" => "--report",
        "report.digest" => "--report-digest",
        "report.contentType" => "--report-type",
        "notes" => "--notes",
        "metrics.k1" => "--metric",
        other => panic!("`{other}` has no flag in this test"),
    };
    let record = |members: &Value| {
        let mut all = json!({
            "apiVersion": "modelry/v1", "kind": "Evaluation", "group": "churn", "version": 1,
            "name": "e", "by": "trainer", "revision": 1,
        });
        let object = all.as_object_mut().expect("a mapping");
        object.extend(members.as_object().cloned().unwrap_or_else(Map::new));
        all
    };
    let path = "groups/churn/versions/1/evidence/e.yaml";
    for field in fields.iter().filter(|field| field.is("string")) {
        let is_address = field.path.last().is_some_and(|name| name == "uri");
        for text in texts() {
            // A local file is hashed.
            let text = match is_address {
                true => format!("s3://m/{text}"),
                false => text,
            };
            let mut members = json!({});
            put(&mut members, &field.path, json!(text));
            let flag = format!("{}={text}", flag_of(field));
            let mut line = vec!["evidence", "add", "churn/1", "e", &flag];
            if field.path.len() > 1 && !is_address {
                let uri = vec![field.path[0].clone(), "uri".to_owned()];
                put(&mut members, &uri, json!("s3://m/x"));
                let option = if field.path[0] == "dataset" {
                    "--dataset"
                } else {
                    "--report"
                };
                line.extend([option, "s3://m/x"]);
            }
            let what = format!("{} {text}", field.path.join("."));
            let _ = both(&desk, "trainer", &line, path, &record(&members), &what);
        }
    }
    for key in keys() {
        let flag = format!("--metric={key}=1");
        let line = ["evidence", "add", "churn/1", "e", &flag];
        let members = json!({"metrics": {key.clone(): 1}});
        let is_taken = both(&desk, "trainer", &line, path, &record(&members), &key);
        assert!(is_taken || key != "k1", "{key}");
    }
    let members = json!({"dataset": {"uri": "s3://m/x", "digest": DIGEST}});
    let line = ["evidence", "add", "churn/1", "e", "--dataset", "s3://m/x"];
    let line = [&line[..], &["--dataset-digest", DIGEST]].concat();
    assert!(both(&desk, "trainer", &line, path, &record(&members), "a digest"));
}

#[test]
fn every_field_of_a_group_has_one_verdict() {
    let desk = Desk::open();
    let path = "groups/fraud/group.yaml";
    let record = |member: &str, value: Value| json!({"apiVersion": "modelry/v1", "kind": "ModelGroup", "name": "fraud", member: value});
    let known = ["name", "description", "owners", "labels", "annotations"];
    let fields = fields_of(Kind::ModelGroup, &["apiVersion", "kind"]);
    let names: BTreeSet<&str> = fields.iter().map(|field| field.path[0].as_str()).collect();
    assert_eq!(names, BTreeSet::from(known), "each has a flag in this test");
    let create = ["group", "create", "fraud"];
    for text in texts() {
        let flag = format!("--description={text}");
        let line = [&create[..], &[&flag]].concat();
        let _ = both(
            &desk,
            "admin-1",
            &line,
            path,
            &record("description", json!(text)),
            &text,
        );
        for member in ["labels", "annotations"] {
            let pair = format!("k={text}");
            let option = format!("--{}", member.trim_end_matches('s'));
            let line = [&create[..], &[&option, &pair]].concat();
            let value = record(member, json!({"k": text}));
            let _ = both(&desk, "admin-1", &line, path, &value, &format!("{member} {text}"));
        }
        let flag = format!("--owner={text}");
        let line = [&create[..], &[&flag]].concat();
        let _ = both(
            &desk,
            "admin-1",
            &line,
            path,
            &record("owners", json!([text])),
            &text,
        );
    }
    for key in keys() {
        let flag = format!("--label={key}=x");
        let line = [&create[..], &[&flag]].concat();
        let value = record("labels", json!({key.clone(): "x"}));
        let is_taken = both(&desk, "admin-1", &line, path, &value, &key);
        assert!(is_taken || key != "k1", "{key}");
    }
    for owner in ["admin-1", "team:risk", "team:rsik", "nobody", "team:", "Admin-1"] {
        let line = [&create[..], &["--owner", owner]].concat();
        let is_taken = both(
            &desk,
            "admin-1",
            &line,
            path,
            &record("owners", json!([owner])),
            owner,
        );
        assert_eq!(is_taken, ["admin-1", "team:risk"].contains(&owner), "{owner}");
    }
}
