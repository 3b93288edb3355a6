//! Random histories: who does what on which branch, and how it is merged.

use std::collections::{BTreeMap, BTreeSet};

use super::acts::Pen;
use super::objects::Files;
use super::world::{Dice, Sign, World, document};

/// How many lines of work there are beside the mainline, at most.
const SIDES: usize = 3;

/// A whole history.
pub struct Story {
    pub world: World,
    /// The tip of the mainline.
    pub tip: usize,
    /// The acts, and how often each was done.
    pub acts: BTreeMap<&'static str, usize>,
}

struct Author {
    world: World,
    dice: Dice,
    tamper: usize,
    fresh: u64,
    /// Whether branches often change the same record.
    contended: bool,
    acts: BTreeMap<&'static str, usize>,
}

/// The history of a seed.
pub fn story(seed: u64) -> Story {
    let mut dice = Dice(seed);
    let tamper = *dice.pick(&[0, 0, 3, 6, 20]);
    let mut author = Author {
        world: World::new(),
        dice,
        tamper,
        fresh: 1,
        contended: seed.is_multiple_of(2),
        acts: BTreeMap::new(),
    };
    let policy = author.pen().root_policy();
    let mut files = Files::from([("registry.yaml".to_owned(), document(&policy))]);
    if author.tamper > 0 && author.dice.percent(2) {
        files.insert(
            "groups/churn/group.yaml".into(),
            b"apiVersion: modelry/v1\nkind: ModelGroup\nname: churn\n".to_vec(),
        );
    }
    let mut main = author
        .world
        .commit(&[], files, &Sign::By("admin-1#0".into()), "root".into());
    let mut sides: Vec<usize> = Vec::new();
    let length = 5 + author.dice.below(36);
    while author.world.made.len() < length {
        match author.dice.below(100) {
            0..50 => main = author.work(main),
            50..58 if sides.len() < SIDES => {
                let start = if author.dice.percent(70) {
                    main
                } else {
                    author.earlier(main)
                };
                sides.push(author.work(start));
            }
            50..74 if !sides.is_empty() => {
                let n = author.dice.below(sides.len());
                sides[n] = author.work(sides[n]);
            }
            74..86 if !sides.is_empty() => {
                let n = author.dice.below(sides.len());
                let side = sides[n];
                main = author.merge(main, side);
                if author.dice.percent(60) {
                    sides.remove(n);
                }
            }
            86..93 if !sides.is_empty() => {
                let n = author.dice.below(sides.len());
                sides[n] = author.merge(sides[n], main);
            }
            93..94 if sides.len() > 1 => {
                let other = sides[1];
                sides[0] = author.merge(sides[0], other);
            }
            94..98 if !sides.is_empty() => {
                let n = author.dice.below(sides.len());
                let side = sides.remove(n);
                main = author.land(main, side);
            }
            98 if author.tamper > 0 => main = author.odd_merge(main, &sides),
            _ => main = author.work(main),
        }
    }
    Story {
        world: author.world,
        tip: main,
        acts: author.acts,
    }
}

impl Author {
    fn pen(&mut self) -> Pen<'_> {
        Pen {
            world: &mut self.world,
            dice: &mut self.dice,
            tamper: self.tamper,
            fresh: self.fresh,
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.acts.entry(what).or_default() += 1;
    }

    fn files(&self, at: usize) -> Files {
        self.world.made[at].files.clone()
    }

    /// One of the first parents of a commit, not too far back.
    fn earlier(&mut self, mut at: usize) -> usize {
        for _ in 0..1 + self.dice.below(4) {
            at = self.world.made[at].parents.first().copied().unwrap_or(at);
        }
        at
    }

    /// One commit with one act, now and then two.
    fn work(&mut self, on: usize) -> usize {
        let mut files = self.files(on);
        let mut sign = Sign::Nobody;
        let mut note = String::new();
        let wanted = if self.dice.percent(8) { 2 } else { 1 };
        for _ in 0..wanted {
            let done = loop {
                let contends = self.contended && self.dice.percent(25);
                let mut pen = self.pen();
                let done = if contends {
                    pen.contend(&mut files)
                } else {
                    pen.act(&mut files)
                };
                if let Some(done) = done {
                    break done;
                }
            };
            self.fresh += u64::from(done.what == "register");
            self.count(done.what);
            sign = done.sign;
            note = format!("{note} {}", done.what);
        }
        self.world.commit(&[on], files, &sign, note.trim().to_owned())
    }

