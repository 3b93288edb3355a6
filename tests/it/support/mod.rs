//! A sealed world for each test: a home of its own, no configuration of the
//! machine, throwaway keys, and the real binary.

pub mod docs;
#[cfg(feature = "openpgp")]
pub mod gnupg;
pub mod golden;
pub mod history;
pub mod hub;
pub mod moto;
pub mod needs;
pub mod node;
pub mod place;
pub mod port;
pub mod python;
pub mod repository;
pub mod server;
pub mod shop;
mod state;
pub mod wait;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use ssh_key::private::{Ed25519Keypair, PrivateKey};
use tempfile::TempDir;

/// Seconds that the next commit is made at; goes up so that order is stable.
static CLOCK: AtomicU64 = AtomicU64::new(1_790_000_000);

/// A repository, a home, and keys.
pub struct Lab {
    home: TempDir,
    pub top: PathBuf,
}

/// The output of a command.
#[must_use]
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Lab {
    /// Creates an empty repository on `main`, with keys for everyone who is asked
    /// for.
    pub fn empty() -> Lab {
        Lab::in_format("sha1")
    }

    /// A home alone, with no repository in it.
    pub fn homed() -> Lab {
        let home = place::folder();
        let top = home.path().join("models");
        Lab { home, top }
    }

    /// An empty repository whose objects are named by `sha1` or `sha256`.
    pub fn in_format(format: &str) -> Lab {
        let home = place::folder();
        let top = home.path().join("models");
        std::fs::create_dir_all(home.path().join("keys")).expect("a folder for keys");
        let lab = Lab { home, top };
        lab.program(
            "git",
            &[
                "init",
                "--quiet",
                "--initial-branch=main",
                &format!("--object-format={format}"),
                "models",
            ],
            lab.home.path(),
        );
        let config = lab.top.join(".git/config");
        let text = std::fs::read_to_string(&config).expect("git's configuration");
        let signing = "[gpg]\n\tformat = ssh\n[gpg \"ssh\"]\n\tallowedSignersFile = ../signers\n[maintenance]\n\tauto = false\n";
        std::fs::write(config, text + signing).expect("git's configuration");
        lab
    }

    /// The same home, repository and keys in a place of their own.
    pub fn copy(&self) -> Lab {
        let home = place::folder();
        let copied = Command::new("cp")
            .arg("-a")
            .arg(self.home.path().join("."))
            .arg(home.path())
            .status();
        assert!(copied.expect("cp").success());
        let top = home.path().join("models");
        Lab { home, top }
    }

    /// A copy of what `make` makes, which it makes once for all tests of this process.
    /// The copy's index knows its own files.
    pub fn copy_of(made: &OnceLock<Lab>, make: impl FnOnce() -> Lab) -> Lab {
        let lab = made.get_or_init(make).copy();
        lab.git(&["update-index", "-q", "--refresh"]);
        lab
    }

    /// A registry with an administrator, a pipeline and two reviewers; fraud
    /// models need two approvals and a card.
    pub fn with_registry() -> Lab {
        static MADE: OnceLock<Lab> = OnceLock::new();
        Lab::copy_of(&MADE, Lab::with_another_registry)
    }

    /// The same, with an id, a root and keys of its own.
    pub fn with_another_registry() -> Lab {
        let lab = Lab::empty();
        lab.populate();
        lab
    }

    /// The registry of [`Lab::with_registry`], in this empty repository.
    pub fn populate(&self) {
        let lab = self;
        let _ = lab.ok(
            "admin-1",
            &["init", "--name", "risk-models", "--actor", "admin-1"],
        );
        for who in ["risk-1", "risk-2"] {
            let _ = lab.ok("admin-1", &["actor", "add", who, "--key", &lab.public_key(who)]);
        }
        let key = lab.public_key("trainer");
        let _ = lab.ok(
            "admin-1",
            &[
                "actor", "add", "trainer", "--kind", "machine", "--owner", "admin-1", "--key", &key,
            ],
        );
        let _ = lab.ok("admin-1", &["team", "add", "risk", "risk-1", "risk-2"]);
        let _ = lab.ok(
            "admin-1",
            &[
                "grant",
                "add",
                "trainer",
                "--allow",
                "register,add-evidence,annotate",
                "--groups",
                "*",
            ],
        );
        let _ = lab.ok(
            "admin-1",
            &[
                "grant",
                "add",
                "team:risk",
                "--allow",
                "approve,reject,archive,delete",
                "--groups",
                "*",
            ],
        );
        let _ = lab.ok(
            "admin-1",
            &["group", "create", "churn", "--description", "who may leave us"],
        );
    }

    /// The private key of somebody, made when it is first asked for.
    pub fn key(&self, who: &str) -> PathBuf {
        let path = self.home.path().join("keys").join(who);
        if !path.exists() {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).expect("random bytes");
            let mut key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
            key.set_comment(format!("{who}, a throwaway test key"));
            let public = key.public_key().to_openssh().expect("a public key");
            std::fs::write(path.with_added_extension("pub"), public + "\n").expect("a file");
            key.write_openssh_file(&path, ssh_key::LineEnding::LF)
                .expect("a file");
        }
        path
    }

    /// The path of somebody's public key.
    pub fn public_key(&self, who: &str) -> String {
        format!("{}.pub", self.key(who).display())
    }

    /// A command in a sealed environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(found(program));
        let now = CLOCK.fetch_add(60, Ordering::Relaxed);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("GNUPGHOME", self.home.path().join("g"))
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", format!("@{now} +0000"))
            .env("GIT_COMMITTER_DATE", format!("@{now} +0000"));
        command
    }

    fn program(&self, program: &str, arguments: &[&str], directory: &Path) {
        let output = self
            .command(program)
            .args(arguments)
            .current_dir(directory)
            .output();
        let output = output.unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"));
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Somebody, by git's environment: a name, an address, a signing key.
    pub fn as_actor(&self, command: &mut Command, who: &str) {
        command
            .env("GIT_AUTHOR_NAME", who)
            .env("GIT_AUTHOR_EMAIL", format!("{who}@example.com"))
            .env("GIT_COMMITTER_NAME", who)
            .env("GIT_COMMITTER_EMAIL", format!("{who}@example.com"))
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "user.signingkey")
            .env("GIT_CONFIG_VALUE_0", self.key(who));
    }

    /// Git in the repository; what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.git_as("admin-1", arguments);
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Git in the repository, as somebody.
    pub fn git_as(&self, who: &str, arguments: &[&str]) -> Output {
        let mut command = self.command("git");
        self.as_actor(&mut command, who);
        command
            .args(arguments)
            .current_dir(&self.top)
            .output()
            .expect("git is needed by this test")
    }

    /// Modelry in the repository, as somebody.
    pub fn modelry(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_modelry"));
        self.as_actor(&mut command, who);
        command.args(arguments).current_dir(&self.top);
        command
    }

    /// Runs Modelry as somebody.
    pub fn says(&self, who: &str, arguments: &[&str]) -> Said {
        said(&mut self.modelry(who, arguments))
    }

    /// Runs Modelry as somebody at a terminal, who gives this answer to each
    /// question. The output holds both streams.
    pub fn at_terminal(&self, who: &str, answer: &str, arguments: &[&str]) -> Said {
        self.at_terminal_in(&self.top, who, answer, arguments)
    }

    /// As [`Lab::at_terminal`], in this folder.
    pub fn at_terminal_in(&self, top: &Path, who: &str, answer: &str, arguments: &[&str]) -> Said {
        let quoted = |word: &&str| format!("'{}'", word.replace('\'', r"'\''"));
        let words: Vec<String> = arguments.iter().map(quoted).collect();
        let line = format!("{} {}", env!("CARGO_BIN_EXE_modelry"), words.join(" "));
        self.line_at_terminal(top, who, answer, &line)
    }

    /// As [`Lab::at_terminal_in`], of a shell's line.
    pub fn line_at_terminal(&self, top: &Path, who: &str, answer: &str, line: &str) -> Said {
        let mut command = self.command("script");
        self.as_actor(&mut command, who);
        command
            .args(["-qec", line, "/dev/null"])
            .current_dir(top)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("script is needed by this test");
        let mut input = child.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut input, format!("{answer}\n").as_bytes()).expect("an answer");
        drop(input);
        let output = child.wait_with_output().expect("the program runs");
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).replace('\r', ""),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A command that must succeed; its standard output.
    #[track_caller]
    pub fn ok(&self, who: &str, arguments: &[&str]) -> String {
        let said = self.says(who, arguments);
        assert_eq!(said.code, 0, "modelry {arguments:?}\n{}{}", said.out, said.err);
        said.out
    }

    /// A command that must end with findings; its standard output.
    #[track_caller]
    pub fn findings(&self, who: &str, arguments: &[&str]) -> String {
        let said = self.says(who, arguments);
        assert_eq!(said.code, 1, "modelry {arguments:?}\n{}{}", said.out, said.err);
        said.out
    }

    /// A command that could not look; what it said beside the output, with
    /// what differs from run to run made the same.
    #[track_caller]
    pub fn error(&self, who: &str, arguments: &[&str]) -> String {
        let before = self.state();
        let said = self.says(who, arguments);
        assert_eq!(said.code, 2, "modelry {arguments:?}\n{}{}", said.out, said.err);
        assert_eq!(before, self.state(), "an error leaves everything as it was");
        self.scrub(&said.err)
    }

    /// Returns every reference, and all uncommitted content.
    fn state(&self) -> String {
        if let Some(state) = state::read(&self.top) {
            return state;
        }
        let output = |arguments: &[&str]| {
            let output = self
                .command("git")
                .args(arguments)
                .current_dir(&self.top)
                .output();
            output
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
                .unwrap_or_default()
        };
        format!(
            "{}{}",
            output(&["for-each-ref"]),
            output(&["status", "--porcelain"])
        )
    }

    /// The text without what differs from run to run.
    pub fn scrub(&self, text: &str) -> String {
        let home = self.home.path().to_string_lossy().into_owned();
        let mut out = String::new();
        for word in text
            .replace(&home, "[HOME]")
            .split_inclusive([' ', '\n', '`', '"', ':', ',', ')', ']', '\''])
        {
            let bare = word.trim_end_matches([' ', '\n', '`', '"', ':', ',', ')', ']', '\'']);
            let hex = bare.len() >= 10
                && bare.bytes().all(|b| b.is_ascii_hexdigit())
                && bare.bytes().any(|b| b.is_ascii_digit());
            let key = bare.len() == 43
                && word.len() <= 45
                && bare
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
            let replaced = if hex {
                "[ID]"
            } else if key {
                "[KEY]"
            } else {
                bare
            };
            out.push_str(replaced);
            out.push_str(&word[bare.len()..]);
        }
        out
    }

    /// Writes a file of the work tree.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.top.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    /// Reads a file of the work tree.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.top.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The policy with one replacement made and its serial raised, not written.
    #[track_caller]
    pub fn policy_with(&self, from: &str, to: &str) -> String {
        let text = self.read("registry.yaml");
        assert!(text.contains(from), "the policy has no `{from}`:\n{text}");
        let serial = text
            .lines()
            .find_map(|line| line.strip_prefix("serial: ")?.parse::<u64>().ok())
            .expect("a serial");
        text.replacen(from, to, 1).replacen(
            &format!("serial: {serial}"),
            &format!("serial: {}", serial + 1),
            1,
        )
    }

    /// Changes the policy by hand, as an administrator would in an editor.
    #[track_caller]
    pub fn change_policy(&self, from: &str, to: &str) {
        let text = self.policy_with(from, to);
        self.write("registry.yaml", &text);
        self.commit("admin-1", "change the policy");
    }

    /// Commits the work tree by hand, signed.
    #[track_caller]
    pub fn commit(&self, who: &str, message: &str) {
        assert!(self.git_as(who, &["add", "-A"]).status.success());
        let output = self.git_as(who, &["commit", "-q", "-S", "-m", message]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Everything that must hold after every command: objects and work tree are
    /// in order, and git agrees on every signature.
    #[track_caller]
    pub fn check(&self) {
        let fsck = self
            .command("git")
            .args(["fsck", "--strict"])
            .current_dir(&self.top)
            .output()
            .expect("git");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&fsck.stdout),
            String::from_utf8_lossy(&fsck.stderr)
        );
        assert!(
            fsck.status.success() && said.trim().is_empty(),
            "git fsck --strict: {said}"
        );
        assert_eq!(
            self.git(&["status", "--porcelain"]),
            "",
            "git status shows something"
        );
        let signers = self.ok("admin-1", &["allowed-signers"]);
        std::fs::write(self.home.path().join("signers"), signers).expect("a file");
        let commits = self.git(&["rev-list", "HEAD"]);
        let all: Vec<&str> = ["verify-commit"].into_iter().chain(commits.lines()).collect();
        let verdict = self.git_as("admin-1", &all);
        assert!(
            verdict.status.success(),
            "git verify-commit: {}",
            String::from_utf8_lossy(&verdict.stderr)
        );
    }

    /// Registers a version with a digest.
    #[track_caller]
    pub fn register(&self, group: &str, mark: char) {
        let digest = format!("sha256:{}", mark.to_string().repeat(64));
        let uri = format!("s3://models/{group}/{mark}");
        let _ = self.ok(
            "trainer",
            &[
                "register",
                group,
                "--artifact",
                &uri,
                "--digest",
                &digest,
                "--metric",
                "auc=0.9",
            ],
        );
    }

    /// The first commit.
    pub fn root(&self) -> String {
        self.git(&["rev-list", "--first-parent", "--max-parents=0", "HEAD"])
    }

    /// The temporary home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

