//! A second judge, as slow and plain as can be, written from the design alone;
//! and random histories on which it and the product's judge must agree.

mod acts;
mod acts_foreign;
mod acts_policy;
mod approval;
mod exhaustive;
mod exhaustive_chains;
mod exhaustive_foreign;
mod exhaustive_policy;
mod foreign;
mod judge;
mod law;
mod objects;
mod place;
mod policy;
mod provenance;
mod records;
mod renamed;
pub mod story;
mod unread;
pub mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use modelry::testing::base::Oid;
use modelry::testing::judge::history::{Replay, read_commit};
use modelry::testing::object::Memory;
use modelry::testing::record::snapshot::Records;

use story::Story;

/// A judge's verdict on a step.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    codes: BTreeSet<String>,
    brought: bool,
    authors: BTreeSet<(String, Oid, Option<String>)>,
}

/// Returns the product's verdict on each step of the mainline.
fn fast(objects: &Memory, mainline: &[Oid]) -> Vec<Said> {
    let records = Records::new(objects);
    let mut replay = Replay::from_root(&records, "");
    let mut said = Vec::new();
    for id in mainline {
        let before = replay.policy_from;
        let commit = read_commit(objects, *id).expect("a commit");
        let step = replay.step(&commit).expect("a judgement");
        let authors = step.changes.iter().zip(&step.authors);
        said.push(Said {
            codes: step
                .findings
                .iter()
                .map(|finding| finding.rule.code.to_owned())
                .collect(),
            brought: replay.policy_from != before,
            authors: authors
                .map(|(change, author)| {
                    let commit = author.commit.expect("a commit");
                    let who = author.verdict.actor().map(|id| id.as_str().to_owned());
                    (change.path.clone(), commit, who)
                })
                .collect(),
        });
    }
    said
}

fn slow(objects: &Memory, tip: Oid) -> (Vec<Oid>, Vec<Said>) {
    let history = objects::history(objects, tip);
    let mainline = objects::mainline(&history, tip);
    let steps = judge::judge(&history, &mainline);
    let said = steps.into_iter().map(|step| Said {
        codes: step.codes.iter().map(|code| (*code).to_owned()).collect(),
        brought: step.brought,
        authors: step.authors,
    });
    (mainline, said.collect())
}

/// How often what occurred.
#[derive(Default, Debug)]
struct Tally {
    steps: usize,
    clean: usize,
    codes: BTreeMap<String, usize>,
    acts: BTreeMap<&'static str, usize>,
    brought: usize,
}

/// The first step that the two disagree on: in what, and in words.
fn compare(seed: u64, story: &Story, tally: &mut Tally) -> Option<(String, String)> {
    let objects = &story.world.objects;
    let (mainline, slow) = slow(objects, story.world.made[story.tip].id);
    let fast = fast(objects, &mainline);
    for (what, many) in &story.acts {
        *tally.acts.entry(what).or_default() += many;
    }
    for ((id, fast), slow) in mainline.iter().zip(&fast).zip(&slow) {
        tally.steps += 1;
        tally.clean += usize::from(fast.codes.is_empty());
        tally.brought += usize::from(fast.brought);
        for code in &fast.codes {
            *tally.codes.entry(code.clone()).or_default() += 1;
        }
        let (quick, plain) = (&fast.codes, &slow.codes);
        let mut what = String::new();
        for code in quick.difference(plain) {
            write!(what, "product alone {code} ").expect("text");
        }
        for code in plain.difference(quick) {
            write!(what, "reference alone {code} ").expect("text");
        }
        if fast.brought != slow.brought {
            write!(
                what,
                "policy in force: product {}, reference {} ",
                fast.brought, slow.brought
            )
            .expect("text");
        }
        if fast.authors != slow.authors {
            what.push_str("authors ");
        }
        if !what.is_empty() {
            let at = story.world.made.iter().position(|made| made.id == *id);
            let mut out = String::new();
            writeln!(out, "seed {seed}: the judges disagree on commit {at:?} {id}").expect("text");
            writeln!(out, "  product:   {:?} brought {}", fast.codes, fast.brought).expect("text");
            writeln!(out, "  reference: {:?} brought {}", slow.codes, slow.brought).expect("text");
            writeln!(
                out,
                "  authors of the product alone: {:?}",
                fast.authors.difference(&slow.authors)
            )
            .expect("text");
            writeln!(
                out,
                "  authors of the reference alone: {:?}",
                slow.authors.difference(&fast.authors)
            )
            .expect("text");
            return Some((what, out));
        }
    }
    None
}

pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// The number of histories in a plain run, and in one that must reach every act and
/// finding.
const FEW: u64 = 80;
const HISTORIES: u64 = 250;

/// The acts in random histories.
const ACTS: [&str; 50] = [
    "add-account",
    "add-key",
    "annotate",
    "approve",
    "archive",
    "card",
    "change-id",
    "change-origin",
    "contend",
    "contend-review",
    "create-group",
    "delegate",
    "delete",
    "evidence",
    "grant",
    "grant-import",
    "import",
    "import-moved",
    "lock-out",
    "merge",
    "merge-evil",
    "merge-mixed",
    "merge-older",
    "merge-ours",
    "merge-theirs",
    "observation",
    "octopus",
    "outside",
    "protected",
    "quorum",
    "rebase",
    "reformat",
    "register",
    "reject",
    "remove",
    "remove-account",
    "remove-actor",
    "report",
    "report-and-decide",
    "report-over",
    "retire-actor",
    "retire-key",
    "revoke-key",
    "share-key",
    "squash",
    "stage",
    "status",
    "unrelated",
    "update-group",
    "withdraw",
];

/// The findings in random histories that a full run must reach.
const CODES: [&str; 41] = [
    "MR104", "MR107", "MR109", "MR201", "MR202", "MR203", "MR204", "MR205", "MR208", "MR209", "MR210",
    "MR211", "MR213", "MR215", "MR301", "MR302", "MR303", "MR304", "MR305", "MR306", "MR307", "MR308",
    "MR309", "MR310", "MR311", "MR312", "MR313", "MR315", "MR316", "MR318", "MR401", "MR402", "MR403",
    "MR404", "MR405", "MR406", "MR407", "MR408", "MR413", "MR420", "MR504",
];

impl Tally {
    /// A generator that makes one kind of history alone proves nothing.
    fn is_varied(&self) {
        let faulty = self.steps - self.clean;
        assert!(
            self.clean * 4 > self.steps && faulty * 10 > self.steps,
            "{self:?}"
        );
        assert!(self.brought * 20 > self.steps, "{self:?}");
        for act in ACTS {
            assert!(self.acts.contains_key(act), "nobody does `{act}`: {self:?}");
        }
        for code in CODES {
            assert!(self.codes.contains_key(code), "{code} never occurs: {self:?}");
        }
    }
}

#[test]
fn both_judges_agree_on_random_histories() {
    agree_on(number("MODELRY_HISTORIES", FEW));
}

#[test]
#[ignore = "needs a minute"]
fn both_judges_agree_on_many_random_histories() {
    agree_on(number("MODELRY_HISTORIES", HISTORIES));
}

/// Judges this many histories with both.
#[track_caller]
fn agree_on(histories: u64) {
    let first = number("MODELRY_SEED", 1);
    let mut tally = Tally::default();
    // By what they disagree on: how often, and the first history.
    let mut told: BTreeMap<String, (usize, u64, String)> = BTreeMap::new();
    for seed in first..first + histories {
        let story = story::story(seed);
        if let Some((what, words)) = compare(seed, &story, &mut tally) {
            let words = format!("{words}\n{}", story.world.story());
            told.entry(what).or_insert((0, seed, words)).0 += 1;
        }
    }
    let mut out = String::new();
    for (what, (many, seed, words)) in &told {
        writeln!(out, "{what}: {many} times, first with seed {seed}").expect("text");
        if histories == 1 {
            out.push_str(words);
        }
    }
    assert!(told.is_empty(), "{out}\n{tally:?}");
    if histories >= HISTORIES {
        tally.is_varied();
    }
}