    fn reachable(&self, at: usize) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            if seen.insert(at) {
                open.extend(&self.world.made[at].parents);
            }
        }
        seen
    }

    /// Merges record by record: a change of one side alone is taken; where both
    /// changed, either.
    fn merged(&mut self, first: usize, second: usize) -> Files {
        let shared = self
            .reachable(first)
            .intersection(&self.reachable(second))
            .max()
            .copied();
        let base = shared.map_or_else(Files::new, |base| self.files(base));
        let (ours, theirs) = (self.files(first), self.files(second));
        let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let mut merged = Files::new();
        for path in paths {
            let (v0, v1, v2) = (base.get(path), ours.get(path), theirs.get(path));
            let taken = match (v1 == v0, v2 == v0) {
                (true, _) => v2,
                (_, true) => v1,
                _ if self.dice.percent(50) => v1,
                _ => v2,
            };
            if let Some(bytes) = taken {
                merged.insert(path.clone(), bytes.clone());
            }
        }
        merged
    }

    fn merge(&mut self, first: usize, second: usize) -> usize {
        let mut files = self.merged(first, second);
        let mut what = "merge";
        let mut sign = self.pen().carried();
        match self.dice.below(100) {
            0..8 => {
                what = "merge-ours";
                files = self.files(first);
            }
            8..14 => {
                what = "merge-theirs";
                files = self.files(second);
            }
            14..20 => {
                what = "merge-mixed";
                let (ours, theirs) = (self.files(first), self.files(second));
                for path in ours.keys().chain(theirs.keys()) {
                    let from = if self.dice.percent(50) { &ours } else { &theirs };
                    match from.get(path) {
                        Some(bytes) => files.insert(path.clone(), bytes.clone()),
                        None => files.remove(path),
                    };
                }
            }
            20..30 => {
                what = "merge-evil";
                if let Some(done) = self.pen().act(&mut files) {
                    self.fresh += u64::from(done.what == "register");
                    sign = done.sign;
                }
            }
            30..36 => {
                what = "merge-older";
                let old = self.earlier(first);
                let old = self.files(old);
                let paths: Vec<&String> = old.keys().collect();
                let path = (*self.dice.pick(&paths)).clone();
                files.insert(path.clone(), old[&path].clone());
            }
            _ => {}
        }
        self.count(what);
        self.world
            .commit(&[first, second], files, &sign, format!("{what} of {second}"))
    }

    /// A branch landed by squash or rebase, by nobody in particular.
    fn land(&mut self, main: usize, side: usize) -> usize {
        if self.dice.percent(50) {
            self.count("squash");
            let files = self.merged(main, side);
            let sign = self.pen().carried();
            return self
                .world
                .commit(&[main], files, &sign, format!("squash of {side}"));
        }
        self.count("rebase");
        let known = self.reachable(main);
        let mut line = Vec::new();
        let mut at = side;
        while !known.contains(&at) {
            line.push(at);
            match self.world.made[at].parents.first() {
                Some(parent) => at = *parent,
                None => break,
            }
        }
        let mut tip = main;
        for commit in line.into_iter().rev() {
            let (before, after) = match self.world.made[commit].parents.first() {
                Some(parent) => (self.files(*parent), self.files(commit)),
                None => (Files::new(), self.files(commit)),
            };
            let mut files = self.files(tip);
            for path in before.keys().chain(after.keys()) {
                match (before.get(path), after.get(path)) {
                    (was, is) if was == is => {}
                    (_, Some(bytes)) => drop(files.insert(path.clone(), bytes.clone())),
                    (_, None) => drop(files.remove(path)),
                }
            }
            let sign = self.pen().carried();
            tip = self
                .world
                .commit(&[tip], files, &sign, format!("rebase of {commit}"));
        }
        tip
    }

    /// Three parents, or a history of its own.
    fn odd_merge(&mut self, main: usize, sides: &[usize]) -> usize {
        if sides.len() > 1 && self.dice.percent(50) {
            self.count("octopus");
            let files = self.merged(main, sides[0]);
            let sign = self.pen().carried();
            return self
                .world
                .commit(&[main, sides[0], sides[1]], files, &sign, "octopus".into());
        }
        self.count("unrelated");
        let mut files = self.files(main);
        let sign = self.pen().carried();
        let _ = self.pen().act(&mut files);
        let stranger = self
            .world
            .commit(&[], files.clone(), &sign, "another root".into());
        self.world
            .commit(&[main, stranger], files, &sign, "unrelated".into())
    }
}
