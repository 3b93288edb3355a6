//! The pushes that a guarded repository accepts.

use super::{Guarded, write_program};
use crate::support::said;

/// `trainer`, who may not, approves `churn/1` on the branch that is checked out.
fn approve_without_a_right(guarded: &Guarded) {
    let lab = &guarded.lab;
    let review = "apiVersion: modelry/v1\nkind: Review\ngroup: churn\nversion: 1\nby: trainer\nrevision: 1\ndecision: Approved\nsubject: sha256:0000000000000000000000000000000000000000000000000000000000000000\n";
    lab.write("groups/churn/versions/1/reviews/trainer.yaml", review);
    let version = lab.read("groups/churn/versions/1/version.yaml");
    lab.write(
        "groups/churn/versions/1/version.yaml",
        &version.replace("status: Pending", "status: Approved"),
    );
    lab.commit("trainer", "approve it myself");
}

#[test]
fn a_legal_push_is_accepted() {
    let guarded = Guarded::new();
    let _ = guarded.lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let said = guarded.accepts("risk-1", &["main"]);
    assert!(!said.err.contains("remote:"), "nothing to say: {}", said.err);
    assert_eq!(
        guarded.git(&["rev-parse", "main"]),
        guarded.lab.git(&["rev-parse", "main"])
    );
    let audit = guarded.says(&["audit"]);
    assert_eq!(audit.code, 0, "{}{}", audit.out, audit.err);
}

#[test]
fn an_unauthorised_approval_is_refused_and_the_pusher_sees_why() {
    let guarded = Guarded::new();
    approve_without_a_right(&guarded);
    let said = guarded.refuses("trainer", &["main"]);
    for words in [
        "remote: finding[MR307 not-granted]",
        "MR308 quorum-not-reached",
        "remote: refused: no reference moved",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!said.contains('\u{1b}'), "no colour: {said:?}");
    assert!(
        !said.contains("acknowledged"),
        "what did not land is for nobody to accept: {said}"
    );
}

#[test]
fn one_bad_reference_refuses_them_all() {
    let guarded = Guarded::new();
    guarded.lab.git(&["branch", "harmless"]);
    approve_without_a_right(&guarded);
    let said = guarded.refuses("trainer", &["main", "harmless"]);
    assert!(said.contains("MR307"), "{said}");
    let _ = guarded.accepts("trainer", &["harmless"]);
}

#[test]
fn other_branches_and_tags_are_free() {
    let guarded = Guarded::new();
    guarded.lab.git(&["switch", "-q", "-c", "side"]);
    approve_without_a_right(&guarded);
    guarded.lab.git(&["tag", "seen"]);
    let _ = guarded.accepts("trainer", &["side", "seen"]);
    guarded.lab.git(&["commit", "-q", "--amend", "-m", "again"]);
    let _ = guarded.accepts("trainer", &["--force", "side"]);
    let _ = guarded.accepts("trainer", &[":side", ":seen"]);
}

#[test]
pub fn mr509_fires_when_the_mainline_is_deleted() {
    let guarded = Guarded::new();
    guarded.git(&["config", "receive.denyDeleteCurrent", "ignore"]);
    let said = guarded.refuses("admin-1", &[":main"]);
    assert!(said.contains("MR509 mainline-deleted"), "{said}");
}

#[test]
pub fn mr509_passes_when_another_branch_is_deleted() {
    let guarded = Guarded::new();
    let _ = guarded.accepts("admin-1", &["main:side"]);
    let _ = guarded.accepts("admin-1", &[":side"]);
}

#[test]
pub fn mr510_fires_below_refs_replace() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.git(&["replace", "main", "main~1"]);
    let said = guarded.refuses("admin-1", &["refs/replace/*:refs/replace/*"]);
    assert!(said.contains("MR510 forbidden-reference"), "{said}");
    let said = guarded.refuses("admin-1", &["main:refs/Replace/x"]);
    assert!(said.contains("MR510"), "{said}");
}

