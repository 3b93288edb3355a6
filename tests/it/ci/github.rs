//! Events of GitHub Actions.

use serde_json::json;

use super::{Job, annotated, bad, good, opened};
use crate::support::Said;
use crate::support::hub::Hub;

const ZEROES: &str = "0000000000000000000000000000000000000000";

/// Pushes the branch that is checked out, and its pull request's reference.
fn proposed(hub: &Hub, make: fn(&Hub) -> String) -> String {
    hub.lab.git(&["switch", "-q", "-c", "topic"]);
    let tip = make(hub);
    hub.lab
        .git(&["push", "-q", "origin", "topic", "topic:refs/pull/7/head"]);
    tip
}

fn pull_request(job: &mut Job<'_>, event: &str, head: &str, base: &str) -> Said {
    job.event(
        event,
        &json!({
            "action": "synchronize",
            "number": 7,
            "pull_request": {
                "number": 7,
                "head": {"ref": "topic", "sha": head, "repo": {"full_name": "risk/models"}},
                "base": {"ref": base, "sha": "1111111111111111111111111111111111111111"},
            },
        }),
    );
    job.judge()
}

fn push(job: &mut Job<'_>, reference: &str, before: &str, after: &str) -> Said {
    job.event(
        "push",
        &json!({"ref": reference, "before": before, "after": after, "created": before == ZEROES, "deleted": after == ZEROES, "forced": false}),
    );
    job.judge()
}

#[test]
fn a_good_pull_request_is_clean_and_told() {
    let hub = opened();
    let tip = proposed(&hub, good);
    let mut job = Job::at(&hub, &tip);
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(annotated(&said.out), Vec::<String>::new());
    assert_eq!(job.sarif(), Vec::<String>::new());
    let page = job.read("page.md");
    assert!(
        page.contains("What this change means") && page.contains("by squash"),
        "{page}"
    );
    assert_eq!(page, job.read("summary.md"));
}

/// A branch, a range and a push of one revocation have one verdict.
#[test]
fn a_pushed_revocation_is_a_note_everywhere() {
    let hub = opened();
    let lab = &hub.lab;
    let before = hub.tip();
    let key = crate::policy::emergency::fingerprint(lab, "trainer");
    let since = lab.git(&["rev-parse", "HEAD~1"]);
    let revoke = [
        "actor",
        "revoke-key",
        &key,
        "--since",
        &since,
        "-m",
        "stolen",
        "--yes",
        "--branch",
        "urgent",
    ];
    let _ = lab.ok("admin-1", &revoke);
    lab.git(&["merge", "-q", "--ff-only", "urgent"]);
    let tip = lab.git(&["rev-parse", "HEAD"]);
    for judged in [
        &["validate", "--onto", &before, &tip][..],
        &["validate", &format!("{before}..{tip}")],
    ] {
        let said = lab.says("admin-1", judged);
        assert_eq!(said.code, 0, "{judged:?}: {said:?}");
        assert!(
            said.out.contains("note: a finding from now on (MR317)"),
            "{said:?}"
        );
    }
    lab.git(&["push", "-q", "origin", "main"]);
    let mut job = Job::at(&hub, &tip);
    let said = push(&mut job, "refs/heads/main", &before, &tip);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(annotated(&said.out), Vec::<String>::new(), "{said:?}");
    // A later step in the group rests on the key.
    assert!(lab.findings("admin-1", &["audit"]).contains("MR317"));
    let forced = ["annotate", "churn/1", "--label", "a=b", "--trust-base"];
    let _ = lab.ok(
        "admin-1",
        &["grant", "add", "admin-1", "--allow", "annotate", "--groups", "*"],
    );
    let _ = lab.ok("admin-1", &forced);
    let said = lab.findings("admin-1", &["validate", &format!("{before}..HEAD")]);
    assert!(said.contains("MR317"), "{said}");
}

