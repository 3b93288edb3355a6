//! Partial clones of a repository with much other content: `--fetch` gets the
//! registry's missing objects, and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::{Lab, Said, said};

/// A registry in a folder of a repository with a large folder beside it.
fn mono() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::empty();
        for folder in 0..8 {
            for file in 0..4 {
                lab.write(
                    &format!("big/{folder}/{file}"),
                    &format!("{folder} {file}\n").repeat(50),
                );
            }
        }
        lab.git(&["add", "-A"]);
        lab.git(&["commit", "-q", "-m", "much else"]);
        let _ = lab.ok(
            "admin-1",
            &["init", "--path", "ml/models", "--actor", "admin-1", "--solo"],
        );
        let _ = lab.ok("admin-1", &["group", "create", "fraud"]);
        for mark in ["1", "2"] {
            let digest = format!("sha256:{}", mark.repeat(64));
            let uri = format!("s3://models/fraud/{mark}");
            let _ = lab.ok(
                "admin-1",
                &["register", "fraud", "--artifact", &uri, "--digest", &digest],
            );
            let _ = lab.ok(
                "admin-1",
                &["approve", &format!("fraud/{mark}"), "-m", "ok", "--yes"],
            );
            lab.write(&format!("big/0/{mark}"), "work\n");
            lab.git(&["commit", "-q", "-a", "-m", "work"]);
        }
        let _ = lab.ok(
            "admin-1",
            &["promote", "fraud/1", "production", "-m", "first", "--yes"],
        );
        for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
            lab.git(&["config", key, "true"]);
        }
        lab
    })
}

fn pin(lab: &Lab) -> String {
    let first = lab.git(&[
        "log",
        "--format=%H",
        "--diff-filter=A",
        "--",
        "ml/models/registry.yaml",
    ]);
    format!("{first}:ml/models")
}

fn clone(lab: &Lab, name: &str, options: &[&str]) -> PathBuf {
    let at = lab.home().join(name);
    let url = format!("file://{}", lab.top.display());
    let mut git = lab.command("git");
    git.args(["clone", "-q"]).args(options).arg(&url).arg(&at);
    let said = said(&mut git);
    assert_eq!(said.code, 0, "{said:?}");
    at
}

fn modelry(lab: &Lab, at: &Path, words: &[&str]) -> Said {
    said(lab.modelry("stranger", words).current_dir(at))
}

/// The objects that the clone has, without fetching any.
fn objects(lab: &Lab, at: &Path) -> BTreeSet<String> {
    let mut git = lab.command("git");
    git.args(["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"])
        .current_dir(at);
    said(&mut git).out.lines().map(str::to_owned).collect()
}

/// Folders and files of everything beside the registry.
fn elsewhere(lab: &Lab) -> BTreeSet<String> {
    let of = |folder: &str| -> BTreeSet<String> {
        let listed = lab.git(&["rev-list", "--objects", "--all", "--", folder]);
        let named = listed.lines().filter_map(|line| line.split_once(' '));
        named
            .filter(|(_, path)| path.starts_with(folder))
            .map(|(id, _)| id.to_owned())
            .collect()
    };
    &of("big") - &of("ml")
}

