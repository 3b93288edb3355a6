//! Command lines that ask for nothing, or for what there is already, say so.

use crate::support::Lab;
use crate::support::hub::Hub;

#[test]
fn an_annotation_says_what_changes() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let told = lab.error("trainer", &["annotate", "churn/1"]);
    for option in ["--description", "--label", "--annotation"] {
        assert!(told.contains(option), "{told}");
    }
}

#[test]
fn a_limit_shows_something() {
    let lab = Lab::with_registry();
    for arguments in [["list", "--limit", "0"], ["log", "--limit", "0"]] {
        let told = lab.error("admin-1", &arguments);
        assert!(told.contains("a limit is 1 or more"), "{told}");
    }
}

#[test]
fn a_deleted_group_is_said_to_be_deleted() {
    let lab = Lab::with_registry();
    let _ = lab.ok("admin-1", &["group", "create", "gone"]);
    let _ = lab.ok(
        "admin-1",
        &["group", "delete", "gone", "-m", "of no use", "--yes"],
    );
    let told = lab.error("admin-1", &["list", "gone"]);
    assert!(told.contains("group `gone` was deleted"), "{told}");
    let log = lab.ok("admin-1", &["log", "gone"]);
    assert!(
        told.contains("`modelry log gone`") && log.contains("group gone deleted"),
        "{told}{log}"
    );
    let shown = lab.ok("admin-1", &["show", "gone"]);
    assert!(
        shown.contains("deleted by admin-1")
            && shown.contains("of no use")
            && !shown.contains("Register one"),
        "{shown}"
    );
}

#[test]
fn a_withdrawal_of_no_effect_names_what_its_author_may_do() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "ok"]);
    let said = lab.says("risk-1", &["withdraw", "churn/1", "-m", "no"]);
    assert!(
        said.err.contains("retire it: `modelry archive churn/1"),
        "{said:?}"
    );
    lab.change_policy("approve, reject, archive, delete", "approve, reject, delete");
    let said = lab.says("risk-1", &["withdraw", "churn/1", "-m", "no"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err
            .contains("ask `admin-1` to retire it: `modelry archive churn/1 -m REASON`"),
        "{said:?}"
    );
}

#[test]
fn one_administrator_is_no_plural() {
    let lab = Lab::with_registry();
    let text = lab.policy_with("administer", "create-group");
    lab.write("registry.yaml", &text);
    let told = lab.findings("admin-1", &["validate"]);
    assert!(told.contains("needs 1 administrator to change it"), "{told}");
}

#[test]
fn a_commit_is_made_on_no_branch_that_a_fetch_keeps() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    hub.git(&["branch", "pr", "main"]);
    seat.git(&["fetch", "-q"]);
    for more in [&[][..], &["--push"], &["--pr"]] {
        let words = ["group", "create", "one", "--branch", "origin/pr"];
        let said = seat.fails("admin-1", 2, &[&words[..], more].concat());
        assert!(said.err.contains("`--branch pr`"), "{said:?}");
    }
    let _ = seat.ok("admin-1", &["group", "create", "one", "--branch", "pr", "--push"]);
    assert_ne!(hub.git(&["rev-parse", "pr"]), hub.tip());
}

#[test]
fn a_record_without_a_signature_of_its_own_lands_by_a_merge() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    let approve = ["approve", "churn/1", "-m", "ok", "--yes", "--no-record-signature"];
    let said = lab.says("risk-1", &[&approve[..], &["--branch", "pr"]].concat());
    assert!(
        said.code == 0 && said.err.contains("lands by a merge only"),
        "{said:?}"
    );
    let said = lab.says("risk-1", &approve);
    assert!(said.code == 0 && !said.err.contains("merge"), "{said:?}");
}

/// A retry of a pipeline takes no second number.
#[test]
fn a_proposal_that_is_open_is_found() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    let first = seat.register("two", &["--pr"]);
    for seat in [&seat, &other] {
        let again = seat.register("two", &["--pr"]);
        assert_eq!(again["existing"], true, "{again}");
        assert_eq!(again["branch"], first["branch"]);
        assert_eq!(again["remote"], "origin");
        assert_eq!(again["objects"][0]["number"], 2);
    }
    assert_eq!(hub.git(&["branch", "--list", "modelry/*"]).lines().count(), 1);
    let more = seat.register("two", &["--pr", "--allow-duplicate"]);
    assert_eq!(more["branch"], "modelry/churn/3");
}
