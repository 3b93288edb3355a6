//! Where a random history is judged: bare repositories that share its objects, homes
//! that remember and homes that don't, and the real binary.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use modelry::testing::base::ObjectKind;
use modelry::testing::object::Objects;
use serde_json::{Value, json};

use super::Key;
use crate::hook::{say_to, write_program};
use crate::judge::reference::world::World;
use crate::support::{Lab, Said};

/// The answer of a command about a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub code: i32,
    /// All findings.
    pub keys: BTreeSet<Key>,
    /// Those that nobody accepted.
    pub open: BTreeSet<Key>,
    /// Its error when it could not look.
    pub error: String,
}

/// A history on disk.
pub struct Place {
    lab: Lab,
    root: String,
    homes: AtomicUsize,
}

impl Place {
    /// Writes all objects of a world.
    pub fn new(world: &World, root: &str) -> Place {
        let lab = Lab::homed();
        let place = Place {
            lab,
            root: root.to_owned(),
            homes: AtomicUsize::new(0),
        };
        let objects = place.path("objects.git");
        let raw = git2::Repository::init_bare(&objects).expect("a repository");
        let odb = raw.odb().expect("objects");
        let write = |kind: ObjectKind, bytes: &[u8]| {
            let kind = match kind {
                ObjectKind::Blob => git2::ObjectType::Blob,
                ObjectKind::Tree => git2::ObjectType::Tree,
                _ => git2::ObjectType::Commit,
            };
            odb.write(kind, bytes).expect("an object");
        };
        for made in &world.made {
            let bytes = world.objects.read(made.id, ObjectKind::Commit).expect("a commit");
            let text = String::from_utf8_lossy(&bytes);
            let tree = text.lines().next().and_then(|line| line.strip_prefix("tree "));
            let tree = modelry::testing::base::Oid::from_hex(tree.expect("a tree")).expect("an id");
            for (_, kind, bytes) in world.objects.reachable(tree) {
                write(kind, &bytes);
            }
            write(ObjectKind::Commit, &bytes);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.lab.home().join(name)
    }

    /// Moves the mainline of a repository, which is made when it is first named.
    pub fn moves(&self, name: &str, tip: &str) {
        let top = self.path(name);
        if !top.exists() {
            for folder in ["refs/heads", "objects/info", "objects/pack"] {
                std::fs::create_dir_all(top.join(folder)).expect("folders");
            }
            let objects = self.path("objects.git/objects");
            let alternates = format!("{}\n", objects.display());
            let config = format!(
                "[core]\n\trepositoryformatversion = 0\n\tbare = true\n[modelry]\n\troot = {}\n\tmainline = main\n[receive]\n\tfsckObjects = false\n",
                self.root
            );
            for (file, text) in [
                ("HEAD", "ref: refs/heads/main\n"),
                ("config", &config),
                ("objects/info/alternates", &alternates),
            ] {
                std::fs::write(top.join(file), text).expect("a file");
            }
        }
        std::fs::write(top.join("refs/heads/main"), format!("{tip}\n")).expect("a reference");
    }

    /// A home by its name; by no name one that nothing was done in yet.
    fn home(&self, name: &str) -> PathBuf {
        let name = match name {
            "" => format!("home-{}", self.homes.fetch_add(1, Ordering::Relaxed)),
            name => format!("home-{name}"),
        };
        let home = self.path(&name);
        std::fs::create_dir_all(&home).expect("a home");
        home
    }

    fn command(&self, program: &str, repository: &str, home: &str) -> Command {
        let mut command = self.lab.command(program);
        command
            .env("HOME", self.home(home))
            .current_dir(self.path(repository));
        for name in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{name}_NAME"), "a host")
                .env(format!("GIT_{name}_EMAIL"), "host@example.com");
        }
        command
    }

    fn modelry(
        &self,
        repository: &str,
        home: &str,
        words: &[&str],
        input: &str,
        variables: &[(&str, &str)],
    ) -> Said {
        let mut command = self.command(env!("CARGO_BIN_EXE_modelry"), repository, home);
        let checkpoint = self.checkpoint().display().to_string();
        let words = words.iter().map(|word| word.replace("$CHECKPOINT", &checkpoint));
        command
            .args(["--threads", "1"])
            .args(words)
            .envs(variables.iter().copied());
        say_to(&mut command, input.as_bytes())
    }

    fn checkpoint(&self) -> PathBuf {
        self.path("checkpoint")
    }

