//! Merges of long branches: a branch costs what it changes, on a server too.

use std::fmt::Write as _;

use modelry::testing::base::{ObjectFormat, ObjectKind, Oid};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

use crate::hook::Guarded;
use crate::judge::budgets::{made, measured, with};
use crate::support::Lab;
use crate::support::needs::{TIME, needs};

/// The path and text of a file.
type File = (String, String);

/// Metrics of `churn/1` under this name.
fn evaluation(name: usize, revision: usize) -> File {
    let text = format!(
        "apiVersion: modelry/v1\nkind: Evaluation\ngroup: churn\nversion: 1\nname: e{name:05}\nby: trainer\nrevision: {revision}\nmetrics: {{auc: 0.5}}\n"
    );
    (format!("groups/churn/versions/1/evidence/e{name:05}.yaml"), text)
}

/// The trees of steps that write these files, one step after the other.
fn trees(lab: &Lab, base: &str, steps: impl Iterator<Item = Vec<File>>) -> Vec<String> {
    let mut input = String::new();
    for (number, files) in steps.enumerate() {
        input.push_str("commit refs/heads/trees\ncommitter x <x@example.com> 0 +0000\ndata 1\nx\n");
        if number == 0 {
            let _ = writeln!(input, "from {base}");
        }
        for (path, text) in files {
            let _ = writeln!(input, "M 100644 inline {path}\ndata {}\n{text}", text.len());
        }
    }
    let _ = made(lab, &["fast-import", "--quiet", "--force"], input.as_bytes());
    let listed = lab.git(&["log", "--reverse", "--format=%T", &format!("{base}..trees")]);
    listed.lines().map(str::to_owned).collect()
}

/// Commits of these trees and parents, signed by somebody. A parent is an id, or the
/// number of a commit before it.
struct Commits<'l> {
    lab: &'l Lab,
    key: PrivateKey,
    texts: Vec<(String, Vec<u8>)>,
}

