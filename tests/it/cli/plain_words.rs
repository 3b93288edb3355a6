//! Output for people says what happened: a stage that stays, the fields that an
//! annotation changed, numbers with a meaning, versions that still serve.

use std::sync::OnceLock;

use crate::support::Lab;
use crate::support::hub::Hub;

/// Two approved versions of `churn`, and `risk-1` who may promote and annotate.
fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        let grant = [
            "grant",
            "add",
            "team:risk",
            "--allow",
            "promote,annotate",
            "--groups",
            "*",
            "--stages",
            "staging,production",
        ];
        let _ = lab.ok("admin-1", &grant);
        for mark in ['1', '2'] {
            lab.register("churn", mark);
        }
        for id in ["churn/1", "churn/2"] {
            let _ = lab.ok("risk-1", &["approve", id, "-m", "good", "--yes"]);
        }
        lab
    })
}

#[test]
fn a_stage_that_went_there_and_back_stays() {
    let lab = lab();
    for id in ["churn/1", "churn/2"] {
        let _ = lab.ok("risk-1", &["promote", id, "production", "-m", "because", "--yes"]);
    }
    let _ = lab.ok(
        "risk-1",
        &["promote", "churn/1", "production", "-m", "a try", "--yes"],
    );
    let _ = lab.ok(
        "risk-1",
        &[
            "rollback",
            "churn",
            "production",
            "--to",
            "2",
            "-m",
            "it leaks",
            "--yes",
        ],
    );
    let out = lab.ok("risk-1", &["diff", "HEAD~2..HEAD"]);
    assert!(!out.contains("churn/2 -> churn/2"), "{out}");
    assert!(
        out.contains("churn@production: churn/2 as before, with a new reason"),
        "{out}"
    );
}

