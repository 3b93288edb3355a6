//! One value has one verdict, whichever way it comes in: as a flag, in a file, on
//! standard input, in an import, or in a record that was written by hand.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Lab, Said};

const DIGEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// A registry with one Pending version; every try is a dry run.
pub struct Desk {
    pub lab: Lab,
}

impl Desk {
    pub fn open() -> Desk {
        let lab = Lab::with_registry();
        let artifact = ["--artifact", "s3://m/1", "--digest", DIGEST];
        let _ = lab.ok("trainer", &[&["register", "churn"], &artifact[..]].concat());
        Desk { lab }
    }

    #[track_caller]
    pub fn flag(&self, arguments: &[&str]) -> (bool, Said) {
        let said = self.lab.says("trainer", &[arguments, &["--dry-run"]].concat());
        (said.code == 0, said)
    }

    #[track_caller]
    pub fn file(&self, arguments: &[&str], text: &str) -> (bool, Said) {
        let path = self.lab.home().join("given");
        std::fs::write(&path, text).expect("a file");
        let path = path.to_string_lossy();
        let said = self
            .lab
            .says("trainer", &[arguments, &["--dry-run", "-f", &path]].concat());
        (said.code == 0, said)
    }

    #[track_caller]
    pub fn input(&self, arguments: &[&str], text: &str) -> (bool, Said) {
        let mut command = self
            .lab
            .modelry("trainer", &[arguments, &["--dry-run", "-f", "-"]].concat());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut input = child.stdin.take().expect("standard input");
        input.write_all(text.as_bytes()).expect("it reads");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        let said = Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        (said.code == 0, said)
    }

    /// A record by hand, as `validate` judges it on disk.
    pub fn hand(&self, path: &str, text: &str) -> (bool, Said) {
        self.lab.write(path, text);
        let said = self.lab.says("trainer", &["validate"]);
        let _ = self.lab.git(&["reset", "-q", "--hard"]);
        let _ = self.lab.git(&["clean", "-qfd"]);
        // It is not signed; all else must be right.
        let others = said.out.contains("MR0") || said.out.contains("MR1");
        (!others, said)
    }
}

fn version(spec: &str, top: &str) -> String {
    format!(
        "apiVersion: modelry/v1\nkind: ModelVersion\ngroup: churn\nversion: 2\nstatus: Pending\nby: trainer\n{top}spec:\n{spec}"
    )
}

const SPEC: &str = "  inference:\n    containers:\n      - artifact: {uri: s3://m/2, digest: \"sha256:2222222222222222222222222222222222222222222222222222222222222222\"}\n";