/// Names that git could take for the mainline's.
#[test]
fn mr510_fires_for_a_name_that_makes_the_mainline_ambiguous() {
    let guarded = Guarded::new();
    for name in [
        "refs/main",
        "refs/tags/main",
        "refs/heads/heads/main",
        "refs/heads/refs/heads/main",
        "refs/tags/heads/main",
        "refs/tags/refs/heads/main",
        "refs/remotes/main",
        "refs/remotes/main/HEAD",
        "refs/refs/heads/main",
    ] {
        let said = guarded.refuses("admin-1", &[&format!("main:{name}")]);
        assert!(said.contains("MR510"), "{name}: {said}");
    }
    // One that was there before the hook may go.
    guarded.git(&["update-ref", "refs/tags/main", "main"]);
    let _ = guarded.accepts("admin-1", &[":refs/tags/main"]);
    let _ = guarded.accepts(
        "admin-1",
        &[
            "main:refs/heads/main-2",
            "main:refs/heads/of/main",
            "main:refs/tags/v1/main",
            "main:refs/notes/main",
        ],
    );
}

#[test]
pub fn mr510_passes_beside_refs_replace() {
    let guarded = Guarded::new();
    let _ = guarded.accepts("admin-1", &["main:refs/heads/replace/x", "main:refs/replaced/x"]);
}

#[test]
fn another_spelling_of_the_mainline_is_refused_where_the_disk_ignores_case() {
    let guarded = Guarded::new();
    let _ = guarded.accepts("admin-1", &["main:Main"]);
    guarded.git(&["config", "core.ignorecase", "true"]);
    let said = guarded.refuses("admin-1", &["main:MAIN"]);
    assert!(said.contains("MR510"), "{said}");
}

#[test]
fn the_mainline_is_guarded_under_every_name_that_leads_to_it() {
    let guarded = Guarded::new();
    guarded.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    approve_without_a_right(&guarded);
    let said = guarded.refuses("trainer", &["main:alias"]);
    assert!(said.contains("MR307"), "{said}");
}

#[test]
fn a_mainline_that_is_another_name_is_guarded_as_what_it_leads_to() {
    let guarded = Guarded::new();
    guarded.git(&["branch", "-m", "main", "trunk"]);
    guarded.git(&["symbolic-ref", "refs/heads/main", "refs/heads/trunk"]);
    guarded.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
    approve_without_a_right(&guarded);
    for name in ["main:main", "main:trunk"] {
        let said = guarded.push("trainer", &[name]);
        assert!(said.code != 0 && said.err.contains("MR307"), "{}", said.err);
    }
}

#[test]
fn two_updates_of_the_mainline_are_not_judged_by_the_last() {
    let guarded = Guarded::new();
    let old = guarded.git(&["rev-parse", "main"]);
    approve_without_a_right(&guarded);
    let bad = guarded.lab.git(&["rev-parse", "main"]);
    let _ = guarded.accepts("trainer", &["main:side"]);
    let update = format!("{old} {bad} refs/heads/main\n{old} {old} refs/heads/main\n");
    let said = guarded.says_to(&update, &["hook", "pre-receive"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("twice"), "{}", said.err);
}

#[test]
fn the_mainline_is_not_rewound() {
    let guarded = Guarded::new();
    let said = guarded.refuses("admin-1", &["--force", "main~1:main"]);
    assert!(
        said.contains("MR502 rewritten-mainline") && said.contains("git pull --rebase"),
        "{said}"
    );
    guarded
        .lab
        .git(&["commit", "-q", "--amend", "-S", "-m", "other words"]);
    let said = guarded.refuses("admin-1", &["--force", "main"]);
    assert!(said.contains("MR502"), "{said}");
}

#[test]
fn the_mainline_is_not_turned_round() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.git(&["switch", "-q", "-c", "side", "main~1"]);
    lab.write("notes.txt", "mine\n");
    lab.commit("risk-1", "notes");
    lab.git(&["merge", "-q", "-S", "--no-edit", "main"]);
    let said = guarded.refuses("risk-1", &["side:main"]);
    assert!(said.contains("MR505 inverted-mainline"), "{said}");
}

#[test]
fn the_first_push_brings_the_pinned_root() {
    let guarded = Guarded::empty();
    let _ = guarded.accepts("admin-1", &["main"]);
    let other = crate::support::Lab::with_another_registry();
    let guarded = Guarded::empty();
    let lab = &guarded.lab;
    lab.git(&["fetch", "-q", &other.top.to_string_lossy(), "main:theirs"]);
    let said = guarded.refuses("admin-1", &["theirs:main"]);
    assert!(said.contains("is not among the first parents"), "{said}");
}

