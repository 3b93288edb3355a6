//! A review that would count for nothing is refused, with the reason and what
//! would help.

use std::sync::OnceLock;

use crate::support::Lab;

/// One version of the trainer's, whose owner is admin-1, and one of risk-1's.
fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        let _ = lab.ok(
            "admin-1",
            &[
                "grant",
                "add",
                "team:risk",
                "--allow",
                "register",
                "--groups",
                "*",
            ],
        );
        let key = lab.public_key("bot");
        let bot = [
            "actor", "add", "bot", "--kind", "machine", "--owner", "risk-2", "--key", &key,
        ];
        let _ = lab.ok("admin-1", &bot);
        let _ = lab.ok(
            "admin-1",
            &["grant", "add", "bot", "--allow", "approve", "--groups", "*"],
        );
        lab.register("churn", '1');
        let digest = format!("sha256:{}", "b".repeat(64));
        let _ = lab.ok(
            "risk-1",
            &["register", "churn", "--artifact", "s3://m/b", "--digest", &digest],
        );
        lab
    })
}

/// The command is refused with exit 1 for this reason, with this remedy, and
/// nothing is written.
#[track_caller]
fn refused(lab: &Lab, who: &str, arguments: &[&str], why: &str, remedy: &str) {
    let before = lab.git(&["rev-parse", "HEAD"]);
    for more in [&[][..], &["--dry-run"]] {
        let said = lab.says(who, &[arguments, more].concat());
        assert_eq!(said.code, 1, "{said:?}");
        let err = &said.err;
        assert!(err.contains("refused: nothing was signed or written: "), "{err}");
        assert!(err.contains(why), "{why}\n{err}");
        assert!(err.contains(remedy), "{remedy}\n{err}");
        assert_eq!(lab.git(&["rev-parse", "HEAD"]), before);
        assert_eq!(lab.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn by_the_author() {
    let lab = lab();
    refused(
        &lab,
        "risk-1",
        &["approve", "churn/2", "-m", "mine"],
        "four eyes (rule 1 for `*`): you, `risk-1`, registered it",
        "ask `admin-1` or `risk-2`: `modelry approve churn/2 -m REASON`",
    );
    // An actor that adds evidence is an author too.
    let _ = lab.ok(
        "admin-1",
        &["evidence", "add", "churn/2", "late", "--metric", "auc=0.5"],
    );
    refused(
        &lab,
        "admin-1",
        &["approve", "churn/2", "-m", "measured"],
        "you, `admin-1`, added the evidence `late`",
        "ask `risk-2`",
    );
}

#[test]
fn by_an_owner_of_the_author() {
    let lab = lab();
    refused(
        &lab,
        "admin-1",
        &["approve", "churn/1", "-m", "fine"],
        "`trainer`, who registered it, shares an owner with `admin-1`",
        "ask `risk-1` or `risk-2`",
    );
}

#[test]
fn by_a_machine() {
    let lab = lab();
    refused(
        &lab,
        "bot",
        &["approve", "churn/1", "-m", "gates"],
        "`bot` is a machine, and machines do not count in rule 1 for `*`",
        "ask `risk-1` or `risk-2`",
    );
    // No approver is left: the policy would have to change.
    let text = lab.read("registry.yaml");
    let people = text
        .lines()
        .find(|line| line.contains("approve, reject, archive, delete"))
        .expect("a grant");
    lab.change_policy(people, &people.replace("approve, reject", "reject"));
    refused(
        &lab,
        "bot",
        &["approve", "churn/1", "-m", "gates"],
        "machines do not count in rule 1 for `*`",
        "`machines: true` in rule 1 for `*` of `registry.yaml`",
    );
    let said = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(
        said.contains("turn: blocked: no actor holds the rights needed"),
        "{said}"
    );
}

#[test]
fn beside_a_related_one_that_counts() {
    let lab = lab();
    let gate = "gates:\n      - {name: good, require: metrics.auc > 0.5}";
    lab.change_policy(
        "required: 1",
        &format!("required: 2\n    machines: true\n    {gate}"),
    );
    let _ = lab.ok("bot", &["approve", "churn/1", "-m", "gates"]);
    refused(
        &lab,
        "risk-2",
        &["approve", "churn/1", "-m", "fine"],
        "the approval of `bot` counts already, and `risk-2` shares an owner with it",
        "ask `risk-1`",
    );
    // Where the person is the only member of a required team, their approval is
    // needed.
    lab.change_policy("required: 2\n", "required: 2\n    from: {risk: 1}\n");
    let _ = lab.ok("risk-2", &["approve", "churn/1", "-m", "for the team"]);
    // A review that counts and does not complete the quorum is success.
    let shown = lab.ok("risk-1", &["show", "churn/1", "-o", "json"]);
    assert!(shown.contains("\"Pending\""), "{shown}");
}

#[test]
fn of_what_can_never_be_approved() {
    let lab = lab();
    let _ = lab.ok(
        "trainer",
        &["register", "churn", "--artifact", "s3://m/c", "--without-digest"],
    );
    refused(
        &lab,
        "risk-1",
        &["approve", "churn/3", "-m", "fine"],
        "churn/3 can't be approved as it is",
        "register it again with digests",
    );
    lab.change_policy("required: 1", "required: 1\n    card: [risk]");
    refused(
        &lab,
        "risk-1",
        &["approve", "churn/1", "-m", "fine"],
        "it lacks the card's section risk",
        "`modelry card set churn/1 -f FILE`",
    );
}

#[test]
fn taken_back_once_it_is_decided() {
    let lab = lab();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine"]);
    refused(
        &lab,
        "risk-1",
        &["withdraw", "churn/1", "-m", "no"],
        "churn/1 is Approved, and taking a review back does not change that",
        "`modelry archive churn/1 -m REASON`",
    );
    let _ = lab.ok("risk-2", &["reject", "churn/2", "-m", "no"]);
    refused(
        &lab,
        "risk-2",
        &["withdraw", "churn/2", "-m", "yes"],
        "churn/2 is Rejected",
        "refused",
    );
}

/// A person whose only key is revoked signs nothing, and is not asked to.
#[test]
fn nobody_without_a_key_in_force_is_asked() {
    let lab = lab();
    let print = crate::cli::again::fingerprint(&lab, "risk-2");
    let _ = lab.ok("admin-1", &["actor", "revoke-key", &print, "-m", "lost"]);
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(shown.contains("turn: risk-1: `modelry approve"), "{shown}");
    let shown = lab.ok("risk-1", &["show", "churn/1", "-o", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["couldApprove"], serde_json::json!(["risk-1"]));
    refused(
        &lab,
        "risk-1",
        &["approve", "churn/2", "-m", "mine"],
        "you, `risk-1`, registered it",
        "ask `admin-1`: `modelry approve churn/2 -m REASON`",
    );
    // By hand it is refused too, and the finding names the same people.
    let path = "groups/churn/versions/1/version.yaml";
    lab.write(path, &lab.read(path).replace("Pending", "Approved"));
    let said = lab.findings("risk-1", &["validate"]);
    assert!(
        said.contains("MR308") && said.contains("ask `risk-1` to run `modelry approve churn/1"),
        "{said}"
    );
}

#[test]
fn the_turn_says_which_evidence_a_gate_lacks() {
    let lab = lab();
    let gate = "gates:\n      - {name: fair, require: evidence.bias.metrics.gap < 0.1}";
    lab.change_policy("required: 1", &format!("required: 1\n    {gate}"));
    let command = "`modelry evidence add churn/1 bias --metric gap=NUMBER`";
    let shown = lab.ok("risk-1", &["show", "churn/1"]);
    assert!(
        shown.contains(&format!(
            "turn: an actor with `add-evidence`: add the evidence that the gates ask for: {command}"
        )),
        "{shown}"
    );
    let said = lab.says("risk-1", &["approve", "churn/1", "-m", "fine"]);
    assert!(said.code == 1 && said.out.contains(command), "{said:?}");
}

#[test]
fn the_remedy_of_an_unsigned_commit_is_to_leave_the_flag_out() {
    let lab = lab();
    let annotate = ["annotate", "churn/1", "--label", "a=b"];
    let said = lab.says("trainer", &[&annotate[..], &["--no-commit-signature"]].concat());
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out
            .contains("do: run it again without `--no-commit-signature`"),
        "{said:?}"
    );
}

#[test]
fn an_artifact_has_one_address() {
    let lab = lab();
    let digest = format!("sha256:{}", "c".repeat(64));
    let register = [
        "register",
        "churn",
        "--artifact",
        "s3://m/y",
        "--digest",
        &digest,
        "--artifact-uri",
        "https://u:secret@h/z",
    ];
    let before = lab.git(&["rev-parse", "HEAD"]);
    let said = lab.says("trainer", &register);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("two addresses") && said.err.contains("leave `--artifact-uri` out"),
        "{said:?}"
    );
    assert!(!said.err.contains("secret"), "{said:?}");
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), before);
}