    /// Whether a checkpoint was made.
    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint().exists()
    }

    /// Exit code and output of a command.
    pub fn says(&self, repository: &str, home: &str, words: &[&str]) -> (i32, String) {
        let said = self.modelry(repository, home, words, "", &[]);
        (said.code, said.out)
    }

    /// A full replay of the history of a commit, by somebody who never saw it.
    pub fn audit(&self, tip: &str) -> Report {
        self.moves("fresh", tip);
        self.audit_with("fresh", &[])
    }

    /// The same, of a repository's mainline.
    pub fn audit_with(&self, repository: &str, more: &[&str]) -> Report {
        let words = [&["audit", "-o", "json"], more].concat();
        report(&self.modelry(repository, "", &words, "", &[]))
    }

    /// Runs `validate`.
    pub fn validate(&self, repository: &str, more: &[&str]) -> Report {
        let words = [&["validate", "-o", "json"], more].concat();
        report(&self.modelry(repository, "", &words, "", &[]))
    }

    /// Asks a server's hook about a push.
    pub fn hook(&self, repository: &str, home: &str, old: &str, new: &str) -> Report {
        let input = format!("{old} {new} refs/heads/main\n");
        let words = ["hook", "pre-receive", "-o", "json"];
        report(&self.modelry(repository, home, &words, &input, &[]))
    }

    /// Runs a CI job on an event.
    pub fn job(&self, repository: &str, home: &str, event: &str, payload: &Value) -> Report {
        let mut payload = payload.clone();
        payload["repository"] = json!({"full_name": "risk/models", "default_branch": "main"});
        let file = self.path("event.json").display().to_string();
        std::fs::write(&file, payload.to_string()).expect("a file");
        let variables = [("GITHUB_EVENT_NAME", event), ("GITHUB_EVENT_PATH", &file)];
        let words = ["validate", "--ci", "github", "--root", &self.root, "-o", "json"];
        report(&self.modelry(repository, home, &words, "", &variables))
    }

    /// Whether a server takes a real push.
    pub fn push(&self, old: &str, new: &str) -> bool {
        self.moves("server", old);
        self.moves("pusher", new);
        // Git runs the hook with the pushed objects in quarantine.
        let hook = format!(
            "#!/bin/sh\nexec '{}' hook pre-receive\n",
            env!("CARGO_BIN_EXE_modelry")
        );
        write_program(&self.path("server/hooks/pre-receive"), &hook);
        let server = self.path("server").display().to_string();
        let mut command = self.command("git", "pusher", "user");
        command.args(["push", "-q", &server, "main"]);
        say_to(&mut command, b"").code == 0
    }

    /// Makes of a branch what a host makes: a merge commit, or one commit.
    pub fn merged(&self, way: &str, base: &str, tip: &str) -> Landed {
        let words = [
            "merge-tree",
            "--write-tree",
            "--name-only",
            "--no-messages",
            base,
            tip,
        ];
        let said = self.git_in_all(&words);
        let mut lines = said.out.lines();
        let Some(tree) = lines.next() else {
            return Landed::Never;
        };
        if said.code != 0 {
            return Landed::Conflict(lines.map(str::to_owned).collect());
        }
        let mut words = vec!["commit-tree", tree, "-m", "landed", "-p", base];
        if way == "merge" {
            words.extend(["-p", tip]);
        }
        let commit = self.git_in_all(&words);
        assert_eq!(commit.code, 0, "{commit:?}");
        Landed::At(commit.out.trim().to_owned())
    }

    /// Makes the commits of a branch again on another base.
    pub fn rebased(&self, base: &str, tip: &str) -> Landed {
        std::fs::write(self.path("onto/refs/heads/topic"), format!("{tip}\n")).expect("a reference");
        let range = format!("{base}..topic");
        let said = self.git_in_all(&["replay", "--onto", base, &range]);
        // It says which reference would move where.
        match said.out.split(' ').nth(2) {
            Some(commit) if said.code == 0 => Landed::At(commit.to_owned()),
            _ => Landed::Conflict(Vec::new()),
        }
    }

    /// Git, whose new objects all repositories see.
    fn git_in_all(&self, words: &[&str]) -> Said {
        let mut command = self.command("git", "onto", "user");
        command.env("GIT_OBJECT_DIRECTORY", self.path("objects.git/objects"));
        say_to(command.args(words), b"")
    }
}

/// The outcome of landing a branch by git.
pub enum Landed {
    /// The mainline's new tip.
    At(String),
    /// Git finds a conflict, in these files where it names them.
    Conflict(Vec<String>),
    /// Git has no such landing.
    Never,
}

/// The findings of a report in JSON; a hook writes it beside its notes.
fn report(said: &Said) -> Report {
    let text = match said.out.is_empty() {
        true => said.err.find("{\n").map_or("", |at| &said.err[at..]),
        false => &said.out,
    };
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = documents.next().and_then(Result::ok).unwrap_or_default();
    let findings = value["findings"].as_array().cloned().unwrap_or_default();
    let text = |finding: &Value, member: &str| finding[member].as_str().unwrap_or_default().to_owned();
    let key = |finding: &Value| -> Key {
        (
            text(finding, "code"),
            text(finding, "commit"),
            text(finding, "path"),
            text(finding, "pointer"),
            text(finding, "message"),
        )
    };
    let open = |finding: &&Value| finding["acknowledged"].is_null();
    Report {
        code: said.code,
        keys: findings.iter().map(key).collect(),
        open: findings.iter().filter(open).map(key).collect(),
        error: match said.code {
            2 => said.err.clone(),
            _ => String::new(),
        },
    }
}