#[test]
fn without_a_pinned_root_nothing_becomes_the_mainline() {
    let guarded = Guarded::empty();
    guarded.git(&["config", "--unset", "modelry.root"]);
    let said = guarded.refuses("admin-1", &["main"]);
    let pin = format!("git config modelry.root {}", guarded.lab.root());
    assert!(
        said.contains("no root is pinned") && said.contains(&pin),
        "{said}"
    );
    guarded.git(&["config", "modelry.root", &guarded.lab.root()]);
    let _ = guarded.accepts("admin-1", &["main"]);
    // A later push is refused too.
    guarded.git(&["config", "--unset", "modelry.root"]);
    guarded.lab.register("churn", '2');
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(said.contains("no root is pinned"), "{said}");
}

#[test]
fn a_server_whose_mainline_is_another_guards_nothing_unnoticed() {
    let guarded = Guarded::empty();
    guarded.git(&["symbolic-ref", "HEAD", "refs/heads/master"]);
    guarded.git(&["config", "modelry.mainline", "master"]);
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(said.contains("the mainline here is `master`"), "{said}");
    // The configured mainline counts, and not HEAD.
    guarded.git(&["config", "modelry.mainline", "main"]);
    let _ = guarded.accepts("admin-1", &["main"]);
}

#[test]
fn a_first_push_with_a_fault_in_it_is_refused() {
    let guarded = Guarded::empty();
    guarded.lab.register("churn", '1');
    approve_without_a_right(&guarded);
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(said.contains("MR307"), "{said}");
}

#[test]
fn the_registry_may_be_a_folder() {
    let lab = crate::support::Lab::empty();
    let _ = lab.ok(
        "admin-1",
        &["--path", "models/risk", "init", "--actor", "admin-1", "--solo"],
    );
    let guarded = Guarded::of(lab);
    let pin = format!("{}:models/risk", guarded.lab.root());
    let said = guarded.says(&["hook", "install", "--server", "--root", &pin]);
    assert_eq!(said.code, 0, "{}", said.err);
    let _ = guarded.accepts("admin-1", &["main"]);
    let _ = guarded.lab.ok("admin-1", &["group", "create", "churn"]);
    let _ = guarded.accepts("admin-1", &["main"]);
    guarded.lab.write("models/risk/groups/churn/stray.txt", "x\n");
    guarded.lab.commit("admin-1", "a stray file");
    let said = guarded.refuses("admin-1", &["main"]);
    assert!(
        said.contains("MR101") && said.contains("models/risk/groups/churn/stray.txt"),
        "{said}"
    );
}

#[test]
fn old_faults_stop_their_own_group_and_no_other() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    // The server was not guarded for a while.
    std::fs::rename(guarded.bare.join("hooks/pre-receive"), guarded.bare.join("away")).expect("renamed");
    approve_without_a_right(&guarded);
    let _ = guarded.accepts("trainer", &["main"]);
    std::fs::rename(guarded.bare.join("away"), guarded.bare.join("hooks/pre-receive")).expect("renamed");
    let faulty = lab.git(&["rev-parse", "main"]);

    let digest = format!("sha256:{}", "2".repeat(64));
    let register = ["register", "other", "--artifact", "s3://m/o", "--digest", &digest];
    let _ = lab.ok("trainer", &register);
    let said = guarded.accepts("trainer", &["main"]);
    assert!(said.err.contains("remote: note: "), "{}", said.err);
    lab.write("README", "what touches nothing of the registry\n");
    lab.commit("risk-1", "words");
    let _ = guarded.accepts("trainer", &["main"]);

    let _ = lab.ok(
        "trainer",
        &["annotate", "churn/1", "--label", "a=b", "--trust-base"],
    );
    let said = guarded.refuses("trainer", &["main"]);
    assert!(said.contains("MR307"), "{said}");
    lab.git(&["reset", "-q", "--hard", "HEAD~1"]);

    // The policy can be repaired: it accepts what was looked at.
    let acknowledged = format!(
        "acknowledged:\n  - {{commit: \"{faulty}\", codes: [{}], reason: looked at}}\ngrants:",
        codes(&lab.findings("admin-1", &["audit", "-o", "json"]))
    );
    lab.change_policy("grants:", &acknowledged);
    let _ = guarded.accepts("admin-1", &["main"]);
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    let _ = guarded.accepts("trainer", &["main"]);
}

