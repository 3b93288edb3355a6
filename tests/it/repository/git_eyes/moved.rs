//! A registry's folder, or a group's, that was moved: the remedy works when it is
//! typed, before and after the move is committed, and what is put back is clean.

use crate::support::{Lab, Said};

/// A registry in this folder (`.` for the top), with a version that is approved.
fn lab(folder: &str) -> Lab {
    let lab = Lab::empty();
    let _ = lab.ok("admin-1", &["init", "--path", folder, "--actor", "admin-1"]);
    let key = lab.public_key("risk-1");
    let _ = lab.ok("admin-1", &["actor", "add", "risk-1", "--key", &key]);
    let grants: [&[&str]; 2] = [
        &["risk-1", "--allow", "approve", "--groups", "*"],
        &["admin-1", "--allow", "register,annotate", "--groups", "*"],
    ];
    for grant in grants {
        let _ = lab.ok("admin-1", &[&["grant", "add"][..], grant].concat());
    }
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    lab.write("../weights", "some weights");
    let artifact = [
        "register",
        "churn",
        "--artifact",
        "../weights",
        "--artifact-uri",
        "https://models.example.com/w",
    ];
    let _ = lab.ok("admin-1", &artifact);
    let approve = ["approve", "churn/1", "-m", "ok", "--yes", "--any-content"];
    let _ = lab.ok("risk-1", &approve);
    lab
}

/// Runs a line of a shell as somebody.
#[track_caller]
fn shell(lab: &Lab, line: &str) {
    let mut command = lab.command("sh");
    lab.as_actor(&mut command, "admin-1");
    let output = command.args(["-c", line]).current_dir(&lab.top).output();
    let output = output.expect("sh is needed by this test");
    assert!(output.status.success(), "{line}\n{output:?}");
}

/// The first line in backticks after these words.
#[track_caller]
fn line_after(said: &Said, words: &str) -> String {
    let text = format!("{}{}", said.out, said.err);
    let rest = text.split_once(words).unwrap_or_else(|| panic!("{text}")).1;
    rest.split('`').nth(1).expect("a line").to_owned()
}

/// Each move: the registry's folder, the line that moves it, and the one finding.
const MOVES: [(&str, &str, &str); 4] = [
    ("models", "git mv models registry", "MR404"),
    ("models", "git mv models/registry.yaml models/groups .", "MR404"),
    (".", "mkdir models && git mv registry.yaml groups models", "MR404"),
    (
        "models",
        "git mv models/groups/churn models/groups/leavers",
        "MR216",
    ),
];

#[test]
fn an_uncommitted_move_is_one_finding_and_its_remedy_works() {
    for (folder, moves, code) in MOVES {
        let lab = lab(folder);
        for (staged, label) in [(true, "a=1"), (false, "a=2")] {
            shell(&lab, moves);
            if !staged {
                lab.git(&["reset", "-q"]);
            }
            let said = lab.says("admin-1", &["validate", "-o", "concise"]);
            let lines: Vec<&str> = said.out.lines().filter(|line| line.contains(": MR")).collect();
            assert!(lines.len() == 1 && lines[0].contains(code), "{moves}: {said:?}");
            let said = lab.says("admin-1", &["validate"]);
            shell(&lab, &line_after(&said, "put it back"));
            assert_eq!(lab.git(&["status", "--porcelain"]), "", "{moves}");
            let _ = lab.ok("admin-1", &["validate"]);
            let _ = lab.ok("admin-1", &["annotate", "churn/1", "--label", label]);
            if folder == "." {
                std::fs::remove_dir(lab.top.join("models")).expect("an empty folder");
            }
        }
    }
}

#[test]
fn a_committed_move_is_reverted_as_its_remedy_says() {
    for (folder, moves, code) in MOVES {
        let lab = lab(folder);
        lab.git(&["switch", "-q", "-c", "side"]);
        shell(&lab, moves);
        lab.commit("admin-1", "move");
        let moved = lab.git(&["rev-parse", "HEAD"]);
        let plain = lab.says("admin-1", &["validate"]);
        match code {
            // There is no registry to judge, and the hint says what to type.
            "MR404" => assert!(
                plain.code == 2 && plain.err.contains("can't be moved"),
                "{plain:?}"
            ),
            _ => assert!(
                plain
                    .out
                    .contains("note: 1 finding in commits that are not on `main`: MR216"),
                "{plain:?}"
            ),
        }
        let said = lab.says("admin-1", &["validate", "--onto", "main"]);
        let line = line_after(&said, "put it back");
        assert_eq!(line, format!("git revert -S --no-edit {moved}"));
        for reading in [&["list"][..], &["log"]] {
            let said = lab.says("admin-1", reading);
            assert!(
                said.code == 0 || line_after(&said, "put it back") == line,
                "{said:?}"
            );
        }
        shell(&lab, &line);
        let merge = ["validate", "--onto", "main", "--landing", "merge"];
        let _ = lab.ok("admin-1", &merge);
        // Put back on the mainline, only the move itself is left to be accepted.
        lab.git(&["switch", "-q", "main"]);
        lab.git(&["merge", "-q", "--ff-only", "side"]);
        let plain = lab.ok("admin-1", &["validate"]);
        let short = &moved[..10];
        let note = format!(
            "1 finding in the commits before: {code} in {short}: `modelry validate {short}~1..{short}`"
        );
        assert!(plain.contains(&note), "{plain}");
        let line = line_after(&lab.says("admin-1", &["validate"]), "in the commits before");
        let said = lab.says("admin-1", &line.split(' ').skip(1).collect::<Vec<&str>>());
        assert!(said.code == 1 && said.out.contains(code), "{said:?}");
        let audit = lab.findings("admin-1", &["audit"]);
        assert!(audit.contains("1 open finding decides against it"), "{audit}");
        let entry = audit
            .lines()
            .find(|line| line.contains("- {commit: "))
            .expect("an entry");
        let file = match folder {
            "." => "registry.yaml".to_owned(),
            folder => format!("{folder}/registry.yaml"),
        };
        let text = lab.read(&file);
        let serial = text
            .lines()
            .find_map(|line| line.strip_prefix("serial: ")?.parse::<u64>().ok());
        let serial = serial.expect("a serial");
        let text = text.replace(&format!("serial: {serial}"), &format!("serial: {}", serial + 1));
        lab.write(
            &file,
            &format!("{text}acknowledged:\n{}\n", entry.replace('…', "looked at")),
        );
        lab.commit("admin-1", "accept it");
        let _ = lab.ok("admin-1", &["audit"]);
        let _ = lab.ok("admin-1", &["resolve", "churn/1"]);
        let _ = lab.ok("admin-1", &["annotate", "churn/1", "--label", "a=b"]);
    }
}

