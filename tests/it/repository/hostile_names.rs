//! Names that others wrote (branches, remotes, files, references, arguments, reasons,
//! authors) reach no terminal and no report as they are: control characters and those
//! that turn a line around are spelled out, in every command and in each form of output.

use std::process::Command;

use crate::support::{Lab, Said, said};

/// Valid in the name of a branch or remote: U+009B begins a control sequence, U+202E turns
/// the line around.
const NAME: &str = "x\u{9b}2J\u{202e}y";

/// As others may write it into a file's name, a reason or an argument.
const TEXT: &str = "z\u{1b}[2J\u{7}\u{9b}8m\u{202e}\u{2066}\u{200b}w";

fn is_clean(said: &Said) -> Option<char> {
    let is_raw = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    said.out.chars().chain(said.err.chars()).find(is_raw)
}

/// Runs the line as it is, and with its output as JSON.
#[track_caller]
fn runs(lab: &Lab, line: &[&str]) {
    for more in [&[][..], &["-o", "json"]] {
        let said = lab.says("admin-1", &[line, more].concat());
        assert_eq!(is_clean(&said), None, "{line:?} {more:?}: {said:?}");
        // No text of others begins a line, where a CI system would take it for a command.
        let forged = said
            .out
            .lines()
            .chain(said.err.lines())
            .find(|line| line.trim_start().starts_with("::forged"));
        assert_eq!(forged, None, "{line:?} {more:?}: {said:?}");
    }
}

/// A registry whose mainline, remote, files and commits have such names.
fn hostile() -> Lab {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.git(&["switch", "-q", "-c", NAME]);
    lab.git(&["config", "modelry.mainline", NAME]);
    let far = lab.home().join(format!("far {TEXT}"));
    lab.git(&["init", "-q", "--bare", &far.to_string_lossy()]);
    lab.git(&["remote", "add", NAME, &far.to_string_lossy()]);
    lab.git(&["push", "-q", "-u", NAME, NAME]);
    lab.git(&["tag", NAME]);
    lab
}

#[test]
fn no_name_of_others_is_printed_as_it_is() {
    let lab = hostile();
    let text = format!("{TEXT}\n::forged::x");
    let (version, file) = (format!("{TEXT}/1"), lab.home().join(TEXT));
    std::fs::write(&file, TEXT).expect("a file");
    let file = file.to_string_lossy().into_owned();
    for line in [
        // Lines that write, on the branch and to the remote.
        &["group", "create", "other", "-m", TEXT][..],
        &[
            "evidence", "add", "churn/1", "holdout", "--metric", "auc=0.9", "--notes", TEXT,
        ],
        &["annotate", "churn/1", "--description", TEXT],
        &["group", "create", "pushed", "--push"],
        &["group", "create", "proposed", "--branch", "other\u{202e}"],
        &["group", "create", "there", "--dry-run"],
        &["register", "churn", "--artifact", &file],
        &["reject", "churn/1", "-m", "no", "--dry-run"],
        // Lines that read.
        &["whoami"],
        &["trust"],
        &["list"],
        &["list", "churn"],
        &["list", "--fetch"],
        &["show", "churn"],
        &["show", "churn/1"],
        &["evidence", "show", "churn/1"],
        &["card", "show", "churn/1"],
        &["resolve", "churn@latest"],
        &["wait", "churn/1", "--timeout", "1s"],
        &["log"],
        &["diff", "main..HEAD"],
        &["events"],
        &["audit"],
        &["validate"],
        &["validate", "main..HEAD"],
        &["validate", "--onto", "main", "HEAD"],
        &["policy", "show"],
        &["actor", "list"],
    ] {
        runs(&lab, line);
    }
    for word in [TEXT, &text] {
        for line in [
            // Names as arguments, also where no command or option is.
            &[word][..],
            &["--mainline", word, "list"],
            &["--path", word, "list"],
            &["-C", word, "list"],
            &["list", word],
            &["list", "-o", word],
            &["show", word],
            &["show", &version],
            &["show", "--at", word, "churn/1"],
            &["resolve", word],
            &["resolve", "churn@latest", "--root", word],
            &["wait", &version],
            &["pull", &version],
            &["log", word],
            &["diff", word],
            &["events", "--since", word],
            &["audit", "--root", word],
            &["validate", word],
            &["validate", "--onto", word, "HEAD"],
            &["trust", word],
            &["group", "create", word],
            &["group", "delete", word],
            &["register", word, "--artifact", "s3://b/m"],
            &["register", "churn", "--artifact", word],
            &["register", "churn", "-f", word],
            &["evidence", "add", "churn/1", word, "--metric", "a=1"],
            &["evidence", "add", "churn/1", "next", "--metric", word],
            &["card", "edit", "churn/1", "-f", word],
            &["card", "render", &version],
            &["approve", word],
            &["approve", &version],
            &["promote", "churn/1", word],
            &["rollback", "churn", word],
            &["annotate", "churn/1", "--label", word],
            &["relay", word, word],
            &["relay", "github", word],
            &["import", "mlflow", word],
            &["import", "sagemaker", word],
            &["export", "mlbom", &version],
            &["actor", "add", word],
            &["actor", "add", "new", "--key", word],
            &["team", "add", word, "admin-1"],
            &["grant", "add", word, "--allow", "approve"],
            &["policy", "approve", word],
            &["notify", word],
            &["hook", word],
            &["explain", word],
            &["schema", word],
            &["completions", word],
            &["group", "create", "g", "--push", word],
        ] {
            runs(&lab, line);
        }
    }
}

