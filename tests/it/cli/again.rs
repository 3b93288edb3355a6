//! A command that is typed twice reports the existing state with exit 0, and writes
//! nothing. A repetition that makes no sense is refused.

use std::sync::OnceLock;

use serde_json::Value;

use crate::support::hub::Hub;
use crate::support::{Lab, said};

fn lab() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab
    })
}

pub fn fingerprint(lab: &Lab, who: &str) -> String {
    let out = said(lab.command("ssh-keygen").args(["-l", "-f", &lab.public_key(who)]));
    out.out.split(' ').nth(1).expect("a fingerprint").to_owned()
}

/// Types a line twice: the second time the registry says so already.
#[track_caller]
fn twice(lab: &Lab, who: &str, line: &[&str], path: &str) {
    let _ = lab.ok(who, line);
    let tip = lab.git(&["rev-parse", "HEAD"]);
    for more in [&[][..], &["--dry-run"]] {
        let line = [line, more, &["-o", "json"]].concat();
        let value: Value = serde_json::from_str(&lab.ok(who, &line)).expect("JSON");
        assert_eq!(value["existing"], true, "{line:?}: {value:#}");
        assert_eq!(value["dryRun"], !more.is_empty(), "{line:?}");
        assert_eq!(value["objects"][0]["path"], path, "{line:?}");
    }
    let said = lab.says(who, line);
    assert!(
        said.out.starts_with("nothing was written: "),
        "{line:?}: {said:?}"
    );
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), tip, "{line:?}");
}

#[test]
fn edits_of_the_policy() {
    let lab = lab();
    let key = lab.public_key("new");
    let print = fingerprint(&lab, "new");
    let edits: [&[&str]; 8] = [
        &["actor", "add", "new", "--key", &key],
        &["actor", "add-account", "new", "github.com=7"],
        &["team", "add", "watch", "new"],
        &["grant", "add", "new", "--allow", "annotate", "--groups", "*"],
        &["actor", "add-key", "risk-1", "--key", "../keys/risk-1.pub"],
        &["actor", "retire", "new", "--key", &print],
        &["actor", "revoke-key", &print, "-m", "lost"],
        &["actor", "retire", "new", "-m", "left"],
    ];
    for edit in edits {
        if edit[1] == "add-key" {
            let value = lab.ok("admin-1", &[edit, &["-o", "json"]].concat());
            assert!(value.contains("\"existing\": true"), "{value}");
            continue;
        }
        twice(&lab, "admin-1", edit, "registry.yaml");
    }
}

#[test]
fn records() {
    let lab = lab();
    twice(
        &lab,
        "trainer",
        &["evidence", "add", "churn/1", "late", "--metric", "auc=0.8"],
        "groups/churn/versions/1/evidence/late.yaml",
    );
    twice(
        &lab,
        "risk-1",
        &["approve", "churn/1", "-m", "fine", "--yes"],
        "groups/churn/versions/1/reviews/risk-1.yaml",
    );
    lab.register("churn", '2');
    let _ = lab.ok("risk-1", &["reject", "churn/2", "-m", "bad", "--yes"]);
    twice(
        &lab,
        "admin-1",
        &["delete", "churn/2", "-m", "a mistake", "--yes"],
        "groups/churn/versions/2/version.yaml",
    );
}