/// Metrics: how the number is spelled, and whether a record may hold it.
#[test]
fn a_number_has_one_verdict() {
    let desk = Desk::open();
    let two = DIGEST.replace('1', "2");
    for (spelled, good) in [
        ("0.91", true),
        ("1", true),
        ("-3.5", true),
        ("9007199254740992", true),
        ("9007199254740993", false),
        ("18446744073709551617", false),
        ("1.0e+400", false),
        ("1e400", false),
        ("9007199254740992.5", false),
        ("12345678901234567890.0", false),
        ("1e-400", false),
        ("1.0e-400", false),
        ("1.0e+20", true),
        ("0.12345678901234567890", true),
        ("-0", false),
        ("-0.0", false),
        ("nan", false),
        ("NaN", false),
        (".inf", false),
        ("0x10", false),
        ("1_000", false),
        ("007", false),
        ("+1", false),
        ("1:30", false),
        ("", false),
    ] {
        let metric = format!("rows={spelled}");
        let artifact = ["--artifact", "s3://m/2", "--digest", &two];
        let register = ["register", "churn"];
        let with_flag = [&register[..], &artifact[..], &["--metric", &metric]].concat();
        let record = format!("{SPEC}  metrics:\n    rows: {spelled}\n");
        let given = record.replace("\n  ", "\n").trim_start().to_owned();
        let json = format!(
            "{{\"inference\": {{\"containers\": [{{\"artifact\": {{\"uri\": \"s3://m/2\", \"digest\": \"{two}\"}}}}]}}, \"metrics\": {{\"rows\": {spelled}}}}}"
        );
        for (entrance, (accepted, said)) in [
            ("flag", desk.flag(&with_flag)),
            (
                "evidence",
                desk.flag(&["evidence", "add", "churn/1", "e", "--metric", &metric]),
            ),
            ("file", desk.file(&register, &given)),
            ("input", desk.input(&register, &given)),
            ("json", desk.file(&register, &json)),
            (
                "hand",
                desk.hand("groups/churn/versions/2/version.yaml", &version(&record, "")),
            ),
        ] {
            assert_eq!(
                accepted, good,
                "{spelled:?} by {entrance}: {}{}",
                said.out, said.err
            );
        }
    }
    // Digits that no double has are rounded alike by all, up to the longest value.
    for (digits, good) in [(60_000, true), (70_000, false)] {
        let spelled = format!("0.{}", "1".repeat(digits));
        let metric = format!("rows={spelled}");
        let yaml = format!("{SPEC}  metrics:\n    rows: {spelled}\n");
        let json = format!(
            "{{\"inference\": {{\"containers\": [{{\"artifact\": {{\"uri\": \"s3://m/2\", \"digest\": \"{two}\"}}}}]}}, \"metrics\": {{\"rows\": {spelled}}}}}"
        );
        let given = yaml.replace("\n  ", "\n").trim_start().to_owned();
        for (entrance, (accepted, said)) in [
            (
                "evidence",
                desk.flag(&["evidence", "add", "churn/1", "e", "--metric", &metric]),
            ),
            ("file", desk.file(&["register", "churn"], &given)),
            ("input", desk.input(&["register", "churn"], &given)),
            ("json", desk.file(&["register", "churn"], &json)),
            (
                "hand",
                desk.hand("groups/churn/versions/2/version.yaml", &version(&yaml, "")),
            ),
        ] {
            let words = format!("{}{}", said.out, said.err);
            assert_eq!(accepted, good, "{digits} by {entrance}: {words:.400}");
            assert!(good || words.contains("MR013"), "{entrance}: {words:.400}");
        }
    }
    // A flag takes JSON's spellings: it can only be a number.
    let (accepted, said) = desk.flag(&["evidence", "add", "churn/1", "e", "--metric", "loss=1e-05"]);
    assert!(accepted, "{}{}", said.out, said.err);
}

/// In YAML, `1e3` is a number for some readers and text for others: it is no value yet.
/// The spelling that MR011 names is the value that the flag and JSON mean, and gives the
/// same record.
#[test]
fn a_spelling_that_yaml_readers_differ_on_has_one_value() {
    let desk = Desk::open();
    let evidence = |who: &Lab, metric: &str| {
        let _ = who.ok(
            "trainer",
            &["evidence", "add", "churn/1", "e", "--metric", metric],
        );
        let text = who.read("groups/churn/versions/1/evidence/e.yaml");
        let line = text.lines().find(|line| line.contains("rows:"));
        line.unwrap_or_default().trim().to_owned()
    };
    for spelled in [
        "1e3",
        "1E5",
        "1e-05",
        "1.5e3",
        "0.1e1",
        "-1e3",
        "1e+3",
        "1.7976931348623157e308",
    ] {
        let yaml = |number: &str| format!("{SPEC}  metrics:\n    rows: {number}\n");
        let given = |number: &str| yaml(number).replace("\n  ", "\n").trim_start().to_owned();
        let path = "groups/churn/versions/2/version.yaml";
        let mut remedies = std::collections::BTreeSet::new();
        for (entrance, (accepted, said)) in [
            ("file", desk.file(&["register", "churn"], &given(spelled))),
            ("input", desk.input(&["register", "churn"], &given(spelled))),
            ("hand", desk.hand(path, &version(&yaml(spelled), ""))),
        ] {
            let words = format!("{spelled} by {entrance}: {}{}", said.out, said.err);
            assert!(!accepted && words.contains("MR011"), "{words}");
            let help = said.out.lines().find(|line| line.contains("= do:"));
            let help = help.unwrap_or_else(|| panic!("{words}"));
            let number = help.split('`').find(|part| part.parse::<f64>().is_ok());
            remedies.insert(number.unwrap_or_else(|| panic!("{words}")).to_owned());
        }
        assert_eq!(remedies.len(), 1, "{spelled}: {remedies:?}");
        let remedy = remedies.pop_first().expect("one");
        for (accepted, said) in [
            desk.file(&["register", "churn"], &given(&remedy)),
            desk.hand(path, &version(&yaml(&remedy), "")),
        ] {
            assert!(accepted, "{remedy}: {}{}", said.out, said.err);
        }
        let by_flag = evidence(&desk.lab.copy(), &format!("rows={spelled}"));
        assert_eq!(by_flag, format!("rows: {remedy}"), "{spelled}");
    }
}

