//! The review that a reviewer without the command pastes from the page of a pull
//! request: safe for any reason, and signed with the reviewer's own kind of key.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::report::summary::{register, started, summary};
use crate::support::Lab;
#[cfg(feature = "openpgp")]
use crate::support::gnupg::Gnupg;
#[cfg(feature = "openpgp")]
use crate::support::needs::{GPG, needs};

const HOSTILE: [&str; 9] = [
    "reviewed in the pull request",
    "it's \"good\" $(touch pwned) `touch pwned` $HOME ${x} \\ \\n %s &&",
    "# no comment",
    "-n --flag",
    "two\n\n# lines: - [x]\n  'three'",
    "'",
    "\"",
    "a\ttab, \u{fc}n\u{ef}c\u{f6}de \u{2192} \u{1f600}",
    "END_OF_RECORD\n*/ '''",
];

/// The block of this title, with a reason in the place of the page's own.
fn block(page: &str, title: &str, reason: &str) -> String {
    let rest = &page[page.find(title).unwrap_or_else(|| panic!("{title} in {page}"))..];
    let rest = rest.split_once("```sh\n").expect("a block").1;
    let script = rest.split_once("\n```").expect("an end").0;
    let own = "\nreviewed in the pull request\n";
    assert!(script.contains(own), "{script}");
    script.replace(own, &format!("\n{reason}\n"))
}

/// Pastes lines into a shell, as somebody who has git and a signing program.
fn paste(lab: &Lab, who: &str, script: &str) {
    let mut shell = lab.command("bash");
    lab.as_actor(&mut shell, who);
    let mut child = shell
        .current_dir(&lab.top)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(script.as_bytes()).expect("lines");
    input.write_all(b"\n").expect("lines");
    drop(input);
    let output = child.wait_with_output().expect("bash");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
}

/// Pastes each reason's review, which counts, says what was written, and is
/// clean; then everything is as it was.
fn each(lab: &Lab, who: &str, reasons: &[&str]) {
    let start = lab.git(&["rev-parse", "HEAD"]);
    let page = summary(lab, 0);
    for (title, decision) in [("review", "Approved"), ("rejection", "Rejected")] {
        let title = format!("Without the command: the {title} of churn/2 by {who}");
        for reason in reasons {
            paste(lab, who, &block(&page, &title, reason));
            let written = reason.replace('\t', " ");
            let _ = lab.ok(who, &["validate", "--onto", "main", "HEAD"]);
            let diff = lab.ok("stranger", &["diff", "main..side", "-o", "json"]);
            let diff: Value = serde_json::from_str(&diff).expect("JSON");
            let review = &diff["summary"]["versions"][0]["reviews"][0];
            assert_eq!(review["actor"], who, "{reason}");
            assert_eq!(review["decision"], decision, "{reason}");
            assert_eq!(review["counts"], "yes", "{reason}: {review}");
            assert_eq!(review["reason"], written, "{reason}");
            let body = lab.git(&["log", "-1", "--format=%b"]);
            assert_eq!(body.trim_end(), reason.trim_end(), "{reason}");
            assert!(!lab.top.join("pwned").exists(), "{reason}");
            assert_eq!(lab.git(&["status", "--porcelain"]), "", "{reason}");
            if decision == "Rejected" {
                let _ = lab.ok("risk-1", &["settle", "churn/2"]);
                let version = lab.read("groups/churn/versions/2/version.yaml");
                assert!(version.contains("status: Rejected"), "{version}");
            }
            lab.git(&["reset", "-q", "--hard", &start]);
        }
    }
}

#[test]
fn any_reason_is_pasted_and_signed_with_ssh() {
    let lab = started();
    register(&lab, '2', &["auc=0.92", "latency=45"]);
    each(&lab, "risk-1", &HOSTILE);
    // In every way of landing, and there is one less to ask.
    let page = summary(&lab, 0);
    paste(
        &lab,
        "risk-1",
        &block(&page, "the review of churn/2 by risk-1", "good"),
    );
    let page = summary(&lab, 0);
    assert!(page.contains("**To be asked:** `risk-2`\n"), "{page}");
    paste(
        &lab,
        "risk-2",
        &block(&page, "the review of churn/2 by risk-2", "good"),
    );
    let page = summary(&lab, 0);
    assert!(
        page.contains("so far 2 approvals.") && !page.contains("What you can do"),
        "{page}"
    );
    let _ = lab.ok("risk-1", &["settle", "churn/2"]);
    let said = lab.ok("risk-1", &["show", "churn/2"]);
    assert!(said.contains("churn/2  Approved"), "{said}");
}

