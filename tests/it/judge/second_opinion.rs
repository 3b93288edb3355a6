//! Second opinions on the same bytes: PyYAML, serde_yaml, a second RFC 8785, a second
//! JSON Schema validator. Their absence is a failure.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use modelry::testing::record::canonical::{canonical, sha256};
use modelry::testing::record::kind::{Kind, RecordKind, RecordPath, VersionId};
use modelry::testing::record::snapshot;
use modelry::testing::record::yaml::{Document, Edit, FaultKind, Limits, write};
use modelry::testing::record::{schema, subject};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::golden::golden;
use crate::support::needs::needs;
use crate::support::python::Packages;

const NEEDS: &str = "python3 with pyyaml, rfc8785 and check-jsonschema is needed by this test: pip install pyyaml rfc8785 check-jsonschema";

/// The packages that these tests use.
const PACKAGES: Packages = Packages {
    folder: "python",
    imports: "import yaml, rfc8785, check_jsonschema",
    names: &["pyyaml", "rfc8785", "check-jsonschema"],
    options: &[],
};

fn python3() -> Command {
    PACKAGES.python3()
}

fn python(script: &str, input: &Value) -> Value {
    PACKAGES.run(script, input)
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

const LOAD_ALL: &str = "
import json, sys, yaml
def plain(v):
    if isinstance(v, dict): return {k if isinstance(k, str) else repr(k): plain(x) for k, x in v.items()}
    if isinstance(v, list): return [plain(x) for x in v]
    if isinstance(v, float) and (v != v or v in (float('inf'), float('-inf'))): return repr(v)
    return v if v is None or isinstance(v, (str, bool, int, float)) else repr(v)
out = []
for text in json.load(sys.stdin):
    try: out.append({'value': plain(yaml.safe_load(text))})
    except Exception as error: out.append({'error': str(error)})
json.dump(out, sys.stdout)
";

/// Equal as values: a number is a number, whole or not.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Spellings of one value that readers may take differently.
fn spellings() -> Vec<String> {
    let words = [
        "no",
        "No",
        "NO",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "true",
        "True",
        "TRUE",
        "false",
        "null",
        "Null",
        "~",
        "",
        "017",
        "0o17",
        "0x1f",
        "0b11",
        "1_000",
        "12:30",
        "12:30:45",
        "1:2:3.5",
        "190:20:30",
        "2026-01-01",
        "2026-1-1",
        "2026-01-01T10:00:00Z",
        "2026-01-01 10:00:00 +1",
        "1",
        "-1",
        "+1",
        "0",
        "-0",
        "00",
        "1.0",
        "1.",
        ".5",
        "-.5",
        "1e5",
        "1e+5",
        "1e-05",
        "1.0e-05",
        "1.0e+5",
        "1.5e3",
        "1E5",
        "1234567e12",
        "0012345",
        "1.10",
        "-0.0",
        ".inf",
        "-.inf",
        ".nan",
        ".Inf",
        "=",
        "<<",
        "a=b",
        "abc",
        "sha256:abc",
        "s3://bucket/key",
        "a:b",
        "a b",
        "x#y",
        "1 2",
        "1a",
        "v1",
        "1.2.3",
        "a,b",
        "@a",
        "`a",
        "%a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "- a",
        "-a",
        "--",
        "---",
        "?a",
        "? a",
        ":a",
        "{a}",
        "[a]",
        "'a'",
        "\"a\"",
        "\"\\u0041\"",
        "\"no\"",
        "'no'",
        "é",
        "日本",
        "a: b",
        "a #b",
        "9007199254740992",
        "9007199254740993",
        "99999999999999999999",
        "1e400",
        "0.1",
        "0.30000000000000004",
        "1e22",
        "5e-324",
        "1.7976931348623157e+308",
        "0x",
        "0b",
        "0o",
        "1__0",
        "_1",
        "1_",
        "+.5",
        "+0x1",
        "-0x1",
        "1:60",
    ];
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
#[ignore = "needs Python packages: pyyaml, rfc8785, check-jsonschema"]
fn what_is_accepted_means_the_same_to_pyyaml() {
    needs![PACKAGES];
    let mut texts = Vec::new();
    for word in spellings() {
        texts.push(format!("a: {word}\n"));
        texts.push(format!("a: [{word}]\n"));
        texts.push(format!("a:\n  - {word}\n"));
        texts.push(format!("a: {{b: {word}}}\n"));
        texts.push(format!("{word}: a\n"));
    }
    for entry in walkdir::WalkDir::new(fixtures()) {
        let entry = entry.expect("fixtures");
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            texts.extend(std::fs::read_to_string(entry.path()));
        }
    }
    let theirs = python(LOAD_ALL, &json!(texts));
    let mut accepted = 0;
    for (text, theirs) in texts.iter().zip(theirs.as_array().expect("a list")) {
        let Ok(document) = Document::read(text.as_bytes(), &Limits::LARGE) else {
            continue;
        };
        accepted += 1;
        assert!(
            same(document.value(), &theirs["value"]),
            "{text:?}: we read {}, PyYAML {theirs}",
            document.value()
        );
        let third: Value = serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert!(
            same(document.value(), &third),
            "{text:?}: we read {}, serde_yaml {third}",
            document.value()
        );
    }
    assert!(accepted > 150, "{accepted} texts were accepted");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[a-z]{1,6}(\n[a-z ]{0,6}){0,3}\n?",
        proptest::sample::select(spellings()).prop_filter("seen as it is", |word| !word.contains('\\')),
        "[éß日本\u{1f600}a-z:# -]{0,8}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_992i64..=9_007_199_254_740_992).prop_map(Value::from),
        (-1e12..1e12f64)
            .prop_filter("kept", |n| n.fract() != 0.0)
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((text(), inner), 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

fn mapping() -> impl Strategy<Value = Value> {
    proptest::collection::vec((text(), value()), 1..5)
        .prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(value in mapping()) {
        let text = write(Some("# a comment"), &value);
        let text = text.unwrap_or_else(|error| panic!("{value}: {error}"));
        let document = Document::read(text.as_bytes(), &Limits::LARGE).expect("it reads");
        prop_assert_eq!(document.value(), &value);
    }

    #[test]
    fn an_edit_changes_what_it_must_or_nothing(before in mapping(), key in text(), new in value()) {
        let Ok(text) = write(Some("# keep me"), &before) else { return Ok(()) };
        let document = Document::read(text.as_bytes(), &Limits::LARGE).expect("it reads");
        let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let edited = document.edit(&[Edit::Set { pointer: pointer.clone(), value: new.clone() }]);
        let edited = edited.unwrap_or_else(|error| panic!("{text}\nset {pointer} to {new}: {error}"));
        prop_assert_eq!(edited.value().get(&key), Some(&new));
        prop_assert!(edited.text().starts_with("# keep me\n"));
        for (other, value) in before.as_object().expect("a mapping") {
            if *other != key {
                prop_assert_eq!(edited.value().get(other), Some(value));
            }
        }
        let removed = edited.edit(&[Edit::Remove { pointer }]);
        if edited.value().as_object().expect("a mapping").len() > 1 {
            let removed = removed.unwrap_or_else(|error| panic!("{}\nremove {key:?}: {error}", edited.text()));
            prop_assert!(removed.value().get(&key).is_none());
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[ \\[\\]{}:,#&*!|>'\"%@`a-c0-9\n-]{0,80}") {
        let _ = Document::read(&bytes, &Limits::RECORD);
        if let Ok(document) = Document::read(text.as_bytes(), &Limits::RECORD) {
            let again: Value = serde_yaml::from_str(&text).expect("a second reader reads it too");
            prop_assert!(same(document.value(), &again));
        }
    }
}

#[test]
fn hostile_texts_are_refused_at_once() {
    let bomb = format!(
        "a: &a [x]\n{}",
        (0..9).map(|n| format!("{n}x: [*a, *a]\n")).collect::<String>()
    );
    for text in [
        bomb,
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "a: ".repeat(50_000),
        "- ".repeat(100_000),
        "x: 1\n".repeat(40_000),
    ] {
        assert!(Document::read(text.as_bytes(), &Limits::LARGE).is_err());
    }
}

/// Found by fuzzing: libyaml and PyYAML read no such keys.
#[test]
fn keys_apart_from_their_colons_are_refused() {
    let long = "k".repeat(1100);
    for text in [
        "a: {\"b\n c\": 1}\n".to_owned(),
        "a: {\"b\"\n : 1}\n".to_owned(),
        "a: {'b'\n : 1}\n".to_owned(),
        format!("a: {{\"{long}\": 1}}\n"),
        format!("{long}: 1\n"),
        format!("? {long}\n: 1\n"),
        "? \"a\n  b\"\n: 1\n".to_owned(),
    ] {
        let faults = Document::read(text.as_bytes(), &Limits::LARGE).expect_err("no key to some");
        assert!(
            faults
                .iter()
                .any(|fault| matches!(fault.kind, FaultKind::BadKey | FaultKind::Syntax)),
            "{text}: {faults:?}"
        );
    }
    let fits = format!("{}: 1\n\"b\" : 2\n'c': {{\"d\":3}}\n", "k".repeat(1000));
    assert!(Document::read(fits.as_bytes(), &Limits::LARGE).is_ok());
}

/// Found by fuzzing: for libyaml and PyYAML such a text ends without a line feed.
#[test]
fn a_block_that_the_file_cuts_off_is_refused() {
    for text in [
        "a: |\n  b",
        "a: >\n  b",
        "a: >+\n\n  b",
        "a:\n- |\n  b\n  c",
        "a: |+\n  b\n\n  ",
    ] {
        let whole = format!("{text}\n");
        assert!(
            Document::read(whole.as_bytes(), &Limits::LARGE).is_ok(),
            "{whole}"
        );
        match Document::read(text.as_bytes(), &Limits::LARGE) {
            Ok(document) => {
                let second: Value = serde_yaml::from_str(text).expect("a value");
                assert_eq!(document.value(), &second, "{text}");
            }
            Err(faults) => assert_eq!(faults[0].kind, FaultKind::LineEnding, "{text}"),
        }
    }
    assert!(Document::read(b"a: >+\n\n  b", &Limits::LARGE).is_err());
    assert!(Document::read(b"a: |-\n  b", &Limits::LARGE).is_ok());
}

const CANONICAL: &str = "
import json, sys, hashlib, rfc8785
out = []
for value in json.load(sys.stdin):
    data = rfc8785.dumps(value)
    out.append({'bytes': data.decode(), 'sha256': 'sha256:' + hashlib.sha256(data).hexdigest()})
json.dump(out, sys.stdout)
";

#[test]
#[ignore = "needs Python packages: pyyaml, rfc8785, check-jsonschema"]
fn the_vectors_are_fixed_and_a_second_implementation_agrees() {
    needs![PACKAGES];
    let id = VersionId {
        group: "fraud-detector".parse().expect("a name"),
        number: 3,
    };
    let top = fixtures().join("registry");
    let read = |path: &str| {
        let text = std::fs::read_to_string(top.join(path)).expect("a fixture");
        Document::read(text.as_bytes(), &Limits::LARGE)
            .expect("it reads")
            .value()
            .clone()
    };
    let registry = read("registry.yaml");
    let registry_id = registry["id"].as_str().expect("an id").to_owned();
    let folder = "groups/fraud-detector/versions/3";
    let without = |mut value: Value| {
        for key in ["by", "authors", "revision", "signature"] {
            value.as_object_mut().expect("a mapping").shift_remove(key);
        }
        value
    };
    let subject_value = json!({
        "registry": registry_id, "group": "fraud-detector", "version": 3,
        "spec": read(&format!("{folder}/version.yaml"))["spec"],
        "card": without(read(&format!("{folder}/card.yaml"))),
        "evidence": {"holdout": without(read(&format!("{folder}/evidence/holdout.yaml")))},
    });
    let values = vec![
        json!({"numbers": [333333333.3333333, 1e30, 4.5, 0.002, 1e-27, 0, -1, 1e21, 9007199254740991u64], "text": "\u{20ac}$\u{f}\nA'B\"\\\"/", "literals": [true, false]}),
        json!({"\u{1f600}": 1, "\u{e9}": 2, "z": 3, "a": 4, "": 5, "\u{fb33}": 6}),
        subject_value.clone(),
        json!({"registry": registry_id, "policy": registry}),
        json!({"labels": {"team": "risk"}, "description": "it asks — twice", "annotations": {"run": "7"}}),
        json!({}),
    ];
    let theirs = python(CANONICAL, &json!(values));
    let mut vectors = Vec::new();
    for (value, theirs) in values.iter().zip(theirs.as_array().expect("a list")) {
        let bytes = canonical(value);
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            theirs["bytes"].as_str().expect("text")
        );
        assert_eq!(sha256(&bytes).as_str(), theirs["sha256"].as_str().expect("text"));
        vectors.push(json!({"value": value, "canonical": theirs["bytes"], "digest": theirs["sha256"]}));
    }
    // The subject that the fixture's own review names was made by the command.
    let review = read(&format!("{folder}/reviews/risk-1.yaml"));
    assert_eq!(review["subject"], theirs[2]["sha256"]);
    for (path, kind) in [
        (format!("{folder}/version.yaml"), "version"),
        (format!("{folder}/reviews/risk-1.yaml"), "review"),
    ] {
        let record = RecordPath::parse(&path).expect("a record");
        let mut value = read(&path);
        value["signature"] = json!("left out");
        let bytes = subject::signed_bytes(&registry_id, &record, &value);
        vectors.push(json!({"signedBytesOf": kind, "path": path, "record": value, "canonical": String::from_utf8_lossy(&bytes), "digest": sha256(&bytes)}));
    }
    // The registration data of a version: what it has of the three, and no more.
    for (at, notes) in [(4, &values[4]), (5, &values[5])] {
        let mut version = read(&format!("{folder}/version.yaml"));
        for member in subject::FREE_FIELDS {
            version.as_object_mut().expect("a mapping").shift_remove(member);
        }
        for (member, value) in notes.as_object().expect("a mapping") {
            version[member] = value.clone();
        }
        let digest = subject::notes_digest(&version);
        assert_eq!(digest.as_str(), theirs[at]["sha256"].as_str().expect("text"));
        version["registeredWith"] = json!(digest);
        let record = RecordPath::parse(&format!("{folder}/version.yaml")).expect("a record");
        let bytes = subject::signed_bytes(&registry_id, &record, &version);
        vectors.push(json!({"signedBytesOf": "version with registeredWith", "path": record.to_string(), "record": version, "canonical": String::from_utf8_lossy(&bytes), "digest": sha256(&bytes)}));
    }
    assert_eq!(id.to_string(), "fraud-detector/3");
    golden(
        "fixtures/vectors/canonical.json",
        &format!("{}\n", serde_json::to_string_pretty(&vectors).expect("JSON")),
    );
}

fn kind_of(file: &str) -> Kind {
    *Kind::ALL
        .iter()
        .find(|kind| file.starts_with(&schema::file_name(**kind).replace(".schema.json", "")))
        .unwrap_or_else(|| panic!("{file} names no kind"))
}

fn path_of(kind: Kind) -> RecordPath {
    // A tombstone may also be in the place of a group.
    let mut places = RecordKind::all().filter(|place| place.row().types.contains(&kind));
    let place = places.next_back().expect("a place");
    let shape = place.shape().replace("<group>", "g");
    RecordPath::parse(&shape.replace("<number>", "1").replace("<name>", "a")).expect("a record")
}

#[test]
#[ignore = "needs Python packages: pyyaml, rfc8785, check-jsonschema"]
fn schema_types_and_a_second_validator_agree_on_every_fixture() {
    needs![PACKAGES];
    let mut checked = 0;
    for (folder, valid) in [("valid", true), ("invalid", false)] {
        let mut files: Vec<_> = std::fs::read_dir(fixtures().join("schema").join(folder))
            .expect("fixtures/schema")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        for kind in Kind::ALL {
            let of_kind: Vec<_> = files
                .iter()
                .filter(|file| kind_of(&file.file_name().expect("a name").to_string_lossy()) == *kind)
                .collect();
            assert!(!of_kind.is_empty(), "{kind} has no {folder} fixture");
            let mut clean = Vec::new();
            for file in of_kind {
                let bytes = std::fs::read(file).expect("a file");
                let id = Oid::hash(ObjectFormat::Sha1, ObjectKind::Blob, &bytes);
                let loaded = snapshot::load(&path_of(*kind), id, &bytes)
                    .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                assert_eq!(
                    loaded.record.is_some(),
                    valid,
                    "{}: {:?}",
                    file.display(),
                    loaded.faults
                );
                let value = loaded
                    .document
                    .as_ref()
                    .unwrap_or_else(|| panic!("{} reads cleanly", file.display()))
                    .value();
                assert_eq!(
                    schema::check(*kind, value).is_empty(),
                    valid,
                    "{}",
                    file.display()
                );
                checked += 1;
                clean.push(file);
            }
            let schema = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("schemas")
                .join(schema::file_name(*kind));
            // One process for all of a kind: to start it takes longer than its work.
            let mut command = python3();
            command
                .args(["-m", "check_jsonschema", "-o", "json", "--schemafile"])
                .arg(&schema)
                .args(&clean);
            let output = command.output().expect(NEEDS);
            let told = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.success(), valid, "{NEEDS}; or it disagrees: {told}");
            let told: Value = serde_json::from_str(&told).expect("JSON");
            let errors = told["errors"].as_array().into_iter().flatten();
            let refused: BTreeSet<&str> = errors.filter_map(|error| error["filename"].as_str()).collect();
            for file in clean {
                assert_eq!(
                    refused.contains(&*file.to_string_lossy()),
                    !valid,
                    "{}: check-jsonschema disagrees: {told}",
                    file.display()
                );
            }
        }
    }
    assert!(checked >= 60, "{checked} fixtures");
}

/// To JSON Schema `3.0` is an integer; here it is a fraction, as it is to the
/// types, and the message gives the spelling.
#[test]
fn a_whole_number_has_no_point() {
    let file = fixtures().join("schema/stricter/model-version-whole-as-fraction.yaml");
    let bytes = std::fs::read(file).expect("a file");
    let id = Oid::hash(ObjectFormat::Sha1, ObjectKind::Blob, &bytes);
    let loaded = snapshot::load(&path_of(Kind::ModelVersion), id, &bytes).expect("faults, no error");
    assert!(loaded.record.is_none());
    let said: Vec<_> = loaded.faults.iter().map(|fault| format!("{fault:?}")).collect();
    assert!(said.concat().contains("write `3`"), "{said:?}");
}
