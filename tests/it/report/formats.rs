//! The forms of a report agree, and none obeys what others wrote.

use crate::support::Lab;

#[test]
fn human_concise_and_json_report_the_same() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(
        path,
        &lab.read(path)
            .replace("status: Pending", "status: Approved")
            .replace("auc: 0.9", "auc: 0.8"),
    );
    lab.write("groups/churn/nötes.txt", "x\n");
    let human = lab.findings("risk-1", &["validate"]);
    let concise = lab.findings("risk-1", &["validate", "-o", "concise"]);
    let json: serde_json::Value =
        serde_json::from_str(&lab.findings("risk-1", &["validate", "-o", "json"])).expect("JSON");
    let mut from_json: Vec<String> = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| {
            format!(
                "{}:{}:{}: {}",
                f["path"].as_str().expect("a path"),
                f["line"],
                f["column"],
                f["code"].as_str().expect("a code")
            )
        })
        .collect();
    let mut from_concise: Vec<String> = concise
        .lines()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            format!(
                "{} {}",
                parts.next().expect("a place"),
                parts.next().expect("a code")
            )
        })
        .collect();
    from_json.sort();
    from_concise.sort();
    assert_eq!(from_json, from_concise);
    assert!(from_json.len() >= 3);
    for line in &from_json {
        let (place, code) = line.rsplit_once(": ").expect("a code");
        assert!(
            human.contains(code) && human.contains(place),
            "{line} in\n{human}"
        );
    }
    assert_eq!(json["format"], "modelry-report/v1");
    let schema: serde_json::Value =
        serde_json::from_str(&lab.ok("risk-1", &["schema", "report"])).expect("JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    assert!(validator.is_valid(&json), "the report fits its schema");
}

#[test]
fn nothing_that_others_wrote_reaches_the_terminal_as_it_is() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let _ = lab.says(
        "trainer",
        &[
            "annotate",
            "churn/1",
            "--label",
            "a=\u{1b}[2Jgone",
            "--description",
            "100% \u{202e}back",
        ],
    );
    lab.write("groups/churn/a\u{1b}[31mb.txt", "x\n");
    let said = lab.says("trainer", &["validate"]);
    assert!(said.out.contains("MR101"), "{}", said.out);
    assert!(
        !said.out.contains('\u{1b}') && !said.out.contains('\u{202e}'),
        "{}",
        said.out.escape_debug()
    );
    assert!(!lab.says("trainer", &["show", "churn/1"]).out.contains('\u{1b}'));
}

#[test]
fn colour_is_for_those_who_ask() {
    let lab = Lab::with_registry();
    let mut command = lab.modelry("admin-1", &["list"]);
    let forced = crate::support::said(command.env("CLICOLOR_FORCE", "1"));
    assert!(forced.out.contains("\u{1b}["), "{}", forced.out);
    let plain = crate::support::said(command.env("NO_COLOR", "1"));
    assert!(!plain.out.contains('\u{1b}'), "{}", plain.out);
}
