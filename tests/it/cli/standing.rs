//! A line to type works in the user's folder: with `-C` and `--path` as they were
//! given, and below the repository's top.

use std::path::Path;

use crate::support::{Lab, Said, said};

fn modelry(lab: &Lab, folder: &Path, arguments: &[&str]) -> Said {
    let mut command = lab.command(env!("CARGO_BIN_EXE_modelry"));
    lab.as_actor(&mut command, "admin-1");
    said(command.args(arguments).current_dir(folder))
}

/// Types the first line in backticks after these words, there.
#[track_caller]
fn typed(lab: &Lab, folder: &Path, told: &Said, words: &str) -> (String, Said) {
    let text = format!("{}{}", told.out, told.err);
    let rest = text
        .split_once(words)
        .unwrap_or_else(|| panic!("{words}: {text}"))
        .1;
    let line = rest.split('`').nth(1).expect("a line").to_owned();
    let mut command = lab.command("sh");
    lab.as_actor(&mut command, "admin-1");
    let program = Path::new(env!("CARGO_BIN_EXE_modelry"));
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = program.parent().expect("a folder").display();
    command.env("PATH", format!("{bin}:{path}"));
    let said = said(command.args(["-c", &line]).current_dir(folder));
    (line, said)
}

fn lab() -> Lab {
    let lab = Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["init", "--path", "ml/models", "--actor", "admin-1", "--solo"],
    );
    let _ = lab.ok("admin-1", &["group", "create", "churn"]);
    lab
}

#[test]
fn a_hint_has_the_options_that_were_given() {
    let lab = lab();
    let outside = lab.home().to_owned();
    let told = modelry(&lab, &outside, &["-C", "models", "list", "nope"]);
    assert_eq!(told.code, 2, "{told:?}");
    let (line, said) = typed(&lab, &outside, &told, "make it with ");
    assert_eq!(line, "modelry -C models group create nope");
    assert_eq!(said.code, 0, "{said:?}");
    // The second folder is seen from the first.
    let told = modelry(
        &lab,
        &outside,
        &["-C", "models", "-C", "ml", "--path", "ml/models", "list", "other"],
    );
    let (line, said) = typed(&lab, &outside, &told, "make it with ");
    assert_eq!(line, "modelry -C models/ml --path ml/models group create other");
    assert_eq!(said.code, 0, "{said:?}");
    // So has a hint without backticks, and what is wrong with a command line.
    let told = modelry(&lab, &outside, &["-C", "models", "approve", "churn/1"]);
    assert!(
        told.err.contains("hint: modelry -C models approve churn/1 -m"),
        "{told:?}"
    );
    let told = modelry(&lab, &outside, &["-C", "models", "show", "churn"]);
    let (line, _) = typed(&lab, &outside, &told, "Register one: ");
    assert_eq!(line, "modelry -C models register churn --artifact PATH");
    // A report for programs is the same wherever it is made.
    let there = modelry(&lab, &outside, &["-C", "models", "audit", "-o", "json"]);
    let here = modelry(&lab, &lab.top, &["audit", "-o", "json"]);
    assert_eq!(there.out, here.out);
}

#[test]
fn a_remedy_is_typed_where_the_user_stands() {
    let lab = lab();
    let below = lab.top.join("ml");
    let outside = lab.home().to_owned();
    let places: [(&Path, &[&str]); 3] = [
        (&outside, &["-C", "models", "validate"]),
        (&outside, &["-C", "models/ml", "validate"]),
        (&below, &["validate"]),
    ];
    for (folder, arguments) in places {
        lab.git(&["mv", "ml/models/groups/churn", "ml/models/groups/leavers"]);
        let told = modelry(&lab, folder, arguments);
        assert_eq!(told.code, 1, "{told:?}");
        let (line, said) = typed(&lab, folder, &told, "put it back: ");
        assert!(line.starts_with("(cd ") && said.code == 0, "{line}: {said:?}");
        assert_eq!(lab.git(&["status", "--porcelain"]), "", "{line}");
    }
    // Git's own lines too.
    lab.git(&["mv", "ml/models/groups/churn", "ml/models/groups/leavers"]);
    lab.commit("admin-1", "rename");
    let told = modelry(&lab, &outside, &["-C", "models", "validate", "HEAD~1..HEAD"]);
    let (line, said) = typed(&lab, &outside, &told, "put it back: ");
    assert!(
        line.starts_with("git -C models revert -S ") && said.code == 0,
        "{line}: {said:?}"
    );
    let (line, said) = typed(
        &lab,
        &outside,
        &modelry(&lab, &outside, &["-C", "models", "validate"]),
        "in the commits before",
    );
    assert!(
        line.starts_with("modelry -C models validate ") && said.code == 1,
        "{line}: {said:?}"
    );
}

/// The line for an administrator is typed somewhere else.
#[test]
fn a_line_that_is_sent_stays_as_it_is() {
    let lab = lab();
    let mut command = lab.command(env!("CARGO_BIN_EXE_modelry"));
    lab.as_actor(&mut command, "stranger");
    let told = said(command.args(["-C", "models", "whoami"]).current_dir(lab.home()));
    let text = format!("{}{}", told.out, told.err);
    assert!(text.contains("modelry actor add "), "{text}");
}

/// A line for another person has no folder of this user's machine.
#[test]
fn a_line_for_another_person_has_no_folder_of_this_one() {
    let lab = Lab::with_registry();
    lab.change_policy("required: 1", "required: 2");
    lab.register("churn", '1');
    let folder = lab.home().to_owned();
    let as_who = |who: &str, words: &[&str]| {
        let mut command = lab.command(env!("CARGO_BIN_EXE_modelry"));
        lab.as_actor(&mut command, who);
        let top = lab.top.file_name().expect("a name");
        said(command.arg("-C").arg(top).args(words).current_dir(&folder))
    };
    let told = as_who("risk-1", &["approve", "churn/1", "-m", "ok", "--yes"]);
    assert!(
        told.err.contains("turn: risk-2: `modelry approve churn/1 "),
        "{told:?}"
    );
    let told = as_who("risk-1", &["show", "churn/1"]);
    assert!(
        told.out.contains("turn: risk-2: `modelry approve churn/1 "),
        "{told:?}"
    );
    // The reader's own line works where the reader stands.
    let told = as_who("risk-2", &["show", "churn/1"]);
    assert!(told.out.contains("turn: risk-2: `modelry -C "), "{told:?}");
    let told = as_who("trainer", &["approve", "churn/1", "-m", "ok", "--yes"]);
    assert!(
        !format!("{}{}", told.out, told.err).contains("ask `risk-2`: `modelry -C"),
        "{told:?}"
    );
}
