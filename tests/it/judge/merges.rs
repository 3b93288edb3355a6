//! Merges on real repositories: authors by provenance, what is charged to the
//! merge, and states that two clean sides combine into.

use std::sync::OnceLock;

use crate::support::Lab;

/// A registry with `churn/1` Pending, and where the branches start.
fn started() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab
    })
}

/// Records without signatures of their own: only the commit says whose they are.
fn by_commit(lab: &Lab, who: &str, arguments: &[&str]) {
    let mut all = arguments.to_vec();
    all.push("--no-record-signature");
    let _ = lab.ok(who, &all);
}

/// Merges a branch into the current one, signed by somebody, or by nobody.
#[track_caller]
fn merge(lab: &Lab, who: &str, arguments: &[&str]) {
    let mut all = vec!["merge", "-q", "--no-ff", "-m", "merge"];
    all.extend_from_slice(arguments);
    let output = lab.git_as(who, &all);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn judged(lab: &Lab) -> (i32, Vec<String>) {
    let said = lab.says(
        "admin-1",
        &["validate", &format!("{}..HEAD", lab.root()), "-o", "json"],
    );
    assert!(said.code < 2, "{}", said.err);
    let value: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let codes = value["findings"].as_array().expect("a list").iter();
    let mut codes: Vec<String> = codes
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    (said.code, codes)
}

#[track_caller]
fn clean(lab: &Lab) {
    assert_eq!(judged(lab), (0, Vec::new()));
}

#[track_caller]
fn refused(lab: &Lab, codes: &[&str]) {
    assert_eq!(
        judged(lab),
        (1, codes.iter().map(|code| (*code).to_owned()).collect())
    );
}

#[test]
fn several_authors_on_a_branch_answer_for_their_own() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    by_commit(
        &lab,
        "trainer",
        &["evidence", "add", "churn/1", "holdout", "--metric", "auc=0.8"],
    );
    by_commit(&lab, "risk-1", &["approve", "churn/1", "-m", "good"]);
    by_commit(&lab, "risk-2", &["archive", "churn/1", "-m", "and out"]);
    lab.git(&["switch", "-q", "main"]);
    by_commit(&lab, "admin-1", &["group", "create", "other"]);
    // A merge that is not signed and changes nothing is fine.
    merge(&lab, "stranger", &["side"]);
    clean(&lab);
    let shown = lab.ok("admin-1", &["show", "churn/1"]);
    assert!(shown.contains("Archived"), "{shown}");
}

#[test]
fn nobody_answers_for_what_nobody_signed_on_the_side() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    by_commit(&lab, "risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["commit", "-q", "--amend", "--no-edit", "--no-gpg-sign"]);
    lab.git(&["switch", "-q", "main"]);
    merge(&lab, "admin-1", &["side", "-S"]);
    refused(&lab, &["MR301", "MR308"]);
}

#[test]
fn what_both_sides_changed_is_charged_to_the_merge() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    by_commit(&lab, "risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    // Git finds no conflict: labels and status stand far enough apart.
    merge(&lab, "trainer", &["side", "-S"]);
    let (code, codes) = judged(&lab);
    // The review is traced and counts; the label is the trainer's to set.
    assert_eq!((code, codes), (0, Vec::new()));
    // The label in an unsigned merge has no author.
    lab.git(&["commit", "-q", "--amend", "--no-edit", "--no-gpg-sign"]);
    clean(&lab);
}

#[test]
fn a_label_that_was_changed_back_is_charged_too() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "team=risk"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "team=fraud"]);
    lab.git(&["checkout", "-q", "HEAD~1", "--", "groups"]);
    lab.commit("trainer", "and back");
    merge(&lab, "stranger", &["side"]);
    refused(&lab, &["MR301"]);
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    merge(&lab, "trainer", &["side", "-S"]);
    clean(&lab);
}

#[test]
fn a_rollback_smuggled_in_a_merge_is_charged() {
    let lab = started();
    lab.git(&["branch", "old"]);
    let _ = lab.ok("risk-1", &["reject", "churn/1", "-m", "bad"]);
    let tree = lab.git(&["rev-parse", "old^{tree}"]);
    for parents in [["main", "old"], ["main", "main~1"]] {
        let output = lab.git_as(
            "risk-1",
            &[
                "commit-tree",
                "-S",
                "-m",
                "merge",
                &tree,
                "-p",
                parents[0],
                "-p",
                parents[1],
            ],
        );
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        lab.git(&["reset", "-q", "--hard", &id]);
        refused(&lab, &["MR202", "MR203"]);
        lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    }
}