/// The codes of all findings of an audit, for `acknowledged`.
fn codes(audit: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(audit).expect("JSON");
    let findings = value["findings"].as_array().expect("a list").iter();
    let mut codes: Vec<&str> = findings.filter_map(|finding| finding["code"].as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.join(", ")
}

#[test]
fn the_verified_point_follows_what_was_accepted() {
    let guarded = Guarded::new();
    assert_eq!(
        guarded.verified(),
        None,
        "the first push is remembered by nobody yet"
    );
    let first = guarded.git(&["rev-parse", "main"]);
    guarded.lab.register("churn", '2');
    let _ = guarded.accepts("trainer", &["main"]);
    assert_eq!(guarded.verified(), Some(first));
    let second = guarded.git(&["rev-parse", "main"]);
    approve_without_a_right(&guarded);
    let _ = guarded.refuses("trainer", &["main"]);
    assert_eq!(
        guarded.verified(),
        Some(second),
        "the tip that is there, and not what was refused"
    );
}

#[test]
fn a_mainline_that_was_moved_on_the_server_is_told() {
    let guarded = Guarded::new();
    guarded.lab.register("churn", '2');
    let _ = guarded.accepts("trainer", &["main"]);
    guarded.lab.register("churn", '3');
    let _ = guarded.accepts("trainer", &["main"]);
    let verified = guarded.verified().expect("a point");
    guarded.git(&["update-ref", "refs/heads/main", &format!("{verified}~1")]);
    guarded.lab.register("churn", '4');
    let said = guarded.refuses("trainer", &["main"]);
    assert!(said.contains("MR502"), "{said}");
    // An administrator of the server did this on purpose.
    let said = guarded.says(&["hook", "install", "--server", "--replay"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let _ = guarded.accepts("trainer", &["main"]);
}

#[test]
fn a_mainline_that_is_pushed_anew_holds_what_was_verified() {
    let guarded = Guarded::new();
    guarded.lab.register("churn", '2');
    let _ = guarded.accepts("trainer", &["main"]);
    guarded.lab.register("churn", '3');
    let _ = guarded.accepts("trainer", &["main"]);
    guarded.git(&["update-ref", "-d", "refs/heads/main"]);
    let said = guarded.refuses("trainer", &["main~2:refs/heads/main"]);
    assert!(said.contains("MR502"), "{said}");
    let _ = guarded.accepts("trainer", &["main"]);
}

#[test]
fn what_lands_meanwhile_refuses_the_slower_push() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    let before = lab.git(&["rev-parse", "main"]);
    lab.register("churn", '2');
    let faster = lab.git(&["rev-parse", "main"]);
    let _ = guarded.accepts("trainer", &["main:refs/heads/faster"]);
    lab.git(&["reset", "-q", "--hard", &before]);
    let group = ["group", "create", "slow", "--replay"];
    let _ = lab.ok("admin-1", &group);
    // It lands while the slower push is judged, after it was.
    let slow = format!(
        "#!/bin/sh\ncat >/dev/null\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\ngit update-ref refs/heads/main {faster}\n"
    );
    guarded.write_hook("pre-receive.chained", &slow);
    let said = guarded.push("trainer", &["main"]);
    assert_ne!(said.code, 0, "{}", said.err);
    assert_eq!(guarded.git(&["rev-parse", "main"]), faster);
    // And before: the pusher's word for the old tip is not taken.
    std::fs::remove_file(guarded.bare.join("hooks/pre-receive.chained")).expect("removed");
    let update = format!("{before} {} refs/heads/main\n", lab.git(&["rev-parse", "main"]));
    let said = guarded.says_to(&update, &["hook", "pre-receive"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("moved by another push"), "{}", said.err);
}

#[test]
fn a_locked_mainline_moves_nothing() {
    let guarded = Guarded::new();
    let before = guarded.references();
    std::fs::write(guarded.bare.join("refs/heads/main.lock"), "").expect("a lock");
    guarded.lab.register("churn", '2');
    let said = guarded.push("trainer", &["main"]);
    assert_ne!(said.code, 0, "{}", said.err);
    std::fs::remove_file(guarded.bare.join("refs/heads/main.lock")).expect("removed");
    assert_eq!(before, guarded.references());
    let _ = guarded.accepts("trainer", &["main"]);
}

#[test]
fn a_push_that_takes_too_long_is_refused() {
    let guarded = Guarded::new();
    guarded.lab.register("churn", '2');
    guarded.git(&["config", "modelry.hook.timeout", "0"]);
    let said = guarded.refuses("trainer", &["main"]);
    assert!(
        said.contains("more than 0 seconds") && said.contains("modelry.hook.timeout"),
        "{said}"
    );
    // The time limit covers every wait, here for standard input.
    let start = std::time::Instant::now();
    let mut waiting = guarded.lab.command(env!("CARGO_BIN_EXE_modelry"));
    let mut child = waiting
        .args(["hook", "pre-receive", "--timeout", "1"])
        .current_dir(&guarded.bare)
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let silent = child.stdin.take();
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
    drop(silent);
    assert!(start.elapsed().as_secs() < 20);
    guarded.git(&["config", "modelry.hook.timeout", "soon"]);
    let said = guarded.refuses("trainer", &["main"]);
    assert!(said.contains("is `soon`, which is no number"), "{said}");
    guarded.git(&["config", "modelry.hook.timeout", "60"]);
    let _ = guarded.accepts("trainer", &["main"]);
}

#[test]
fn a_push_beyond_the_budget_is_refused() {
    let guarded = Guarded::new();
    guarded.lab.register("churn", '2');
    guarded.git(&["config", "modelry.hook.maxObjects", "5"]);
    let said = guarded.refuses("trainer", &["main"]);
    assert!(said.contains("more than 5 objects"), "{said}");
    guarded.git(&["config", "--unset", "modelry.hook.maxObjects"]);
    guarded.git(&["config", "modelry.hook.maxBytes", "100000"]);
    let _ = guarded.accepts("trainer", &["main"]);
    // A file that packs well, and is not a record. A larger one would not be read.
    guarded
        .lab
        .write("groups/churn/versions/2/version.yaml", &"#\n".repeat(100_000));
    guarded.lab.commit("trainer", "a large file");
    let said = guarded.refuses("trainer", &["main"]);
    assert!(said.contains("more than 100000 bytes"), "{said}");
}

#[test]
fn a_date_far_from_the_clock_is_refused_where_the_server_says_so() {
    // A mainline that comes whole is old history.
    let guarded = Guarded::empty();
    guarded.git(&["config", "modelry.hook.maxSkew", "an hour"]);
    let refused = guarded.refuses("admin-1", &["main"]);
    assert!(
        refused.contains("`modelry.hook.maxSkew` of git's configuration can't be used"),
        "{refused}"
    );
    guarded.git(&["config", "modelry.hook.maxSkew", "1h"]);
    let _ = guarded.accepts("admin-1", &["main"]);
    let dated = |words: &[&str], signed: bool| {
        let mut git = guarded.lab.command("git");
        guarded.lab.as_actor(&mut git, "admin-1");
        git.args(words).args(signed.then_some("-S"));
        git.env("GIT_COMMITTER_DATE", "2099-01-01T00:00:00Z");
        let said = said(git.current_dir(&guarded.lab.top));
        assert_eq!(said.code, 0, "{said:?}");
    };
    // A commit beside the registry has no say, and may have any date.
    guarded.lab.write("notes.txt", "beside\n");
    guarded.lab.git(&["add", "-A"]);
    dated(&["commit", "-q", "-m", "beside"], false);
    let _ = guarded.accepts("admin-1", &["main"]);
    let group = "apiVersion: modelry/v1\nkind: ModelGroup\nname: later\n";
    guarded.lab.write("groups/later/group.yaml", group);
    guarded.lab.git(&["add", "-A"]);
    dated(&["commit", "-q", "-m", "later"], true);
    let refused = guarded.refuses("admin-1", &["main"]);
    let commit = guarded.lab.git(&["rev-parse", "HEAD"]);
    assert!(
        refused.contains(&commit[..10]) && refused.contains("2099-01-01"),
        "{refused}"
    );
    let one_line = refused.replace("remote: ", "").replace('\n', " ");
    let line = regex::Regex::new("`git (rebase [^`]+)`").expect("an expression");
    let typed = line.captures(&one_line).expect("a command to type")[1].to_owned();
    let mut git = guarded.lab.command("git");
    guarded.lab.as_actor(&mut git, "admin-1");
    git.env_remove("GIT_COMMITTER_DATE").env_remove("GIT_AUTHOR_DATE");
    let rebased = said(git.args(typed.split_whitespace()).current_dir(&guarded.lab.top));
    assert_eq!(rebased.code, 0, "{rebased:?}");
    let _ = guarded.accepts("admin-1", &["main"]);
}

/// A date that no program reads is near no clock.
#[test]
fn a_date_that_can_not_be_read_is_refused_where_dates_are_bounded() {
    let guarded = Guarded::new();
    guarded.lab.register("churn", '2');
    let commit = guarded.lab.git(&["cat-file", "commit", "HEAD"]);
    let line = commit
        .lines()
        .find(|line| line.starts_with("committer "))
        .expect("a line");
    let (who, _) = line.rsplit_once("> ").expect("an address");
    let unsigned = |date: &str| {
        let mut out = Vec::new();
        let mut inside = false;
        for text in commit.lines() {
            inside = text.starts_with("gpgsig ") || (inside && text.starts_with(' '));
            if inside {
                continue;
            }
            out.push(match text == line {
                true => format!("{who}> {date}"),
                false => text.to_owned(),
            });
        }
        format!("{}\n", out.join("\n"))
    };
    guarded.git(&["config", "modelry.hook.maxSkew", "1h"]);
    for date in ["99999999999999999999 +0000", "soon +0000", ""] {
        let payload = unsigned(date);
        let path = guarded.lab.home().join("payload");
        std::fs::write(&path, &payload).expect("a file");
        let _ = std::fs::remove_file(path.with_extension("sig"));
        let key = guarded.lab.key("trainer").to_string_lossy().into_owned();
        let path = path.to_string_lossy().into_owned();
        let mut sign = guarded.lab.command("ssh-keygen");
        let signed = said(sign.args(["-q", "-Y", "sign", "-n", "git", "-f", &key, &path]));
        assert_eq!(signed.code, 0, "{signed:?}");
        let armor = std::fs::read_to_string(format!("{path}.sig")).expect("a signature");
        let header = format!("gpgsig {}\n", armor.trim_end().replace('\n', "\n "));
        let (head, message) = payload.split_once("\n\n").expect("a message");
        std::fs::write(&path, format!("{head}\n{header}\n{message}")).expect("a file");
        let made = guarded
            .lab
            .git(&["hash-object", "-t", "commit", "-w", "--literally", &path]);
        guarded.lab.git(&["update-ref", "refs/heads/undated", &made]);
        let refused = guarded.refuses("trainer", &["undated:main"]);
        assert!(
            refused.contains("has no date that can be read") || refused.contains("MR315"),
            "{date}: {refused}"
        );
    }
}

#[test]
fn hundreds_of_findings_do_not_flood_the_pusher() {
    let guarded = Guarded::new();
    for n in 0..80 {
        guarded.lab.write(&format!("groups/churn/stray-{n}.txt"), "x\n");
    }
    guarded.lab.commit("admin-1", "stray files");
    let said = guarded.refuses("admin-1", &["main"]);
    assert_eq!(said.matches("MR101 stray-file").count(), 50, "{said}");
    assert!(
        said.contains("and 30 findings more") || said.contains("30 findings"),
        "{said}"
    );
}

#[test]
fn a_push_from_a_shallow_clone_is_never_taken_on_trust() {
    let guarded = Guarded::new();
    guarded.git(&["config", "receive.shallowUpdate", "true"]);
    guarded.git(&["config", "modelry.hook.timeout", "30"]);
    let empty = Guarded::empty();
    empty.git(&["config", "receive.shallowUpdate", "true"]);
    let shallow = guarded.lab.home().join("shallow");
    let from = format!("file://{}", guarded.bare.display());
    guarded
        .lab
        .git(&["clone", "-q", "--depth", "1", &from, &shallow.to_string_lossy()]);
    let to = empty.bare.to_string_lossy().into_owned();
    let output = guarded.lab.git_as(
        "admin-1",
        &["-C", &shallow.to_string_lossy(), "push", &to, "main"],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(
        said.contains("the push lacks commit") && said.contains("--unshallow"),
        "{said}"
    );
    // On top of what is there, a shallow clone pushes what it made as any other.
    let shallow = shallow.to_string_lossy().into_owned();
    std::fs::write(format!("{shallow}/notes"), "x").expect("a file");
    guarded.lab.git(&["-C", &shallow, "add", "-A"]);
    guarded.lab.git(&["-C", &shallow, "commit", "-q", "-m", "notes"]);
    guarded.lab.git(&["-C", &shallow, "push", "-q", "origin", "main"]);
}

#[test]
fn a_broken_pack_is_refused() {
    let guarded = Guarded::new();
    let lab = &guarded.lab;
    lab.register("churn", '2');
    let tip = lab.git(&["rev-parse", "main"]);
    let old = guarded.git(&["rev-parse", "main"]);
    // Git does not check for objects that were lost on the server's disk: the hook is
    // given a commit that is truncated, and one that is missing.
    let update = format!("{old} {tip} refs/heads/main\n");
    let said = guarded.says_to(&update, &["hook", "pre-receive"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.err.contains(&format!("the push lacks commit {tip}")),
        "{}",
        said.err
    );
    let object = guarded.bare.join("objects").join(&tip[..2]).join(&tip[2..]);
    std::fs::create_dir_all(object.parent().expect("a folder")).expect("folders");
    let whole = lab.top.join(".git/objects").join(&tip[..2]).join(&tip[2..]);
    let bytes = std::fs::read(whole).expect("a loose object");
    std::fs::write(&object, &bytes[..bytes.len() / 2]).expect("half of it");
    let said = guarded.says_to(&update, &["hook", "pre-receive"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("is damaged"), "{}", said.err);
    std::fs::remove_file(&object).expect("removed");
    // A pack that is broken on the way never comes as far as the hook.
    let mut pack = Vec::new();
    for line in [
        format!("{old} {tip} refs/heads/main\0report-status"),
        String::new(),
    ] {
        match line.as_str() {
            "" => pack.extend_from_slice(b"0000"),
            line => pack.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes()),
        }
    }
    pack.extend_from_slice(b"PACK\0\0\0\x02\0\0\0\x01garbage");
    let before = guarded.references();
    let mut receive = lab.command("git");
    receive.args(["receive-pack", &guarded.bare.to_string_lossy()]);
    let said = super::say_to(&mut receive, &pack);
    assert!(
        said.out.contains("unpack ") && !said.out.contains("unpack ok"),
        "{}",
        said.out
    );
    assert_eq!(before, guarded.references());
}

#[test]
fn what_is_no_line_of_git_is_an_error() {
    let guarded = Guarded::new();
    let said = guarded.says_to("hello\n", &["hook", "pre-receive"]);
    assert_eq!(said.code, 2, "{}", said.err);
    let said = guarded.says_to("", &["hook", "pre-receive"]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn namespaces_are_not_guarded_and_say_so() {
    let guarded = Guarded::new();
    let mut command = guarded.lab.command(env!("CARGO_BIN_EXE_modelry"));
    command
        .env("GIT_NAMESPACE", "x")
        .args(["hook", "pre-receive"])
        .current_dir(&guarded.bare);
    let said = super::say_to(&mut command, b"");
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn a_hook_whose_program_is_gone_refuses() {
    let guarded = Guarded::new();
    let hook = guarded.bare.join("hooks/pre-receive");
    let text = std::fs::read_to_string(&hook).expect("a hook");
    write_program(
        &hook,
        &text.replace(env!("CARGO_BIN_EXE_modelry"), "/nowhere/modelry"),
    );
    guarded.lab.register("churn", '2');
    let _ = guarded.refuses("trainer", &["main"]);
}
