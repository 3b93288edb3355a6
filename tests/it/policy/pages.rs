//! A change of the policy on the page: nothing of it is passed over, and what asks
//! for less is marked.

use modelry::testing::report::summary::PolicyLine;
use serde_json::{Value, json};

use crate::policy::effect::lines;

/// A policy with something everywhere.
fn rich() -> Value {
    json!({
        "apiVersion": "modelry/v1", "kind": "Registry", "name": "r", "serial": 4, "description": "d",
        "id": "5c0f3a0e9d7b4f6f8a51c2d3e4f50617",
        "landing": ["merge", "squash"],
        "stages": [{"name": "staging"}, {"name": "production", "requires": "Approved", "description": "live"}],
        "lifecycle": {"transitions": {"Approved": ["Rejected"]}},
        "approvals": [
            {"groups": ["fraud-*"], "required": 2, "from": {"risk": 1}, "fourEyes": true, "card": ["limitations"],
             "machines": false, "delegated": 0,
             "gates": [{"name": "g", "champion": "production", "require": "metrics.a > 1", "message": "m"}]},
            {"groups": ["churn-*"]}
        ],
        "actors": {
            "risk-1": {"kind": "person"}, "risk-2": {"kind": "person"}, "risk-3": {"kind": "person"}, "risk-4": {"kind": "person"},
            "admin-1": {"kind": "person", "name": "A", "email": "a@example.com", "keys": ["ssh-ed25519 AAAA"], "accounts": {"github": "1"}},
            "robot": {"kind": "machine", "owners": ["admin-1"], "keys": [{"key": "ssh-ed25519 BBBB", "retired": true}]}
        },
        "teams": {"risk": ["admin-1", "risk-1", "risk-2"]},
        "grants": [
            {"to": ["team:risk"], "allow": ["approve", "promote"], "groups": ["fraud-*"], "stages": ["production"]},
            {"to": ["admin-1", "risk-1"], "allow": ["administer"]}, {"to": ["risk-3", "risk-4"], "allow": ["approve"], "groups": ["*"]},
            {"to": ["robot"], "allow": ["approve"], "groups": ["fraud-*"]}
        ],
        "revoked": [{"key": "SHA256:x", "reason": "lost", "reaffirmed": ["fraud/3"]}],
        "protect": [".github/**"],
        "policyChange": {"required": 2},
        "acknowledged": [{"commit": "7a907a907a907a907a907a907a907a907a907a90", "codes": ["MR301"], "reason": "seen"}],
        "imports": [{"to": ["robot"], "groups": ["old-*"]}]
    })
}

