//! Each field of the policy counts for something: with another value in it, a verdict
//! or a page is another one.
//!
//! The fields are those of the schema, so a new one needs a case here. A case names a
//! place in a rich policy, another value for it, and the probe that must notice.

use std::collections::{BTreeMap, BTreeSet};

use modelry::testing::record::kind::Kind;
use modelry::testing::record::schema;
use modelry::testing::record::yaml::{self, Document, Limits};
use modelry::testing::signature::{Certificate, PublicKey};
use serde_json::{Value, json};

use crate::judge::rules;
use crate::policy::effect::{lines, policy};
use crate::support::Lab;

/// The reader that has to notice the other value.
enum Probe {
    /// The verdict on this step, under either policy.
    Step(&'static str),
    /// The verdict on the change of the policy itself.
    Change,
    /// The page of a pull request: texts for people, which decide nothing.
    Page,
    /// The standing of the keys.
    Keys,
    /// The verdict on a whole history.
    History,
}

/// A place in the policy, another value for it (or none), and the probe.
type Case = (&'static str, Value, Probe);

/// Values beside those of `fixtures/registry`, so that every field is there.
fn rich() -> Value {
    let revoked = json!({
        "key": "SHA256:aNpZlQ1ycyNGoFHYoO4dHVq8Era5kVKLEakKx2MrGcc",
        "reason": "laptop lost",
        "since": "7".repeat(40),
        "reaffirmed": ["fraud-detector/1"],
    });
    let better = json!({
        "name": "better",
        "champion": "production",
        "require": "champion != null && metrics.auc > champion.metrics.auc",
        "message": "it must beat the one in service",
    });
    let relay = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBIHhMmmHL8Em4b5r1YrWOn8YJt9LqR6rZ3K8Lxm2vE0";
    json!({
        "/description": "models of risk",
        "/landing": ["merge"],
        "/stages/0/description": "tried out",
        "/lifecycle": {"transitions": {"Approved": ["Rejected"], "Pending": ["Archived"]}},
        "/approvals/0": {
            "groups": ["*"], "required": 1, "fourEyes": false, "machines": true, "delegated": 1,
            "gates": [{"name": "any", "require": "true"}],
        },
        "/approvals/1/gates": [better],
        "/actors/relay": {"kind": "machine", "owners": ["admin-1"], "keys": [relay]},
        "/actors/admin-2/keys/0": {"key": "KEY(admin-2)", "retired": false},
        "/actors/risk-1/accounts": {"github": "77"},
        "/actors/risk-2/name": "Rita",
        "/actors/risk-2/keys/-": {"openpgp": certificate(), "retired": false},
        "/grants/-": {"to": ["trainer", "relay"], "allow": ["approve"], "groups": ["*"]},
        "/revoked/0": revoked,
        "/policyChange": {"required": 1, "recovery": ["risk-1"]},
        "/acknowledged": [{"commit": "7".repeat(40), "codes": ["MR301"], "reason": "seen"}],
        "/imports": [{"to": ["trainer"], "groups": ["churn"]}],
    })
}

/// Somebody's OpenPGP certificate, of a rule's case.
fn certificate() -> String {
    let text = include_str!("../../../fixtures/rules/MR415-unusable-key/passes-openpgp/case.yaml");
    let case: Value = serde_yaml::from_str(text).expect("a case");
    let key = &case["after"]["registry.yaml"]["set"]["/actors/new"]["keys"][0]["openpgp"];
    key.as_str().expect("a certificate").to_owned()
}

fn cases() -> Vec<Case> {
    use Probe::{Change, History, Keys, Page, Step};
    let gone = Value::Null;
    vec![
        ("/apiVersion", json!("modelry/v9"), Change),
        ("/kind", json!("Review"), Change),
        ("/id", json!("0".repeat(32)), Change),
        ("/serial", json!(3), Change),
        ("/name", json!("other-models"), Page),
        ("/description", json!("other models"), Page),
        ("/landing", json!(["squash"]), History),
        ("/stages/1", gone.clone(), Step(PROMOTED)),
        ("/stages/1/name", json!("live"), Step(PROMOTED)),
        ("/stages/1/requires", gone.clone(), Step(PROMOTED)),
        ("/stages/0/description", json!("tried again"), Page),
        ("/lifecycle", gone.clone(), Step(TAKEN_BACK)),
        (
            "/lifecycle/transitions",
            json!({"Pending": ["Archived"]}),
            Step(TAKEN_BACK),
        ),
        ("/lifecycle/transitions/Approved", json!([]), Step(TAKEN_BACK)),
        ("/lifecycle/transitions/Pending", json!([]), Step(ARCHIVED)),
        ("/approvals/1", gone.clone(), Step(WITHOUT_CARD)),
        ("/approvals/1/groups", json!(["loans-*"]), Step(WITHOUT_CARD)),
        ("/approvals/1/required", json!(3), Step(APPROVED)),
        ("/approvals/1/from", json!({}), Step(BY_OUTSIDERS)),
        ("/approvals/0/fourEyes", json!(true), Step(BY_ITS_AUTHOR)),
        ("/approvals/0/machines", json!(false), Step(BY_ITS_AUTHOR)),
        ("/approvals/1/card", json!(["limitations"]), Step(WITHOUT_CARD)),
        ("/approvals/1/gates/0", gone.clone(), Step(WORSE)),
        ("/approvals/1/gates/0/name", json!("other"), Step(WORSE)),
        ("/approvals/1/gates/0/message", json!("look again"), Step(WORSE)),
        ("/approvals/1/gates/0/champion", json!("staging"), Step(APPROVED)),
        (
            "/approvals/1/gates/0/require",
            json!("metrics.auc > 0.99"),
            Step(APPROVED),
        ),
        ("/approvals/0/delegated", json!(0), Step(REPORTED)),
        ("/actors/risk-2", gone.clone(), Step(APPROVED)),
        ("/actors/relay/kind", json!("person"), Step(BY_A_MACHINE)),
        ("/actors/risk-2/name", json!("Rosa"), Page),
        ("/actors/admin-1/email", json!("a@example.com"), Page),
        ("/actors/trainer/owners", json!(["risk-2"]), Step(APPROVED)),
        ("/actors/admin-1/keys", json!([]), Keys),
        ("/actors/admin-2/keys/0/key", json!("KEY"), Keys),
        ("/actors/admin-2/keys/0/retired", json!(true), Keys),
        ("/actors/risk-2/keys/1/openpgp", json!("rubbish"), Keys),
        ("/actors/risk-2/keys/1/retired", json!(true), Keys),
        ("/actors/risk-1/accounts", json!({}), Step(REPORTED)),
        ("/actors/old-hand/retired", json!(false), Keys),
        ("/teams/risk", json!(["risk-1"]), Step(APPROVED)),
        ("/grants/4", gone.clone(), Step(APPROVED)),
        ("/grants/4/to", json!(["host"]), Step(APPROVED)),
        ("/grants/4/allow", json!(["reject"]), Step(APPROVED)),
        ("/grants/4/groups", json!(["churn"]), Step(APPROVED)),
        ("/grants/5/stages", json!(["staging"]), Step(PROMOTED)),
        ("/revoked/0", gone.clone(), Keys),
        ("/revoked/0/key", json!("PRINT"), Keys),
        ("/revoked/0/reason", json!("laptop stolen"), Page),
        ("/revoked/0/since", json!("ID(approved)"), History),
        ("/revoked/0/reaffirmed", json!([]), History),
        ("/protect", json!(["docs/**"]), Step(WORKFLOW)),
        (
            "/policyChange",
            json!({"required": 2, "recovery": ["risk-1"]}),
            Step(DESCRIBED),
        ),
        ("/policyChange/required", json!(2), Step(DESCRIBED)),
        ("/policyChange/recovery", json!(["risk-2"]), Step(REVOKED)),
        ("/acknowledged/0", gone.clone(), History),
        ("/acknowledged/0/commit", json!("ID(believed)"), History),
        ("/acknowledged/0/codes", json!(["MR302"]), History),
        ("/acknowledged/0/reason", json!("looked at"), Page),
        ("/imports/0", gone, Step(IMPORTED)),
        ("/imports/0/to", json!(["host"]), Step(IMPORTED)),
        ("/imports/0/groups", json!(["fraud-*"]), Step(IMPORTED)),
    ]
}

const PROMOTED: &str = r"
carrier: risk-1
after:
  groups/fraud-detector/stages/production.yaml: {set: {/version: 3, /previous: 1, /revision: 2}}
";

const TAKEN_BACK: &str = r"
carrier: risk-1
after:
  groups/fraud-detector/versions/1/version.yaml: {set: {/status: Rejected}}
";

const ARCHIVED: &str = r"
carrier: risk-1
after:
  groups/churn/versions/2/version.yaml: {set: {/status: Archived}}
";

const APPROVED: &str = r"
carrier: risk-2
after:
  groups/fraud-detector/versions/3/version.yaml: {set: {/status: Approved}}
  groups/fraud-detector/versions/3/reviews/risk-2.yaml: |
    apiVersion: modelry/v1
    kind: Review
    group: fraud-detector
    version: 3
    by: risk-2
    revision: 1
    decision: Approved
    subject: SUBJECT(fraud-detector/3)
    reason: good
";

const WITHOUT_CARD: &str = r"
carrier: risk-2
after:
  groups/fraud-detector/versions/4/version.yaml: {set: {/status: Approved}}
  groups/fraud-detector/versions/4/reviews/risk-2.yaml: |
    apiVersion: modelry/v1
    kind: Review
    group: fraud-detector
    version: 4
    by: risk-2
    revision: 1
    decision: Approved
    subject: SUBJECT(fraud-detector/4)
    reason: good
";

const BY_OUTSIDERS: &str = r"
carrier: admin-1
before:
  groups/fraud-detector/versions/3/reviews/risk-1.yaml: {set: {/decision: Withdrawn, /revision: 2}}
after:
  groups/fraud-detector/versions/3/version.yaml: {set: {/status: Approved}}
  groups/fraud-detector/versions/3/reviews/admin-1.yaml: |
    apiVersion: modelry/v1
    kind: Review
    group: fraud-detector
    version: 3
    by: admin-1
    revision: 1
    decision: Approved
    subject: SUBJECT(fraud-detector/3)
    reason: good
";

const WORSE: &str = r"
carrier: risk-2
before:
  groups/fraud-detector/versions/3/version.yaml: {set: {/spec/metrics/auc: 0.5}}
after:
  groups/fraud-detector/versions/3/version.yaml: {set: {/status: Approved}}
";

const BY_A_MACHINE: &str = r"
carrier: relay
after:
  groups/fraud-detector/versions/3/version.yaml: {set: {/status: Approved}}
  groups/fraud-detector/versions/3/reviews/relay.yaml: |
    apiVersion: modelry/v1
    kind: Review
    group: fraud-detector
    version: 3
    by: relay
    revision: 1
    decision: Approved
    subject: SUBJECT(fraud-detector/3)
    reason: good
";

const BY_ITS_AUTHOR: &str = r"
carrier: trainer
after:
  groups/churn/versions/2/version.yaml: {set: {/status: Approved}}
  groups/churn/versions/2/reviews/trainer.yaml: |
    apiVersion: modelry/v1
    kind: Review
    group: churn
    version: 2
    by: trainer
    revision: 1
    decision: Approved
    subject: SUBJECT(churn/2)
    reason: good
";

const REPORTED: &str = r#"
carrier: relay
after:
  groups/churn/versions/2/version.yaml: {set: {/status: Approved}}
  groups/churn/versions/2/reviews/risk-1.yaml: |
    apiVersion: modelry/v1
    kind: Review
    group: churn
    version: 2
    by: relay
    onBehalfOf: risk-1
    host: {name: github, review: "7", commit: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}
    revision: 1
    decision: Approved
    subject: SUBJECT(churn/2)
    reason: good
"#;

const IMPORTED: &str = r"
carrier: trainer
after:
  groups/churn/versions/3/version.yaml: |
    apiVersion: modelry/v1
    kind: ModelVersion
    group: churn
    version: 3
    status: Approved
    by: trainer
    imported: {from: elsewhere, status: Approved}
    spec:
      inference:
        containers:
          - artifact:
              uri: s3://m/x
              digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
";

const WORKFLOW: &str = r"
carrier: trainer
after:
  .github/workflows/check.yml: |
    on: push
";

const DESCRIBED: &str = r"
carrier: admin-1
after:
  registry.yaml: {set: {/description: models, /serial: NEXT}}
";

const REVOKED: &str = r"
carrier: risk-1
after:
  registry.yaml: {set: {/revoked/-: {key: SHA256:abc}, /serial: NEXT}}
";

/// The policy of `fixtures/registry` with the values of [`rich`].
fn base() -> Value {
    let mut files = rules::base();
    rules::apply(&mut files, &json!({"registry.yaml": {"set": rich()}}));
    read(&files["registry.yaml"].1)
}

fn read(bytes: &[u8]) -> Value {
    let document = Document::read(bytes, &Limits::LARGE).expect("a policy that reads");
    document.value().clone()
}

/// The policy with another value at a place, or with none.
fn with(policy: &Value, at: &str, to: &Value) -> Value {
    let mut policy = policy.clone();
    let (parent, last) = at.rsplit_once('/').expect("a place");
    let place = policy.pointer_mut(at).expect("a value there");
    if !to.is_null() {
        *place = to.clone();
        return policy;
    }
    match policy.pointer_mut(parent).expect("what it is in") {
        Value::Object(members) => drop(members.remove(last)),
        Value::Array(items) => drop(items.remove(last.parse().expect("an index"))),
        other => panic!("{at}: it is in {other}"),
    }
    policy
}

/// A report without lines and columns, which move with every edit of a file.
fn without_places(report: &str) -> String {
    let place = regex::Regex::new(r"(?m)^([^:\n]*):\d+:\d+: ").expect("a pattern");
    place.replace_all(report, "$1: ").into_owned()
}

fn verdict(step: &str, policy: &Value) -> String {
    let mut case: Value = serde_yaml::from_str(step).expect("a step");
    case["before"]["registry.yaml"] = yaml::write(None, policy).expect("YAML").into();
    without_places(&rules::judge(&case))
}

/// The verdict on the step from one policy to another.
fn verdict_on(was: &Value, is: &Value) -> String {
    let step = json!({
        "carrier": "admin-1",
        "before": {"registry.yaml": yaml::write(None, was).expect("YAML")},
        "after": {"registry.yaml": yaml::write(None, is).expect("YAML")},
    });
    without_places(&rules::judge(&step))
}

/// The fingerprint of a key as a policy lists it.
fn print(key: &Value) -> Option<String> {
    match (key.as_str().or(key["key"].as_str()), key["openpgp"].as_str()) {
        (Some(line), _) => PublicKey::parse(line).ok().map(|key| key.fingerprint()),
        (None, armor) => Certificate::parse(armor?).ok().map(|key| key.fingerprint()),
    }
}

/// The fingerprint of each key that a policy lists or revokes.
fn prints(policy: &Value) -> BTreeSet<String> {
    let actors = policy["actors"].as_object().expect("actors").values();
    let keys = actors.flat_map(|actor| actor["keys"].as_array().into_iter().flatten());
    let revoked = policy["revoked"].as_array().into_iter().flatten();
    let revoked = revoked.filter_map(|entry| Some(entry["key"].as_str()?.to_owned()));
    keys.filter_map(print).chain(revoked).collect()
}

/// A history in which a fault is accepted and a stolen key's approval reaffirmed.
struct History {
    lab: Lab,
    base: Value,
}

impl History {
    fn make() -> History {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab.git(&["tag", "believed"]);
        let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
        lab.git(&["tag", "approved"]);
        let path = "groups/churn/group.yaml";
        lab.write(path, &lab.read(path).replace("who may leave us", "who may leave"));
        lab.git(&["commit", "-q", "-a", "-m", "unsigned"]);
        lab.git(&["tag", "unsigned"]);
        // Only a merge keeps the commit that proves a group.
        lab.git(&["switch", "-q", "-c", "side"]);
        let _ = lab.ok("admin-1", &["group", "create", "other", "--trust-base"]);
        lab.git(&["switch", "-q", "main"]);
        let id = |tag: &str| lab.git(&["rev-parse", tag]);
        let key = std::fs::read_to_string(lab.public_key("risk-1")).expect("a key");
        let key = PublicKey::parse(key.trim()).expect("a key").fingerprint();
        let mut base = read(lab.read("registry.yaml").as_bytes());
        base["serial"] = json!(base["serial"].as_u64().expect("a serial") + 1);
        base["landing"] = json!(["merge"]);
        base["revoked"] = json!([{"key": key, "since": id("believed"), "reaffirmed": ["churn/1"]}]);
        base["acknowledged"] = json!([{"commit": id("unsigned"), "codes": ["MR301"]}]);
        History { lab, base }
    }

    /// The findings of the history under this policy, and of a landing.
    fn verdict(&self, policy: &Value) -> String {
        let lab = self.lab.copy();
        lab.write("registry.yaml", &yaml::write(None, policy).expect("YAML"));
        lab.commit("admin-1", "the policy");
        let range = format!("{}..HEAD", lab.root());
        let judged = [
            vec!["validate", &range, "-o", "json"],
            vec!["validate", "--onto", "main", "side", "-o", "json"],
        ];
        let all = judged.iter().map(|words| {
            let said = lab.says("admin-1", words);
            assert!(said.code < 2, "{said:?}");
            let report: Value = serde_json::from_str(&said.out).expect("JSON");
            let findings = report["findings"].as_array().expect("a list").iter();
            let told = findings.map(|finding| {
                let is_accepted = !finding["acknowledged"].is_null();
                format!(
                    "{} {} accepted: {is_accepted}\n",
                    finding["code"], finding["landings"]
                )
            });
            told.collect::<String>()
        });
        all.collect::<Vec<_>>().join("onto\n")
    }
}

/// The answers of the probes to the policy as it is, by step.
type Known = BTreeMap<&'static str, String>;

/// The answers of the probe to the policy, and to that with the other value.
fn both(case: &Case, base: &Value, history: &History, known: &mut Known) -> (String, String) {
    let (at, to, probe) = case;
    let was = match probe {
        Probe::History => &history.base,
        _ => base,
    };
    let to = match to.as_str() {
        Some("PRINT") => json!(print(&was["actors"]["admin-2"]["keys"][0])),
        Some("KEY") => was["actors"]["trainer"]["keys"][0].clone(),
        Some("ID(approved)") => json!(history.lab.git(&["rev-parse", "approved"])),
        Some("ID(believed)") => json!(history.lab.git(&["rev-parse", "believed"])),
        _ => to.clone(),
    };
    let is = &with(was, at, &to);
    match probe {
        Probe::Step(step) => {
            let before = known.entry(step).or_insert_with(|| verdict(step, was));
            (before.clone(), verdict(step, is))
        }
        Probe::Change => {
            let mut raised = was.clone();
            raised["serial"] = json!(was["serial"].as_u64().expect("a serial") + 1);
            let with_it = if *at == "/serial" {
                is
            } else {
                &with(&raised, at, &to)
            };
            (verdict_on(was, &raised), verdict_on(was, with_it))
        }
        Probe::Page => {
            let page = lines(was, is).iter().map(|line| line.what.clone()).collect();
            (String::new(), page)
        }
        Probe::Keys => {
            let all: BTreeSet<String> = prints(was).union(&prints(is)).cloned().collect();
            let standings = |value: &Value| {
                let policy = policy(value);
                let told = all
                    .iter()
                    .map(|key| format!("{key}: {:?}\n", policy.keys.standing(key)));
                told.collect::<String>()
            };
            (standings(was), standings(is))
        }
        Probe::History => {
            let before = known.entry("history").or_insert_with(|| history.verdict(was));
            (before.clone(), history.verdict(is))
        }
    }
}

/// Follows references in the schema.
fn resolved<'s>(schema: &'s Value, at: &'s Value) -> (&'s str, &'s Value) {
    match at["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/")) {
        Some(name) => (name, &schema["$defs"][name]),
        None => ("", at),
    }
}