/// Returns the path of a program. By its path a program is spawned; by its name, and with
/// an environment of its own, this whole process would be forked.
fn found(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = match program.contains('/') {
        true => None,
        false => std::env::split_paths(&path)
            .map(|folder| folder.join(program))
            .find(|file| file.is_file()),
    };
    found.unwrap_or_else(|| program.into())
}

/// Runs a command and keeps what it says.
pub fn said(command: &mut Command) -> Said {
    let mut output = command.output();
    // Another thread's child may hold a program open that was just written, until it
    // runs its own.
    for _ in 0..50 {
        match &output {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(20));
                output = command.output();
            }
            _ => break,
        }
    }
    let output = output.expect("the program runs");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Reads the file of a clone's memory: a tag, and a document.
pub fn remembered(bytes: &[u8]) -> Value {
    let end = bytes.iter().position(|byte| *byte == b'\n').expect("a tag");
    serde_json::from_slice(&bytes[end..]).expect("JSON")
}

/// The paths of all texts in a document.
pub fn texts(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::String(_) => into.push(at.to_owned()),
        Value::Object(members) => members
            .iter()
            .for_each(|(key, value)| texts(value, &format!("{at}/{key}"), into)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(place, value)| texts(value, &format!("{at}/{place}"), into)),
        _ => {}
    }
}
