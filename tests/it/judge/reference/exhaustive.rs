//! Small worlds, looked at whole: every move of a status under every lifecycle,
//! and every merge of one record with up to two commits on each side.

use std::cell::Cell;

use serde_json::{Value, json};

use super::acts::{Pen, REGISTRY};
use super::approval::{subject, without};
use super::objects::Files;
use super::world::{Dice, Sign, World, document};
use super::{Said, exhaustive_chains, exhaustive_foreign, exhaustive_policy, fast, slow};

thread_local! {
    /// One of so many cases is tried, drawn by these dice.
    static ONE_OF: Cell<(usize, u64)> = const { Cell::new((4, 1)) };
}

/// Whether the next case is tried.
pub fn is_tried() -> bool {
    let (many, seed) = ONE_OF.get();
    let mut dice = Dice(seed);
    let is_drawn = dice.below(many) == 0;
    ONE_OF.set((many, dice.0));
    is_drawn
}

/// A plain run tries a quarter of the cases.
#[test]
#[ignore = "needs a minute"]
fn every_case_is_judged_alike() {
    ONE_OF.set((1, 1));
    every_move_of_a_status_is_judged_alike();
    every_merge_of_a_small_history_is_judged_alike();
    every_merge_of_a_review_is_judged_alike();
    exhaustive_chains::every_case();
    exhaustive_foreign::every_import_is_judged_alike();
    exhaustive_policy::every_two_changes_of_the_policy_on_a_branch_are_judged_alike();
}

const STATUSES: [&str; 4] = ["Pending", "Approved", "Rejected", "Archived"];
pub const VERSION: &str = "groups/churn/versions/1/version.yaml";

/// A world with the policy of random histories, edited, and a group.
pub fn world(added: [bool; 2], edit: impl FnOnce(&mut Value)) -> (World, Files) {
    let mut world = World::new();
    let mut dice = Dice(1);
    let mut pen = Pen {
        world: &mut world,
        dice: &mut dice,
        tamper: 0,
        fresh: 1,
    };
    let mut policy = pen.root_policy();
    let mut transitions = serde_json::Map::new();
    if added[0] {
        transitions.insert("Approved".into(), json!(["Rejected"]));
    }
    if added[1] {
        transitions.insert("Pending".into(), json!(["Archived"]));
    }
    policy["lifecycle"] = json!({"transitions": transitions});
    edit(&mut policy);
    let mut files = Files::from([("registry.yaml".to_owned(), document(&policy))]);
    world.commit(&[], files.clone(), &Sign::By("admin-1#0".into()), "root".into());
    let group = json!({"apiVersion": "modelry/v1", "kind": "ModelGroup", "name": "churn"});
    files.insert("groups/churn/group.yaml".into(), document(&group));
    world.commit(&[0], files.clone(), &Sign::By("admin-1#0".into()), "group".into());
    (world, files)
}

/// The record with its author's own signature.
pub fn signed(world: &mut World, path: &str, mut record: Value) -> Vec<u8> {
    let by = record["by"].as_str().expect("an author").to_owned();
    let bare = match record["kind"] == json!("ModelVersion") {
        true => without(&record, &["status"]),
        false => record.clone(),
    };
    let bytes = json!({"registry": REGISTRY, "path": path, "record": bare});
    let bytes = serde_json_canonicalizer::to_vec(&bytes).expect("JSON");
    record["signature"] = json!(world.sign(&format!("{by}#0"), "modelry", &bytes));
    document(&record)
}

/// Both judges on the history of a commit, which must agree.
#[track_caller]
pub fn agreed(world: &World, tip: usize, what: &str) -> Vec<Said> {
    let (mainline, slow) = slow(&world.objects, world.made[tip].id);
    let fast = fast(&world.objects, &mainline);
    assert_eq!(fast, slow, "{what}\n{}", world.story());
    fast
}

