//! A person signs only what that person saw: every decision, on an object that
//! moved behind the clone's back.

use crate::support::Lab;
use crate::support::hub::{Hub, Seat};

/// Two approvals are asked for, and everybody of the team may do everything.
pub(super) fn hub() -> Hub {
    let lab = Lab::with_registry();
    let everything = "approve,reject,archive,delete,register,add-evidence";
    let _ = lab.ok(
        "admin-1",
        &[
            "grant",
            "add",
            "team:risk",
            "--allow",
            everything,
            "--groups",
            "*",
        ],
    );
    let stages = ["--stages", "staging,production"];
    let promote = ["grant", "add", "team:risk", "--allow", "promote", "--groups", "*"];
    let _ = lab.ok("admin-1", &[&promote[..], &stages].concat());
    for mark in ['1', '2', '3', '4', '5', '6'] {
        lab.register("churn", mark);
    }
    Hub::of(lab)
}

/// The digest of a version's content as the hub's own clone shows it.
pub(super) fn subject(hub: &Hub, version: &str) -> String {
    let shown = hub.lab.ok("risk-1", &["show", version, "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    shown["subject"].as_str().expect("a digest").to_owned()
}

/// One decision on each of three objects that moved.
struct Case<'c> {
    /// Their state before, which is seen.
    before: &'c dyn Fn(&Hub),
    /// The changes that others make, in the hub's own clone.
    moves: &'c dyn Fn(&Hub),
    /// The decision on each.
    commands: [&'c [&'c str]; 3],
    /// The words of `diff` for the change.
    words: &'c str,
    /// The digest that is expected of the first.
    expected: &'c dyn Fn(&Hub) -> String,
}

impl Case<'_> {
    #[track_caller]
    fn holds(&self) {
        let hub = hub();
        (self.before)(&hub);
        hub.lab.git(&["push", "-q"]);
        let seats: Vec<Seat<'_>> = ["a", "b", "c"].iter().map(|name| hub.seat(name)).collect();
        (self.moves)(&hub);
        hub.lab.git(&["push", "-q"]);
        let expected = (self.expected)(&hub);
        let with = |index: usize, more: &[&'static str]| -> Vec<String> {
            let all = self.commands[index]
                .iter()
                .chain(&["-m", "why", "--push"])
                .chain(more);
            all.map(|word| (*word).to_owned()).collect()
        };
        let words = |all: &[String]| -> Vec<String> { all.to_vec() };
        let refs = |all: &[String]| -> Vec<&'static str> {
            words(all).into_iter().map(|word| &*word.leak()).collect()
        };
        // Without an answer it stops, says what changed, and has the line to type.
        for more in [&["--yes"][..], &[]] {
            let said = seats[0].fails("risk-1", 1, &refs(&with(0, more)));
            assert!(said.err.contains("not as this clone showed it"), "{said:?}");
            assert!(said.err.contains(self.words), "{said:?}");
            let line = format!("--expect {}`", &expected["sha256:".len()..31]);
            assert!(said.err.contains(&line), "{line}\n{said:?}");
        }
        let other = [
            &with(0, &["--yes"])[..],
            &["--expect".into(), "0123456789ab".into()],
        ]
        .concat();
        let said = seats[0].fails("risk-1", 1, &refs(&other));
        assert!(
            said.err.contains("0123456789ab") && said.err.contains(&expected[..31]),
            "{said:?}"
        );
        // On a terminal it shows that, and asks.
        let tip = hub.tip();
        let said = seats[0].at_terminal("risk-1", "n", &refs(&with(0, &[])));
        assert!(
            said.out.contains(self.words) && said.out.contains("[y/N]"),
            "{said:?}"
        );
        assert_eq!(hub.tip(), tip, "{said:?}");
        // The named content lands, and so does any content where that is said.
        let named = [
            &with(0, &["--yes"])[..],
            &["--expect".into(), format!("{}…", &expected[..19])],
        ]
        .concat();
        let _ = seats[0].ok("risk-1", &refs(&named));
        let _ = seats[1].ok("risk-1", &refs(&with(1, &["--yes", "--any-content"])));
        let said = seats[2].at_terminal("risk-1", "y", &refs(&with(2, &[])));
        assert!(said.code == 0 && said.out.contains(self.words), "{said:?}");
        hub.check();
    }
}

fn nothing(_: &Hub) {}

