//! Git's own suites of signed commits, as scenarios: git's verdict on each commit,
//! asked live, and ours on the change in it. A signature that git refuses never
//! counts as proof; where we are stricter, the table says why.
//!
//! Each commit changes a label, which somebody who may annotate must have
//! signed, so that a clean range is proof taken.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::{Lab, said};

#[cfg(feature = "openpgp")]
mod openpgp;
mod ssh;

const VERSION: &str = "groups/churn/versions/1/version.yaml";

/// Seconds of the commits that are made by hand.
const WHEN: u64 = 1_795_000_000;

/// The verdicts of git and of Modelry on one commit.
struct Row {
    name: &'static str,
    git: (bool, String),
    ours: Vec<String>,
    reason: &'static str,
}

/// A registry in which `churn/1` waits for a label, and the tree with it.
struct World {
    lab: Lab,
    base: String,
    tree: String,
    rows: Vec<Row>,
}

/// Returns the output of a program for some input, if it succeeds.
#[track_caller]
fn piped(command: &mut Command, input: &[u8]) -> String {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the program is needed by this test");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input)
        .expect("input");
    let output = child.wait_with_output().expect("output");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The bytes with this header before the blank line.
fn with_header(bytes: &[u8], name: &str, value: &str) -> Vec<u8> {
    let end = bytes
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .expect("headers")
        + 1;
    let header = format!("{name} {}\n", value.trim_end().replace('\n', "\n "));
    [&bytes[..end], header.as_bytes(), &bytes[end..]].concat()
}

impl World {
    /// Creates a world; `people` adds the signers.
    fn new(lab: Lab, people: impl FnOnce(&Lab)) -> World {
        lab.register("churn", '1');
        people(&lab);
        let mut world = World {
            base: String::new(),
            tree: String::new(),
            rows: Vec::new(),
            lab,
        };
        world.rebase();
        world
    }

    /// Makes HEAD the start of the next commits.
    fn rebase(&mut self) {
        self.base = self.lab.git(&["rev-parse", "HEAD"]);
        self.label();
        self.lab.git(&["add", "-A"]);
        self.tree = self.lab.git(&["write-tree"]);
        self.reset();
    }

    fn reset(&self) {
        self.lab.git(&["checkout", "-q", "main"]);
        self.lab.git(&["reset", "-q", "--hard", &self.base]);
    }

    /// Gives the version a label, on disk.
    fn label(&self) {
        let text = self.lab.read(VERSION);
        self.lab
            .write(VERSION, &text.replacen("spec:", "labels:\n  a: b\nspec:", 1));
    }

    /// The label committed by git itself, with these arguments; the commit.
    #[track_caller]
    fn commit(&self, who: &str, arguments: &[&str]) -> String {
        self.reset();
        self.label();
        self.git_as(who, arguments);
        self.lab.git(&["rev-parse", "HEAD"])
    }

    #[track_caller]
    fn git_as(&self, who: &str, arguments: &[&str]) -> String {
        let output = self.lab.git_as(who, arguments);
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Returns the bytes of an unsigned commit that adds the label.
    fn payload(&self, message: &str) -> Vec<u8> {
        self.payload_at(WHEN, message)
    }

    fn payload_at(&self, when: u64, message: &str) -> Vec<u8> {
        let who = format!("scribe <scribe@example.com> {when} +0000");
        format!(
            "tree {}\nparent {}\nauthor {who}\ncommitter {who}\n\n{message}\n",
            self.tree, self.base
        )
        .into_bytes()
    }

    fn store(&self, bytes: &[u8]) -> String {
        let arguments = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"];
        piped(
            self.lab.command("git").args(arguments).current_dir(&self.lab.top),
            bytes,
        )
    }

    /// Signs with somebody's key, by ssh-keygen.
    fn ssh(&self, who: &str, namespace: &str, payload: &[u8]) -> String {
        let mut command = self.lab.command("ssh-keygen");
        command
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(self.lab.key(who))
            .stderr(Stdio::null());
        piped(&mut command, payload)
    }

    /// Signed by somebody with SSH.
    fn signed(&self, who: &str, payload: &[u8]) -> String {
        self.store(&with_header(payload, "gpgsig", &self.ssh(who, "git", payload)))
    }

    /// The commit's own bytes.
    fn bytes(&self, commit: &str) -> Vec<u8> {
        let output = self.lab.git_as("admin-1", &["cat-file", "commit", commit]);
        output.stdout
    }

    /// Git's verdict, live, in its own words.
    fn git_says(&self, commit: &str, config: &[(&str, &str)]) -> (bool, String) {
        let mut command = self.lab.command("git");
        for (key, value) in config {
            command.arg("-c").arg(format!("{key}={value}"));
        }
        command
            .args(["verify-commit", "--raw", commit])
            .current_dir(&self.lab.top);
        let output = command.output().expect("git");
        let told = String::from_utf8_lossy(&output.stderr);
        let mut words: Vec<&str> = told
            .lines()
            .filter_map(|line| line.strip_prefix("[GNUPG:] ")?.split(' ').next())
            .filter(|word| word.ends_with("SIG") && *word != "NEWSIG" && *word != "VALIDSIG")
            .collect();
        for (text, word) in [
            ("Good \"git\" signature for", "good"),
            ("Good \"git\" signature with", "good, of no principal"),
            ("Could not verify signature", "bad"),
            ("ignature verification failed", "bad"),
            ("multiple signatures", "several signatures"),
            ("revoked", "revoked"),
            ("expired", "expired"),
            ("not yet valid", "not yet valid"),
        ] {
            if !told.contains("[GNUPG:]") && told.contains(text) {
                words.push(word);
            }
        }
        words.dedup();
        if words.is_empty() {
            words.push("nothing");
        }
        (output.status.success(), words.join(" "))
    }

    /// Our verdict: the codes of `base..commit`; none when the label is proven.
    #[track_caller]
    fn we_say(&self, base: &str, commit: &str) -> Vec<String> {
        let range = format!("{base}..{commit}");
        let told = said(&mut self.lab.modelry("admin-1", &["validate", &range, "-o", "json"]));
        assert!(told.code < 2, "{}", told.err);
        let value: serde_json::Value = serde_json::from_str(&told.out).expect("JSON");
        assert!(value["checked"]["steps"].as_u64() > Some(0));
        let findings = value["findings"].as_array().expect("a list").iter();
        let mut codes: Vec<String> = findings
            .map(|finding| finding["code"].as_str().expect("a code").to_owned())
            .collect();
        codes.sort();
        codes.dedup();
        assert_eq!(told.code == 0, codes.is_empty());
        codes
    }

    /// Adds a scenario: git's verdict on this commit, and ours on its change.
    #[track_caller]
    fn row(&mut self, name: &'static str, commit: &str, config: &[(&str, &str)], reason: &'static str) {
        let base = self.base.clone();
        self.row_of(name, commit, (&base, commit), config, reason);
    }

    #[track_caller]
    fn row_of(
        &mut self,
        name: &'static str,
        asked: &str,
        (base, commit): (&str, &str),
        config: &[(&str, &str)],
        reason: &'static str,
    ) {
        let git = self.git_says(asked, config);
        let ours = self.we_say(base, commit);
        assert!(
            git.0 || !ours.is_empty(),
            "{name}: git refuses ({}), and we take it for proof",
            git.1
        );
        assert_eq!(
            git.0 != ours.is_empty(),
            !reason.is_empty(),
            "{name}: git says {git:?}, and we {ours:?}: a difference has a reason"
        );
        self.rows.push(Row {
            name,
            git,
            ours,
            reason,
        });
        self.reset();
    }

    /// Every scenario, as a table.
    fn table(&self) -> String {
        let mut table = String::new();
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        let git = |row: &Row| format!("{} ({})", if row.git.0 { "takes" } else { "refuses" }, row.git.1);
        let words = self.rows.iter().map(|row| git(row).len()).max().unwrap_or(0);
        for row in &self.rows {
            let ours = match &row.ours[..] {
                [] => "takes".to_owned(),
                codes => codes.join(" "),
            };
            let line = format!(
                "{:<width$}  git {:<words$}  we {:<11}  {}",
                row.name,
                git(row),
                ours,
                row.reason
            );
            writeln!(table, "{}", line.trim_end()).expect("text");
        }
        table
    }
}

/// Somebody whose public key may annotate.
fn scribe(lab: &Lab, who: &str, key: &str) {
    let _ = lab.ok("admin-1", &["actor", "add", who, "--key", key]);
    let _ = lab.ok(
        "admin-1",
        &["grant", "add", who, "--allow", "annotate", "--groups", "*"],
    );
}

/// A file in the home with this text; its path.
fn file(lab: &Lab, name: &str, text: &str) -> String {
    let path = lab.home().join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

/// A commit outside the registry on the mainline, so that a merge is one.
fn apart(world: &World) {
    world.reset();
    world.lab.write("README", "apart\n");
    world.lab.git(&["add", "-A"]);
    world.git_as("stranger", &["commit", "-q", "-m", "apart"]);
}

/// A branch with one commit on top of the base.
fn branch(world: &World, name: &str, who: &str, sign: &str, change: impl FnOnce()) {
    world.reset();
    world.lab.git(&["checkout", "-q", "-B", name]);
    change();
    world.lab.git(&["add", "-A"]);
    world.git_as(who, &["commit", "-q", sign, "-m", name]);
}