#[test]
fn every_move_of_a_status_is_judged_alike() {
    for added in [[false, false], [true, false], [false, true], [true, true]] {
        for from in std::iter::once(None).chain(STATUSES.map(Some)) {
            for to in STATUSES {
                for support in (0..8).filter(|_| is_tried()) {
                    let clean = one_move(added, from, to, support);
                    let what = format!("{added:?}: {from:?} to {to}, with {support:03b}");
                    assert_eq!(clean, may_move(added, from, to, support), "{what}");
                }
            }
        }
    }
}

/// Whether a move is clean, in the words of the design.
pub fn may_move(added: [bool; 2], from: Option<&str>, to: &str, support: u8) -> bool {
    let [approved, rejected, archived] = [1, 2, 4].map(|bit| support & bit != 0);
    let supported = match to {
        "Approved" => approved && !rejected,
        "Rejected" => rejected,
        "Archived" => archived,
        _ => true,
    };
    let leads = match (from, to) {
        (Some(from), to) if from == to => return !archived || to == "Archived",
        (None, "Archived") => added[1] || approved || rejected,
        (None, _) | (Some("Pending"), "Approved" | "Rejected") => true,
        (Some("Approved" | "Rejected"), "Archived") => true,
        (Some("Approved"), "Rejected") => added[0],
        (Some("Pending"), "Archived") => added[1],
        _ => false,
    };
    // An Archival may exist only for an Archived version.
    leads && supported && (!archived || to == "Archived")
}

/// A version with all that it needs to be approved.
pub fn version(by: &str, status: &str) -> Value {
    json!({
        "apiVersion": "modelry/v1", "kind": "ModelVersion", "group": "churn", "version": 1,
        "status": status, "by": by,
        "spec": {"inference": {"containers": [{"artifact": {
            "uri": "s3://models/1", "digest": format!("sha256:{}", "1".repeat(64)),
        }}]}, "metrics": {"auc": 0.9}},
    })
}

/// One version in one status, or in none yet, and moved to another, with some
/// of an approval, a rejection and an Archival beside it.
fn one_move(added: [bool; 2], from: Option<&str>, to: &str, support: u8) -> bool {
    let (mut world, mut files) = world(added, |_| {});
    let mut tip = 1;
    if let Some(from) = from {
        let bytes = signed(&mut world, VERSION, version("trainer", from));
        files.insert(VERSION.into(), bytes);
        tip = world.commit(&[tip], files.clone(), &Sign::Nobody, format!("it is {from}"));
    }
    let bytes = signed(&mut world, VERSION, version("trainer", to));
    files.insert(VERSION.into(), bytes);
    support_of(&mut world, &mut files, support);
    let tip = world.commit(&[tip], files, &Sign::Nobody, format!("it becomes {to}"));
    let what = format!("{added:?}: {from:?} to {to}, with {support:03b}");
    let said = agreed(&world, tip, &what);
    said[said.len() - 1].codes.is_empty()
}

/// Some of an approval, a rejection and an Archival beside the version.
pub fn support_of(world: &mut World, files: &mut Files, support: u8) {
    let subject = subject(REGISTRY, files, "churn", 1).expect("it is there");
    for (n, (who, decision)) in [("risk-1", "Approved"), ("risk-2", "Rejected")]
        .iter()
        .enumerate()
    {
        if support & (1 << n) != 0 {
            let path = format!("groups/churn/versions/1/reviews/{who}.yaml");
            let review = json!({
                "apiVersion": "modelry/v1", "kind": "Review", "group": "churn", "version": 1, "by": who,
                "revision": 1, "decision": decision, "subject": subject,
            });
            let bytes = signed(world, &path, review);
            files.insert(path, bytes);
        }
    }
    if support & 4 != 0 {
        let path = "groups/churn/versions/1/archival.yaml";
        let archival = json!({
            "apiVersion": "modelry/v1", "kind": "Archival", "group": "churn", "version": 1, "by": "risk-3",
        });
        let bytes = signed(world, path, archival);
        files.insert(path.into(), bytes);
    }
}

/// All sequences of up to two of three values.
fn sides() -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for one in 0..3 {
        all.push(vec![one]);
        all.extend((0..3).map(|two| vec![one, two]));
    }
    all
}

