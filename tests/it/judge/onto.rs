//! `validate --onto`: a branch as each way of landing would leave it.

use std::sync::OnceLock;

use modelry::testing::base::Oid;
use modelry::testing::git::{Repo, merge_text};
use modelry::testing::judge::history::{Graph, Planner};
use modelry::testing::object::{self, Overlay};
use modelry::testing::record::kind::Landing;
use serde_json::Value;

use crate::support::Lab;

/// A registry with `churn/1` Pending, and a branch `side` checked out.
fn started() -> Lab {
    static MADE: OnceLock<Lab> = OnceLock::new();
    Lab::copy_of(&MADE, || {
        let lab = Lab::with_registry();
        lab.register("churn", '1');
        lab.git(&["config", "modelry.mainline", "main"]);
        lab.git(&["switch", "-q", "-c", "side"]);
        lab
    })
}

/// The exit code, and for each finding its code and ways of landing.
fn judged(lab: &Lab, more: &[&str]) -> (i32, Vec<(String, String)>) {
    let mut all = vec!["validate", "--onto", "main", "-o", "json"];
    all.extend_from_slice(more);
    let said = lab.says("admin-1", &all);
    assert!(said.code < 2, "{}", said.err);
    let value: Value = serde_json::from_str(&said.out).expect("JSON");
    let findings = value["findings"].as_array().expect("a list").iter();
    let found = findings.map(|finding| {
        let ways: Vec<&str> = finding["landings"]
            .as_array()
            .map_or_else(Vec::new, |ways| ways.iter().filter_map(Value::as_str).collect());
        (
            finding["code"].as_str().expect("a code").to_owned(),
            ways.join(" "),
        )
    });
    (said.code, found.collect())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(code, ways): &(&str, &str)| ((*code).to_owned(), (*ways).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn what_signs_itself_lands_in_every_way() {
    let lab = started();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    assert_eq!(judged(&lab, &[]), (0, Vec::new()));
    let said = lab.ok("admin-1", &["validate", "--onto", "main"]);
    for line in [
        "landed by merge   clean (a merge commit)",
        "landed by squash  clean (one commit)",
        "landed by rebase  clean (1 commit made anew)",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn what_only_commits_prove_needs_a_merge() {
    let lab = started();
    let _ = lab.ok(
        "risk-1",
        &["approve", "churn/1", "-m", "good", "--no-record-signature"],
    );
    let expected = [("MR301", "squash rebase"), ("MR308", "squash rebase")];
    assert_eq!(judged(&lab, &[]), (1, pairs(&expected)));
    let said = lab.findings("admin-1", &["validate", "--onto", "main"]);
    for words in [
        "landed by merge   clean",
        "`risk-1` signed a commit of the branch, which a squash leaves behind",
        "land it as a merge, or let `risk-1` sign the record itself",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(judged(&lab, &["--landing", "merge"]), (0, Vec::new()));
}

/// Git and hosts follow renames: a change of a file outside the registry would
/// land in the record that the mainline made of it.
#[test]
fn a_change_that_would_follow_a_rename_into_the_registry_is_seen() {
    let lab = started();
    let version = "groups/churn/versions/2/version.yaml";
    let record = lab
        .read("groups/churn/versions/1/version.yaml")
        .replace("version: 1\n", "version: 2\n");
    let record = record.split("signature:").next().expect("a head").to_owned();
    lab.git(&["switch", "-q", "main"]);
    lab.write("docs/example.yaml", &record);
    lab.commit("trainer", "docs: an example");
    lab.git(&["switch", "-q", "-C", "side"]);
    lab.write(
        "docs/example.yaml",
        &record.replace("status: Pending", "status: Approved"),
    );
    lab.commit("trainer", "docs: a better example");
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.git(&["rm", "-q", "docs/example.yaml"]);
    lab.write(version, &record);
    lab.commit("trainer", "Register churn/2");
    let _ = lab.ok("admin-1", &["validate", "HEAD~1..HEAD"]);
    lab.git(&["switch", "-q", "side"]);
    let expected = [("MR508", "merge squash rebase")];
    assert_eq!(judged(&lab, &[]), (1, pairs(&expected)));
    // Which is what git would do.
    lab.git(&["switch", "-q", "main"]);
    assert!(
        lab.git_as("admin-1", &["merge", "-q", "--squash", "side"])
            .status
            .success()
    );
    assert!(lab.read(version).contains("status: Approved"));
}

#[test]
fn the_policy_says_which_ways_there_are() {
    let lab = started();
    lab.git(&["switch", "-q", "main"]);
    lab.change_policy("grants:\n", "landing: [merge]\ngrants:\n");
    lab.git(&["switch", "-q", "side"]);
    let _ = lab.ok(
        "risk-1",
        &["approve", "churn/1", "-m", "good", "--no-record-signature"],
    );
    assert_eq!(judged(&lab, &[]), (0, Vec::new()));
}

#[test]
fn a_group_is_proven_by_its_commit_alone() {
    let lab = started();
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    assert_eq!(judged(&lab, &[]), (1, pairs(&[("MR301", "squash rebase")])));
    let said = lab.findings("admin-1", &["validate", "--onto", "main"]);
    assert!(
        said.contains("land it as a merge, which keeps the branch's own commits"),
        "{said}"
    );
    lab.git(&["switch", "-q", "main"]);
    lab.change_policy("grants:\n", "landing: [squash]\ngrants:\n");
    lab.git(&["switch", "-q", "side"]);
    let said = lab.findings("admin-1", &["validate", "--onto", "main"]);
    assert!(said.contains("let `admin-1` push it to `main`"), "{said}");
}

#[test]
fn an_approval_that_is_missing_is_named() {
    let lab = started();
    let path = "groups/churn/versions/1/version.yaml";
    let text = lab.read(path).replace("status: Pending", "status: Approved");
    lab.write(path, &text);
    lab.commit("admin-1", "by hand");
    assert_eq!(judged(&lab, &[]), (1, pairs(&[("MR308", "merge squash rebase")])));
    let said = lab.findings("admin-1", &["validate", "--onto", "main"]);
    assert!(
        said.contains("ask `risk-1` or `risk-2` to run `modelry approve churn/1 -m REASON`"),
        "{said}"
    );
}

#[test]
fn a_grant_that_is_missing_is_named() {
    let lab = started();
    let key = std::fs::read_to_string(lab.public_key("mallory")).expect("a key");
    let key = key.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    lab.git(&["switch", "-q", "main"]);
    lab.change_policy(
        "actors:\n",
        &format!("actors:\n  mallory: {{kind: person, keys: [\"{key}\"]}}\n"),
    );
    lab.git(&["switch", "-q", "side"]);
    lab.git(&["reset", "-q", "--hard", "main"]);
    let path = "groups/churn/group.yaml";
    lab.write(path, &lab.read(path).replace("who may leave us", "ours"));
    lab.commit("mallory", "mine now");
    assert_eq!(
        judged(&lab, &["--landing", "merge"]),
        (1, pairs(&[("MR307", "merge")]))
    );
    let said = lab.findings("admin-1", &["validate", "--onto", "main", "--landing", "merge"]);
    assert!(
        said.contains("`mallory`") && said.contains("update-group"),
        "{said}"
    );
}

#[test]
pub fn mr508_fires_and_names_both_sides() {
    let lab = started();
    lab.register("churn", '2');
    lab.git(&["switch", "-q", "main"]);
    lab.register("churn", '3');
    lab.git(&["switch", "-q", "side"]);
    assert_eq!(judged(&lab, &[]), (1, pairs(&[("MR508", "merge squash rebase")])));
    let said = lab.findings("admin-1", &["validate", "--onto", "main"]);
    for words in [
        "on `main`: commit ",
        "on the branch: commit ",
        "signed by `trainer`",
        "nothing yet",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
pub fn mr508_passes_where_git_puts_lines_together() {
    let lab = started();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("trainer", &["annotate", "churn/1", "--label", "a=b"]);
    lab.git(&["switch", "-q", "side"]);
    assert_eq!(judged(&lab, &[]), (0, Vec::new()));
}

#[test]
fn conflicts_elsewhere_are_told_and_decide_nothing() {
    let lab = started();
    lab.write("notes.txt", "theirs\n");
    lab.commit("stranger", "notes");
    lab.git(&["switch", "-q", "main"]);
    lab.write("notes.txt", "ours\n");
    lab.commit("stranger", "notes");
    lab.git(&["switch", "-q", "side"]);
    let said = lab.ok("admin-1", &["validate", "--onto", "main"]);
    assert!(
        said.contains("`notes.txt` is no file of the registry, and is in conflict too"),
        "{said}"
    );
}

#[test]
fn two_sides_that_are_wrong_together_are_seen_before_they_land() {
    let lab = started();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok(
        "trainer",
        &["evidence", "add", "churn/1", "bad", "--metric", "auc=0.1"],
    );
    lab.git(&["switch", "-q", "side"]);
    let (code, found) = judged(&lab, &[]);
    assert_eq!(code, 1);
    assert!(
        found.contains(&("MR308".into(), "merge squash rebase".into())),
        "{found:?}"
    );
}

#[test]
fn a_faulty_mainline_stops_what_touches_its_group() {
    let lab = started();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["switch", "-q", "main"]);
    let path = "groups/churn/group.yaml";
    lab.write(path, &lab.read(path).replace("who may leave us", "ours"));
    lab.commit("stranger", "by nobody");
    lab.git(&["switch", "-q", "side"]);
    assert_eq!(judged(&lab, &[]), (1, pairs(&[("MR302", "")])));
    // Another group's fault is reported.
    lab.git(&["switch", "-q", "-c", "other", "main"]);
    lab.change_policy("grants:\n", "protect: [\"*.md\"]\ngrants:\n");
    let said = lab.says("admin-1", &["validate", "--onto", "main", "--landing", "merge"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.err.contains("1 finding elsewhere in the history"),
        "{said:?}"
    );
}

#[test]
fn there_must_be_something_to_land() {
    let lab = started();
    let said = lab.error("admin-1", &["validate", "--onto", "main"]);
    assert!(said.contains("there is nothing to land"), "{said}");
}

#[test]
fn a_checkout_on_no_branch_is_no_obstacle() {
    let lab = started();
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    lab.git(&["config", "--unset", "modelry.mainline"]);
    lab.git(&["checkout", "-q", "--detach"]);
    assert_eq!(judged(&lab, &[]), (0, Vec::new()));
}

#[test]
fn a_range_that_was_turned_round_is_a_finding() {
    let lab = started();
    let _ = lab.ok("admin-1", &["group", "create", "other"]);
    lab.git(&["switch", "-q", "main"]);
    let _ = lab.ok("risk-1", &["approve", "churn/1", "-m", "good"]);
    let old = lab.git(&["rev-parse", "main"]);
    lab.git(&["switch", "-q", "side"]);
    let merged = lab.git_as(
        "admin-1",
        &["merge", "-q", "--no-ff", "-S", "-m", "foxtrot", "main"],
    );
    assert!(merged.status.success());
    let said = lab.findings("admin-1", &["validate", &format!("{old}..HEAD")]);
    assert!(said.contains("MR505"), "{said}");
}

/// `layers` of `width` commits, each a merge of all before it; `main` merges
/// the last layer's first, and `side` goes on from its second. Each commit
/// writes a file of its own where they are to differ.
fn crossed(lab: &Lab, layers: usize, width: usize, differ: bool) {
    use std::io::Write;
    let mut stream = String::new();
    let mut commit = |branch: &str, mark: usize, from: &[String], files: &[(String, String)]| {
        stream.push_str(&format!("commit refs/heads/{branch}\nmark :{mark}\n"));
        stream.push_str("committer x <x@example.com> 1790000000 +0000\ndata 2\nx\n");
        for (place, from) in from.iter().enumerate() {
            let word = if place == 0 { "from" } else { "merge" };
            stream.push_str(&format!("{word} {from}\n"));
        }
        for (name, text) in files {
            let size = text.len();
            stream.push_str(&format!("M 100644 inline {name}\ndata {size}\n{text}\n"));
        }
    };
    let start = lab.git(&["rev-parse", "main"]);
    let last = layers * width;
    let ground = |place: usize| (format!("f{place}"), "layer 0".to_owned());
    let files: Vec<_> = (0..width).map(ground).collect();
    commit("lattice", last + 3, std::slice::from_ref(&start), &files);
    let mut before = vec![format!(":{}", last + 3)];
    for layer in 1..=layers {
        let first = (layer - 1) * width + 1;
        for place in 0..width {
            let file = |other: usize| {
                let layer = if other == place { layer } else { layer - 1 };
                (format!("f{other}"), format!("layer {layer}"))
            };
            let files: Vec<_> = (0..width).filter(|_| differ).map(file).collect();
            commit("lattice", first + place, &before, &files);
        }
        before = (first..first + width).map(|mark| format!(":{mark}")).collect();
    }
    let own = |name: &str| vec![(name.to_owned(), "its own".to_owned())];
    commit("main", last + 1, &[before[0].clone(), start], &own("ours"));
    commit("side", last + 2, &[before[1].clone()], &own("theirs"));
    let mut import = lab
        .command("git")
        .args(["fast-import", "--quiet", "--force"])
        .current_dir(&lab.top)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("git");
    let mut input = import.stdin.take().expect("a pipe");
    input.write_all(stream.as_bytes()).expect("written");
    drop(input);
    assert!(import.wait().expect("git").success());
    lab.git(&["reset", "-q", "--hard"]);
}

/// Returns the merge of `main` and `side` by Modelry, and by git.
fn merged(lab: &Lab) -> (String, String) {
    let id = |branch: &str| Oid::from_hex(&lab.git(&["rev-parse", branch])).expect("an id");
    let repo = Repo::open(&lab.top).expect("a repository");
    let objects = repo.objects().expect("objects");
    let overlay = Overlay::new(&objects);
    let planner = Planner {
        objects: &overlay,
        graph: &Graph::new(&overlay, None),
        merge_text: &merge_text,
        judged: &object::Whole,
    };
    let plan = planner
        .plan(Landing::Merge, id("main"), id("side"))
        .expect("a plan");
    let commit = plan.commits.last().expect("a merge");
    (
        commit.tree.to_string(),
        lab.git(&["merge-tree", "--write-tree", "main", "side"]),
    )
}

/// There are 3^40 ways down such a lattice, and 40 layers.
#[test]
fn branches_that_crossed_often_are_merged_in_good_time() {
    let started = std::time::Instant::now();
    for differ in [false, true] {
        let lab = Lab::with_registry();
        lab.git(&["config", "modelry.mainline", "main"]);
        crossed(&lab, 40, 4, differ);
        assert_eq!(judged(&lab, &["side"]), (0, Vec::new()));
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(60));
    // To the tree that git makes, which takes its time for more layers.
    for (layers, width) in [(1, 2), (2, 2), (6, 2), (3, 4)] {
        let lab = Lab::with_registry();
        crossed(&lab, layers, width, true);
        let (ours, gits) = merged(&lab);
        assert_eq!(ours, gits, "{layers} layers of {width}");
    }
}

#[test]
fn branches_that_crossed_too_often_are_an_error() {
    let lab = Lab::with_registry();
    lab.git(&["config", "modelry.mainline", "main"]);
    crossed(&lab, 250, 2, true);
    let said = lab.error("admin-1", &["validate", "--onto", "main", "side"]);
    assert!(said.contains("crossed too often"), "{said}");
    // As the hint says: with one commit in common there is nothing to merge.
    lab.git(&["switch", "-q", "side"]);
    lab.git(&["merge", "-q", "--no-ff", "-s", "ours", "-S", "-m", "meet", "main"]);
    let said = lab.says("admin-1", &["validate", "--onto", "main", "side"]);
    assert!(said.code < 2, "{said:?}");
}

/// Files of many lines, changed at random on two branches that meet now and
/// then: where git merges, so do we, to the same tree; and the other way round.
#[test]
fn git_makes_the_same_trees() {
    let lab = Lab::empty();
    let mut seed = 20_261_125_u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let text = |marks: &[u64]| -> String {
        marks
            .iter()
            .enumerate()
            .map(|(line, mark)| format!("line {line}: {mark}\n"))
            .collect()
    };
    let mut both = [0, 0];
    for round in 0..24 {
        let branches = [format!("a{round}"), format!("b{round}")];
        lab.git(&["switch", "-q", "--orphan", &branches[0]]);
        let mut files = [[[0_u64; 12]; 3]; 2];
        for (name, marks) in files[0].iter().enumerate() {
            lab.write(&format!("f{name}"), &text(marks));
        }
        lab.commit("admin-1", "start");
        lab.git(&["branch", &branches[1]]);
        for step in 0..6 {
            let side = usize::try_from(random(2)).expect("a side");
            lab.git(&["switch", "-q", &branches[side]]);
            let name = usize::try_from(random(3)).expect("a file");
            let current = lab.read(&format!("f{name}"));
            for (line, mark) in current.lines().zip(files[side][name].iter_mut()) {
                *mark = line
                    .rsplit(' ')
                    .next()
                    .and_then(|mark| mark.parse().ok())
                    .unwrap_or(0);
            }
            files[side][name][usize::try_from(random(12)).expect("a line")] = 1 + random(3);
            lab.write(&format!("f{name}"), &text(&files[side][name]));
            if lab.git(&["status", "--porcelain"]).is_empty() {
                continue;
            }
            lab.commit("admin-1", "change");
            if step == 3 {
                let other = &branches[1 - side];
                if !lab
                    .git_as("admin-1", &["merge", "-q", "--no-ff", "-m", "meet", other])
                    .status
                    .success()
                {
                    lab.git(&["merge", "--abort"]);
                }
            }
        }
        let id = |branch: &str| Oid::from_hex(&lab.git(&["rev-parse", branch])).expect("an id");
        let repo = Repo::open(&lab.top).expect("a repository");
        let objects = repo.objects().expect("objects");
        let overlay = Overlay::new(&objects);
        let graph = Graph::new(&overlay, None);
        let planner = Planner {
            objects: &overlay,
            graph: &graph,
            merge_text: &merge_text,
            judged: &object::Whole,
        };
        let plan = planner
            .plan(Landing::Merge, id(&branches[0]), id(&branches[1]))
            .expect("a plan");
        let git = lab.git_as(
            "admin-1",
            &[
                "merge-tree",
                "--write-tree",
                "--no-messages",
                &branches[0],
                &branches[1],
            ],
        );
        let tree = String::from_utf8_lossy(&git.stdout)
            .lines()
            .next()
            .map(str::to_owned);
        assert_eq!(
            plan.clashes.is_empty(),
            git.status.success(),
            "round {round}: {plan:?}"
        );
        both[usize::from(git.status.success())] += 1;
        if let Some(commit) = plan.commits.last() {
            assert_eq!(Some(commit.tree.to_string()), tree, "round {round}");
        }
    }
    assert!(both[0] > 2 && both[1] > 2, "both happen: {both:?}");
}
