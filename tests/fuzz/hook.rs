//! The whole hook: a push of objects that the input makes, on a guarded registry.
//! It ends in a verdict or an error, and no unsigned push that touches a record is
//! clean.
//!
//! The input is a program: each step makes an object of bytes, names and ids of the
//! objects before it. The last object is pushed. The home of the process is written
//! to: it is a folder of its own.

use std::cell::RefCell;
use std::io::Write as _;

use git2::{ObjectType, Repository};
use modelry::testing::base::Oid;
use modelry::testing::git::Budget;
use modelry::testing::workspace::Wanted;
use modelry::testing::workspace::verdict::{JudgeRequest, Update, What, judge};
use tempfile::TempDir;

/// A registry of two steps: the root, and a group with a version.
const PACK: &[u8] = include_bytes!("seeds/registry.pack");
/// The ids of its root and its tip.
const IDS: &str = include_str!("seeds/registry.ids");

/// Pushes into one repository, which keeps their objects.
const PUSHES: usize = 500;

const NAMES: [&str; 20] = [
    "registry.yaml",
    "groups",
    "churn",
    "group.yaml",
    "versions",
    "1",
    "version.yaml",
    "card.yaml",
    "reviews",
    "risk-1.yaml",
    "evidence",
    "stages",
    "production.yaml",
    "ci",
    "notes.txt",
    "HEAD",
    "objects",
    ".git",
    "..",
    "",
];
const MODES: [&str; 8] = [
    "40000", "100644", "100755", "120000", "160000", "040000", "0", "100664",
];

struct Server {
    folder: TempDir,
    repo: Repository,
    /// The objects that are there from the start.
    known: Vec<git2::Oid>,
    tip: git2::Oid,
    pushes: usize,
}

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

impl Server {
    fn new() -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let repo = Repository::init_bare(folder.path()).expect("a repository");
        let (root, tip) = IDS.trim().split_once(' ').expect("two ids");
        let mut known = Vec::new();
        {
            let odb = repo.odb().expect("a store");
            let mut pack = odb.packwriter().expect("a pack");
            pack.write_all(PACK).expect("the pack is written");
            pack.commit().expect("the pack is whole");
            odb.foreach(|id| {
                known.push(*id);
                true
            })
            .expect("a list");
        }
        known.sort_unstable();
        let tip = git2::Oid::from_str(tip).expect("an id");
        repo.reference("refs/heads/main", tip, true, "seed")
            .expect("a branch");
        repo.set_head("refs/heads/main").expect("HEAD");
        let mut config = repo.config().expect("a configuration");
        config.set_str("modelry.root", root).expect("a value");
        config
            .set_str("modelry.mainline", "refs/heads/main")
            .expect("a value");
        Server {
            folder,
            repo,
            known,
            tip,
            pushes: 0,
        }
    }

    fn push(&self, data: &[u8]) {
        let made = Program {
            data,
            known: &self.known,
            tip: self.tip,
            made: Vec::new(),
        };
        let Some(new) = made.run(&self.repo) else { return };
        let id = |id: git2::Oid| Oid::from_hex(&id.to_string());
        let update = Update {
            name: "refs/heads/main".to_owned(),
            old: id(self.tip),
            new: id(new),
        };
        let wanted = Wanted {
            directory: self.folder.path().to_owned(),
            ..Wanted::default()
        };
        let budget = Budget {
            objects: 100_000,
            bytes: 64 << 20,
            names: 1_000_000,
        };
        let Ok(judgement) = judge(&JudgeRequest::of(What::Push {
            wanted: &wanted,
            updates: &[update],
            budget,
            dated: true,
        })) else {
            return;
        };
        if !judgement.report.is_clean() {
            return;
        }
        // Nothing in the program can sign.
        let tree = |id| self.repo.find_commit(id).and_then(|commit| commit.tree());
        let (before, after) = (
            tree(self.tip).expect("the tip"),
            tree(new).expect("a clean push is a commit"),
        );
        for name in ["registry.yaml", "groups"] {
            let of = |tree: &git2::Tree<'_>| {
                tree.get_name(name)
                    .map(|entry| (entry.id(), entry.filemode_raw()))
            };
            assert_eq!(of(&before), of(&after), "an unsigned push changes {name}");
        }
    }
}

/// The steps, read byte by byte; zeros when they are at their end.
struct Program<'p> {
    data: &'p [u8],
    known: &'p [git2::Oid],
    tip: git2::Oid,
    made: Vec<git2::Oid>,
}

impl<'p> Program<'p> {
    fn next(&mut self) -> usize {
        match self.data.split_first() {
            Some((first, rest)) => {
                self.data = rest;
                usize::from(*first)
            }
            None => 0,
        }
    }