#[test]
fn a_back_merge_and_a_criss_cross_are_no_news() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    by_commit(
        &lab,
        "trainer",
        &["evidence", "add", "churn/1", "holdout", "--metric", "auc=0.8"],
    );
    lab.git(&["switch", "-q", "main"]);
    by_commit(&lab, "admin-1", &["group", "create", "other"]);
    let (main, side) = (lab.git(&["rev-parse", "main"]), lab.git(&["rev-parse", "side"]));
    merge(&lab, "stranger", &[&side]);
    lab.git(&["switch", "-q", "side"]);
    merge(&lab, "stranger", &[&main]);
    by_commit(&lab, "risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    by_commit(&lab, "admin-1", &["group", "create", "third"]);
    merge(&lab, "stranger", &["side"]);
    clean(&lab);
    assert!(lab.ok("admin-1", &["show", "churn/1"]).contains("Approved"));
}

#[test]
fn an_evil_back_merge_is_its_signers() {
    for (who, codes) in [("risk-1", &[][..]), ("trainer", &["MR306", "MR307", "MR308"][..])] {
        let lab = started();
        lab.git(&["switch", "-q", "-c", "side"]);
        lab.git(&["commit", "-q", "--allow-empty", "-m", "nothing"]);
        lab.git(&["switch", "-q", "main"]);
        by_commit(&lab, "admin-1", &["group", "create", "other"]);
        lab.git(&["switch", "-q", "side"]);
        merge(&lab, who, &["main", "-S"]);
        // The merge itself is made to carry an approval.
        by_commit(&lab, "risk-1", &["approve", "churn/1", "-m", "good"]);
        let tree = lab.git(&["rev-parse", "HEAD^{tree}"]);
        let output = lab.git_as(
            who,
            &[
                "commit-tree",
                "-S",
                "-m",
                "merge",
                &tree,
                "-p",
                "HEAD~1^1",
                "-p",
                "HEAD~1^2",
            ],
        );
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        lab.git(&["reset", "-q", "--hard", &id]);
        lab.git(&["switch", "-q", "main"]);
        by_commit(&lab, "admin-1", &["group", "create", "third"]);
        merge(&lab, "stranger", &["side"]);
        let (_, found) = judged(&lab);
        assert_eq!(found, codes, "{who}");
    }
}

#[test]
fn what_ours_drops_is_told() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    by_commit(&lab, "risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    merge(&lab, "stranger", &["-s", "ours", "side"]);
    clean(&lab);
    let said = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    assert!(
        said.contains(
            "leaves out what its other side wrote in `groups/churn/versions/1/reviews/risk-1.yaml`"
        ),
        "{said}"
    );
}

#[test]
fn two_clean_sides_that_combine_into_something_wrong() {
    // Archived on one side, put in production on the other.
    let lab = started();
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
            "production",
        ],
    );
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok("risk-1", &["archive", "churn/1", "-m", "out"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("risk-2", &["promote", "churn/1", "production", "-m", "go"]);
    merge(&lab, "risk-1", &["side", "-S"]);
    refused(&lab, &["MR211"]);
}

#[test]
fn a_review_on_one_side_and_new_evidence_on_the_other() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok(
        "trainer",
        &["evidence", "add", "churn/1", "bad", "--metric", "auc=0.1"],
    );
    merge(&lab, "risk-1", &["side", "-S"]);
    refused(&lab, &["MR308"]);
}

#[test]
fn two_branches_that_register_one_number() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    lab.register("churn", '2');
    lab.git(&["switch", "-q", "main"]);
    lab.register("churn", '3');
    let output = lab.git_as(
        "trainer",
        &["merge", "-q", "--no-ff", "-m", "merge", "-X", "theirs", "side"],
    );
    assert!(output.status.success());
    let (code, codes) = judged(&lab);
    assert_eq!(code, 1);
    assert!(codes.contains(&"MR201".to_owned()), "{codes:?}");
}

#[test]
pub fn mr503_fires_for_three_parents_that_bring_something() {
    let lab = started();
    for (branch, mark) in [("a", '2'), ("b", '3')] {
        lab.git(&["switch", "-q", "-c", branch, "main"]);
        if branch == "b" {
            let _ = lab.ok("admin-1", &["group", "create", "other"]);
            lab.register("other", mark);
        } else {
            lab.register("churn", mark);
        }
    }
    lab.git(&["switch", "-q", "main"]);
    merge(&lab, "admin-1", &["-S", "a", "b"]);
    refused(&lab, &["MR315", "MR503"]);
}

#[test]
pub fn mr503_passes_for_three_parents_that_bring_nothing_of_the_registry() {
    let lab = started();
    for branch in ["a", "b"] {
        lab.git(&["switch", "-q", "-c", branch, "main"]);
        lab.write(&format!("{branch}.txt"), "nothing of the registry\n");
        lab.commit("admin-1", "a file");
    }
    lab.git(&["switch", "-q", "main"]);
    merge(&lab, "admin-1", &["a", "b"]);
    clean(&lab);
}

/// Merges a history that shares nothing with the mainline and holds `path`.
fn unrelated(lab: &Lab, path: &str, text: &str) {
    lab.git(&["switch", "-q", "--orphan", "elsewhere"]);
    lab.write(path, text);
    lab.commit("admin-1", "elsewhere");
    lab.git(&["switch", "-q", "main"]);
    merge(
        lab,
        "admin-1",
        &["-S", "--allow-unrelated-histories", "elsewhere"],
    );
}

