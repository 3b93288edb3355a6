//! Lines that an error or a finding offers to type are commands that there are.

use std::collections::BTreeSet;
use std::path::Path;

use clap::error::ErrorKind;
use regex::Regex;

use crate::support::Lab;

/// Every line in backquotes that begins as a command, with its file.
fn lines() -> BTreeSet<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let line = Regex::new("`((?:modelry|git) [a-z][^`]*)`").expect("a pattern");
    let continued = Regex::new(r"\\\n\s*").expect("a pattern");
    let placeholder = Regex::new(r"\{[a-z_0-9.]*\}").expect("a pattern");
    let mut found = BTreeSet::new();
    for entry in walkdir::WalkDir::new(&top) {
        let path = entry.expect("an entry").into_path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        let code: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let code = continued.replace_all(&code.join("\n"), "").into_owned();
        let name = path.strip_prefix(&top).expect("below").display().to_string();
        for one in line.captures_iter(&code) {
            let typed = placeholder
                .replace_all(&one[1], "x")
                .replace("\\\"", "\"")
                .replace("\\n", " ");
            found.insert((name.clone(), typed));
        }
    }
    found
}

/// The words of a line as a shell has them.
fn words(line: &str) -> Vec<String> {
    let word = Regex::new(r#"'[^']*'|"[^"]*"|\S+"#).expect("a pattern");
    word.find_iter(line)
        .map(|word| word.as_str().trim_matches(['\'', '"']).to_owned())
        .take_while(|word| !["&&", "|", ">", "…"].contains(&word.as_str()))
        .collect()
}

#[test]
fn every_line_that_is_offered_is_a_command() {
    let lines = lines();
    let lab = Lab::empty();
    let known = lab.git(&["--list-cmds=main,others,alias"]);
    let known: BTreeSet<&str> = known.lines().collect();
    let (mut tried, mut wrong) = (0, Vec::new());
    for (file, line) in &lines {
        let words = words(line);
        tried += 1;
        if words[0] == "git" {
            if !known.contains(words[1].as_str()) {
                wrong.push(format!("{file}: `{line}`: git has no such command"));
            }
            continue;
        }
        let Err(error) = modelry::testing::cli::definition().try_get_matches_from(&words) else {
            continue;
        };
        // The meaning of a placeholder is checked elsewhere; here only its spelling.
        let is_spelled = matches!(
            error.kind(),
            ErrorKind::ValueValidation
                | ErrorKind::InvalidValue
                | ErrorKind::MissingRequiredArgument
                | ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelp
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        );
        let is_placeholder =
            error.kind() == ErrorKind::InvalidSubcommand && words.iter().any(|word| word == "x");
        if !is_spelled && !is_placeholder {
            wrong.push(format!("{file}: `{line}`: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 150, "only {tried} lines were found");
}

/// The error for a renamed branch has the line that configures the mainline.
#[test]
fn a_renamed_mainline_is_configured() {
    let lab = Lab::with_registry();
    lab.git(&["config", "modelry.mainline", "main"]);
    lab.git(&["branch", "-q", "-m", "main", "trunk"]);
    let told = lab.error("admin-1", &["audit"]);
    assert!(
        told.contains("if `trunk` is the mainline now: `git config modelry.mainline trunk`"),
        "{told}"
    );
    lab.git(&["config", "modelry.mainline", "trunk"]);
    let _ = lab.ok("admin-1", &["audit"]);
    // Where the remote has it, it is made from there.
    lab.git(&["config", "modelry.mainline", "main"]);
    lab.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let told = lab.error("admin-1", &["audit"]);
    assert!(told.contains("`git branch main origin/main`"), "{told}");
    lab.git(&["branch", "main", "origin/main"]);
    let _ = lab.ok("admin-1", &["audit"]);
}

/// A situation in which a command fails with a line to type.
struct Situation {
    name: &'static str,
    /// Creates a registry with `churn/1` there.
    make: fn(&Lab),
    who: &'static str,
    typed: &'static [&'static str],
    /// Placeholders of the line, and what to put for them.
    fill: &'static [(&'static str, &'static str)],
    /// Whether the lines only show what there is: a person must choose.
    looks: bool,
}

const SITUATIONS: &[Situation] = &[
    Situation {
        name: "a group that is not there",
        make: |_| {},
        who: "admin-1",
        typed: &["register", "fraud", "--artifact", "weights.bin"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "a group without versions",
        make: |lab| {
            let _ = lab.ok("admin-1", &["group", "create", "fraud"]);
        },
        who: "admin-1",
        typed: &["show", "fraud/1"],
        fill: &[("FILE", "weights.bin")],
        looks: false,
    },
    Situation {
        name: "a version that is not there",
        make: |_| {},
        who: "admin-1",
        typed: &["show", "churn/9"],
        fill: &[],
        looks: true,
    },
    Situation {
        name: "a version without a card",
        make: |_| {},
        who: "admin-1",
        typed: &["card", "show", "churn/1"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "a detached HEAD",
        make: |lab| drop(lab.git(&["checkout", "-q", "--detach"])),
        who: "trainer",
        typed: &["annotate", "churn/1", "--label", "a=b"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "a record that is changed and not committed",
        make: |lab| {
            let path = "groups/churn/versions/1/version.yaml";
            lab.write(path, &format!("{}# mine\n", lab.read(path)));
        },
        who: "trainer",
        typed: &["annotate", "churn/1", "--label", "a=b"],
        fill: &[("FILE", "groups/churn/versions/1/version.yaml")],
        looks: false,
    },
    Situation {
        name: "a merge that is not finished",
        make: |lab| {
            lab.git(&["config", "core.editor", "true"]);
            lab.git(&["checkout", "-q", "-b", "side"]);
            lab.write("notes.txt", "side\n");
            lab.commit("admin-1", "side");
            lab.git(&["checkout", "-q", "main"]);
            lab.write("other.txt", "main\n");
            lab.commit("admin-1", "main");
            let _ = lab.git_as("admin-1", &["merge", "-q", "--no-commit", "side"]);
        },
        who: "trainer",
        typed: &["annotate", "churn/1", "--label", "a=b"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "a root that is not pinned",
        make: |lab| drop(lab.git(&["config", "--unset-all", "modelry.root"])),
        who: "admin-1",
        typed: &["audit"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "a checkpoint that is not there",
        make: |_| {},
        who: "admin-1",
        typed: &["audit", "--checkpoint", "../seen.json"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "a key that no actor has",
        make: |_| {},
        who: "stranger",
        typed: &["annotate", "churn/1", "--label", "a=b"],
        fill: &[],
        looks: true,
    },
    Situation {
        name: "a group that says something else",
        make: |_| {},
        who: "admin-1",
        typed: &["group", "create", "churn", "--description", "another"],
        fill: &[("…", "--description another")],
        looks: false,
    },
    Situation {
        name: "a mainline that is called otherwise",
        make: |lab| drop(lab.git(&["branch", "-q", "-m", "main", "trunk"])),
        who: "admin-1",
        typed: &["audit"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "no registry in this repository",
        make: |lab| {
            lab.git(&["checkout", "-q", "--orphan", "empty"]);
            lab.git(&["rm", "-q", "-r", "-f", "."]);
            lab.write("notes.txt", "x\n");
            lab.commit("admin-1", "another history");
            lab.git(&["branch", "-q", "-D", "main"]);
            lab.git(&["config", "--unset-all", "modelry.root"]);
        },
        who: "admin-1",
        typed: &["list"],
        fill: &[],
        looks: false,
    },
    Situation {
        name: "nothing to go back to",
        make: |lab| {
            let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine"]);
            let _ = lab.ok("admin-1", &["promote", "churn/1", "production", "-m", "now"]);
        },
        who: "admin-1",
        typed: &["rollback", "churn", "production", "-m", "alerts"],
        fill: &[
            ("N`", "1`"),
            ("`--empty`", "`modelry rollback churn production --empty`"),
        ],
        looks: false,
    },
];

/// Types each line that a situation offers, in a copy: each can be typed, and one of
/// them changes what the command says.
fn typed(it: &Situation) -> Result<(), String> {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.write("weights.bin", "weights");
    lab.write(".git/info/exclude", "weights.bin\n");
    (it.make)(&lab);
    let before = lab.says(it.who, it.typed);
    if before.code == 0 {
        return Err(format!("nothing fails: {before:?}"));
    }
    let mut hints = before.err.clone();
    for (placeholder, value) in it.fill {
        hints = hints.replace(placeholder, value);
    }
    let offered = Regex::new("`((?:modelry|git) [^`]+)`").expect("a pattern");
    let lines: Vec<String> = offered
        .captures_iter(&hints)
        .map(|found| found[1].to_owned())
        .collect();
    let (error, mut is_mended) = (before.err.lines().next().unwrap_or_default(), false);
    for line in &lines {
        let lab = lab.copy();
        lab.git(&["status"]);
        let words = words(line);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (is_fine, said) = match words[0] {
            "git" => {
                let said = lab.git_as(it.who, &words[1..]);
                (
                    said.status.success(),
                    String::from_utf8_lossy(&said.stderr).into_owned(),
                )
            }
            _ => {
                let said = lab.says(it.who, &words[1..]);
                (said.code == 0, said.err)
            }
        };
        if !is_fine {
            return Err(format!("`{line}` fails: {said}\n{}", before.err));
        }
        let after = lab.says(it.who, it.typed);
        is_mended |= after.code == 0 || !after.err.starts_with(error);
    }
    match is_mended || (it.looks && !lines.is_empty()) {
        true => Ok(()),
        false => Err(format!("no line mends it: {}", before.err)),
    }
}

#[test]
fn a_hint_works_when_it_is_typed() {
    let wrong = SITUATIONS
        .iter()
        .filter_map(|it| Some(format!("{}: {}", it.name, typed(it).err()?)));
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// An Approved version is retired, and not registered again: the lines work in order.
#[test]
fn a_version_that_was_approved_is_retired_as_the_hint_says() {
    let lab = Lab::with_registry();
    let stages = [
        "grant",
        "add",
        "risk-1",
        "--allow",
        "promote",
        "--groups",
        "*",
        "--stages",
        "production",
    ];
    let _ = lab.ok("admin-1", &stages);
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "ok", "--yes"]);
    let _ = lab.ok(
        "risk-1",
        &["promote", "churn/1", "production", "-m", "ok", "--yes"],
    );
    let told = lab.error("risk-1", &["reject", "churn/1", "-m", "no", "--yes"]);
    assert!(
        told.contains("can't become Rejected any more") && !told.contains("register"),
        "{told}"
    );
    let lines: Vec<&str> = told
        .split('`')
        .filter(|part| part.starts_with("modelry "))
        .collect();
    assert_eq!(lines.len(), 2, "{told}");
    for line in lines {
        let words: Vec<&str> = line.split(' ').skip(1).collect();
        let _ = lab.ok("risk-1", &[&words[..], &["--yes"]].concat());
    }
    let told = lab.error("risk-2", &["approve", "churn/1", "-m", "again", "--yes"]);
    assert!(
        told.contains("register churn --allow-duplicate --artifact FILE"),
        "{told}"
    );
}

#[test]
fn a_missing_argument_comes_with_an_example() {
    let lab = Lab::with_registry();
    for (words, example) in [
        (&["pull"][..], "modelry pull fraud-detector@production ./model"),
        (
            &["pull", "churn/1"],
            "modelry pull fraud-detector@production ./model",
        ),
        (&["approve"], "modelry approve fraud-detector/3"),
    ] {
        let told = lab.error("admin-1", words);
        assert!(
            told.contains(&format!("For example: {example}")),
            "{words:?}: {told}"
        );
    }
}