/// Texts: labels, annotations, descriptions, notes, and texts of a card.
#[test]
fn a_text_has_one_verdict() {
    let desk = Desk::open();
    let two = DIGEST.replace('1', "2");
    let long = "x".repeat(70_000);
    for (text, good) in [
        ("risk", true),
        ("", true),
        ("yes", true),
        ("a: b #c", true),
        ("bell\u{7}", false),
        ("over\u{202e}", false),
        ("zero\u{200b}", false),
        (&long, false),
    ] {
        let quoted = json!(text).to_string();
        let label = format!("team={text}");
        let artifact = ["--artifact", "s3://m/2", "--digest", &two];
        let register = ["register", "churn"];
        let with_flag = [&register[..], &artifact[..], &["--label", &label]].concat();
        let record = version(SPEC, &format!("labels:\n  team: {quoted}\n"));
        let given = format!("labels:\n  team: {quoted}\nspec:\n{SPEC}");
        for (entrance, (accepted, said)) in [
            ("flag", desk.flag(&with_flag)),
            ("annotate", desk.flag(&["annotate", "churn/1", "--label", &label])),
            ("file", desk.file(&register, &given)),
            ("input", desk.input(&register, &given)),
            ("hand", desk.hand("groups/churn/versions/2/version.yaml", &record)),
        ] {
            assert_eq!(accepted, good, "{text:?} by {entrance}: {}{}", said.out, said.err);
            assert_eq!(
                said.code,
                i32::from(!good),
                "{text:?} by {entrance}: {}{}",
                said.out,
                said.err
            );
        }
        // A card's texts may be longer.
        if text == long {
            continue;
        }
        let set = format!("caveats={text}");
        for (entrance, (accepted, said)) in [
            (
                "description",
                desk.flag(&[&with_flag[..6], &["--description", text]].concat()),
            ),
            (
                "notes",
                desk.flag(&["evidence", "add", "churn/1", "e", "--notes", text]),
            ),
            (
                "file",
                desk.file(
                    &["card", "set", "churn/1"],
                    &format!("caveats: {quoted}\ntags: [a]\n"),
                ),
            ),
        ] {
            assert_eq!(accepted, good, "{text:?} by {entrance}: {}{}", said.out, said.err);
            assert_eq!(
                said.code,
                i32::from(!good),
                "{text:?} by {entrance}: {}{}",
                said.out,
                said.err
            );
        }
        if text.is_empty() {
            continue;
        }
        for (entrance, line) in [
            ("--set", &["card", "set", "churn/1", "--set", &set][..]),
            ("annotate", &["annotate", "churn/1", "--description", text]),
        ] {
            let (accepted, said) = desk.flag(line);
            assert_eq!(accepted, good, "{text:?} by {entrance}: {}{}", said.out, said.err);
            assert_eq!(
                said.code,
                i32::from(!good),
                "{text:?} by {entrance}: {}{}",
                said.out,
                said.err
            );
        }
    }
}