#[test]
pub fn mr504_fires_for_a_history_of_its_own() {
    let lab = started();
    unrelated(
        &lab,
        "groups/other/group.yaml",
        "apiVersion: modelry/v1\nkind: ModelGroup\nname: other\n",
    );
    refused(&lab, &["MR504"]);
}

#[test]
pub fn mr504_passes_for_files_that_are_not_the_registrys() {
    let lab = started();
    unrelated(&lab, "notes.txt", "of another project\n");
    clean(&lab);
}

#[test]
fn a_policy_written_on_the_side_is_its_authors() {
    for (who, codes) in [("admin-1", &[][..]), ("mallory", &["MR403"][..])] {
        let lab = started();
        lab.git(&["switch", "-q", "-c", "side"]);
        let text = lab.policy_with("grants:\n", "protect: [\"*.md\"]\ngrants:\n");
        lab.write("registry.yaml", &text);
        lab.commit(who, "protect");
        lab.git(&["switch", "-q", "main"]);
        lab.register("churn", '2');
        merge(&lab, "admin-1", &["-S", "side"]);
        let (_, found) = judged(&lab);
        assert_eq!(found, codes, "{who}");
    }
}

#[test]
fn protected_files_have_authors_too() {
    for (who, codes) in [("admin-1", &[][..]), ("trainer", &["MR307"][..])] {
        let lab = started();
        lab.change_policy("grants:\n", "protect: [\"*.md\"]\ngrants:\n");
        lab.git(&["switch", "-q", "-c", "side"]);
        lab.write("RULES.md", "be kind\n");
        lab.commit(who, "rules");
        lab.git(&["switch", "-q", "main"]);
        lab.register("churn", '2');
        merge(&lab, "stranger", &["side"]);
        let (_, found) = judged(&lab);
        assert_eq!(found, codes, "{who}");
    }
}

/// A branch that merged the mainline, and took its place.
fn foxtrot() -> Lab {
    let lab = started();
    lab.git(&["config", "modelry.root", &lab.root()]);
    lab.git(&["config", "modelry.mainline", "main"]);
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    // This clone has seen the approval.
    let _ = lab.ok("admin-1", &["resolve", "churn/1"]);
    lab.git(&["switch", "-q", "side"]);
    merge(&lab, "admin-1", &["-S", "main"]);
    lab
}

#[test]
pub fn mr505_fires_when_a_side_takes_the_mainlines_place() {
    let lab = foxtrot();
    lab.git(&["branch", "-f", "main", "side"]);
    let said = lab.says("admin-1", &["resolve", "churn/1"]);
    assert_eq!(said.code, 1, "{said:?}");
    let told = format!("{}{}", said.out, said.err);
    assert!(told.contains("MR505"), "{told}");
}

#[test]
pub fn mr505_passes_when_the_mainline_merges_the_side() {
    let lab = foxtrot();
    lab.git(&["switch", "-q", "main"]);
    merge(&lab, "admin-1", &["-S", "side"]);
    let _ = lab.ok("admin-1", &["resolve", "churn/1"]);
    clean(&lab);
}

#[test]
fn a_stolen_key_is_found_behind_a_merge_too() {
    let lab = started();
    let since = lab.git(&["rev-parse", "HEAD"]);
    lab.git(&["switch", "-q", "-c", "side"]);
    by_commit(&lab, "risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    lab.register("churn", '2');
    merge(&lab, "stranger", &["side"]);
    lab.register("churn", '3');
    clean(&lab);
    let output = lab
        .command("ssh-keygen")
        .args(["-lf", &lab.public_key("risk-1")])
        .output()
        .expect("ssh-keygen is needed by this test");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let key = text.split_whitespace().nth(1).expect("a fingerprint");
    let _ = lab.ok(
        "admin-1",
        &["actor", "revoke-key", key, "--since", &since, "-m", "stolen"],
    );
    // The revocation itself is told as a note.
    let said = lab.ok("admin-1", &["validate", &format!("{}..HEAD", lab.root())]);
    assert!(said.contains("(MR317)") && said.contains("approve"), "{said}");
    let said = lab.findings("admin-1", &["audit"]);
    assert!(said.contains("MR317") && said.contains("approve"), "{said}");
}

#[test]
fn who_gives_up_a_key_on_the_side_needs_nobody_else_there() {
    let lab = started();
    lab.git(&["switch", "-q", "-c", "side"]);
    let _ = lab.ok(
        "admin-1",
        &["grant", "add", "risk-1", "--allow", "annotate", "--groups", "*"],
    );
    let text = lab.ok("risk-1", &["whoami", "-o", "json"]);
    let me: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let key = me["key"].as_str().expect("a key");
    let _ = lab.ok("risk-1", &["actor", "revoke-key", key, "-m", "lost"]);
    lab.git(&["switch", "-q", "main"]);
    lab.register("churn", '2');
    merge(&lab, "stranger", &["side"]);
    clean(&lab);
}