#[test]
fn every_reading_command_says_what_brings_the_rest_and_that_brings_the_registry_alone() {
    let lab = mono();
    let pin = pin(&lab);
    let elsewhere = elsewhere(&lab);
    assert!(elsewhere.len() > 40, "{}", elsewhere.len());
    let commands: [&[&str]; 8] = [
        &["resolve", "fraud@production", "--root", &pin, "-o", "uri"],
        &["show", "fraud/1", "--path", "ml/models"],
        &["list", "fraud", "--path", "ml/models"],
        &["log", "--path", "ml/models"],
        &["audit", "--root", &pin, "-o", "json"],
        &["events", "--root", &pin],
        &["validate", "HEAD~4..HEAD", "--root", &pin],
        &["diff", "HEAD~4..HEAD", "--root", &pin],
    ];
    for (number, filter) in ["blob:none", "tree:0"].into_iter().enumerate() {
        for (index, words) in commands.iter().enumerate() {
            let name = format!("partial-{number}-{index}");
            let at = clone(&lab, &name, &["--bare", &format!("--filter={filter}")]);
            let before = objects(&lab, &at);
            let lacking = modelry(&lab, &at, words);
            assert_eq!(lacking.code, 2, "{filter} {words:?}: {lacking:?}");
            assert!(lacking.err.contains("--fetch"), "{filter} {words:?}: {lacking:?}");
            assert_eq!(
                before,
                objects(&lab, &at),
                "{filter} {words:?}: nothing is fetched unasked"
            );
            let whole = modelry(&lab, &lab.top, words);
            let fetched = modelry(&lab, &at, &[words, &["--fetch"][..]].concat());
            assert_eq!(fetched.code, 0, "{filter} {words:?}: {fetched:?}");
            assert_eq!(fetched.out, whole.out, "{filter} {words:?}");
            let came: BTreeSet<String> = &objects(&lab, &at) - &before;
            assert!(!came.is_empty());
            let others: Vec<&String> = came.intersection(&elsewhere).collect();
            assert_eq!(others, Vec::<&String>::new(), "{filter} {words:?}");
            // Every other command has all that it needs, too.
            for words in commands {
                let said = modelry(&lab, &at, words);
                assert_eq!(said.code, 0, "{filter} {words:?}: {said:?}");
            }
        }
    }
}

