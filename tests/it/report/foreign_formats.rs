//! The foreign forms of a report: each in its reader's format, all with the same
//! findings at the same places, for any hostile text.

use modelry::testing::judge::finding::{Finding, Label, Note, Place, Report, RuleInfo, Side};
use modelry::testing::report::{self, Format, Style};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

use crate::support::Lab;
use crate::support::needs::needs;
use crate::support::python::Packages;

/// A validator of XML Schema that somebody else wrote.
const XML: Packages = Packages {
    folder: "python-xml",
    imports: "import xmlschema",
    names: &["xmlschema"],
    options: &[],
};

/// Code, path, line, column, and whether it was acknowledged.
type Told = (String, String, u64, u64, bool);

static RULES: [RuleInfo; 2] = [
    RuleInfo {
        code: "MR201",
        name: "frozen-field",
        summary: "a",
        docs: "b",
    },
    RuleInfo {
        code: "MR301",
        name: "unsigned-change",
        summary: "a",
        docs: "b",
    },
];

fn finding(rule: usize, path: &str, at: (usize, usize), message: &str, accepted: bool) -> Finding<Place> {
    Finding {
        rule: &RULES[rule],
        message: message.to_owned(),
        primary: Label {
            at: Place {
                side: Side::After,
                path: path.to_owned(),
                pointer: "/spec".into(),
                commit: None,
                line: at.0,
                column: at.1,
                end_line: at.0 + at.1 % 2,
                end_column: at.1 + 3,
                span: 0..0,
                text: None,
            },
            text: String::new(),
        },
        related: Vec::new(),
        why: vec![message.to_owned()],
        who: Some(message.to_owned()),
        help: Some(message.to_owned()),
        remedy: modelry::testing::judge::finding::Remedy::Follow,
        group: None,
        also: None,
        step: None,
        acknowledged: accepted.then(|| message.to_owned()),
        landings: Vec::new(),
        reaffirms: None,
        uncovered: None,
        folded: std::collections::BTreeSet::new(),
    }
}

fn report(findings: Vec<Finding<Place>>) -> Report {
    Report {
        findings,
        notes: vec![Note {
            message: "a note\n::error::not me".into(),
            path: Some("a,b:c%".into()),
            commit: None,
        }],
        ..Report::default()
    }
}

fn rendered(report: &Report, format: Format) -> String {
    report::report(report, format, &Style::PLAIN)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a number: {value}"))
}

fn text(value: &Value) -> String {
    report::clean(value.as_str().unwrap_or_else(|| panic!("a text: {value}"))).into_owned()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn from_json(told: &str) -> Vec<Told> {
    let told = json_of(told);
    let findings = told["findings"].as_array().expect("a list").iter();
    let one = |f: &Value| {
        (
            text(&f["code"]),
            text(&f["path"]),
            number(&f["line"]),
            number(&f["column"]),
            f.get("acknowledged").is_some(),
        )
    };
    findings.map(one).collect()
}

fn from_sarif(told: &str) -> Vec<Told> {
    let told = json_of(told);
    let results = told["runs"][0]["results"].as_array().expect("a list").iter();
    let one = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("an URI");
        let path = percent_encoding::percent_decode_str(uri)
            .decode_utf8()
            .expect("UTF-8");
        (
            text(&result["ruleId"]),
            report::clean(&path).into_owned(),
            number(&place["region"]["startLine"]),
            number(&place["region"]["startColumn"]),
            result["suppressions"] != json!([]),
        )
    };
    results.map(one).collect()
}

/// A workflow command as a runner reads it: its name, properties and message.
fn command(line: &str) -> (String, Vec<(String, String)>, String) {
    let unescape = |text: &str, more: bool| {
        let mut text = text.replace("%0D", "\r").replace("%0A", "\n");
        if more {
            text = text.replace("%3A", ":").replace("%2C", ",");
        }
        text.replace("%25", "%")
    };
    let rest = line.trim_start().strip_prefix("::").expect("a command");
    let (head, message) = rest.split_once("::").expect("a message");
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let properties = properties.trim().split(',').filter(|pair| !pair.is_empty());
    let pairs = properties.filter_map(|pair| pair.split_once('=').filter(|(_, value)| !value.is_empty()));
    (
        name.to_owned(),
        pairs
            .map(|(key, value)| (key.to_owned(), unescape(value, true)))
            .collect(),
        unescape(message, false),
    )
}

