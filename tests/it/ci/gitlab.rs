//! Pipelines of GitLab CI.

use super::{Job, bad, good, opened, own};
use crate::support::hub::Hub;
use crate::support::needs::{CURL, needs};
use crate::support::server::{Reply, Server};
use crate::support::{Said, said};

const ZEROES: &str = "0000000000000000000000000000000000000000";

/// A merge request's branch, pushed.
fn proposed(hub: &Hub, make: fn(&Hub) -> String) -> String {
    hub.lab.git(&["switch", "-q", "-c", "topic"]);
    let tip = make(hub);
    hub.lab.git(&[
        "push",
        "-q",
        "origin",
        "topic",
        "topic:refs/merge-requests/7/head",
    ]);
    tip
}

/// As a runner leaves a clone: one reference, and nothing of other branches.
fn pipeline<'h>(hub: &'h Hub, commit: &str, variables: &[(&str, &str)]) -> Job<'h> {
    let mut job = Job::with(hub, &["--no-checkout", "--single-branch", "--branch", "topic"]);
    job.git(&["fetch", "-q", "origin", commit]);
    job.git(&["checkout", "-q", "--detach", commit]);
    for (name, value) in [
        ("CI_DEFAULT_BRANCH", "main"),
        ("CI_PROJECT_ID", "1"),
        ("CI_COMMIT_SHA", commit),
        ("CI_COMMIT_BEFORE_SHA", ZEROES),
    ] {
        job.set(name, value);
    }
    for (name, value) in variables {
        job.set(name, value);
    }
    job
}

const MERGE_REQUEST: [(&str, &str); 5] = [
    ("CI_PIPELINE_SOURCE", "merge_request_event"),
    ("CI_MERGE_REQUEST_IID", "7"),
    ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
    ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ("CI_MERGE_REQUEST_EVENT_TYPE", "detached"),
];

fn judged(job: &Job<'_>) -> Said {
    job.validate("gitlab", &["--fetch", "-o", "concise"])
}

#[test]
fn a_merge_request_is_judged_as_it_would_land() {
    for (make, code) in [(good as fn(&Hub) -> String, 0), (bad, 1)] {
        let hub = opened();
        hub.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        let tip = proposed(&hub, make);
        let mut job = pipeline(&hub, &tip, &MERGE_REQUEST);
        let said = judged(&job);
        assert_eq!(said.code, code, "{said:?}");
        // To a branch that is not the mainline it is the same.
        job.set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "topic");
        assert_eq!(judged(&job).code, code);

        // Merged results: the pipeline's commit is the host's merge.
        hub.lab.git(&["switch", "-q", "-c", "result", "main"]);
        hub.lab
            .git(&["merge", "-q", "--no-ff", "--no-gpg-sign", "-m", "Merge", "topic"]);
        let merge = hub.lab.git(&["rev-parse", "HEAD"]);
        hub.lab
            .git(&["push", "-q", "origin", "result:refs/merge-requests/7/merge"]);
        let mut job = pipeline(&hub, &merge, &MERGE_REQUEST);
        job.set("CI_MERGE_REQUEST_EVENT_TYPE", "merged_result");
        job.set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &tip);
        let said = judged(&job);
        assert_eq!(said.code, code, "{said:?}");

        // A train: the steps that it will push, on what is before it there.
        job.set("CI_MERGE_REQUEST_EVENT_TYPE", "merge_train");
        job.set("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &hub.tip());
        let said = judged(&job);
        assert_eq!(said.code, code, "{said:?}");
        job.set("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "");
        assert_eq!(judged(&job).code, 2);
    }
}

