//! Logins in keys, in comments and on the command line: they enter no record, and no
//! message shows them.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::Lab;

const SECRET: &str = "hunter2";
const ADDRESS: &str = "https://bob:hunter2@h.example.com/x";

fn with_version() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab
    })
}

/// A key is written by every option that takes a pair.
#[test]
fn a_login_enters_no_record_by_a_key() {
    let lab = with_version();
    let metric = "https://bob:hunter2@h.example.com=1";
    let pair = format!("{ADDRESS}=1");
    let register = ["register", "churn", "--artifact", "s3://m/2", "--without-digest"];
    let tries: [(&str, Vec<&str>); 7] = [
        ("trainer", [&register[..], &["--metric", metric]].concat()),
        ("trainer", [&register[..], &["--label", &pair]].concat()),
        ("trainer", [&register[..], &["--annotation", &pair]].concat()),
        (
            "trainer",
            vec!["evidence", "add", "churn/1", "e", "--metric", metric],
        ),
        ("trainer", vec!["annotate", "churn/1", "--label", &pair]),
        ("admin-1", vec!["group", "create", "fraud", "--label", &pair]),
        ("admin-1", vec!["actor", "add-account", "risk-1", metric]),
    ];
    let before = lab.git(&["rev-parse", "HEAD"]);
    for (who, line) in &tries {
        let said = lab.says(who, line);
        let words = format!("{}{}", said.out, said.err);
        assert!(said.code == 1 && words.contains("MR112"), "{line:?}: {words}");
        assert!(words.contains("in a key of `"), "{line:?}: {words}");
        assert!(!words.contains(SECRET), "{line:?}: {words}");
        let json = [&line[..], &["-o", "json"]].concat();
        let said = lab.says(who, &json);
        assert!(
            said.code == 1 && !format!("{said:?}").contains(SECRET),
            "{said:?}"
        );
    }
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), before);
}

#[test]
fn a_registry_is_not_named_with_a_login() {
    let lab = Lab::empty();
    let said = lab.says("admin-1", &["init", "--name", ADDRESS]);
    assert!(said.code == 1 && said.out.contains("MR112"), "{said:?}");
    assert!(
        said.out.contains("write `https://h.example.com/x` instead"),
        "{said:?}"
    );
    assert!(!format!("{said:?}").contains(SECRET), "{said:?}");
    let _ = lab.ok("admin-1", &["init", "--name", "https://h.example.com/x"]);
}