/// Evidence comes to the first three versions.
fn measure(hub: &Hub) {
    for version in ["churn/1", "churn/2", "churn/3"] {
        let _ = hub.lab.ok(
            "trainer",
            &["evidence", "add", version, "late", "--metric", "auc=0.1"],
        );
    }
}

fn approve(hub: &Hub, who: &str) {
    for version in ["churn/1", "churn/2", "churn/3"] {
        let _ = hub.lab.ok(who, &["approve", version, "-m", "fine"]);
    }
}

fn two_approvals(hub: &Hub) {
    hub.lab.change_policy("required: 1", "required: 2");
}

fn of_first(hub: &Hub) -> String {
    subject(hub, "churn/1")
}

#[test]
fn approve_what_changed() {
    Case {
        before: &nothing,
        moves: &measure,
        commands: [
            &["approve", "churn/1"],
            &["approve", "churn/2"],
            &["approve", "churn/3"],
        ],
        words: "add evidence late to churn",
        expected: &of_first,
    }
    .holds();
}

#[test]
fn reject_what_changed() {
    Case {
        before: &nothing,
        moves: &measure,
        commands: [
            &["reject", "churn/1"],
            &["reject", "churn/2"],
            &["reject", "churn/3"],
        ],
        words: "add evidence late to churn",
        expected: &of_first,
    }
    .holds();
}

#[test]
fn withdraw_from_what_changed() {
    Case {
        before: &|hub| {
            two_approvals(hub);
            approve(hub, "risk-1");
        },
        moves: &measure,
        commands: [
            &["withdraw", "churn/1"],
            &["withdraw", "churn/2"],
            &["withdraw", "churn/3"],
        ],
        words: "add evidence late to churn",
        expected: &of_first,
    }
    .holds();
}

#[test]
fn promote_what_changed() {
    Case {
        before: &nothing,
        moves: &|hub| approve(hub, "risk-2"),
        commands: [
            &["promote", "churn/1", "production"],
            &["promote", "churn/2", "production"],
            &["promote", "churn/3", "production"],
        ],
        words: "from Pending to Approved",
        expected: &of_first,
    }
    .holds();
}

#[test]
fn promote_over_what_serves_by_now() {
    let hub = hub();
    approve(&hub, "risk-2");
    hub.lab.git(&["push", "-q"]);
    let seat = hub.seat("a");
    let _ = hub.lab.ok("risk-2", &["promote", "churn/2", "production"]);
    hub.lab.git(&["push", "-q"]);
    let said = seat.fails(
        "risk-1",
        1,
        &["promote", "churn/1", "production", "--push", "--yes"],
    );
    assert!(
        said.err.contains("move churn@production from nothing to 2"),
        "{said:?}"
    );
}

#[test]
fn roll_back_what_changed() {
    Case {
        before: &|hub| {
            approve(hub, "risk-2");
            let _ = hub
                .lab
                .ok("risk-2", &["promote", "churn/1", "staging", "production"]);
            let _ = hub
                .lab
                .ok("risk-2", &["promote", "churn/2", "staging", "production"]);
        },
        moves: &|hub| {
            let _ = hub
                .lab
                .ok("risk-2", &["promote", "churn/3", "staging", "production"]);
        },
        commands: [
            &["rollback", "churn", "production", "--to", "1"],
            &["rollback", "churn", "staging"],
            &["rollback", "churn", "production", "--empty"],
        ],
        words: "move churn@production from 2 to ",
        expected: &of_first,
    }
    .holds();
}

#[test]
fn archive_what_changed() {
    Case {
        before: &nothing,
        moves: &|hub| approve(hub, "risk-2"),
        commands: [
            &["archive", "churn/1"],
            &["archive", "churn/2"],
            &["archive", "churn/3"],
        ],
        words: "from Pending to Approved",
        expected: &of_first,
    }
    .holds();
}

#[test]
fn delete_what_changed() {
    Case {
        before: &nothing,
        moves: &|hub| {
            for version in ["churn/1", "churn/2", "churn/3"] {
                let _ = hub.lab.ok("risk-2", &["reject", version, "-m", "no"]);
            }
        },
        commands: [
            &["delete", "churn/1"],
            &["delete", "churn/2"],
            &["delete", "churn/3"],
        ],
        words: "from Pending to Rejected",
        expected: &of_first,
    }
    .holds();
}