#[test]
fn a_bad_pull_request_has_one_verdict_in_every_form() {
    let hub = opened();
    let tip = proposed(&hub, bad);
    let mut job = Job::at(&hub, &tip);
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(annotated(&said.out), ["MR308"], "{said:?}");
    assert_eq!(job.sarif(), ["MR308"]);
    assert!(job.read("page.md").contains("MR308"));
    assert!(
        said.out
            .contains("file=groups/churn/versions/1/version.yaml,line="),
        "{said:?}"
    );
}

/// A fork's commits are in no branch of the registry, and the workflow that its
/// author can't rewrite checks the base out.
#[test]
fn a_fork_is_fetched_by_its_number() {
    for (make, code) in [(good as fn(&Hub) -> String, 0), (bad, 1)] {
        let hub = opened();
        hub.lab.git(&["switch", "-q", "-c", "topic"]);
        let tip = make(&hub);
        hub.lab.git(&["push", "-q", "origin", "topic:refs/pull/7/head"]);
        let mut job = Job::at(&hub, "origin/main");
        let said = pull_request(&mut job, "pull_request_target", &tip, "main");
        assert_eq!(said.code, code, "{said:?}");
    }
}

#[test]
fn a_pull_request_that_moved_on_is_not_judged_as_what_it_was() {
    let hub = opened();
    let old = proposed(&hub, good);
    hub.lab.git(&["reset", "-q", "--hard", "main"]);
    let _ = bad(&hub);
    hub.lab
        .git(&["push", "-q", "-f", "origin", "topic", "topic:refs/pull/7/head"]);
    let mut job = Job::at(&hub, "origin/main");
    let said = pull_request(&mut job, "pull_request_target", &old, "main");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("moved on since"), "{said:?}");
    assert!(said.out.contains("::error title=modelry::"), "{said:?}");
}

#[test]
fn a_base_that_is_named_is_of_the_mainline() {
    let hub = opened();
    let tip = proposed(&hub, bad);
    let main = hub.git(&["rev-parse", "main"]);
    hub.lab.git(&["push", "-q", "origin", "topic:base"]);
    let mut job = Job::at(&hub, &tip);
    job.set("MODELRY_BASE", &main);
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(
        (said.code, annotated(&said.out)),
        (1, vec!["MR308".to_owned()]),
        "{said:?}"
    );
    job.set("MODELRY_BASE", "origin/base");
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert!(
        said.code == 2 && said.err.contains("which is no commit of `main`"),
        "{said:?}"
    );
    let said = push(&mut job, "refs/heads/main", &main, &main);
    assert!(said.err.contains("is for what may land"), "{said:?}");
}

/// The verdict depends on the commit, so choosing another target does not get a
/// kinder one.
#[test]
fn no_other_target_makes_a_commit_better() {
    let hub = opened();
    let tip = proposed(&hub, bad);
    hub.lab
        .git(&["push", "-q", "origin", "topic:base", "topic:refs/tags/v1"]);
    hub.lab.git(&["tag", "-a", "-m", "annotated", "v2", &tip]);
    hub.lab.git(&["push", "-q", "origin", "v2"]);
    let annotated_tag = hub.lab.git(&["rev-parse", "v2"]);
    let mut job = Job::at(&hub, &tip);
    for said in [
        pull_request(&mut job, "pull_request", &tip, "base"),
        push(&mut job, "refs/heads/topic", ZEROES, &tip),
        push(&mut job, "refs/heads/topic", &tip, &tip),
        push(&mut job, "refs/tags/v1", ZEROES, &tip),
        push(&mut job, "refs/tags/v2", ZEROES, &annotated_tag),
    ] {
        assert_eq!(said.code, 1, "{said:?}");
        assert_eq!(annotated(&said.out), ["MR308"], "{said:?}");
    }
    job.event(
        "merge_group",
        &json!({"merge_group": {"base_ref": "refs/heads/base", "base_sha": &tip, "head_ref": "refs/heads/topic", "head_sha": &tip}}),
    );
    let said = job.judge();
    assert_eq!(
        (said.code, annotated(&said.out)),
        (1, vec!["MR308".to_owned()]),
        "{said:?}"
    );
}

