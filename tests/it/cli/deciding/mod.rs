//! Decisions: what somebody is shown and asked before anything is signed.

mod around;
mod expected;
mod fetched;
mod idle;
mod unseen;
mod unseen_rules;

use std::sync::OnceLock;

use crate::support::{Lab, Said};

/// A signing program that notes each call, and signs with ssh-keygen.
fn counting_signer(lab: &Lab) -> String {
    let program = lab.home().join("signer");
    let calls = lab.home().join("calls");
    let text = format!(
        "#!/bin/sh\necho signed >> {}\nexec ssh-keygen \"$@\"\n",
        calls.display()
    );
    std::fs::write(&program, text).expect("a program");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("a program");
    let program = program.to_string_lossy().into_owned();
    let _ = lab.git(&["config", "gpg.ssh.program", &program]);
    program
}

/// How often something was signed since the last look.
fn signatures(lab: &Lab) -> usize {
    let calls = lab.home().join("calls");
    let count = std::fs::read_to_string(&calls)
        .unwrap_or_default()
        .lines()
        .count();
    let _ = std::fs::remove_file(calls);
    count
}

/// A registry with two Pending versions, of which the first may be approved by
/// either reviewer.
fn two_versions() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", 'a');
        lab.register("churn", 'b');
        lab
    })
}

#[track_caller]
fn asked(said: &Said) {
    assert!(said.out.contains("Sign this as risk-1? [y/N]"), "{said:?}");
}

#[test]
fn no_decision_is_signed_without_the_question() {
    let lab = two_versions();
    let _ = counting_signer(&lab);
    let before = lab.git(&["rev-parse", "HEAD"]);
    for more in [
        &[][..],
        &["--no-commit-signature"],
        &["--no-record-signature"],
        &["-o", "json"],
    ] {
        let mut arguments = vec!["approve", "churn/1", "-m", "fine"];
        arguments.extend(more);
        let said = lab.at_terminal("risk-1", "n", &arguments);
        asked(&said);
        assert!(
            said.out.contains("not signed, and nothing was written"),
            "{said:?}"
        );
        assert_eq!(said.code, 1, "looking is no failure: {said:?}");
        assert_eq!(signatures(&lab), 0, "{more:?}");
        assert_eq!(lab.git(&["rev-parse", "HEAD"]), before);
    }
    let said = lab.at_terminal(
        "risk-1",
        "y",
        &["approve", "churn/1", "-m", "fine", "--no-commit-signature"],
    );
    asked(&said);
    assert_eq!(
        (said.code, signatures(&lab)),
        (0, 1),
        "the record alone: {said:?}"
    );
    assert!(
        said.out.contains("status churn/1 Pending -> Approved"),
        "{said:?}"
    );
    // A move that others authorised is a decision too.
    assert!(
        lab.read("groups/churn/versions/1/reviews/risk-1.yaml")
            .contains("\nsignature: |\n")
    );
}

#[test]
fn a_dry_run_signs_nothing() {
    let lab = two_versions();
    let _ = counting_signer(&lab);
    for more in [&[][..], &["--no-commit-signature"], &["--no-record-signature"]] {
        let mut arguments = vec!["approve", "churn/1", "-m", "fine", "--dry-run"];
        arguments.extend(more);
        let out = lab.ok("risk-1", &arguments);
        assert!(out.contains("status churn/1 Pending -> Approved"), "{out}");
        assert_eq!(signatures(&lab), 0, "{more:?}");
    }
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine"]);
    assert_eq!(signatures(&lab), 2, "the record and the commit");
    // It judges as the unsigned commit would be judged.
    let out = lab.findings(
        "trainer",
        &[
            "annotate",
            "churn/2",
            "--label",
            "a=b",
            "--no-commit-signature",
            "--dry-run",
        ],
    );
    assert!(out.contains("MR301"), "{out}");
    assert_eq!(signatures(&lab), 0);
}

#[test]
fn settling_asks_too() {
    let lab = two_versions();
    let _ = counting_signer(&lab);
    // One approval is enough by the policy that comes after it.
    lab.change_policy("required: 1", "required: 2");
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine"]);
    lab.change_policy("required: 2", "required: 1");
    let _ = signatures(&lab);
    let said = lab.at_terminal("risk-1", "n", &["settle", "churn/1"]);
    asked(&said);
    assert_eq!(signatures(&lab), 0);
    let said = lab.at_terminal("risk-1", "y", &["settle", "churn/1"]);
    assert_eq!((said.code, signatures(&lab)), (0, 1), "{said:?}");
}

#[test]
fn notes_are_shown_once_whatever_is_signed() {
    let lab = Lab::with_registry();
    lab.register("churn", 'a');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine"]);
    let _ = lab.ok(
        "admin-1",
        &[
            "grant",
            "add",
            "team:risk",
            "--allow",
            "promote",
            "--groups",
            "*",
            "--stages",
            "staging,production",
        ],
    );
    let _ = lab.ok("risk-1", &["promote", "churn/1", "staging"]);
    let note = "churn/1 serves `staging` already";
    let said = lab.at_terminal(
        "risk-1",
        "y",
        &[
            "promote",
            "churn/1",
            "staging",
            "production",
            "--no-commit-signature",
        ],
    );
    assert_eq!(said.out.matches(note).count(), 1, "{said:?}");
    assert_eq!(said.code, 0, "{said:?}");
}

/// Somebody at a terminal whose standard error goes elsewhere would not see what is
/// signed.
#[test]
fn a_decision_that_is_not_seen_is_not_signed() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let before = lab.git(&["rev-parse", "HEAD"]);
    let program = env!("CARGO_BIN_EXE_modelry");
    let types = |more: &str| {
        let line = format!("{program} approve churn/1 -m good {more} 2>../said");
        let said = lab.line_at_terminal(&lab.top, "risk-1", "y", &line);
        let beside = std::fs::read_to_string(lab.home().join("said")).expect("what was said");
        (said.code, format!("{}{beside}", said.out))
    };
    let (code, said) = types("");
    assert_eq!((code, &lab.git(&["rev-parse", "HEAD"])), (1, &before), "{said}");
    assert!(
        said.contains("only one of the two is a terminal") && said.contains("approve churn/1 -m good --yes`"),
        "{said}"
    );
    // A pipe does not answer for the person at the terminal.
    let line = format!("echo n | {program} approve churn/1 -m good");
    let said = lab.line_at_terminal(&lab.top, "risk-1", "y", &line);
    assert_eq!(
        (said.code, &lab.git(&["rev-parse", "HEAD"])),
        (1, &before),
        "{said:?}"
    );
    let (code, said) = types("--dry-run");
    assert_eq!((code, &lab.git(&["rev-parse", "HEAD"])), (0, &before), "{said}");
    let (code, said) = types("--yes");
    assert_eq!(code, 0, "{said}");
    assert_ne!(lab.git(&["rev-parse", "HEAD"]), before);
}