/// Addresses: every field that holds one, by every entrance that it has.
#[test]
fn an_address_has_one_verdict() {
    let desk = Desk::open();
    let two = DIGEST.replace('1', "2");
    for (uri, good) in [
        ("https://host.example.com/x", true),
        ("ssh://git@host.example.com/x.git", true),
        ("https://user:hunter2@host.example.com/x", false),
        ("https://hunter2@host.example.com/x", false),
        ("https://host.example.com/x?X-Amz-Signature=hunter2", false),
        ("https://host.example.com/x?sv=1&sig=hunter2", false),
        ("https://host.example.com/x?X-Goog-Signature=hunter2", false),
        ("https://host.example.com/x\nhunter2", false),
        ("https://host.example.com/x\thunter2", false),
    ] {
        let quoted = json!(uri).to_string();
        let register = ["register", "churn"];
        let artifact = ["--artifact", "s3://m/2", "--digest", &two];
        let card = |field: &str| desk.file(&["card", "set", "churn/1"], field);
        let spec = |more: &str| {
            desk.file(
                &register,
                &format!("{}{more}", SPEC.replace("\n  ", "\n").trim_start()),
            )
        };
        let by_hand = |more: &str| {
            desk.hand(
                "groups/churn/versions/2/version.yaml",
                &version(&format!("{SPEC}{more}"), ""),
            )
        };
        for (entrance, (accepted, said)) in [
            (
                "--artifact",
                desk.flag(&[&register[..], &["--artifact", uri, "--digest", &two]].concat()),
            ),
            (
                "--source-repository",
                desk.flag(&[&register[..], &artifact[..], &["--source-repository", uri]].concat()),
            ),
            (
                "--training-job",
                desk.flag(&[&register[..], &artifact[..], &["--training-job", uri]].concat()),
            ),
            (
                "--image",
                desk.flag(
                    &[
                        &register[..],
                        &artifact[..],
                        &["--image", &format!("{uri}@{two}"), "--without-digest"],
                    ]
                    .concat(),
                ),
            ),
            (
                "--dataset",
                desk.flag(&["evidence", "add", "churn/1", "e", "--dataset", uri]),
            ),
            (
                "--report",
                desk.flag(&["evidence", "add", "churn/1", "e", "--report", uri]),
            ),
            (
                "spec: repository",
                spec(&format!("source: {{repository: {quoted}}}\n")),
            ),
            ("spec: cloned from", spec(&format!("source: {{uri: {quoted}}}\n"))),
            (
                "spec: report",
                spec(&format!(
                    "reports: {{quality: {{statistics: {{uri: {quoted}}}}}}}\n"
                )),
            ),
            (
                "spec: artifacts",
                spec(&format!("artifacts: [{{uri: {quoted}, digest: \"{two}\"}}]\n")),
            ),
            (
                "spec: output",
                spec(&format!("validation: {{output: {quoted}}}\n")),
            ),
            (
                "card: dataset",
                card(&format!("datasets: [{{name: a, uri: {quoted}}}]\n")),
            ),
            ("card: licence", card(&format!("license: {{uri: {quoted}}}\n"))),
            (
                "card: evaluation",
                card(&format!("evaluations: [{{name: a, source: {quoted}}}]\n")),
            ),
            ("card: job", card(&format!("training: {{job: {quoted}}}\n"))),
            (
                "card: environment",
                card(&format!("training: {{environment: [{quoted}]}}\n")),
            ),
            (
                "card: base model",
                card(&format!("baseModels: [{{name: {quoted}}}]\n")),
            ),
            (
                "hand: repository",
                by_hand(&format!("  source: {{repository: {quoted}}}\n")),
            ),
            (
                "hand: artifacts",
                by_hand(&format!("  artifacts: [{{uri: {quoted}, digest: \"{two}\"}}]\n")),
            ),
        ] {
            let words = format!("{uri:?} by {entrance}: {}{}", said.out, said.err);
            assert_eq!(accepted, good, "{words}");
            if !good {
                assert!(words.contains("MR112"), "{words}");
                let shown = format!("{}{}", said.out, said.err);
                let is_secret = !uri.contains(['\n', '\t']);
                assert!(
                    !is_secret || !shown.contains("hunter2"),
                    "the secret is shown: {shown}"
                );
                if !entrance.starts_with("hand") {
                    assert_eq!(said.code, 1, "{words}");
                }
            }
        }
    }
}

/// The address that GitLab gives its jobs is refused; the remedy works when typed.
#[test]
fn the_address_that_gitlab_gives_a_job_is_refused_with_one_that_works() {
    let desk = Desk::open();
    let uri = "https://gitlab-ci-token:glcbt-64_x@gitlab.example.com/risk/models.git";
    let register = |uri: &str| {
        let two = DIGEST.replace('1', "2");
        let artifact = ["register", "churn", "--artifact", "s3://m/2", "--digest", &two];
        desk.flag(&[&artifact[..], &["--source-repository", uri]].concat())
    };
    let (accepted, said) = register(uri);
    assert!(!accepted && said.code == 1, "{}{}", said.out, said.err);
    let remedy = said
        .out
        .split("write `")
        .nth(1)
        .and_then(|rest| rest.split('`').next());
    let remedy = remedy.unwrap_or_else(|| panic!("no remedy: {}", said.out));
    assert_eq!(remedy, "https://gitlab.example.com/risk/models.git");
    let (accepted, said) = register(remedy);
    assert!(accepted, "{}{}", said.out, said.err);
}