#[test]
fn the_command_of_the_hint_brings_it_from_anywhere() {
    let lab = mono();
    let pin = pin(&lab);
    let at = clone(&lab, "hinted", &["--no-checkout", "--filter=tree:0"]);
    let place = at.display().to_string();
    let words = ["-C", place.as_str(), "audit", "--root", &pin];
    let lacking = modelry(&lab, lab.home(), &words);
    let hint = regex::Regex::new("`modelry ([^`]+)`").expect("an expression");
    let line = hint.captures(&lacking.err).expect("a command to type")[1].to_owned();
    let typed: Vec<&str> = line.split(' ').collect();
    let said = modelry(&lab, lab.home(), &typed);
    assert_eq!(said.code, 0, "{line}: {said:?}");
    let said = modelry(&lab, lab.home(), &words);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn where_nothing_names_the_folder_it_is_found() {
    let lab = mono();
    for filter in ["blob:none", "tree:0"] {
        let name = format!("found-{}", &filter[..4]);
        let at = clone(&lab, &name, &["--bare", &format!("--filter={filter}")]);
        let said = modelry(&lab, &at, &["list", "--fetch"]);
        assert_eq!(said.code, 0, "{filter}: {said:?}");
        assert!(said.out.contains("fraud"), "{filter}: {said:?}");
    }
}

#[test]
fn protected_files_elsewhere_are_judged_as_in_a_whole_clone() {
    let lab = mono();
    let pin = pin(&lab);
    let policy = lab.read("ml/models/registry.yaml");
    let serial = regex::Regex::new("serial: (\\d+)").expect("an expression");
    let number: u64 = serial.captures(&policy).expect("a serial")[1]
        .parse()
        .expect("a number");
    let policy = serial
        .replace(&policy, format!("serial: {}", number + 1))
        .into_owned();
    lab.write(
        "ml/models/registry.yaml",
        &format!("{policy}protect: [\"big/7/**\"]\n"),
    );
    lab.git(&["commit", "-q", "-S", "-a", "-m", "protect"]);
    lab.write("big/7/1", "changed by nobody\n");
    lab.git(&["commit", "-q", "-a", "-m", "not signed"]);
    let words = ["audit", "--root", &pin, "-o", "json"];
    let whole = modelry(&lab, &lab.top, &words);
    assert_eq!(whole.code, 1, "{whole:?}");
    for filter in ["blob:none", "tree:0"] {
        let name = format!("protected-{}", &filter[..4]);
        let at = clone(&lab, &name, &["--bare", &format!("--filter={filter}")]);
        let said = modelry(&lab, &at, &[&words[..], &["--fetch"]].concat());
        assert_eq!((said.code, &said.out), (1, &whole.out), "{filter}: {}", said.err);
    }
}

#[test]
fn what_the_remote_has_now_is_read() {
    let lab = mono();
    let at = clone(&lab, "stale", &[]);
    let words = ["show", "fraud@production", "--path", "ml/models"];
    let _ = lab.ok(
        "admin-1",
        &["promote", "fraud/2", "production", "-m", "second", "--yes"],
    );
    assert!(modelry(&lab, &at, &words).out.starts_with("fraud/1"));
    let fetched = modelry(&lab, &at, &[&words[..], &["--fetch"]].concat());
    assert!(fetched.out.starts_with("fraud/2"), "{fetched:?}");
    assert!(
        fetched
            .err
            .contains("`main` lacks 1 commit of `origin/main`, which is read"),
        "{fetched:?}"
    );
    // The clone's own branch is where it was, until it is pulled.
    assert!(modelry(&lab, &at, &words).out.starts_with("fraud/1"));
    let mut pull = lab.command("git");
    let pulled = said(pull.args(["pull", "-q", "--ff-only"]).current_dir(&at));
    assert_eq!(pulled.code, 0, "{pulled:?}");
    let fetched = modelry(&lab, &at, &[&words[..], &["--fetch"]].concat());
    assert!(
        fetched.out.starts_with("fraud/2") && fetched.err.is_empty(),
        "{fetched:?}"
    );
}

#[test]
fn a_repository_without_a_remote_says_so() {
    let lab = mono();
    let said = lab.says("stranger", &["list", "--fetch"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("this clone has no remote to fetch from"),
        "{said:?}"
    );
}

/// Git knows extensions of a repository's format that libgit2 does not.
#[test]
fn an_extension_that_is_not_read_is_an_error_with_the_way_out() {
    let lab = mono();
    let at = clone(&lab, "extended", &["--filter=blob:none"]);
    let set = |key: &str, value: &str| {
        let mut git = lab.command("git");
        git.args(["config", key, value]).current_dir(&at);
        assert_eq!(said(&mut git).code, 0);
    };
    set("core.repositoryFormatVersion", "1");
    for (key, value) in [
        ("noop", "1"),
        ("preciousObjects", "false"),
        ("worktreeConfig", "true"),
    ] {
        set(&format!("extensions.{key}"), value);
        let said = modelry(&lab, &at, &["list", "--fetch"]);
        assert_eq!(said.code, 0, "{key}: {said:?}");
    }
    for (key, value, told) in [
        ("partialClone", "origin", "the older mark of a partial clone"),
        ("refStorage", "files", "which is not read"),
        ("noop-v1", "1", "which is not known"),
    ] {
        set(&format!("extensions.{key}"), value);
        let told_of = modelry(&lab, &at, &["list"]);
        assert!(
            told_of.code == 2
                && told_of.err.contains(&format!("the extension `{key}`, "))
                && told_of.err.contains(told),
            "{told_of:?}"
        );
        // The line of the hint helps, when typed.
        let line = told_of
            .err
            .lines()
            .find(|line| line.contains("hint:"))
            .expect("a hint");
        let line = line
            .split('`')
            .find(|part| part.starts_with("git config"))
            .expect("a line");
        if key != "noop-v1" {
            let mut bash = lab.command("bash");
            assert_eq!(said(bash.args(["-c", line]).current_dir(&at)).code, 0, "{line}");
            let said = modelry(&lab, &at, &["list", "--fetch"]);
            assert_eq!(said.code, 0, "{said:?}");
        }
    }
}
