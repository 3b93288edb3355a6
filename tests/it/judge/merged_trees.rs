//! Merges of random trees: what a plan of a landing makes of two sides is what git
//! makes of them, file by file and folder by folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use git2::{ObjectType, Repository, Signature};
use modelry::testing::base::Oid;
use modelry::testing::git::{Repo, merge_text};
use modelry::testing::judge::history::{Graph, Planner};
use modelry::testing::object::{self, Overlay};
use modelry::testing::record::kind::Landing;

use crate::support::Lab;

/// A text for each path.
type Files = BTreeMap<String, String>;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn path(&mut self) -> String {
        let depth = 1 + self.roll(3);
        let names = (0..depth).map(|_| ["a", "b", "a.b", "a0"][self.roll(4)]);
        names.collect::<Vec<_>>().join("/")
    }

    /// Lines that no other file has: git takes none of them for renamed.
    fn text(&mut self) -> String {
        let mut text = String::new();
        let mark = self.roll(1_000_000);
        for line in 0..6 {
            let _ = writeln!(text, "{mark} {line} 0");
        }
        text
    }
}

/// Puts a file where it is, in the place of what is in the way.
fn put(files: &mut Files, path: &str, text: String) {
    let below = format!("{path}/");
    files.retain(|other, _| !other.starts_with(&below) && !path.starts_with(&format!("{other}/")));
    files.insert(path.to_owned(), text);
}

fn change(files: &mut Files, dice: &mut Dice) {
    for _ in 0..1 + dice.roll(3) {
        let at = files.keys().nth(dice.roll(files.len().max(1))).cloned();
        match (dice.roll(4), at) {
            (0, Some(path)) => {
                files.remove(&path);
            }
            (1 | 2, Some(path)) => {
                let (line, value) = (dice.roll(6), 1 + dice.roll(2));
                let changed = |(at, old): (usize, &str)| {
                    let start = old.rsplit_once(' ').map_or(old, |(start, _)| start);
                    match at == line {
                        true => format!("{start} {value}\n"),
                        false => format!("{old}\n"),
                    }
                };
                let text = files[&path].lines().enumerate().map(changed).collect();
                files.insert(path, text);
            }
            _ => {
                let path = dice.path();
                let text = dice.text();
                put(files, &path, text);
            }
        }
    }
}

/// The tree of these files.
fn tree(repo: &Repository, files: &Files) -> git2::Oid {
    let mut entries: BTreeMap<&str, (Option<&str>, Files)> = BTreeMap::new();
    for (path, text) in files {
        match path.split_once('/') {
            None => entries.entry(path).or_default().0 = Some(text),
            Some((folder, rest)) => {
                let folder = entries.entry(folder).or_default();
                folder.1.insert(rest.to_owned(), text.clone());
            }
        }
    }
    let mut builder = repo.treebuilder(None).expect("a tree");
    for (name, (text, below)) in entries {
        let (id, mode) = match text {
            Some(text) => (repo.blob(text.as_bytes()).expect("a blob"), 0o100_644),
            None => (tree(repo, &below), 0o040_000),
        };
        builder.insert(name, id, mode).expect("an entry");
    }
    builder.write().expect("a tree")
}

fn commit(repo: &Repository, files: &Files, parent: Option<git2::Oid>) -> git2::Oid {
    let who = Signature::new("x", "x@example.com", &git2::Time::new(0, 0)).expect("a signature");
    let tree = repo.find_tree(tree(repo, files)).expect("a tree");
    let parent = parent.map(|id| repo.find_commit(id).expect("a commit"));
    let parents: Vec<_> = parent.iter().collect();
    let buffer = repo
        .commit_create_buffer(&who, &who, "x", &tree, &parents)
        .expect("a commit");
    let odb = repo.odb().expect("a store");
    odb.write(ObjectType::Commit, &buffer).expect("a commit")
}

#[test]
fn random_trees_are_merged_as_git_merges_them() {
    let lab = Lab::empty();
    let raw_repo = Repository::open(&lab.top).expect("a repository");
    let mut dice = Dice(1);
    let mut both = [0; 2];
    for round in 0..150 {
        let mut base = Files::new();
        for _ in 0..2 + dice.roll(6) {
            let (path, text) = (dice.path(), dice.text());
            put(&mut base, &path, text);
        }
        let root = commit(&raw_repo, &base, None);
        let (mut ours, mut theirs) = (base.clone(), base.clone());
        change(&mut ours, &mut dice);
        change(&mut theirs, &mut dice);
        let sides = [&ours, &theirs].map(|files| commit(&raw_repo, files, Some(root)).to_string());
        let git = lab.git_as(
            "x",
            &[
                "-c",
                "merge.renames=false",
                "merge-tree",
                "--write-tree",
                "--no-messages",
                &sides[0],
                &sides[1],
            ],
        );
        let said = String::from_utf8_lossy(&git.stdout).into_owned();
        let repo = Repo::open(&lab.top).expect("a repository");
        let objects = repo.objects().expect("objects");
        let overlay = Overlay::new(&objects);
        let graph = Graph::new(&overlay, None);
        let planner = Planner {
            objects: &overlay,
            graph: &graph,
            merge_text: &merge_text,
            judged: &object::Whole,
        };
        let id = |side: &str| Oid::from_hex(side).expect("an id");
        let plan = planner
            .plan(Landing::Merge, id(&sides[0]), id(&sides[1]))
            .expect("a plan");
        let shown = format!("round {round}: {base:#?}\n{ours:#?}\n{theirs:#?}\n{plan:?}\n{said}");
        assert_eq!(plan.clashes.is_empty(), git.status.success(), "{shown}");
        both[usize::from(git.status.success())] += 1;
        if let Some(commit) = plan.commits.last() {
            assert_eq!(
                Some(commit.tree.to_string().as_str()),
                said.lines().next(),
                "{shown}"
            );
        }
    }
    assert!(both[0] > 20 && both[1] > 20, "both happen: {both:?}");
}