#[test]
fn what_the_mainline_has_already_is_clean_and_says_so() {
    let hub = opened();
    let tip = hub.tip();
    let mut job = Job::at(&hub, &tip);
    for said in [
        pull_request(&mut job, "pull_request", &tip, "main"),
        push(&mut job, "refs/heads/topic", ZEROES, &tip),
    ] {
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.err.contains("nothing would land: `main`"), "{said:?}");
        assert!(
            job.read("summary.md")
                .contains("Nothing of the registry changes.")
        );
    }
    // Commits that touch nothing of the registry.
    hub.lab.git(&["switch", "-q", "-c", "topic"]);
    hub.lab.write("README", "words\n");
    hub.lab.commit("risk-1", "words");
    hub.lab.git(&["push", "-q", "origin", "topic"]);
    let tip = hub.lab.git(&["rev-parse", "HEAD"]);
    let mut job = Job::at(&hub, &tip);
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_queue_is_judged_as_the_steps_that_it_will_push() {
    let hub = opened();
    let base = hub.tip();
    for (make, code, codes) in [
        (good as fn(&Hub) -> String, 0, vec![]),
        (bad, 1, vec!["MR308".to_owned()]),
    ] {
        let topic = format!("topic-{code}");
        hub.lab.git(&["switch", "-q", "-c", &topic, "main"]);
        make(&hub);
        let queue = format!("gh-readonly-queue/main/pr-7-{code}");
        hub.lab.git(&["switch", "-q", "-c", &queue, "main"]);
        // Merged by the host, which signs nothing that counts.
        hub.lab
            .git(&["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "Merge", &topic]);
        hub.lab.git(&["push", "-q", "origin", &queue]);
        let head = hub.lab.git(&["rev-parse", "HEAD"]);
        let mut job = Job::at(&hub, &head);
        job.event(
            "merge_group",
            &json!({"action": "checks_requested", "merge_group": {
                "base_ref": "refs/heads/main", "base_sha": base,
                "head_ref": format!("refs/heads/{queue}"), "head_sha": head,
            }}),
        );
        let said = job.judge();
        assert_eq!((said.code, annotated(&said.out)), (code, codes), "{said:?}");
        assert!(job.read("page.md").contains("Verdict"), "{}", job.read("page.md"));
    }
}

#[test]
fn a_push_to_the_mainline_is_judged_step_by_step() {
    let hub = opened();
    let before = hub.tip();
    let after = good(&hub);
    hub.lab.git(&["push", "-q", "origin", "main"]);
    let mut job = Job::at(&hub, &after);
    let said = push(&mut job, "refs/heads/main", &before, &after);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(job.read("page.md").contains("churn/1"), "{}", job.read("page.md"));
    // A new branch: every step there is.
    let said = push(&mut job, "refs/heads/main", ZEROES, &after);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("every step from the root"), "{said:?}");
    // The good one is followed by one that is not.
    let worse = {
        let text = hub.lab.read("registry.yaml");
        hub.lab.write("registry.yaml", &format!("{text}# by hand\n"));
        hub.lab.commit("risk-1", "by hand");
        hub.lab.git(&["rev-parse", "HEAD"])
    };
    hub.lab.git(&["push", "-q", "origin", "main"]);
    let mut job = Job::at(&hub, &worse);
    for before in [&after, &before, ZEROES] {
        let said = push(&mut job, "refs/heads/main", before, &worse);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(annotated(&said.out).contains(&"MR403".to_owned()), "{said:?}");
    }
    // A push onto it builds on a faulty policy.
    let path = "groups/churn/versions/1/version.yaml";
    let text = hub.lab.read(path).replace("status: Approved", "status: Rejected");
    hub.lab.write(path, &text);
    hub.lab.commit("risk-1", "by hand");
    let next = hub.lab.git(&["rev-parse", "HEAD"]);
    hub.lab.git(&["push", "-q", "origin", "main"]);
    let mut job = Job::at(&hub, &next);
    let said = push(&mut job, "refs/heads/main", &worse, &next);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(annotated(&said.out), ["MR401", "MR403", "MR203"], "{said:?}");
}

#[test]
fn a_mainline_that_was_forced_is_a_finding() {
    let hub = opened();
    let before = good(&hub);
    hub.lab.git(&["push", "-q", "origin", "main"]);
    // With the old tip in the clone, and without it.
    let mut old = Job::at(&hub, &before);
    hub.lab.git(&["reset", "-q", "--hard", "HEAD~1"]);
    hub.lab.write("README", "words\n");
    hub.lab.commit("risk-1", "words");
    hub.lab.git(&["push", "-q", "-f", "origin", "main"]);
    let after = hub.tip();
    old.git(&["fetch", "-q", "origin"]);
    old.git(&["checkout", "-q", "--detach", &after]);
    let mut new = Job::at(&hub, &after);
    for job in [&mut old, &mut new] {
        let said = push(job, "refs/heads/main", &before, &after);
        assert_eq!(
            (said.code, annotated(&said.out)),
            (1, vec!["MR502".to_owned()]),
            "{said:?}"
        );
        let words = format!(
            "was the tip of `main` before, and is not among the first parents of {}",
            &after[..10]
        );
        assert!(said.out.contains(&words), "{said:?}");
    }
    // The old mainline as a side of a merge.
    hub.lab.git(&["switch", "-q", "-c", "own", "HEAD~1"]);
    hub.lab.git(&["commit", "-q", "--allow-empty", "-m", "own"]);
    hub.lab.git(&["merge", "-q", "--no-ff", "-m", "Merge", "main"]);
    hub.lab.git(&["push", "-q", "-f", "origin", "own:main"]);
    let merged = hub.tip();
    let mut job = Job::at(&hub, &merged);
    let said = push(&mut job, "refs/heads/main", &after, &merged);
    assert_eq!(
        (said.code, annotated(&said.out)),
        (1, vec!["MR505".to_owned()]),
        "{said:?}"
    );
}

#[test]
fn what_is_no_event_of_commits_is_never_a_pass() {
    let hub = opened();
    let tip = hub.tip();
    let mut job = Job::at(&hub, &tip);
    for (event, payload) in [
        ("schedule", json!({})),
        ("workflow_dispatch", json!({"ref": "refs/heads/main"})),
        ("issue_comment", json!({"issue": {"number": 7}})),
        ("pull_request", json!({"number": 7})),
        ("pull_request", json!({"pull_request": {"head": {"sha": "main"}}})),
        ("push", json!({"ref": "refs/heads/main"})),
        (
            "push",
            json!({"ref": "refs/heads/main", "before": tip, "after": ZEROES}),
        ),
        (
            "push",
            json!({"ref": "refs/heads/topic", "before": tip, "after": ZEROES}),
        ),
        (
            "merge_group",
            json!({"merge_group": {"base_ref": "refs/heads/main", "head_sha": tip, "base_sha": ZEROES}}),
        ),
        ("", json!({})),
    ] {
        job.event(event, &payload);
        let said = job.judge();
        assert_eq!(said.code, 2, "{event} {payload}: {said:?}");
        assert!(said.err.contains("error: "), "{event} {payload}: {said:?}");
        assert_eq!(job.read("page.md"), "");
    }
    job.set("GITHUB_EVENT_PATH", "/nowhere/event.json");
    assert_eq!(job.judge().code, 2);
}

/// An event about no change judges what the job runs on: the whole mainline, or
/// another branch as it would land. The file of a schedule names no repository.
#[test]
fn a_schedule_judges_the_mainline_and_by_hand_what_was_chosen() {
    for (make, code) in [(good as fn(&Hub) -> String, 0), (bad, 1)] {
        let hub = opened();
        let tip = proposed(&hub, make);
        let mut job = Job::at(&hub, &tip);
        job.set("GITHUB_SHA", &tip);
        let events = [
            "schedule",
            "workflow_dispatch",
            "repository_dispatch",
            "workflow_run",
        ];
        for event in events {
            job.event(event, &json!({"schedule": "30 5 * * 1"}));
            job.set("GITHUB_REF", "refs/heads/topic");
            if event != "schedule" {
                let said = job.judge();
                assert_eq!(said.code, code, "{event} on a topic: {said:?}");
            }
            job.set("GITHUB_REF", "refs/heads/main");
            if event == "schedule" {
                let file = hub.lab.home().join("event.json");
                std::fs::write(file, r#"{"schedule": "30 5 * * 1"}"#).expect("a file");
            }
            let said = job.judge();
            assert_eq!(said.code, code, "{event}: {said:?}");
            assert!(
                said.err.contains("every step from the root was judged"),
                "{said:?}"
            );
        }
        job.set("GITHUB_SHA", ZEROES);
        assert_eq!(job.judge().code, 2);
    }
}

#[test]
fn a_job_without_a_pinned_root_judges_nothing() {
    let hub = opened();
    let tip = proposed(&hub, good);
    let mut job = Job::at(&hub, &tip);
    job.set("MODELRY_ROOT", "");
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains(&format!("--root {}", hub.lab.root())),
        "{said:?}"
    );
    // Another registry's root.
    job.set("MODELRY_ROOT", &tip);
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(said.code, 2, "{said:?}");
}

/// The line that is printed is the line that helps.
#[test]
fn a_clone_that_lacks_something_is_told_what_to_fetch() {
    let hub = opened();
    let tip = proposed(&hub, good);
    hub.lab.git(&["push", "-q", "origin", ":topic"]);
    let whole = "+refs/heads/main:refs/remotes/origin/main";
    let head = "+refs/pull/7/head:refs/modelry/fetched/ci";
    for (options, expected) in [
        (
            &["--depth", "1", "--branch", "main"][..],
            format!("git fetch --unshallow origin {head}"),
        ),
        (
            &["--single-branch", "--branch", "other"],
            format!("git fetch origin {whole} {head}"),
        ),
        (
            &["--depth", "1", "--branch", "other"],
            format!("git fetch --unshallow origin {whole} {head}"),
        ),
        (&["--branch", "main"], format!("git fetch origin {head}")),
    ] {
        hub.git(&["update-ref", "refs/heads/other", "refs/heads/main~1"]);
        let mut job = Job::with(&hub, options);
        let payload = json!({"pull_request": {"number": 7, "head": {"sha": tip}}});
        job.event("pull_request", &payload);
        let said = job.validate("github", &[]);
        assert_eq!(said.code, 2, "{options:?} {said:?}");
        let line = said.err.split('`').find(|word| word.starts_with("git fetch"));
        assert_eq!(line, Some(expected.as_str()), "{options:?} {said:?}");
        let fetched = job
            .command("sh".as_ref(), &["-c", &expected])
            .output()
            .expect("sh");
        assert!(fetched.status.success(), "{fetched:?}");
        let said = job.validate("github", &[]);
        assert_eq!(said.code, 0, "{options:?} {said:?}");
        // Or the job does it by itself.
        let mut job = Job::with(&hub, options);
        job.event("pull_request", &payload);
        let said = job.validate("github", &["--fetch"]);
        assert_eq!(said.code, 0, "{options:?} {said:?}");
    }
    // A push that is checked out without its history.
    let before = hub.git(&["rev-parse", "main~1"]);
    let mut job = Job::with(&hub, &["--depth", "1", "--branch", "main"]);
    job.event(
        "push",
        &json!({"ref": "refs/heads/main", "before": before, "after": hub.tip()}),
    );
    let said = job.validate("github", &[]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("`git fetch --unshallow origin`"), "{said:?}");
    assert_eq!(job.validate("github", &["--fetch"]).code, 0);
}

/// The same by hand, without an event.
#[test]
fn a_branch_that_is_not_here_is_told_with_its_fetch() {
    let hub = opened();
    let _ = proposed(&hub, good);
    let job = Job::with(&hub, &["--single-branch", "--branch", "topic"]);
    let root = hub.lab.root();
    let validate = || {
        job.seat
            .says("admin-1", &["validate", "--onto", "origin/main", "--root", &root])
    };
    let said = validate();
    let line = "git fetch origin +refs/heads/main:refs/remotes/origin/main";
    assert!(
        said.code == 2 && said.err.contains(&format!("`{line}`")),
        "{said:?}"
    );
    assert!(
        job.command("sh".as_ref(), &["-c", line])
            .status()
            .expect("sh")
            .success()
    );
    assert_eq!(validate().code, 0);
}

/// A runner of one's own may keep a mirror, which has the mainline itself.
#[test]
fn a_mirror_is_enough() {
    let hub = opened();
    let mut job = Job::with(&hub, &["--mirror"]);
    let tip = proposed(&hub, bad);
    job.event(
        "pull_request",
        &json!({"pull_request": {"number": 7, "head": {"sha": tip}}}),
    );
    let said = job.validate("github", &[]);
    assert!(
        said.code == 2 && said.err.contains("`git fetch origin +refs/pull/7/head:"),
        "{said:?}"
    );
    let said = job.validate("github", &["--fetch"]);
    assert!(said.code == 1 && said.out.contains("MR308"), "{said:?}");
}

#[test]
fn by_hand_a_shallow_clone_is_told_one_line() {
    let hub = opened();
    let _ = proposed(&hub, good);
    let root = hub.lab.root();
    hub.git(&["update-ref", "refs/heads/older", "refs/heads/main~2"]);
    for what in [&["origin/older..HEAD"][..], &["--onto", "origin/main"]] {
        let job = Job::with(&hub, &["--depth", "1", "--no-single-branch", "--branch", "topic"]);
        let all = [&["validate", "--root", &root][..], what].concat();
        let said = job.seat.says("admin-1", &all);
        assert_eq!(said.code, 2, "{what:?} {said:?}");
        assert!(
            said.err
                .contains("fetch the whole history: `git fetch --unshallow`\n"),
            "{said:?}"
        );
        job.git(&["fetch", "-q", "--unshallow"]);
        assert_eq!(job.seat.says("admin-1", &all).code, 0, "{what:?}");
    }
}

#[test]
fn one_judgement_is_written_in_many_forms() {
    let hub = opened();
    let _ = proposed(&hub, bad);
    let lab = &hub.lab;
    let forms = ["sarif", "json", "gitlab", "junit", "concise", "human", "github"];
    let reports: Vec<String> = forms
        .iter()
        .map(|form| format!("{form}=../reports/{form}"))
        .collect();
    let mut all = vec!["validate", "HEAD~1..HEAD"];
    for report in &reports {
        all.extend(["--report", report]);
    }
    let out = lab.findings("admin-1", &all);
    for form in forms {
        let text = lab.read(&format!("../reports/{form}"));
        assert!(text.contains("MR308"), "{form}: {text}");
        let alone = lab.findings("admin-1", &["validate", "HEAD~1..HEAD", "-o", form]);
        assert_eq!(text, alone, "{form}");
    }
    assert_eq!(out, lab.read("../reports/human"));
    for wrong in ["sarif", "sarif=", "html=page", "=x"] {
        let told = lab.error("admin-1", &["validate", "HEAD~1..HEAD", "--report", wrong]);
        assert!(told.contains("--report"), "{told}");
    }
    let told = lab.error("admin-1", &["validate", "--ci", "github", "--onto", "main"]);
    assert!(told.contains("cannot be used with"), "{told}");
}

/// A reference may have the name of a commit's id, since some users may push tags.
#[test]
fn a_tag_that_is_named_like_a_commit_chooses_nothing() {
    let hub = opened();
    let tip = proposed(&hub, bad);
    hub.lab
        .git(&["push", "-q", "origin", &format!("main:refs/tags/{tip}")]);
    let mut job = Job::at(&hub, "origin/main");
    job.git(&["fetch", "-q", "origin", "tag", &tip]);
    let said = pull_request(&mut job, "pull_request_target", &tip, "main");
    assert_eq!(
        (said.code, annotated(&said.out)),
        (1, vec!["MR308".to_owned()]),
        "{said:?}"
    );
    // By hand too, and with what follows an id.
    let upper = tip.to_ascii_uppercase();
    for range in [
        format!("{tip}~1..{tip}"),
        format!("{tip}^..{upper}"),
        format!("{tip}^1^{{commit}}..{tip}^0"),
        format!("{tip}~2..{tip}~0"),
    ] {
        let said = job.seat.says("admin-1", &["validate", &range]);
        assert!(said.code == 1 && said.out.contains("MR308"), "{range}: {said:?}");
    }
    for range in [
        format!("{tip}^2..{tip}"),
        format!("{tip}..{tip}:groups"),
        format!("{tip}~9999..{tip}"),
    ] {
        let said = job.seat.says("admin-1", &["validate", &range]);
        assert!(
            said.code == 2 && said.err.contains("names no commit here"),
            "{range}: {said:?}"
        );
    }
    let root = hub.lab.root();
    let said = job.seat.says(
        "admin-1",
        &["validate", "--onto", "origin/main", &tip, "--root", &root],
    );
    assert!(said.code == 1 && said.out.contains("MR308"), "{said:?}");
}

/// A push without a job, as one that says `[skip ci]`, is reported by the next.
#[test]
fn after_a_landing_the_whole_mainline_counts() {
    let hub = opened();
    let _ = hub.lab.ok(
        "admin-1",
        &["group", "create", "other", "--description", "another group"],
    );
    let unseen = bad(&hub);
    let _ = hub.lab.ok(
        "admin-1",
        &[
            "group",
            "update",
            "other",
            "--description",
            "still another",
            "--trust-base",
        ],
    );
    let after = hub.lab.git(&["rev-parse", "HEAD"]);
    hub.lab.git(&["push", "-q", "origin", "main"]);
    let mut job = Job::at(&hub, &after);
    let said = push(&mut job, "refs/heads/main", &unseen, &after);
    assert_eq!(
        (said.code, annotated(&said.out)),
        (1, vec!["MR308".to_owned()]),
        "{said:?}"
    );
    // A landed commit gets no kinder verdict as a tag or a pull request.
    for said in [
        push(&mut job, "refs/tags/v1", ZEROES, &unseen),
        pull_request(&mut job, "pull_request_target", &unseen, "main"),
    ] {
        assert_eq!(
            (said.code, annotated(&said.out)),
            (1, vec!["MR308".to_owned()]),
            "{said:?}"
        );
        assert!(said.err.contains("nothing would land"), "{said:?}");
    }
    // A queue is about its own steps alone.
    job.event(
        "merge_group",
        &json!({"merge_group": {"base_ref": "refs/heads/main", "base_sha": unseen, "head_ref": "refs/heads/queue", "head_sha": after}}),
    );
    let said = job.judge();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("1 finding elsewhere in the history"),
        "{said:?}"
    );
}

/// Where nothing would land, that is said of a mainline that is the right one.
#[test]
fn a_mainline_of_another_registry_is_no_base() {
    let hub = opened();
    let tip = hub.tip();
    let mut job = Job::at(&hub, &tip);
    job.set("MODELRY_ROOT", &"a".repeat(40));
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("not among the first parents"), "{said:?}");
}

/// A runner may keep a clone, where an earlier job wrote.
#[test]
fn the_clones_configuration_names_no_mainline() {
    let hub = opened();
    let tip = proposed(&hub, bad);
    let mut job = Job::at(&hub, &tip);
    job.git(&["config", "modelry.mainline", "topic"]);
    let said = pull_request(&mut job, "pull_request", &tip, "main");
    assert_eq!(
        (said.code, annotated(&said.out)),
        (1, vec!["MR308".to_owned()]),
        "{said:?}"
    );
}
