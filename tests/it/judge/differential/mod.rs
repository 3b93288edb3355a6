//! One history, judged in every way that there is: a full replay, what a clone
//! remembers, a checkpoint, a server's hook, a CI job, and a branch before and after
//! it lands. On random histories all of them must agree.
//!
//! `MODELRY_DIFFERENTIAL=200 MODELRY_SEED=1 cargo test --test it differential` looks at
//! more histories.

mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::judge::reference::number;
use crate::judge::reference::story::{self, Story};
use crate::judge::reference::world::Dice;
use place::{Landed, Place, Report};

/// The number of histories that a plain run looks at, and one that is to reach every
/// comparison.
const FEW: u64 = 4;
const HISTORIES: u64 = 16;

/// A finding for comparison: code, commit, path, place in it, message.
type Key = (String, String, String, String, String);

/// A finding of a landing, whose commits have no id yet: code and path.
type Brief = (String, String);

/// Counts of the comparisons, and of their outcomes.
#[derive(Debug, Default)]
struct Tally {
    clean: usize,
    faulty: usize,
    refused: usize,
    accepted: usize,
    checkpoints: usize,
    ranges: usize,
    landings: BTreeMap<&'static str, [usize; 2]>,
    conflicts: usize,
    resolved: BTreeMap<i32, usize>,
}

/// One history, and where it disagrees with itself.
struct Trial {
    place: Place,
    dice: Dice,
    /// The mainline.
    chain: Vec<String>,
    /// All commits.
    made: Vec<String>,
    parents: BTreeMap<String, Vec<String>>,
    wrong: Vec<String>,
    tally: Tally,
}