/// Every merge of one file whose value starts as the first of three, and whose
/// sides change it in every way in up to two commits; `who` signs the sides'.
fn every_merge(path: &str, values: &[Option<Vec<u8>>; 3], who: [&str; 2], check: impl Fn(&Merge, &Said)) {
    let with = |files: &Files, value: usize| {
        let mut files = files.clone();
        match &values[value] {
            Some(bytes) => files.insert(path.to_owned(), bytes.clone()),
            None => files.remove(path),
        };
        files
    };
    for first in sides() {
        for second in sides() {
            for merged in (0..3).filter(|_| is_tried()) {
                let (mut world, mut files) = world([false, false], |_| {});
                let version = json!({
                    "apiVersion": "modelry/v1", "kind": "ModelVersion", "group": "churn", "version": 1,
                    "status": "Pending", "by": "trainer", "spec": {"metrics": {"auc": 0.9}},
                });
                files.insert(VERSION.into(), signed(&mut world, VERSION, version));
                let sign = |who: &str| Sign::By(format!("{who}#0"));
                let start = world.commit(&[1], with(&files, 0), &sign("admin-1"), "start".into());
                let mut tips = [start, start];
                for (n, side) in [&first, &second].into_iter().enumerate() {
                    for value in side {
                        let note = format!("side {n} writes {value}");
                        tips[n] = world.commit(&[tips[n]], with(&files, *value), &sign(who[n]), note);
                    }
                }
                let merge = Merge {
                    first: first.clone(),
                    second: second.clone(),
                    merged,
                };
                // Two equal parents do not make a merge.
                if tips[0] == tips[1] {
                    continue;
                }
                let tip = world.commit(&tips, with(&files, merged), &Sign::Nobody, "merge".into());
                let said = agreed(&world, tip, &format!("{merge:?}"));
                check(&merge, &said[said.len() - 1]);
            }
        }
    }
}

#[derive(Debug)]
struct Merge {
    first: Vec<usize>,
    second: Vec<usize>,
    merged: usize,
}

impl Merge {
    /// Whether the merge answers for its value, in the words of the design: it
    /// changes the mainline's, and not to one that the other side alone wrote.
    fn is_charged(&self) -> bool {
        let ours = self.first.last().copied().unwrap_or(0);
        let theirs = self.second.last().copied().unwrap_or(0);
        let touched = self.first.iter().any(|value| *value != 0);
        self.merged != ours && (touched || self.merged != theirs)
    }
}

#[test]
fn every_merge_of_a_small_history_is_judged_alike() {
    let group = |words: &str| {
        Some(document(&json!({
            "apiVersion": "modelry/v1", "kind": "ModelGroup", "name": "churn", "description": words,
        })))
    };
    let values = [group("one"), group("two"), group("three")];
    every_merge(
        "groups/churn/group.yaml",
        &values,
        ["admin-1", "admin-2"],
        |merge, said| {
            // The merge is unsigned: its own changes are a finding.
            assert_eq!(
                said.codes.contains("MR301"),
                merge.is_charged(),
                "{merge:?}: {said:?}"
            );
            assert_eq!(said.codes.is_empty(), !merge.is_charged(), "{merge:?}: {said:?}");
        },
    );
}

#[test]
fn every_merge_of_a_review_is_judged_alike() {
    let review = |revision: u64, decision: &str| {
        Some(document(&json!({
            "apiVersion": "modelry/v1", "kind": "Review", "group": "churn", "version": 1, "by": "risk-1",
            "revision": revision, "decision": decision, "subject": format!("sha256:{}", "0".repeat(64)),
        })))
    };
    let values = [None, review(1, "Approved"), review(2, "Withdrawn")];
    let path = "groups/churn/versions/1/reviews/risk-1.yaml";
    every_merge(path, &values, ["risk-1", "risk-1"], |merge, said| {
        if merge.is_charged() {
            assert!(!said.codes.is_empty(), "{merge:?}: {said:?}");
        }
    });
}
