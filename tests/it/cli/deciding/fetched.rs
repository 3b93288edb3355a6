//! A decision in a clone that has fetched another state of its object, and decides on an
//! older one.

use crate::support::Lab;
use crate::support::hub::Hub;

#[test]
fn a_decision_knows_what_was_fetched() {
    let lab = Lab::with_registry();
    lab.register("churn", '1');
    lab.register("churn", '2');
    let hub = Hub::of(lab);
    let (seat, late) = (hub.seat("a"), hub.seat("b"));
    let add = ["evidence", "add", "churn/1", "late", "--metric", "auc=0.1"];
    let _ = hub.lab.ok("trainer", &add);
    hub.lab.git(&["push", "-q"]);
    for seat in [&seat, &late] {
        seat.git(&["fetch", "-q"]);
    }
    let decisions: [&[&str]; 3] = [
        &["approve", "churn/1", "-m", "ok"],
        &["reject", "churn/1", "-m", "no"],
        &["approve", "churn/1", "-m", "ok", "--branch", "side"],
    ];
    for words in decisions {
        for more in [&["--yes"][..], &[]] {
            let said = seat.fails("risk-1", 1, &[words, more].concat());
            assert!(
                said.err.contains("churn/1 is not as `origin/main` has it"),
                "{said:?}"
            );
            assert!(
                said.err.contains("auc") && said.err.contains("`git pull --ff-only`"),
                "{said:?}"
            );
        }
        let said = seat.at_terminal("risk-1", "n", words);
        assert!(
            said.out.contains("not as `origin/main` has it") && said.out.contains("[y/N]"),
            "{said:?}"
        );
    }
    // Another version is as it was; and the line helps.
    let _ = seat.ok("risk-1", &["approve", "churn/2", "-m", "ok", "--yes"]);
    let said = seat.fails("risk-1", 1, &["approve", "churn/1", "-m", "ok", "--yes"]);
    assert!(said.err.contains("`git pull --rebase --gpg-sign`"), "{said:?}");
    late.git(&["pull", "-q", "--ff-only"]);
    let _ = late.ok("risk-1", &["approve", "churn/1", "-m", "ok", "--yes"]);
}