#[test]
fn a_comment_by_hand_holds_no_login() {
    let lab = with_version();
    let _ = lab.ok(
        "trainer",
        &["card", "set", "churn/1", "--set", "intendedUses=payments"],
    );
    for path in [
        "registry.yaml",
        "groups/churn/group.yaml",
        "groups/churn/versions/1/version.yaml",
        "groups/churn/versions/1/card.yaml",
    ] {
        let text = lab.read(path);
        lab.write(path, &format!("{text}# {ADDRESS}\n"));
        for form in ["human", "json"] {
            let said = lab.says("admin-1", &["validate", "-o", form]);
            let words = format!("{}{}", said.out, said.err);
            assert!(said.code == 1 && words.contains("MR112"), "{path}: {words}");
            assert!(
                words.contains("the address in a comment holds a login"),
                "{path}: {words}"
            );
            assert!(
                words.contains("write `https://h.example.com/x` instead"),
                "{path}: {words}"
            );
            assert!(!words.contains(SECRET), "{path}: {words}");
        }
        lab.write(path, &text);
    }
    // Once it is there, another change of the record is not refused for it.
    let path = "groups/churn/group.yaml";
    let text = lab.read(path);
    lab.write(path, &format!("# {ADDRESS}\n{text}"));
    lab.commit("admin-1", "a comment with a login");
    lab.write(path, &format!("# {ADDRESS}\n{text}labels:\n  team: risk\n"));
    let said = lab.says("admin-1", &["validate"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!said.out.contains("[MR112"), "{said:?}");
}

/// The argument parser prints its errors itself.
#[test]
fn an_argument_that_is_refused_shows_no_login() {
    let lab = with_version();
    let metric = format!("a={ADDRESS}");
    let token = "https://hunter2@h.example.com/x";
    let lines: [&[&str]; 12] = [
        &["annotate", "churn/1", "--label", ADDRESS],
        &["annotate", "churn/1", "--label", token],
        &["register", "churn", "--digest", ADDRESS],
        &["evidence", "add", "churn/1", "e", "--dataset-digest", ADDRESS],
        &["register", "churn", "--metric", &metric],
        &["group", "create", "x", "--owner", ADDRESS],
        &["init", "--actor", ADDRESS],
        &["list", ADDRESS],
        &["show", ADDRESS],
        &["resolve", token],
        &["list", "-o", ADDRESS],
        &[ADDRESS],
    ];
    for line in lines {
        let said = lab.says("admin-1", line);
        let words = format!("{}{}", said.out, said.err);
        assert!(said.code != 0 && !words.contains(SECRET), "{line:?}: {words}");
        assert!(words.contains('…'), "{line:?}: {words}");
    }
}

/// An import from another registry leaves out logins, wherever they are.
#[test]
fn an_import_leaves_logins_out_of_every_text_and_key() {
    let lab = Lab::with_registry();
    let key = "https://bob:hunter2@h.example.com";
    let package: Value = json!({
        "ModelPackageGroupName": "fraud", "ModelPackageVersion": 1,
        "ModelPackageArn": "arn:aws:sagemaker:eu-central-1:123456789012:model-package/fraud/1",
        "ModelPackageStatus": "Completed", "ModelApprovalStatus": "PendingManualApproval",
        "ModelPackageDescription": format!("see {ADDRESS}"),
        "CustomerMetadataProperties": {"src": ADDRESS, key: "1"},
        "InferenceSpecification": {"Containers": [{
            "ModelDataUrl": "s3://b/1.tar.gz", "Environment": {"SRC": ADDRESS, key: "1"},
        }]},
    });
    lab.write("../package.json", &package.to_string());
    let out = lab.ok("admin-1", &["import", "sagemaker", "../package.json"]);
    for note in [
        "labels.src holds a login: left out",
        "a key of labels holds a login: left out",
        "description holds a login: left out",
        "inference.containers.0.environment.SRC holds a login: left out",
        "a key of inference.containers.0.environment holds a login: left out",
    ] {
        assert!(out.contains(note), "{note}: {out}");
    }
    let record = lab.read("groups/fraud/versions/1/version.yaml");
    assert!(!record.contains(SECRET), "{record}");
    assert!(record.contains("src: https://h.example.com/x"), "{record}");
    let again = lab.ok("admin-1", &["import", "sagemaker", "../package.json"]);
    assert!(again.contains("all of it is here already"), "{again}");
}

/// A mainline that is named and not there is the same error in every command.
#[test]
fn a_mainline_that_is_not_there_is_an_error_of_every_command() {
    let lab = with_version();
    let lines: [&[&str]; 9] = [
        &["list"],
        &["log"],
        &["validate"],
        &["show", "churn/1"],
        &["diff", "HEAD~1.."],
        &["resolve", "churn/1"],
        &["audit"],
        &["policy", "show"],
        &["whoami"],
    ];
    for line in lines {
        let said = lab.says("admin-1", &[&["--mainline", "nope"], line].concat());
        assert!(
            said.code == 2 && said.err.contains("no branch `nope`"),
            "{line:?}: {said:?}"
        );
    }
}

/// The parser's errors name what the command has.
#[test]
fn a_misspelled_form_or_option_gets_a_hint_that_helps() {
    let lab = with_version();
    let said = lab.says("admin-1", &["resolve", "churn/1", "-o", "evn"]);
    assert!(
        said.code == 2 && said.err.contains("did you mean `env`?"),
        "{said:?}"
    );
    assert!(
        said.err.contains("human, json, uri, env, github, kserve"),
        "{said:?}"
    );
    assert!(!said.err.contains("sarif"), "{said:?}");
    let said = lab.says("admin-1", &["log", "--since", "X"]);
    assert!(said.code == 2 && !said.err.contains("as a value"), "{said:?}");
    let _ = lab.ok("admin-1", &["group", "create", "g1"]);
    let _ = lab.ok("admin-1", &["group", "delete", "g1"]);
    let said = lab.says("admin-1", &["group", "delete", "g1"]);
    assert!(
        said.code == 2 && said.err.contains("group `g1` was deleted"),
        "{said:?}"
    );
    assert!(!said.err.contains("did you mean"), "{said:?}");
}