/// The findings, and the messages.
fn from_github(told: &str) -> (Vec<Told>, Vec<String>) {
    let mut findings = Vec::new();
    let mut messages = Vec::new();
    for line in told.lines() {
        let (name, properties, message) = command(line);
        let get = |key: &str| {
            let found = properties.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let title = get("title");
        messages.push(message);
        if title == "Modelry" {
            assert_eq!(name, "notice");
            continue;
        }
        // A runner takes columns only from what is on one line.
        if !get("endLine").is_empty() {
            assert_eq!(get("line"), get("endLine"));
        }
        let accepted = title.ends_with("(acknowledged)");
        assert_eq!(name, if accepted { "notice" } else { "error" });
        findings.push((
            title[..5].to_owned(),
            get("file"),
            get("line").parse().expect("a line"),
            get("col").parse().expect("a column"),
            accepted,
        ));
    }
    (findings, messages)
}

/// Code Climate's issue as GitLab reads it, with no unknown member. Source: the
/// npm package `codeclimate-types` 0.3.1 and GitLab's "Code Quality report
/// format", where description, check_name, fingerprint, severity, path and
/// first line are required.
fn is_code_quality(document: &Value) {
    let position = json!({
        "type": "object", "additionalProperties": false, "required": ["line", "column"],
        "properties": {"line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}}
    });
    let schema = json!({
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["type", "check_name", "description", "categories", "location", "severity", "fingerprint"],
            "properties": {
                "type": {"const": "issue"},
                "check_name": {"type": "string", "minLength": 1},
                "description": {"type": "string", "pattern": "^[^\\r\\n]+$"},
                "content": {
                    "type": "object", "additionalProperties": false, "required": ["body"],
                    "properties": {"body": {"type": "string"}}
                },
                "categories": {"type": "array", "minItems": 1, "items": {"enum": [
                    "Bug Risk", "Clarity", "Compatibility", "Complexity",
                    "Duplication", "Performance", "Security", "Style"]}},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "location": {
                    "type": "object", "additionalProperties": false, "required": ["path", "positions"],
                    "properties": {
                        "path": {"type": "string", "pattern": "^[^/.]"},
                        "positions": {
                            "type": "object", "additionalProperties": false, "required": ["begin", "end"],
                            "properties": {"begin": position, "end": position}
                        }
                    }
                }
            }
        }
    });
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let faults: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    let prints: Vec<&Value> = document
        .as_array()
        .expect("a list")
        .iter()
        .map(|issue| &issue["fingerprint"])
        .collect();
    let distinct: std::collections::BTreeSet<String> = prints.iter().map(|p| p.to_string()).collect();
    assert_eq!(
        distinct.len(),
        prints.len(),
        "each issue has a fingerprint of its own"
    );
}

fn from_gitlab(told: &str) -> Vec<Told> {
    let told = json_of(told);
    is_code_quality(&told);
    let one = |issue: &Value| {
        let begin = &issue["location"]["positions"]["begin"];
        (
            text(&issue["check_name"]),
            text(&issue["location"]["path"]),
            number(&begin["line"]),
            number(&begin["column"]),
            issue["severity"] == "info",
        )
    };
    told.as_array().expect("a list").iter().map(one).collect()
}

/// Reads documents by the schema of Jenkins' xUnit plugin (junit-10.xsd, MIT;
/// as in pytest 8.3.4's source, where its licence stands too).
const READ_JUNIT: &str = "
import json, sys, xmlschema, xml.etree.ElementTree as tree
path, documents = json.load(sys.stdin)
schema = xmlschema.XMLSchema10(path)
out = []
for text in documents:
    faults = [str(e) for e in schema.iter_errors(text)]
    root = tree.fromstring(text.encode())
    cases = []
    for case in root.iter('testcase'):
        inner = [(e.tag, e.get('message'), e.text) for e in case]
        cases.append([case.get('classname'), case.get('name'), inner])
    suite = root.find('testsuite')
    out.append({'faults': faults, 'cases': cases, 'counts': [int(suite.get(k)) for k in ('tests', 'failures', 'skipped')]})
print(json.dumps(out))
";

fn from_junit(documents: &[String]) -> Vec<Vec<Told>> {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/junit/junit-10.xsd");
    let read = XML.run(READ_JUNIT, &json!([schema, documents]));
    let read = read.as_array().expect("a list").iter();
    read.map(|document| {
        assert_eq!(document["faults"], json!([]));
        let cases = document["cases"].as_array().expect("a list");
        let mut told = Vec::new();
        for case in cases {
            let name = text(&case[1]);
            if name == "nothing is wrong" {
                assert_eq!(case[2], json!([]));
                continue;
            }
            let (code, place) = (&name[..5], name.rsplit(' ').next().expect("a place"));
            let (line, column) = place.split_once(':').expect("line and column");
            let accepted = case[2][0][0] == "skipped";
            assert!(accepted || case[2][0][0] == "failure");
            told.push((
                code.to_owned(),
                text(&case[0]),
                line.parse().expect("a line"),
                column.parse().expect("a column"),
                accepted,
            ));
        }
        let skipped = told.iter().filter(|told| told.4).count();
        assert_eq!(
            document["counts"],
            json!([cases.len(), told.len() - skipped, skipped])
        );
        told
    })
    .collect()
}

/// The forms but JUnit's, whose reader takes many documents at once.
#[track_caller]
fn agree(json: &str, sarif: &str, github: &str, gitlab: &str) -> Vec<Told> {
    let told = from_json(json);
    assert_eq!(from_sarif(sarif), told);
    assert_eq!(from_github(github).0, told);
    assert_eq!(from_gitlab(gitlab), told);
    told
}

#[track_caller]
fn all_agree(report: &Report) -> Vec<Told> {
    let told = agree(
        &rendered(report, Format::Json),
        &rendered(report, Format::Sarif),
        &rendered(report, Format::Github),
        &rendered(report, Format::Gitlab),
    );
    let lines = rendered(report, Format::Concise);
    assert_eq!(lines.lines().count(), told.len());
    for (line, (code, path, at, column, accepted)) in lines.lines().zip(&told) {
        assert!(line.starts_with(&format!("{}:{at}:{column}: {code} ", path.replace('\n', " "))));
        assert!(!accepted || line.ends_with(" (acknowledged)"));
    }
    told
}

const AWKWARD: [&str; 10] = [
    "100% of it, 50%25 or %0A",
    "two\nlines\r\nand a carriage return\r",
    "::error file=x::not mine\n::set-env name=PATH::/tmp",
    "größer 模型 \u{1f600} \u{202e}back",
    "\u{1b}[2J\u{7}\u{0} control \u{85}\u{feff}",
    "]]> <failure/> &amp; <![CDATA[ \"q\" 'a'",
    "\u{fffe}\u{ffff}\u{fffd}",
    "a,b:c=d;e]f",
    "`code` **bold** @everyone #1",
    " ",
];

#[test]
#[ignore = "needs Python packages: xmlschema"]
fn awkward_messages_survive_every_form() {
    needs![XML];
    let findings = AWKWARD.iter().enumerate().map(|(at, message)| {
        let path = format!("groups/a{}/b.yaml", message.replace(['\u{fffe}', '\u{ffff}'], ""));
        finding(at % 2, &path, (at + 1, 2 * at + 1), message, at % 3 == 0)
    });
    let report = report(findings.collect());
    let told = all_agree(&report);
    assert_eq!(from_junit(&[rendered(&report, Format::Junit)]), [told]);
    let (_, messages) = from_github(&rendered(&report, Format::Github));
    for (message, wanted) in messages.iter().zip(AWKWARD) {
        let wanted = report::clean(wanted);
        assert!(message.starts_with(&*wanted), "{message:?} for {wanted:?}");
    }
    // A report is safe to print in a terminal.
    for format in [
        Format::Human,
        Format::Concise,
        Format::Json,
        Format::Sarif,
        Format::Github,
        Format::Gitlab,
        Format::Junit,
    ] {
        let text = rendered(&report, format);
        let obeyed = |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202e}' | '\u{feff}');
        assert_eq!(text.chars().find(obeyed), None, "{format:?}");
    }
}

