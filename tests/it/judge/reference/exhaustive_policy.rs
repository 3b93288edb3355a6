//! Small worlds of changes of the policy, looked at whole: every two after one
//! another on a branch, and its merge.

use serde_json::{Value, json};

use super::exhaustive::{agreed, is_tried, world};
use super::objects::{Files, at};
use super::world::{Sign, document};

/// The edits of the policy, and their signers.
const EDITS: [(&str, &str); 12] = [
    ("nothing", "admin-1"),
    ("grant", "admin-1"),
    ("grant", "risk-1"),
    ("another id", "admin-1"),
    ("no file", "admin-1"),
    ("no file", "nobody"),
    ("as it was", "admin-1"),
    ("no such actor", "admin-1"),
    ("no grants", "admin-1"),
    ("the same serial", "admin-1"),
    ("who owns an account", "admin-1"),
    ("revoked", "risk-2"),
];

/// The policy after an edit; none when the file goes.
fn edited(edit: &str, first: &Value, policy: Option<Value>) -> Option<Value> {
    let mut after = policy.unwrap_or_else(|| first.clone());
    let serial = after["serial"].as_u64().expect("a number");
    after["serial"] = json!(serial + 1);
    match edit {
        "nothing" => after["name"] = json!(format!("called {serial}")),
        "grant" => {
            let grant = json!({"to": ["risk-1"], "allow": ["administer"]});
            after["grants"].as_array_mut().expect("a list").push(grant);
        }
        "another id" => after["id"] = json!("a".repeat(32)),
        "no file" => return None,
        "as it was" => {
            after = first.clone();
            after["serial"] = json!(serial + 1);
        }
        "no such actor" => drop(after["actors"].as_object_mut().expect("actors").remove("risk-3")),
        "no grants" => after["grants"] = json!([]),
        "the same serial" => after["serial"] = json!(serial),
        "who owns an account" => {
            for who in ["risk-1", "risk-2"] {
                after["actors"][who]["accounts"] = json!({"github": "1"});
            }
        }
        "revoked" => after["revoked"] = json!([{"key": "risk-2#0", "reason": "lost"}]),
        other => panic!("no such edit: {other}"),
    }
    Some(after)
}

#[test]
pub fn every_two_changes_of_the_policy_on_a_branch_are_judged_alike() {
    for (m, one) in EDITS.into_iter().enumerate() {
        for (n, two) in EDITS.into_iter().enumerate().filter(|_| is_tried()) {
            let other_side = (m + n) % 2 == 0;
            let what = format!("{one:?}, then {two:?}, others meanwhile {other_side}");
            let (mut world, mut files) = world([false, false], |_| {});
            let first = at(&files, "registry.yaml").expect("a policy");
            let lost = world.fingerprint("risk-2#0");
            let mut tip = 1;
            for (edit, who) in [one, two] {
                match edited(edit, &first, at(&files, "registry.yaml")) {
                    Some(after) => {
                        let text = document(&after);
                        let text = String::from_utf8(text).expect("text").replace("risk-2#0", &lost);
                        files.insert("registry.yaml".into(), text.into_bytes());
                    }
                    None => drop(files.remove("registry.yaml")),
                }
                let sign = match who {
                    "nobody" => Sign::Nobody,
                    who => Sign::By(format!("{who}#0")),
                };
                tip = world.commit(&[tip], files.clone(), &sign, format!("{edit} by {who}"));
            }
            let mut main = 1;
            if other_side {
                let mut others = world.made[1].files.clone();
                others.insert("README.md".into(), b"of others\n".to_vec());
                main = world.commit(&[1], others, &Sign::Nobody, "others".into());
                files.insert("README.md".into(), b"of others\n".to_vec());
            }
            let merged = world.commit(&[main, tip], files, &Sign::Nobody, "merge".into());
            let said = agreed(&world, merged, &what);
            let last = &said[said.len() - 1];
            assert!(last.codes.is_empty() || !last.brought, "{what}: {last:?}");
            let loses = |edit: (&str, &str)| ["another id", "no file"].contains(&edit.0);
            if loses(two) {
                assert!(last.codes.contains("MR404"), "{what}: {last:?}");
            }
            // And on the mainline itself, one after the other.
            agreed(&world, tip, &what);
        }
    }
}

#[test]
fn a_registry_that_is_moved_is_one_finding_and_is_refused() {
    let group = "groups/churn/group.yaml";
    for (what, left, codes) in [
        ("all of it", None, &["MR404"][..]),
        ("all but a group", Some("gone"), &["MR202", "MR404"]),
        ("a group is written anew", Some("anew"), &["MR202", "MR404"]),
    ] {
        let (mut world, files) = world([false, false], |_| {});
        let mut moved: Files = files
            .into_iter()
            .map(|(path, bytes)| (format!("other/{path}"), bytes))
            .collect();
        match left {
            Some("gone") => drop(moved.remove(&format!("other/{group}"))),
            Some(_) => moved
                .get_mut(&format!("other/{group}"))
                .expect("a group")
                .extend(b"description: anew\n"),
            None => {}
        }
        let tip = world.commit(&[1], moved, &Sign::By("admin-1#0".into()), "move".into());
        let said = agreed(&world, tip, what);
        let last = &said[said.len() - 1];
        assert!(last.codes.iter().eq(codes) && !last.brought, "{what}: {last:?}");
    }
}