/// A file that is put back with changes, or without a signature, is not a
/// restoration.
#[test]
fn what_is_put_back_changed_or_unsigned_is_a_finding() {
    let lab = lab("models");
    shell(&lab, "git mv models/groups/churn models/groups/leavers");
    lab.commit("admin-1", "move");
    shell(&lab, "git revert --no-edit HEAD");
    let said = lab.findings("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert!(said.contains("MR216"), "{said}");
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    shell(&lab, "git mv models/groups/leavers models/groups/churn");
    let path = "models/groups/churn/versions/1/version.yaml";
    lab.write(
        path,
        &lab.read(path).replace("status: Approved", "status: Archived"),
    );
    lab.commit("admin-1", "back, but for one word");
    let said = lab.findings("admin-1", &["validate", "HEAD~1..HEAD"]);
    assert!(said.contains("MR216") || said.contains("MR203"), "{said}");
}

/// A group that somebody removed by hand, and the registry's own file.
#[test]
fn what_was_removed_is_put_back_by_its_revert() {
    for gone in [
        "models/groups/churn",
        "models/registry.yaml",
        "models/groups/churn/versions/1",
    ] {
        let lab = lab("models");
        lab.git(&["rm", "-q", "-r", gone]);
        lab.commit("admin-1", "remove");
        let removed = lab.git(&["rev-parse", "HEAD"]);
        let said = lab.findings("admin-1", &["validate", "HEAD~1..HEAD"]);
        assert!(said.contains("is removed"), "{said}");
        shell(&lab, &format!("git revert -S --no-edit {removed}"));
        let audit = lab.findings("admin-1", &["audit"]);
        let steps: std::collections::BTreeSet<&str> = audit
            .lines()
            .filter(|line| line.contains("= who: commit "))
            .collect();
        assert!(
            steps.len() == 1 && audit.contains(&removed[..10]),
            "{gone}: {audit}"
        );
    }
}

/// Each command says that the registry was moved, at its old folder and at the new one,
/// and none offers to make another.
#[test]
fn each_command_says_that_the_registry_was_moved() {
    let lab = lab("models");
    shell(&lab, "git mv models registry");
    lab.commit("admin-1", "move");
    let moved = lab.git(&["rev-parse", "HEAD"]);
    let line = format!("git revert -S --no-edit {moved}");
    let commands: [&[&str]; 8] = [
        &["list"],
        &["show", "churn"],
        &["validate"],
        &["log"],
        &["policy", "show"],
        &["hook", "pre-commit"],
        &["group", "create", "x"],
        &["resolve", "churn/1"],
    ];
    let says = |lab: &Lab, words: &[&str]| {
        let said = lab.says("admin-1", words);
        let text = format!("{}{}", said.out, said.err);
        assert!(
            said.code != 0
                && text.contains("a registry can't be moved")
                && text.contains(&line)
                && !text.contains("modelry init"),
            "{words:?}: {said:?}"
        );
    };
    for path in ["models", "registry"] {
        for words in commands {
            says(&lab, &[&["--path", path][..], words].concat());
        }
    }
    says(&lab, &["--path", "models", "init", "--actor", "admin-1"]);
    // A clone that pins nothing takes no root from the move either.
    lab.git(&["config", "--unset-all", "modelry.root"]);
    for words in [
        &["audit", "--trust-root"][..],
        &["group", "create", "x"],
        &["trust"],
    ] {
        says(&lab, &[&["--path", "registry"][..], words].concat());
    }
    shell(&lab, &line);
    let _ = lab.ok("admin-1", &["--path", "models", "list"]);
}

/// `--path` names the folder to which it was moved, and nothing is committed yet.
#[test]
fn an_uncommitted_move_says_that_a_registry_can_not_move_where_path_names_it() {
    let lab = lab("models");
    for staged in [true, false] {
        shell(&lab, "git mv models registry");
        if !staged {
            lab.git(&["reset", "-q"]);
        }
        for words in [
            &["validate"][..],
            &["list"],
            &["group", "create", "x", "--dry-run"],
        ] {
            let said = lab.says("admin-1", &[&["--path", "registry"], words].concat());
            assert!(
                said.code == 2 && said.err.contains("a registry can't be moved"),
                "{words:?}: {said:?}"
            );
            let line = line_after(&said, "puts it back: ");
            assert_eq!(line, "modelry --path models validate");
        }
        let said = lab.says("admin-1", &["--path", "models", "validate"]);
        shell(&lab, &line_after(&said, "put it back"));
        assert_eq!(lab.git(&["status", "--porcelain"]), "");
        std::fs::remove_dir(lab.top.join("registry")).expect("an empty folder");
    }
}