/// Changes of one value of a policy, with whether each weakens it, where that
/// can be said.
#[test]
fn a_policy_that_asks_for_less_is_marked() {
    let before = rich();
    let with = |pointer: &str, value: Value| {
        let mut after = before.clone();
        match after.pointer_mut(pointer) {
            Some(at) => *at = value,
            None => panic!("{pointer}"),
        }
        let forth = lines(&before, &after);
        let back = lines(&after, &before);
        (forth, back)
    };
    for (pointer, value) in [
        ("/approvals/0/required", json!(1)),
        ("/approvals/0/from", json!({})),
        ("/approvals/0/fourEyes", json!(false)),
        ("/approvals/0/card", json!([])),
        ("/approvals/0/gates", json!([])),
        ("/approvals/0/machines", json!(true)),
        ("/approvals/0/delegated", json!(1)),
        ("/approvals", json!([{"groups": ["*"]}])),
        ("/policyChange/required", json!(1)),
        ("/policyChange", json!({"required": 2, "recovery": ["admin-1"]})),
        ("/grants/0/to", json!(["team:risk", "robot"])),
        ("/actors/robot/owners", json!(["risk-1"])),
        ("/grants/0/allow", json!(["approve", "promote", "administer"])),
        ("/grants/0/groups", json!(["*", "fraud-*"])),
        ("/grants/0/stages", json!(["production", "staging"])),
        ("/teams/risk", json!(["admin-1", "risk-1", "risk-2", "risk-3"])),
        (
            "/actors/admin-1/keys",
            json!(["ssh-ed25519 AAAA", "ssh-ed25519 CCCC"]),
        ),
        ("/stages/1", json!({"name": "production", "description": "live"})),
        (
            "/lifecycle/transitions",
            json!({"Approved": ["Rejected"], "Pending": ["Archived"]}),
        ),
        ("/landing", json!(["merge", "squash", "rebase"])),
        ("/protect", json!([])),
        ("/revoked", json!([])),
        ("/acknowledged/0/codes", json!(["MR301", "MR307"])),
        ("/imports/0/groups", json!(["old-*", "*"])),
    ] {
        let (forth, back) = with(pointer, value);
        assert!(forth.iter().any(|line| line.weakens), "{pointer}: {forth:?}");
        assert!(!back.is_empty(), "{pointer}");
        let either = ["/acknowledged/0/codes", "/revoked", "/actors/robot/owners"];
        if !either.contains(&pointer) {
            assert!(back.iter().all(|line| !line.weakens), "{pointer}: {back:?}");
        }
    }
    // Where no rule applied, a new one may allow what was not allowed.
    let some =
        json!([before["approvals"][0], before["approvals"][1], {"groups": ["new-*"], "fourEyes": false}]);
    let (forth, _) = with("/approvals", some);
    assert!(forth.iter().any(|line| line.weakens), "{forth:?}");
    let (forth, _) = with("/approvals/0/gates/0/require", json!("metrics.a > 2"));
    assert!(
        forth.iter().all(|line| line.strengthens && !line.weakens),
        "{forth:?}"
    );
    let (forth, _) = with("/approvals/0/gates/0/require", json!("metrics.b > 1"));
    assert!(forth.iter().all(|line| line.weakens && line.unsure), "{forth:?}");
    let (forth, _) = with("/approvals/0/gates/0/require", json!("metrics.a>1"));
    assert_eq!(forth, []);
    for (require, weakens) in [
        ("metrics.a > 1 && metrics.b > 1", false),
        ("false", false),
        ("metrics.a > 0.5", true),
        ("true", true),
    ] {
        let (forth, _) = with("/approvals/0/gates/0/require", json!(require));
        let is_told =
            |line: &PolicyLine| line.weakens == weakens && line.strengthens != weakens && !line.unsure;
        assert!(
            !forth.is_empty() && forth.iter().all(is_told),
            "{require}: {forth:?}"
        );
    }
    // A champion that the condition does not name asks for nothing.
    let (forth, _) = with("/approvals/0/gates/0/champion", json!("staging"));
    assert!(
        !forth.is_empty() && forth.iter().all(|line| !line.weakens),
        "{forth:?}"
    );
    // An account counts for something only where reported reviews do.
    let accounts = json!({"github": "1", "gitlab": "2"});
    let (forth, _) = with("/actors/admin-1/accounts", accounts.clone());
    assert!(
        !forth.is_empty() && forth.iter().all(|line| !line.weakens),
        "{forth:?}"
    );
    let mut counting = before.clone();
    counting["approvals"][0]["delegated"] = json!(1);
    let mut after = counting.clone();
    after["actors"]["admin-1"]["accounts"] = accounts;
    assert!(lines(&counting, &after).iter().any(|line| line.weakens));
    // A glob beside a wider one grants nothing new.
    let (forth, _) = with("/grants/2/groups", json!(["*", "zzz"]));
    assert_eq!(forth, []);
    let (forth, _) = with("/approvals/0/required", json!(1));
    let line = PolicyLine {
        what: "fraud-*: required approvals".into(),
        before: Some("2".into()),
        after: Some("1".into()),
        weakens: true,
        unsure: false,
        strengthens: false,
    };
    assert_eq!(forth, [line]);
}

/// Every change of a policy is printed, except for the serial, which is in the title,
/// and values that all policies have.
#[test]
fn no_change_of_a_policy_is_passed_over() {
    fn leaves(value: &Value, at: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    leaves(value, &format!("{at}/{}", key.replace('/', "~1")), out);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    leaves(value, &format!("{at}/{index}"), out);
                }
            }
            _ => out.push(at.to_owned()),
        }
    }
    let before = rich();
    let mut all = Vec::new();
    leaves(&before, "", &mut all);
    let mut looked = 0;
    for pointer in all {
        if ["/apiVersion", "/kind", "/serial"].contains(&pointer.as_str()) {
            continue;
        }
        let mut after = before.clone();
        let at = after.pointer_mut(&pointer).expect("a leaf");
        *at = match at.clone() {
            Value::Bool(value) => json!(!value),
            Value::Number(number) => json!(number.as_u64().expect("a number") + 1),
            Value::String(text) => match text.as_str() {
                "merge" | "squash" => json!("rebase"),
                "approve" | "promote" | "administer" => json!("reject"),
                "person" => json!("forge"),
                "machine" => json!("person"),
                "limitations" => json!("risk"),
                "Approved" | "Rejected" => continue,
                "MR301" => json!("MR302"),
                text if text.len() == 40 || text.len() == 32 => json!(text.replace('7', "8")),
                "fraud/3" => json!("fraud/4"),
                text => json!(format!("{text}x")),
            },
            other => panic!("{other}"),
        };
        let lines = lines(&before, &after);
        assert!(!lines.is_empty(), "a change at {pointer} is passed over");
        looked += 1;
    }
    assert!(looked > 35, "{looked}");
}
