//! Small worlds with input from elsewhere, tried exhaustively: every status of an
//! import and every later move, and every way in which three persons agree, by a
//! signature or through a machine.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::acts::REGISTRY;
use super::approval::subject;
use super::exhaustive::{VERSION, agreed, is_tried, may_move, signed, support_of, version, world};
use super::objects::Files;
use super::world::{Sign, World, document};

#[test]
pub fn every_import_is_judged_alike() {
    for added in [[false, false], [true, false], [false, true], [true, true]] {
        for granted in [true, false] {
            for had in ["Approved", "Rejected", "Archived"] {
                for to in ["Pending", "Approved", "Rejected", "Archived"] {
                    // Without the grant one of them says it all.
                    let supports = if granted { 0..8 } else { 7..8 };
                    for support in supports.filter(|_| is_tried()) {
                        let what = format!("{added:?}, granted {granted}: {had} to {to}, with {support:03b}");
                        let clean = one_import(added, granted, had, to, support, &what);
                        // The version keeps its status from elsewhere, and continues
                        // from there.
                        let expected = granted && may_move(added, Some(had), to, support);
                        assert_eq!(clean, expected, "{what}");
                    }
                }
            }
        }
    }
}

fn one_import(added: [bool; 2], granted: bool, had: &str, to: &str, support: u8, what: &str) -> bool {
    let (mut world, mut files) = world(added, |policy| {
        let group = if granted { "CHURN" } else { "fraud-*" };
        policy["imports"] = json!([{"to": ["boss"], "groups": [group]}]);
    });
    let mut record = version("boss", to);
    record["imported"] = json!({"from": "elsewhere", "status": had});
    let bytes = signed(&mut world, VERSION, record);
    files.insert(VERSION.into(), bytes);
    support_of(&mut world, &mut files, support);
    let tip = world.commit(&[1], files, &Sign::Nobody, what.to_owned());
    let said = agreed(&world, tip, what);
    said[said.len() - 1].codes.is_empty()
}

/// How somebody agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agrees {
    Not,
    Signed,
    /// By another in their name.
    Forged,
    Through(&'static str),
}

const WAYS: [Agrees; 4] = [
    Agrees::Not,
    Agrees::Signed,
    Agrees::Through("relay"),
    Agrees::Through("robot"),
];

#[test]
fn every_mix_of_signed_and_reported_reviews_is_judged_alike() {
    let people = ["risk-1", "risk-2", "admin-2"];
    let mut clean = 0;
    let mut number = 0;
    for owner in ["boss", "risk-1", "admin-1"] {
        for rule in [
            json!({"required": 2}),
            json!({"from": {"risk": 1, "board": 1}}),
            json!({"required": 2, "from": {"risk": 1}, "fourEyes": false}),
        ] {
            for delegated in 0..3 {
                for mix in 0..64 {
                    let ways = [WAYS[mix % 4], WAYS[mix / 4 % 4], WAYS[mix / 16]];
                    // One of five, in turn.
                    number += 1;
                    if number % 5 != 0 {
                        continue;
                    }
                    let mut rule = rule.clone();
                    rule["groups"] = json!(["churn"]);
                    rule["delegated"] = json!(delegated);
                    let what = format!("{rule} {owner}: {ways:?}");
                    let reviews: Vec<(&str, Agrees)> = people.into_iter().zip(ways).collect();
                    let is_clean = one_approval(owner, &rule, &reviews, &what);
                    clean += usize::from(is_clean);
                    let signed = ways.iter().filter(|way| **way == Agrees::Signed).count();
                    let reported = ways
                        .iter()
                        .filter(|way| matches!(way, Agrees::Through(_)))
                        .count();
                    let most = signed + reported.min(delegated);
                    let required = rule["required"].as_u64().unwrap_or(1);
                    assert!(!is_clean || most as u64 >= required, "{what}");
                }
            }
        }
    }
    assert!(
        clean * 10 > number / 5 && clean * 2 < number / 5,
        "{clean} of {number}"
    );
}

fn one_approval(owner: &str, rule: &Value, reviews: &[(&str, Agrees)], what: &str) -> bool {
    let (mut world, mut files) = world([false, false], |policy| {
        policy["approvals"] = json!([rule]);
        policy["actors"]["relay"]["owners"] = json!([owner]);
        for (who, _) in reviews {
            policy["actors"][who]["accounts"] = json!({"github": who});
        }
        policy["grants"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"to": ["robot"], "allow": ["approve"], "groups": ["churn"]}));
    });
    let bytes = signed(&mut world, VERSION, version("boss", "Approved"));
    files.insert(VERSION.into(), bytes);
    let subject = subject(REGISTRY, &files, "churn", 1).expect("it is there");
    for (who, agrees) in reviews {
        let path = format!("groups/churn/versions/1/reviews/{who}.yaml");
        let mut review = json!({
            "apiVersion": "modelry/v1", "kind": "Review", "group": "churn", "version": 1, "by": who,
            "revision": 1, "decision": "Approved", "subject": subject,
        });
        match agrees {
            Agrees::Not => continue,
            Agrees::Signed | Agrees::Forged => {}
            Agrees::Through(machine) => {
                review["by"] = json!(machine);
                review["onBehalfOf"] = json!(who);
                review["host"] = json!({"name": "GitHub", "review": "1", "commit": "9".repeat(40)});
            }
        }
        let bytes = signed(&mut world, &path, review);
        files.insert(path, bytes);
    }
    let tip = world.commit(&[1], files, &Sign::Nobody, what.to_owned());
    let said = agreed(&world, tip, what);
    said[said.len() - 1].codes.is_empty()
}