/// Importers take what another registry holds, without its secrets, and say so.
#[test]
fn an_import_leaves_logins_out_and_says_so() {
    let desk = Desk::open();
    let arn = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/fraud/1";
    let package: Value = json!({
        "ModelPackageGroupName": "fraud", "ModelPackageVersion": 1, "ModelPackageArn": arn,
        "ModelPackageStatus": "Completed", "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": "https://u:hunter2@models.example.com/1.tar.gz"}]},
        "MetadataProperties": {"Repository": "https://hunter2@git.example.com/m.git"},
    });
    let path = desk.lab.home().join("sagemaker.json");
    std::fs::write(&path, package.to_string()).expect("a file");
    let out = desk
        .lab
        .ok("admin-1", &["import", "sagemaker", &path.to_string_lossy()]);
    assert!(out.contains("holds a login: left out"), "{out}");
    let record = desk.lab.read("groups/fraud/versions/1/version.yaml");
    assert!(
        !record.contains("hunter2") && record.contains("https://git.example.com/m.git"),
        "{record}"
    );
}

/// A finding about a given file points into that file.
#[test]
fn findings_point_into_the_file_that_was_given() {
    let desk = Desk::open();
    let spec = "# mine\ninference:\n  containers:\n    - artifact: {uri: s3://m/2}\n      frameworkVersion: 2\nsource: {repository: https://t@h.example.com/x}\n";
    let (_, said) = desk.file(&["register", "churn", "--without-digest", "-o", "json"], spec);
    let report: Value = serde_json::from_str(&said.out).expect("a report");
    let at = &report["refused"]["findings"][0];
    assert_eq!(at["code"], "MR014", "{report}");
    assert_eq!((&at["line"], &at["column"]), (&json!(5), &json!(25)), "{report}");
    let file = at["path"].as_str().unwrap_or_default();
    assert!(file.ends_with("given"), "{report}");
    let text = spec.replace("frameworkVersion: 2", "frameworkVersion: \"2\"");
    let (_, said) = desk.file(&["register", "churn", "--without-digest"], &text);
    assert!(said.out.contains("given:6:22"), "{}", said.out);
    // A spelling that readers take differently has its rule and its place too.
    let (_, said) = desk.file(&["register", "churn"], "metrics:\n  a: 1\n  a: 2\n");
    assert!(
        said.code == 1 && said.out.contains("MR008") && said.out.contains("given:3:3"),
        "{}",
        said.out
    );
    let (_, said) = desk.file(
        &["register", "churn"],
        "{\n\t\"metrics\": {\"a\": 9007199254740993}\n}\n",
    );
    assert!(
        said.code == 1 && said.out.contains("MR012") && said.out.contains("given:2:"),
        "{}",
        said.out
    );
}

/// JSON has tabs, escapes and spellings of its own; it is read as what it says.
#[test]
fn json_is_read_as_json() {
    let desk = Desk::open();
    let text = "{\n\t\"caveats\": \"\\ud83d\\ude00 a\\/b\",\r\n\t\"training\": {\"hyperparameters\": {\"lr\": 1e-05, \"layers\":3, \"bias\": true, \"name\": \"adam\"}}\n}";
    let path = desk.lab.home().join("card.json");
    std::fs::write(&path, text).expect("a file");
    let _ = desk.lab.ok(
        "trainer",
        &["card", "set", "churn/1", "-f", &path.to_string_lossy()],
    );
    let card = desk.lab.read("groups/churn/versions/1/card.yaml");
    for part in [
        "\u{1f600} a/b",
        "lr: 1.0e-5",
        "layers: 3",
        "bias: true",
        "name: adam",
    ] {
        assert!(card.contains(part), "{part} is not in {card}");
    }
    // SageMaker's hyperparameters are text.
    let _ = desk
        .lab
        .ok("trainer", &["card", "set", "churn/1", "--set", "intendedUses=x"]);
    let out = desk
        .lab
        .ok("trainer", &["card", "render", "churn/1", "-o", "json"]);
    let sagemaker: Value = serde_json::from_str(&out).expect("JSON");
    assert!(
        sagemaker.to_string().contains("\"value\":\"3\"") && out.contains("\"true\""),
        "{out}"
    );
}

