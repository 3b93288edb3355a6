//! Remedies of findings about histories, which no single case of `fixtures/rules` shows.

use std::path::Path;

use crate::policy::emergency::fingerprint;
use crate::support::{Lab, said};

/// Types a line as somebody.
#[track_caller]
fn typed(lab: &Lab, who: &str, line: &str) {
    let mut shell = lab.command("sh");
    lab.as_actor(&mut shell, who);
    let program = Path::new(env!("CARGO_BIN_EXE_modelry"));
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = program.parent().expect("a folder").display();
    let line = line.replace("REASON", "'because of it'");
    shell
        .env("PATH", format!("{bin}:{path}"))
        .args(["-c", &line])
        .current_dir(&lab.top);
    let said = said(&mut shell);
    assert_eq!(said.code, 0, "{line}: {said:?}");
}

/// A version that a stolen key approved, and that serves a stage: it is taken out,
/// archived and accepted in the order of the remedy.
#[test]
fn a_wrong_version_that_serves_is_retired_in_the_order_of_the_remedy() {
    let lab = Lab::with_registry();
    let stages = [
        "grant",
        "add",
        "risk-2",
        "--allow",
        "promote",
        "--groups",
        "*",
        "--stages",
        "production,staging",
    ];
    let _ = lab.ok("admin-1", &stages);
    lab.register("churn", '1');
    let since = lab.git(&["rev-parse", "HEAD"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "ok", "--yes"]);
    let _ = lab.ok(
        "risk-2",
        &["promote", "churn/1", "production", "-m", "ok", "--yes"],
    );
    let key = fingerprint(&lab, "risk-1");
    let revoke = [
        "actor",
        "revoke-key",
        &key,
        "--since",
        &since,
        "-m",
        "stolen",
        "--yes",
    ];
    let _ = lab.ok("admin-1", &revoke);
    let audit = lab.findings("admin-1", &["audit"]);
    let remedy = audit
        .lines()
        .find(|line| line.contains("= do: look at it; churn/1"))
        .expect("a remedy");
    let wrong = remedy.split_once("if it is wrong").expect("the second way").1;
    let lines: Vec<&str> = wrong.split('`').skip(1).step_by(2).collect();
    for line in lines.iter().filter(|line| line.starts_with("modelry ")) {
        typed(&lab, "risk-2", &format!("{line} --yes"));
    }
    let entry = lines.last().expect("an entry");
    lab.change_policy("actors:\n", &format!("{entry}\nactors:\n"));
    let _ = lab.ok("admin-1", &["audit"]);
    assert!(lab.ok("admin-1", &["show", "churn/1"]).contains("Archived"));
}

/// No grant helps a machine without a living owner, so none is offered.
#[test]
fn a_machine_without_an_owner_is_told_so() {
    let lab = Lab::with_registry();
    let key = lab.public_key("owner");
    let _ = lab.ok("admin-1", &["actor", "add", "owner", "--key", &key]);
    let key = lab.public_key("bot");
    let bot = [
        "actor", "add", "bot", "--kind", "machine", "--owner", "owner", "--key", &key,
    ];
    let _ = lab.ok("admin-1", &bot);
    let grant = ["grant", "add", "bot", "--allow", "register", "--groups", "*"];
    let _ = lab.ok("admin-1", &grant);
    let _ = lab.ok("admin-1", &["actor", "retire", "owner", "-m", "gone", "--yes"]);
    let digest = format!("sha256:{}", "a".repeat(64));
    let register = ["register", "churn", "--artifact", "s3://m/1", "--digest", &digest];
    let told = lab.findings("bot", &register);
    assert!(
        told.contains("MR307")
            && told.contains("machine `bot` has no living owner (MR410)")
            && told.contains("under `owners` of `bot`")
            && !told.contains("modelry grant add"),
        "{told}"
    );
    lab.change_policy("owners: [owner]", "owners: [admin-1]");
    let _ = lab.ok("bot", &register);
}

/// The author of a version holds the grant to approve and can't use it there: somebody
/// else is named.
#[test]
fn an_approver_is_named_whose_approval_would_count() {
    let lab = Lab::with_registry();
    let grant = [
        "grant", "add", "risk-1", "--allow", "register", "--groups", "churn",
    ];
    let _ = lab.ok("admin-1", &grant);
    let key = lab.public_key("zoe");
    let _ = lab.ok("admin-1", &["actor", "add", "zoe", "--key", &key]);
    let digest = format!("sha256:{}", "a".repeat(64));
    let register = ["register", "churn", "--artifact", "s3://m/1", "--digest", &digest];
    let _ = lab.ok("risk-1", &register);
    let told = lab.findings("zoe", &["approve", "churn/1", "-m", "ok", "--yes"]);
    assert!(told.contains("MR307") && !told.contains("let `risk-1`"), "{told}");
    assert!(told.contains("do it instead"), "{told}");
}

/// A gate that no content can meet: no evidence helps, so none is asked for.
#[test]
fn a_gate_that_no_version_can_meet_is_for_an_administrator() {
    let lab = Lab::with_registry();
    lab.change_policy(
        "    required: 1\n",
        "    required: 1\n    gates:\n      - {name: fair, require: evidence.bias.gap <= 0.1}\n",
    );
    lab.register("churn", '1');
    let evidence = ["evidence", "add", "churn/1", "bias", "--metric", "gap=0.05"];
    let _ = lab.ok("trainer", &evidence);
    let told = lab.findings("risk-1", &["approve", "churn/1", "-m", "ok", "--yes"]);
    let wanted =
        "ask an administrator to mend the gate in `registry.yaml`: no version can have `evidence.bias.gap`";
    assert!(told.contains(wanted) && !told.contains("evidence add"), "{told}");
    let told = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(told.contains("an administrator's: mend the gate"), "{told}");
}