/// Tries every pair of consecutive reviews of a person, whichever actor reports them:
/// on the mainline, and on a branch that continues to an approval.
#[test]
fn every_review_after_another_is_judged_alike() {
    let all = [&WAYS[..], &[Agrees::Forged]].concat();
    for before in all.clone() {
        for after in all.clone() {
            for decision in ["Approved", "Rejected", "Withdrawn"] {
                for merged in [false, true] {
                    let what = format!("{before:?} to {after:?}, {decision}, merged {merged}");
                    let codes = two_reviews(before, (after, decision), merged, &what);
                    let (last, decision) = match after {
                        Agrees::Not => (before, "Approved"),
                        _ => (after, decision),
                    };
                    let replaces = after == Agrees::Through("relay")
                        && matches!(before, Agrees::Signed | Agrees::Forged);
                    let may_not = last == Agrees::Through("robot");
                    let is_bad = replaces || may_not || (merged && before == Agrees::Through("robot"));
                    assert_eq!(codes.contains("MR318"), is_bad, "{what}: {codes:?}");
                    // A report in place of a signed review changes nothing.
                    let over_own = matches!(after, Agrees::Through(_))
                        && matches!(before, Agrees::Signed | Agrees::Forged);
                    let counts = match over_own {
                        true => before == Agrees::Signed,
                        false => {
                            decision == "Approved"
                                && [Agrees::Signed, Agrees::Through("relay")].contains(&last)
                        }
                    };
                    assert_eq!(codes.contains("MR308"), merged && !counts, "{what}: {codes:?}");
                }
            }
        }
    }
}

/// Returns the findings in the last step: of two consecutive reviews, or of the merge
/// of a branch with both and an approval.
fn two_reviews(
    before: Agrees,
    (after, decision): (Agrees, &str),
    merged: bool,
    what: &str,
) -> BTreeSet<String> {
    let (mut world, mut files) = world([false, false], |policy| {
        policy["actors"]["risk-1"]["accounts"] = json!({"github": "1"});
        policy["actors"]["relay"]["owners"] = json!(["boss"]);
        policy["approvals"] = json!([{"groups": ["churn"], "delegated": 1}]);
    });
    let bytes = signed(&mut world, VERSION, version("trainer", "Pending"));
    files.insert(VERSION.into(), bytes);
    let start = world.commit(&[1], files.clone(), &Sign::Nobody, "version".into());
    let mut tip = start;
    for review in [(1, before, "Approved"), (2, after, decision)] {
        tip = one_review(&mut world, &mut files, tip, review, what);
    }
    if merged {
        let mut others = world.made[start].files.clone();
        others.insert("README.md".into(), b"of others\n".to_vec());
        let main = world.commit(&[start], others, &Sign::Nobody, "others".into());
        let bytes = signed(&mut world, VERSION, version("trainer", "Approved"));
        files.insert(VERSION.into(), bytes);
        tip = world.commit(&[tip], files.clone(), &Sign::Nobody, "approved".into());
        files.insert("README.md".into(), b"of others\n".to_vec());
        tip = world.commit(&[main, tip], files, &Sign::Nobody, "merge".into());
    }
    let said = agreed(&world, tip, what);
    said[said.len() - 1].codes.clone()
}

/// One review, by its author's commit; the same files where nobody reviews.
fn one_review(
    world: &mut World,
    files: &mut Files,
    tip: usize,
    (revision, agrees, decision): (u64, Agrees, &str),
    what: &str,
) -> usize {
    let path = "groups/churn/versions/1/reviews/risk-1.yaml";
    let mut review = json!({
        "apiVersion": "modelry/v1", "kind": "Review", "group": "churn", "version": 1, "by": "risk-1",
        "revision": revision, "decision": decision,
        "subject": subject(REGISTRY, files, "churn", 1).expect("it is there"),
    });
    let signer = match agrees {
        Agrees::Not => return tip,
        Agrees::Signed => "risk-1",
        Agrees::Forged => "risk-2",
        Agrees::Through(machine) => {
            review["by"] = json!(machine);
            review["onBehalfOf"] = json!("risk-1");
            review["host"] =
                json!({"name": "github", "review": "1", "commit": "9".repeat(40), "account": "1"});
            machine
        }
    };
    files.insert(path.into(), document(&review));
    let sign = Sign::By(format!("{signer}#0"));
    world.commit(&[tip], files.clone(), &sign, what.to_owned())
}