    fn take(&mut self, length: usize) -> &'p [u8] {
        let (taken, rest) = self.data.split_at(length.min(self.data.len()));
        self.data = rest;
        taken
    }

    fn pick(&mut self) -> git2::Oid {
        let (choice, at) = (self.next(), self.next());
        match choice % 8 {
            0 => self.tip,
            1 => git2::Oid::hash_object(ObjectType::Blob, b"nowhere").expect("an id"),
            2..5 if !self.made.is_empty() => self.made[self.made.len() - 1 - at % self.made.len()],
            _ => self.known[at % self.known.len()],
        }
    }

    fn entry(&mut self, out: &mut Vec<u8>) {
        let mode = MODES[self.next() % MODES.len()];
        let name = match self.next() {
            255 => {
                let length = self.next() % 32;
                self.take(length).to_owned()
            }
            at => NAMES[at % NAMES.len()].as_bytes().to_owned(),
        };
        let id = self.pick();
        out.extend_from_slice(mode.as_bytes());
        out.push(b' ');
        out.extend_from_slice(&name);
        out.push(0);
        out.extend_from_slice(id.as_bytes());
    }

    /// A tree that is known, with one name replaced.
    fn edited(&mut self, repo: &Repository) -> Vec<u8> {
        let at = self.pick();
        let tree = repo
            .find_object(at, None)
            .and_then(|object| object.peel_to_tree());
        let (mode, name, id) = (
            MODES[self.next() % 2],
            NAMES[self.next() % NAMES.len()],
            self.pick(),
        );
        let mut entries: Vec<(String, String, git2::Oid)> = tree
            .iter()
            .flat_map(|tree| tree.iter())
            .filter_map(|entry| {
                let name = entry.name().ok()?.to_owned();
                Some((format!("{:o}", entry.filemode_raw()), name, entry.id()))
            })
            .filter(|entry| entry.1 != name)
            .collect();
        entries.push((mode.to_owned(), name.to_owned(), id));
        entries.sort_by_key(|(mode, name, _)| format!("{name}{}", if mode == "40000" { "/" } else { "" }));
        let line = |(mode, name, id): &(String, String, git2::Oid)| {
            [format!("{mode} {name}\0").as_bytes(), id.as_bytes()].concat()
        };
        entries.iter().flat_map(line).collect()
    }

    fn commit(&mut self) -> Vec<u8> {
        let mut text = format!("tree {}\n", self.pick());
        for _ in 0..self.next() % 4 {
            let parent = self.pick();
            text.push_str(&format!("parent {parent}\n"));
        }
        let date = 1_790_000_000 + self.next() * 3600;
        text.push_str(&format!(
            "author x <x@example.com> {date} +0000\ncommitter x <x@example.com> {date} +0000\n"
        ));
        let length = self.next() % 64;
        let more = String::from_utf8_lossy(self.take(length)).into_owned();
        text.push_str(&more);
        text.push_str("\nx\n");
        text.into_bytes()
    }

    /// Makes the objects; the last of them.
    fn run(mut self, repo: &Repository) -> Option<git2::Oid> {
        let odb = repo.odb().ok()?;
        let mut steps = 0;
        while !self.data.is_empty() && steps < 64 {
            steps += 1;
            let (kind, bytes) = match self.next() % 6 {
                0 => {
                    let length = self.next() * 4;
                    (ObjectType::Blob, self.take(length).to_owned())
                }
                1 => {
                    let mut bytes = Vec::new();
                    for _ in 0..self.next() % 8 {
                        self.entry(&mut bytes);
                    }
                    (ObjectType::Tree, bytes)
                }
                2 => (ObjectType::Tree, self.edited(repo)),
                3 | 4 => (ObjectType::Commit, self.commit()),
                _ => {
                    let kinds = [
                        ObjectType::Commit,
                        ObjectType::Tree,
                        ObjectType::Tag,
                        ObjectType::Blob,
                    ];
                    let kind = kinds[self.next() % kinds.len()];
                    let length = self.next();
                    (kind, self.take(length).to_owned())
                }
            };
            self.made.push(odb.write(kind, &bytes).ok()?);
        }
        self.made.last().copied()
    }
}

/// Checks one input.
pub fn check(data: &[u8]) {
    SERVER.with_borrow_mut(|server| {
        if server.as_ref().is_none_or(|server| server.pushes >= PUSHES) {
            *server = Some(Server::new());
        }
        if let Some(server) = server {
            server.pushes += 1;
            server.push(data);
        }
    });
}
