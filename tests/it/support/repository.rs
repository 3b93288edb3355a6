//! Repositories and their configuration as small scripts:
//! `fixtures/repositories/NAME.yaml`.
//!
//! A script says which files are where, with which configuration and environment,
//! how commands are called there, and what they must answer.
//!
//! ```yaml
//! title: a bare repository among the files takes nothing over
//! base: folder             # folder (when absent), top, two, or empty
//! format: sha256           # sha1 when absent
//! steps: [...]
//! ```
//!
//! In the home lies `models`, a clone that is the folder of every step unless it says
//! `in`. Its registry is at `models/` (`base: folder`), at the top (`top`), at `a/`
//! and `b/` (`two`), or missing (`empty`); each has `fraud/1` Approved, with the
//! artifact `s3://models/good`. `init` pinned its root in the clone. The home also
//! has `hers.git`, a bare repository of mallory, who is not an actor: the same groups
//! at `models/`, and `fraud/1` Approved by her with `s3://mallory/evil`. Its
//! configuration pins her root, and signs by `$RUNS`.
//!
//! | verb | what it does |
//! | --- | --- |
//! | `run: resolve fraud/1` | a command of Modelry, or a list of them; `run: reading` is each command that only looks |
//! | `git: WORDS` | git, or a list of commands of it |
//! | `config: {SCOPE: {KEY: VALUE}}` | values in `system`, `global`, `local`, `worktree` |
//! | `write: {PATH: TEXT}` | files |
//! | `copy: {FROM: TO}` | a file, or all that a folder holds |
//! | `link: {PATH: TARGET}`, `move: {FROM: TO}`, `remove: [PATH]` | |
//!
//! `run` and `git` have `as` (`admin-1` when absent), `in`, `env` (an empty value
//! takes a variable away), `input`, and expect `exit` (0 when absent; `any`), words that
//! the output `prints`, that the messages `says`, and that neither has (`lacks`).
//!
//! No output of Modelry has mallory's artifact, unless the step says with `hers` why
//! that is right. Nothing runs the program `$RUNS`, unless the script says why with
//! `runs`. In texts and words, `$HOME`, `$TOP` (the clone), `$ROOT`, `$EVIL` (her
//! root), `$HERS` and `$RUNS` are filled in, and `ID(…)` is the id of a revision.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::history::{Format, words_of};
use super::{Lab, Said};

/// Her artifact.
const EVIL: &str = "s3://mallory/evil";

/// Each kind of command that only looks.
const READING: &[&str] = &[
    "whoami",
    "trust",
    "list",
    "show fraud/1",
    "resolve fraud/1",
    "audit",
    "log",
    "diff HEAD~1..HEAD",
    "events",
    "validate",
    "policy show",
    "allowed-signers",
    "export mlbom fraud/1",
    "hook pre-commit",
];

/// Which registry is there.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    #[default]
    Folder,
    Top,
    Two,
    Empty,
}

/// The registry and the format of objects that a script starts from.
pub type Ground = (Place, Format);

/// One script.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub title: String,
    #[serde(default)]
    pub base: Place,
    #[serde(default)]
    pub format: Format,
    /// Why a program of the configuration runs.
    pub runs: Option<String>,
    pub steps: Vec<Step>,
}

/// One step; exactly one verb is there.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    #[serde(rename = "as")]
    pub who: Option<String>,
    #[serde(rename = "in")]
    pub folder: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub input: Option<String>,
    #[serde(default)]
    pub exit: Exit,
    #[serde(default)]
    pub prints: Vec<String>,
    #[serde(default)]
    pub says: Vec<String>,
    #[serde(default)]
    pub lacks: Vec<String>,
    pub hers: Option<String>,

    pub run: Option<Lines>,
    pub git: Option<Lines>,
    #[serde(default)]
    pub config: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub write: BTreeMap<String, String>,
    #[serde(default)]
    pub copy: BTreeMap<String, String>,
    #[serde(default)]
    pub link: BTreeMap<String, String>,
    #[serde(default, rename = "move")]
    pub moved: BTreeMap<String, String>,
    #[serde(default)]
    pub remove: Vec<String>,
}

/// One command, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Lines {
    One(String),
    More(Vec<String>),
}

/// The exit code that a command must have.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Exit {
    Code(i32),
    Any(Any),
}

/// Every exit code is right.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Any {
    Any,
}

impl Default for Exit {
    fn default() -> Exit {
        Exit::Code(0)
    }
}