impl Trial {
    fn of(seed: u64, story: &Story) -> Trial {
        let id = |at: usize| story.world.made[at].id.to_string();
        let mut line = vec![story.tip];
        while let Some(parent) = story.world.made[line[line.len() - 1]].parents.first() {
            line.push(*parent);
        }
        line.reverse();
        let chain: Vec<String> = line.iter().map(|at| id(*at)).collect();
        let parents = |at: usize| story.world.made[at].parents.iter().map(|at| id(*at)).collect();
        Trial {
            place: Place::new(&story.world, &chain[0]),
            dice: Dice(seed.wrapping_mul(31)),
            made: (0..story.world.made.len()).map(id).collect(),
            parents: (0..story.world.made.len())
                .map(|at| (id(at), parents(at)))
                .collect(),
            chain,
            wrong: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn differ(&mut self, what: &str, details: &str) {
        self.wrong.push(format!("{what}\n{details}"));
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, one: &T, other: &T) {
        if one != other {
            self.differ(what, &format!("  one:   {one:?}\n  other: {other:?}"));
        }
    }

    /// Points of the mainline, the last one its tip.
    fn points(&mut self) -> Vec<usize> {
        let last = self.chain.len() - 1;
        let mut points: BTreeSet<usize> = (0..2).map(|_| self.dice.below(last.max(1))).collect();
        points.insert(last);
        points.into_iter().collect()
    }

    fn run(&mut self, story: &Story) {
        let points = self.points();
        let mut audits: Vec<Report> = Vec::new();
        for point in &points {
            audits.push(self.place.audit(&self.chain[*point]));
        }
        if audits.iter().any(|audit| audit.code == 2) {
            let codes: BTreeSet<i32> = audits.iter().map(|audit| audit.code).collect();
            self.same("could not look at some points", &codes, &BTreeSet::from([2]));
            return;
        }
        for pair in audits.windows(2) {
            if !pair[0].keys.is_subset(&pair[1].keys) {
                let lost: Vec<_> = pair[0].keys.difference(&pair[1].keys).collect();
                self.differ(
                    "a finding of an earlier point is gone later",
                    &format!("  {lost:?}"),
                );
            }
        }
        match audits[audits.len() - 1].code {
            0 => self.tally.clean += 1,
            _ => self.tally.faulty += 1,
        }
        self.pushes(&points, &audits);
        self.checkpoint(&points, &audits);
        self.resolves(story);
        for _ in 0..2 {
            let at = self.dice.below(points.len());
            self.landing(points[at], &audits[at]);
        }
    }

    /// Pushes from point to point: the hook and the queue's job before they land, the
    /// push's job after, each with what was remembered and without.
    fn pushes(&mut self, points: &[usize], audits: &[Report]) {
        let mut before = (0, None);
        self.place.moves("known", &self.chain[0]);
        let whole = self.place.audit(&self.chain[0]);
        for (at, point) in points.iter().enumerate() {
            let (from, past) = before;
            if *point == from {
                before = (*point, Some(at));
                continue;
            }
            let past = past.map_or(&whole, |at: usize| &audits[at]);
            let (old, new) = (self.chain[from].clone(), self.chain[*point].clone());
            let hook = self.place.hook("known", "user", &old, &new);
            let fresh = self.place.hook("known", "", &old, &new);
            self.same("the hook, with memory and without", &hook, &fresh);
            let queue = json!({"merge_group": {"base_sha": old, "head_sha": new, "base_ref": "refs/heads/main", "head_ref": "refs/heads/queue"}});
            let mut queue = self.place.job("known", "user", "merge_group", &queue);
            // A hook leaves out what is accepted.
            queue.keys.clone_from(&queue.open);
            let mut told = hook.clone();
            told.keys.clone_from(&told.open);
            if told.code == 0 {
                told.keys = queue.keys.clone();
                told.open = queue.open.clone();
            }
            self.same("the hook and a queue's job", &told, &queue);
            let is_refused = hook.code != 0;
            let fault = |key: &&Key| key.0 != "MR317";
            let own: BTreeSet<&Key> = audits[at].open.difference(&past.keys).filter(fault).collect();
            let all: BTreeSet<&Key> = hook.open.iter().filter(fault).collect();
            if !own.is_subset(&all) {
                let missed: Vec<_> = own.difference(&all).collect();
                self.differ(
                    "the hook does not say what an audit says",
                    &format!("  {missed:?}"),
                );
            }
            let open: BTreeSet<&Key> = audits[at].open.iter().collect();
            if !all.is_subset(&open) {
                let more: Vec<_> = all.difference(&open).collect();
                self.differ("the hook says what no audit says", &format!("  {more:?}"));
            }
            match is_refused {
                true => self.tally.refused += 1,
                false => self.tally.accepted += 1,
            }
            if at == 0 {
                let pushed = self.place.push(&old, &new);
                self.same("a real push and the hook", &pushed, &!is_refused);
            }
            self.place.moves("known", &new);
            let event = json!({"ref": "refs/heads/main", "before": old, "after": new, "created": false, "deleted": false, "forced": false});
            let job = self.place.job("known", "user", "push", &event);
            let fresh = self.place.job("known", "", "push", &event);
            self.same("a push's job, with memory and without", &job, &fresh);
            self.same("a push's job and an audit", &job.open, &audits[at].open);
            self.same("a push's job and an audit: exit", &job.code, &audits[at].code);
            if past.keys.is_empty() {
                self.tally.ranges += 1;
                let range = self.place.validate("known", &[&format!("{old}..{new}")]);
                self.same("a range and an audit", &range.keys, &audits[at].keys);
            }
            before = (*point, Some(at));
        }
    }

    /// A checkpoint of the last clean point vouches for what came before it, and for
    /// no more.
    fn checkpoint(&mut self, points: &[usize], audits: &[Report]) {
        let Some(at) = audits.iter().rposition(|audit| audit.code == 0) else {
            return;
        };
        self.tally.checkpoints += 1;
        self.place.moves("checked", &self.chain[points[at]]);
        let made = self
            .place
            .audit_with("checked", &["--checkpoint", "$CHECKPOINT", "--new-checkpoint"]);
        self.same("an audit that makes a checkpoint", &made, &audits[at]);
        for (point, audit) in points.iter().zip(audits).skip(at) {
            self.place.moves("checked", &self.chain[*point]);
            let later = self.place.audit_with("checked", &["--checkpoint", "$CHECKPOINT"]);
            self.same("an audit by a checkpoint", &later, audit);
        }
    }

    /// Asks for a version by memory, by a checkpoint and from the root.
    fn resolves(&mut self, story: &Story) {
        let files = &story.world.made[story.tip].files;
        let versions: Vec<&str> = files
            .keys()
            .filter_map(|path| path.strip_prefix("groups/")?.strip_suffix("/version.yaml"))
            .collect();
        if versions.is_empty() {
            return;
        }
        let version = self.dice.pick(&versions).replace("/versions/", "/");
        let ask = ["resolve", &version, "-o", "uri"];
        let known = self.place.says("known", "user", &ask);
        let replayed = self
            .place
            .says("known", "user", &[&ask[..], &["--replay"]].concat());
        let fresh = self.place.says("known", "", &ask);
        self.same("resolve by memory and from the root", &known, &replayed);
        self.same("resolve by memory and without", &known, &fresh);
        *self.tally.resolved.entry(known.0).or_default() += 1;
        if self.place.has_checkpoint() {
            let checked = [&ask[..], &["--checkpoint", "$CHECKPOINT"]].concat();
            let checked = self.place.says("checked", "", &checked);
            self.same("resolve by a checkpoint", &checked, &known);
        }
    }

    fn ancestors(&self, of: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![of.to_owned()];
        while let Some(at) = open.pop() {
            if found.insert(at.clone()) {
                open.extend(self.parents[&at].iter().cloned());
            }
        }
        found
    }

    /// A branch before it lands, and what git makes of it then.
    fn landing(&mut self, point: usize, past: &Report) {
        let base = self.chain[point].clone();
        let known = self.ancestors(&base);
        let others: Vec<String> = self
            .made
            .iter()
            .filter(|id| !known.contains(*id))
            .cloned()
            .collect();
        if others.is_empty() {
            return;
        }
        let tip = self.dice.pick(&others).clone();
        self.place.moves("onto", &base);
        let stopped: BTreeSet<Brief> = past.open.iter().map(brief).collect();
        let mut codes = Vec::new();
        for way in ["merge", "squash", "rebase"] {
            let asked = self
                .place
                .validate("onto", &["--onto", "main", &tip, "--landing", way]);
            codes.push((way, asked.code));
            let landed = match way {
                "rebase" => self.rebased(&base, &tip),
                _ => self.place.merged(way, &base, &tip),
            };
            let what = format!("{way} of {} on {}", &tip[..10], &base[..10]);
            let told: BTreeSet<Brief> = asked.open.iter().map(brief).collect();
            let landed = match landed {
                Landed::At(landed) => landed,
                Landed::Conflict(files) => {
                    self.tally.conflicts += 1;
                    let of_registry = |file: &String| file.starts_with("groups/") || file == "registry.yaml";
                    let is_seen = asked.open.iter().any(|key| key.0 == "MR508");
                    if files.iter().any(of_registry) && !is_seen {
                        let details = format!("  {what}: {files:?}\n  before: {asked:?}");
                        self.differ(&format!("{way}: git finds a conflict"), &details);
                    }
                    continue;
                }
                Landed::Never => {
                    self.same(
                        &format!("{way}: git has no such landing"),
                        &(asked.code != 0),
                        &true,
                    );
                    continue;
                }
            };
            let audit = self.place.audit(&landed);
            if audit.code == 2 || asked.code == 2 {
                self.same(&format!("{way}: could not look"), &asked.code, &audit.code);
                continue;
            }
            let own: BTreeSet<Brief> = audit
                .open
                .difference(&past.keys)
                .map(brief)
                .map(|key| without_headers(way, key))
                .filter(|key| key.0 != "MR317")
                .collect();
            let told: BTreeSet<Brief> = told
                .into_iter()
                .filter(|key| own.contains(key) || !stopped.contains(key))
                .filter(|key| key.0 != "MR317")
                .collect();
            if own != told {
                let alone: Vec<_> = told.difference(&own).collect();
                let missed: Vec<_> = own.difference(&told).collect();
                let details = format!("  {what}\n  before alone: {alone:?}\n  after alone: {missed:?}");
                self.differ(&format!("{way}: before and after it lands"), &details);
            }
            let entry = self.tally.landings.entry(way).or_default();
            entry[usize::from(!own.is_empty())] += 1;
        }
        let event = json!({"pull_request": {"number": 7, "head": {"ref": "topic", "sha": tip, "repo": {"full_name": "risk/models"}}, "base": {"ref": "main", "sha": base}}});
        let job = self.place.job("onto", "", "pull_request", &event);
        let asked = self.place.validate("onto", &["--onto", "main", &tip]);
        self.same("a pull request's job and --onto", &job, &asked);
    }

    /// Rebases the commits of a branch, where none of them is a merge.
    fn rebased(&self, base: &str, tip: &str) -> Landed {
        let known = self.ancestors(base);
        let mut at = tip.to_owned();
        while !known.contains(&at) {
            match &self.parents[&at][..] {
                [parent] => at = parent.clone(),
                // A host makes none of these, or without the merges.
                _ => return Landed::Conflict(Vec::new()),
            }
        }
        self.place.rebased(base, tip)
    }
}

/// `git replay` keeps a header that nobody knows and drops the signature, so that the
/// unsigned commit is a loose one too; a host writes the commit without.
fn without_headers(way: &str, (code, path): Brief) -> Brief {
    match (way, code.as_str()) {
        ("rebase", "MR315") => ("MR301".to_owned(), path),
        _ => (code, path),
    }
}

fn brief(key: &Key) -> Brief {
    (key.0.clone(), key.2.clone())
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.clean += other.clean;
        self.faulty += other.faulty;
        self.refused += other.refused;
        self.accepted += other.accepted;
        self.checkpoints += other.checkpoints;
        self.ranges += other.ranges;
        self.conflicts += other.conflicts;
        for (way, [clean, faulty]) in other.landings {
            let own = self.landings.entry(way).or_default();
            *own = [own[0] + clean, own[1] + faulty];
        }
        for (code, many) in other.resolved {
            *self.resolved.entry(code).or_default() += many;
        }
    }

    /// A run in which one side of a comparison never occurs proves nothing.
    fn is_varied(&self) {
        let counts = [
            self.clean,
            self.faulty,
            self.refused,
            self.accepted,
            self.checkpoints,
            self.ranges,
        ];
        assert!(counts.iter().all(|count| *count > 0), "{self:?}");
        for way in ["merge", "squash", "rebase"] {
            let both = self.landings.get(way).copied().unwrap_or_default();
            assert!(both.iter().sum::<usize>() > 0, "no {way}: {self:?}");
        }
    }
}

#[test]
fn every_way_of_judging_a_random_history_agrees() {
    agree_on(number("MODELRY_DIFFERENTIAL", FEW));
}

#[test]
#[ignore = "needs a minute"]
fn every_way_of_judging_many_random_histories_agrees() {
    agree_on(number("MODELRY_DIFFERENTIAL", HISTORIES));
}

/// Judges this many histories in every way.
#[track_caller]
fn agree_on(histories: u64) {
    let first = number("MODELRY_SEED", 1);
    let next = AtomicU64::new(first);
    let tally = Mutex::new(Tally::default());
    // By what disagrees: how often, and the first history.
    let wrong: Mutex<BTreeMap<String, (usize, u64, String)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + histories {
                        break;
                    }
                    let story = story::story(seed);
                    let mut trial = Trial::of(seed, &story);
                    trial.run(&story);
                    tally.lock().expect("no panic").add(trial.tally);
                    let mut wrong = wrong.lock().expect("no panic");
                    for words in trial.wrong {
                        let what = words.lines().next().unwrap_or_default().to_owned();
                        wrong.entry(what).or_insert((0, seed, words)).0 += 1;
                    }
                }
            });
        }
    });
    let (tally, wrong) = (
        tally.into_inner().expect("no panic"),
        wrong.into_inner().expect("no panic"),
    );
    let mut out = String::new();
    for (many, seed, words) in wrong.values() {
        writeln!(out, "{many} times, first with seed {seed}: {words}").expect("text");
    }
    assert!(wrong.is_empty(), "{out}\n{tally:?}");
    if histories >= HISTORIES {
        tally.is_varied();
    }
}