#[test]
fn the_log_says_what_an_annotation_changed() {
    let lab = lab();
    let _ = lab.ok(
        "risk-1",
        &[
            "annotate",
            "churn/1",
            "--label",
            "team=risk",
            "--description",
            "first",
        ],
    );
    let out = lab.ok("risk-1", &["log", "churn/1", "-n", "1"]);
    assert!(out.contains("version churn/1 annotated"), "{out}");
    assert!(out.contains("    description: absent -> first\n"), "{out}");
    assert!(
        out.contains("    labels: absent -> {\"team\":\"risk\"}\n"),
        "{out}"
    );
    let _ = lab.ok("risk-1", &["annotate", "churn/1", "--label", "team=fraud"]);
    let out = lab.ok("risk-1", &["log", "churn/1", "-n", "1"]);
    assert!(out.contains("    labels.team: risk -> fraud\n"), "{out}");
    let json = lab.ok("risk-1", &["log", "churn/1", "-n", "1", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let fields = json["commits"][0]["fields"].as_array().expect("fields");
    assert!(
        fields
            .iter()
            .any(|field| field["field"] == "labels.team" && field["after"] == "fraud"),
        "{fields:?}"
    );
}

#[test]
fn metrics_have_six_digits_for_people_and_all_for_programs() {
    let lab = lab();
    let digest = format!("sha256:{}", "3".repeat(64));
    let _ = lab.ok(
        "trainer",
        &[
            "register",
            "churn",
            "--artifact",
            "s3://models/churn/3",
            "--digest",
            &digest,
            "--metric",
            "auc=0.8481234567891234",
            "--metric",
            "p=1.1e-13",
            "--metric",
            "rows=1234567",
        ],
    );
    for arguments in [&["show", "churn/3"][..], &["list", "churn"]] {
        let out = lab.ok("risk-1", arguments);
        assert!(out.contains("auc 0.848123,"), "{out}");
        assert!(out.contains("p 1.1e-13") && out.contains("rows 1234567"), "{out}");
    }
    let out = lab.ok("risk-1", &["show", "churn/3", "-o", "json"]);
    assert!(out.contains("0.8481234567891234"), "{out}");
}

#[test]
fn archiving_names_the_stages_that_are_still_served() {
    let lab = lab();
    let _ = lab.ok("risk-1", &["promote", "churn/1", "staging", "-m", "try", "--yes"]);
    let said = lab.says("risk-1", &["archive", "churn/1", "-m", "old", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("churn/1 still serves `staging`, and no version before it can: `modelry rollback churn staging --empty -m REASON`"),
        "{said:?}"
    );
    let line = ["rollback", "churn", "staging", "--empty", "-m", "REASON", "--yes"];
    let _ = lab.ok("risk-1", &line);
    let said = lab.says("risk-1", &["archive", "churn/2", "-m", "old", "--yes"]);
    assert!(!said.err.contains("still serves"), "{said:?}");
}

/// The suggested command works, whichever command changed the status.
#[test]
fn whatever_moves_a_status_names_the_stages_that_are_still_served() {
    let lab = lab();
    for mark in ['3', '4'] {
        lab.register("churn", mark);
    }
    for id in ["churn/1", "churn/2", "churn/3"] {
        let _ = lab.ok("risk-1", &["promote", id, "staging", "-m", "try", "--yes"]);
    }
    // It is Pending, and `staging` takes it so.
    let said = lab.says("risk-1", &["reject", "churn/3", "-m", "leaks", "--yes"]);
    let told = "churn/3 still serves `staging`: `modelry rollback churn staging -m REASON` puts back";
    assert!(said.code == 0 && said.err.contains(told), "{said:?}");
    let _ = lab.ok(
        "risk-1",
        &["rollback", "churn", "staging", "-m", "REASON", "--yes"],
    );
    let said = lab.says("risk-1", &["reject", "churn/4", "-m", "leaks", "--yes"]);
    assert!(said.code == 0 && !said.err.contains("still serves"), "{said:?}");
    // A version that is replaced in the same commit does not serve any more.
    let line = [
        "rollback",
        "churn",
        "staging",
        "--archive",
        "-m",
        "REASON",
        "--yes",
    ];
    let said = lab.says("risk-1", &line);
    assert!(said.code == 0 && !said.err.contains("still serves"), "{said:?}");
}

#[test]
fn an_option_that_is_to_be_left_out_is_one_that_was_given() {
    let lab = lab();
    for id in ["churn/1", "churn/2"] {
        let _ = lab.ok(
            "risk-1",
            &["promote", id, "staging", "production", "-m", "try", "--yes"],
        );
    }
    let line = ["rollback", "churn", "staging", "-m", "x", "--yes", "--archive"];
    let told = lab.error("risk-1", &line);
    assert!(told.contains("leave out `--archive`"), "{told}");
    let _ = lab.ok("risk-1", &line[..line.len() - 1]);
}

#[test]
fn an_empty_file_is_told_by_what_it_should_be() {
    let lab = lab();
    std::fs::write(lab.home().join("empty.bin"), "").expect("a file");
    for role in ["dataset", "report"] {
        let option = format!("--{role}");
        let line = ["evidence", "add", "churn/1", "e", &option, "../empty.bin"];
        let told = lab.error("trainer", &line);
        assert!(told.contains(&format!("so it is no {role}")), "{told}");
    }
}

#[test]
fn a_clone_that_mirrors_pushes_one_branch() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let _ = seat.git(&["config", "remote.origin.mirror", "true"]);
    let said = seat.register("two", &["--push"]);
    assert_eq!(said["commit"], hub.tip(), "{said}");
    hub.check();
}

/// The result of a writing command as JSON, held to its schema.
fn result(lab: &Lab, who: &str, arguments: &[&str]) -> serde_json::Value {
    let out = lab.ok(who, &[arguments, &["-o", "json"]].concat());
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let schema = modelry::testing::report::event::result_schema();
    for required in schema["required"].as_array().expect("required members") {
        let name = required.as_str().expect("a name");
        assert!(
            value.get(name).is_some(),
            "{arguments:?} lacks `{name}`: {value:#}"
        );
    }
    for object in value["objects"].as_array().expect("objects") {
        let members = &schema["$defs"]["ObjectChange"]["properties"];
        for (name, _) in object.as_object().expect("an object") {
            assert!(members.get(name).is_some(), "`{name}` is not in the schema");
        }
    }
    value
}

#[test]
fn every_writing_command_has_one_shape() {
    let lab = lab();
    let digest = format!("sha256:{}", "4".repeat(64));
    let register = [
        "register",
        "churn",
        "--artifact",
        "s3://models/churn/4",
        "--digest",
        &digest,
    ];
    let value = result(&lab, "trainer", &register);
    assert_eq!(value["existing"], false);
    assert_eq!(value["pushed"], false);
    assert_eq!(value["branch"], "main");
    assert_eq!(value["commit"], lab.git(&["rev-parse", "HEAD"]));
    let object = &value["objects"][0];
    assert_eq!(object["action"], "version.registered");
    assert_eq!(object["kind"], "ModelVersion");
    assert_eq!(
        (&object["group"], &object["number"]),
        (&"churn".into(), &3.into())
    );
    assert_eq!(object["path"], "groups/churn/versions/3/version.yaml");
    let again = result(&lab, "trainer", &register);
    assert_eq!(again["existing"], true);
    assert_eq!(again["commit"], serde_json::Value::Null);
    assert_eq!(again["objects"][0]["action"], "unchanged");
    assert_eq!(again["objects"][0]["number"], 3);
    let value = result(&lab, "risk-1", &["approve", "churn/3", "-m", "good", "--yes"]);
    let moved = value["objects"].as_array().expect("objects").iter();
    let moved: Vec<_> = moved
        .filter(|object| object["action"] == "version.status.moved")
        .collect();
    assert_eq!(
        (&moved[0]["from"], &moved[0]["to"]),
        (&"Pending".into(), &"Approved".into())
    );
    let stage = ["promote", "churn/3", "production", "-m", "now", "--yes"];
    let dry = result(&lab, "risk-1", &[&stage[..], &["--dry-run"]].concat());
    assert_eq!(
        (&dry["dryRun"], &dry["commit"]),
        (&true.into(), &serde_json::Value::Null)
    );
    let value = result(&lab, "risk-1", &stage);
    let object = &value["objects"][0];
    assert_eq!(
        (&object["action"], &object["name"]),
        (&"stage.moved".into(), &"production".into())
    );
    assert_eq!(object["to"], 3);
    for (who, arguments) in [
        ("admin-1", &["group", "create", "fraud"][..]),
        ("trainer", &["annotate", "churn/3", "--label", "a=b"]),
        (
            "trainer",
            &[
                "evidence",
                "add",
                "churn/3",
                "late",
                "--observation",
                "--metric",
                "auc=0.8",
            ],
        ),
        ("admin-1", &["settle"]),
        (
            "admin-1",
            &[
                "grant", "add", "risk-2", "--allow", "annotate", "--groups", "fraud",
            ],
        ),
        ("risk-1", &["archive", "churn/1", "-m", "old", "--yes"]),
    ] {
        let _ = result(&lab, who, arguments);
    }
    // An existing state is reported, with the record that holds it.
    let tip = lab.git(&["rev-parse", "HEAD"]);
    for (who, arguments, path) in [
        ("risk-1", &stage[..], "groups/churn/stages/production.yaml"),
        (
            "risk-1",
            &["rollback", "churn", "production", "--to", "3", "--yes"],
            "groups/churn/stages/production.yaml",
        ),
        (
            "admin-1",
            &["group", "create", "fraud"],
            "groups/fraud/group.yaml",
        ),
        (
            "trainer",
            &["annotate", "churn/3", "--label", "a=b"],
            "groups/churn/versions/3/version.yaml",
        ),
        (
            "risk-1",
            &["archive", "churn/1", "-m", "old", "--yes"],
            "groups/churn/versions/1/version.yaml",
        ),
    ] {
        let value = result(&lab, who, arguments);
        assert_eq!(value["existing"], true, "{arguments:?}");
        assert_eq!(value["commit"], serde_json::Value::Null);
        let objects = value["objects"].as_array().expect("objects");
        assert_eq!(objects.len(), 1, "{value:#}");
        assert_eq!(
            (&objects[0]["action"], &objects[0]["path"]),
            (&"unchanged".into(), &path.into())
        );
    }
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), tip);
    let list = lab.ok("risk-1", &["list", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let churn = list["groups"].as_array().expect("groups").iter();
    let churn = churn
        .clone()
        .find(|group| group["group"] == "churn")
        .expect("churn");
    assert_eq!(
        churn["stages"],
        serde_json::json!([{"stage": "production", "version": 3}])
    );
}

#[test]
fn local_is_not_landed() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let said = seat.says("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err
            .contains("`main` is 1 commit ahead of `origin`, where others see it once it is pushed: `git push origin main`"),
        "{said:?}"
    );
    let said = seat.says("trainer", &["annotate", "churn/1", "--label", "a=c"]);
    assert!(
        said.err.contains("`main` is 2 commits ahead of `origin`"),
        "{said:?}"
    );
    let said = seat.says(
        "trainer",
        &["annotate", "churn/1", "--label", "a=d", "--branch", "side"],
    );
    assert!(
        said.err
            .contains("the mainline `main` knows nothing of this until `side` lands there"),
        "{said:?}"
    );
    assert!(said.err.contains("`git push origin side`"), "{said:?}");
    let _ = seat.git(&["push", "-q", "origin", "main"]);
    let said = seat.says("trainer", &["annotate", "churn/1", "--label", "a=e", "--push"]);
    assert!(
        said.code == 0 && !said.err.contains("ahead of"),
        "pushed: {said:?}"
    );
}

#[test]
fn a_hidden_character_is_told_once() {
    let lab = lab();
    let text = lab.read("groups/churn/group.yaml");
    let described = |words: &str| {
        let text = text.replace("who may leave us", &format!("\"{words}\""));
        lab.write("groups/churn/group.yaml", &text);
        lab.findings("admin-1", &["validate"])
    };
    for hidden in ["a\u{200b}b", "a\u{7}b", "a\u{202e}b"] {
        let said = described(hidden);
        assert!(
            said.contains("1 finding:") && said.contains("MR003"),
            "{hidden:?}: {said}"
        );
    }
    // Spelled out, it has no other fault.
    let said = described("a\\u200bb");
    assert!(
        said.contains("1 finding:") && said.contains("hidden character"),
        "{said}"
    );
}

#[test]
fn a_free_text_may_start_with_a_hyphen() {
    let lab = lab();
    for (who, words) in [
        (
            "admin-1",
            &["group", "create", "notes", "--description", "- x", "-m", "- why"][..],
        ),
        (
            "admin-1",
            &["group", "update", "notes", "--description", "-5% of what it was"],
        ),
        (
            "trainer",
            &["annotate", "churn/1", "--description", "- x", "--label", "a=- x"],
        ),
        (
            "trainer",
            &[
                "evidence",
                "add",
                "churn/1",
                "e9",
                "--metric",
                "a=1",
                "--observation",
                "--notes",
                "- x",
            ],
        ),
        (
            "trainer",
            &[
                "register",
                "churn",
                "--artifact",
                "s3://m/77",
                "--without-digest",
                "--description",
                "- x",
            ],
        ),
    ] {
        let said = lab.says(who, words);
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
    }
    // An option where the text was forgotten is not taken for it.
    for words in [&["-m", "--yes"][..], &["-m", "--dry-run"]] {
        let said = lab.says(
            "trainer",
            &[&["annotate", "churn/1", "--label", "b=c"], words].concat(),
        );
        assert!(
            said.code == 2 && said.err.contains("the text is missing: this is an option"),
            "{words:?}: {said:?}"
        );
    }
}

#[test]
fn a_grant_in_groups_that_are_not_there_names_the_nearest() {
    let lab = lab();
    let grant = |groups: &str, allow: &str| {
        let words = [
            "grant",
            "add",
            "risk-1",
            "--allow",
            allow,
            "--groups",
            groups,
            "--dry-run",
        ];
        let said = lab.says("admin-1", &words);
        assert_eq!(said.code, 0, "{said:?}");
        said.err
    };
    let said = grant("chrun", "register");
    assert!(
        said.contains("`chrun` matches no group yet; did you mean `churn`?"),
        "{said}"
    );
    assert!(grant("zzz-*", "register").contains("`zzz-*` matches no group yet"));
    for (groups, allow) in [
        ("churn", "register"),
        ("*", "annotate"),
        ("new", "create-group,register"),
    ] {
        let said = grant(groups, allow);
        assert!(!said.contains("matches no group"), "{groups}: {said}");
    }
}
