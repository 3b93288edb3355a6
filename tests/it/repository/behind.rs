//! Reading commands in a clone that is behind its remote, or that was asked for
//! something that is not there: which commit they speak of, and how old it is.

use std::path::{Path, PathBuf};

use crate::judge::budgets::made;
use crate::support::{Lab, Said, said};

/// A registry with `churn/1`, and a clone of it.
fn with_clone() -> (Lab, PathBuf) {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let clone = lab.home().join("clone");
    let mut git = lab.command("git");
    git.args(["clone", "-q"])
        .arg(format!("file://{}", lab.top.display()))
        .arg(&clone);
    assert_eq!(said(&mut git).code, 0);
    let said = in_clone(&lab, &clone, &["trust", &lab.root()]);
    assert!(said.code == 0, "{said:?}");
    (lab, clone)
}

fn in_clone(lab: &Lab, at: &Path, words: &[&str]) -> Said {
    said(lab.modelry("stranger", words).current_dir(at))
}

fn fetch(lab: &Lab, at: &Path) {
    let mut git = lab.command("git");
    assert_eq!(said(git.args(["fetch", "-q"]).current_dir(at)).code, 0);
}

#[test]
fn a_clone_that_is_behind_says_so() {
    let (lab, clone) = with_clone();
    lab.register("churn", '2');
    fetch(&lab, &clone);
    let cursor = lab.home().join("cursor").display().to_string();
    let taken = [
        "notify",
        "--exec",
        "/bin/true",
        "--from-start",
        "--cursor",
        &cursor,
    ];
    let folder = lab.home().join("pulled").display().to_string();
    let commands: [(&[&str], i32); 19] = [
        (&["list"], 0),
        (&["list", "churn"], 0),
        (&["log"], 0),
        (&["show", "churn"], 0),
        (&["show", "churn/2"], 2),
        (&["resolve", "churn@latest"], 3),
        (&["events"], 0),
        (&["audit"], 0),
        (&["policy", "show"], 0),
        (&["resolve", "nope@latest"], 2),
        (&["pull", "churn@latest", &folder], 3),
        (&["pull", "nope/1", &folder], 2),
        (&["wait", "churn/1", "--for", "Pending"], 0),
        (&["wait", "churn/2", "--for", "Pending", "--timeout", "10ms"], 3),
        (&["export", "sagemaker", "churn/1"], 0),
        (&["export", "mlbom", "churn/1"], 0),
        (&["export", "mlflow", "churn/2"], 2),
        (&["diff", "HEAD~1..main"], 0),
        (&taken, 0),
    ];
    for (words, code) in commands {
        let told = in_clone(&lab, &clone, words);
        assert_eq!(told.code, code, "{words:?}: {told:?}");
        let note = "which is 1 commit behind `origin/main`; last fetch less than a minute ago: `--fetch`";
        assert_eq!(told.err.matches(note).count(), 1, "{words:?}: {told:?}");
    }
    // A program's answer stays as it is.
    let plain = in_clone(&lab, &clone, &["list", "-o", "json"]);
    assert!(!plain.out.contains("behind"), "{plain:?}");
    assert!(plain.err.contains("1 commit behind"), "{plain:?}");
    for words in [
        &["list", "--at", "HEAD"][..],
        &["show", "churn/2", "--fetch"],
        &["events", "--fetch"],
        &["wait", "churn/2", "--for", "Pending", "--remote", "origin"],
        &["export", "mlbom", "churn/2", "--fetch"],
        &["diff", "HEAD~2..HEAD~1"],
    ] {
        let told = in_clone(&lab, &clone, words);
        assert_eq!(told.code, 0, "{words:?}: {told:?}");
        assert!(!told.err.contains("behind `"), "{words:?}: {told:?}");
    }
}