/// A link at the place of the review is replaced, and what it leads to stays.
#[test]
fn a_block_writes_through_no_link() {
    let lab = started();
    register(&lab, '2', &["auc=0.92", "latency=45"]);
    let page = summary(&lab, 0);
    let script = block(&page, "the review of churn/2 by risk-1", "good");
    let victim = lab.home().join("victim");
    std::fs::write(&victim, "mine\n").expect("a file");
    let review = "groups/churn/versions/2/reviews/risk-1.yaml";
    let place = lab.top.join(review);
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
    std::os::unix::fs::symlink(&victim, &place).expect("a link");
    paste(&lab, "risk-1", &script);
    assert_eq!(std::fs::read_to_string(&victim).expect("a file"), "mine\n");
    assert!(std::fs::symlink_metadata(&place).expect("a file").is_file());
    let _ = lab.ok("risk-1", &["validate", "--onto", "main", "HEAD"]);
}

/// A key that can't be used leaves nothing half written in the history.
#[test]
fn a_block_that_can_not_sign_commits_nothing() {
    let lab = started();
    register(&lab, '2', &["auc=0.92", "latency=45"]);
    let page = summary(&lab, 0);
    let start = lab.git(&["rev-parse", "HEAD"]);
    let script = block(&page, "the review of churn/2 by risk-1", "good");
    let mut shell = lab.command("bash");
    lab.as_actor(&mut shell, "risk-1");
    let output = shell
        .args(["-c", &script])
        .env("KEY", "/nowhere")
        .current_dir(&lab.top)
        .output()
        .expect("bash");
    assert!(!output.status.success());
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), start);
    assert_eq!(lab.git(&["status", "--porcelain"]), "");
}

#[cfg(feature = "openpgp")]
#[test]
#[ignore = "needs GnuPG"]
fn a_reviewer_with_an_openpgp_key_is_given_its_lines() {
    needs![GPG];
    let lab = Lab::with_registry();
    let gpg = Gnupg::new(&lab);
    let print = gpg.certificate("risk-3", "ed25519", "sign");
    let _ = lab.ok(
        "admin-1",
        &["actor", "add", "risk-3", "--key", &gpg.file("risk-3")],
    );
    let _ = lab.ok("admin-1", &["team", "add", "risk", "risk-3"]);
    lab.git(&["config", "modelry.mainline", "main"]);
    lab.register("churn", '1');
    lab.git(&["switch", "-q", "-c", "side"]);
    lab.register("churn", '2');
    let page = summary(&lab, 0);
    let title = "Without the command: the review of churn/2 by risk-3";
    let script = block(&page, title, "good");
    assert!(
        script.contains(&format!("gpg --armor --detach-sign --local-user {print}"))
            && !script.contains("ssh-keygen"),
        "{script}"
    );
    assert!(block(&page, "the review of churn/2 by risk-1", "good").contains("ssh-keygen"));
    each(&lab, "risk-3", &[HOSTILE[1], HOSTILE[4]]);
}

#[test]
fn an_administrator_without_the_command_pastes_and_signs() {
    let lab = started();
    lab.write(
        "registry.yaml",
        &lab.policy_with("    required: 2\n", "    required: 1\n"),
    );
    lab.commit("risk-1", "make it easier");
    let page = summary(&lab, 1);
    let title = "Without the command: the review of the policy by admin-1";
    paste(&lab, "admin-1", &block(&page, title, HOSTILE[1]));
    // A rebase would land the policy in a commit before its review.
    let page = summary(&lab, 1);
    assert!(
        page.contains("- by squash: ✅ clean") && page.contains("- by rebase: ❌ 1 finding"),
        "{page}"
    );
    assert!(
        page.contains("Agreed so far: `admin-1`") && !page.contains("What you can do"),
        "{page}"
    );
}
