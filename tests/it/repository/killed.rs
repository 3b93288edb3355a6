//! Writing commands that are killed at a system call: nothing is torn, nothing is
//! staged that nobody did, and the next command puts in order what was left.
//!
//! Each kill is a run of its own. `MODELRY_KILLS=all` kills at every call; otherwise
//! at some of them, spread over the whole command.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::support::needs::{STRACE, needs};
use crate::support::{Lab, said};

/// The calls that change what is on disk, or say where it ends.
const CALLS: &str = "openat,creat,write,pwrite64,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,ftruncate,fchmod,chmod,fsync,fdatasync,utimensat,flock,copy_file_range,vfork,clone,clone3";

/// A writing command, and where it is typed.
struct Scenario {
    name: &'static str,
    who: &'static str,
    typed: &'static [&'static str],
    /// Makes the place ready, and says where it is from the lab's home.
    make: fn() -> (Lab, &'static str),
    /// Whether the programs that it starts are killed, too.
    children: bool,
}

fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab.write("notes.txt", "beside the registry\n");
        lab.commit("admin-1", "notes");
        lab
    })
}

fn clone() -> (Lab, &'static str) {
    (lab(), "models")
}

fn bare() -> (Lab, &'static str) {
    let lab = lab();
    let root = lab.root();
    lab.git(&["clone", "-q", "--bare", ".", "../bare.git"]);
    for (key, value) in [("modelry.root", root.as_str()), ("gpg.format", "ssh")] {
        lab.git(&["-C", "../bare.git", "config", key, value]);
    }
    (lab, "bare.git")
}

fn linked() -> (Lab, &'static str) {
    let lab = lab();
    lab.git(&["checkout", "-q", "--detach"]);
    lab.git(&["worktree", "add", "-q", "../linked", "main"]);
    (lab, "linked")
}

fn pushing() -> (Lab, &'static str) {
    let (lab, _) = bare();
    lab.git(&["remote", "add", "origin", "../bare.git"]);
    lab.git(&["fetch", "-q", "origin"]);
    lab.git(&["branch", "-q", "-u", "origin/main"]);
    (lab, "models")
}

fn empty() -> (Lab, &'static str) {
    let lab = Lab::empty();
    lab.write("notes.txt", "before the registry\n");
    lab.commit("admin-1", "notes");
    (lab, "models")
}

const ANNOTATE: &[&str] = &["annotate", "churn/1", "--label", "a=b", "-m", "why"];
const REGISTER: &[&str] = &[
    "register",
    "churn",
    "--artifact",
    "s3://models/churn/2",
    "--digest",
    "sha256:2222222222222222222222222222222222222222222222222222222222222222",
];

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "an edit in a clone",
        who: "trainer",
        typed: ANNOTATE,
        make: clone,
        children: false,
    },
    Scenario {
        name: "an edit in a clone, git too",
        who: "trainer",
        typed: ANNOTATE,
        make: clone,
        children: true,
    },
    Scenario {
        name: "new files in a linked worktree",
        who: "trainer",
        typed: REGISTER,
        make: linked,
        children: false,
    },
    Scenario {
        name: "a decision in a clone",
        who: "risk-1",
        typed: &["approve", "churn/1", "-m", "fine", "--yes"],
        make: clone,
        children: false,
    },
    Scenario {
        name: "an edit in a bare repository",
        who: "trainer",
        typed: ANNOTATE,
        make: bare,
        children: false,
    },
    Scenario {
        name: "a push, which the clone follows",
        who: "trainer",
        typed: &["annotate", "churn/1", "--label", "a=b", "--push"],
        make: pushing,
        children: true,
    },
    Scenario {
        name: "a new registry",
        who: "admin-1",
        typed: &["init"],
        make: empty,
        children: false,
    },
];

/// One place after a kill.
struct Place {
    lab: Lab,
    at: PathBuf,
}