impl Script {
    /// Reads one script.
    pub fn read(path: &Path) -> Script {
        let text = std::fs::read_to_string(path).expect("a script");
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Returns the world that it starts from.
    pub fn ground(&self) -> Ground {
        (self.base, self.format)
    }

    /// Each command of Modelry with the exit code that it must have.
    pub fn verdicts(&self) -> Vec<String> {
        let mut verdicts = Vec::new();
        for step in &self.steps {
            let Some(lines) = &step.run else { continue };
            let exit = match step.exit {
                Exit::Code(code) => code.to_string(),
                Exit::Any(_) => "-".to_owned(),
            };
            let lines = match lines {
                Lines::One(line) => std::slice::from_ref(line),
                Lines::More(lines) => lines,
            };
            for line in lines {
                let place = step.folder.as_ref().map(|folder| format!("{folder}$ "));
                let environment: String = step
                    .env
                    .iter()
                    .map(|(name, value)| format!("{name}={value} "))
                    .collect();
                verdicts.push(format!(
                    "{exit}  {}{environment}{line}",
                    place.unwrap_or_default()
                ));
            }
        }
        verdicts
    }
}

impl Lines {
    fn all(&self) -> Vec<&str> {
        match self {
            Lines::One(line) if line == "reading" => READING.to_vec(),
            Lines::One(line) => vec![line],
            Lines::More(lines) => lines.iter().map(String::as_str).collect(),
        }
    }
}

/// A clone, mallory's repository, and their home.
pub struct World {
    lab: Lab,
    root: String,
    evil: String,
    /// Everything that was said, for people.
    pub aloud: String,
}

impl World {
    /// Builds what scripts start from.
    pub fn build((place, format): Ground) -> World {
        let format = match format {
            Format::Sha1 => "sha1",
            Format::Sha256 => "sha256",
        };
        let lab = Lab::in_format(format);
        let folders: &[&str] = match place {
            Place::Folder => &["models"],
            Place::Top => &[""],
            Place::Two => &["a", "b"],
            Place::Empty => &[],
        };
        for folder in folders {
            registry(&lab, folder, "admin-1", "s3://models/good");
        }
        let root = match place {
            Place::Empty => String::new(),
            // The second one's root is a later commit.
            _ => lab.root(),
        };
        let evil = hers(&lab, format);
        let runs = lab.home().join("runs");
        let text = "#!/bin/sh\necho \"$0 $*\" >> \"$(dirname \"$0\")/ran\"\nexit 1\n";
        crate::hook::write_program(&runs, text);
        World {
            lab,
            root,
            evil,
            aloud: String::new(),
        }
    }

    /// The same, to do something with.
    pub fn copy(&self) -> World {
        let lab = self.lab.copy();
        let path = |name: &str| lab.home().join(name).display().to_string();
        let place = ["--git-dir", &path("hers.git"), "config"];
        lab.git(&[&place[..], &["gpg.ssh.program", &path("runs")]].concat());
        World {
            lab,
            root: self.root.clone(),
            evil: self.evil.clone(),
            aloud: String::new(),
        }
    }

    /// Takes every step; panics where an answer is another.
    pub fn play(&mut self, script: &Script) {
        for (index, step) in script.steps.iter().enumerate() {
            writeln!(self.aloud, "step {}", index + 1).expect("text");
            self.step(step);
        }
        let ran = std::fs::read_to_string(self.lab.home().join("ran"));
        assert_eq!(ran.is_ok(), script.runs.is_some(), "it ran {ran:?}");
    }

    fn step(&mut self, step: &Step) {
        if let Some(lines) = &step.run {
            for line in lines.all() {
                self.modelry(step, line);
            }
        } else if let Some(lines) = &step.git {
            for line in lines.all() {
                let mut command = self.command("git", step, line);
                let _ = self.answered(step, line, &mut command);
            }
        }
        for (scope, values) in &step.config {
            for (key, value) in values {
                self.configure(scope, &self.fill(key), &self.fill(value));
            }
        }
        for (path, text) in &step.write {
            let path = self.at(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, self.fill(text)).expect("a file");
        }
        for (from, to) in &step.copy {
            let (from, to) = (self.at(from), self.at(to));
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("folders");
            let copied = Command::new("cp").arg("-aT").arg(from).arg(to).status();
            assert!(copied.expect("cp").success());
        }
        for (path, target) in &step.link {
            std::os::unix::fs::symlink(self.fill(target), self.at(path)).expect("a link");
        }
        for (from, to) in &step.moved {
            std::fs::rename(self.at(from), self.at(to)).expect("a move");
        }
        for path in &step.remove {
            let path = self.at(path);
            match path.is_dir() {
                true => std::fs::remove_dir_all(path).expect("a folder"),
                false => std::fs::remove_file(path).expect("a file"),
            }
        }
    }

