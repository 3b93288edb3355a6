//! Every two changes of one record on a branch, and its merge: what was there,
//! what the branch wrote first, and what it ends with.

use std::cell::Cell;

use serde_json::{Value, json};

use super::acts::REGISTRY;
use super::approval::subject;
use super::exhaustive::{VERSION, agreed, is_tried, signed, support_of, version, world};
use super::objects::Files;
use super::records::digest_of_notes;
use super::world::{Sign, World, document};

const STAGE: &str = "groups/churn/stages/staging.yaml";
const CARD: &str = "groups/churn/versions/1/card.yaml";
const EVIDENCE: &str = "groups/churn/versions/1/evidence/holdout.yaml";
const ARCHIVAL: &str = "groups/churn/versions/1/archival.yaml";
const GROUP: &str = "groups/churn/group.yaml";

/// The same record with one more member.
fn with(mut record: Value, member: &str, value: Value) -> Value {
    record[member] = value;
    record
}

/// The possible states of a record, signed itself or by its commit.
type Records = Vec<Option<Value>>;

/// Judges every start, every first change and every second; `who` signs the
/// branch's commits, and records that say `by` sign themselves.
fn every_chain(path: &str, records: &Records, who: &str, base: impl Fn(&mut World, &mut Files)) {
    for start in records {
        for first in records {
            for last in records.iter().filter(|_| is_tried()) {
                let what = format!("{path}: {start:?}, then {first:?}, then {last:?}");
                let (mut world, mut files) = world([false, true], |policy| {
                    policy["imports"] = json!([{"to": ["trainer"], "groups": ["*"]}]);
                });
                base(&mut world, &mut files);
                put(&mut world, &mut files, path, start.as_ref());
                let begin = world.commit(&[1], files.clone(), &Sign::Nobody, "start".into());
                let mut tip = begin;
                for record in [first, last] {
                    put(&mut world, &mut files, path, record.as_ref());
                    let sign = Sign::By(format!("{who}#0"));
                    tip = world.commit(&[tip], files.clone(), &sign, "branch".into());
                }
                let merged = world.commit(&[begin, tip], files, &Sign::Nobody, "merge".into());
                agreed(&world, merged, &what);
            }
        }
    }
}

fn put(world: &mut World, files: &mut Files, path: &str, record: Option<&Value>) {
    let bytes = match record {
        None => return drop(files.remove(path)),
        Some(record) if record["by"].is_string() => signed_free(world, path, record.clone()),
        Some(record) => document(record),
    };
    files.insert(path.to_owned(), bytes);
}

/// Signed without what may change at any time.
fn signed_free(world: &mut World, path: &str, mut record: Value) -> Vec<u8> {
    let labels = record.as_object_mut().expect("a record").remove("labels");
    let bytes = signed(world, path, record);
    match labels {
        None => bytes,
        Some(labels) => document(&with(super::objects::value(&bytes), "labels", labels)),
    }
}

/// A version with these labels, registered with those.
fn noted(labels: Value, given: &Value) -> Value {
    let digest = digest_of_notes(&json!({"labels": given}));
    let record = with(version("trainer", "Pending"), "registeredWith", json!(digest));
    match labels {
        Value::Null => record,
        labels => with(record, "labels", labels),
    }
}

fn a_version(world: &mut World, files: &mut Files) {
    put(world, files, VERSION, Some(&version("trainer", "Pending")));
}

/// All of this file's.
pub fn every_case() {
    every_two_changes_of_a_version_are_judged_alike();
    every_two_changes_of_what_a_version_is_registered_with_are_judged_alike();
    every_two_changes_of_what_stands_beside_are_judged_alike();
    every_two_changes_of_a_group_are_judged_alike();
}