impl Place {
    fn copy(template: &(Lab, &'static str)) -> Place {
        let lab = template.0.copy();
        let at = lab.home().join(template.1);
        if at.join(".git").is_file() {
            // Both name the other by its whole path.
            let git = lab.top.join(".git/worktrees").join(template.1);
            let text = format!("gitdir: {}\n", git.display());
            std::fs::write(at.join(".git"), text).expect("written");
            let text = format!("{}\n", at.join(".git").display());
            std::fs::write(git.join("gitdir"), text).expect("written");
        }
        let place = Place { lab, at };
        // A copy has files of its own, which git's index does not know yet.
        place.status();
        place
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = self.lab.command("git");
        let said = said(command.args(arguments).current_dir(&self.at));
        assert_eq!(said.code, 0, "git {arguments:?}: {said:?}");
        said.out
    }

    fn modelry(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = self.lab.modelry(who, arguments);
        command.current_dir(&self.at);
        command
    }

    fn is_bare(&self) -> bool {
        !self.at.join(".git").exists()
    }

    fn status(&self) -> String {
        match self.is_bare() {
            true => String::new(),
            false => self.git(&["status", "--porcelain"]),
        }
    }
}

/// A system call of a command: which of those with this name.
type Call = (String, usize);

/// Kills the scenario's command at a call, and looks at what it left. False when the
/// command ends before that.
fn killed_at(scenario: &Scenario, template: &(Lab, &'static str), call: &Call) -> Result<bool, String> {
    let (name, n) = call;
    let place = Place::copy(template);
    let before = place.git(&["rev-parse", "main"]);
    let line = place.modelry(scenario.who, scenario.typed);
    let mut strace = place.lab.command("strace");
    for (name, value) in line.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    strace.args(["-qq", "-o", "/dev/null"]);
    if scenario.children {
        strace.arg("-f");
    }
    strace.arg("-e").arg(format!("trace={name}"));
    strace
        .arg("-e")
        .arg(format!("inject={name}:signal=KILL:when={n}"));
    strace.arg(line.get_program()).args(line.get_args());
    let ended = said(strace.current_dir(&place.at));
    if ended.code == 0 {
        return Ok(false);
    }
    let left = place.status();
    let next = said(&mut place.modelry(scenario.who, &["list"]));
    let wrong = |what: &str| {
        Err(format!(
            "{}, {name} {n}: {what}\nit said {ended:?}\nleft:\n{left}\nthen: {next:?}\nnow:\n{}",
            scenario.name,
            place.status()
        ))
    };
    if !left.is_empty() && !next.err.contains("a command was ended") {
        return wrong("what was left is not told of");
    }
    if !place.status().is_empty() {
        return wrong("something is left");
    }
    let after = place.git(&["rev-parse", "main"]);
    // The registry exists, or the branch has not moved.
    let again = match (before == after, scenario.typed[0]) {
        (false, "init") => said(&mut place.modelry(scenario.who, &["list"])),
        (true, _) => said(&mut place.modelry(scenario.who, scenario.typed)),
        (false, _) => said(&mut place.modelry("trainer", &["annotate", "churn/1", "--label", "c=d"])),
    };
    if again.code != 0 {
        return wrong(&format!("the next command fails: {again:?}"));
    }
    if !place.status().is_empty() {
        return wrong("the next command leaves something");
    }
    let fsck = said(
        place
            .lab
            .command("git")
            .args(["fsck", "--strict", "--no-dangling"])
            .current_dir(&place.at),
    );
    if fsck.code != 0 {
        return wrong(&format!("{fsck:?}"));
    }
    let judged = said(&mut place.modelry("admin-1", &["audit", "--trust-root", "-o", "concise"]));
    if judged.code != 0 {
        return wrong(&format!("{judged:?}"));
    }
    Ok(true)
}

/// The calls that there are to be killed at, in their order.
fn calls(scenario: &Scenario, template: &(Lab, &'static str)) -> Vec<Call> {
    let Place { lab, at } = Place::copy(template);
    let mut line = lab.modelry(scenario.who, scenario.typed);
    line.current_dir(&at);
    let mut strace = lab.command("strace");
    for (name, value) in line.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    let file = lab.home().join("calls");
    strace.arg("-qq").arg("-o").arg(&file);
    strace.arg("-e").arg(format!("trace={CALLS}"));
    strace.arg(line.get_program()).args(line.get_args());
    let said = said(strace.current_dir(&at));
    assert_eq!(said.code, 0, "{}: {said:?}", scenario.name);
    let calls = std::fs::read_to_string(&file).expect("a list of calls");
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let names = calls.lines().filter_map(|line| Some(line.split_once('(')?.0));
    names
        .map(|name| {
            let count = counts.entry(name).or_default();
            *count += 1;
            (name.to_owned(), *count)
        })
        .collect()
}

#[test]
#[ignore = "needs strace"]
#[expect(clippy::print_stderr, reason = "says how much was tried, where somebody asks")]
fn a_killed_command_leaves_nothing_half_done() {
    needs![STRACE];
    let all = std::env::var("MODELRY_KILLS").is_ok_and(|which| which == "all");
    let only = std::env::var("MODELRY_KILLED").unwrap_or_default();
    let mut wrong = Vec::new();
    for scenario in SCENARIOS.iter().filter(|it| it.name.contains(&only)) {
        let template = (scenario.make)();
        let calls = calls(scenario, &template);
        let step = if all { 1 } else { (calls.len() / 12).max(1) };
        let mut kills = 0;
        for call in calls.iter().rev().step_by(step) {
            match killed_at(scenario, &template, call) {
                Ok(true) => kills += 1,
                Ok(false) => {}
                Err(what) => wrong.push(what),
            }
        }
        if kills == 0 {
            wrong.push(format!("{}: nothing was killed", scenario.name));
        }
        eprintln!("{}: {kills} kills of {} calls", scenario.name, calls.len());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A journal that came with the repository would have git write and remove files, and
/// run hooks.
#[test]
fn a_journal_of_somebody_else_is_not_obeyed() {
    let (lab, _) = clone();
    let old = lab.git(&["rev-parse", "main"]);
    let tree = lab.git(&["rev-parse", "main^{tree}"]);
    lab.git(&["checkout", "-q", "--detach"]);
    lab.write("victim.txt", "x\n");
    lab.commit("admin-1", "more");
    let new = lab.git(&["rev-parse", "HEAD"]);
    let new_tree = lab.git(&["rev-parse", "HEAD^{tree}"]);
    lab.git(&["checkout", "-q", "main"]);
    lab.write("victim.txt", "x\n");
    let hook = lab.top.join(".git/hooks/post-merge");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    std::fs::write(&hook, "#!/bin/sh\ntouch ../hooked\n").expect("a hook");
    let mut mode = std::fs::metadata(&hook).expect("a hook").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    std::fs::set_permissions(&hook, mode).expect("a program");
    for way in ["Commit", "Forward", "Branch"] {
        let place = lab.top.join(".git").canonicalize().expect("a folder");
        let journal = serde_json::json!({
            "place": place, "way": way, "branch": "refs/heads/main", "old": old, "new": new,
            "from": tree, "to": new_tree, "mark": "x", "left": [], "ready": false,
        });
        for sealed in [String::new(), format!("hmac-sha256 {}\n", "0".repeat(64))] {
            lab.write(".git/modelry/moving/journal.json", &format!("{sealed}{journal}"));
            let said = lab.says("admin-1", &["list"]);
            assert!(said.code == 0 && said.err.is_empty(), "{way}: {said:?}");
            assert_eq!(lab.read("victim.txt"), "x\n", "{way}");
            assert_eq!(lab.git(&["rev-parse", "main"]), old, "{way}");
            assert!(!lab.home().join("hooked").exists(), "{way}");
        }
    }
    // The leftover is not in the way either.
    let _ = lab.ok("trainer", ANNOTATE);
    assert_eq!(lab.git(&["status", "--porcelain"]), "?? victim.txt");
}
