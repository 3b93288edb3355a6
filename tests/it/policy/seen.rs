//! Reviews of a policy by a person who looked at nothing else: the command shows what is
//! signed, and signs only what a commit holds. A proposal is shown on the fetched mainline.

use crate::support::Lab;
use crate::support::hub::Hub;

const LESS: &str =
    "policy 7 -> 8: asks for less, or allows more: *: gate good: metrics.auc >= 0.80 -> metrics.auc >= 0.10";

/// A registry with a gate, and a branch `proposal` that lowers it.
fn lowered() -> Lab {
    let lab = Lab::with_registry();
    lab.change_policy(
        "    required: 1\n",
        "    required: 1\n    gates:\n      - {name: good, require: metrics.auc >= 0.80}\n",
    );
    lab.git(&["switch", "-q", "-c", "proposal"]);
    lab.write("registry.yaml", &lab.policy_with(">= 0.80", ">= 0.10"));
    lab.commit("risk-1", "easier");
    lab
}

/// The line for the change, whatever the serials are.
fn line(lab: &Lab) -> String {
    let text = lab.read("registry.yaml");
    let serial = text.lines().find_map(|line| line.strip_prefix("serial: "));
    let serial: u64 = serial.expect("a serial").trim().parse().expect("a number");
    LESS.replace("7 -> 8", &format!("{} -> {serial}", serial - 1))
}

#[test]
fn a_review_of_a_policy_shows_its_change_before_the_question() {
    let lab = lowered();
    let line = line(&lab);
    let named = [
        "policy", "approve", "proposal", "--branch", "proposal", "-m", "ok",
    ];
    let here = ["policy", "approve", "-m", "ok"];
    for words in [&named[..], &here] {
        let lab = lab.copy();
        if words.len() == named.len() {
            lab.git(&["switch", "-q", "main"]);
        }
        let said = lab.at_terminal("admin-1", "n", words);
        let shown = said.out.find(&line).unwrap_or_else(|| panic!("{said:?}"));
        assert!(shown < said.out.find("[y/N]").expect("a question"), "{said:?}");
        for more in ["--dry-run", "--yes"] {
            let said = lab.says("admin-1", &[words, &[more]].concat());
            assert!(
                said.code == 0 && said.err.contains(&format!("note: {line}")),
                "{said:?}"
            );
        }
    }
    let hub = Hub::of(lab);
    hub.lab.git(&["push", "-q", "origin", "proposal", "main"]);
    let seat = hub.seat("a");
    let remote = [
        "policy",
        "approve",
        "origin/proposal",
        "--branch",
        "proposal",
        "--push",
        "-m",
        "ok",
    ];
    let said = seat.at_terminal("admin-1", "y", &remote);
    assert!(said.code == 0 && said.out.contains(&line), "{said:?}");
}

#[test]
fn a_review_is_of_a_policy_that_a_commit_holds() {
    let lab = Lab::with_registry();
    let text = lab.policy_with("required: 1", "required: 2");
    let approve = ["policy", "approve", "-m", "why", "--yes"];
    let refuses = |lab: &Lab, state: &str| {
        let head = lab.git(&["rev-parse", "HEAD"]);
        let said = lab.error("admin-1", &approve);
        assert!(said.contains("`registry.yaml` has uncommitted changes"), "{said}");
        assert_eq!(lab.git(&["rev-parse", "HEAD"]), head);
        assert_eq!(lab.git(&["status", "--porcelain"]).trim(), state);
        let line = said.split('`').find(|part| part.contains("git commit"));
        line.expect("a line").to_owned()
    };
    // Staged, and put back on disk.
    let staged = lab.copy();
    let before = staged.read("registry.yaml");
    staged.write("registry.yaml", &text);
    staged.git(&["add", "registry.yaml"]);
    staged.write("registry.yaml", &before);
    let _ = refuses(&staged, "MM registry.yaml");
    // On disk alone: the line proposes it, and then it is approved.
    lab.write("registry.yaml", &text);
    let line = refuses(&lab, "M registry.yaml");
    assert!(
        line.starts_with("git switch -c proposal && git commit -S"),
        "{line}"
    );
    let mut shell = lab.command("sh");
    lab.as_actor(&mut shell, "admin-1");
    let output = shell.args(["-c", &line]).current_dir(&lab.top).output();
    assert!(output.expect("sh").status.success(), "{line}");
    let _ = lab.ok("admin-1", &approve);
    let _ = lab.ok("admin-1", &["validate", "--onto", "main", "--landing", "squash"]);
    // On a branch the line commits it there.
    lab.write("registry.yaml", &lab.policy_with("required: 2", "required: 3"));
    let line = refuses(&lab, "M registry.yaml");
    assert!(line.starts_with("git commit -S"), "{line}");
}

#[test]
fn a_proposal_is_shown_as_it_lands_on_the_fetched_mainline() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    seat.git(&["switch", "-q", "-c", "proposal"]);
    let _ = seat.ok("admin-1", &["team", "add", "risk", "admin-1"]);
    seat.git(&["push", "-q", "origin", "proposal"]);
    let shown = seat.ok("admin-1", &["policy", "show", "proposal"]);
    assert!(
        shown.contains("lands by merge and squash") || shown.contains("anybody can land it"),
        "{shown}"
    );
    // Another policy of the same serial lands.
    hub.lab.change_policy("required: 1", "required: 2");
    hub.lab.git(&["push", "-q"]);
    seat.git(&["fetch", "-q"]);
    let judged = seat.says(
        "admin-1",
        &["validate", "--onto", "origin/main", "proposal", "-o", "concise"],
    );
    assert_eq!(judged.code, 1, "{judged:?}");
    let said = seat.says("admin-1", &["policy", "show", "proposal"]);
    assert!(
        said.code == 1 && said.out.contains("it can't land as it is"),
        "{said:?}"
    );
    assert!(
        said.err
            .contains("`main` lacks 1 commit of `origin/main`, which is read"),
        "{said:?}"
    );
    // The branch goes on elsewhere.
    let other = hub.seat("b");
    other.git(&["switch", "-q", "proposal"]);
    other.git(&["commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "more"]);
    other.git(&["push", "-q"]);
    seat.git(&["fetch", "-q"]);
    let said = seat.says("admin-1", &["policy", "show", "proposal"]);
    let note = "`proposal` lacks 1 commit of `origin/proposal`";
    assert!(said.err.contains(note), "{said:?}");
    assert!(
        said.err.contains("`modelry policy show origin/proposal`"),
        "{said:?}"
    );
    let said = seat.says("admin-1", &["policy", "show", "origin/proposal"]);
    assert!(!said.err.contains(note), "{said:?}");
}
