//! Messages after a wrong turn say how to continue.

use crate::support::{Lab, Said, said};

fn shallow(lab: &Lab) -> String {
    let url = format!("file://{}", lab.top.display());
    let clone = lab.home().join("shallow");
    let clone = clone.to_str().expect("UTF-8").to_owned();
    lab.git(&["clone", "-q", "--depth", "1", &url, &clone]);
    clone
}

/// A name, a number from the end or the start of an id is the repository's to
/// give, and pins nothing.
#[test]
fn a_root_is_a_full_id_alone() {
    let lab = Lab::with_registry();
    let (root, tip) = (lab.root(), lab.git(&["rev-parse", "HEAD"]));
    let short = &root[..10];
    // A tag that looks like the start of the root, and is somewhere else.
    lab.git(&["update-ref", &format!("refs/tags/{short}"), &tip]);
    for name in [
        short,
        "HEAD~1",
        "main",
        "HEAD",
        "",
        &root[..39],
        &format!("{root}0"),
    ] {
        let refused = |arguments: &[&str]| {
            let told = lab.error("admin-1", arguments);
            assert!(
                told.contains("is no full id of a commit") && told.contains("all of its 40 or 64"),
                "{arguments:?}: {told}"
            );
        };
        refused(&["audit", "--root", name]);
        refused(&["resolve", "churn@latest", "--root", name]);
        refused(&["trust", name]);
        refused(&["trust", &format!("{name}:models")]);
        // As git's configuration says it.
        let pinned = lab.says("admin-1", &["trust"]);
        assert!(pinned.out.contains(&root), "{pinned:?}");
        lab.git(&["config", "modelry.root", name]);
        refused(&["audit"]);
        refused(&["resolve", "churn@latest"]);
        lab.git(&["config", "--unset", "modelry.root"]);
    }
    let _ = lab.ok("admin-1", &["audit", "--root", &root]);
}

#[test]
fn the_root_of_another_registry_is_told() {
    let (lab, other) = (Lab::with_registry(), Lab::with_another_registry());
    let root = other.root();
    for arguments in [
        &["audit", "--root", &root][..],
        &["resolve", "churn@latest", "--root", &root],
    ] {
        let told = lab.error("admin-1", arguments);
        assert!(
            told.contains("this is not the registry that was pinned")
                && told.contains("compare with another clone"),
            "{arguments:?}: {told}"
        );
    }
}

#[test]
fn the_forms_of_output_are_those_that_the_command_names() {
    let lab = Lab::empty();
    for command in ["resolve", "validate", "audit", "list"] {
        let help = lab.ok("admin-1", &[command, "--help"]);
        let general = help.lines().find(|line| line.contains("The form of the output"));
        let general = general.unwrap_or_else(|| panic!("{help}"));
        assert!(!general.contains("concise"), "{general}");
    }
    // A form that there is not is answered with those that the command has.
    for (command, forms) in [
        (&["list"][..], "human, json"),
        (
            &["resolve", "churn@production"],
            "human, json, uri, env, github, kserve",
        ),
        (
            &["validate"],
            "human, concise, json, sarif, github, gitlab, junit",
        ),
    ] {
        let told = lab.error("admin-1", &[command, &["-o", "yaml"]].concat());
        let hint = format!("hint: its forms are {forms}\n");
        assert!(told.contains(&hint), "{told}");
    }
}

#[test]
fn a_day_before_the_root_is_told_the_first() {
    let lab = Lab::with_registry();
    let root = lab.root();
    let first = lab.git(&["log", "-1", "--date=format-local:%Y-%m-%d", "--format=%cd", &root]);
    let told = lab.error("admin-1", &["audit", "--root", &root, "--at", "2001-03-31"]);
    assert!(
        told.contains("no commit as old as 2001-03-31") && told.contains(&format!("of {first}")),
        "{told}"
    );
}

#[test]
fn a_name_is_no_key() {
    let lab = Lab::with_registry();
    let told = lab.error("admin-1", &["actor", "revoke-key", "risk-1", "-m", "lost"]);
    assert!(told.contains("modelry actor list"), "{told}");
    let help = lab.ok("admin-1", &["grant", "add", "--help"]);
    assert!(
        help.contains("add-evidence") && help.contains("administer"),
        "{help}"
    );
}