    fn configure(&self, scope: &str, key: &str, value: &str) {
        if scope == "worktree" {
            self.lab.git(&["config", "extensions.worktreeConfig", "true"]);
        }
        let system = self.lab.home().join("system").display().to_string();
        let place = match scope {
            "system" => vec!["--file", &system],
            "global" => vec!["--global"],
            "local" => vec!["--local"],
            "worktree" => vec!["--worktree"],
            _ => panic!("no scope is called {scope}"),
        };
        let mut words = vec!["config"];
        words.extend(place);
        words.extend(["--add", key, value]);
        self.lab.git(&words);
    }

    fn modelry(&mut self, step: &Step, line: &str) {
        let mut command = self.command(env!("CARGO_BIN_EXE_modelry"), step, line);
        let said = self.answered(step, line, &mut command);
        let hers = said.out.contains(EVIL) || said.err.contains(EVIL);
        assert!(
            !hers || step.hers.is_some(),
            "modelry {line}: mallory's artifact\n{}{}",
            said.out,
            said.err
        );
    }

    fn command(&self, program: &str, step: &Step, line: &str) -> Command {
        let mut command = self.lab.command(program);
        let who = step.who.as_deref().unwrap_or("admin-1");
        self.lab.as_actor(&mut command, who);
        let system = self.lab.home().join("system");
        command.env_remove("GIT_CONFIG_NOSYSTEM");
        command.env("GIT_CONFIG_SYSTEM", system);
        command.args(words_of(&self.fill(line)));
        command.current_dir(self.at(step.folder.as_deref().unwrap_or(".")));
        for (name, value) in &step.env {
            match value.as_str() {
                "" => command.env_remove(name),
                value => command.env(name, self.fill(value)),
            };
        }
        command
    }

    /// Runs a command, whose answer must be the step's.
    fn answered(&mut self, step: &Step, line: &str, command: &mut Command) -> Said {
        let input = self.fill(step.input.as_deref().unwrap_or_default());
        let said = crate::hook::say_to(command, input.as_bytes());
        let whole = format!("{line}: exit {}\n{}{}", said.code, said.out, said.err);
        self.aloud.push_str(&whole);
        if let Exit::Code(code) = step.exit {
            assert_eq!(said.code, code, "{whole}");
        }
        for (words, text) in [(&step.prints, &said.out), (&step.says, &said.err)] {
            for word in words {
                let word = self.fill(word);
                assert!(text.contains(&word), "no `{word}` in {whole}");
            }
        }
        for word in &step.lacks {
            let word = self.fill(word);
            let has = said.out.contains(&word) || said.err.contains(&word);
            assert!(!has, "`{word}` in {whole}");
        }
        said
    }

    /// A path, from the clone's top.
    fn at(&self, path: &str) -> PathBuf {
        self.lab.top.join(self.fill(path))
    }

    fn fill(&self, text: &str) -> String {
        let home = self.lab.home().display().to_string();
        let mut text = text
            .replace("$HOME", &home)
            .replace("$TOP", &self.lab.top.display().to_string())
            .replace("$ROOT", &self.root)
            .replace("$EVIL", &self.evil)
            .replace("$HERS", &format!("{home}/hers.git"))
            .replace("$RUNS", &format!("{home}/runs"));
        while let Some((before, rest)) = text.split_once("ID(") {
            let (revision, after) = rest.split_once(')').expect("a closing sign");
            let id = self
                .lab
                .git(&["rev-parse", "--verify", "--end-of-options", revision]);
            text = format!("{before}{id}{after}");
        }
        text
    }
}

/// Makes a registry in a folder, with `fraud/1` Approved.
fn registry(lab: &Lab, folder: &str, who: &str, artifact: &str) {
    let path = ["--path", folder];
    let init = ["init", "--name", "risk", "--actor", who, "--solo"];
    let _ = lab.ok(who, &[&init[..], &path].concat());
    let digest = format!("sha256:{}", "1".repeat(64));
    for line in [
        &["group", "create", "fraud"][..],
        &["register", "fraud", "--artifact", artifact, "--digest", &digest],
        &["approve", "fraud/1", "-m", "ok"],
    ] {
        let _ = lab.ok(who, &[line, &path].concat());
    }
}

/// Mallory's bare repository beside the clone; her root.
fn hers(lab: &Lab, format: &str) -> String {
    let theirs = Lab::in_format(format);
    registry(&theirs, "models", "mallory", EVIL);
    let root = theirs.root();
    let bare = lab.home().join("hers.git");
    let from = theirs.top.to_string_lossy().into_owned();
    let to = bare.to_string_lossy().into_owned();
    theirs.git(&["clone", "-q", "--bare", &from, &to]);
    for path in ["hooks", "description", "info", "branches"] {
        let path = bare.join(path);
        let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
    }
    let bare = ["--git-dir", &to];
    let pin = format!("{root}:models");
    theirs.git(&[&bare[..], &["config", "modelry.root", &pin]].concat());
    theirs.git(&[&bare[..], &["config", "--unset", "remote.origin.url"]].concat());
    root
}