#[test]
fn what_counts_for_nothing_is_refused() {
    let lab = lab();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "fine", "--yes"]);
    for (who, line, why) in [
        (
            "risk-2",
            ["approve", "churn/1", "-m"],
            "churn/1 is Approved already",
        ),
        (
            "risk-2",
            ["withdraw", "churn/1", "-m"],
            "`risk-2` has no review of churn/1 to withdraw",
        ),
    ] {
        let line = [&line[..], &["why", "--yes"]].concat();
        let told = lab.says(who, &line);
        assert!(told.code == 1 && told.err.contains(why), "{told:?}");
        let told = lab.says(who, &[&line[..], &["-o", "json"]].concat());
        let value: Value = serde_json::from_str(&told.out).expect("JSON");
        assert_eq!(value["refused"]["why"], why);
        assert_eq!(value["commit"], Value::Null);
    }
    assert_eq!(lab.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_key_that_nobody_has_is_not_revoked() {
    let lab = lab();
    let print = fingerprint(&lab, "risk-1");
    let tip = lab.git(&["rev-parse", "HEAD"]);
    let cut = &print[..print.len() - 1];
    let mut other = cut.to_owned();
    other.push(if print.ends_with('A') { 'B' } else { 'A' });
    for wrong in [cut, &other, "SHA256:nope"] {
        let said = lab.says("admin-1", &["actor", "revoke-key", wrong, "-m", "stolen"]);
        let told = said.err;
        assert!(
            said.code == 2 && told.contains("so nothing would be revoked"),
            "{told}"
        );
        if wrong != "SHA256:nope" {
            assert!(told.contains(&format!("did you mean `{print}`?")), "{told}");
        }
    }
    let line = ["actor", "revoke-key", &print, "--reaffirm", "churn/9", "-m", "x"];
    let told = lab.error("admin-1", &line);
    assert!(told.contains("there is no version churn/9"), "{told}");
    assert_eq!(lab.git(&["rev-parse", "HEAD"]), tip);
    // One that was taken out of the policy before is named on purpose.
    let line = ["actor", "revoke-key", &other, "--unlisted", "-m", "found"];
    let _ = lab.ok("admin-1", &line);
}

#[test]
fn a_dead_key_is_not_added_again() {
    let lab = lab();
    let print = fingerprint(&lab, "risk-1");
    let add = ["actor", "add-key", "risk-1", "--key", "../keys/risk-1.pub"];
    let _ = lab.ok(
        "admin-1",
        &["actor", "retire", "risk-1", "--key", &print, "-m", "old"],
    );
    let told = lab.error("admin-1", &add);
    assert!(told.contains("is retired"), "{told}");
    let _ = lab.ok("admin-1", &["actor", "revoke-key", &print, "-m", "stolen"]);
    let told = lab.error("admin-1", &add);
    assert!(
        told.contains("is revoked, and proves nothing for anybody"),
        "{told}"
    );
}

#[test]
fn what_only_this_clone_holds_is_not_done_with_push() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let line = ["annotate", "churn/1", "--label", "a=b"];
    let _ = seat.ok("trainer", &line);
    let told = seat.fails("trainer", 2, &[&line[..], &["--push"]].concat());
    assert!(
        told.err.contains("but in this clone alone") && told.err.contains("`git push origin main`"),
        "{told:?}"
    );
    seat.git(&["push", "-q"]);
    let told = seat.ok("trainer", &[&line[..], &["--push"]].concat());
    assert!(told.starts_with("nothing was written"), "{told}");
}

#[test]
fn a_proposal_of_what_is_here_already_is_not_the_mainline() {
    let hub = Hub::open();
    let seat = hub.seat("a");
    let digest = format!("sha256:{}", "7".repeat(64));
    let register = [
        "register",
        "churn",
        "--artifact",
        "s3://models/churn/7",
        "--digest",
        &digest,
    ];
    // Within one second both make the same commit.
    for more in [&[][..], &["--pr"]] {
        let mut command = seat.command("trainer", &[&register[..], more].concat());
        for name in ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"] {
            command.env(name, "2027-01-01T00:00:00Z");
        }
        let done = said(&mut command);
        assert_eq!(done.code, 0, "{done:?}");
    }
    // It is dropped here; the remote's mainline never had it.
    seat.git(&["reset", "-q", "--hard", "origin/main"]);
    let _ = seat.ok("trainer", &["annotate", "churn/1", "--label", "a=b", "--push"]);
}

#[test]
fn a_clone_that_is_behind_says_how_its_commit_lands() {
    let hub = Hub::open();
    let (seat, other) = (hub.seat("a"), hub.seat("b"));
    let _ = other.ok("trainer", &["annotate", "churn/1", "--label", "a=b", "--push"]);
    seat.git(&["fetch", "-q"]);
    let told = seat.says("trainer", &["annotate", "churn/1", "--label", "c=d"]);
    assert!(
        told.err.contains(
            "1 commit ahead of `origin` and 1 behind: it lands after `git pull --rebase --gpg-sign`"
        ),
        "{told:?}"
    );
}

#[test]
fn a_key_is_found_from_a_folder_below() {
    let lab = lab();
    lab.git(&["config", "user.signingkey", "../keys/trainer.pub"]);
    let mut command = lab.modelry("trainer", &["whoami"]);
    command.current_dir(lab.top.join("groups"));
    for name in ["GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"] {
        command.env_remove(name);
    }
    let told = said(&mut command);
    assert!(told.code == 0 && told.out.contains("trainer"), "{told:?}");
}