/// The field of the schema that a place in the policy belongs to.
fn field_at(schema: &Value, policy: &Value, place: &str) -> String {
    let (mut node, mut value, mut field) = (schema, policy, String::new());
    for token in place.split('/').skip(1) {
        let is_it = |choice: &&Value| {
            let required = resolved(schema, choice).1["required"].as_array();
            required.is_some_and(|all| {
                all.iter()
                    .all(|it| value.get(it.as_str().expect("a name")).is_some())
            })
        };
        let choices = node["anyOf"].as_array().into_iter().flatten();
        let (name, of) = resolved(schema, choices.clone().find(is_it).unwrap_or(node));
        node = match (of["properties"].get(token), of["patternProperties"].as_object()) {
            (Some(found), _) => {
                field = format!("{name}.{token}");
                found
            }
            (None, Some(patterns)) => patterns.values().next().expect("a pattern"),
            (None, None) => &of["items"],
        };
        let at = token.parse::<usize>().ok().and_then(|index| value.get(index));
        value = at.or(value.get(token)).unwrap_or(&Value::Null);
        assert!(
            !node.is_null() && !value.is_null(),
            "{place} is not in the policy"
        );
    }
    field
}

/// Every field of the schema, with the type that has it.
fn fields(schema: &Value) -> BTreeSet<String> {
    let names = |of: &str, node: &Value| {
        let fields = node["properties"].as_object().into_iter().flatten();
        fields.map(|(name, _)| format!("{of}.{name}")).collect::<Vec<_>>()
    };
    let types = schema["$defs"].as_object().expect("types").iter();
    let mut all: BTreeSet<String> = types.flat_map(|(of, node)| names(of, node)).collect();
    all.extend(names("", schema));
    all
}

#[test]
fn every_field_of_the_policy_is_read() {
    let schema = schema::schema(Kind::Registry);
    let (base, history) = (base(), History::make());
    let (mut looked, mut unread, mut known) = (BTreeSet::new(), Vec::new(), Known::new());
    for case in cases() {
        let (at, to, _) = &case;
        let field = field_at(schema, &base, at);
        looked.insert(field.clone());
        // A build that reads no certificates has no verdict on them.
        if cfg!(not(feature = "openpgp")) && field.starts_with("OpenPgp") {
            continue;
        }
        assert_ne!(base.pointer(at), Some(to), "{at} has this value already");
        let (was, is) = both(&case, &base, &history, &mut known);
        if was == is {
            unread.push(format!("another value of {at} ({field}) changes nothing:\n{was}"));
        }
    }
    assert!(unread.is_empty(), "{}", unread.join("\n"));
    let all = fields(schema);
    assert!(all.len() > 50, "{all:?}");
    let forgotten: Vec<&String> = all.difference(&looked).collect();
    assert!(
        forgotten.is_empty(),
        "these fields of the policy have no case: {forgotten:?}"
    );
}