/// A file's name may hold any byte but `/` and NUL.
#[test]
fn a_file_with_such_a_name_is_shown_on_one_line_in_every_report() {
    let lab = hostile();
    let stray = format!("groups/churn/{TEXT}\n::forged::x");
    lab.write(&stray, "x\n");
    lab.write(&format!("groups/{TEXT}/group.yaml"), "kind: Group\n");
    runs(&lab, &["validate"]);
    let mut commit = lab.command("git");
    lab.as_actor(&mut commit, "admin-1");
    commit
        .args([
            "-c",
            "core.quotePath=false",
            "commit",
            "-q",
            "-S",
            "-m",
            TEXT,
            "--author",
        ])
        .arg(format!("a{NAME} <{NAME}@example.com>"))
        .current_dir(&lab.top);
    lab.git(&["add", "-A"]);
    assert_eq!(said(&mut commit).code, 0);
    for line in [
        &["validate", "HEAD~1..HEAD"][..],
        &["validate", "--onto", "main", "HEAD"],
        &["audit"],
        &["diff", "HEAD~1..HEAD"],
        &["log"],
        &["events"],
        &["list"],
    ] {
        runs(&lab, line);
    }
    for form in ["concise", "sarif", "github", "gitlab", "junit"] {
        let said = lab.says("admin-1", &["validate", "HEAD~1..HEAD", "-o", form]);
        assert_eq!((said.code, is_clean(&said)), (1, None), "{form}: {said:?}");
    }
    let said = lab.says("admin-1", &["audit", "-o", "html"]);
    assert_eq!(is_clean(&said), None, "{said:?}");
    let said = lab.says("admin-1", &["diff", "HEAD~1..HEAD", "-o", "markdown"]);
    assert_eq!(is_clean(&said), None, "{said:?}");
}

/// A line that is shown to be typed means the branch, whatever characters it has.
#[test]
fn a_line_to_type_works_with_such_a_branch() {
    let lab = hostile();
    lab.git(&["config", "--unset", "modelry.mainline"]);
    lab.write("groups/churn/stray", "x\n");
    let said = lab.says("admin-1", &["--mainline", NAME, "validate"]);
    assert_eq!(said.code, 1, "{said:?}");
    let more = said
        .out
        .lines()
        .chain(said.err.lines())
        .find(|line| line.contains("--mainline"));
    let line = more.expect("a line to type");
    assert!(line.contains(r"--mainline $'x\302\2332J\342\200\256y'"), "{line}");
    let word = line
        .split("--mainline ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .expect("a word");
    let mut bash = Command::new("bash");
    let printed = crate::support::said(bash.arg("-c").arg(format!("printf %s {word}")));
    assert_eq!(printed.out, NAME);
}