#[test]
fn settle_what_was_never_shown() {
    Case {
        before: &two_approvals,
        moves: &|hub| {
            for mark in ['7', '8', '9'] {
                hub.lab.register("churn", mark);
            }
            for version in ["churn/7", "churn/8", "churn/9"] {
                let _ = hub.lab.ok("risk-2", &["approve", version, "-m", "fine"]);
            }
            hub.lab.change_policy("required: 2", "required: 1");
        },
        commands: [
            &["settle", "churn/7"],
            &["settle", "churn/8"],
            &["settle", "churn/9"],
        ],
        words: "register churn/",
        expected: &|hub| subject(hub, "churn/7"),
    }
    .holds();
}

#[test]
fn approve_a_policy_that_changed() {
    let hub = hub();
    let _ = hub
        .lab
        .ok("admin-1", &["grant", "add", "risk-1", "--allow", "administer"]);
    hub.lab
        .change_policy("approvals:", "policyChange:\n  required: 2\napprovals:");
    hub.lab.git(&["push", "-q"]);
    let propose = |more: &[&str]| {
        let _ = hub.lab.ok("admin-1", &[more, &["--branch", "proposal"]].concat());
        hub.lab.git(&["push", "-q", "-f", "origin", "proposal"]);
    };
    propose(&["team", "add", "audit", "risk-1"]);
    let seats: Vec<Seat<'_>> = ["a", "b", "c"].iter().map(|name| hub.seat(name)).collect();
    let command = [
        "policy",
        "approve",
        "origin/proposal",
        "--branch",
        "proposal",
        "-m",
        "as agreed",
        "--push",
    ];
    let with = |more: &[&'static str]| [&command[..], more].concat();
    propose(&["grant", "add", "trainer", "--allow", "approve", "--groups", "*"]);
    let said = seats[0].fails("risk-1", 1, &with(&["--yes"]));
    assert!(
        said.err
            .contains("not as this clone showed it: the proposed policy"),
        "{said:?}"
    );
    assert!(said.err.contains("asks for less, or allows more:"), "{said:?}");
    assert!(said.err.contains("approve"), "{said:?}");
    let seat = hub.seat("fresh");
    // It lands in no way yet.
    let pending = |seat: &Seat<'_>| -> serde_json::Value {
        let said = seat.fails("risk-1", 1, &["policy", "show", "origin/proposal", "-o", "json"]);
        serde_json::from_str(&said.out).expect("JSON")
    };
    let shown = pending(&seat);
    let digest = shown["subject"].as_str().expect("a digest");
    assert!(
        said.err.contains(&format!("--expect {}", &digest[7..31])),
        "{said:?}"
    );
    let said = seats[0].at_terminal("risk-1", "n", &with(&[]));
    assert!(
        said.out.contains("allows more") && said.out.contains("[y/N]"),
        "{said:?}"
    );
    let said = seats[0].fails("risk-1", 1, &with(&["--yes", "--expect", "0123456789ab"]));
    assert!(
        said.err.contains("0123456789ab") && said.err.contains(&digest[..31]),
        "{said:?}"
    );
    let any = seats[1].says("risk-1", &with(&["--dry-run", "--any-content"]));
    assert_eq!(any.code, 0, "{any:?}");
    let said = seats[2].at_terminal("risk-1", "y", &with(&["--dry-run"]));
    assert!(said.code == 0 && said.out.contains("allows more"), "{said:?}");
    let expect: &'static str = digest[..19].to_owned().leak();
    let _ = seats[0].ok("risk-1", &with(&["--yes", "--expect", expect]));
    let agreed = pending(&seat);
    assert_eq!(agreed["enough"], false, "this clone has not fetched it");
    let shown = hub
        .seat("later")
        .json("risk-1", &["policy", "show", "origin/proposal"]);
    assert!(shown["counted"].to_string().contains("risk-1"), "{shown}");
}