#[test]
fn every_two_changes_of_a_version_are_judged_alike() {
    let (mut made, mut files) = world([false, false], |_| {});
    a_version(&mut made, &mut files);
    let subject = subject(REGISTRY, &files, "churn", 1).expect("it is there");
    let tombstone = json!({
        "apiVersion": "modelry/v1", "kind": "Tombstone", "group": "churn", "version": 1, "by": "risk-1",
        "subject": subject,
    });
    let imported = json!({"from": "elsewhere", "status": "Archived"});
    let records: Records = vec![
        None,
        Some(version("trainer", "Pending")),
        Some(with(
            version("trainer", "Pending"),
            "labels",
            json!({"env": "prod"}),
        )),
        Some(version("trainer", "Approved")),
        Some(version("trainer", "Archived")),
        Some(with(version("trainer", "Archived"), "imported", imported)),
        Some(tombstone),
    ];
    // Nothing, an approval and a rejection beside it, in turn, and an Archival.
    let turn = Cell::new(0);
    every_chain(VERSION, &records, "trainer", |world, files| {
        a_version(world, files);
        support_of(world, files, [0, 5, 6][turn.get() % 3]);
        turn.set(turn.get() + 1);
    });
}

#[test]
fn every_two_changes_of_what_a_version_is_registered_with_are_judged_alike() {
    let records: Records = vec![
        None,
        Some(version("trainer", "Pending")),
        // As it was registered with them, and as it was not.
        Some(noted(json!({"env": "prod"}), &json!({"env": "prod"}))),
        Some(noted(json!({"env": "prod"}), &json!({"env": "test"}))),
        Some(noted(Value::Null, &json!({"env": "prod"}))),
    ];
    for who in ["trainer", "risk-1"] {
        every_chain(VERSION, &records, who, |_, _| {});
    }
}

#[test]
fn every_two_changes_of_what_stands_beside_are_judged_alike() {
    let record = |kind: &str, by: &str, more: Value| {
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": kind, "group": "churn", "version": 1, "by": by,
        });
        for (member, value) in more.as_object().expect("members") {
            record[member] = value.clone();
        }
        Some(record)
    };
    let card = |by: &str, authors: &[&str], revision: u64| {
        record("ModelCard", by, json!({"authors": authors, "revision": revision}))
    };
    let cards = [
        None,
        card("trainer", &["trainer"], 1),
        card("risk-1", &["trainer", "risk-1"], 2),
        card("trainer", &["trainer"], 3),
    ];
    every_chain(CARD, &cards.to_vec(), "trainer", a_version);
    let measured = |by: &str, revision: u64| {
        let more = json!({"name": "holdout", "revision": revision, "metrics": {"auc": 0.5}});
        record("Evaluation", by, more)
    };
    let evidence = [
        None,
        measured("trainer", 1),
        measured("trainer", 2),
        measured("robot", 3),
    ];
    every_chain(EVIDENCE, &evidence.to_vec(), "trainer", a_version);
    let archivals = [
        None,
        record("Archival", "risk-1", json!({"reason": "old"})),
        record("Archival", "risk-2", json!({"reason": "older"})),
        record("Archival", "trainer", json!({"reason": "mine"})),
    ];
    for status in ["Pending", "Archived"] {
        every_chain(ARCHIVAL, &archivals.to_vec(), "risk-1", |world, files| {
            put(world, files, VERSION, Some(&version("trainer", status)));
        });
    }
    let stage = |revision: u64, version: Option<u64>, previous: Option<u64>| {
        let mut record = json!({
            "apiVersion": "modelry/v1", "kind": "StageAssignment", "group": "churn", "stage": "staging",
            "by": "risk-1", "revision": revision,
        });
        for (member, n) in [("version", version), ("previous", previous)] {
            if let Some(n) = n {
                record[member] = json!(n);
            }
        }
        Some(record)
    };
    let stages = [
        None,
        stage(1, Some(1), None),
        stage(2, None, Some(1)),
        stage(3, Some(1), None),
        stage(4, Some(7), Some(1)),
    ];
    every_chain(STAGE, &stages.to_vec(), "risk-1", a_version);
}

#[test]
fn every_two_changes_of_a_group_are_judged_alike() {
    let group = |words: &str| json!({"apiVersion": "modelry/v1", "kind": "ModelGroup", "name": "churn", "description": words});
    let tombstone =
        |by: &str| json!({"apiVersion": "modelry/v1", "kind": "Tombstone", "group": "churn", "by": by});
    let records: Records = vec![
        None,
        Some(group("one")),
        Some(group("two")),
        Some(tombstone("admin-1")),
        Some(tombstone("admin-2")),
    ];
    every_chain(GROUP, &records, "admin-1", |_, _| {});
    every_chain(GROUP, &records, "trainer", a_version);
}
