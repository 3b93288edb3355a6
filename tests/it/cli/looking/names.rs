//! Names that nothing has: never an empty answer without a word.

use std::sync::OnceLock;

use crate::support::Lab;

/// A registry with a version that has metrics and a label.
fn with_version() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        let arguments = "register churn --artifact s3://m/1 --without-digest --metric auc=0.9 --metric recall=0.5 --label team=risk";
        let _ = lab.ok("trainer", &super::words(arguments));
        lab
    })
}

#[test]
fn what_no_version_has_is_noted_with_the_nearest_name() {
    let lab = with_version();
    let told = |arguments: &[&str]| {
        let said = lab.says("admin-1", &[&["list"], arguments].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.err
    };
    for (condition, note) in [
        (
            "metrics.acu > 0.1",
            "no version has `metrics.acu`; did you mean `metrics.auc`?",
        ),
        ("has(metrics.acu)", "did you mean `metrics.auc`?"),
        ("!has(metrics.acu)", "did you mean `metrics.auc`?"),
        ("labels[\"taem\"] == \"risk\"", "did you mean `labels.team`?"),
        ("\"taem\" in labels", "did you mean `labels.team`?"),
        (
            "metrics.loss < 1",
            "no version has `metrics.loss`; there are `auc`, `recall`",
        ),
        (
            "group == \"chrun\"",
            "there is no group `chrun`; did you mean `churn`?",
        ),
        (
            "by == \"trainr\"",
            "the policy knows no actor `trainr`; did you mean `trainer`?",
        ),
        (
            "metrics.exists(m, m == \"acu\")",
            "no version has `metrics.acu`; did you mean `metrics.auc`?",
        ),
        (
            "stages.all(s, s != \"production\" || metrics.acu > 0.5)",
            "no version has `metrics.acu`; did you mean `metrics.auc`?",
        ),
    ] {
        for group in [&[][..], &["churn"]] {
            let err = told(&[group, &["--where", condition]].concat());
            let note = match group.is_empty() {
                true => note.to_owned(),
                false => note.replace("no version has", "no version of `churn` has"),
            };
            assert!(err.contains(&note), "{condition}: {err}");
        }
    }
    for condition in [
        "metrics.auc > 0.99",
        "has(metrics.recall) && labels.team == \"other\"",
        "\"team\" in labels && status == \"Approved\" && by == \"risk-1\"",
        "\"production\" in stages",
    ] {
        let err = told(&["--where", condition]);
        assert!(!err.contains("note:"), "{condition}: {err}");
    }
    let err = told(&["--label", "taem=risk"]);
    assert!(
        err.contains("no version has a label `taem`; did you mean `team`?"),
        "{err}"
    );
    let err = told(&["--label", "team=rsik"]);
    assert!(
        err.contains("the label `team=rsik`; did you mean `risk`?"),
        "{err}"
    );
    let err = told(&["--sort", "metrics.acu"]);
    assert!(err.contains("did you mean `metrics.auc`?"), "{err}");
    let err = lab.error("admin-1", &["list", "--sort", "statsu"]);
    assert!(err.contains("did you mean `status`?"), "{err}");
    let err = lab.error("admin-1", &["list", "--status", "aproved"]);
    assert!(err.contains("Pending, Approved, Rejected or Archived"), "{err}");
}

/// An empty answer would look like one.
#[test]
fn a_condition_that_can_hold_for_no_version_is_refused() {
    let lab = with_version();
    for (condition, words) in [
        ("stages == \"production\"", "write `\"production\" in stages`"),
        (
            "version > \"a\"",
            "`version` is a number, and a value is text: they can't be ordered",
        ),
        ("status", "`status` is text, and a condition is true or false"),
        ("metrics.auc", "a number, and a condition is true or false"),
        ("!status", "`status` is text"),
        ("status && true", "`status` is text"),
        ("labels.n == 1", "they are never equal"),
        ("metrics.auc == \"0.9\"", "they are never equal"),
        ("status in stages[0]", "it is never in there"),
        ("1 in stages", "it is never in there"),
        ("stages.exists(s, s == 1)", "they are never equal"),
        ("status.name == \"x\"", "`status` is text, and has no `name`"),
        ("version + by > 1", "arithmetic needs numbers"),
        (
            "spec.infrence == 1",
            "there is no field `spec.infrence`; did you mean `spec.inference`?",
        ),
        ("has(spec.infrence)", "did you mean `spec.inference`?"),
        ("spec.metrcs.auc > 0.1", "did you mean `spec.metrics`?"),
        ("card.intendedUse == \"x\"", "did you mean `card.intendedUses`?"),
        (
            "status == \"approved\"",
            "there is no status `approved`; did you mean `Approved`?",
        ),
        ("status != \"Aproved\"", "did you mean `Approved`?"),
        ("status in [\"Pendign\"]", "did you mean `Pending`?"),
        (
            "\"prodution\" in stages",
            "the policy lists no stage `prodution`; did you mean `production`?",
        ),
        (
            "stages.exists(s, s == \"prodution\")",
            "the policy lists no stage `prodution`; did you mean `production`?",
        ),
        ("stages.all(s, \"prodution\" != s)", "did you mean `production`?"),
        (
            "stages.exists(s, s in [\"prodution\"])",
            "did you mean `production`?",
        ),
        (
            "labels.exists(k, stages.exists(s, s == \"prodution\" && k != \"x\"))",
            "did you mean `production`?",
        ),
        (
            "spec.inference.containers.exists(c, c.imge == \"x\")",
            "did you mean `c.image`?",
        ),
    ] {
        let said = lab.says("admin-1", &["list", "--where", condition]);
        assert_eq!(said.code, 2, "{condition}: {said:?}");
        assert!(said.err.contains(words), "{condition}: {said:?}");
    }
    for condition in [
        "spec.inference.containers.exists(c, c.image == \"x\")",
        "\"production\" in stages || labels[\"team\"] == \"risk\"",
        "size(stages) == 0 && version >= 1 && metrics.auc > 0.5",
        "stages == [\"production\"]",
        "has(card.intendedUses) ? true : status == \"Pending\"",
        "metrics.all(m, m != \"loss\")",
        "description == \"x\" || by < \"z\"",
        "0 - metrics.auc < 1 && -version < 0",
    ] {
        let said = lab.says("admin-1", &["list", "--where", condition]);
        assert_eq!(said.code, 0, "{condition}: {said:?}");
    }
}

#[test]
fn a_stage_that_the_policy_does_not_list_is_an_error_everywhere() {
    let lab = with_version();
    for line in [
        "show churn@prodution",
        "log churn@prodution",
        "card show churn@prodution",
        "card render churn@prodution",
        "resolve churn@prodution --trust-root",
        "pull churn@prodution ../out --trust-root",
        "export sagemaker churn@prodution --trust-root",
        "export mlbom churn@prodution --trust-root",
        "export mlflow churn@prodution --trust-root",
        "promote churn/1 prodution -m x --yes",
        "rollback churn prodution -m x --yes",
        "grant add risk-1 --allow promote --groups * --stages staging,prodution --yes",
    ] {
        let told = lab.error("admin-1", &super::words(line));
        assert!(
            told.contains("the policy lists no stage `prodution`") && told.contains("`production`"),
            "{line}: {told}"
        );
        if line.contains('@') {
            let told = lab.error(
                "admin-1",
                &super::words(&line.replace("churn@prodution", "chrun@production")),
            );
            assert!(
                told.contains("there is no group `chrun`") && told.contains("`churn`"),
                "{line}: {told}"
            );
        }
    }
    // A stage that is listed and empty is another thing.
    let told = lab.says("admin-1", &["resolve", "churn@production", "--trust-root"]);
    assert_eq!(told.code, 3, "{told:?}");
    let _ = lab.ok("admin-1", &["log", "churn@production"]);
}

#[test]
fn unknown_actors_and_teams_come_with_the_nearest_name() {
    let lab = with_version();
    for (line, near) in [
        ("grant add trainr --allow approve --groups *", "trainer"),
        ("grant add team:rsik --allow approve --groups *", "risk"),
        (
            "grant add risk-1 --allow promote --groups * --stages prodution",
            "production",
        ),
        ("group create g --owner trainr", "trainer"),
        ("team add risk trainr", "trainer"),
    ] {
        let all = lab.error("admin-1", &super::words(line));
        assert!(all.contains(&format!("did you mean `{near}`?")), "{line}: {all}");
    }
}

/// A slip behind `has` lets everything pass.
#[test]
fn a_gate_that_reads_what_no_version_has_is_noted() {
    let lab = with_version();
    for (require, note) in [
        ("!has(metrics.acu) || metrics.acu > 0.5", Some("`metrics.auc`")),
        (
            "champion == null || metrics.auc >= champion.metrics.acu",
            Some("`champion.metrics.auc`"),
        ),
        ("metrics.auc > 0.95", None),
    ] {
        let gate = format!(
            "approvals:\n  - groups: [\"*\"]\n    gates:\n      - name: good\n        champion: production\n        require: '{require}'\n"
        );
        let before = lab.read("registry.yaml");
        let at = serial(&before);
        let with_serial =
            |text: &str, new: u64| text.replacen(&format!("serial: {at}\n"), &format!("serial: {new}\n"), 1);
        lab.write(
            "registry.yaml",
            &with_serial(&before.replacen("approvals:\n", &gate, 1), at + 1),
        );
        lab.commit("admin-1", "a gate");
        let told = lab.says("admin-1", &["show", "churn/1"]);
        assert_eq!(told.code, 0, "{told:?}");
        match note {
            Some(near) => assert!(
                told.err.contains("gate `good` reads") && told.err.contains(&format!("did you mean {near}?")),
                "{told:?}"
            ),
            None => assert!(!told.err.contains("gate `good`"), "{told:?}"),
        }
        lab.write("registry.yaml", &with_serial(&before, at + 2));
        lab.commit("admin-1", "no gate");
    }
}

/// The serial number of a policy.
fn serial(policy: &str) -> u64 {
    let line = policy.lines().find_map(|line| line.strip_prefix("serial: "));
    line.and_then(|number| number.parse().ok())
        .expect("a serial number")
}

/// Every command that takes a version, with `V` for it.
const WITH_VERSION: &[&str] = &[
    "evidence add V e --metric a=1",
    "evidence show V",
    "card set V --set limitations=x",
    "card show V",
    "card render V",
    "approve V -m x --yes",
    "reject V -m x --yes",
    "withdraw V -m x --yes",
    "archive V -m x --yes",
    "delete V -m x --yes",
    "settle V --yes",
    "relay github ../reviews.json V",
    "promote V production -m x --yes",
    "annotate V --label a=b",
    "export sagemaker V --trust-root",
    "export mlbom V --trust-root",
    "export mlflow V --trust-root",
    "show V",
    "resolve V --trust-root",
    "resolve V --trust-root -o env",
    "pull V ../out --trust-root",
    "log V",
    "actor revoke-key SHA256:0000000000000000000000000000000000000000000 --unlisted --reaffirm V",
];

#[test]
fn a_version_that_is_not_there_is_an_error_everywhere() {
    let lab = with_version();
    super::files(&lab);
    let _ = lab.ok("admin-1", &["actor", "add-account", "risk-1", "github=7"]);
    for line in WITH_VERSION {
        for (version, words, near) in [
            ("churn/9", "there is no version churn/9", "churn/1"),
            ("chrun/1", "there is no group `chrun`", "did you mean `churn`?"),
        ] {
            let line = line.replace('V', version);
            // Only machines relay.
            let who = if line.starts_with("relay") {
                "trainer"
            } else {
                "admin-1"
            };
            let said = lab.error(who, &super::words(&line));
            assert!(said.contains(words) && said.contains(near), "{line}: {said}");
        }
    }
    let _ = lab.error("admin-1", &super::words("rollback churn production --to 9 -m x"));
    // A version may come while one waits for it.
    let wait = super::words("wait churn/9 --for Approved --timeout 0s --trust-root");
    let said = lab.says("admin-1", &wait);
    assert!(
        said.code == 3 && said.err.contains("there is no version churn/9 after 0s"),
        "{said:?}"
    );
    assert!(said.err.contains("no version churn/9 yet: waiting"), "{said:?}");
    // A version that was deleted is there, and does not qualify.
    let _ = lab.ok("risk-1", &["reject", "churn/1", "-m", "no"]);
    let _ = lab.ok("risk-1", &["delete", "churn/1", "-m", "gone"]);
    let said = lab.says("admin-1", &super::words("resolve churn/1 --trust-root"));
    assert!(said.code == 3 && said.err.contains("is deleted"), "{said:?}");
}

#[test]
fn a_group_that_is_not_there_is_an_error_everywhere() {
    let lab = with_version();
    for line in [
        "group update chrun --description x",
        "group show chrun",
        "group delete chrun -m x",
        "register chrun --artifact s3://m/9 --without-digest",
        "rollback chrun production -m x",
        "list chrun",
        "show chrun",
        "show chrun@production",
        "show chrun@latest",
        "log chrun",
        "log chrun@production",
        "resolve chrun@latest --trust-root",
        "pull chrun@production ../out --trust-root",
        "wait chrun/1 --for Approved --timeout 1s --trust-root",
    ] {
        let told = lab.error("admin-1", &super::words(line));
        assert!(
            told.contains("there is no group `chrun`") && told.contains("did you mean `churn`?"),
            "{line}: {told}"
        );
    }
}

#[test]
fn an_actor_or_team_that_is_not_there_is_an_error_everywhere() {
    let lab = with_version();
    let _ = lab.key("new");
    for (line, words, near) in [
        (
            "actor add-key rsik-1 --key ../keys/new.pub",
            "actor `rsik-1`",
            "`risk-1`",
        ),
        ("actor add-account rsik-1 github=1", "actor `rsik-1`", "`risk-1`"),
        ("actor remove-account rsik-1 github", "actor `rsik-1`", "`risk-1`"),
        ("actor retire rsik-1", "actor `rsik-1`", "`risk-1`"),
        (
            "actor add bot --kind machine --owner rsik-1 --key ../keys/new.pub",
            "actor `rsik-1`",
            "`risk-1`",
        ),
        ("team add risk rsik-1", "actor `rsik-1`", "`risk-1`"),
        ("team remove risk rsik-1", "actor `rsik-1`", "`risk-1`"),
        ("team remove rsik", "team `rsik`", "`risk`"),
        (
            "grant add rsik-1 --allow approve --groups *",
            "actor `rsik-1`",
            "`risk-1`",
        ),
        (
            "grant add team:rsik --allow approve --groups *",
            "team `rsik`",
            "`risk`",
        ),
        ("grant remove rsik-1", "actor `rsik-1`", "`risk-1`"),
        ("grant remove team:rsik", "team `rsik`", "`risk`"),
        ("group create g --owner rsik-1", "actor `rsik-1`", "`risk-1`"),
        ("group create g --owner team:rsik", "team `rsik`", "`risk`"),
        ("group update churn --owner rsik-1", "actor `rsik-1`", "`risk-1`"),
        ("group update churn --owner team:rsik", "team `rsik`", "`risk`"),
    ] {
        let told = lab.error("admin-1", &super::words(line));
        let near = format!("did you mean {near}?");
        assert!(told.contains(words) && told.contains(&near), "{line}: {told}");
    }
}