#[test]
fn a_race_is_looked_at_again() {
    let hub = hub();
    let seat = hub.seat("a");
    let modelry = env!("CARGO_BIN_EXE_modelry");
    // Somebody lands evidence while the approval is about to be pushed.
    seat.hook(
        "pre-push",
        &format!(
            "test -e ../raced && exit 0\ntouch ../raced\nunset GIT_DIR\ncd {}\n\
             GIT_CONFIG_VALUE_0={} GIT_AUTHOR_EMAIL=trainer@example.com exec {modelry} evidence add churn/1 late --metric auc=0.1 --push >&2",
            hub.lab.top.display(),
            hub.lab.key("trainer").display(),
        ),
    );
    let said = seat.says("risk-1", &["approve", "churn/1", "-m", "fine", "--push", "--yes"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("add evidence late to churn/1"), "{said:?}");
    assert!(
        !hub.files()
            .iter()
            .any(|file| file.ends_with("reviews/risk-1.yaml"))
    );
    hub.check();
}

#[test]
fn what_was_shown_here_needs_no_words() {
    let hub = hub();
    let seat = hub.seat("a");
    // Others go on with something else.
    let _ = hub.lab.ok(
        "trainer",
        &["evidence", "add", "churn/2", "late", "--metric", "auc=0.1"],
    );
    let _ = hub
        .lab
        .ok("trainer", &["annotate", "churn/1", "--label", "team=risk"]);
    hub.lab.git(&["push", "-q"]);
    let _ = seat.ok("risk-1", &["approve", "churn/1", "-m", "fine", "--push", "--yes"]);
    // A wrong digest stops also what did not move.
    let said = seat.fails(
        "risk-1",
        1,
        &[
            "approve",
            "churn/3",
            "-m",
            "fine",
            "--expect",
            "0123456789ab",
            "--yes",
        ],
    );
    assert!(said.err.contains(&subject(&hub, "churn/3")[..31]), "{said:?}");
    let said = seat.fails(
        "risk-1",
        2,
        &["approve", "churn/3", "-m", "fine", "--expect", "0123"],
    );
    assert!(said.err.contains("12 to 64 hexadecimal digits"), "{said:?}");
    let json = seat.says(
        "risk-1",
        &[
            "approve",
            "churn/3",
            "-m",
            "fine",
            "--expect",
            "0123456789ab",
            "-o",
            "json",
        ],
    );
    let json: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(json["refused"]["subjects"]["churn/3"], subject(&hub, "churn/3"));
}

#[test]
fn the_digest_is_printed_where_people_look() {
    let hub = hub();
    let digest = of_first(&hub);
    let shown = hub.lab.ok("risk-1", &["show", "churn/1"]);
    assert!(
        shown.contains(&format!("--expect {}`", &digest[7..31])),
        "{shown}"
    );
    let listed = hub.lab.ok("risk-1", &["list", "churn", "-o", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    let versions = listed["versions"].as_array().expect("versions");
    assert!(
        versions
            .iter()
            .any(|it| it["version"] == 1 && it["subject"] == digest.as_str()),
        "{listed}"
    );
    let page = hub.lab.ok("risk-1", &["diff", "HEAD~6..HEAD", "-o", "markdown"]);
    assert!(
        page.contains(&format!(
            "modelry approve churn/1 -m \"why\" --expect {}",
            &digest[7..31]
        )),
        "{page}"
    );
}

/// The content that is there already is not the one that somebody expects.
#[test]
fn a_wrong_digest_stops_also_what_is_there_already() {
    let hub = hub();
    let lab = &hub.lab;
    let digest = of_first(&hub);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine"]);
    let approve: &[&str] = &["approve", "churn/1", "-m", "fine"];
    already(lab, "risk-1", approve, &digest);
    already(lab, "risk-2", &["settle", "churn/1"], &digest);
    let _ = lab.ok("risk-1", &["promote", "churn/1", "staging", "-m", "go"]);
    already(
        lab,
        "risk-1",
        &["promote", "churn/1", "staging", "-m", "go"],
        &digest,
    );
}

#[track_caller]
fn already(lab: &Lab, who: &str, arguments: &[&str], digest: &str) {
    let before = lab.git(&["rev-parse", "HEAD"]);
    for more in [&[][..], &["--yes"], &["--dry-run"]] {
        let with = |expected| [arguments, more, &["--expect", expected]].concat();
        let said = lab.says(who, &with("000000000000"));
        assert_eq!(said.code, 1, "{said:?}");
        assert!(
            said.err.contains(&digest[..31]) && said.err.contains("`--expect` says sha256:000000000000"),
            "{said:?}"
        );
        assert!(!said.err.contains("already"), "{said:?}");
        let said = lab.says(who, &with(&digest[7..31]));
        assert_eq!(said.code, 0, "{said:?}");
    }
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), before);
}