#[test]
#[ignore = "needs Python packages: xmlschema"]
fn a_report_without_findings_is_a_test_that_passed() {
    needs![XML];
    let report = report(Vec::new());
    assert_eq!(all_agree(&report), []);
    assert_eq!(
        from_junit(&[rendered(&report, Format::Junit)]),
        [Vec::<Told>::new()]
    );
    assert_eq!(json_of(&rendered(&report, Format::Gitlab)), json!([]));
}

#[test]
#[ignore = "needs Python packages: xmlschema"]
fn ten_thousand_findings_survive_every_form() {
    needs![XML];
    let findings = (0..10_000).map(|at| {
        let message = format!("{} number {}", AWKWARD[at % AWKWARD.len()], at % 100);
        finding(
            at % 2,
            "groups/a/group.yaml",
            (at + 1, 1 + at % 80),
            &message,
            false,
        )
    });
    let report = report(findings.collect());
    let told = all_agree(&report);
    assert_eq!(told.len(), 10_000);
    assert_eq!(from_junit(&[rendered(&report, Format::Junit)]), [told]);
}

#[test]
fn a_fingerprint_stays_when_lines_move() {
    let print = |line| {
        let told = rendered(
            &report(vec![finding(0, "a.yaml", (line, 1), "m", false)]),
            Format::Gitlab,
        );
        json_of(&told)[0]["fingerprint"].clone()
    };
    assert_eq!(print(1), print(7));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_others_wrote_the_forms_agree(
        // A path is never empty, and starts with a folder of the registry.
        some in proptest::collection::vec(("\\PC{0,12}", any::<String>(), 1..500_usize, 1..500_usize, any::<bool>()), 0..6)
    ) {
        let findings = some.iter().enumerate().map(|(at, (path, message, line, column, accepted))| {
            finding(at % 2, &format!("groups/{path}"), (*line, *column), message, *accepted)
        });
        all_agree(&report(findings.collect()));
    }
}