impl<'l> Commits<'l> {
    fn by(lab: &'l Lab, who: &str) -> Commits<'l> {
        let key = std::fs::read_to_string(lab.key(who)).expect("a key");
        Commits {
            lab,
            key: PrivateKey::from_openssh(key).expect("a key"),
            texts: Vec::new(),
        }
    }

    fn add(&mut self, tree: &str, parents: &[&str]) -> String {
        let mut head = format!("tree {tree}\n");
        for parent in parents {
            let _ = writeln!(head, "parent {parent}");
        }
        let seconds = 1_800_000_000 + self.texts.len();
        for role in ["author", "committer"] {
            let _ = writeln!(head, "{role} x <x@example.com> {seconds} +0000");
        }
        let body = "\na step\n";
        let signed = self
            .key
            .sign("git", HashAlg::Sha512, format!("{head}{body}").as_bytes())
            .and_then(|signature| signature.to_pem(LineEnding::LF))
            .expect("a signature");
        let signed = signed.trim_end().replace('\n', "\n ");
        let text = format!("{head}gpgsig {signed}\n{body}").into_bytes();
        let id = Oid::hash(ObjectFormat::Sha1, ObjectKind::Commit, &text).to_string();
        self.texts.push((id.clone(), text));
        id
    }

    /// Writes them all, and lets a branch point to this one.
    fn write(self, branch: &str, tip: &str) {
        let folder = self.lab.home().join("commits");
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut paths = String::new();
        for (id, text) in &self.texts {
            let path = folder.join(id);
            std::fs::write(&path, text).expect("a file");
            let _ = writeln!(paths, "{}", path.display());
        }
        let _ = made(
            self.lab,
            &[
                "hash-object",
                "-t",
                "commit",
                "-w",
                "--stdin-paths",
                "--no-filters",
            ],
            paths.as_bytes(),
        );
        self.lab.git(&["branch", "-f", branch, tip]);
    }
}

/// A branch `merged`: these trees, one after the other from `main`, merged into it.
fn merge(lab: &Lab, who: &str, steps: &[String]) {
    let base = lab.git(&["rev-parse", "main"]);
    let mut commits = Commits::by(lab, who);
    let mut at = base.clone();
    for tree in steps {
        at = commits.add(tree, &[&at]);
    }
    let merged = commits.add(steps.last().expect("a step"), &[&base, &at]);
    commits.write("side", &at);
    lab.git(&["branch", "-f", "merged", &merged]);
}

/// The memory that a push of `merged`, or a look at it, may take, in KiB.
const MEMORY: usize = 256 << 10;

/// Pushes `merged` to the server; the code.
fn pushed(guarded: &Guarded, who: &str) -> i32 {
    let mut push = guarded.lab.command("git");
    guarded.lab.as_actor(&mut push, who);
    push.args(["push", "-q"]).arg(&guarded.bare).arg("merged:main");
    push.current_dir(&guarded.lab.top);
    let (code, _, peak) = measured(&mut push, &guarded.lab);
    assert!(peak < MEMORY, "{peak} KiB");
    code
}

#[test]
#[ignore = "needs a minute"]
fn a_long_branch_is_read_once() {
    needs![TIME];
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let steps = trees(lab, "main", (0..1_000).map(|name| vec![evaluation(name, 1)]));
    merge(lab, "trainer", &steps);
    // 1,000 commits, 8 objects each, among them one folder of up to 1,000 names.
    guarded.git(&["config", "modelry.hook.maxObjects", "10000"]);
    guarded.git(&["config", "modelry.hook.maxBytes", "40000000"]);
    let mut look = lab.modelry(
        "trainer",
        &["validate", "--onto", "main", "side", "--landing", "merge"],
    );
    let (code, _, peak) = measured(&mut look, lab);
    assert_eq!(code, 0);
    assert!(peak < MEMORY, "{peak} KiB");
    assert_eq!(pushed(&guarded, "trainer"), 0);
    // Another look asks who wrote each of them.
    lab.git(&["reset", "-q", "--hard", "merged"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let _ = guarded.accepts("risk-1", &["main"]);
}

#[test]
fn a_malformed_folder_is_named_once_however_many_commits_have_it() {
    needs![TIME];
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let blob = made(lab, &["hash-object", "-w", "--stdin"], b"x");
    let mut bytes = Vec::new();
    let listed = lab.git(&["ls-tree", "main:groups/churn"]);
    let own = listed.lines().map(|line| {
        let (entry, name) = line.split_once('\t').expect("a name");
        let words: Vec<&str> = entry.split(' ').collect();
        (
            words[0].trim_start_matches('0').to_owned(),
            name.to_owned(),
            words[2].to_owned(),
        )
    });
    let twice = (0..4_000).map(|n| ("100644".to_owned(), format!("x{:04}", n / 2), blob.clone()));
    for (mode, name, id) in own.chain(twice) {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        bytes.extend_from_slice(Oid::from_hex(&id).expect("an id").as_bytes());
    }
    let bad = made(
        lab,
        &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"],
        &bytes,
    );
    let bad = with(lab, "main", "groups/churn", &bad);
    let good = trees(lab, "main", [vec![evaluation(1, 1)]].into_iter());
    let steps: Vec<String> = vec![bad; 300].into_iter().chain(good).collect();
    merge(lab, "trainer", &steps);
    for arguments in [
        &["validate", "main..merged", "-o", "concise"][..],
        &[
            "validate",
            "--onto",
            "main",
            "side",
            "--landing",
            "merge",
            "-o",
            "concise",
        ],
    ] {
        let found = lab.findings("trainer", arguments);
        assert!(found.contains("`x0000` stands twice"), "{found}");
        assert!(found.contains("1980 more of its names are malformed"), "{found}");
        assert_eq!(found.matches("MR106").count(), 21, "{found}");
    }
    assert_eq!(pushed(&guarded, "trainer"), 1);
}

#[test]
#[ignore = "needs a minute"]
fn more_values_than_are_traced_are_a_finding_of_the_merge() {
    needs![TIME];
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let all = |revision| (0..1_000).map(|name| evaluation(name, revision)).collect();
    let steps = trees(lab, "main", (1..=2).map(all));
    // Each commit replaces a thousand files.
    let steps: Vec<String> = steps.into_iter().cycle().take(101).collect();
    merge(lab, "trainer", &steps);
    let found = lab.findings("trainer", &["validate", "main..merged"]);
    assert!(found.contains("MR113"), "{found}");
    assert!(found.contains("more than 100000 values"), "{found}");
    assert_eq!(pushed(&guarded, "trainer"), 1);
    // A part of it can be merged.
    merge(lab, "trainer", &steps[..2]);
    assert_eq!(pushed(&guarded, "trainer"), 0);
}

#[test]
fn a_branch_that_merges_the_mainline_again_and_again_is_judged() {
    needs![TIME];
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let base = lab.git(&["rev-parse", "main"]);
    let note = |number: usize| vec![("notes".to_owned(), number.to_string())];
    let on_main = trees(lab, "main", (0..100).map(note));
    // After each four evaluations, what is new on the mainline.
    let steps = (0..500).map(|step| match step % 5 {
        4 => note(step / 5),
        _ => vec![evaluation(step, 1)],
    });
    let on_side = trees(lab, "main", steps);
    let mut commits = Commits::by(lab, "trainer");
    let mut main = vec![base.clone()];
    for tree in &on_main {
        main.push(commits.add(tree, &[&main[main.len() - 1]]));
    }
    let mut side = base;
    for (step, tree) in on_side.iter().enumerate() {
        side = match step % 5 {
            4 => commits.add(tree, &[&side, &main[step / 5 + 1]]),
            _ => commits.add(tree, &[&side]),
        };
    }
    let merged = commits.add(&on_side[499], &[&main[100], &side]);
    commits.write("side", &side);
    lab.git(&["branch", "-f", "merged", &merged]);
    guarded.git(&["config", "modelry.hook.maxObjects", "10000"]);
    guarded.git(&["config", "modelry.hook.maxBytes", "40000000"]);
    assert_eq!(pushed(&guarded, "trainer"), 0);
}