const FORMS: [&str; 9] = [
    "human",
    "concise",
    "json",
    "sarif",
    "github",
    "markdown",
    "junit",
    "code-quality",
    "html",
];

/// No report shows the secret that it is about, however the address is spelled.
#[test]
fn a_secret_is_told_in_no_form() {
    let desk = Desk::open();
    std::fs::write(desk.lab.home().join("m.bin"), "weights").expect("a file");
    for address in [
        "user:glpat-SECRET@files.example.com/m",
        "//user:glpat-SECRET@files.example.com/m",
        "https://glpat-SECRET@files.example.com/m",
    ] {
        let line = [
            "register",
            "churn",
            "--artifact",
            "../m.bin",
            "--artifact-uri",
            address,
        ];
        let (accepted, said) = desk.flag(&line);
        let words = format!("{}{}", said.out, said.err);
        assert!(!accepted && words.contains("MR112"), "{words}");
        assert!(!words.contains("SECRET"), "{words}");
    }
    let image = format!("user:glpat-SECRET@registry.example.com/x@{DIGEST}");
    let (accepted, said) = desk.flag(&["register", "churn", "--image", &image, "--without-digest"]);
    let words = format!("{}{}", said.out, said.err);
    assert!(
        !accepted && words.contains("MR112") && !words.contains("SECRET"),
        "{words}"
    );
    for address in [
        "user:glpat-SECRET@files.example.com/m",
        "//user:glpat-SECRET@files.example.com/m",
    ] {
        let text = version(&SPEC.replace("s3://m/2", &format!("\"{address}\"")), "");
        desk.lab.write("groups/churn/versions/2/version.yaml", &text);
        for form in FORMS {
            let said = desk.lab.says("trainer", &["validate", "-o", form]);
            let words = format!("{}{}", said.out, said.err);
            assert!(!words.contains("SECRET"), "{form}: {words}");
            assert!(said.code == 2 || words.contains("MR112"), "{form}: {words}");
        }
    }
}

/// Free text is signed for good as well.
#[test]
fn an_address_with_a_password_enters_no_text() {
    let desk = Desk::open();
    let artifact = ["--artifact", "s3://m/2", "--digest", DIGEST];
    let register = [&["register", "churn", "--allow-duplicate"], &artifact[..]].concat();
    let annotate = vec!["annotate", "churn/1"];
    let create = vec!["group", "create", "fraud"];
    let update = vec!["group", "update", "churn"];
    let evidence = vec!["evidence", "add", "churn/1", "e", "--metric", "a=1"];
    let card = vec!["card", "set", "churn/1"];
    let tries: [(&str, &Vec<&str>, &str, &str); 12] = [
        ("trainer", &register, "--annotation", "src="),
        ("trainer", &register, "--description", "from "),
        ("trainer", &register, "-m", "from "),
        ("trainer", &annotate, "--annotation", "src="),
        ("trainer", &annotate, "--description", "from "),
        ("admin-1", &create, "--description", "see "),
        ("admin-1", &create, "--annotation", "src="),
        ("admin-1", &update, "--annotation", "src="),
        ("trainer", &evidence, "--notes", "see "),
        ("trainer", &evidence, "-m", "see "),
        ("trainer", &card, "--set", "limitations=see "),
        ("risk-1", &vec!["reject", "churn/1"], "-m", "see "),
    ];
    for (who, line, option, before) in tries {
        let bad = format!("{before}https://user:glpat-SECRET@git.example.com/x.git");
        let line = [&line[..], &["--dry-run", option]].concat();
        let said = desk.lab.says(who, &[&line[..], &[&bad]].concat());
        let words = format!("{}{}", said.out, said.err);
        assert_eq!(said.code, 1, "{line:?}: {words}");
        assert!(
            words.contains("MR112") && words.contains("holds a login"),
            "{words}"
        );
        assert!(
            words.contains("write `https://git.example.com/x.git` instead"),
            "{words}"
        );
        assert!(!words.contains("SECRET"), "{words}");
        for good in [
            "mailto:me@example.com",
            "me@example.com",
            "https://git.example.com/x.git",
            "ssh://git@github.com/o/r",
        ] {
            let good = format!("{before}{good}");
            let said = desk.lab.says(who, &[&line[..], &[&good]].concat());
            assert_eq!(said.code, 0, "{line:?} {good}: {}{}", said.out, said.err);
        }
    }
}