#[test]
fn a_push_is_judged_by_where_it_went() {
    let hub = opened();
    hub.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let before = hub.tip();
    let tip = proposed(&hub, bad);
    let on_topic = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BRANCH", "topic")];
    let said = judged(&pipeline(&hub, &tip, &on_topic));
    assert!(said.code == 1 && said.out.contains("MR308"), "{said:?}");
    let tagged = [("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v1")];
    assert_eq!(judged(&pipeline(&hub, &tip, &tagged)).code, 1);

    hub.lab.git(&["push", "-q", "origin", "topic:main"]);
    let on_main = [
        ("CI_PIPELINE_SOURCE", "push"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_BEFORE_SHA", before.as_str()),
    ];
    let mut job = pipeline(&hub, &tip, &on_main);
    let said = judged(&job);
    assert!(said.code == 1 && said.out.contains("MR308"), "{said:?}");
    // Started by hand: no commit before, so every step.
    job.set("CI_PIPELINE_SOURCE", "web");
    job.set("CI_COMMIT_BEFORE_SHA", ZEROES);
    assert_eq!(judged(&job).code, 1);
    // Forced back.
    let mut job = pipeline(&hub, &before, &on_main);
    job.set("CI_COMMIT_BEFORE_SHA", &tip);
    let said = judged(&job);
    assert!(said.code == 1 && said.out.contains("MR502"), "{said:?}");
    // Another mainline.
    let mut job = pipeline(&hub, &before, &on_topic);
    job.set("CI_COMMIT_BEFORE_SHA", &hub.lab.root());
    let said = job.validate("gitlab", &["--mainline", "topic"]);
    assert_eq!(said.code, 0, "{said:?}");
}

/// As on the other host: the whole mainline, or another branch as it would land.
#[test]
fn a_schedule_judges_the_mainline_and_by_hand_what_was_chosen() {
    for (make, code) in [(good as fn(&Hub) -> String, 0), (bad, 1)] {
        let hub = opened();
        hub.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        let tip = proposed(&hub, make);
        let sources = ["schedule", "web", "api", "trigger", "pipeline", "parent_pipeline"];
        for source in sources {
            for branch in ["main", "topic"] {
                let variables = [("CI_PIPELINE_SOURCE", source), ("CI_COMMIT_BRANCH", branch)];
                let said = judged(&pipeline(&hub, &tip, &variables));
                assert_eq!(said.code, code, "{source} on {branch}: {said:?}");
                let whole = said.err.contains("every step from the root was judged");
                assert_eq!(whole, branch == "main", "{source} on {branch}: {said:?}");
            }
        }
    }
}

#[test]
fn what_is_no_pipeline_of_commits_is_never_a_pass() {
    let hub = opened();
    let tip = proposed(&hub, good);
    for variables in [
        vec![],
        vec![("CI_PIPELINE_SOURCE", "push")],
        vec![
            ("CI_PIPELINE_SOURCE", "ondemand_dast_scan"),
            ("CI_COMMIT_BRANCH", "main"),
        ],
        vec![("CI_PIPELINE_SOURCE", "schedule")],
        vec![
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_COMMIT_SHA", "main"),
        ],
        vec![
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_DEFAULT_BRANCH", ""),
        ],
    ] {
        let said = judged(&pipeline(&hub, &tip, &variables));
        assert_eq!(said.code, 2, "{variables:?}: {said:?}");
    }
    // In the fork's own project, `main` is the fork's to choose.
    let mut job = pipeline(&hub, &tip, &MERGE_REQUEST);
    job.set("CI_PROJECT_ID", "2");
    let said = judged(&job);
    assert!(said.code == 2 && said.err.contains("in a fork"), "{said:?}");
}

/// A user who starts a pipeline may set variables that replace GitLab's.
#[test]
fn what_is_judged_is_what_is_checked_out() {
    let hub = opened();
    hub.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let good_one = hub.tip();
    let tip = proposed(&hub, bad);
    for (name, value) in [
        ("CI_COMMIT_SHA", good_one.as_str()),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &hub.lab.root()),
    ] {
        let mut job = pipeline(&hub, &tip, &MERGE_REQUEST);
        assert_eq!(judged(&job).code, 1);
        job.set(name, value);
        let said = judged(&job);
        assert!(
            said.code == 2 && said.err.contains("the runner checked") && said.err.contains("minimum role"),
            "{name}: {said:?}"
        );
    }
}

/// The template's lines, as they stand there.
fn script() -> String {
    let text = std::fs::read_to_string(own(".gitlab/modelry.gitlab-ci.yml")).expect("the template");
    let lines = text
        .split("    - |\n")
        .nth(1)
        .and_then(|rest| rest.split("  artifacts:").next());
    let lines = lines.expect("a script").lines().map(str::trim);
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_template_runs_what_it_fetched() {
    needs![CURL];
    let hub = opened();
    let tip = proposed(&hub, bad);
    let archive = super::action::archive(&hub, "0.0.0-any");
    let sum = modelry::testing::record::canonical::sha256(&archive).to_string();
    let server = Server::start(move |request| Reply::file(&archive, request));
    let mut job = pipeline(&hub, &tip, &MERGE_REQUEST);
    job.set("MODELRY_ROOT", &hub.lab.root());
    job.set("MODELRY_ARCHIVE", &server.uri("/modelry.tar.gz"));
    job.set("MODELRY_SHA256", sum.trim_start_matches("sha256:"));
    let run = |job: &Job<'_>| said(&mut job.command("sh".as_ref(), &["-c", &script()]));
    let said = run(&job);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("MR308"), "{said:?}");
    assert!(job.read("modelry-quality.json").contains("MR308"));
    assert!(job.read("modelry-junit.xml").contains("MR308"));
    assert!(job.read("modelry-summary.md").contains("MR308"));
    job.set("MODELRY_SHA256", &"0".repeat(64));
    let said = run(&job);
    assert!(
        said.code == 2 && said.out.contains("is not what MODELRY_SHA256 says"),
        "{said:?}"
    );
}
