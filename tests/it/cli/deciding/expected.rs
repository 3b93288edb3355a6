//! `--expect` where nothing changed behind the clone's back: the right digest is no
//! obstacle, and another one stops every decision.

use super::around::{ABOUT, DECISIONS, story};
use super::unseen::subject;

#[test]
fn every_decision_compares_the_digest() {
    let hub = story();
    let seat = hub.seat("a");
    for ((name, line), number) in DECISIONS.iter().zip(ABOUT) {
        let digest = subject(&hub, &format!("churn/{number}"));
        let with = |more: &[&'static str]| [*line, &["-m", "why", "--yes", "--push"], more].concat();
        let expect = |text: &str| -> &'static str { text.to_owned().leak() };
        // Twelve digits at least, in any of the spellings that are printed.
        for right in [&digest[7..19], &digest[7..31], &digest[..], &digest[..19]] {
            let said = seat.says("risk-1", &with(&["--dry-run", "--expect", expect(right)]));
            assert_eq!(said.code, 0, "{name} {right}: {said:?}");
        }
        let said = seat.says("risk-1", &with(&["--dry-run", "--any-content"]));
        assert_eq!(said.code, 0, "{name}: {said:?}");
        for more in [&[][..], &["--dry-run"]] {
            let wrong = [more, &["--expect", "0123456789ab"]].concat();
            let said = seat.fails("risk-1", 1, &with(&wrong));
            assert!(
                said.err.contains("0123456789ab") && said.err.contains(&digest[..31]),
                "{name}: {said:?}"
            );
        }
        for short in ["0123456789a", "xyz", ""] {
            let said = seat.fails("risk-1", 2, &with(&["--expect", expect(short)]));
            assert!(said.err.contains("--expect"), "{name} {short:?}: {said:?}");
        }
        let both = with(&["--any-content", "--expect", expect(&digest)]);
        let said = seat.fails("risk-1", 2, &both);
        assert!(said.err.contains("--any-content"), "{name}: {said:?}");
    }
}

/// The commands that ask for a digest are those that the tests drive.
#[test]
fn no_decision_is_left_out() {
    fn leaves(command: &clap::Command, at: &str, all: &mut Vec<String>) {
        if command
            .get_arguments()
            .any(|one| one.get_long() == Some("expect"))
        {
            all.push(at.trim().to_owned());
        }
        for one in command.get_subcommands() {
            leaves(one, &format!("{at} {}", one.get_name()), all);
        }
    }
    let mut all = Vec::new();
    leaves(&modelry::testing::cli::definition(), "", &mut all);
    // A policy's is tried in `unseen`.
    all.retain(|name| name != "policy approve");
    let mut tried: Vec<String> = DECISIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    all.sort();
    tried.sort();
    assert_eq!(all, tried);
}