#[test]
#[ignore = "needs Python packages: xmlschema"]
fn junit_holds_whatever_others_wrote() {
    needs![XML];
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts = proptest::collection::vec(any::<String>(), 200);
    let texts = texts.new_tree(&mut runner).expect("texts").current();
    let reports = texts.iter().enumerate().map(|(at, message)| {
        report(vec![finding(
            0,
            "groups/a.yaml",
            (at + 1, 1),
            message,
            at % 2 == 0,
        )])
    });
    let reports: Vec<Report> = reports.collect();
    let documents: Vec<String> = reports.iter().map(|r| rendered(r, Format::Junit)).collect();
    let wanted = reports.iter().map(|r| from_json(&rendered(r, Format::Json)));
    assert_eq!(from_junit(&documents), wanted.collect::<Vec<_>>());
}

#[test]
#[ignore = "needs Python packages: xmlschema"]
fn validate_and_audit_speak_every_form() {
    needs![XML];
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(
        path,
        &lab.read(path)
            .replace("status: Pending", "status: Approved")
            .replace("auc: 0.9", "auc: 0.8"),
    );
    lab.write("groups/churn/nötes, 100%: x.txt", "x\n");
    lab.commit("admin-1", "by hand");
    let hand = lab.git(&["rev-parse", "HEAD"]);
    let accepted = format!(
        "acknowledged:\n  - {{commit: \"{hand}\", codes: [MR308], reason: \"seen: 1,\\n::error::x\"}}\ngrants:\n"
    );
    lab.change_policy("grants:\n", &accepted);
    let root = lab.root();
    let range = format!("{root}..HEAD");
    for command in [&["validate", &range] as &[&str], &["audit", "--root", &root]] {
        let said = |form: &str| {
            let mut all = command.to_vec();
            all.extend(["-o", form]);
            lab.findings("stranger", &all)
        };
        let told = agree(&said("json"), &said("sarif"), &said("github"), &said("gitlab"));
        assert!(told.len() >= 3 && told.iter().any(|told| told.4), "{told:?}");
        assert!(said("concise").contains("(acknowledged)"));
        assert_eq!(from_junit(&[said("junit")]), [told]);
    }
}

/// A line feed in the name of a file makes no line of a report for people.
#[test]
fn a_line_feed_in_a_path_is_spelled_out() {
    let lab = Lab::with_registry();
    lab.write("groups/churn/a\nclean: all is well\u{1b}[2J.yaml", "x: 1\n");
    lab.git(&["add", "-A"]);
    lab.commit("admin-1", "a name of two lines");
    for line in [
        &["validate", "HEAD~1..HEAD"][..],
        &["audit"],
        &["diff", "HEAD~1..HEAD"],
        &["log"],
    ] {
        let said = lab.says("admin-1", line);
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("clean: all is well"), "{line:?}: {all}");
        assert!(
            !all.contains("\nclean: all is well") && !all.contains('\u{1b}'),
            "{line:?}: {all}"
        );
    }
}