#[test]
fn what_is_not_found_is_not_found_at_a_commit() {
    let (lab, clone) = with_clone();
    let head = lab.git(&["rev-parse", "--short=8", "HEAD"]);
    let commands: [(&[&str], i32); 6] = [
        (&["show", "churn/8"], 2),
        (&["show", "nope"], 2),
        (&["show", "churn@production"], 2),
        (&["list", "nope"], 2),
        (&["list", "--label", "a=b"], 0),
        (&["resolve", "churn@production"], 3),
    ];
    for (words, code) in commands {
        let told = in_clone(&lab, &clone, words);
        assert_eq!(told.code, code, "{words:?}: {told:?}");
        assert!(
            told.err.contains(&format!("read at {head}")),
            "{words:?}: {told:?}"
        );
        let note = "never fetched since the clone: `--fetch` reads what the remote has now";
        assert_eq!(told.err.matches(note).count(), 1, "{words:?}: {told:?}");
        // Without a remote there is nothing to fetch.
        let root = lab.root();
        let words = [words, &["--root", root.as_str()]].concat();
        let told = lab.says("admin-1", &words);
        assert!(!told.err.contains("--fetch"), "{words:?}: {told:?}");
    }
    fetch(&lab, &clone);
    let told = in_clone(&lab, &clone, &["show", "churn/8"]);
    assert!(told.err.contains("last fetch less than a minute ago"), "{told:?}");
    let told = in_clone(&lab, &clone, &["list"]);
    assert_eq!((told.code, told.err.as_str()), (0, ""));
}

#[test]
fn a_commit_with_a_malformed_author_on_the_mainline_stops_nobody() {
    let spoilt: [fn(&str) -> String; 3] = [
        |line| line.split(" <").next().unwrap_or_default().to_owned(),
        |_| String::new(),
        |line| match line.rsplit_once("> ") {
            Some((who, _)) => format!("{who}> 99999999999999999999 +0000"),
            None => line.to_owned(),
        },
    ];
    for spoilt in spoilt {
        let (lab, clone) = with_clone();
        let plain = lab.git(&["commit-tree", "-p", "main", "-m", "x", "main^{tree}"]);
        let text = lab.git(&["cat-file", "commit", &plain]);
        let lines = text
            .lines()
            .filter_map(|line| match line.starts_with("committer ") {
                true => Some(spoilt(line)).filter(|line| !line.is_empty()),
                false => Some(line.to_owned()),
            });
        let text: Vec<String> = lines.collect();
        let text = text.join("\n") + "\n";
        let arguments = ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"];
        let bad = made(&lab, &arguments, text.as_bytes());
        lab.git(&["update-ref", "refs/heads/main", &bad]);
        lab.git(&["reset", "-q", "--hard"]);
        lab.register("churn", '2');

        let told = in_clone(&lab, &clone, &["show", "churn/2", "--fetch"]);
        assert_eq!(told.code, 0, "{told:?}");
        let told = in_clone(&lab, &clone, &["list"]);
        assert!(
            told.code == 0 && told.err.contains("2 commits behind"),
            "{told:?}"
        );
        let told = in_clone(&lab, &clone, &["validate", "origin/main~1..origin/main"]);
        assert_eq!(told.code, 0, "{told:?}");
    }
}

#[test]
fn a_change_that_is_refused_on_an_old_base_says_how_old_it_is() {
    let (lab, clone) = with_clone();
    lab.register("churn", '2');
    let mut git = lab.command("git");
    git.args(["config", "gpg.format", "ssh"]).current_dir(&clone);
    assert_eq!(said(&mut git).code, 0);
    fetch(&lab, &clone);
    let note =
        "which is 1 commit behind `origin/main`; last fetch less than a minute ago: `git pull --ff-only`";
    for (who, line) in [
        ("risk-1", "approve churn/2 -m ok"),
        ("risk-1", "reject churn/2 -m no"),
        ("risk-1", "withdraw churn/2 -m no"),
        ("risk-1", "archive churn/2 -m no"),
        ("risk-1", "delete churn/2 -m no"),
        ("admin-1", "promote churn/2 production -m no"),
        ("trainer", "annotate churn/2 --label a=b"),
        ("trainer", "evidence add churn/2 e --metric a=1"),
        // Refused by the rules.
        ("trainer", "group create g2"),
        ("admin-1", "approve churn/1 -m ok --dry-run"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let told = said(lab.modelry(who, &words).current_dir(&clone));
        let is_refused = told.code != 0;
        assert!(is_refused || line.starts_with("approve"), "{line}: {told:?}");
        assert_eq!(
            told.err.matches(note).count(),
            usize::from(is_refused),
            "{line}: {told:?}"
        );
        // What is made on the remote's tip is on no old base.
        let words = [&words[..], &["--push", "--patience", "0s"]].concat();
        let told = said(lab.modelry(who, &words).current_dir(&clone));
        assert!(!told.err.contains("behind `"), "{line}: {told:?}");
    }
}