#[test]
fn a_clone_of_depth_one_is_told_of_checkpoints() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let clone = shallow(&lab);
    for arguments in [
        &["resolve", "churn@latest"][..],
        &["wait", "churn/1", "--for", "Approved"],
    ] {
        for trust in [&["--trust-root"][..], &["--root", &lab.root()], &[]] {
            let told = lab.error("admin-1", &[&["-C", &clone], arguments, trust].concat());
            assert!(
                told.contains("--unshallow") && told.contains("--checkpoint FILE"),
                "{arguments:?} {trust:?}: {told}"
            );
        }
    }
}

#[test]
fn an_unknown_field_is_sent_where_there_is_room() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let hint = |path: &str| {
        let old = lab.read(path);
        lab.write(path, &format!("{old}zzz: x\n"));
        let told = lab.findings("admin-1", &["validate"]);
        lab.write(path, &old);
        assert!(told.contains("`zzz` is not known here"), "{told}");
        told
    };
    let told = hint("registry.yaml");
    assert!(
        !told.contains("annotations") && told.contains("modelry schema Registry"),
        "{told}"
    );
    let told = hint("groups/churn/versions/1/version.yaml");
    assert!(told.contains("`labels` or `annotations`"), "{told}");
}

fn log(lab: &Lab) -> (String, serde_json::Value) {
    let value = serde_json::from_str(&lab.ok("admin-1", &["log", "-o", "json"])).expect("JSON");
    (lab.ok("admin-1", &["log"]), value)
}

/// The log names the signers of an unsigned commit's changes, as the audit does.
#[test]
fn the_log_tells_who_signed_what_nobody_merged() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.git(&["switch", "-q", "-c", "side"]);
    let evidence = ["evidence", "add", "churn/1", "holdout", "--metric", "auc=0.9"];
    for (who, what) in [
        ("trainer", &evidence[..]),
        ("risk-1", &["reject", "churn/1", "-m", "no"]),
    ] {
        let _ = lab.ok(who, &[what, &["--no-record-signature"]].concat());
    }
    lab.git(&["switch", "-q", "main"]);
    let merge = ["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "merge"];
    lab.git(&[&merge[..], &["side"]].concat());
    let (text, value) = log(&lab);
    let newest = &value["commits"][0];
    assert!(
        text.contains("a merge that nobody signed, of what `risk-1`, `trainer` signed"),
        "{text}"
    );
    assert_eq!(
        (&newest["signer"], &newest["authors"]),
        (
            &serde_json::Value::Null,
            &serde_json::json!(["risk-1", "trainer"])
        )
    );
    assert!(!text.contains("nobody: it is not signed"), "{text}");
    // A squash, whose records speak for themselves.
    lab.register("churn", '2');
    lab.git(&["switch", "-q", "-c", "other"]);
    let _ = lab.ok("risk-1", &["reject", "churn/2", "-m", "no"]);
    lab.git(&["switch", "-q", "main"]);
    lab.git(&["merge", "-q", "--squash", "other"]);
    lab.git(&["commit", "-q", "--no-gpg-sign", "-m", "squash"]);
    let (text, _) = log(&lab);
    assert!(
        text.contains("nobody signed the commit; `risk-1` signed its records"),
        "{text}"
    );
    // And what nobody signed at all.
    let path = "groups/churn/group.yaml";
    lab.write(path, &lab.read(path).replace("who may leave us", "who may leave"));
    lab.git(&["commit", "-q", "-a", "--no-gpg-sign", "-m", "hotfix"]);
    let (text, value) = log(&lab);
    assert!(text.contains("nobody: it is not signed"), "{text}");
    assert_eq!(value["commits"][0]["authors"], serde_json::json!([]));
}

/// The commands' own help agrees with what they take.
#[test]
fn every_form_that_a_help_names_is_taken() {
    let lab = Lab::with_registry();
    let run = |arguments: &[&str]| -> Said { said(&mut lab.modelry("admin-1", arguments)) };
    for (command, rest) in [("validate", &["HEAD~1..HEAD"][..]), ("audit", &["--trust-root"])] {
        let help = lab.ok("admin-1", &[command, "--help"]);
        let forms = help.split("Formats: ").nth(1).expect("forms");
        let forms = forms.split('.').next().expect("a sentence");
        for form in forms.split(',') {
            let form = form.split_whitespace().next().expect("a word");
            let said = run(&[&[command, "-o", form], rest].concat());
            assert_eq!(said.code, 0, "{command} -o {form}: {said:?}");
        }
    }
}
